//! How many events of each kind happened in a stretch of cycles.
//!
//! One instruction is one cycle. In each cycle an event happens a number of times, and over a
//! stretch of cycles that number takes at most two values, one apart. So "how many cycles of
//! each value" is all one must know to apply a counter mask, with or without inversion.

use super::program::{Program, Source};
use crate::{Batch, Elapsed, Ratio};

/// Slots a cycle.
pub(super) const SLOTS: u64 = 4;

/// How far the reference clock is past its last tick, for each ring, in units of one tick
/// divided by the ratio's number of core cycles.
///
/// Each ring has its own, so that the ticks of a ring do not depend on how the rings took
/// turns within a report.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Clocks {
    kernel: u64,
    user: u64,
}

impl Clocks {
    pub(super) const fn new() -> Self {
        Self { kernel: 0, user: 0 }
    }

    /// Moves both clocks on and returns how often each ticked: (kernel, user).
    pub(super) fn advance(&mut self, elapsed: &Elapsed, ratio: Ratio) -> (u64, u64) {
        (
            tick(&mut self.kernel, elapsed.kernel.instructions, ratio),
            tick(&mut self.user, elapsed.user.instructions, ratio),
        )
    }

    /// Cycles until the clock of the ring has ticked `ticks` more times: (kernel, user).
    pub(super) fn cycles_until(&self, ticks: u64, ratio: Ratio) -> (u64, u64) {
        (
            until(self.kernel, ticks, ratio),
            until(self.user, ticks, ratio),
        )
    }
}

// Both use 64 bits where those are enough: reports are frequent and wide division is slow.

fn tick(phase: &mut u64, cycles: u64, ratio: Ratio) -> u64 {
    let (reference, core) = (u64::from(ratio.reference), u64::from(ratio.core));
    if let Some(total) = cycles
        .checked_mul(reference)
        .and_then(|t| t.checked_add(*phase))
    {
        *phase = total % core;
        return total / core;
    }
    let total = u128::from(cycles) * u128::from(reference) + u128::from(*phase);
    *phase = u64::try_from(total % u128::from(core)).unwrap_or(0);
    u64::try_from(total / u128::from(core)).unwrap_or(u64::MAX)
}

fn until(phase: u64, ticks: u64, ratio: Ratio) -> u64 {
    let (reference, core) = (u64::from(ratio.reference), u64::from(ratio.core));
    if let Some(distance) = ticks.checked_mul(core) {
        return distance.saturating_sub(phase).div_ceil(reference);
    }
    let distance = u128::from(ticks) * u128::from(core);
    let left = distance.saturating_sub(u128::from(phase));
    u64::try_from(left.div_ceil(u128::from(reference))).unwrap_or(u64::MAX)
}

/// What happened in one ring: the cycles in which the event came `low` times, and those in
/// which it came once more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Cycles {
    low: u64,
    low_cycles: u64,
    high_cycles: u64,
}

impl Cycles {
    /// What `source` did in `batch`, in which the reference clock ticked `ticks` times.
    pub(super) fn of(source: Source, batch: &Batch, ticks: u64) -> Self {
        let cycles = batch.instructions;
        let uniform = |low| Self {
            low,
            low_cycles: cycles,
            high_cycles: 0,
        };
        let some = |low, high_cycles: u64| {
            let high_cycles = high_cycles.min(cycles);
            Self {
                low,
                low_cycles: cycles - high_cycles,
                high_cycles,
            }
        };
        match source {
            Source::Cycles => uniform(1),
            Source::Slots => uniform(SLOTS),
            Source::Event(event) => some(0, batch.of(event)),
            Source::ReferenceCycles => match ticks.checked_div(cycles) {
                Some(low) => some(low, ticks % cycles),
                None => uniform(0),
            },
        }
    }
}

impl Cycles {
    /// How much a counter with `program` counts in these cycles.
    ///
    /// `was_asserted` is what the program's condition was in the last cycle before, and
    /// becomes what it was in the last of these. Where an edge depends on the order of the
    /// cycles the budget is one instruction, so that there is no order to know.
    pub(super) fn counted(&self, program: &Program, was_asserted: &mut bool) -> u128 {
        let high = self.low.saturating_add(1);
        let mut counted = 0;
        for (value, cycles) in [(self.low, self.low_cycles), (high, self.high_cycles)] {
            if cycles == 0 {
                continue;
            }
            let asserted = program.is_asserted_by(value);
            if program.edge {
                counted += u128::from(asserted && !*was_asserted);
                *was_asserted = asserted;
            } else if program.counter_mask == 0 {
                counted += u128::from(value) * u128::from(cycles);
            } else if asserted {
                counted += u128::from(cycles);
            }
        }
        counted
    }
}

impl Program {
    /// Whether a cycle in which the event happened `value` times satisfies the condition.
    ///
    /// Without a counter mask there is nothing to invert, and once is enough.
    pub(super) fn is_asserted_by(&self, value: u64) -> bool {
        match u64::from(self.counter_mask) {
            0 => value >= 1,
            least => (value >= least) != self.invert,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Ratio, tick, until};

    #[test]
    fn a_clock_stays_exact_where_64_bits_do_not_hold_the_product() {
        // Five thirds of 2^63 are 15372286728091293013 and one third.
        let ratio = Ratio {
            reference: 5,
            core: 3,
        };
        let mut phase = 0;
        assert_eq!(tick(&mut phase, 1 << 63, ratio), 15_372_286_728_091_293_013);
        assert_eq!(phase, 1);
    }

    #[test]
    fn the_distance_to_a_tick_is_exact_where_64_bits_do_not_hold_the_product() {
        // Three fifths of 2^63 are 5534023222112865484 and four fifths: one cycle more.
        let ratio = Ratio {
            reference: 5,
            core: 3,
        };
        assert_eq!(until(0, 1 << 63, ratio), 5_534_023_222_112_865_485);
        assert_eq!(until(4, 1 << 63, ratio), 5_534_023_222_112_865_484);
    }
}
