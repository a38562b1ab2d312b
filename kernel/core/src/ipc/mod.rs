//! Messages between threads: send, receive, call, reply, signal, fault.
//!
//! A waiting thread's registers are its message: they are read when a partner comes, and put back on the
//! SYSCALL when the wait is cancelled.

mod fast_signal;
mod fastpath;
mod fault;
mod notify;
mod receive;
mod reply;
mod send;
mod transfer;

pub(crate) use fastpath::Shortcut;
pub(crate) use receive::ReplyWith;
pub(crate) use send::{Mode, Through};

use crate::Kernel;
use crate::cap::SlotId;
use crate::object::{EndpointId, EndpointState, Place, Reply, State, ThreadId};

impl Kernel {
    /// Makes a thread wait at an endpoint, through `slot`.
    fn wait_at(
        &mut self,
        id: ThreadId,
        endpoint: EndpointId,
        slot: Option<SlotId>,
        wants: EndpointState,
    ) {
        let thread = &mut self.threads[id];
        thread.state = match wants {
            EndpointState::Sending => State::Sending,
            EndpointState::Receiving | EndpointState::Idle => State::Receiving,
        };
        thread.place = Place::Waiting;
        thread.endpoint = Some(endpoint);
        thread.blocked_slot = slot;
        let object = &mut self.endpoints[endpoint];
        object.state = wants;
        object.queue.push_by_priority(&mut self.threads, id);
    }

    /// Takes a thread out of the queue of the endpoint or notification that it waits for.
    pub(crate) fn leave_queue(&mut self, id: ThreadId) {
        let thread = &mut self.threads[id];
        thread.place = Place::Nowhere;
        thread.blocked_slot = None;
        if let Some(endpoint) = thread.endpoint.take() {
            let object = &mut self.endpoints[endpoint];
            object.queue.remove(&mut self.threads, id);
            if object.queue.is_empty() {
                object.state = EndpointState::Idle;
            }
        } else if let Some(notification) = thread.waits_for.take() {
            let object = &mut self.notifications[notification];
            object.queue.remove(&mut self.threads, id);
        }
    }

    /// Puts a waiting thread where its priority, which has changed, belongs.
    pub(crate) fn queue_again(&mut self, id: ThreadId) {
        let thread = &self.threads[id];
        let queue = if let Some(endpoint) = thread.endpoint {
            &mut self.endpoints[endpoint].queue
        } else if let Some(notification) = thread.waits_for {
            &mut self.notifications[notification].queue
        } else {
            return;
        };
        queue.remove(&mut self.threads, id);
        queue.push_by_priority(&mut self.threads, id);
    }

    /// Ends whatever wait a thread is in, without a result. The thread would make its system call again
    /// if it ran; a fault is forgotten, since the instruction will fault again.
    pub(crate) fn cancel_wait(&mut self, id: ThreadId) {
        let thread = &mut self.threads[id];
        let reply = thread.reply.take();
        match thread.state {
            State::Stopped | State::Runnable | State::Halted => return,
            State::Sending | State::Receiving | State::Waiting => self.leave_queue(id),
            State::Calling => {}
        }
        if let Some(reply) = reply {
            self.replies[reply] = Reply::default();
        }
        let thread = &mut self.threads[id];
        if thread.fault.take().is_none() {
            thread.context.rewind_system_call();
        }
        thread.state = State::Stopped;
    }

    /// Ends a thread's wait; it makes its system call again.
    pub(crate) fn restart(&mut self, id: ThreadId) {
        self.cancel_wait(id);
        self.set_runnable(id);
    }

    /// Lets a stopped thread run, behind the others of its priority.
    pub(crate) fn set_runnable(&mut self, id: ThreadId) {
        self.threads[id].state = State::Runnable;
        self.make_ready(id);
    }

    /// Lets a thread whose wait ended run, before the others of its priority.
    fn set_runnable_first(&mut self, id: ThreadId) {
        self.threads[id].state = State::Runnable;
        self.make_ready_first(id);
    }
}
