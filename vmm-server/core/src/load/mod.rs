//! Puts a guest's image into its memory.
//!
//! An image is a multiboot (version 1) kernel: an ELF file of 32 or 64 bits, or a flat file that says where it belongs.
//! Everything in it is an allegation: each offset and size is checked against the file and against the guest's memory, and
//! an image that is refused names what is wrong. "Multiboot Specification version 0.6.96".

mod elf;
mod header;
mod information;
mod start;

use core::fmt;

pub use elf::ElfError;
pub use header::{HeaderError, SEARCHED};
pub use start::Start;

use information::Placed;
use zerocopy::{FromBytes, FromZeros, IntoBytes};

/// The image, as a file of bytes. What it holds may change while it is read: each byte is looked at once.
pub trait Image {
    /// How many bytes it has.
    fn size(&self) -> u64;
    /// Copies the bytes from `offset` on. `None`, and `bytes` mean nothing: not all of them are in the image.
    fn read(&self, offset: u64, bytes: &mut [u8]) -> Option<()>;
}

impl Image for [u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }
    fn read(&self, offset: u64, bytes: &mut [u8]) -> Option<()> {
        let first = usize::try_from(offset).ok()?;
        let end = first.checked_add(bytes.len())?;
        bytes.copy_from_slice(self.get(first..end)?);
        Some(())
    }
}

/// Reads a structure of the image.
fn structure<T: FromZeros + FromBytes + IntoBytes>(
    image: &(impl Image + ?Sized),
    offset: u64,
) -> Option<T> {
    let mut value = T::new_zeroed();
    image.read(offset, value.as_mut_bytes())?;
    Some(value)
}

/// A guest's physical memory, from address 0.
pub trait GuestMemory {
    /// How many bytes it has.
    fn size(&self) -> u64;
    /// Copies `bytes` to `address`. The loader has checked that they fit.
    fn write(&mut self, address: u64, bytes: &[u8]);
    /// Fills `length` bytes from `address` with zeros. The loader has checked that they fit.
    fn zero(&mut self, address: u64, length: u64);
}

/// Why an image was not loaded. What was written to memory before is still there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoadError {
    /// The multiboot header.
    Header(HeaderError),
    /// The ELF file.
    Elf(ElfError),
    /// A part of it lies outside of the guest's memory.
    OutsideMemory {
        /// Its first address.
        address: u64,
        /// Its length in bytes.
        length: u64,
        /// The guest's memory in bytes.
        memory: u64,
    },
    /// The entry point is in no part of it.
    EntryNowhere {
        /// The entry point.
        entry: u64,
    },
    /// The image has become shorter than its headers said.
    CutOff,
    /// The command line is longer than [`MAX_COMMAND_LINE`] bytes, or has a zero in it.
    CommandLine,
    /// No room is left for the boot information below 4 GiB.
    NoRoom,
}

/// The longest command line in bytes.
pub const MAX_COMMAND_LINE: usize = 1024;

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(error) => error.fmt(f),
            Self::Elf(error) => error.fmt(f),
            Self::OutsideMemory {
                address,
                length,
                memory,
            } => write!(
                f,
                "{length:#x} bytes at {address:#x} do not fit into the guest's {memory:#x} bytes of memory"
            ),
            Self::EntryNowhere { entry } => {
                write!(
                    f,
                    "the entry point {entry:#x} is in no part that was loaded"
                )
            }
            Self::CutOff => write!(f, "the image ends before its last part"),
            Self::CommandLine => write!(
                f,
                "the command line is longer than {MAX_COMMAND_LINE} bytes or has a zero in it"
            ),
            Self::NoRoom => write!(f, "the guest's memory has no room for the boot information"),
        }
    }
}

/// A part of an image, and where it belongs.
#[derive(Clone, Copy, Debug)]
struct Part {
    /// Guest-physical.
    address: u64,
    /// Where it lies in the image.
    offset: u64,
    /// How many bytes of it are in the image.
    copied: u64,
    /// How many it has; those behind `copied` are zero.
    length: u64,
}

/// Bytes that are copied at once.
const PIECE: usize = 1024;

/// Loads `image` and its boot information, with `command_line`, into `memory`.
///
/// # Errors
/// [`LoadError`] says what is wrong with the image.
pub fn load(
    image: &(impl Image + ?Sized),
    command_line: &str,
    memory: &mut impl GuestMemory,
) -> Result<Start, LoadError> {
    if command_line.len() > MAX_COMMAND_LINE || command_line.contains('\0') {
        return Err(LoadError::CommandLine);
    }
    let header = header::find(image).map_err(LoadError::Header)?;
    let mut placed = Placed::default();
    let entry = match header.flat(image).map_err(LoadError::Header)? {
        Some((part, entry)) => {
            put(image, &part, memory, &mut placed)?;
            entry
        }
        None => {
            let elf = elf::Elf::read(image).map_err(LoadError::Elf)?;
            for part in elf.parts() {
                put(image, &part.map_err(LoadError::Elf)?, memory, &mut placed)?;
            }
            elf.entry()
        }
    };
    let entry_fits = u32::try_from(entry).ok().filter(|_| placed.has(entry));
    let Some(entry) = entry_fits else {
        return Err(LoadError::EntryNowhere { entry });
    };
    let information = information::place(command_line, &placed, memory).ok_or(LoadError::NoRoom)?;
    Ok(Start { entry, information })
}

fn put(
    image: &(impl Image + ?Sized),
    part: &Part,
    memory: &mut impl GuestMemory,
    placed: &mut Placed,
) -> Result<(), LoadError> {
    let Part {
        address,
        offset,
        copied,
        length,
    } = *part;
    let outside = LoadError::OutsideMemory {
        address,
        length,
        memory: memory.size(),
    };
    let end = address.checked_add(length).ok_or(outside)?;
    let rest = length.checked_sub(copied).ok_or(outside)?;
    if end > memory.size() {
        return Err(outside);
    }
    let mut piece = [0; PIECE];
    let mut done = 0;
    while done < copied {
        let size = usize::try_from(copied - done).unwrap_or(PIECE).min(PIECE);
        let bytes = piece.get_mut(..size).unwrap_or_default();
        image.read(offset + done, bytes).ok_or(LoadError::CutOff)?;
        memory.write(address + done, bytes);
        done += size as u64;
    }
    memory.zero(address + copied, rest);
    placed.add(address, end);
    Ok(())
}
