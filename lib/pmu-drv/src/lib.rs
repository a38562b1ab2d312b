//! Puts an owner's counters on the CPU and takes them off again.
//!
//! One [`CpuPmu`] drives one CPU's performance counters through a [`PmuPort`]: real registers in the
//! kernel, the reference model in host tests, the same code in both. It knows what the registers
//! hold, writes only what differs, and counts what it writes. Nothing here decides *who* may own the
//! counters; that is pmu-server's policy, enforced by the kernel's leases.
//!
//! ```text
//!             stop()               take(guest)  enter…
//!   Host ─────────────► Stopped ──────────────────────► Guest
//!     ▲                 │     ▲                           │ VM exit: GLOBAL_CTRL = 0 by the hardware
//!     └─────────────────┘     └───────────────────────────┘ exited()
//!        start(host)              leave(guest) saves what counts
//! ```
//! Counters, selectors and LVTPC are written only through [`Stopped`], which exists only while
//! GLOBAL_CTRL is zero (invariant I6): a selector written while its counter runs would count the new event
//! into the old value, and a PMI raised between two LVTPC values would reach the wrong owner.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod allow;
mod context;
mod counters;
mod cpu;
mod emulated;
mod layout;
mod port;
mod resident;
mod sampling;
mod shadow;

pub use allow::{
    Alleged, Refused, check_counter, check_fixed_control, check_global_control, check_selector,
};
pub use context::PmuContext;
pub use counters::{Counter, CounterSet, MAX_FIXED, MAX_GP};
pub use cpu::{CpuPmu, HostOverflow, Stopped};
pub use emulated::{Emulated, Retired};
pub use layout::{Layout, Unsupported};
pub use port::{LocalVector, Operations, Phase, PmuPort, Ring};
pub use sampling::{Interrupted, NmiCounts, NmiOrigin, PhaseSet, RateLimit, Sample, Sampling};
