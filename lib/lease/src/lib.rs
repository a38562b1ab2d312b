//! Who has one CPU's counters now, and when they change hands.
//!
//! The protocol as a pure state machine: events in, what to do with the registers out. One [`Arbiter`] for each
//! CPU, one [`Lease`] for each pair of VM and CPU. The kernel feeds it VM entries, VM exits, thread switches and the
//! server's orders, and carries out its actions with `pmu-drv`; the tests explore every sequence of events of a
//! small world. It knows no register, no clock and no thread: time comes in as an argument.
//!
//! Swap on a *change of owner*, not on exit: an exit that keeps the lease yields no action at all.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod account;
mod arbiter;
mod grant;

pub use account::{Account, PutReason};
pub use arbiter::{Arbiter, ContextId, Entry, Exit, Mode, Put, Resident, Vcpu};
pub use grant::{Epoch, Lease, LeaseId};

/// A point in time in ticks of the CPU's time-stamp counter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug, Hash)]
pub struct Ticks(pub u64);

impl Ticks {
    /// Ticks from `earlier` until now; zero when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The point `ticks` later.
    #[must_use]
    pub const fn plus(self, ticks: u64) -> Self {
        Self(self.0.saturating_add(ticks))
    }
}
