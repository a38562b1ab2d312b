//! `Call` and `ReplyRecv` by the short way.
//!
//! That of signals is in [`fast_signal`](super::fast_signal). Taken when the message fits the registers, the partner waits on this CPU, and nothing else should run first. Everything is checked
//! before anything is changed; where a check fails, the general way (`send`, `receive`, `reply`) does the whole
//! system call. Both must leave the same state behind, and a test compares them.
//!
//! The checks are in the order in which they fail most often. Each object is looked up once.

use sel4_sys::{CapRights, Syscall};

use crate::Kernel;
use crate::arch::context::SystemCall;
use crate::arch::{CpuId, MAX_CPUS, cpu, timer};
use crate::object::{
    EndpointState, Place, Pool, Queue, Reply, SchedContext, SchedContextId, Signal, State, Thread,
    ThreadId,
};
use crate::sched::Cpu;

/// Whether the short way was taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub(crate) enum Shortcut {
    /// All is done, and the partner runs.
    Taken,
    /// Nothing changed.
    NotPossible,
}

impl Kernel {
    /// Does the current thread's system call by the short way, if it can be.
    #[inline]
    pub(crate) fn shortcut(&mut self, cpu: CpuId, id: ThreadId) -> Shortcut {
        let call = self.threads[id].context.system_call();
        let taken = match call.number {
            Syscall::CALL => self.fast_call(cpu, id, &call),
            Syscall::REPLY_RECV => self.fast_reply_receive(cpu, id, &call),
            Syscall::SEND | Syscall::NB_SEND => self.fast_signal(cpu, id, &call),
            Syscall::WAIT | Syscall::POLL => self.fast_wait(id, &call),
            _ => None,
        };
        match taken {
            Some(()) => Shortcut::Taken,
            None => Shortcut::NotPossible,
        }
    }

    #[inline]
    fn fast_call(&mut self, cpu: CpuId, id: ThreadId, call: &SystemCall) -> Option<()> {
        if !call.info.fits_registers() {
            return None;
        }
        let slot = self.threads[id].cspace.slot(call.capability)?;
        let capability = self.slots.capability(slot)?;
        let object = &mut self.endpoints[capability.endpoint()?];
        let server_id = object.queue.head?;
        if object.state != EndpointState::Receiving || !may_call(capability.rights) {
            return None;
        }
        let (caller, server) = self.threads.pair(id, server_id)?;
        let state = state_of(self.cpus, cpu);
        if state.leaves.is_some() {
            // The caller's guest is to be put when it leaves the CPU.
            return None;
        }
        // The current thread is at least as urgent as all that are ready, so a server at least as urgent as it comes first.
        if server.cpu != cpu
            || server.next.is_some()
            || server.priority < caller.priority
                && state.ready.has_more_urgent_than(server.priority)
        {
            return None;
        }
        let reply_id = server.reply?;
        let donated = match server.sched_context {
            None => {
                let context = caller.sched_context?;
                if caller.home.is_some_and(|home| home != context) {
                    return None;
                }
                hand(&mut self.sched_contexts, context, caller, server, server_id);
                Some(context)
            }
            Some(context) => {
                switch_time(
                    cpu,
                    state,
                    &mut self.sched_contexts,
                    context,
                    self.least_slice,
                )?;
                None
            }
        };

        // Nothing below can fail.
        object.queue = Queue::default();
        object.state = EndpointState::Idle;
        let reply = &mut self.replies[reply_id];
        reply.caller = Some(id);
        reply.donated = donated;
        caller.state = State::Calling;
        caller.reply = Some(reply_id);
        server.state = State::Runnable;
        server.place = Place::Nowhere;
        server.endpoint = None;
        server.blocked_slot = None;
        server.reply = None;
        state.current = Some(server_id);
        let context = &mut *server.context;
        context.set_message(caller.context.message());
        context.set_badge(capability.badge);
        context.set_info(call.info.of_task());
        cpu::switch_to(cpu, context);
        Some(())
    }

    #[inline]
    fn fast_reply_receive(&mut self, cpu: CpuId, id: ThreadId, call: &SystemCall) -> Option<()> {
        if !call.info.fits_registers() {
            return None;
        }
        let cspace = self.threads[id].cspace;
        let reply_slot = cspace.slot(call.reply)?;
        let reply_id = self.slots.capability(reply_slot)?.reply()?;
        let reply = &mut self.replies[reply_id];
        let caller_id = reply.caller?;
        let slot = cspace.slot(call.capability)?;
        let capability = self.slots.capability(slot)?;
        let endpoint = capability.endpoint()?;
        let object = &mut self.endpoints[endpoint];
        if object.state != EndpointState::Idle || !capability.allows(CapRights::READ) {
            return None;
        }
        let (caller, server) = self.threads.pair(caller_id, id)?;
        let state = state_of(self.cpus, cpu);
        if caller.cpu != cpu
            || state.leaves.is_some()
            || caller.fault.is_some()
            || state.ready.has_more_urgent_than(caller.priority)
        {
            return None;
        }
        if let Some(notification) = server.notification
            && self.notifications[notification].signal != Signal::Idle
        {
            return None;
        }
        match reply.donated {
            Some(context) => {
                if server.sched_context != Some(context)
                    || server.home.is_some()
                    || caller.sched_context.is_some()
                {
                    return None;
                }
                hand(&mut self.sched_contexts, context, server, caller, caller_id);
            }
            None => {
                let context = caller.sched_context?;
                if server.sched_context != server.home {
                    return None;
                }
                switch_time(
                    cpu,
                    state,
                    &mut self.sched_contexts,
                    context,
                    self.least_slice,
                )?;
            }
        }

        // Nothing below can fail.
        *reply = Reply {
            caller: None,
            server: Some(id),
            donated: None,
            slot: Some(reply_slot),
        };
        object.queue = Queue {
            head: Some(id),
            tail: Some(id),
        };
        object.state = EndpointState::Receiving;
        caller.state = State::Runnable;
        caller.reply = None;
        server.state = State::Receiving;
        server.place = Place::Waiting;
        server.endpoint = Some(endpoint);
        server.blocked_slot = Some(slot);
        server.reply = Some(reply_id);
        state.current = Some(caller_id);
        let context = &mut *caller.context;
        context.set_message(server.context.message());
        context.set_badge(0);
        context.set_info(call.info.of_task());
        cpu::switch_to(cpu, context);
        Some(())
    }
}

/// A CPU's state, while other parts of the kernel are in use.
#[inline]
#[expect(clippy::indexing_slicing, reason = "all CPU ids have a state")]
pub(super) fn state_of(cpus: &mut [Cpu; MAX_CPUS], cpu: CpuId) -> &mut Cpu {
    &mut cpus[cpu.index()]
}

/// Whether a capability with these rights can be called.
#[inline]
fn may_call(rights: CapRights) -> bool {
    rights.contains(CapRights::WRITE)
        && rights.intersects(CapRights::GRANT | CapRights::GRANT_REPLY)
}

/// Time goes from one thread to another; the clock need not be looked at.
#[inline]
fn hand(
    contexts: &mut Pool<SchedContextId, SchedContext>,
    context: SchedContextId,
    from: &mut Thread,
    to: &mut Thread,
    to_id: ThreadId,
) {
    contexts[context].runner = Some(to_id);
    from.sched_context = None;
    to.sched_context = Some(context);
}

/// Goes over to another scheduling context, as the scheduler does. `None`, and nothing changes, when too little is left of it.
#[inline]
pub(super) fn switch_time(
    cpu: CpuId,
    state: &mut Cpu,
    contexts: &mut Pool<SchedContextId, SchedContext>,
    context: SchedContextId,
    least: u64,
) -> Option<()> {
    if contexts[context].available < least {
        return None;
    }
    let now = timer::now().0;
    if let Some(before) = state.charged {
        contexts[before].charge(now.saturating_sub(state.since));
    }
    let next = &mut contexts[context];
    // With this much available the answer is yes.
    let _ = next.start(now, least);
    let wanted = now.saturating_add(next.available);
    state.charged = Some(context);
    state.since = now;
    if wanted < state.armed {
        state.armed = wanted;
        timer::arm(cpu, timer::Ticks(wanted));
    }
    Some(())
}
