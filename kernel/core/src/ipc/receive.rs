//! Receiving from an endpoint.

use sel4_sys::MessageInfo;
use sel4_sys::vcpu::VcpuReturn;

use super::send::Mode;
use crate::Kernel;
use crate::cap::SlotId;
use crate::object::{EndpointId, EndpointState, Reply, ReplyId, State, ThreadId};

/// The reply object that will answer a caller, and where the receiver has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ReplyWith {
    /// The object.
    pub(crate) reply: ReplyId,
    /// The slot.
    pub(crate) slot: SlotId,
}

impl Kernel {
    /// Receives a message, or a signal of the bound notification. The reply object has no other receiver.
    pub(crate) fn receive(
        &mut self,
        id: ThreadId,
        endpoint: EndpointId,
        slot: SlotId,
        mode: Mode,
        with: Option<ReplyWith>,
    ) {
        if let Some(with) = with {
            // A caller that the object still holds is let down: no answer can come any more.
            self.abandon_caller(with.reply);
        }
        if self.take_bound_signal(id) {
            return;
        }
        let object = self.endpoints[endpoint];
        if object.state == EndpointState::Sending
            && let Some(sender) = object.queue.head
        {
            self.leave_queue(sender);
            self.hold(id, with);
            let is_call = self.threads[sender].rights.call;
            self.deliver(sender, id, endpoint);
            if !is_call {
                self.set_runnable(sender);
            }
        } else if mode == Mode::Blocking {
            self.hold(id, with);
            self.wait_at(id, endpoint, Some(slot), EndpointState::Receiving);
            self.return_borrowed(id);
        } else {
            let context = &mut self.threads[id].context;
            context.set_badge(0);
            context.set_info(MessageInfo::default());
        }
    }

    fn hold(&mut self, id: ThreadId, with: Option<ReplyWith>) {
        self.threads[id].reply = with.map(|with| with.reply);
        if let Some(ReplyWith { reply, slot }) = with {
            self.replies[reply] = Reply {
                server: Some(id),
                slot: Some(slot),
                ..Reply::default()
            };
        }
    }

    /// Takes a pending signal of the thread's bound notification.
    ///
    /// A thread without a scheduling context hears no signals: a signal brings no time to handle it.
    fn take_bound_signal(&mut self, id: ThreadId) -> bool {
        match self.take_signal(id) {
            Some(bits) => {
                self.write_signal(id, bits);
                true
            }
            None => false,
        }
    }

    /// A thread that receives, or sleeps with its guest, hears a signal that came while nothing told it so.
    pub(crate) fn hear_pending_signal(&mut self, id: ThreadId) {
        let state = self.threads[id].state;
        match state {
            State::Receiving if self.take_bound_signal(id) => self.end_receive(id),
            State::Halted => {
                if let Some(bits) = self.take_signal(id) {
                    self.wake_halted(id, VcpuReturn::SIGNALLED, bits);
                }
            }
            _ => {}
        }
    }

    /// Takes a receiver away from its endpoint, with its answer in its registers.
    pub(super) fn end_receive(&mut self, id: ThreadId) {
        self.leave_queue(id);
        if let Some(reply) = self.threads[id].reply.take() {
            self.replies[reply] = Reply::default();
        }
        self.set_runnable(id);
    }
}
