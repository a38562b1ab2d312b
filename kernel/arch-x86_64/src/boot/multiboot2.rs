//! The multiboot2 boot information. "Multiboot2 Specification version 2.0", "Boot information".

use zerocopy::{FromBytes, Immutable, KnownLayout};

use super::foreign::ForeignMemory;
use super::memory::{MemoryMap, Span};
use super::{Loaded, LoaderError};

const TAG_END: u32 = 0;
const TAG_MODULE: u32 = 3;
const TAG_MEMORY_MAP: u32 = 6;
/// A copy of ACPI's root pointer, version 1.
const TAG_RSDP_OLD: u32 = 14;
/// The same, version 2 or later.
const TAG_RSDP_NEW: u32 = 15;
/// Type of a memory map entry that is ordinary memory.
const RAM: u32 = 1;

#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Fixed {
    total: u32,
    _reserved: u32,
}

#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Tag {
    kind: u32,
    size: u32,
}

/// Both fields of a module tag that matter, and of a memory map tag's head.
#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Pair {
    first: u32,
    second: u32,
}

#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C)]
struct MemoryMapEntry {
    address: u64,
    size: u64,
    kind: u32,
    _reserved: u32,
}

/// Reads the boot information at `address`.
///
/// # Errors
/// [`LoaderError`].
pub(crate) fn read(memory: &impl ForeignMemory, address: u64) -> Result<Loaded, LoaderError> {
    const HEAD: u64 = size_of::<Tag>() as u64;
    let unreadable = LoaderError::Unreadable;
    let fixed: Fixed = memory.read(address).ok_or(unreadable)?;
    let end = address + u64::from(fixed.total);
    let mut at = address + size_of::<Fixed>() as u64;
    let (mut map, mut module, mut rsdp) = (None, None, None);
    while at < end {
        let tag: Tag = memory.read(at).ok_or(unreadable)?;
        let body = at + HEAD;
        match tag.kind {
            TAG_END => break,
            TAG_MODULE if module.is_none() => {
                let pair: Pair = memory.read(body).ok_or(unreadable)?;
                module = Some(Span {
                    start: pair.first.into(),
                    end: pair.second.into(),
                });
            }
            TAG_MEMORY_MAP => map = Some(read_map(memory, body, at + u64::from(tag.size))?),
            TAG_RSDP_NEW => rsdp = Some(body),
            TAG_RSDP_OLD if rsdp.is_none() => rsdp = Some(body),
            _ => {}
        }
        // A size of 0 would never end.
        at += u64::from(tag.size).max(HEAD).next_multiple_of(8);
    }
    Ok(Loaded {
        memory: map.ok_or(LoaderError::NoMemoryMap)?,
        module: module.ok_or(LoaderError::NoModule)?,
        rsdp,
    })
}

/// Reads the memory map whose head is at `body` and whose tag ends at `end`.
fn read_map(memory: &impl ForeignMemory, body: u64, end: u64) -> Result<MemoryMap, LoaderError> {
    let head: Pair = memory.read(body).ok_or(LoaderError::Unreadable)?;
    let step = u64::from(head.first).max(size_of::<MemoryMapEntry>() as u64);
    let mut map = MemoryMap::default();
    let mut at = body + size_of::<Pair>() as u64;
    while at + step <= end {
        let entry: MemoryMapEntry = memory.read(at).ok_or(LoaderError::Unreadable)?;
        if entry.kind == RAM {
            map.add(entry.address, entry.size)?;
        }
        at += step;
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use super::super::foreign::tests::Bytes;
    use super::super::{LoaderError, memory::Span};
    use super::read;

    const MODULE: [u32; 6] = [3, 17, 0x20_0000, 0x20_3000, 0, 0];
    const MAP: [u32; 16] = [
        6, 64, 24, 0, // entries of 24 bytes, version 0
        0, 0, 0x9_fc00, 0, 1, 0, // memory
        0xf_0000, 0, 0x1_0000, 0, 2, 0, // reserved
    ];
    const RSDP: [u32; 4] = [14, 16, 0, 0];
    const END: [u32; 2] = [0, 8];

    fn information(tags: &[&[u32]]) -> Bytes {
        let words: Vec<u32> = tags.concat();
        let total = 8 + 4 * u32::try_from(words.len()).unwrap();
        let all = [total, 0].into_iter().chain(words);
        Bytes(0x8000, all.flat_map(u32::to_le_bytes).collect())
    }

    #[test]
    fn memory_module_and_acpi_are_found() {
        let loaded = read(&information(&[&MODULE, &RSDP, &MAP, &END]), 0x8000).unwrap();
        assert_eq!(
            loaded.module,
            Span {
                start: 0x20_0000,
                end: 0x20_3000
            }
        );
        assert_eq!(loaded.rsdp, Some(0x8000 + 8 + 24 + 8));
        let spans: Vec<Span> = loaded.memory.spans().collect();
        assert_eq!(
            spans,
            [Span {
                start: 0,
                end: 0x9_f000
            }]
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = |tags: &[&[u32]]| read(&information(tags), 0x8000).unwrap_err();
        assert_eq!(error(&[&MAP, &END]), LoaderError::NoModule);
        assert_eq!(error(&[&MODULE, &END]), LoaderError::NoMemoryMap);
        assert_eq!(error(&[&MODULE, &[6, 64, 24, 0]]), LoaderError::Unreadable);
    }

    #[test]
    fn a_tag_of_size_zero_does_not_hang() {
        let error = read(&information(&[&[99, 0], &MODULE, &END]), 0x8000).unwrap_err();
        assert_eq!(error, LoaderError::NoMemoryMap);
    }
}
