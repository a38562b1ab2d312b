//! Registers of the I/O APIC. "82093AA I/O Advanced Programmable Interrupt Controller (IOAPIC)", "IOAPIC Registers".

use bitfield_struct::bitfield;

/// IOAPICVER, register 1.
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct IoApicVersion {
    /// Version.
    pub version: u8,
    __: u8,
    /// Number of the last input.
    pub last_input: u8,
    __: u8,
}

impl IoApicVersion {
    /// The register's number.
    pub const REGISTER: u32 = 1;
}

/// Low half of an input's redirection entry.
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct RedirectionLow {
    /// Vector, 16 to 254.
    pub vector: u8,
    /// 0: fixed.
    #[bits(3)]
    pub delivery: u8,
    /// Destination is a logical address.
    pub logical: bool,
    /// Delivery is pending. Read only.
    pub pending: bool,
    /// Active low.
    pub active_low: bool,
    /// Level interrupt accepted, no EOI yet. Read only.
    pub remote_irr: bool,
    /// Level triggered.
    pub level: bool,
    /// Nothing is delivered.
    pub masked: bool,
    #[bits(15)]
    __: u16,
}

impl RedirectionLow {
    /// Number of the register that holds this half for `input`.
    #[must_use]
    pub const fn register(input: u8) -> u32 {
        0x10 + 2 * input as u32
    }
}

/// High half of an input's redirection entry.
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct RedirectionHigh {
    #[bits(24)]
    __: u32,
    /// Identity of the local APIC that gets the interrupt.
    pub destination: u8,
}

impl RedirectionHigh {
    /// Number of the register that holds this half for `input`.
    #[must_use]
    pub const fn register(input: u8) -> u32 {
        RedirectionLow::register(input) + 1
    }
}

const _: () = assert!(RedirectionLow::new().with_masked(true).into_bits() == 1 << 16);
const _: () = assert!(RedirectionHigh::new().with_destination(1).into_bits() == 1 << 24);
