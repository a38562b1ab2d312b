//! CPUID leaf 0x23: architectural performance monitoring from version 6 on.

use bitfield_struct::bitfield;

use super::leaf;

leaf! {
    /// Which subleaves there are, and what selectors gained.
    /// SDM vol. 2A, "CPUID", leaf 23H.
    ExtendedPerfmonLeaf = 0x23 / 0 { ExtendedPerfmonEax, ExtendedPerfmonEbx, ExtendedPerfmonEcx, Reserved }
}
leaf! {
    /// The counters that exist, as bitmaps. SDM vol. 2A, "CPUID", leaf 23H, subleaf 1.
    ExtendedPerfmonCounters = 0x23 / 1 { CounterBitmap, CounterBitmap, Reserved, Reserved }
}
leaf! {
    /// The architectural events that exist, as a bitmap. SDM vol. 2A, "CPUID", leaf 23H, subleaf 3.
    ExtendedPerfmonEvents = 0x23 / 3 { CounterBitmap, Reserved, Reserved, Reserved }
}

/// The subleaves that exist.
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct ExtendedPerfmonEax {
    /// Subleaf 0, always.
    pub itself: bool,
    /// Subleaf 1: counters.
    pub counters: bool,
    /// Subleaf 2: automatic reload.
    pub automatic_reload: bool,
    /// Subleaf 3: events.
    pub events: bool,
    #[bits(28)]
    __: u32,
}

/// What selectors gained.
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct ExtendedPerfmonEbx {
    /// A second unit mask.
    pub second_unit_mask: bool,
    /// The counter mask can compare for equality.
    pub equality: bool,
    #[bits(30)]
    __: u32,
}

/// The width of the machine.
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct ExtendedPerfmonEcx {
    /// Topdown slots a cycle.
    pub slots: u8,
    #[bits(24)]
    __: u32,
}

/// One bit for each thing that exists.
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct CounterBitmap {
    /// Bit i: number i exists.
    #[bits(32)]
    pub exists: u32,
}

/// A register that means nothing.
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct Reserved {
    #[bits(32)]
    __: u32,
}

const _: () = assert!(ExtendedPerfmonEax::new().with_events(true).into_bits() == 1 << 3);
