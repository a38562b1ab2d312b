//! The server's half of a call: who is calling.

use crate::message::Incoming;

/// Who called: what the server may know about its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Caller {
    /// The badge of the capability that the client used; whoever minted it chose it, not the client.
    pub badge: u64,
}

impl Caller {
    /// The sender of `request`.
    #[inline]
    #[must_use]
    pub const fn of(request: &Incoming) -> Self {
        Self {
            badge: request.badge,
        }
    }
}
