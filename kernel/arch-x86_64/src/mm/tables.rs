//! Page tables: walking to an entry and making the tables on the way.
//!
//! UNSAFETY: follows the addresses in entries. Invariant *tables*: a present entry above the last level without the
//! large bit was written here and names a whole page that is a table and nothing else.

#![expect(unsafe_code, reason = "entries of page tables become references here")]

use core::sync::atomic::{AtomicU64, Ordering};

use super::direct::{self, Page};
use super::entry::{Level, PageEntry};

/// No page is left for a table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct NoTable;

/// The value of an entry.
pub(crate) fn read(entry: &AtomicU64) -> PageEntry {
    PageEntry::from_bits(entry.load(Ordering::Relaxed))
}

/// Sets an entry.
pub(crate) fn write(entry: &AtomicU64, value: PageEntry) {
    entry.store(value.into_bits(), Ordering::Relaxed);
}

/// The entry for `address` in `table`, a table of `level`.
pub(crate) fn entry_in(table: &'static Page, level: Level, address: u64) -> &'static AtomicU64 {
    #[expect(
        clippy::indexing_slicing,
        reason = "Level::index is below 512, the table's length"
    )]
    &table[level.index(address)]
}

/// The table that `entry` names, if it names one. `entry` is not of the last level.
pub(crate) fn below(entry: PageEntry) -> Option<&'static Page> {
    if !entry.present() || entry.large() {
        return None;
    }
    // SAFETY: 1. *tables*: the address is that of a page owned as a table.
    unsafe { direct::pages(entry.address(), 1) }.first()
}

/// The entry of `level` for `address`, making tables with pages from `take` where there are none; such
/// pages are empty. `kind` is what entries that name a table look like.
///
/// # Errors
/// [`NoTable`] when `take` has none left or a large page is in the way. Tables made so far stay.
pub(crate) fn walk(
    root: &'static Page,
    address: u64,
    level: Level,
    kind: PageEntry,
    mut take: impl FnMut() -> Option<&'static Page>,
) -> Result<&'static AtomicU64, NoTable> {
    let (mut table, mut at) = (root, Level::Root);
    while at != level {
        let entry = entry_in(table, at, address);
        let value = read(entry);
        table = if value.present() {
            below(value).ok_or(NoTable)?
        } else {
            let new = take().ok_or(NoTable)?;
            write(entry, kind.at(direct::physical_of(new)));
            new
        };
        at = at.below().ok_or(NoTable)?;
    }
    Ok(entry_in(table, level, address))
}

/// The entry of the last level for `address`, if the tables reach that far.
pub(crate) fn find(root: &'static Page, address: u64) -> Option<&'static AtomicU64> {
    walk(root, address, Level::Page, PageEntry::new(), || None).ok()
}
