//! Operations of frames and address spaces.

use sel4_sys::{AddressSpaceOp, CapRights, FrameOp, Word};

use super::{invoke, invoke_with_cap};
use crate::Result;
use crate::cap::{AddressSpace, Frame};

/// Pages that one reset takes at most.
const RESET_AT_ONCE: u64 = 64;

impl Frame {
    /// Maps pages of the frame at a page-aligned address.
    ///
    /// # Errors
    /// `DeleteFirst`: something is mapped there; `NotEnoughMemory`: no page table is left;
    /// `AlignmentError`, `RangeError`: the address or the pages.
    pub fn map(
        self,
        space: AddressSpace,
        address: Word,
        rights: CapRights,
        first_page: u64,
        pages: u64,
    ) -> Result<()> {
        // The operation has four words; the capability is the only thing in memory.
        let words = [address, u64::from(rights.bits()), first_page, pages];
        invoke_with_cap(self.bits(), FrameOp::MAP.0, 4, words, space.bits()).map(drop)
    }

    /// Unmaps pages of the frame.
    ///
    /// # Errors
    /// `FailedLookup` or `InvalidArgument`: they are not mapped there.
    pub fn unmap(self, space: AddressSpace, address: Word, pages: u64) -> Result<()> {
        let words = [address, pages, 0, 0];
        invoke_with_cap(self.bits(), FrameOp::UNMAP.0, 2, words, space.bits()).map(drop)
    }

    /// Number of pages.
    ///
    /// # Errors
    /// The kernel's.
    pub fn pages(self) -> Result<u64> {
        let [pages, ..] = invoke(self.bits(), FrameOp::DESCRIBE.0, 0, [0; 4])?;
        Ok(pages)
    }

    /// Makes all contents what the system image declares, in pieces that keep interrupts waiting only briefly.
    ///
    /// # Errors
    /// `IllegalOperation`: device memory has no contents of its own.
    pub fn reset(self) -> Result<()> {
        let pages = self.pages()?;
        let mut first = 0;
        while first < pages {
            let piece = RESET_AT_ONCE.min(pages - first);
            invoke(self.bits(), FrameOp::RESET.0, 2, [first, piece, 0, 0])?;
            first += piece;
        }
        Ok(())
    }
}

impl AddressSpace {
    /// Makes the mappings what the system image declares.
    ///
    /// # Errors
    /// The kernel's.
    pub fn reset(self) -> Result<()> {
        invoke(self.bits(), AddressSpaceOp::RESET.0, 0, [0; 4]).map(drop)
    }
}
