//! What the performance-monitoring hardware can do beyond the version number.

use bitfield_struct::bitfield;

use crate::msr::{MsrAddr, MsrReg};

/// IA32_PERF_CAPABILITIES, read-only. Exists where CPUID leaf 1 says PDCM.
/// SDM vol. 3B, "IA32_PERF_CAPABILITIES MSR" and "Full-Width Writes to Performance Counter Registers".
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct PerfCapabilities {
    /// Format of the branch records.
    #[bits(6)]
    pub lbr_format: u8,
    /// PEBS records are written like a trap (1) or like a fault (0).
    pub pebs_trap: bool,
    /// PEBS stores the architectural registers.
    pub pebs_arch_registers: bool,
    /// Format of the PEBS records.
    #[bits(4)]
    pub pebs_format: u8,
    /// DEBUGCTL has the bit that stops the counters in system management mode.
    pub freeze_in_smm: bool,
    /// The counters can be written with their full width.
    pub full_width_write: bool,
    /// PEBS records have a fixed part and chosen groups.
    pub pebs_baseline: bool,
    /// The register PERF_METRICS exists.
    pub perf_metrics: bool,
    /// PEBS records can go to Processor Trace.
    pub pebs_output_to_trace: bool,
    #[bits(47)]
    __: u64,
}

impl MsrReg for PerfCapabilities {
    const ADDR: MsrAddr = MsrAddr(0x345);
    const NAME: &'static str = "IA32_PERF_CAPABILITIES";
}

const _: () = assert!(size_of::<PerfCapabilities>() == 8);
const _: () = assert!(
    PerfCapabilities::new()
        .with_full_width_write(true)
        .into_bits()
        == 1 << 13
);
