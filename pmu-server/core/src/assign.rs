//! Which counter counts which event.

use pmu_drv::{Counter, CounterSet};

use crate::event::EventSpec;

/// Events of one CPU at most, running or waiting.
pub const MAX_EVENTS: usize = 32;

/// The best of the `free` counters for an event; `None`: it has to wait.
///
/// An event that has a fixed counter of its own takes it, so that the general-purpose ones stay free for what
/// only they can count. That is never worse: nobody else can use the fixed one.
#[must_use]
pub fn assign(spec: &EventSpec, free: CounterSet) -> Option<Counter> {
    let fixed = spec
        .fixed_counter()
        .and_then(Counter::fixed)
        .filter(|&counter| free.has(counter));
    // General-purpose counters come first in the set's order; a fixed one that is not the event's own never fits.
    fixed.or_else(|| free.iter().find(|&counter| spec.fits(counter)))
}
