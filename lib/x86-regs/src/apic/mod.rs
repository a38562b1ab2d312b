//! The local APIC and the I/O APIC.
//!
//! The local APIC's registers have one numbering: number `n` lies at offset `16 n` of its page in xAPIC
//! mode and is MSR `0x800 + n` in x2APIC mode.

mod io;
mod local;

pub use io::{IoApicVersion, RedirectionHigh, RedirectionLow};
pub use local::{
    ApicBase, ApicId, ApicVersion, CurrentCount, DivideConfiguration, EndOfInterrupt, InitialCount,
    LvtEntry, LvtError, LvtLint0, LvtLint1, LvtPmc, LvtThermal, LvtTimer, SpuriousVector,
    TaskPriority, TscDeadline,
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
