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
            Self::CommandLine => write!(
                f,
                "the command line is longer than {MAX_COMMAND_LINE} bytes or has a zero in it"
            ),
            Self::NoRoom => write!(f, "the guest's memory has no room for the boot information"),
        }
    }
}

/// A part of an image, and where it belongs. Bytes above `bytes.len()` are zero.
#[derive(Clone, Copy, Debug)]
struct Part<'a> {
    address: u64,
    bytes: &'a [u8],
    length: u64,
}

/// Loads `image` and its boot information, with `command_line`, into `memory`.
///
/// # Errors
/// [`LoadError`] says what is wrong with the image.
pub fn load(
    image: &[u8],
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
            put(&part, memory, &mut placed)?;
            entry
        }
        None => {
            let elf = elf::Elf::read(image).map_err(LoadError::Elf)?;
            for part in elf.parts() {
                put(&part.map_err(LoadError::Elf)?, memory, &mut placed)?;
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
    part: &Part<'_>,
    memory: &mut impl GuestMemory,
    placed: &mut Placed,
) -> Result<(), LoadError> {
    let Part {
        address,
        bytes,
        length,
    } = *part;
    let outside = LoadError::OutsideMemory {
        address,
        length,
        memory: memory.size(),
    };
    let end = address.checked_add(length).ok_or(outside)?;
    if end > memory.size() {
        return Err(outside);
    }
    let copied = u64::try_from(bytes.len()).map_err(|_| outside)?;
    let rest = length.checked_sub(copied).ok_or(outside)?;
    memory.write(address, bytes);
    memory.zero(address + copied, rest);
    placed.add(address, end);
    Ok(())
}
