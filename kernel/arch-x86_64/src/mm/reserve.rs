//! Tables not used yet: a list in which the first word of each names the next.

use super::direct::{self, Page};
use super::entry::{Level, PageEntry};
use super::tables;

/// Empty tables. Holds the entry that would name the first one.
#[derive(Debug)]
pub(crate) struct Reserve(PageEntry);

impl Reserve {
    /// No table.
    pub(crate) const fn new() -> Self {
        Self(PageEntry::new())
    }

    /// Adds an empty table.
    pub(crate) fn put(&mut self, table: &'static Page) {
        if let Some(link) = table.first() {
            tables::write(link, self.0);
        }
        self.0 = PageEntry::KERNEL_TABLE.at(direct::physical_of(table));
    }

    /// An empty table.
    pub(crate) fn take(&mut self) -> Option<&'static Page> {
        let table = tables::below(self.0)?;
        let link = table.first()?;
        self.0 = tables::read(link);
        tables::write(link, PageEntry::new());
        Some(table)
    }

    /// Takes `table` of `level`, which nothing names any more, and all tables that it names, and empties them.
    pub(crate) fn take_back(&mut self, table: &'static Page, level: Level) {
        if let Some(next) = level.below() {
            for entry in table {
                if let Some(table) = tables::below(tables::read(entry)) {
                    self.take_back(table, next);
                }
            }
        }
        direct::clear(core::slice::from_ref(table));
        self.put(table);
    }
}
