//! Memory: runs of pages, single pages, address spaces.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of a page.
pub const PAGE: u64 = 4096;
const WORDS: usize = 512;

type Page = [AtomicU64; WORDS];

/// A run of pages of memory, or of a device's registers.
#[derive(Debug)]
pub struct Frame {
    pages: u32,
    physical: Option<u64>,
    memory: &'static [Page],
}

impl Frame {
    pub(crate) fn memory(pages: u32, contents: &[u8]) -> Self {
        let memory: Vec<Page> = (0..pages)
            .map(|_| std::array::from_fn(|_| AtomicU64::new(0)))
            .collect();
        let mut frame = Self {
            pages,
            physical: None,
            memory: memory.leak(),
        };
        frame.reset(0, pages, contents);
        frame
    }

    pub(crate) fn device(pages: u32, physical: u64) -> Self {
        Self {
            pages,
            physical: Some(physical),
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
        self.physical
    }

    /// Gives `pages` pages from `first` on their first contents: what `contents`, which is that of the whole frame,
    /// has there, then zero bytes. Pages beyond the end and device memory are left alone.
    pub fn reset(&mut self, first: u32, pages: u32, contents: &[u8]) {
        let whole = self.memory.iter().enumerate();
        for (n, page) in whole.skip(first as usize).take(pages as usize) {
            for (i, word) in page.iter().enumerate() {
                let start = (n * WORDS + i) * 8;
                let mut bytes = [0; 8];
                let rest = contents.get(start..).unwrap_or(&[]);
                bytes
                    .iter_mut()
                    .zip(rest)
                    .for_each(|(to, &from)| *to = from);
                word.store(u64::from_le_bytes(bytes), Ordering::Relaxed);
            }
        }
    }

    /// Page `number`, `None` beyond the end and for device memory.
    #[must_use]
    pub fn page(&self, number: u32) -> Option<PageRef> {
        self.memory.get(number as usize).map(PageRef)
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
        self.0.get(index).map_or(0, |w| w.load(Ordering::Relaxed))
    }

    /// Writes word `index`; nothing from 512 on.
    #[inline]
    pub fn set_word(self, index: usize, value: u64) {
        if let Some(word) = self.0.get(index) {
            word.store(value, Ordering::Relaxed);
        }
    }
}

/// How a page is mapped; reading is always possible.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MapRights {
    /// Ring 3 may write.
    pub write: bool,
    /// Ring 3 may execute. Never together with `write`.
    pub execute: bool,
}

/// Why a page was not mapped. Nothing changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MapError {
    /// Something is mapped at the address.
    Occupied,
    /// The reserve of page tables is used up.
    NoTable,
}

/// What is mapped at an address. Only on the host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mapped {
    /// Page of the frame.
    pub page: u32,
    /// Physical address of the frame when it is a device's.
    pub device: Option<u64>,
    /// How.
    pub rights: MapRights,
}

/// An address space: page tables and a reserve of tables not used yet.
#[derive(Debug)]
pub struct AddressSpace {
    id: u32,
    mapped: BTreeMap<u64, Mapped>,
    tables: BTreeSet<(u32, u64)>,
    reserve: u32,
}

impl AddressSpace {
    pub(crate) fn new(id: u32) -> Self {
        Self {
            id,
            mapped: BTreeMap::new(),
            tables: BTreeSet::new(),
            reserve: 0,
        }
    }

    /// Number of the address space, in the order of making. Only on the host.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// All that is mapped. Only on the host.
    #[must_use]
    pub fn mappings(&self) -> &BTreeMap<u64, Mapped> {
        &self.mapped
    }

    /// Maps page `page` of `frame` at `address`, which is page-aligned and below `USER_END`. Page tables come from the reserve.
    ///
    /// # Errors
    /// [`MapError`]; tables that were taken for nothing stay in place.
    pub fn map(
        &mut self,
        address: u64,
        frame: &Frame,
        page: u32,
        rights: MapRights,
    ) -> Result<(), MapError> {
        if self.mapped.contains_key(&address) {
            return Err(MapError::Occupied);
        }
        // Three levels below the root: 512 GiB, 1 GiB and 2 MiB a table.
        for shift in [39, 30, 21] {
            let table = (shift, address >> shift);
            if !self.tables.contains(&table) {
                self.reserve = self.reserve.checked_sub(1).ok_or(MapError::NoTable)?;
                self.tables.insert(table);
            }
        }
        let mapped = Mapped {
            page,
            device: frame.physical,
            rights,
        };
        self.mapped.insert(address, mapped);
        Ok(())
    }

    /// Unmaps the page at `address`, if there is one. Its page tables stay in place.
    pub fn unmap(&mut self, address: u64) {
        self.mapped.remove(&address);
    }

    /// Unmaps everything; all page tables go back to the reserve.
    pub fn clear(&mut self) {
        self.mapped.clear();
        self.reserve += u32::try_from(self.tables.len()).unwrap_or(u32::MAX);
        self.tables.clear();
    }

    pub(crate) fn add_tables(&mut self, count: u32) {
        self.reserve += count;
    }
}
