//! How time passes: what retired, and how much may retire unreported.

use core::ops::{BitOr, BitOrAssign};

/// Where an instruction ran, as the counters' filters see it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Ring {
    /// Current privilege level 0 (the selectors' OS bit).
    Kernel,
    /// Current privilege level 1, 2 or 3 (the selectors' USR bit).
    User,
}

/// What retired in one ring.
///
/// Each number counts instructions: one that misses the cache twice counts once in
/// `llc_misses`. So no number may exceed `instructions`; what is above is cut off.
/// An event that the [`Budget`] does not want may be left at zero.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Batch {
    /// Instructions retired. One instruction takes one core cycle.
    pub instructions: u64,
    /// Instructions that were branches, taken or not, near or far.
    pub branches: u64,
    /// Branches that the predictor got wrong.
    pub branch_misses: u64,
    /// Instructions that asked the last-level cache for a line.
    pub llc_references: u64,
    /// Instructions that asked the last-level cache for a line it did not have.
    pub llc_misses: u64,
}

impl Batch {
    /// `count` instructions without any other event.
    #[must_use]
    pub const fn instructions(count: u64) -> Self {
        Self {
            instructions: count,
            branches: 0,
            branch_misses: 0,
            llc_references: 0,
            llc_misses: 0,
        }
    }

    /// How often `event` happened.
    #[must_use]
    pub(crate) const fn of(&self, event: EventSet) -> u64 {
        match event {
            EventSet::BRANCHES => self.branches,
            EventSet::BRANCH_MISSES => self.branch_misses,
            EventSet::LLC_REFERENCES => self.llc_references,
            EventSet::LLC_MISSES => self.llc_misses,
            _ => 0,
        }
    }
}

/// What retired on the processor since the last report, by ring.
///
/// Within one report the rings may have alternated in any order; a report that keeps to the
/// [`Budget`] gives the same result for every order.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Elapsed {
    /// What retired in ring 0.
    pub kernel: Batch,
    /// What retired in rings 1 to 3.
    pub user: Batch,
}

impl Elapsed {
    /// `batch` retired in `ring`, and nothing in the other.
    #[must_use]
    pub fn in_ring(ring: Ring, batch: Batch) -> Self {
        match ring {
            Ring::Kernel => Self {
                kernel: batch,
                ..Self::default()
            },
            Ring::User => Self {
                user: batch,
                ..Self::default()
            },
        }
    }
}

/// A budget nobody reaches: 2^62, which an emulator may count down from for ever.
pub const UNLIMITED: i64 = 1 << 62;

/// How much may retire in one ring before the model must be told. Each is at least 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Allowance {
    /// Instructions of any kind.
    pub instructions: i64,
    /// Branches.
    pub branches: i64,
    /// Mispredicted branches.
    pub branch_misses: i64,
    /// Instructions that refer to the last-level cache.
    pub llc_references: i64,
    /// Instructions that miss the last-level cache.
    pub llc_misses: i64,
}

impl Allowance {
    /// Everything unlimited.
    pub const UNLIMITED: Self = Self {
        instructions: UNLIMITED,
        branches: UNLIMITED,
        branch_misses: UNLIMITED,
        llc_references: UNLIMITED,
        llc_misses: UNLIMITED,
    };
}

/// How much may retire before [`crate::Pmu::advance`] must be called.
///
/// The promise: if the report is made at the end of the instruction that uses up any one of
/// these numbers, the state after it is the same as if every instruction had been reported
/// alone, and no interrupt is later than it should be. The numbers are safe for every mix of
/// rings. They are limited only by what could become visible without an access to the model:
/// an overflow that raises an interrupt or freezes the counters, and an interrupt on its way.
/// A counter that raises no interrupt never ends a budget, since whoever reads it or its
/// status makes the emulator report first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Budget {
    /// In ring 0.
    pub kernel: Allowance,
    /// In rings 1 to 3.
    pub user: Allowance,
    /// The events that some running counter counts. Others need not be observed at all.
    pub wanted: EventSet,
}

/// A set of the events that an emulator must observe apart from retired instructions.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct EventSet(u32);

impl EventSet {
    /// No event.
    pub const NONE: Self = Self(0);
    /// Branches.
    pub const BRANCHES: Self = Self(1);
    /// Mispredicted branches.
    pub const BRANCH_MISSES: Self = Self(2);
    /// Last-level cache references.
    pub const LLC_REFERENCES: Self = Self(4);
    /// Last-level cache misses.
    pub const LLC_MISSES: Self = Self(8);

    /// Whether every event of `other` is in this set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The set as bits, for a C interface: branches 1, branch misses 2, references 4, misses 8.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }
}

impl BitOr for EventSet {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for EventSet {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}
