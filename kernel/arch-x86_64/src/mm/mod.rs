//! Memory: runs of pages, single pages, address spaces.

pub(crate) mod entry;
pub(crate) mod layout;

#[cfg(bare)]
pub(crate) mod direct;
#[cfg(bare)]
mod frame;
#[cfg(bare)]
pub(crate) mod kernel_map;
#[cfg(bare)]
pub(crate) mod reserve;
#[cfg(bare)]
mod space;
#[cfg(bare)]
pub(crate) mod tables;

#[cfg(bare)]
pub use frame::{Frame, PageRef};
#[cfg(bare)]
pub use space::AddressSpace;

pub use layout::PAGE;

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
