//! The debug control register: does an overflow freeze the counters?

use bitfield_struct::bitfield;

use crate::msr::{MsrAddr, MsrReg};

/// IA32_DEBUGCTL: branch records, branch traces, and freezing on an overflow.
/// SDM vol. 3B, "IA32_DEBUGCTL MSR"; "Freezing LBR and Performance Counters on PMI".
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct DebugCtl {
    /// Record branches (LBR).
    pub branch_records: bool,
    /// Single-step on branches only (BTF).
    pub single_step_branches: bool,
    /// Trap on a bus lock (BLD), where CPUID says so.
    pub bus_lock_detect: bool,
    #[bits(3)]
    __: u8,
    /// Send branch trace messages (TR).
    pub trace_messages: bool,
    /// Store branch traces in memory (BTS).
    pub trace_store: bool,
    /// Interrupt when the trace buffer is full (BTINT).
    pub trace_interrupt: bool,
    /// No traces in ring 0.
    pub trace_off_kernel: bool,
    /// No traces in rings 1 to 3.
    pub trace_off_user: bool,
    /// An overflow that raises an interrupt freezes the branch records.
    pub freeze_branch_records_on_pmi: bool,
    /// An overflow that raises an interrupt freezes the counters.
    pub freeze_counters_on_pmi: bool,
    /// Let the uncore raise this processor's interrupt.
    pub uncore_pmi: bool,
    /// Stop counters and records in system management mode.
    pub freeze_in_smm: bool,
    /// Advanced debugging of transactions (RTM).
    pub transaction_debug: bool,
    #[bits(48)]
    __: u64,
}

impl MsrReg for DebugCtl {
    const ADDR: MsrAddr = MsrAddr(0x1d9);
    const NAME: &'static str = "IA32_DEBUGCTL";
}

const _: () = assert!(size_of::<DebugCtl>() == 8);
const _: () = assert!(DebugCtl::new().with_trace_messages(true).into_bits() == 1 << 6);
const _: () = assert!(
    DebugCtl::new()
        .with_freeze_counters_on_pmi(true)
        .into_bits()
        == 1 << 12
);
