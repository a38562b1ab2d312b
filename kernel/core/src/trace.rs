//! What the kernel says of itself: the rare events that explain a hang.
//!
//! Each goes to the test runner at once, as a record, so that the last ones are known when nothing comes any more. Nothing that a
//! system does often is an event: a message or an exit would cost more to tell than to do.

use crate::arch::console;
use crate::arch::{CpuId, timer};

/// Something that happened. Threads are numbered as in the system image.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Event {
    /// A stopped thread may run: thread.
    ThreadResumed(u16),
    /// A thread was stopped: thread.
    ThreadSuspended(u16),
    /// A thread begins anew: thread, generation.
    ThreadReset(u16, u64),
    /// A thread that served is not going to again: thread.
    ThreadRetired(u16),
    /// A thread did what it may not: thread, instruction pointer.
    ThreadFaulted(u16, u64),
    /// A VM may have the counters: lease, epoch.
    LeaseArmed(u16, u64),
    /// A VM may not have them any more: lease.
    LeaseDisarmed(u16),
    /// The CPU waits, and no timer is going to wake it.
    NothingToRun,
}

impl Event {
    const fn parts(self) -> (&'static str, [u64; 3]) {
        match self {
            Self::ThreadResumed(thread) => ("ThreadResumed", [thread as u64, 0, 0]),
            Self::ThreadSuspended(thread) => ("ThreadSuspended", [thread as u64, 0, 0]),
            Self::ThreadReset(thread, generation) => {
                ("ThreadReset", [thread as u64, generation, 0])
            }
            Self::ThreadRetired(thread) => ("ThreadRetired", [thread as u64, 0, 0]),
            Self::ThreadFaulted(thread, rip) => ("ThreadFaulted", [thread as u64, rip, 0]),
            Self::LeaseArmed(lease, epoch) => ("LeaseArmed", [lease as u64, epoch, 0]),
            Self::LeaseDisarmed(lease) => ("LeaseDisarmed", [lease as u64, 0, 0]),
            Self::NothingToRun => ("NothingToRun", [0; 3]),
        }
    }
}

/// Tells an event that happened on `cpu`.
#[cold]
pub(crate) fn trace(cpu: CpuId, event: Event) {
    let (name, arguments) = event.parts();
    console::trace(timer::now().0, cpu, name, arguments);
}
