//! The multiboot header: where a flat image belongs, and what it requires.

use core::fmt;

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{Image, Part, structure};

/// The header lies in so many first bytes of the image, as a whole.
pub const SEARCHED: u64 = 8192;

const MAGIC: u32 = 0x1bad_b002;

/// Flag: the loader must give the size of memory. It always does.
const WANTS_MEMORY: u32 = 1 << 1;
/// Flag: modules begin on page boundaries. There are none.
const WANTS_ALIGNED_MODULES: u32 = 1 << 0;
/// Flags whose meaning the loader must know, or refuse.
const REQUIRED: u32 = 0xffff;
/// Flag: the addresses in the header are valid, and the image is flat.
const FLAT: u32 = 1 << 16;

/// What is wrong with a header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeaderError {
    /// There is none in the first [`SEARCHED`] bytes.
    Missing,
    /// It requires something that this loader does not do.
    Requires {
        /// The flags that it does not know.
        flags: u32,
    },
    /// It says that the image is flat, and is cut off before its addresses.
    CutOff,
    /// Its addresses contradict each other or the image's length.
    Addresses,
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => write!(
                f,
                "there is no multiboot header (version 1) in the first {SEARCHED} bytes of the image"
            ),
            Self::Requires { flags } => write!(
                f,
                "the multiboot header requires flags {flags:#x}, which this loader does not know"
            ),
            Self::CutOff => write!(f, "the image ends within its multiboot header"),
            Self::Addresses => write!(
                f,
                "the addresses in the multiboot header contradict each other or the image's length"
            ),
        }
    }
}

#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Fixed {
    magic: U32,
    flags: U32,
    checksum: U32,
}

/// The addresses that follow in a flat image.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Addresses {
    header: U32,
    load: U32,
    load_end: U32,
    bss_end: U32,
    entry: U32,
}

/// A header that was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    offset: u64,
    flags: u32,
}

/// Finds the first header with a right checksum.
pub(super) fn find(image: &(impl Image + ?Sized)) -> Result<Header, HeaderError> {
    let last = SEARCHED - size_of::<Fixed>() as u64;
    for offset in (0..=last).step_by(4) {
        let Some(fixed) = structure::<Fixed>(image, offset) else {
            break;
        };
        let flags = fixed.flags.get();
        let sum = MAGIC.wrapping_add(flags).wrapping_add(fixed.checksum.get());
        if fixed.magic.get() == MAGIC && sum == 0 {
            let unknown = flags & REQUIRED & !WANTS_MEMORY & !WANTS_ALIGNED_MODULES;
            if unknown != 0 {
                return Err(HeaderError::Requires { flags: unknown });
            }
            return Ok(Header { offset, flags });
        }
    }
    Err(HeaderError::Missing)
}

impl Header {
    /// The image as one part and its entry point, if it is flat.
    pub(super) fn flat(
        &self,
        image: &(impl Image + ?Sized),
    ) -> Result<Option<(Part, u64)>, HeaderError> {
        if self.flags & FLAT == 0 {
            return Ok(None);
        }
        let behind = self.offset + size_of::<Fixed>() as u64;
        let addresses: Addresses = structure(image, behind).ok_or(HeaderError::CutOff)?;
        let part = addresses
            .part(image.size(), self.offset)
            .ok_or(HeaderError::Addresses)?;
        Ok(Some((part, addresses.entry.get().into())))
    }
}

impl Addresses {
    /// The bytes from the load address on: the header's address says at which offset of the image that is.
    fn part(&self, size: u64, header_offset: u64) -> Option<Part> {
        let load = self.load.get();
        let before = u64::from(self.header.get().checked_sub(load)?);
        let offset = header_offset.checked_sub(before)?;
        let copied = match self.load_end.get() {
            0 => size.checked_sub(offset)?,
            end => u64::from(end.checked_sub(load)?),
        };
        let length = match self.bss_end.get() {
            0 => copied,
            end => u64::from(end.checked_sub(load)?),
        };
        let is_inside = offset.checked_add(copied).is_some_and(|end| end <= size);
        (is_inside && length >= copied).then_some(Part {
            address: load.into(),
            offset,
            copied,
            length,
        })
    }
}
