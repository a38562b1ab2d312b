//! A transport without a kernel: calls the server's stub in the same process.
//!
//! For tests on the host. Client and server see one buffer, as if the kernel had copied the words,
//! and the capabilities arrive in the slots that they were sent from.

use sel4_sys::MSG_MAX_LENGTH;

use crate::Transport;
use crate::message::{Buffer, Incoming, Outgoing};

/// Gives every request to `server`, with a fixed badge.
#[derive(Debug)]
pub struct Loopback<F> {
    server: F,
    badge: u64,
    words: [u64; MSG_MAX_LENGTH],
}

impl<F> Loopback<F> {
    /// A transport whose requests `server` answers, as coming from a client with this badge.
    pub const fn new(badge: u64, server: F) -> Self {
        Self {
            server,
            badge,
            words: [0; MSG_MAX_LENGTH],
        }
    }
}

/// The words of a message, on the host.
impl Buffer for [u64; MSG_MAX_LENGTH] {
    #[inline]
    fn with<R>(&mut self, f: impl FnOnce(&mut [u64; MSG_MAX_LENGTH]) -> R) -> R {
        f(self)
    }
}

impl<F> Buffer for Loopback<F> {
    #[inline]
    fn with<R>(&mut self, f: impl FnOnce(&mut [u64; MSG_MAX_LENGTH]) -> R) -> R {
        f(&mut self.words)
    }
}

impl<F: FnMut(&mut [u64; MSG_MAX_LENGTH], &Incoming) -> Outgoing> Transport for Loopback<F> {
    #[inline]
    fn call(&mut self, request: Outgoing) -> Incoming {
        let request = arrived(self.badge, request);
        let reply = (self.server)(&mut self.words, &request);
        arrived(0, reply)
    }
}

/// The message as its receiver sees it.
fn arrived(badge: u64, sent: Outgoing) -> Incoming {
    Incoming {
        caps: sent.caps,
        cap_count: sent.cap_count,
        ..Incoming::new(badge, sent.label, sent.length, sent.registers)
    }
}
