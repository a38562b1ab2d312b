//! The objects of a system and the capabilities on them, as they are handed out.

use std::collections::BTreeMap;

use sel4_sys::{CapRights, ObjectKind, slot};
use sysdesc::{
    AddressSpace, CNode, Capability, GuestSpace, Interrupt, Mapping, NO_PARENT, Name, PmuControl,
    PmuLease, Port, SchedContext, Task, Thread, Vcpu,
};

/// Everything that goes into an image, with memory contents not yet laid out.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) system: Name,
    pub(crate) root_thread: u16,
    pub(crate) endpoints: u16,
    pub(crate) notifications: u16,
    pub(crate) replies: u16,
    pub(crate) regions: Vec<Memory>,
    pub(crate) mappings: Vec<Mapping>,
    pub(crate) address_spaces: Vec<AddressSpace>,
    pub(crate) cnodes: Vec<CNode>,
    pub(crate) threads: Vec<Thread>,
    pub(crate) sched_contexts: Vec<SchedContext>,
    pub(crate) interrupts: Vec<Interrupt>,
    pub(crate) ports: Vec<Port>,
    pub(crate) capabilities: Vec<Capability>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) guest_spaces: Vec<GuestSpace>,
    pub(crate) vcpus: Vec<Vcpu>,
    pub(crate) pmu_controls: Vec<PmuControl>,
    pub(crate) pmu_leases: Vec<PmuLease>,
}

/// A region before its contents have a place in the image.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    pub(crate) pages: u32,
    /// First contents; the rest is zero.
    pub(crate) data: Vec<u8>,
    /// The address of device memory, else 0.
    pub(crate) device: u64,
}

/// A capability without a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) kind: ObjectKind,
    pub(crate) object: u16,
    pub(crate) rights: CapRights,
    pub(crate) badge: u64,
}

impl Grant {
    /// All rights on an object, without a badge.
    pub(crate) fn all(kind: ObjectKind, object: u16) -> Self {
        Self {
            kind,
            object,
            rights: CapRights::all(),
            badge: 0,
        }
    }

    /// The same object with these rights.
    pub(crate) fn with(self, rights: CapRights) -> Self {
        Self { rights, ..self }
    }

    /// The same with a badge.
    pub(crate) fn badged(self, badge: u64) -> Self {
        Self { badge, ..self }
    }
}

/// Capabilities as they are handed out: the root task has one with all rights on each
/// object, and everybody else's is derived from it, so that root can revoke it.
#[derive(Debug)]
pub(crate) struct Capabilities {
    records: Vec<Capability>,
    originals: BTreeMap<(u8, u16), u32>,
    root_cnode: u16,
    next_slot: u16,
}

impl Capabilities {
    /// Nothing handed out yet. Originals go into root's CNode behind what it declares itself.
    pub(crate) fn new(root_cnode: u16, declared_by_root: u16) -> Self {
        let first = u16::try_from(slot::FIRST_DECLARED).unwrap_or(u16::MAX);
        let next_slot = first.saturating_add(declared_by_root);
        Self {
            records: Vec::new(),
            originals: BTreeMap::new(),
            root_cnode,
            next_slot,
        }
    }

    /// Root's capability on an object: its slot, made when it is first asked for.
    pub(crate) fn original(&mut self, kind: ObjectKind, object: u16) -> u16 {
        let parent = self.parent(kind, object);
        usize::try_from(parent)
            .ok()
            .and_then(|at| self.records.get(at))
            .map_or(0, |record| record.slot)
    }

    /// Gives a capability to a CNode.
    pub(crate) fn give(&mut self, cnode: u16, slot: u64, grant: Grant) {
        let parent = self.parent(grant.kind, grant.object);
        let slot = u16::try_from(slot).unwrap_or(u16::MAX);
        self.push(cnode, slot, grant, parent);
    }

    /// Slots that root's CNode needs.
    pub(crate) fn root_slots(&self) -> u32 {
        u32::from(self.next_slot)
    }

    /// The records, parents before their children.
    pub(crate) fn into_records(self) -> Vec<Capability> {
        self.records
    }

    fn parent(&mut self, kind: ObjectKind, object: u16) -> u32 {
        let key = (kind as u8, object);
        if let Some(&known) = self.originals.get(&key) {
            return known;
        }
        let index = u32::try_from(self.records.len()).unwrap_or(NO_PARENT);
        self.originals.insert(key, index);
        let slot = self.next_slot;
        self.next_slot = slot.saturating_add(1);
        self.push(self.root_cnode, slot, Grant::all(kind, object), NO_PARENT);
        index
    }

    fn push(&mut self, cnode: u16, slot: u16, grant: Grant, parent: u32) {
        self.records.push(Capability {
            badge: grant.badge,
            parent,
            cnode,
            slot,
            object: grant.object,
            kind: grant.kind as u8,
            rights: grant.rights.bits(),
            reserved: 0,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_object_has_one_original_in_root_and_gifts_are_its_children() {
        let mut capabilities = Capabilities::new(0, 2);
        let endpoint = Grant::all(ObjectKind::Endpoint, 3);
        capabilities.give(5, 16, endpoint.with(CapRights::READ));
        capabilities.give(6, 17, endpoint.with(CapRights::WRITE).badged(9));
        assert_eq!(capabilities.original(ObjectKind::Endpoint, 3), 18);
        assert_eq!(capabilities.root_slots(), 19);
        let records = capabilities.into_records();
        let shown: Vec<_> = records
            .iter()
            .map(|r| (r.cnode, r.slot, r.parent, r.rights, r.badge))
            .collect();
        assert_eq!(
            shown,
            [
                (0, 18, NO_PARENT, 15, 0),
                (5, 16, 0, 2, 0),
                (6, 17, 0, 1, 9)
            ]
        );
    }
}
