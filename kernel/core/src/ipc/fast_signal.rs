//! Signals, and waits for one that came already, by the short way.
//!
//! As in [`fastpath`](super::fastpath), everything is checked before anything is changed, and what the general way
//! would do is what happens.

use sel4_sys::{CapRights, MessageInfo};

use super::fastpath::{state_of, switch_time};
use crate::Kernel;
use crate::arch::context::SystemCall;
use crate::arch::{CpuId, cpu};
use crate::object::{Notification, NotificationId, Place, Queue, Signal, State, ThreadId};

impl Kernel {
    /// `Send` and `NBSend` through a notification: the bits are kept, or a more urgent waiter runs.
    #[inline(never)]
    pub(super) fn fast_signal(
        &mut self,
        cpu: CpuId,
        id: ThreadId,
        call: &SystemCall,
    ) -> Option<()> {
        let (notification, bits) = self.notification_of(id, call, CapRights::WRITE)?;
        let object = self.notifications[notification];
        match object.queue.head {
            Some(waiter) => self.wake(cpu, id, waiter, notification, bits),
            None => self.keep(notification, object, bits),
        }
    }

    /// `Wait` and `Poll` on a notification whose signal is pending.
    #[inline(never)]
    pub(super) fn fast_wait(&mut self, id: ThreadId, call: &SystemCall) -> Option<()> {
        let (notification, _) = self.notification_of(id, call, CapRights::READ)?;
        let object = &mut self.notifications[notification];
        let Signal::Pending(bits) = object.signal else {
            return None;
        };
        object.signal = Signal::Idle;
        let context = &mut *self.threads[id].context;
        context.set_badge(bits);
        context.set_info(MessageInfo::default());
        Some(())
    }

    /// The notification that a system call is made through, if the capability has this right; and its badge.
    #[inline]
    fn notification_of(
        &self,
        id: ThreadId,
        call: &SystemCall,
        right: CapRights,
    ) -> Option<(NotificationId, u64)> {
        let (_, capability) = self.look_up(self.threads[id].cspace, call.capability)?;
        let notification = capability.notification()?;
        capability
            .allows(right)
            .then_some((notification, capability.badge))
    }

    /// Nobody waits: the bits are kept, and the thread goes on.
    #[inline]
    fn keep(&mut self, id: NotificationId, object: Notification, bits: u64) -> Option<()> {
        if let Some(bound) = object.bound
            && matches!(self.threads[bound].state, State::Receiving | State::Halted)
        {
            return None;
        }
        let before = match object.signal {
            Signal::Idle => 0,
            Signal::Pending(before) => before,
        };
        self.notifications[id].signal = Signal::Pending(before | bits);
        Some(())
    }

    /// The only waiter is more urgent than the thread, and so than all that are ready: it runs at once.
    #[inline]
    fn wake(
        &mut self,
        cpu: CpuId,
        id: ThreadId,
        waiter_id: ThreadId,
        notification: NotificationId,
        bits: u64,
    ) -> Option<()> {
        let (thread, waiter) = self.threads.pair(id, waiter_id)?;
        if waiter.cpu != cpu || waiter.next.is_some() || waiter.priority <= thread.priority {
            return None;
        }
        let context = waiter.sched_context?;
        let state = state_of(self.cpus, cpu);
        if state.leaves.is_some() {
            // The thread's guest is to be put when it leaves the CPU.
            return None;
        }
        switch_time(
            cpu,
            state,
            &mut self.sched_contexts,
            context,
            self.least_slice,
        )?;

        // Nothing below can fail.
        self.notifications[notification].queue = Queue::default();
        waiter.state = State::Runnable;
        waiter.place = Place::Nowhere;
        waiter.waits_for = None;
        waiter.blocked_slot = None;
        state.current = Some(waiter_id);
        let registers = &mut *waiter.context;
        registers.set_badge(bits);
        registers.set_info(MessageInfo::default());
        cpu::switch_to(cpu, registers);
        state.ready.push_front(&mut self.threads, id);
        Some(())
    }
}
