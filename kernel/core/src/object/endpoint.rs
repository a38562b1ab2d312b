//! An endpoint: where threads meet for IPC.

use super::{Queue, ThreadId};

/// What the threads in an endpoint's queue want.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub(crate) enum EndpointState {
    /// The queue is empty.
    #[default]
    Idle,
    /// They have a message to deliver.
    Sending,
    /// They wait for one.
    Receiving,
}

/// Where threads meet for IPC.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Endpoint {
    /// The waiting threads, most urgent first.
    pub(crate) queue: Queue,
    /// What they want. `Idle` exactly when there are none.
    pub(crate) state: EndpointState,
    /// The thread that served here and will not do so again: nobody waits for it.
    pub(crate) retired: Option<ThreadId>,
}
