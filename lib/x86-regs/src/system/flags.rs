//! RFLAGS, and the error code of a page fault.

use bitfield_struct::bitfield;

/// RFLAGS. SDM vol. 1, "RFLAGS Register in 64-Bit Mode".
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct RFlags {
    /// CF.
    pub carry: bool,
    #[bits(default = true)]
    __: bool,
    /// PF.
    pub parity: bool,
    __: bool,
    /// AF.
    pub adjust: bool,
    __: bool,
    /// ZF.
    pub zero: bool,
    /// SF.
    pub sign: bool,
    /// TF: #DB after each instruction.
    pub trap: bool,
    /// IF: external interrupts are taken.
    pub interrupts: bool,
    /// DF: string instructions go downwards.
    pub direction: bool,
    /// OF.
    pub overflow: bool,
    /// IOPL: least privileged ring that may do port I/O.
    #[bits(2)]
    pub io_privilege: u8,
    /// NT: IRET would return from a nested task.
    pub nested_task: bool,
    __: bool,
    /// RF: the next instruction ignores its breakpoint.
    pub resume: bool,
    /// VM: virtual-8086 mode.
    pub virtual_8086: bool,
    /// AC: alignment checks in ring 3; in ring 0 it lifts SMAP.
    pub alignment_check: bool,
    /// VIF.
    pub virtual_interrupts: bool,
    /// VIP.
    pub virtual_interrupt_pending: bool,
    /// ID: CPUID exists when this can be changed.
    pub identification: bool,
    #[bits(42)]
    __: u64,
}

impl RFlags {
    /// What a thread in ring 3 starts with: interrupts on.
    pub const USER: Self = Self::new().with_interrupts(true);

    /// What another thread may set in a thread's flags: results of arithmetic and the direction.
    ///
    /// Not TF and RF, which would steer debug exceptions, nor AC and ID, which a thread can set itself.
    const HARMLESS: Self = Self(0)
        .with_carry(true)
        .with_parity(true)
        .with_adjust(true)
        .with_zero(true)
        .with_sign(true)
        .with_direction(true)
        .with_overflow(true);

    /// These flags reduced to arithmetic and direction, with interrupts on: no I/O privilege, no nested task, no
    /// virtual mode, no single step.
    #[must_use]
    pub const fn made_harmless(self) -> Self {
        Self::from_bits(self.into_bits() & Self::HARMLESS.into_bits() | Self::USER.into_bits())
    }
}

/// Error code of #PF. SDM vol. 3A, "Page-Fault Exceptions".
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct PageFaultCode {
    /// P: the page was present, so its rights forbade the access.
    pub protection: bool,
    /// W/R: a write.
    pub write: bool,
    /// U/S: from ring 3.
    pub user: bool,
    /// RSVD: a reserved bit was set in an entry.
    pub reserved_bit: bool,
    /// I/D: an instruction fetch.
    pub fetch: bool,
    /// PK: a protection key.
    pub protection_key: bool,
    #[bits(58)]
    __: u64,
}

const _: () = assert!(RFlags::USER.into_bits() == 0x202);
const _: () = assert!(PageFaultCode::new().with_fetch(true).into_bits() == 0x10);

#[cfg(test)]
mod tests {
    use super::RFlags;

    #[test]
    fn flags_of_ring_3_hold_no_system_flag() {
        // Everything set: only CF PF AF ZF SF DF OF, IF and the fixed bit 1 may stay.
        assert_eq!(
            RFlags::from_bits(u64::MAX).made_harmless().into_bits(),
            0xed7
        );
        assert_eq!(RFlags::from_bits(0).made_harmless(), RFlags::USER);
    }
}
