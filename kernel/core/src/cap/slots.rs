//! The slots of all CNodes, and the tree of which capability came from which.
//!
//! Each capability knows its parent, its first child and its neighbours among its parent's children.
//! What emptying a slot means for threads that wait through it is in [`vacate`](super::vacate).

use core::num::NonZeroU32;
use core::ops::Index;

use super::Capability;

/// A slot, by its position in the one array. Position 0 is slot 0 of the first CNode, which is never used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub(crate) struct SlotId(NonZeroU32);

impl SlotId {
    /// The slot at this position; `None` at 0.
    #[inline]
    pub(crate) fn new(position: u32) -> Option<Self> {
        NonZeroU32::new(position).map(Self)
    }
}

/// A capability and its place in the tree. An empty slot has no links.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Slot {
    /// What is in it.
    pub(crate) capability: Option<Capability>,
    /// What it was derived from.
    pub(crate) parent: Option<SlotId>,
    /// The youngest derived from it.
    pub(crate) first_child: Option<SlotId>,
    /// The next older child of the parent.
    pub(crate) next: Option<SlotId>,
    /// The next younger child of the parent.
    pub(crate) prev: Option<SlotId>,
}

const _: () = assert!(size_of::<Slot>() == 32);

/// All slots.
#[derive(Debug)]
pub(crate) struct Slots(&'static mut [Slot]);

impl Index<SlotId> for Slots {
    type Output = Slot;
    #[inline]
    #[expect(
        clippy::indexing_slicing,
        reason = "slot ids lie inside a CNode, CNodes inside the array"
    )]
    fn index(&self, id: SlotId) -> &Slot {
        &self.0[id.0.get() as usize]
    }
}

impl Slots {
    pub(crate) fn new(slots: &'static mut [Slot]) -> Self {
        Self(slots)
    }

    #[expect(clippy::indexing_slicing, reason = "as for `index`")]
    fn at(&mut self, id: SlotId) -> &mut Slot {
        &mut self.0[id.0.get() as usize]
    }

    /// The capability in a slot.
    #[inline]
    pub(crate) fn capability(&self, id: SlotId) -> Option<Capability> {
        self[id].capability
    }

    /// Puts a capability into an empty slot, as the youngest child of `parent`.
    pub(crate) fn insert(&mut self, id: SlotId, capability: Capability, parent: Option<SlotId>) {
        let next = parent.and_then(|parent| self.at(parent).first_child.replace(id));
        if let Some(next) = next {
            self.at(next).prev = Some(id);
        }
        *self.at(id) = Slot {
            capability: Some(capability),
            parent,
            first_child: None,
            next,
            prev: None,
        };
    }

    /// Moves a capability with its place in the tree to an empty slot.
    pub(crate) fn relocate(&mut self, from: SlotId, to: SlotId) {
        let slot = core::mem::take(self.at(from));
        *self.at(to) = slot;
        self.set_predecessor_link(&slot, Some(to));
        if let Some(next) = slot.next {
            self.at(next).prev = Some(to);
        }
        let mut child = slot.first_child;
        while let Some(id) = child {
            self.at(id).parent = Some(to);
            child = self[id].next;
        }
    }

    /// Empties a slot. Its children take its place among its parent's children; without a parent they have none.
    pub(crate) fn remove(&mut self, id: SlotId) {
        let slot = core::mem::take(self.at(id));
        let Some(first) = slot.first_child else {
            self.set_predecessor_link(&slot, slot.next);
            if let Some(next) = slot.next {
                self.at(next).prev = slot.prev;
            }
            return;
        };
        let mut child = Some(first);
        let mut last = first;
        while let Some(id) = child {
            let orphan = self.at(id);
            orphan.parent = slot.parent;
            child = orphan.next;
            last = id;
            if slot.parent.is_none() {
                // A tree of its own: the links among children of nobody would mean nothing.
                (orphan.next, orphan.prev) = (None, None);
            }
        }
        if slot.parent.is_some() {
            self.set_predecessor_link(&slot, Some(first));
            self.at(first).prev = slot.prev;
            self.at(last).next = slot.next;
            if let Some(next) = slot.next {
                self.at(next).prev = Some(last);
            }
        }
    }

    /// Makes whatever pointed to `slot` from the left or from above point to `target`.
    fn set_predecessor_link(&mut self, slot: &Slot, target: Option<SlotId>) {
        match (slot.prev, slot.parent) {
            (Some(prev), _) => self.at(prev).next = target,
            (None, Some(parent)) => self.at(parent).first_child = target,
            (None, None) => {}
        }
    }

    /// A descendant of `id` that has no children itself.
    pub(crate) fn a_leaf_below(&self, id: SlotId) -> Option<SlotId> {
        let mut leaf = self[id].first_child?;
        while let Some(child) = self[leaf].first_child {
            leaf = child;
        }
        Some(leaf)
    }
}
