//! Why a guest was left.

use bitfield_struct::bitfield;

/// The basic exit reason: an open number.
/// SDM vol. 3D, "VMX Basic Exit Reasons".
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct ExitReason(pub u16);

impl ExitReason {
    /// An exception, or an NMI.
    pub const EXCEPTION_OR_NMI: Self = Self(0);
    /// An external interrupt.
    pub const EXTERNAL_INTERRUPT: Self = Self(1);
    /// CPUID.
    pub const CPUID: Self = Self(10);
    /// HLT.
    pub const HLT: Self = Self(12);
    /// RDPMC.
    pub const RDPMC: Self = Self(15);
    /// RDMSR.
    pub const RDMSR: Self = Self(31);
    /// WRMSR.
    pub const WRMSR: Self = Self(32);
    /// The entry failed: guest state.
    pub const INVALID_GUEST_STATE: Self = Self(33);
    /// The entry failed: loading an MSR.
    pub const MSR_LOADING: Self = Self(34);
    /// The preemption timer ran out.
    pub const PREEMPTION_TIMER: Self = Self(52);

    /// For the bitfield: from the word's bits.
    #[must_use]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// For the bitfield: the word's bits.
    #[must_use]
    pub const fn into_bits(self) -> u16 {
        self.0
    }
}

/// The exit reason field. SDM vol. 3C, "Basic VM-Exit Information".
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct ExitWord {
    /// Why.
    #[bits(16)]
    pub reason: ExitReason,
    #[bits(11)]
    __: u16,
    /// In enclave mode.
    pub enclave: bool,
    /// A monitor trap was pending.
    pub pending_mtf: bool,
    /// From VMX root operation.
    pub from_root: bool,
    #[bits(1)]
    __: bool,
    /// The guest was never entered.
    pub entry_failed: bool,
}

/// What kind of event an [`InterruptionInfo`] tells of: an open number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct EventKind(pub u8);

impl EventKind {
    /// An external interrupt.
    pub const EXTERNAL_INTERRUPT: Self = Self(0);
    /// A non-maskable interrupt.
    pub const NMI: Self = Self(2);
    /// A hardware exception.
    pub const HARDWARE_EXCEPTION: Self = Self(3);

    /// For the bitfield: from the word's bits.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// For the bitfield: the word's bits.
    #[must_use]
    pub const fn into_bits(self) -> u8 {
        self.0
    }
}

/// VM-exit interruption information.
/// SDM vol. 3C, "Information for VM Exits Due to Vectored Events".
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct InterruptionInfo {
    /// Vector of the interrupt or exception.
    pub vector: u8,
    /// What it was.
    #[bits(3)]
    pub kind: EventKind,
    /// There is an error code.
    pub has_error_code: bool,
    /// NMIs were being unblocked by an IRET.
    pub unblocking: bool,
    #[bits(18)]
    __: u32,
    /// This word means something.
    pub valid: bool,
}

const _: () = assert!(ExitWord::new().with_entry_failed(true).into_bits() == 1 << 31);
const _: () = assert!(
    InterruptionInfo::new()
        .with_kind(EventKind::NMI)
        .into_bits()
        == 0x200
);
