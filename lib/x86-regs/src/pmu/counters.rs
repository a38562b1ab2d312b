//! The counters themselves, under all their addresses.

use crate::msr::{MsrAddr, plain_registers};

plain_registers! {
    /// IA32_PMCx: a general-purpose counter. A write takes the low 32 bits and extends their
    /// sign up to the counter's width.
    /// SDM vol. 3B, "Architectural Performance Monitoring Version 1 Facilities".
    LegacyCounter: MsrBank {
        const FIRST: MsrAddr = MsrAddr(0xc1);
        const COUNT: u32 = 8;
        const NAME: &'static str = "IA32_PMC";
    }
    /// IA32_A_PMCx: the same counter, written with its full width. Exists where
    /// PERF_CAPABILITIES says full-width write.
    /// SDM vol. 3B, "Full-Width Writes to Performance Counter Registers".
    FullWidthCounter: MsrBank {
        const FIRST: MsrAddr = MsrAddr(0x4c1);
        const COUNT: u32 = 8;
        const NAME: &'static str = "IA32_A_PMC";
    }
    /// IA32_FIXED_CTRx: a fixed-function counter; always written with its full width.
    /// SDM vol. 3B, "Architectural Performance Monitoring Version 2".
    FixedCounter: MsrBank {
        const FIRST: MsrAddr = MsrAddr(0x309);
        const COUNT: u32 = 4;
        const NAME: &'static str = "IA32_FIXED_CTR";
    }
}
