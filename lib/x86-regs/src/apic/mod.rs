//! The local APIC and the I/O APIC.
//!
//! The local APIC's registers have one numbering: number `n` lies at offset `16 n` of its page in xAPIC
//! mode and is MSR `0x800 + n` in x2APIC mode.

mod io;
mod local;

pub use io::{IoApicVersion, RedirectionHigh, RedirectionLow};
pub use local::{
    ApicBase, ApicId, ApicVersion, CurrentCount, DivideConfiguration, EndOfInterrupt, ErrorStatus,
    InitialCount, InterruptCommand, LogicalDestination, LvtEntry, LvtError, LvtLint0, LvtLint1,
    LvtPmc, LvtThermal, LvtTimer, ProcessorPriority, SelfIpi, SpuriousVector, TaskPriority,
    TscDeadline, VectorRow,
};

/// Number of a local APIC register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ApicRegister(pub u8);

impl ApicRegister {
    /// Where it lies in the APIC's page (xAPIC mode).
    #[must_use]
    pub const fn offset(self) -> usize {
        (self.0 as usize) << 4
    }

    /// The register that an MSR is in x2APIC mode, whether it exists or not.
    #[must_use]
    pub fn from_msr(address: crate::MsrAddr) -> Option<Self> {
        let number = address.0.checked_sub(Self(0).msr().0)?;
        u8::try_from(number).ok().map(Self)
    }

    /// Which MSR it is (x2APIC mode).
    #[must_use]
    pub const fn msr(self) -> crate::MsrAddr {
        crate::MsrAddr(0x800 + self.0 as u32)
    }
}

/// A register of the local APIC, 32 bits wide.
pub trait ApicReg: Copy + From<u32> + Into<u32> {
    /// Which one.
    const REGISTER: ApicRegister;
    /// What the manual calls it.
    const NAME: &'static str;
}
