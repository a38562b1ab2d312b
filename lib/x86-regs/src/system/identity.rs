//! Registers that tell what a CPU is, its clock, and how it caches.

use bitfield_struct::bitfield;

use crate::msr::{MsrAddr, MsrReg, plain_registers};

plain_registers! {
    /// IA32_TIME_STAMP_COUNTER. SDM vol. 3B, "Time-Stamp Counter".
    TimeStampCounter: MsrReg {
        const ADDR: MsrAddr = MsrAddr(0x10);
        const NAME: &'static str = "IA32_TIME_STAMP_COUNTER";
    }
    /// IA32_BIOS_SIGN_ID: the microcode's revision in the high half. SDM vol. 3A, "Microcode Update Signature and Verification".
    BiosSignature: MsrReg {
        const ADDR: MsrAddr = MsrAddr(0x8b);
        const NAME: &'static str = "IA32_BIOS_SIGN_ID";
    }
    /// IA32_PAT: eight memory types of one byte. SDM vol. 3A, "IA32_PAT MSR".
    PageAttributes: MsrReg {
        const ADDR: MsrAddr = MsrAddr(0x277);
        const NAME: &'static str = "IA32_PAT";
    }
}

impl PageAttributes {
    /// After reset: WB, WT, UC-, UC, twice.
    pub const RESET: Self = Self(0x0007_0406_0007_0406);

    /// Whether each byte is a memory type: 0, 1, 4, 5, 6 or 7.
    #[must_use]
    pub fn is_valid(self) -> bool {
        self.0
            .to_le_bytes()
            .iter()
            .all(|kind| matches!(kind, 0 | 1 | 4..=7))
    }
}

/// IA32_MISC_ENABLE. SDM vol. 4, "IA-32 Architectural MSRs".
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct MiscEnable {
    /// REP MOVS and REP STOS are fast.
    pub fast_strings: bool,
    #[bits(6)]
    __: u8,
    /// Counters exist. Read only.
    pub performance_monitoring: bool,
    #[bits(3)]
    __: u8,
    /// There are no branch traces. Read only.
    pub no_branch_trace: bool,
    /// There is no PEBS. Read only.
    pub no_pebs: bool,
    #[bits(51)]
    __: u64,
}

impl MsrReg for MiscEnable {
    const ADDR: MsrAddr = MsrAddr(0x1a0);
    const NAME: &'static str = "IA32_MISC_ENABLE";
}

const _: () = assert!(MiscEnable::new().with_no_pebs(true).into_bits() == 1 << 12);
