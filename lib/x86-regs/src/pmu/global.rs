//! The register that starts and stops every counter at once.

use bitfield_struct::bitfield;

use crate::msr::{MsrAddr, MsrReg};

/// IA32_PERF_GLOBAL_CTRL: which counters run at all.
/// SDM vol. 3B, "Architectural Performance Monitoring Version 2".
///
/// Writing zero stops every counter at once. Reset sets the bits of all general-purpose
/// counters, so a counter can run as soon as its own selector enables it.
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct PerfGlobalCtrl {
    /// One bit for each general-purpose counter.
    #[bits(32)]
    pub gp: u32,
    /// One bit for each fixed-function counter.
    #[bits(16)]
    pub fixed: u16,
    /// PERF_METRICS, where PERF_CAPABILITIES says it exists.
    pub perf_metrics: bool,
    #[bits(15)]
    __: u16,
}

impl MsrReg for PerfGlobalCtrl {
    const ADDR: MsrAddr = MsrAddr(0x38f);
    const NAME: &'static str = "IA32_PERF_GLOBAL_CTRL";
}

const _: () = assert!(size_of::<PerfGlobalCtrl>() == 8);
const _: () = assert!(PerfGlobalCtrl::new().with_fixed(1).into_bits() == 1 << 32);
const _: () = assert!(PerfGlobalCtrl::new().with_perf_metrics(true).into_bits() == 1 << 48);
