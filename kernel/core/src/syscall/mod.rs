//! System calls: which there are, and what each capability makes of them.

mod args;
mod frame;
mod guest_space;
mod interrupt;
mod invoke;
mod pmu;
mod port;
mod sched_context;
mod thread;
mod vcpu;

pub(crate) use args::{Answer, Args, Refusal};

use sel4_sys::{CapRights, Error, Syscall};

use crate::Kernel;
use crate::arch::CpuId;
use crate::arch::context::SystemCall;
use crate::cap::{Capability, SlotId};
use crate::ipc::{Mode, ReplyWith, Through};
use crate::object::{Fault, SendRights, State, ThreadId};

/// Whether a sender waits for an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wants {
    Answer,
    Nothing,
}

/// Whether a receiver names a reply object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Receives {
    /// In `r12`.
    WithReply,
    WithoutReply,
}

impl Kernel {
    /// Does what the current thread asks for, by the general way.
    pub(crate) fn slow_system_call(&mut self, cpu: CpuId, id: ThreadId) {
        let call = self.threads[id].context.system_call();
        if let Err(fault) = self.dispatch(cpu, id, &call) {
            if let Fault::Capability { .. } = fault {
                self.threads[id].context.rewind_system_call();
            }
            self.raise(id, fault);
        }
    }

    fn dispatch(&mut self, cpu: CpuId, id: ThreadId, call: &SystemCall) -> Result<(), Fault> {
        use Mode::{Blocking, NonBlocking};
        use Receives::{WithReply, WithoutReply};
        let target = call.capability;
        match call.number {
            Syscall::CALL => self.send_to(id, target, Blocking, Wants::Answer),
            Syscall::SEND => self.send_to(id, target, Blocking, Wants::Nothing),
            Syscall::NB_SEND => self.send_to(id, target, NonBlocking, Wants::Nothing),
            Syscall::RECV => self.receive_from(id, call, Blocking, WithReply),
            Syscall::NB_RECV => self.receive_from(id, call, NonBlocking, WithReply),
            Syscall::WAIT => self.receive_from(id, call, Blocking, WithoutReply),
            Syscall::POLL => self.receive_from(id, call, NonBlocking, WithoutReply),
            Syscall::REPLY_RECV => {
                let (_, capability) = self.named(id, call.reply, Receiving::Yes)?;
                let reply = capability.reply();
                let reply = reply.ok_or(wrong(call.reply, Receiving::Yes))?;
                self.reply(id, reply, capability.allows(CapRights::GRANT));
                self.receive_from(id, call, Blocking, WithReply)
            }
            Syscall::NB_SEND_RECV => {
                self.send_to(id, call.second, NonBlocking, Wants::Nothing)?;
                self.receive_after_send(id, call, WithReply)
            }
            Syscall::NB_SEND_WAIT => {
                self.send_to(id, call.second, NonBlocking, Wants::Nothing)?;
                self.receive_after_send(id, call, WithoutReply)
            }
            Syscall::YIELD => {
                self.yield_current(cpu, id);
                Ok(())
            }
            _ => Err(Fault::UnknownSystemCall),
        }
    }

    /// Sends to whatever the pointer names.
    fn send_to(
        &mut self,
        id: ThreadId,
        pointer: u64,
        mode: Mode,
        wants: Wants,
    ) -> Result<(), Fault> {
        let (slot, capability) = self.named(id, pointer, Receiving::No)?;
        let refused = Err(wrong(pointer, Receiving::No));
        if let Some(endpoint) = capability.endpoint() {
            let may_call = CapRights::GRANT | CapRights::GRANT_REPLY;
            if !capability.allows(CapRights::WRITE)
                || wants == Wants::Answer && !capability.rights.intersects(may_call)
            {
                return refused;
            }
            let rights = SendRights {
                call: wants == Wants::Answer,
                grant: capability.allows(CapRights::GRANT),
            };
            let through = Through {
                endpoint,
                badge: capability.badge,
                rights,
                slot: Some(slot),
            };
            self.send(id, through, mode);
            return Ok(());
        }
        if let Some(vcpu) = capability.vcpu()
            && wants == Wants::Answer
            && vcpu::enter(self, id, slot, vcpu).is_some()
        {
            // The answer comes when the thread leaves its guest.
            return Ok(());
        }
        let answer = if let Some(notification) = capability.notification() {
            if !capability.allows(CapRights::WRITE) {
                return refused;
            }
            self.signal(notification, capability.badge);
            Answer::done()
        } else if let Some(reply) = capability.reply() {
            self.reply(id, reply, capability.allows(CapRights::GRANT));
            Answer::done()
        } else {
            let generation = self.threads[id].generation;
            if capability.vcpu().is_some() && wants == Wants::Nothing {
                // Running a guest ends with an answer.
                return refused;
            }
            let answer = self.invoke(id, slot, capability);
            if self.threads[id].generation != generation {
                // The thread reset itself: its registers are those of a thread that has not run yet.
                return Ok(());
            }
            answer
        };
        if wants == Wants::Answer {
            let context = &mut self.threads[id].context;
            context.set_badge(0);
            context.set_info(answer.info);
            context.set_message(answer.words);
        }
        Ok(())
    }

    /// The second half of `NBSendRecv`: unless what was sent stopped the thread itself.
    fn receive_after_send(
        &mut self,
        id: ThreadId,
        call: &SystemCall,
        receives: Receives,
    ) -> Result<(), Fault> {
        if self.threads[id].state == State::Runnable {
            self.receive_from(id, call, Mode::Blocking, receives)
        } else {
            Ok(())
        }
    }

    /// Receives from whatever `rdi` names.
    fn receive_from(
        &mut self,
        id: ThreadId,
        call: &SystemCall,
        mode: Mode,
        receives: Receives,
    ) -> Result<(), Fault> {
        let pointer = call.capability;
        let (slot, capability) = self.named(id, pointer, Receiving::Yes)?;
        if !capability.allows(CapRights::READ) {
            return Err(wrong(pointer, Receiving::Yes));
        }
        if let Some(notification) = capability.notification() {
            self.wait(id, notification, slot, mode);
            return Ok(());
        }
        let endpoint = capability.endpoint();
        let endpoint = endpoint.ok_or(wrong(pointer, Receiving::Yes))?;
        let with = match receives {
            Receives::WithReply => Some(self.reply_object(id, call.reply)?),
            Receives::WithoutReply => None,
        };
        self.receive(id, endpoint, slot, mode, with);
        Ok(())
    }

    /// The reply object to receive with. No other thread may be receiving with it.
    fn reply_object(&self, id: ThreadId, pointer: u64) -> Result<ReplyWith, Fault> {
        let (slot, capability) = self.named(id, pointer, Receiving::Yes)?;
        let reply = capability.reply().ok_or(wrong(pointer, Receiving::Yes))?;
        let object = &self.replies[reply];
        if object.server.is_some() && object.caller.is_none() {
            return Err(Fault::Capability {
                pointer,
                receiving: true,
                error: Error::IllegalOperation,
            });
        }
        Ok(ReplyWith { reply, slot })
    }

    fn named(
        &self,
        id: ThreadId,
        pointer: u64,
        receiving: Receiving,
    ) -> Result<(SlotId, Capability), Fault> {
        let found = self.look_up(self.threads[id].cspace, pointer);
        found.ok_or(Fault::Capability {
            pointer,
            receiving: receiving == Receiving::Yes,
            error: Error::FailedLookup,
        })
    }
}

/// Which half of a system call names a capability.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Receiving {
    Yes,
    No,
}

/// A capability of the wrong kind, or without the right.
fn wrong(pointer: u64, receiving: Receiving) -> Fault {
    Fault::Capability {
        pointer,
        receiving: receiving == Receiving::Yes,
        error: Error::InvalidCapability,
    }
}
