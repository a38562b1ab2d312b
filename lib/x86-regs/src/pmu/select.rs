//! What a general-purpose counter counts, and in which ring.

use bitfield_struct::bitfield;

use crate::msr::{MsrAddr, MsrBank};

/// IA32_PERFEVTSELx: the selector of one general-purpose counter.
/// SDM vol. 3B, "Architectural Performance Monitoring Version 1 Facilities".
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct PerfEvtSel {
    /// Event number and unit mask.
    #[bits(16)]
    pub event: EventSelect,
    /// Count in rings 1 to 3 (USR).
    pub user: bool,
    /// Count in ring 0 (OS).
    pub kernel: bool,
    /// Count rising edges of the condition instead of its duration (E).
    pub edge: bool,
    /// Toggle a pin at each overflow (PC).
    pub pin_control: bool,
    /// Raise an interrupt at each overflow (INT).
    pub interrupt: bool,
    /// Count all logical processors of the core. Version 3; may be deprecated in version 5.
    pub any_thread: bool,
    /// Enable this counter (EN).
    pub enable: bool,
    /// Invert the comparison with the counter mask (INV).
    pub invert: bool,
    /// Zero, or: count cycles with at least this many events (CMASK).
    pub counter_mask: u8,
    /// Count in a transaction only (IN_TX, with RTM).
    pub in_transaction: bool,
    /// Take back what an aborted transaction counted (IN_TXCP, counter 2, with RTM).
    pub in_transaction_checkpointed: bool,
    #[bits(30)]
    __: u32,
}

impl MsrBank for PerfEvtSel {
    const FIRST: MsrAddr = MsrAddr(0x186);
    const COUNT: u32 = 8;
    const NAME: &'static str = "IA32_PERFEVTSEL";
}

const _: () = assert!(size_of::<PerfEvtSel>() == 8);
const _: () = assert!(PerfEvtSel::new().with_user(true).into_bits() == 1 << 16);
const _: () = assert!(PerfEvtSel::new().with_enable(true).into_bits() == 1 << 22);
const _: () = assert!(PerfEvtSel::new().with_counter_mask(1).into_bits() == 1 << 24);

/// What a counter counts: event number and unit mask as the selector's low 16 bits hold them.
///
/// The number is open: an architectural event has a name here, every other number is an
/// event of one CPU model. SDM vol. 3B, "Pre-defined Architectural Performance Events".
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct EventSelect(pub u16);

impl EventSelect {
    /// UnHalted Core Cycles.
    pub const CYCLES: Self = Self::of(0x3c, 0x00);
    /// Instruction Retired.
    pub const INSTRUCTIONS: Self = Self::of(0xc0, 0x00);
    /// UnHalted Reference Cycles.
    pub const REFERENCE_CYCLES: Self = Self::of(0x3c, 0x01);
    /// LLC Reference.
    pub const LLC_REFERENCES: Self = Self::of(0x2e, 0x4f);
    /// LLC Misses.
    pub const LLC_MISSES: Self = Self::of(0x2e, 0x41);
    /// Branch Instruction Retired.
    pub const BRANCHES: Self = Self::of(0xc4, 0x00);
    /// Branch Misses Retired.
    pub const BRANCH_MISSES: Self = Self::of(0xc5, 0x00);
    /// Topdown Slots.
    pub const TOPDOWN_SLOTS: Self = Self::of(0xa4, 0x01);

    /// Event number `event` with unit mask `unit_mask`.
    #[must_use]
    pub const fn of(event: u8, unit_mask: u8) -> Self {
        Self(u16::from_le_bytes([event, unit_mask]))
    }

    /// The event number alone.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0.to_le_bytes()[0]
    }

    /// The unit mask alone.
    #[must_use]
    pub const fn unit_mask(self) -> u8 {
        self.0.to_le_bytes()[1]
    }

    /// For the bitfield: from the selector's bits.
    #[must_use]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// For the bitfield: the selector's bits.
    #[must_use]
    pub const fn into_bits(self) -> u16 {
        self.0
    }
}

const _: () = assert!(EventSelect::LLC_MISSES.into_bits() == 0x412e);
