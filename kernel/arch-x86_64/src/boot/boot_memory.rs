//! What the kernel gets while it starts: the image, the machine, and memory.
//!
//! UNSAFETY: makes typed values in fresh memory. Invariant *owned* (mm/direct.rs) holds because
//! [`MemoryMap::take`] hands out a page once.

#![expect(unsafe_code, reason = "typed values in fresh memory")]

use core::ptr;

use super::memory::{MemoryMap, Span};
use super::{Machine, OutOfMemory};
use crate::context::Context;
use crate::cpu::area_words;
use crate::mm::direct::{self, Page};
use crate::mm::layout::to_usize;
use crate::mm::{AddressSpace, Frame, MapError, MapRights, PAGE};
use crate::vcpu::{GuestSpace, Vcpu};

/// The way to memory while the kernel starts; afterwards nothing allocates.
#[derive(Debug)]
pub struct Boot {
    pub(super) image: &'static [u8],
    pub(super) machine: Machine,
    pub(super) all: MemoryMap,
    pub(super) free: MemoryMap,
    pub(super) kernel: &'static Page,
    /// Rest of the page that small things are carved from.
    pub(super) rest: Span,
}

impl Boot {
    /// The system image, aligned to 8 bytes; it stays where it is.
    #[must_use]
    pub fn image(&self) -> &'static [u8] {
        self.image
    }

    /// What the machine is.
    #[must_use]
    pub fn machine(&self) -> Machine {
        Machine {
            used_bytes: self.machine.memory_bytes - self.free.bytes(),
            ..self.machine
        }
    }

    /// `count` values, made by `init` from their index.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn carve<T>(
        &mut self,
        count: usize,
        mut init: impl FnMut(usize) -> T,
    ) -> Result<&'static mut [T], OutOfMemory> {
        let bytes = size_of::<T>().checked_mul(count).ok_or(OutOfMemory)? as u64;
        let physical = self.take_bytes(bytes, align_of::<T>() as u64)?;
        let start = ptr::with_exposed_provenance_mut::<T>(to_usize(direct::window(physical)));
        for i in 0..count {
            // SAFETY: 1. The memory has room for `count` values.
            let at = unsafe { start.add(i) };
            // SAFETY: 1. The memory is *owned*, mapped writable and aligned (take_bytes). 2. Nothing was here before.
            unsafe { at.write(init(i)) };
        }
        // SAFETY: 1. All `count` values were written. 2. Nobody else has this memory, for ever.
        Ok(unsafe { core::slice::from_raw_parts_mut(start, count) })
    }

    /// `count` contexts, to be started.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn carve_contexts(&mut self, count: usize) -> Result<&'static mut [Context], OutOfMemory> {
        /// What XSAVE wants its areas aligned to.
        #[derive(Clone, Copy)]
        #[repr(C, align(64))]
        struct Block([u64; 8]);

        let blocks = area_words() / 8;
        let areas = self.carve(blocks * count, |_| Block([0; 8]))?;
        let mut areas = areas.chunks_exact_mut(blocks);
        // A context without its area cannot be: there are as many as contexts.
        self.carve(count, |_| {
            let area = areas.next().unwrap_or_default();
            let words = ptr::from_mut(area);
            // SAFETY: 1. A block is eight words without padding; the area is not used as blocks any more.
            Context::new(unsafe {
                core::slice::from_raw_parts_mut(words.cast::<u64>(), words.len() * 8)
            })
        })
    }

    /// `count` vCPUs, each as after a [`reset`](Vcpu::reset).
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn carve_vcpus(&mut self, count: usize) -> Result<&'static mut [Vcpu], OutOfMemory> {
        let pages =
            self.take_pages(u32::try_from(count * Vcpu::PAGES).map_err(|_| OutOfMemory)?)?;
        let mut pages = pages.chunks_exact(Vcpu::PAGES);
        // There are as many pieces as vCPUs.
        self.carve(count, |n| Vcpu::new(n, pages.next().unwrap_or_default()))
    }

    /// An empty guest memory without a reserve of tables.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn guest_space(&mut self) -> Result<GuestSpace, OutOfMemory> {
        Ok(GuestSpace::new(self.take_table()?))
    }

    /// Adds `count` tables to the reserve of `space`.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn add_guest_tables(
        &mut self,
        space: &mut GuestSpace,
        count: u32,
    ) -> Result<(), OutOfMemory> {
        for _ in 0..count {
            space.add_table(self.take_table()?);
        }
        Ok(())
    }

    /// A frame of `pages` pages that begins with `contents` and goes on with zero bytes.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn frame(&mut self, pages: u32, contents: &[u8]) -> Result<Frame, OutOfMemory> {
        Ok(Frame::memory(self.take_pages(pages)?, contents))
    }

    /// A frame for the registers of a device at `physical`, which is page-aligned; mapped uncached.
    ///
    /// # Errors
    /// [`OutOfMemory`] when the range overlaps memory that the kernel uses.
    pub fn device_frame(&mut self, physical: u64, pages: u32) -> Result<Frame, OutOfMemory> {
        let end = physical
            .checked_add(u64::from(pages) * PAGE)
            .ok_or(OutOfMemory)?;
        if self.all.meets(Span {
            start: physical,
            end,
        }) {
            return Err(OutOfMemory);
        }
        Ok(Frame::device(pages, physical))
    }

    /// An empty address space without a reserve of page tables.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn address_space(&mut self) -> Result<AddressSpace, OutOfMemory> {
        Ok(AddressSpace::new(self.take_table()?, self.kernel))
    }

    /// As [`AddressSpace::map`], but page tables come from the machine's memory. After a
    /// [`clear`](AddressSpace::clear) they are in the reserve, so the same mappings can be made again.
    ///
    /// # Errors
    /// [`MapError`]; `NoTable` when no memory is left.
    pub fn map(
        &mut self,
        space: &mut AddressSpace,
        address: u64,
        frame: &Frame,
        page: u32,
        rights: MapRights,
    ) -> Result<(), MapError> {
        loop {
            match space.map(address, frame, page, rights) {
                Err(MapError::NoTable) => {
                    self.add_tables(space, 1).map_err(|_| MapError::NoTable)?;
                }
                outcome => return outcome,
            }
        }
    }

    /// Adds `count` page tables to the reserve of `space`.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn add_tables(&mut self, space: &mut AddressSpace, count: u32) -> Result<(), OutOfMemory> {
        for _ in 0..count {
            space.add_table(self.take_table()?);
        }
        Ok(())
    }

    /// An empty page for a table.
    pub(super) fn take_table(&mut self) -> Result<&'static Page, OutOfMemory> {
        take_table(&mut self.free)
    }

    fn take_pages(&mut self, count: u32) -> Result<&'static [Page], OutOfMemory> {
        let physical = self.free.take(u64::from(count) * PAGE, PAGE)?;
        // SAFETY: 1. *owned*: just taken.
        Ok(unsafe { direct::pages(physical, count as usize) })
    }

    /// Memory for `bytes` bytes; small things share pages.
    fn take_bytes(&mut self, bytes: u64, align: u64) -> Result<u64, OutOfMemory> {
        let start = self.rest.start.next_multiple_of(align);
        if bytes <= self.rest.end.saturating_sub(start) {
            self.rest.start = start + bytes;
            return Ok(start);
        }
        let start = self.free.take(bytes, align.max(PAGE))?;
        let end = (start + bytes).next_multiple_of(PAGE);
        self.rest = Span {
            start: start + bytes,
            end,
        };
        Ok(start)
    }
}

/// An empty page for a table, from `free`.
pub(super) fn take_table(free: &mut MemoryMap) -> Result<&'static Page, OutOfMemory> {
    let physical = free.take(PAGE, PAGE)?;
    // SAFETY: 1. *owned*: just taken.
    let pages = unsafe { direct::pages(physical, 1) };
    direct::clear(pages);
    pages.first().ok_or(OutOfMemory)
}
