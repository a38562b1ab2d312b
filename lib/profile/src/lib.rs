//! What programs share that profile the host through pmu-server.
//!
//! The kernel's [`Account`] of a CPU's counters, [`Events`] that stay open, loops of which one can say by hand what they
//! count, and whether the guest still runs.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod account;
mod events;
mod guest;

pub use account::Account;
pub use events::{Counted, Events, PERIOD, spec};
pub use guest::{Guest, look};
