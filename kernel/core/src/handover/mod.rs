//! Guests run here, and the counters change hands.
//!
//! Who may have a CPU's counters is decided by the pure `lease` crate, and how registers are swapped by
//! `pmu-drv`; this module feeds the one with what happens and carries out what it says with the other. A thread that
//! enters its virtual CPU stays a thread: it has a priority and a budget, is preempted and stopped like any other. Only where others
//! go on in ring 3 does it run its guest.

mod account;
mod death;
mod hooks;
mod leave;
mod run;
mod switch;

pub(crate) use switch::HostPlan;
