//! AMD's performance-monitoring registers.
//!
//! Selectors and counters lie side by side; the global registers came with PerfMonV2.

use bitfield_struct::bitfield;

use crate::msr::{MsrAddr, MsrBank, MsrReg, plain_registers};

/// Declares the extended and the legacy selector; the layout is the same.
macro_rules! selectors {
    ($($(#[$doc:meta])* $name:ident: $first:literal, $count:literal, $stride:literal, $title:literal;)+) => {$(
        $(#[$doc])*
        #[bitfield(u64)]
        #[derive(PartialEq, Eq)]
        pub struct $name {
            /// Low eight bits of the event number.
            pub event_low: u8,
            /// Unit mask.
            pub unit_mask: u8,
            /// Count in rings 1 to 3 (USR).
            pub user: bool,
            /// Count in ring 0 (OS).
            pub kernel: bool,
            /// Count rising edges.
            pub edge: bool,
            #[bits(1)]
            __: bool,
            /// Raise an interrupt at each overflow.
            pub interrupt: bool,
            #[bits(1)]
            __: bool,
            /// Enable this counter.
            pub enable: bool,
            /// Invert the comparison with the counter mask.
            pub invert: bool,
            /// Zero, or: count cycles with at least this many events.
            pub counter_mask: u8,
            /// High four bits of the event number.
            #[bits(4)]
            pub event_high: u8,
            #[bits(4)]
            __: u8,
            /// Count between VMRUN and the exit only.
            pub guest_only: bool,
            /// Count outside of guests only; needs EFER.SVME, or it counts nothing.
            pub host_only: bool,
            #[bits(22)]
            __: u32,
        }
        impl MsrBank for $name {
            const FIRST: MsrAddr = MsrAddr($first);
            const COUNT: u32 = $count;
            const STRIDE: u32 = $stride;
            const NAME: &'static str = $title;
        }
        const _: () = assert!($name::new().with_enable(true).into_bits() == 1 << 22);
        const _: () = assert!($name::new().with_event_high(1).into_bits() == 1 << 32);
        const _: () = assert!($name::new().with_host_only(true).into_bits() == 1 << 41);
    )+};
}

selectors! {
    /// PERF_CTLx: the selector of a core counter.
    /// APM vol. 2, "Performance Event-Select Registers".
    AmdSelector: 0xc001_0200, 6, 2, "PERF_CTL";
    /// The first four selectors under their old addresses.
    /// APM vol. 2, "Performance Event-Select Registers".
    AmdLegacySelector: 0xc001_0000, 4, 1, "PERF_LEGACY_CTL";
}

plain_registers! {
    /// PERF_CTRx: a core counter of 48 bits. APM vol. 2, "Performance Counter Registers".
    AmdCounter: MsrBank {
        const FIRST: MsrAddr = MsrAddr(0xc001_0201);
        const COUNT: u32 = 6;
        const STRIDE: u32 = 2;
        const NAME: &'static str = "PERF_CTR";
    }
    /// The first four counters under their old addresses.
    /// APM vol. 2, "Performance Counter Registers".
    AmdLegacyCounter: MsrBank {
        const FIRST: MsrAddr = MsrAddr(0xc001_0004);
        const COUNT: u32 = 4;
        const NAME: &'static str = "PERF_LEGACY_CTR";
    }
}

/// PerfCntrGlobalCtl: which counters run at all.
/// APM vol. 2, "Performance Monitoring Version 2".
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct AmdGlobalControl {
    /// One bit for each core counter.
    #[bits(16)]
    pub counters: u16,
    #[bits(48)]
    __: u64,
}

impl MsrReg for AmdGlobalControl {
    const ADDR: MsrAddr = MsrAddr(0xc000_0301);
    const NAME: &'static str = "PerfCntrGlobalCtl";
}

/// Declares the status register and the two that change it; the layout is the same.
macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident at $addr:literal, $title:literal;)+) => {$(
        $(#[$doc])*
        #[bitfield(u64)]
        #[derive(PartialEq, Eq)]
        pub struct $name {
            /// Overflow of each core counter.
            #[bits(16)]
            pub counters: u16,
            #[bits(42)]
            __: u64,
            /// The branch records stand still.
            pub records_frozen: bool,
            /// The counters stand still.
            pub counters_frozen: bool,
            #[bits(4)]
            __: u8,
        }
        impl MsrReg for $name {
            const ADDR: MsrAddr = MsrAddr($addr);
            const NAME: &'static str = $title;
        }
        const _: () = assert!($name::new().with_counters_frozen(true).into_bits() == 1 << 59);
    )+};
}

statuses! {
    /// PerfCntrGlobalStatus, read-only: what has overflowed and what is frozen.
    /// APM vol. 2, "Performance Monitoring Version 2".
    AmdGlobalStatus at 0xc000_0300, "PerfCntrGlobalStatus";
    /// PerfCntrGlobalStatusClr: a one clears that bit of the status.
    /// APM vol. 2, "Performance Monitoring Version 2".
    AmdGlobalStatusClear at 0xc000_0302, "PerfCntrGlobalStatusClr";
    /// PerfCntrGlobalStatusSet: a one sets that bit of the status.
    /// APM vol. 2, "Performance Monitoring Version 2".
    AmdGlobalStatusSet at 0xc000_0303, "PerfCntrGlobalStatusSet";
}

#[cfg(test)]
mod tests {
    use super::{AmdCounter, AmdSelector};
    use crate::msr::{MsrAddr, MsrBank};

    #[test]
    fn selectors_and_counters_alternate() {
        assert_eq!(AmdSelector::addr(5), Some(MsrAddr(0xc001_020a)));
        assert_eq!(AmdCounter::addr(5), Some(MsrAddr(0xc001_020b)));
        assert_eq!(AmdSelector::index(MsrAddr(0xc001_0203)), None);
    }
}
