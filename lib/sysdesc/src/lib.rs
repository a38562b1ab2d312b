//! The system image: everything that exists when the kernel starts.
//!
//! `xtask dist` writes one file from a system description and the tasks' ELF files; the boot loader
//! passes it to the kernel as its only module. It is tables of fixed-size records, so the kernel reads it in
//! place, without allocating: [`SystemImage::check`] turns bytes into an image in which every index,
//! offset and number is known to be good, and nothing later needs to look again.
//!
//! ```text
//! Header | regions | mappings | address spaces | CNodes | threads | scheduling contexts
//!        | interrupts | ports | capabilities | task table | data (page-aligned pieces)
//! ```
//! All numbers are little-endian. The checksum covers everything after the header.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod check;
mod checksum;
mod manifest;
mod record;

pub use check::{ImageError, SystemImage};
pub use checksum::checksum;
pub use manifest::{
    Declaration, DeclarationKind, Manifest, ManifestError, SECTION as MANIFEST_SECTION,
};
pub use record::{
    AddressSpace, CNode, Capability, GuestSpace, Header, IMAGE_MAGIC, IMAGE_VERSION, Interrupt,
    Mapping, Name, PAGE, PmuControl, PmuLease, Port, Region, RegionFlags, SchedContext, TABLES,
    Table, Task, Thread, ThreadFlags, Vcpu, table,
};
pub use sel4_sys::USER_END;

/// "No such object" in an index field of 16 bits.
pub const NONE: u16 = u16::MAX;
/// "No parent" in [`Capability::parent`].
pub const NO_PARENT: u32 = u32::MAX;
