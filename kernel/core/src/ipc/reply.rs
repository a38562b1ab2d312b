//! Answering a caller.

use sel4_sys::{CapRights, MessageInfo, label, slot};

use super::transfer::Letter;
use crate::Kernel;
use crate::object::{EndpointId, EndpointState, ReplyId, State, ThreadId};

impl Kernel {
    /// Answers the caller that a reply object holds with the message in `from`'s registers. Nothing happens when it holds none.
    pub(crate) fn reply(&mut self, from: ThreadId, reply: ReplyId, grant: bool) {
        let Some(caller) = self.release_caller(reply) else {
            return;
        };
        if let Some(fault) = self.threads[caller].fault.take() {
            self.end_fault(from, caller, fault);
            return;
        }
        self.transfer(Letter {
            from,
            to: caller,
            badge: 0,
            grant,
            endpoint: None,
        });
        self.set_runnable_first(caller);
    }

    /// Takes the caller out of a reply object and gives it its time back.
    fn release_caller(&mut self, reply: ReplyId) -> Option<ThreadId> {
        let object = &mut self.replies[reply];
        let caller = object.caller?;
        let donated = core::mem::take(object).donated;
        self.threads[caller].reply = None;
        if let Some(context) = donated {
            self.hand_over(context, caller);
        }
        Some(caller)
    }

    /// Nobody will answer the caller that a reply object holds, if it holds one.
    pub(crate) fn abandon_caller(&mut self, reply: ReplyId) {
        if let Some(server) = self.replies[reply].server
            && let Some(caller) = self.release_caller(reply)
        {
            self.nobody_will_answer(caller, server);
        }
    }

    /// A call ends without an answer because of `server`. A thread that waits for its fault handler stays stopped.
    pub(super) fn nobody_will_answer(&mut self, caller: ThreadId, server: ThreadId) {
        let generation = self.threads[server].generation;
        let thread = &mut self.threads[caller];
        if thread.fault.is_some() {
            thread.state = State::Stopped;
            return;
        }
        thread.context.set_badge(0);
        thread
            .context
            .set_info(MessageInfo::new(label::SERVER_DIED, 0, 0, 1));
        thread.context.set_message([generation, 0, 0, 0]);
        self.set_runnable(caller);
    }

    /// What a thread sends, calls or tells of its fault finds no server any more: `server` retired.
    pub(super) fn nobody_will_receive(&mut self, id: ThreadId, server: ThreadId) {
        let thread = &self.threads[id];
        if thread.rights.call || thread.fault.is_some() {
            self.nobody_will_answer(id, server);
        } else {
            self.set_runnable(id);
        }
    }

    /// A thread that was reset will not serve again: whoever waits to be received hears so, and whoever comes later.
    pub(crate) fn retire(&mut self, server: ThreadId) {
        let Some(endpoint) = self.service_of(server) else {
            return;
        };
        self.endpoints[endpoint].retired = Some(server);
        while self.endpoints[endpoint].state == EndpointState::Sending
            && let Some(sender) = self.endpoints[endpoint].queue.head
        {
            self.leave_queue(sender);
            self.nobody_will_receive(sender, server);
        }
    }

    /// A thread begins anew, and may serve again.
    pub(crate) fn end_retirement(&mut self, server: ThreadId) {
        for endpoint in self.endpoints.iter_mut() {
            if endpoint.retired == Some(server) {
                endpoint.retired = None;
            }
        }
    }

    /// The endpoint that a thread serves.
    fn service_of(&self, server: ThreadId) -> Option<EndpointId> {
        let (_, capability) = self.look_up(self.threads[server].cspace, slot::SERVICE)?;
        capability
            .endpoint()
            .filter(|_| capability.allows(CapRights::READ))
    }

    /// Everybody who waits for an answer from `server` hears that it died; faults that it was to handle are reported again.
    pub(crate) fn bury(&mut self, server: ThreadId) {
        for reply in self.replies.ids() {
            let object = self.replies[reply];
            if object.server == Some(server)
                && let Some(caller) = object.caller
            {
                match self.threads[caller].fault {
                    Some(fault) => {
                        self.release_caller(reply);
                        self.raise(caller, fault);
                    }
                    None => self.abandon_caller(reply),
                }
            }
        }
    }
}
