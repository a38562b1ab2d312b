//! The PVH boot protocol's start information.
//!
//! Xen's public headers, `arch-x86/hvm/start_info.h`: layout of `hvm_start_info`, version 1.

use zerocopy::{FromBytes, Immutable, KnownLayout};

use super::foreign::ForeignMemory;
use super::memory::{MemoryMap, Span};
use super::{Loaded, LoaderError};

const MAGIC: u32 = 0x336e_c578;
/// Type of a memory map entry that is ordinary memory; numbers as BIOS E820.
const RAM: u32 = 1;

#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C)]
struct StartInfo {
    magic: u32,
    version: u32,
    _flags: u32,
    modules: u32,
    module_list: u64,
    _command_line: u64,
    rsdp: u64,
    memory_map: u64,
    memory_map_entries: u32,
    _reserved: u32,
}

#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Module {
    address: u64,
    size: u64,
    _command_line: u64,
    _reserved: u64,
}

#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C)]
struct MemoryMapEntry {
    address: u64,
    size: u64,
    kind: u32,
    _reserved: u32,
}

/// Reads the start information at `address`.
///
/// # Errors
/// [`LoaderError`].
pub(crate) fn read(memory: &impl ForeignMemory, address: u64) -> Result<Loaded, LoaderError> {
    let info: StartInfo = memory.read(address).ok_or(LoaderError::Unreadable)?;
    if info.magic != MAGIC {
        return Err(LoaderError::Magic);
    }
    if info.version == 0 || info.memory_map_entries == 0 {
        return Err(LoaderError::NoMemoryMap);
    }
    let mut map = MemoryMap::default();
    for i in 0..u64::from(info.memory_map_entries) {
        let at = info
            .memory_map
            .wrapping_add(i * size_of::<MemoryMapEntry>() as u64);
        let entry: MemoryMapEntry = memory.read(at).ok_or(LoaderError::Unreadable)?;
        if entry.kind == RAM {
            map.add(entry.address, entry.size)?;
        }
    }
    if info.modules == 0 {
        return Err(LoaderError::NoModule);
    }
    let module: Module = memory
        .read(info.module_list)
        .ok_or(LoaderError::Unreadable)?;
    Ok(Loaded {
        memory: map,
        module: Span {
            start: module.address,
            end: module.address.saturating_add(module.size),
        },
        rsdp: (info.rsdp != 0).then_some(info.rsdp),
    })
}

#[cfg(test)]
mod tests {
    use super::super::foreign::tests::Bytes;
    use super::super::{LoaderError, memory::Span};
    use super::read;

    /// The start information at 0x1000, one module entry and two map entries behind it.
    fn example() -> Bytes {
        let words: [u64; 17] = [
            0x1_336e_c578, // magic, version 1
            0x1_0000_0000, // flags 0, one module
            0x1038,
            0,
            0xf_5320,
            0x1058,
            2, // module list, command line, RSDP, map, entries
            0x20_0000,
            0x3000,
            0,
            0, // module
            0,
            0x9_fc00,
            1, // memory
            0xf_0000,
            0x1_0000,
            2, // reserved
        ];
        Bytes(0x1000, words.iter().flat_map(|w| w.to_le_bytes()).collect())
    }

    #[test]
    fn memory_module_and_acpi_are_found() {
        let loaded = read(&example(), 0x1000).unwrap();
        assert_eq!(
            loaded.module,
            Span {
                start: 0x20_0000,
                end: 0x20_3000
            }
        );
        assert_eq!(loaded.rsdp, Some(0xf_5320));
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
        let with = |offset: usize, value: u8| {
            let mut bytes = example();
            bytes.1[offset] = value;
            read(&bytes, 0x1000).unwrap_err()
        };
        assert_eq!(with(0, 0), LoaderError::Magic);
        assert_eq!(with(4, 0), LoaderError::NoMemoryMap);
        assert_eq!(with(12, 0), LoaderError::NoModule);
        assert_eq!(with(48, 200), LoaderError::Unreadable);
        assert_eq!(
            read(&example(), 0x8000).unwrap_err(),
            LoaderError::Unreadable
        );
    }
}
