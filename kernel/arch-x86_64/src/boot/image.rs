//! Where the linker put the parts of the kernel's image.
//!
//! UNSAFETY: names symbols of `link.x`, of which only the addresses are used.

#![expect(unsafe_code, reason = "symbols of the linker script")]

use core::ops::Range;

use super::memory::Span;

// SAFETY: 1. Link.x defines the symbols; nothing reads what is there.
unsafe extern "C" {
    static text_start: u8;
    static text_end: u8;
    static rodata_start: u8;
    static rodata_end: u8;
    static data_start: u8;
    static data_end: u8;
    static kernel_image_start: u8;
    static kernel_image_end: u8;
}

/// A part of the image that is mapped.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    /// Instructions.
    Text,
    /// Constants.
    Constants,
    /// Variables and stacks.
    Data,
}

/// The addresses at which `part` runs; whole pages.
pub(crate) fn addresses(part: Part) -> Range<u64> {
    let (start, end) = match part {
        Part::Text => (&raw const text_start, &raw const text_end),
        Part::Constants => (&raw const rodata_start, &raw const rodata_end),
        Part::Data => (&raw const data_start, &raw const data_end),
    };
    start.addr() as u64..end.addr() as u64
}

/// The physical memory of the whole image.
pub(crate) fn memory() -> Span {
    Span {
        start: (&raw const kernel_image_start).addr() as u64,
        end: (&raw const kernel_image_end).addr() as u64,
    }
}
