//! CPUID leaf 0x8000_0022: AMD's extended performance monitoring (PerfMonV2).

use bitfield_struct::bitfield;

use super::leaf;
use super::perfmon_extended::Reserved;

leaf! {
    /// Which counters exist, and whether they have global registers.
    /// APM vol. 3, "Function 8000_0022h: Extended Performance Monitoring and Debug".
    AmdPerfmonLeaf = 0x8000_0022 { AmdPerfmonEax, AmdPerfmonEbx, AmdPerfmonEcx, Reserved }
}

/// What there is.
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct AmdPerfmonEax {
    /// Version 2: global control and status.
    pub version_2: bool,
    /// A stack of branch records.
    pub branch_records: bool,
    /// Records and counters can be frozen on an interrupt.
    pub freeze: bool,
    #[bits(29)]
    __: u32,
}

/// How many there are.
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct AmdPerfmonEbx {
    /// Core counters.
    #[bits(4)]
    pub core_counters: u8,
    /// Entries of the stack of branch records.
    #[bits(6)]
    pub branch_records: u8,
    /// Northbridge counters.
    #[bits(6)]
    pub northbridge_counters: u8,
    /// Memory controller counters.
    #[bits(6)]
    pub memory_counters: u8,
    #[bits(10)]
    __: u16,
}

/// Where the memory controllers are.
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct AmdPerfmonEcx {
    /// Memory controllers that are active.
    #[bits(32)]
    pub memory_controllers: u32,
}

const _: () = assert!(
    AmdPerfmonEbx::new()
        .with_northbridge_counters(1)
        .into_bits()
        == 1 << 10
);
