//! Sending through an endpoint.

use super::transfer::Letter;
use crate::Kernel;
use crate::cap::SlotId;
use crate::object::{EndpointId, EndpointState, Reply, SendRights, State, ThreadId};

/// What the sender does when nobody receives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// Waits.
    Blocking,
    /// Goes on; the message is lost.
    NonBlocking,
}

/// The capability that a message goes through.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Through {
    /// The endpoint.
    pub(crate) endpoint: EndpointId,
    /// What the receiver learns of it.
    pub(crate) badge: u64,
    /// What may come along.
    pub(crate) rights: SendRights,
    /// Where it is; `None` for a fault, which needs no slot.
    pub(crate) slot: Option<SlotId>,
}

impl Kernel {
    /// Sends the message in the thread's registers, or its fault.
    ///
    /// A receiver without a scheduling context runs on the sender's. What does not wait cannot lend its time, so for it nobody is there.
    pub(crate) fn send(&mut self, id: ThreadId, through: Through, mode: Mode) {
        let thread = &mut self.threads[id];
        thread.badge = through.badge;
        thread.rights = through.rights;
        let endpoint = self.endpoints[through.endpoint];
        if endpoint.state == EndpointState::Receiving
            && let Some(receiver) = endpoint.queue.head
        {
            if mode == Mode::NonBlocking && self.threads[receiver].sched_context.is_none() {
                return;
            }
            self.leave_queue(receiver);
            self.deliver(id, receiver, through.endpoint);
            if through.rights.call {
                self.set_runnable_first(receiver);
            } else {
                self.set_runnable(receiver);
            }
        } else if let Some(server) = endpoint.retired {
            self.nobody_will_receive(id, server);
        } else if mode == Mode::Blocking {
            self.wait_at(id, through.endpoint, through.slot, EndpointState::Sending);
        }
    }

    /// Brings the message (or fault) of `sender` to `receiver`, neither of which is in a queue any more.
    ///
    /// Afterwards a caller waits for its answer; every other state is for the caller of this function to set.
    pub(super) fn deliver(&mut self, sender: ThreadId, receiver: ThreadId, endpoint: EndpointId) {
        let thread = &self.threads[sender];
        let (rights, badge, fault) = (thread.rights, thread.badge, thread.fault);
        match fault {
            Some(fault) => self.write_fault(sender, receiver, badge, fault),
            None => self.transfer(Letter {
                from: sender,
                to: receiver,
                badge,
                grant: rights.grant,
                endpoint: Some(endpoint),
            }),
        }
        let donated = self.lend(sender, receiver);
        let Some(reply) = self.threads[receiver].reply.take() else {
            if rights.call {
                self.nobody_will_answer(sender, receiver);
            }
            return;
        };
        if rights.call {
            let slot = self.replies[reply].slot;
            self.replies[reply] = Reply {
                caller: Some(sender),
                server: Some(receiver),
                donated,
                slot,
            };
            let caller = &mut self.threads[sender];
            caller.reply = Some(reply);
            caller.state = State::Calling;
        } else {
            self.replies[reply] = Reply::default();
        }
    }
}
