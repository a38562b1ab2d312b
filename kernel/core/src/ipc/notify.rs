//! Signals.

use sel4_sys::MessageInfo;

use super::send::Mode;
use crate::Kernel;
use crate::cap::SlotId;
use crate::object::{NotificationId, Place, Signal, State, ThreadId};

impl Kernel {
    /// Signals a notification: wakes who waits for it, else the bits are kept.
    pub(crate) fn signal(&mut self, id: NotificationId, bits: u64) {
        let object = &mut self.notifications[id];
        if let Some(waiter) = object.queue.head {
            self.leave_queue(waiter);
            self.write_signal(waiter, bits);
            self.set_runnable(waiter);
            return;
        }
        object.signal = match object.signal {
            Signal::Idle => Signal::Pending(bits),
            Signal::Pending(before) => Signal::Pending(before | bits),
        };
        if let Some(bound) = object.bound {
            self.hear_pending_signal(bound);
        }
    }

    /// Waits for a signal.
    pub(crate) fn wait(&mut self, id: ThreadId, on: NotificationId, slot: SlotId, mode: Mode) {
        let object = &mut self.notifications[on];
        if let Signal::Pending(bits) = object.signal {
            object.signal = Signal::Idle;
            self.write_signal(id, bits);
        } else if mode == Mode::Blocking {
            let thread = &mut self.threads[id];
            thread.state = State::Waiting;
            thread.place = Place::Waiting;
            thread.waits_for = Some(on);
            thread.blocked_slot = Some(slot);
            object.queue.push_by_priority(&mut self.threads, id);
            self.return_borrowed(id);
        } else {
            self.write_signal(id, 0);
        }
    }

    /// A signal in a thread's registers: the bits as badge, and an empty message.
    pub(super) fn write_signal(&mut self, id: ThreadId, bits: u64) {
        let context = &mut self.threads[id].context;
        context.set_badge(bits);
        context.set_info(MessageInfo::default());
    }
}
