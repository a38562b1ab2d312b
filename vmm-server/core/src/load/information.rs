//! What a multiboot kernel is told: its memory and its command line.

use heapless::Vec;
use zerocopy::little_endian::{U32, U64};
use zerocopy::{Immutable, IntoBytes};

use super::GuestMemory;

/// Parts that a loader remembers one by one; more are merged into one span.
const MAX_PARTS: usize = 16;
/// The information is tried at multiples of this.
const STEP: u64 = 0x1000;
/// End of the memory below the hole that PCs have for devices.
const LOW_END: u64 = 0xa_0000;
/// Where memory goes on behind the hole.
const HIGH_START: u64 = 0x10_0000;
const AVAILABLE: u32 = 1;
const RESERVED: u32 = 2;

/// Flags: memory sizes, command line, memory map and loader name are there.
const FLAGS: u32 = 1 << 0 | 1 << 2 | 1 << 6 | 1 << 9;

const LOADER: &[u8; 8] = b"baton\0\0\0";

/// Multiboot information, as far as it is filled in. "Boot information format".
#[derive(Clone, Copy, Debug, IntoBytes, Immutable)]
#[repr(C)]
struct Information {
    flags: U32,
    memory_lower: U32,
    memory_upper: U32,
    boot_device: U32,
    command_line: U32,
    modules: [U32; 2],
    symbols: [U32; 4],
    map_length: U32,
    map: U32,
    drives: [U32; 2],
    configuration: U32,
    loader_name: U32,
    rest: [U32; 12],
}

#[derive(Clone, Copy, Debug, IntoBytes, Immutable)]
#[repr(C)]
struct MapEntry {
    /// Bytes that follow.
    size: U32,
    base: [U32; 2],
    length: [U32; 2],
    kind: U32,
}

const INFORMATION: u64 = size_of::<Information>() as u64;
const MAP: u64 = 3 * size_of::<MapEntry>() as u64;

/// Where parts of the image lie.
#[derive(Clone, Debug, Default)]
pub(super) struct Placed {
    spans: Vec<(u64, u64), MAX_PARTS>,
}

impl Placed {
    /// The bytes from `first` up to `end` are taken.
    pub(super) fn add(&mut self, first: u64, end: u64) {
        if self.spans.push((first, end)).is_err() {
            // Too many to tell apart: the last span takes in what lies between, too.
            if let Some(last) = self.spans.last_mut() {
                *last = (last.0.min(first), last.1.max(end));
            }
        }
    }

    pub(super) fn has(&self, address: u64) -> bool {
        self.conflict(address, address.saturating_add(1)).is_some()
    }

    /// End of a part that overlaps the bytes from `first` up to `end`.
    fn conflict(&self, first: u64, end: u64) -> Option<u64> {
        let mut overlapping = self
            .spans
            .iter()
            .filter(|span| span.0 < end && first < span.1);
        overlapping.next().map(|span| span.1)
    }
}

/// Writes the information to the first free place below the hole, or else above it, and answers its address.
pub(super) fn place(
    command_line: &str,
    placed: &Placed,
    memory: &mut impl GuestMemory,
) -> Option<u32> {
    let text = u64::try_from(command_line.len()).ok()? + 1;
    let length = INFORMATION + MAP + size_of_val(LOADER) as u64 + text;
    let end_of_memory = memory.size().min(u32::MAX.into());
    let at = free(STEP, LOW_END.min(end_of_memory), length, placed)
        .or_else(|| free(HIGH_START, end_of_memory, length, placed))?;
    let address = |offset: u64| u32::try_from(at + offset).ok().map(U32::new);
    let information = Information {
        flags: U32::new(FLAGS),
        memory_lower: kibibytes(memory.size().min(LOW_END)),
        memory_upper: kibibytes(memory.size().saturating_sub(HIGH_START)),
        boot_device: U32::ZERO,
        command_line: address(INFORMATION + MAP + size_of_val(LOADER) as u64)?,
        modules: [U32::ZERO; 2],
        symbols: [U32::ZERO; 4],
        map_length: U32::new(u32::try_from(MAP).ok()?),
        map: address(INFORMATION)?,
        drives: [U32::ZERO; 2],
        configuration: U32::ZERO,
        loader_name: address(INFORMATION + MAP)?,
        rest: [U32::ZERO; 12],
    };
    memory.write(at, information.as_bytes());
    let map = map(memory.size());
    memory.write(at + INFORMATION, map.as_bytes());
    memory.write(at + INFORMATION + MAP, LOADER);
    let text_at = at + INFORMATION + MAP + size_of_val(LOADER) as u64;
    memory.write(text_at, command_line.as_bytes());
    memory.zero(text_at + text - 1, 1);
    u32::try_from(at).ok()
}

fn free(from: u64, end: u64, length: u64, placed: &Placed) -> Option<u64> {
    let mut at = from;
    while at.checked_add(length)? <= end {
        match placed.conflict(at, at + length) {
            None => return Some(at),
            Some(taken) => at = taken.checked_next_multiple_of(STEP)?,
        }
    }
    None
}

fn map(size: u64) -> [MapEntry; 3] {
    let entry = |first: u64, end: u64, kind: u32| MapEntry {
        size: U32::new(20),
        base: halves(first),
        length: halves(end.saturating_sub(first)),
        kind: U32::new(kind),
    };
    [
        entry(0, size.min(LOW_END), AVAILABLE),
        entry(LOW_END, HIGH_START, RESERVED),
        entry(HIGH_START, size, AVAILABLE),
    ]
}

fn halves(value: u64) -> [U32; 2] {
    let bytes = U64::new(value);
    zerocopy::transmute!(bytes)
}

fn kibibytes(bytes: u64) -> U32 {
    U32::new(u32::try_from(bytes / 1024).unwrap_or(u32::MAX))
}
