//! The slots that every task's CNode has at the same place.

/// Fixed slots of a task's CNode. What a task declares itself begins at [`FIRST_DECLARED`](slot::FIRST_DECLARED).
pub mod slot {
    use crate::CPtr;

    /// Always empty.
    pub const NULL: CPtr = 0;
    /// The task's own thread.
    pub const THREAD: CPtr = 1;
    /// The task's own CNode.
    pub const CNODE: CPtr = 2;
    /// The task's own address space.
    pub const ADDRESS_SPACE: CPtr = 3;
    /// The supervisor, over interface `supervisor`; the badge says which task asks. Empty in `root`.
    pub const SUPERVISOR: CPtr = 4;
    /// A reply object for the task's main loop.
    pub const REPLY: CPtr = 5;
    /// The task's scheduling context, to look at; empty for a passive server.
    pub const SCHED_CONTEXT: CPtr = 6;
    /// The task's notification, bound to its thread.
    pub const NOTIFICATION: CPtr = 7;
    /// The endpoint on which the task serves its callers; empty for a task that serves nobody.
    pub const SERVICE: CPtr = 8;
    /// Capability number 0 of the task's own declaration.
    pub const FIRST_DECLARED: CPtr = 16;
}
