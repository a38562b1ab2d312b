//! CPUID leaf 0xA: Intel's architectural performance monitoring.

use bitfield_struct::bitfield;

use super::leaf;

leaf! {
    /// Which counters exist. SDM vol. 2A, "CPUID", leaf 0AH;
    /// vol. 3B, "Architectural Performance Monitoring".
    PerfmonLeaf = 0xa { PerfmonEax, PerfmonEbx, PerfmonEcx, PerfmonEdx }
}

/// Version, and the general-purpose counters.
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct PerfmonEax {
    /// Version of architectural performance monitoring; 0: there is none.
    pub version: u8,
    /// General-purpose counters of each logical processor.
    pub gp_counters: u8,
    /// Their width in bits.
    pub gp_width: u8,
    /// How many bits of EBX mean something.
    pub event_count: u8,
}

/// Architectural events that do *not* exist.
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct PerfmonEbx {
    /// No UnHalted Core Cycles.
    pub no_cycles: bool,
    /// No Instruction Retired.
    pub no_instructions: bool,
    /// No UnHalted Reference Cycles.
    pub no_reference_cycles: bool,
    /// No LLC Reference.
    pub no_llc_references: bool,
    /// No LLC Misses.
    pub no_llc_misses: bool,
    /// No Branch Instruction Retired.
    pub no_branches: bool,
    /// No Branch Misses Retired.
    pub no_branch_misses: bool,
    /// No Topdown Slots.
    pub no_topdown_slots: bool,
    #[bits(24)]
    __: u32,
}

/// Fixed counters as a bitmap, from version 5 on.
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct PerfmonEcx {
    /// Counter i exists if bit i is set, or if the number in EDX is above i.
    #[bits(32)]
    pub fixed_bitmap: u32,
}

/// The fixed counters.
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct PerfmonEdx {
    /// Fixed counters without gaps from number 0.
    #[bits(5)]
    pub fixed_counters: u8,
    /// Their width in bits.
    #[bits(8)]
    pub fixed_width: u8,
    #[bits(2)]
    __: u8,
    /// Counting of all threads of the core no longer exists.
    pub any_thread_deprecated: bool,
    #[bits(16)]
    __: u16,
}

const _: () = assert!(
    PerfmonEax::new()
        .with_version(5)
        .with_gp_width(48)
        .into_bits()
        == 0x0030_0005
);
const _: () = assert!(PerfmonEdx::new().with_fixed_width(48).into_bits() == 48 << 5);
const _: () = assert!(
    PerfmonEdx::new()
        .with_any_thread_deprecated(true)
        .into_bits()
        == 1 << 15
);
