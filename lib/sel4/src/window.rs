//! A frame that this task has mapped, to read and write without a reference.
//!
//! Somebody else may write the same memory at any moment: the kernel, a guest, another task. So there are no references into it, only
//! copies of words and bytes, each access of which happens exactly once.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};

use sel4_sys::{CapRights, Error, layout};

use crate::Result;
use crate::arch;
use crate::cap::{AddressSpace, Frame};

const PAGE: u64 = sysdesc::PAGE;

/// Pages that one mapping takes at most.
const PAGES_AT_ONCE: u64 = 512;

/// Where the next window is mapped. Windows are never taken away, so addresses are never used again.
static NEXT: AtomicU64 = AtomicU64::new(layout::WINDOWS);

/// A mapped frame.
pub struct Window {
    address: u64,
    /// In bytes; a multiple of a page.
    length: u64,
    is_writable: bool,
}

impl Window {
    /// Maps all of `frame` into `space`, this task's own, for as long as the task lives.
    ///
    /// # Errors
    /// `NotEnoughMemory`: no page table is left (`spare-tables` in the system's description) or no addresses are;
    /// otherwise the kernel's.
    pub fn open(frame: Frame, space: AddressSpace, rights: CapRights) -> Result<Self> {
        let pages = frame.pages()?;
        let length = pages.checked_mul(PAGE).ok_or(Error::RangeError)?;
        let address = take_addresses(length).ok_or(Error::NotEnoughMemory)?;
        let mut first = 0;
        while first < pages {
            let piece = PAGES_AT_ONCE.min(pages - first);
            frame.map(space, address + first * PAGE, rights, first, piece)?;
            first += piece;
        }
        Ok(Self {
            address,
            length,
            is_writable: rights.contains(CapRights::WRITE),
        })
    }

    /// Length in bytes.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.length
    }

    /// A frame has at least a page.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The word at byte `offset`; `None` beyond the end or when `offset` is no multiple of 8.
    #[must_use]
    #[inline]
    pub fn word(&self, offset: u64) -> Option<u64> {
        let address = self.place(offset, 8)?;
        offset.is_multiple_of(8).then(|| arch::load_word(address))
    }

    /// Writes the word at byte `offset`. `None`, and nothing written: as [`Self::word`], or the window is read-only.
    #[inline]
    pub fn set_word(&self, offset: u64, word: u64) -> Option<()> {
        let address = self.place(offset, 8).filter(|_| self.is_writable)?;
        offset
            .is_multiple_of(8)
            .then(|| arch::store_word(address, word))
    }

    /// Copies bytes from `offset` on to `bytes`. `None`, and nothing copied: not all of them are in the window.
    pub fn read(&self, offset: u64, bytes: &mut [u8]) -> Option<()> {
        let mut address = self.place(offset, bytes.len() as u64)?;
        let (words, rest) = match address.is_multiple_of(8) {
            true => bytes.as_chunks_mut::<8>(),
            false => (&mut [][..], bytes),
        };
        for word in words {
            *word = arch::load_word(address).to_le_bytes();
            address += 8;
        }
        for byte in rest {
            *byte = arch::load_byte(address);
            address += 1;
        }
        Some(())
    }

    /// Copies `bytes` to `offset`. `None`, and nothing copied: not all of them fit, or the window is read-only.
    pub fn write(&self, offset: u64, bytes: &[u8]) -> Option<()> {
        let place = self.place(offset, bytes.len() as u64);
        let mut address = place.filter(|_| self.is_writable)?;
        let (words, rest) = match address.is_multiple_of(8) {
            true => bytes.as_chunks::<8>(),
            false => (&[][..], bytes),
        };
        for &word in words {
            arch::store_word(address, u64::from_le_bytes(word));
            address += 8;
        }
        for &byte in rest {
            arch::store_byte(address, byte);
            address += 1;
        }
        Some(())
    }

    /// The address of `length` bytes at `offset`.
    #[inline]
    fn place(&self, offset: u64, length: u64) -> Option<u64> {
        let end = offset.checked_add(length)?;
        (end <= self.length).then_some(self.address + offset)
    }
}

impl fmt::Debug for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            address, length, ..
        } = self;
        write!(f, "window of {length} bytes at {address:#x}")
    }
}

/// The first of `length` bytes of addresses that nobody else gets.
fn take_addresses(length: u64) -> Option<u64> {
    let next = |at: u64| {
        at.checked_add(length)
            .filter(|&end| end <= layout::WINDOWS_END)
    };
    NEXT.try_update(Ordering::Relaxed, Ordering::Relaxed, next)
        .ok()
}
