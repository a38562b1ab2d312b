//! Where the I/O APICs are and which inputs they have: all we ask of ACPI.
//!
//! "Advanced Configuration and Power Interface Specification", "ACPI Software Programming Model". Wrong or
//! missing tables cost a machine its I/O APIC beyond the usual place, nothing else.

use zerocopy::{FromBytes, Immutable, KnownLayout};

use super::foreign::ForeignMemory;

/// An I/O APIC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct IoApicFound {
    /// Physical address of its registers.
    pub(crate) address: u64,
    /// Global system interrupt number of its input 0.
    pub(crate) first_line: u32,
}

/// I/O APICs that the kernel drives at most.
pub(crate) const MAX_IO_APICS: usize = 4;

const RSDP_SIGNATURE: &[u8; 8] = b"RSD PTR ";
/// Where a BIOS leaves the root pointer, on a 16-byte boundary.
const BIOS_AREA: (u64, usize) = (0xe_0000, 0x2_0000);
/// Longest table that is looked at, in bytes; a MADT of 1000 CPUs is shorter.
const TABLE_LIMIT: u32 = 1 << 16;
/// Type of a MADT structure that describes an I/O APIC.
const MADT_IO_APIC: u8 = 1;

#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C, packed)]
struct Rsdp {
    signature: [u8; 8],
    _checksum: u8,
    _oem: [u8; 6],
    revision: u8,
    rsdt: u32,
}

#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C, packed)]
struct Rsdp2 {
    first: Rsdp,
    _length: u32,
    xsdt: u64,
    _rest: u32,
}

#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C, packed)]
struct TableHeader {
    signature: [u8; 4],
    length: u32,
    _rest: [u8; 28],
}

#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C, packed)]
struct MadtIoApic {
    _head: [u8; 2],
    _id: u8,
    _reserved: u8,
    address: u32,
    first_line: u32,
}

/// The I/O APICs that the MADT lists; none when there is no ACPI. `rsdp` is what the boot loader says.
pub(crate) fn io_apics(
    memory: &impl ForeignMemory,
    rsdp: Option<u64>,
) -> heapless::Vec<IoApicFound, MAX_IO_APICS> {
    let mut found = heapless::Vec::new();
    let Some(madt) = rsdp
        .or_else(|| find_rsdp(memory))
        .and_then(|at| find_madt(memory, at))
    else {
        return found;
    };
    // Header, local APIC address, flags; then structures that begin with type and length.
    let mut rest = madt.get(size_of::<TableHeader>() + 8..).unwrap_or(&[]);
    while let [kind, length, ..] = *rest {
        if kind == MADT_IO_APIC
            && let Ok((io_apic, _)) = MadtIoApic::read_from_prefix(rest)
        {
            // More than the kernel drives: the first ones are those with the low lines.
            let _ = found.push(IoApicFound {
                address: io_apic.address.into(),
                first_line: io_apic.first_line,
            });
        }
        rest = rest.get(usize::from(length).max(2)..).unwrap_or(&[]);
    }
    found
}

fn find_rsdp(memory: &impl ForeignMemory) -> Option<u64> {
    let (start, length) = BIOS_AREA;
    let area = memory.bytes(start, length)?;
    let at = area
        .chunks_exact(16)
        .position(|chunk| chunk.starts_with(RSDP_SIGNATURE))?;
    Some(start + 16 * at as u64)
}

fn find_madt(memory: &impl ForeignMemory, rsdp: u64) -> Option<&[u8]> {
    let root: Rsdp = memory.read(rsdp)?;
    if root.signature != *RSDP_SIGNATURE {
        return None;
    }
    let extended = (root.revision >= 2)
        .then(|| memory.read::<Rsdp2>(rsdp))
        .flatten();
    let tables = match extended.map(|e| (e.xsdt, e.first.revision)) {
        Some((xsdt, _)) if xsdt != 0 => table(memory, xsdt)?.1,
        _ => {
            return find_in(
                memory,
                table(memory, root.rsdt.into())?
                    .1
                    .as_chunks::<4>()
                    .0
                    .iter()
                    .map(|b| u32::from_le_bytes(*b).into()),
            );
        }
    };
    find_in(
        memory,
        tables
            .as_chunks::<8>()
            .0
            .iter()
            .map(|b| u64::from_le_bytes(*b)),
    )
}

fn find_in(memory: &impl ForeignMemory, mut addresses: impl Iterator<Item = u64>) -> Option<&[u8]> {
    addresses.find_map(|address| {
        let (header, _) = table(memory, address)?;
        (header.signature == *b"APIC").then(|| memory.bytes(address, header.length as usize))?
    })
}

/// A table's header and what follows it.
fn table(memory: &impl ForeignMemory, address: u64) -> Option<(TableHeader, &[u8])> {
    let header: TableHeader = memory.read(address)?;
    let length = header.length.min(TABLE_LIMIT) as usize;
    let after = memory
        .bytes(address, length)?
        .get(size_of::<TableHeader>()..)?;
    Some((header, after))
}

#[cfg(test)]
mod tests {
    use super::super::foreign::tests::Bytes;
    use super::{IoApicFound, io_apics};

    const BASE: u64 = 0xe_0000;

    fn table(signature: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let length = 36 + u32::try_from(body.len()).unwrap();
        [&signature[..], &length.to_le_bytes(), &[0; 28], body].concat()
    }

    /// RSDP at 0x40, RSDT or XSDT at 0x100, another table at 0x200, the MADT at 0x300.
    fn tables(revision: u8) -> Bytes {
        let mut bytes = vec![0; 0x2_0000];
        let mut put = |at: usize, what: &[u8]| bytes[at..at + what.len()].copy_from_slice(what);
        put(0x40, b"RSD PTR ");
        put(0x4f, &[revision]);
        let root = BASE + 0x100;
        put(if revision < 2 { 0x50 } else { 0x58 }, &root.to_le_bytes());
        let addresses = [BASE + 0x200, BASE + 0x300];
        let list: Vec<u8> = if revision < 2 {
            addresses
                .iter()
                .flat_map(|&a| u32::try_from(a).unwrap().to_le_bytes())
                .collect()
        } else {
            addresses.iter().flat_map(|a| a.to_le_bytes()).collect()
        };
        put(0x100, &table(b"XSDT", &list));
        put(0x200, &table(b"FACP", &[]));
        let madt = [
            &[0; 8][..],
            &[0, 8, 0, 0, 1, 0, 0, 0],                    // a local APIC
            &[1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0], // I/O APIC at 0xfec00000, lines from 0
            &[1, 12, 1, 0, 0, 0x10, 0xc0, 0xfe, 24, 0, 0, 0],
        ]
        .concat();
        put(0x300, &table(b"APIC", &madt));
        Bytes(BASE, bytes)
    }

    #[test]
    fn io_apics_are_found_with_old_and_new_tables_and_without_help() {
        let expected = [
            IoApicFound {
                address: 0xfec0_0000,
                first_line: 0,
            },
            IoApicFound {
                address: 0xfec0_1000,
                first_line: 24,
            },
        ];
        for revision in [0, 2] {
            assert_eq!(
                io_apics(&tables(revision), Some(BASE + 0x40)),
                expected,
                "{revision}"
            );
            assert_eq!(io_apics(&tables(revision), None), expected, "{revision}");
        }
    }

    #[test]
    fn tables_that_are_cut_off_or_lie_about_their_length_cost_io_apics_but_no_panic() {
        assert!(io_apics(&Bytes(0, vec![]), None).is_empty());
        let all = tables(2).1;
        for length in 0..0x34c {
            let found = io_apics(&Bytes(BASE, all[..length].to_vec()), Some(BASE + 0x40));
            assert!(found.is_empty(), "{length:#x}");
        }
        // Every byte of RSDT and MADT in turn is as wrong as can be.
        for at in (0x100..0x130).chain(0x300..0x350) {
            for wrong in [0, 0xff] {
                let mut bytes = tables(0);
                bytes.1[at] = wrong;
                assert!(io_apics(&bytes, Some(BASE + 0x40)).len() <= 4, "{at:#x}");
            }
        }
    }
}
