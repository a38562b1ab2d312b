//! The memory of a guest: extended page tables.
//!
//! The three lowest bits of an EPT entry are read, write, execute where an ordinary one has present, writable, user; address and large-page
//! bit agree. So the walk of `mm/tables` serves both: an entry that names a table is `PageEntry::USER_TABLE`, all rights.

use x86_regs::vmx::{EptEntry, EptPointer};

use super::controls::WRITE_BACK;
use crate::mm::direct::{self, Page};
use crate::mm::entry::{Level, PageEntry};
use crate::mm::reserve::Reserve;
use crate::mm::{Frame, MapError, PAGE, tables};
use crate::vcpu::{GUEST_END, GuestRights};

/// Not cached, for registers of devices. SDM vol. 3C, "EPT Memory Type".
const UNCACHED: u8 = 0;

/// The memory of a guest: extended page tables and a reserve of tables not used yet.
#[derive(Debug)]
pub struct GuestSpace {
    root: &'static Page,
    reserve: Reserve,
    /// How often something was taken away: whoever has seen another number may have old translations.
    generation: u64,
}

impl GuestSpace {
    /// Nothing mapped. `root` is empty.
    pub(crate) fn new(root: &'static Page) -> Self {
        Self {
            root,
            reserve: Reserve::new(),
            generation: 1,
        }
    }

    /// Adds an empty table to the reserve.
    pub(crate) fn add_table(&mut self, table: &'static Page) {
        self.reserve.put(table);
    }

    /// What the VMCS gets.
    #[inline]
    pub(super) fn pointer(&self) -> EptPointer {
        EptPointer::new()
            .with_memory_type(WRITE_BACK)
            .with_levels_less_one(3)
            .with_page(direct::physical_of(self.root) / PAGE)
    }

    #[inline]
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Maps page `page` of `frame` at guest-physical `address`, which is page-aligned and below [`GUEST_END`]. Tables come from the reserve.
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
        rights: GuestRights,
    ) -> Result<(), MapError> {
        assert!(
            address < GUEST_END && address.is_multiple_of(PAGE),
            "mapping outside of a guest"
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
        let mapped = EptEntry::new()
            .with_read(true)
            .with_write(rights.write)
            .with_execute(rights.execute)
            .with_memory_type(if is_device { UNCACHED } else { WRITE_BACK })
            .with_page(physical / PAGE);
        // What was not present is not cached, so nothing is to be forgotten. SDM vol. 3C, "Caching Translation Information".
        tables::write(entry, PageEntry::from_bits(mapped.into_bits()));
        Ok(())
    }

    /// Unmaps the page at `address`, if there is one. No vCPU finds it from its next entry on. Its tables stay in place.
    pub fn unmap(&mut self, address: u64) {
        if address >= GUEST_END {
            return;
        }
        if let Some(entry) = tables::find(self.root, address) {
            tables::write(entry, PageEntry::new());
            self.generation += 1;
        }
    }

    /// Unmaps everything; all tables go back to the reserve.
    pub fn clear(&mut self) {
        for entry in self.root {
            if let Some(table) = tables::below(tables::read(entry)) {
                tables::write(entry, PageEntry::new());
                self.reserve.take_back(table, Level::Huge);
            }
        }
        self.generation += 1;
    }
}
