//! What goes into the NMI handler's part and what comes out of it.

use super::COUNTERS;
use crate::counters::CounterSet;
use crate::port::Operations;

/// Where the CPU was when the NMI came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interrupted {
    /// Instruction pointer.
    pub rip: u64,
    /// In ring 3.
    pub is_user: bool,
    /// Time-stamp counter.
    pub now: u64,
}

/// A record for whoever reads samples.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sample {
    /// Where; instruction pointer 0 when nobody knows.
    pub at: Interrupted,
    /// Which counters overflowed.
    pub counters: CounterSet,
    /// Found by a load instead of an NMI.
    pub is_late: bool,
}

/// Whose an NMI was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum NmiOrigin {
    /// A counter's: this is the sample, if one is to be recorded.
    Pmi(Option<Sample>),
    /// A counter's whose overflow somebody has seen already; dropped.
    Expected,
    /// A counter's, or not: it came while registers changed, and is looked at later.
    Held,
    /// Not a counter's.
    Other,
}

/// What NMIs have done so far.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct NmiCounts {
    /// PMIs of the host.
    pub host_pmis: u64,
    /// NMIs dropped because a load had acknowledged their overflow.
    pub swallowed: u64,
    /// Samples not taken because of the rate limit.
    pub throttled: u64,
    /// NMIs of something else.
    pub others: u64,
    /// Register operations.
    pub operations: Operations,
    /// How often each counter overflowed: general-purpose ones first, then the fixed.
    pub overflows: [u64; COUNTERS],
}

/// What setting a phase left to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum PhaseSet {
    /// Nothing.
    Quiet,
    /// An NMI came while registers changed: see [`Sampling::serve_held`].
    NmiWaits,
}
