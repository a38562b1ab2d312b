//! The kernel's own half: its image by rights, the direct map, device pages.

use super::direct::{self, Page};
use super::entry::{Level, PageEntry};
use super::layout::{DEVICE_BASE, KERNEL_BASE, PAGE};
use super::tables::{self, NoTable};
use crate::boot::image::{self, Part};
use crate::boot::memory::Span;
use crate::cpu::{features::Features, stacks};

/// The tables of the kernel's half while they are being made.
#[derive(Debug)]
pub(crate) struct KernelMap<'f> {
    root: &'static Page,
    features: &'f Features,
}

impl<'f> KernelMap<'f> {
    /// An empty map; `root` is empty.
    pub(crate) fn new(root: &'static Page, features: &'f Features) -> Self {
        Self { root, features }
    }

    /// Maps the kernel's image: text read-only and executable, constants read-only, data without execution, and the
    /// pages between stacks not at all.
    ///
    /// # Errors
    /// [`NoTable`].
    pub(crate) fn map_image(
        &self,
        take: &mut impl FnMut() -> Option<&'static Page>,
    ) -> Result<(), NoTable> {
        for (part, kind) in [
            (Part::Text, PageEntry::TEXT),
            (Part::Constants, PageEntry::CONSTANTS),
            (Part::Data, PageEntry::DATA),
        ] {
            let range = image::addresses(part);
            let mut address = range.start;
            while address < range.end {
                if !stacks::is_guard(address) {
                    self.map(address, address - KERNEL_BASE, PAGE, kind, take)?;
                }
                address += PAGE;
            }
        }
        Ok(())
    }

    /// Maps memory into the direct map.
    ///
    /// # Errors
    /// [`NoTable`].
    pub(crate) fn map_memory(
        &self,
        span: Span,
        take: &mut impl FnMut() -> Option<&'static Page>,
    ) -> Result<(), NoTable> {
        let address = direct::window(span.start);
        self.map(address, span.start, span.length(), PageEntry::DATA, take)
    }

    /// Maps the page of registers at `physical` as device page `number` and gives its address.
    ///
    /// # Errors
    /// [`NoTable`].
    pub(crate) fn map_device(
        &self,
        number: usize,
        physical: u64,
        take: &mut impl FnMut() -> Option<&'static Page>,
    ) -> Result<(), NoTable> {
        let address = DEVICE_BASE + number as u64 * PAGE;
        self.map(address, physical, PAGE, PageEntry::DEVICE, take)
    }

    fn map(
        &self,
        mut address: u64,
        mut physical: u64,
        mut length: u64,
        kind: PageEntry,
        take: &mut impl FnMut() -> Option<&'static Page>,
    ) -> Result<(), NoTable> {
        let kind = kind
            .with_no_execute(kind.no_execute() && self.features.no_execute)
            .with_global(self.features.global_pages);
        while length > 0 {
            let huge = self.features.gigabyte_pages;
            let level = Level::largest_for(address, physical, length, huge);
            let entry = tables::walk(
                self.root,
                address,
                level,
                PageEntry::KERNEL_TABLE,
                &mut *take,
            )?;
            tables::write(entry, kind.at(physical).with_large(level != Level::Page));
            address += level.span();
            physical += level.span();
            length -= level.span();
        }
        Ok(())
    }
}
