//! A notification: a word of signal bits that a thread can wait for.

use super::{Queue, ThreadId};

/// Whether a signal is pending.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Signal {
    /// None.
    #[default]
    Idle,
    /// These bits, which may be 0: a signal without a badge is one too.
    Pending(u64),
}

/// A word of signal bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Notification {
    /// What came in and was not taken. Never pending while a thread waits.
    pub(crate) signal: Signal,
    /// Threads that wait for it, most urgent first.
    pub(crate) queue: Queue,
    /// The thread that also hears it while it receives from an endpoint.
    pub(crate) bound: Option<ThreadId>,
}

impl Notification {
    /// Takes what is pending.
    pub(crate) fn take(&mut self) -> Option<u64> {
        match core::mem::take(&mut self.signal) {
            Signal::Pending(bits) => Some(bits),
            Signal::Idle => None,
        }
    }
}
