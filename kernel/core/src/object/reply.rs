//! A reply object: the right to answer one caller.

use super::{SchedContextId, ThreadId};
use crate::cap::SlotId;

/// The right to answer one caller. It is free, or waits with a receiver, or holds a caller.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Reply {
    /// The thread that waits for the answer.
    pub(crate) caller: Option<ThreadId>,
    /// The thread that received the call (with `caller`), or that waits to receive one with this object.
    pub(crate) server: Option<ThreadId>,
    /// The scheduling context that went from the caller to the server, and goes back with the answer.
    pub(crate) donated: Option<SchedContextId>,
    /// The slot through which the server named this object.
    pub(crate) slot: Option<SlotId>,
}
