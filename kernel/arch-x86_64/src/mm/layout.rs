//! Where things lie in the kernel's half of every address space.
//!
//! | from | what |
//! |---|---|
//! | `DIRECT_BASE` | the machine's memory, byte for byte, without the kernel's own image |
//! | `KERNEL_BASE` | the kernel's image, at the physical address it was loaded to |
//! | `DEVICE_BASE` | registers of interrupt controllers, uncached |

/// Bytes of a page.
pub const PAGE: u64 = 4096;
/// Entries of a page table.
pub(crate) const ENTRIES: usize = 512;
/// First entry of the root table that belongs to the kernel; the same in all address spaces from there on.
pub(crate) const DIRECT_SLOT: usize = 256;
/// Start of the direct map.
pub(crate) const DIRECT_BASE: u64 = 0xffff_8000_0000_0000;
/// Start of the kernel's image; also in `link.x`.
pub(crate) const KERNEL_BASE: u64 = 0xffff_ffff_8000_0000;
/// Start of the device pages: number 0 is the local APIC, the I/O APICs follow.
pub(crate) const DEVICE_BASE: u64 = 0xffff_ffff_c000_0000;
/// What the tables of `boot/entry.rs` map, at 0 and in the direct map.
pub(crate) const BOOT_MAPPED: u64 = 4 << 30;

/// A 64-bit address or length as Rust counts memory.
#[expect(
    clippy::cast_possible_truncation,
    reason = "both have 64 bits here, see below"
)]
pub(crate) const fn to_usize(value: u64) -> usize {
    value as usize
}

const _: () = assert!(usize::BITS == 64);
const _: () = assert!(DIRECT_BASE >> 39 & 511 == DIRECT_SLOT as u64);
