//! From the boot loader to the boot upcall, and what the kernel gets there.

pub(crate) mod acpi;
mod foreign;
pub(crate) mod memory;
mod multiboot2;
mod pvh;

#[cfg(bare)]
mod boot_memory;
#[cfg(bare)]
mod entry;
#[cfg(bare)]
pub(crate) mod image;
#[cfg(bare)]
mod start;

#[cfg(bare)]
pub use boot_memory::Boot;

use memory::{MemoryMap, Span};
use sel4_sys::CpuFeatures;

/// No memory is left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfMemory;

/// What the machine is.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// CPUs that run, at least 1.
    pub cpus: u32,
    /// What was found and switched on.
    pub features: CpuFeatures,
    /// TSC ticks a second.
    pub tsc_hz: u64,
    /// TSC at the kernel's first instruction.
    pub tsc_at_entry: u64,
    /// Bytes of usable memory that the machine reported.
    pub memory_bytes: u64,
    /// Bytes of it in use, kernel and system image included, at the time of asking.
    pub used_bytes: u64,
    /// The CPU's brand string, UTF-8, padded with zero bytes.
    pub brand: [u8; 48],
}

/// What a boot loader says.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    /// Usable memory.
    pub(crate) memory: MemoryMap,
    /// The first module: the system image.
    pub(crate) module: Span,
    /// Where ACPI's root pointer is.
    pub(crate) rsdp: Option<u64>,
}

/// Why what a boot loader says cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LoaderError {
    /// Not the magic number of the protocol.
    Magic,
    /// A structure lies outside of what can be read.
    Unreadable,
    /// The loader passed no memory map.
    NoMemoryMap,
    /// The loader passed no module.
    NoModule,
    /// The memory map has too many pieces.
    TooManySpans,
}

impl core::fmt::Display for LoaderError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Magic => "the boot loader speaks neither PVH nor multiboot2",
            Self::Unreadable => "the boot loader's information lies above 4 GiB or is cut off",
            Self::NoMemoryMap => "the boot loader passed no memory map; QEMU before 4.0 does not",
            Self::NoModule => {
                "there is no system image: pass one as the first module (QEMU: -initrd FILE)"
            }
            Self::TooManySpans => "the memory map has too many pieces",
        })
    }
}
