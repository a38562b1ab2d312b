//! A thread: registers, what it may do, and what it waits for.

use super::{CNode, EndpointId, NotificationId, ReplyId, SchedContextId, ThreadId, VcpuId};
use crate::arch::CpuId;
use crate::arch::context::Context;
use crate::arch::mm::PageRef;
use crate::arch::trap::UserFault;
use crate::cap::SlotId;

/// What a thread is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum State {
    /// Nothing, until somebody resumes it.
    Stopped,
    /// It runs when it has time to.
    Runnable,
    /// It has a message (or a fault) to deliver to an endpoint.
    Sending,
    /// It waits at an endpoint.
    Receiving,
    /// It waits for a notification.
    Waiting,
    /// It waits for the answer to its call, or to its fault.
    Calling,
    /// Its guest waits for an interrupt, and it for a reason to tell the guest.
    Halted,
}

/// Which queue a thread's links belong to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Place {
    /// None: it runs, is stopped, waits for an answer, or has no scheduling context.
    Nowhere,
    /// The ready queue of its priority.
    Ready,
    /// The queue of those whose budget is used up, or whose halted guest has a deadline.
    Release,
    /// The queue of the endpoint or notification that it waits for.
    Waiting,
}

/// What a message that waits to be received may bring along.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SendRights {
    /// The sender waits for an answer.
    pub(crate) call: bool,
    /// Capabilities may travel.
    pub(crate) grant: bool,
}

/// What a thread did wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// It named a capability that cannot be used so. Its instruction pointer is on the SYSCALL.
    Capability {
        /// The pointer.
        pointer: u64,
        /// It was receiving (or naming a reply object to receive with), else sending.
        receiving: bool,
        /// What was wrong with it.
        error: sel4_sys::Error,
    },
    /// A system call number that does not exist.
    UnknownSystemCall,
    /// The CPU refused an instruction.
    Cpu(UserFault),
}

/// A thread. What the fast path touches stands first.
#[derive(Debug)]
pub(crate) struct Thread {
    /// Registers.
    pub(crate) context: &'static mut Context,
    /// Badge of the message that it waits to deliver.
    pub(crate) badge: u64,
    /// Its capabilities.
    pub(crate) cspace: CNode,
    /// The slot through which it waits, so that emptying the slot cancels that.
    pub(crate) blocked_slot: Option<SlotId>,
    /// The endpoint or notification (by `state`) that it waits for.
    pub(crate) endpoint: Option<EndpointId>,
    /// The notification that it waits for.
    pub(crate) waits_for: Option<NotificationId>,
    /// The reply object that will answer it (`Calling`), or that it receives with (`Receiving`).
    pub(crate) reply: Option<ReplyId>,
    /// The scheduling context that it runs on.
    pub(crate) sched_context: Option<SchedContextId>,
    /// Neighbours in the queue that `place` says.
    pub(crate) next: Option<ThreadId>,
    /// See `next`.
    pub(crate) prev: Option<ThreadId>,
    /// The notification bound to it.
    pub(crate) notification: Option<NotificationId>,
    /// See [`State`].
    pub(crate) state: State,
    /// See [`Place`].
    pub(crate) place: Place,
    /// 0 (least urgent) to 255.
    pub(crate) priority: u8,
    /// The CPU that it runs on.
    pub(crate) cpu: CpuId,
    /// Of the message that it waits to deliver.
    pub(crate) rights: SendRights,
    /// The virtual CPU that it is in: where others go on in ring 3, it runs a guest.
    pub(crate) guest: Option<VcpuId>,
    /// A fault that it waits to deliver or to have answered, or that stopped it.
    pub(crate) fault: Option<Fault>,

    /// Its IPC buffer.
    pub(crate) buffer: Option<PageRef>,
    /// The scheduling context that is its own: it comes back when nobody works for the thread any more.
    pub(crate) home: Option<SchedContextId>,
    /// Who hears of its faults.
    pub(crate) fault_endpoint: Option<EndpointId>,
    /// Badge of those messages.
    pub(crate) fault_badge: u64,
    /// Until when its budget is used up (in `Place::Release`).
    pub(crate) wake_at: u64,
    /// How often it was reset.
    pub(crate) generation: u64,
    /// Its position in the system image.
    pub(crate) number: u16,
    /// The highest priority that it may give.
    pub(crate) max_priority: u8,
}

impl Thread {
    /// Whether it runs as soon as the CPU has nothing more urgent.
    #[inline]
    pub(crate) fn may_run(&self) -> bool {
        self.state == State::Runnable && self.sched_context.is_some()
    }

    /// Whether its registers stand still, so that others may look at and change them.
    pub(crate) fn is_halted(&self) -> bool {
        self.state == State::Stopped || self.fault.is_some()
    }
}

impl SendRights {
    /// A message without an answer and without capabilities.
    pub(crate) const NONE: Self = Self {
        call: false,
        grant: false,
    };
}
