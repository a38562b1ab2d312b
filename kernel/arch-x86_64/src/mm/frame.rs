//! Runs of pages, and single pages of them.

use core::sync::atomic::Ordering;

use super::direct::{self, Page};
use super::layout::PAGE;

/// A run of pages of memory, or of a device's registers.
#[derive(Debug)]
pub struct Frame {
    pages: u32,
    physical: u64,
    /// Empty for a device.
    memory: &'static [Page],
}

impl Frame {
    pub(crate) fn memory(memory: &'static [Page], contents: &[u8]) -> Self {
        let pages = u32::try_from(memory.len()).unwrap_or(u32::MAX);
        let mut frame = Self {
            pages,
            physical: memory.first().map_or(0, direct::physical_of),
            memory,
        };
        frame.reset(0, pages, contents);
        frame
    }

    pub(crate) const fn device(pages: u32, physical: u64) -> Self {
        Self {
            pages,
            physical,
            memory: &[],
        }
    }

    /// Pages.
    #[must_use]
    pub fn pages(&self) -> u32 {
        self.pages
    }

    /// Physical address of device memory, `None` for ordinary memory.
    #[must_use]
    pub fn device_address(&self) -> Option<u64> {
        self.memory.is_empty().then_some(self.physical)
    }

    /// Gives `pages` pages from `first` on their first contents: what `contents`, which is that of the whole frame,
    /// has there, then zero bytes. Pages beyond the end and device memory are left alone.
    pub fn reset(&mut self, first: u32, pages: u32, contents: &[u8]) {
        let first = first as usize;
        let end = first.saturating_add(pages as usize).min(self.memory.len());
        let rest = contents.get(first * size_of::<Page>()..).unwrap_or(&[]);
        direct::fill(self.memory.get(first..end).unwrap_or(&[]), rest);
    }

    /// Page `number`, `None` beyond the end and for device memory.
    #[must_use]
    pub fn page(&self, number: u32) -> Option<PageRef> {
        self.memory.get(number as usize).map(PageRef)
    }

    /// Where the frame lies physically, `None` for device memory.
    pub(crate) fn memory_address(&self) -> Option<u64> {
        (!self.memory.is_empty()).then_some(self.physical)
    }

    /// Where page `number` lies physically, `None` beyond the end.
    pub(crate) fn physical(&self, number: u32) -> Option<u64> {
        (number < self.pages).then(|| self.physical + u64::from(number) * PAGE)
    }
}

/// A page of a [`Frame`] of ordinary memory, for IPC buffers and the boot information.
#[derive(Clone, Copy, Debug)]
pub struct PageRef(&'static Page);

impl PageRef {
    /// Word `index` of the page; 0 from 512 on.
    #[must_use]
    #[inline]
    pub fn word(self, index: usize) -> u64 {
        self.0
            .get(index)
            .map_or(0, |word| word.load(Ordering::Relaxed))
    }

    /// The words themselves, for the assembly that loads and stores a guest's registers.
    pub(crate) fn words(self) -> &'static Page {
        self.0
    }

    /// Writes word `index`; nothing from 512 on.
    #[inline]
    pub fn set_word(self, index: usize, value: u64) {
        if let Some(word) = self.0.get(index) {
            word.store(value, Ordering::Relaxed);
        }
    }
}
