//! What follows when a capability leaves its slot: nobody waits through it now.

use core::num::NonZeroU16;

use sel4_sys::{CapRights, ObjectKind};

use super::{Capability, SlotId};
use crate::Kernel;
use crate::arch::irq;
use crate::object::{CNodeId, Id, InterruptTarget, Queue};

impl Kernel {
    /// Deletes the capability in a slot, if there is one; its children become its parent's.
    pub(crate) fn delete(&mut self, slot: SlotId) {
        let Some(capability) = self.slots.capability(slot) else {
            return;
        };
        self.slots.remove(slot);
        self.cancel_waits_through(slot, capability);
        self.stop_using(slot, capability);
        match capability.kind {
            // The last chance to answer through this slot is gone; the caller must not wait for ever.
            ObjectKind::Reply => {
                if let Some(reply) = capability.reply()
                    && self.replies[reply].slot == Some(slot)
                {
                    self.abandon_caller(reply);
                }
            }
            ObjectKind::Notification => {
                for interrupt in self.interrupts.iter_mut() {
                    if interrupt.target.is_some_and(|target| target.slot == slot) {
                        interrupt.target = None;
                        irq::mask(interrupt.line);
                    }
                }
            }
            _ => {}
        }
    }

    /// Deletes everything derived from the capability in a slot.
    pub(crate) fn revoke(&mut self, slot: SlotId) {
        while let Some(leaf) = self.slots.a_leaf_below(slot) {
            self.delete(leaf);
        }
    }

    /// Moves a capability to an empty slot. Threads that wait through the old slot make their calls again;
    /// a caller that waits to be answered and an interrupt follow the capability.
    pub(crate) fn relocate(&mut self, from: SlotId, to: SlotId) {
        let Some(capability) = self.slots.capability(from) else {
            return;
        };
        self.slots.relocate(from, to);
        self.cancel_waits_through(from, capability);
        self.follow(from, to);
        if let Some(reply) = capability.reply()
            && self.replies[reply].slot == Some(from)
        {
            self.replies[reply].slot = Some(to);
        }
        if capability.notification().is_some() {
            for interrupt in self.interrupts.iter_mut() {
                if let Some(InterruptTarget { slot, .. }) = &mut interrupt.target
                    && *slot == from
                {
                    *slot = to;
                }
            }
        }
    }

    /// Threads blocked through `slot`, which held `capability`, make their system calls again.
    fn cancel_waits_through(&mut self, slot: SlotId, capability: Capability) {
        if let Some(endpoint) = capability.endpoint() {
            self.restart_waiting(slot, self.endpoints[endpoint].queue);
        } else if let Some(notification) = capability.notification() {
            self.restart_waiting(slot, self.notifications[notification].queue);
        } else if let Some(reply) = capability.reply() {
            let object = self.replies[reply];
            if object.slot == Some(slot)
                && object.caller.is_none()
                && let Some(receiver) = object.server
            {
                self.restart(receiver);
            }
        }
    }

    fn restart_waiting(&mut self, slot: SlotId, queue: Queue) {
        let mut next = queue.head;
        while let Some(id) = next {
            let thread = &self.threads[id];
            next = thread.next;
            if thread.blocked_slot == Some(slot) {
                self.restart(id);
            }
        }
    }

    /// Empties a CNode and fills it as the system image declares.
    ///
    /// A declared capability that was derived from another one comes back only where that one still is:
    /// what was revoked stays revoked.
    pub(crate) fn reset_cnode(&mut self, id: CNodeId) {
        let cnode = self.cnodes[id];
        for position in 1..cnode.slots {
            if let Some(slot) = cnode.slot(u64::from(position)) {
                self.delete(slot);
            }
        }
        let records = self.image.capabilities;
        for record in records {
            if usize::from(record.cnode) == id.index() {
                self.install(record);
            }
        }
    }

    /// Puts one declared capability into its slot, which is empty.
    pub(crate) fn install(&mut self, record: &sysdesc::Capability) {
        let Some((slot, capability)) = self.declared(record) else {
            return;
        };
        let parent = if record.parent == sysdesc::NO_PARENT {
            None
        } else {
            let parent = self.image.capabilities.get(record.parent as usize);
            let parent = parent.and_then(|record| self.declared(record));
            let still_there = parent.filter(|&(slot, _)| {
                self.slots.capability(slot).is_some_and(|found| {
                    found.is_same_object(capability)
                        && found.allows(capability.rights)
                        && (found.badge == 0 || found.badge == capability.badge)
                })
            });
            match still_there {
                Some((slot, _)) => Some(slot),
                None => return,
            }
        };
        self.slots.insert(slot, capability, parent);
    }

    /// Slot and capability that a record of the image describes.
    fn declared(&self, record: &sysdesc::Capability) -> Option<(SlotId, Capability)> {
        let cnode = self.cnodes[CNodeId::new(record.cnode)?];
        let capability = Capability {
            badge: record.badge,
            object: NonZeroU16::new(record.object.wrapping_add(1))?,
            kind: ObjectKind::from_number(record.kind)?,
            rights: CapRights::from_bits_truncate(record.rights),
        };
        Some((cnode.slot(u64::from(record.slot))?, capability))
    }
}
