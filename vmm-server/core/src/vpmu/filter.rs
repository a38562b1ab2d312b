//! Which events a guest may count.
//!
//! A guest reads back the selector that it wrote; the hardware copy of one that the filter refuses is not enabled, so
//! its counter stands still (row M35). Fixed counters are ruled by their bitmap alone.

use heapless::Vec;
use x86_regs::pmu::EventSelect;

/// How many events a filter can name.
pub const MAX_FILTERED: usize = 64;

/// A filter cannot name more events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FilterFull;

/// Events and fixed counters that a guest may not count. Everything else it may.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    denied: Vec<EventSelect, MAX_FILTERED>,
    denied_fixed: u16,
}

impl EventFilter {
    /// A guest may count everything.
    #[must_use]
    pub const fn allow_all() -> Self {
        Self {
            denied: Vec::new(),
            denied_fixed: 0,
        }
    }

    /// Denies `event`.
    ///
    /// # Errors
    /// [`FilterFull`], and nothing has changed, when the filter names [`MAX_FILTERED`] events already.
    pub fn deny(&mut self, event: EventSelect) -> Result<(), FilterFull> {
        self.denied.push(event).map_err(|_| FilterFull)
    }

    /// Denies the fixed counters whose bits are set in `counters`.
    pub const fn deny_fixed(&mut self, counters: u16) {
        self.denied_fixed |= counters;
    }

    /// Whether a general-purpose counter may count `event`.
    #[must_use]
    pub fn allows(&self, event: EventSelect) -> bool {
        !self.denied.contains(&event)
    }

    /// Whether fixed counter `index` may count.
    #[must_use]
    pub const fn allows_fixed(&self, index: u8) -> bool {
        index < 16 && self.denied_fixed >> index & 1 == 0
    }
}
