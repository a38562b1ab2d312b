//! What has overflowed, what is frozen, and who uses which counter.
//!
//! The four registers share one layout, except for the top bits. The in-use register
//! needs version 4, as do the set register and the freeze bits.

use bitfield_struct::bitfield;

use crate::msr::{MsrAddr, MsrReg};

/// Declares the status register and the two that change it; the layout is the same.
macro_rules! status_registers {
    ($($(#[$doc:meta])* $name:ident at $addr:literal, $title:literal;)+) => {$(
        $(#[$doc])*
        #[bitfield(u64)]
        #[derive(PartialEq, Eq)]
        pub struct $name {
            /// Overflow of each general-purpose counter.
            #[bits(32)]
            pub gp: u32,
            /// Overflow of each fixed-function counter.
            #[bits(16)]
            pub fixed: u16,
            /// Overflow of PERF_METRICS.
            pub perf_metrics: bool,
            #[bits(6)]
            __: u8,
            /// A ToPA region of Processor Trace filled up. Version 4, with Processor Trace.
            pub trace_topa_pmi: bool,
            #[bits(2)]
            __: u8,
            /// The branch records stand still (LBR_Frz). Version 4.
            pub lbr_frozen: bool,
            /// The counters stand still (CTR_Frz). Version 4.
            pub counters_frozen: bool,
            /// Counts may include what an SGX enclave did (ASCI). Version 4, with SGX.
            pub asci: bool,
            /// An uncore counter overflowed. Version 3.
            pub uncore: bool,
            /// The debug store's buffer reached its threshold (OvfBuf).
            pub debug_store: bool,
            /// The state of the monitoring hardware changed (CondChgd).
            pub condition_changed: bool,
        }

        impl MsrReg for $name {
            const ADDR: MsrAddr = MsrAddr($addr);
            const NAME: &'static str = $title;
        }

        const _: () = assert!(size_of::<$name>() == 8);
        const _: () = assert!($name::new().with_fixed(1).into_bits() == 1 << 32);
        const _: () = assert!($name::new().with_trace_topa_pmi(true).into_bits() == 1 << 55);
        const _: () = assert!($name::new().with_counters_frozen(true).into_bits() == 1 << 59);
    )+};
}

status_registers! {
    /// IA32_PERF_GLOBAL_STATUS, read-only: what has overflowed and what is frozen.
    /// SDM vol. 3B, "Architectural Performance Monitoring Version 2" and "Version 4".
    GlobalStatus at 0x38e, "IA32_PERF_GLOBAL_STATUS";
    /// IA32_PERF_GLOBAL_STATUS_RESET: a one clears that bit of the status; reads as zero.
    /// SDM vol. 3B, "IA32_PERF_GLOBAL_STATUS Reset and Set Control".
    ///
    /// Before version 4 its name was IA32_PERF_GLOBAL_OVF_CTRL.
    GlobalStatusReset at 0x390, "IA32_PERF_GLOBAL_STATUS_RESET";
    /// IA32_PERF_GLOBAL_STATUS_SET: a one sets that bit of the status; reads as zero.
    /// SDM vol. 3B, "IA32_PERF_GLOBAL_STATUS Reset and Set Control".
    ///
    /// It exists so that a VMM can give a guest its status back, and raises no interrupt.
    GlobalStatusSet at 0x391, "IA32_PERF_GLOBAL_STATUS_SET";
}

/// IA32_PERF_GLOBAL_INUSE, read-only: which counters somebody has programmed.
/// SDM vol. 3B, "IA32_PERF_GLOBAL_INUSE MSR".
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct GlobalInUse {
    /// The event number of this counter's selector is not zero.
    #[bits(32)]
    pub gp: u32,
    /// This fixed-function counter counts in some ring.
    #[bits(16)]
    pub fixed: u16,
    #[bits(15)]
    __: u16,
    /// Some counter would raise an interrupt when it overflows.
    pub pmi: bool,
}

impl MsrReg for GlobalInUse {
    const ADDR: MsrAddr = MsrAddr(0x392);
    const NAME: &'static str = "IA32_PERF_GLOBAL_INUSE";
}

const _: () = assert!(size_of::<GlobalInUse>() == 8);
const _: () = assert!(GlobalInUse::new().with_pmi(true).into_bits() == 1 << 63);
