//! Address spaces: the page tables of ring 3 and a reserve of tables not used yet.

use core::sync::atomic::Ordering;

use sel4_sys::USER_END;

use super::direct::{self, Page};
use super::entry::{Level, PageEntry};
use super::frame::Frame;
use super::layout::{DIRECT_SLOT, PAGE};
use super::reserve::Reserve;
use super::{MapError, MapRights, tables};
use crate::cpu::instructions;

/// An address space: page tables and a reserve of tables not used yet.
#[derive(Debug)]
pub struct AddressSpace {
    root: &'static Page,
    reserve: Reserve,
}

impl AddressSpace {
    /// An address space whose kernel half is `kernel`'s. `root` is empty.
    pub(crate) fn new(root: &'static Page, kernel: &'static Page) -> Self {
        let halves = root.iter().zip(kernel).skip(DIRECT_SLOT);
        for (to, from) in halves {
            to.store(from.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        Self {
            root,
            reserve: Reserve::new(),
        }
    }

    /// What goes into CR3.
    #[inline]
    pub(crate) fn root(&self) -> u64 {
        direct::physical_of(self.root)
    }

    /// Adds an empty table to the reserve.
    pub(crate) fn add_table(&mut self, table: &'static Page) {
        self.reserve.put(table);
    }

    /// Maps page `page` of `frame` at `address`, which is page-aligned and below `USER_END`. Page tables come from the reserve.
    ///
    /// # Errors
    /// [`MapError`]; tables that were taken for nothing stay in place.
    ///
    /// # Panics
    /// When `address` is not as said or the frame has no such page: mapping that would break the kernel.
    pub fn map(
        &mut self,
        address: u64,
        frame: &Frame,
        page: u32,
        rights: MapRights,
    ) -> Result<(), MapError> {
        assert!(
            address < USER_END && address.is_multiple_of(PAGE),
            "mapping outside of user space"
        );
        assert!(
            !(rights.write && rights.execute),
            "mapping both writable and executable"
        );
        let physical = frame
            .physical(page)
            .expect("mapping a page the frame does not have");
        let reserve = &mut self.reserve;
        let take = || reserve.take();
        let entry = tables::walk(self.root, address, Level::Page, PageEntry::USER_TABLE, take)
            .map_err(|_| MapError::NoTable)?;
        if tables::read(entry).present() {
            return Err(MapError::Occupied);
        }
        let is_device = frame.device_address().is_some();
        tables::write(entry, PageEntry::user_page(rights, is_device).at(physical));
        Ok(())
    }

    /// Unmaps the page at `address`, if there is one. Its page tables stay in place.
    pub fn unmap(&mut self, address: u64) {
        if address >= USER_END {
            return;
        }
        if let Some(entry) = tables::find(self.root, address) {
            tables::write(entry, PageEntry::new());
            instructions::forget_page(address);
        }
    }

    /// Unmaps everything; all page tables go back to the reserve.
    pub fn clear(&mut self) {
        for entry in self.root.iter().take(DIRECT_SLOT) {
            if let Some(table) = tables::below(tables::read(entry)) {
                tables::write(entry, PageEntry::new());
                self.reserve.take_back(table, Level::Huge);
            }
        }
        // The CPU may be running on these tables; whoever else did will load CR3 before it runs on them again.
        instructions::forget_user_pages();
    }
}
