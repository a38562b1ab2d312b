//! Operations of virtual CPUs and of guests' memory.

use sel4_sys::vcpu::{GuestSpaceOp, VcpuOp, VcpuReturn};
use sel4_sys::{CapRights, MAP_EXECUTE, Word};

use super::{invoke, invoke_with_cap};
use crate::cap::{Frame, GuestSpace, Vcpu};
use crate::{Badge, Result};

/// Pages that one mapping takes at most: the kernel does not let interrupts wait for longer.
const PAGES_AT_ONCE: u64 = 512;
/// Bytes of a page.
const PAGE: u64 = sysdesc::PAGE;

impl Vcpu {
    /// Runs the guest until something needs its VMM. Says what, and for [`VcpuReturn::SIGNALLED`] the badge of the signals. The rest is
    /// in the vCPU's page.
    ///
    /// # Errors
    /// `IllegalOperation`: this thread is not the one that enters the vCPU.
    pub fn enter(self) -> Result<(VcpuReturn, Badge)> {
        let [returned, badge, ..] = invoke(self.bits(), VcpuOp::ENTER.0, 0, [0; 4])?;
        Ok((VcpuReturn(returned), badge))
    }

    /// Sets the hardware copy of the selector of general-purpose counter `index`.
    ///
    /// # Errors
    /// `RangeError`, `InvalidArgument`: no such counter, or a value that the project does not allow. The same holds below.
    pub fn set_selector(self, index: u8, value: Word) -> Result<()> {
        let words = [index.into(), value, 0, 0];
        invoke(self.bits(), VcpuOp::SET_SELECTOR.0, 2, words).map(drop)
    }

    /// Sets the hardware copy of FIXED_CTR_CTRL.
    ///
    /// # Errors
    /// As [`Self::set_selector`].
    pub fn set_fixed_control(self, value: Word) -> Result<()> {
        self.order(VcpuOp::SET_FIXED_CONTROL, value)
    }

    /// Sets GLOBAL_CTRL, for a guest whose access is trapped.
    ///
    /// # Errors
    /// As [`Self::set_selector`].
    pub fn set_global_control(self, value: Word) -> Result<()> {
        self.order(VcpuOp::SET_GLOBAL_CONTROL, value)
    }

    /// Lets the guest reach these counters, and what `flags` name, without an exit while they are loaded.
    ///
    /// # Errors
    /// As [`Self::set_selector`].
    pub fn open_counters(self, counters: Word, flags: Word) -> Result<()> {
        let words = [counters, flags, 0, 0];
        invoke(self.bits(), VcpuOp::OPEN_COUNTERS.0, 2, words).map(drop)
    }

    /// Lets the guest use RDPMC without an exit while its counters are loaded.
    ///
    /// # Errors
    /// `IllegalOperation`: not every counter of the CPU is open.
    pub fn open_rdpmc(self) -> Result<()> {
        self.order(VcpuOp::OPEN_RDPMC, 1)
    }

    /// The value of the counter with this RDPMC number, wherever it is at present.
    ///
    /// # Errors
    /// As [`Self::set_selector`].
    pub fn read_counter(self, number: u32) -> Result<Word> {
        let words = [number.into(), 0, 0, 0];
        let [value, ..] = invoke(self.bits(), VcpuOp::READ_COUNTER.0, 1, words)?;
        Ok(value)
    }

    /// Replaces the value of the counter with this RDPMC number.
    ///
    /// # Errors
    /// As [`Self::set_selector`].
    pub fn write_counter(self, number: u32, value: Word) -> Result<()> {
        let words = [number.into(), value, 0, 0];
        invoke(self.bits(), VcpuOp::WRITE_COUNTER.0, 2, words).map(drop)
    }

    /// GLOBAL_STATUS.
    ///
    /// # Errors
    /// The kernel's.
    pub fn read_status(self) -> Result<Word> {
        let [value, ..] = invoke(self.bits(), VcpuOp::READ_STATUS.0, 0, [0; 4])?;
        Ok(value)
    }

    /// Clears and sets overflow bits.
    ///
    /// # Errors
    /// As [`Self::set_selector`].
    pub fn change_status(self, clear: Word, set: Word) -> Result<()> {
        let words = [clear, set, 0, 0];
        invoke(self.bits(), VcpuOp::CHANGE_STATUS.0, 2, words).map(drop)
    }

    /// Says whether the guest has masked its performance interrupt.
    ///
    /// # Errors
    /// The kernel's.
    pub fn set_pmi_mask(self, is_masked: bool) -> Result<()> {
        self.order(VcpuOp::SET_PMI_MASK, is_masked.into())
    }

    /// Says whether the guest runs with its counters stopped while its lease is not armed.
    ///
    /// # Errors
    /// The kernel's.
    pub fn set_blind(self, is_blind: bool) -> Result<()> {
        self.order(VcpuOp::SET_BLIND, is_blind.into())
    }

    fn order(self, operation: VcpuOp, word: Word) -> Result<()> {
        invoke(self.bits(), operation.0, 1, [word, 0, 0, 0]).map(drop)
    }
}

impl GuestSpace {
    /// Unmaps pages from a page-aligned guest-physical address on. Where nothing is mapped, nothing changes.
    ///
    /// # Errors
    /// `AlignmentError`, `RangeError`: the address or the pages.
    pub fn unmap(self, address: Word, pages: u64) -> Result<()> {
        let mut first = 0;
        while first < pages {
            let piece = PAGES_AT_ONCE.min(pages - first);
            let words = [address + first * PAGE, piece, 0, 0];
            invoke(self.bits(), GuestSpaceOp::UNMAP.0, 2, words)?;
            first += piece;
        }
        Ok(())
    }

    /// Maps all of `frame` at a page-aligned guest-physical address, for reading, writing and executing.
    ///
    /// # Errors
    /// `DeleteFirst`: something is mapped there; `NotEnoughMemory`: no page table is left (`tables` of the VM); `AlignmentError`,
    /// `RangeError`: the address. What was mapped before the error stays mapped.
    pub fn map_all(self, frame: Frame, address: Word) -> Result<()> {
        let pages = frame.pages()?;
        let rights = u64::from(CapRights::READ.union(CapRights::WRITE).bits()) | MAP_EXECUTE;
        let mut first = 0;
        while first < pages {
            let piece = PAGES_AT_ONCE.min(pages - first);
            let words = [address + first * PAGE, rights, first, piece];
            invoke_with_cap(self.bits(), GuestSpaceOp::MAP.0, 4, words, frame.bits())?;
            first += piece;
        }
        Ok(())
    }
}
