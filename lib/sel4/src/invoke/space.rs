//! Operations of CNodes.

use sel4_sys::{Badge, CNodeOp, CPtr, CapRights};

use super::{invoke, invoke_with_cap};
use crate::Result;
use crate::cap::CNode;

impl CNode {
    /// Copies a capability of `source_cnode` into the empty slot `destination`, with at most `rights`.
    ///
    /// # Errors
    /// `FailedLookup`: a slot does not exist or the source is empty; `DeleteFirst`: the destination is not.
    pub fn copy(
        self,
        destination: CPtr,
        source_cnode: Self,
        source: CPtr,
        rights: CapRights,
    ) -> Result<()> {
        let words = [destination, source, u64::from(rights.bits()), 0];
        invoke_with_cap(self.bits(), CNodeOp::COPY.0, 3, words, source_cnode.bits()).map(drop)
    }

    /// [`Self::copy`] of an unbadged endpoint or notification, with a badge.
    ///
    /// # Errors
    /// As [`Self::copy`]; `IllegalOperation` or `InvalidCapability`: it cannot have a badge, or has one.
    pub fn mint(
        self,
        destination: CPtr,
        source_cnode: Self,
        source: CPtr,
        rights: CapRights,
        badge: Badge,
    ) -> Result<()> {
        let words = [destination, source, u64::from(rights.bits()), badge];
        invoke_with_cap(self.bits(), CNodeOp::MINT.0, 4, words, source_cnode.bits()).map(drop)
    }

    /// Moves a capability of `source_cnode` to the empty slot `destination`.
    ///
    /// # Errors
    /// As [`Self::copy`].
    pub fn r#move(self, destination: CPtr, source_cnode: Self, source: CPtr) -> Result<()> {
        let words = [destination, source, 0, 0];
        invoke_with_cap(self.bits(), CNodeOp::MOVE.0, 2, words, source_cnode.bits()).map(drop)
    }

    /// Empties a slot. An empty one stays empty.
    ///
    /// # Errors
    /// `FailedLookup`: there is no such slot.
    pub fn delete(self, slot: CPtr) -> Result<()> {
        invoke(self.bits(), CNodeOp::DELETE.0, 1, [slot, 0, 0, 0]).map(drop)
    }

    /// Deletes everything that was copied, minted or sent from a slot; the slot keeps its capability.
    ///
    /// # Errors
    /// `FailedLookup`: there is no such slot, or it is empty.
    pub fn revoke(self, slot: CPtr) -> Result<()> {
        invoke(self.bits(), CNodeOp::REVOKE.0, 1, [slot, 0, 0, 0]).map(drop)
    }

    /// Makes the CNode hold what the system image declares, and nothing else.
    ///
    /// # Errors
    /// The kernel's.
    pub fn reset(self) -> Result<()> {
        invoke(self.bits(), CNodeOp::RESET.0, 0, [0; 4]).map(drop)
    }
}
