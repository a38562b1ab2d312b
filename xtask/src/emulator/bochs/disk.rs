//! Lays out the disk that a Bochs machine boots from.
//!
//! Sectors 0 to 7 are the boot program (`boards/bochs/boot`), whose last two are a table: the
//! kernel's entry point, what to copy from where on the disk to where in memory, and the start
//! information that the kernel receives (Xen's `hvm_start_info`, as QEMU's `-kernel` gives it,
//! with the system image as the first module). The kernel's segments and the image follow.

use anyhow::{Context as _, bail, ensure};
use object::Endianness;
use object::elf::PT_LOAD;
use object::read::elf::{ElfFile64, FileHeader as _, ProgramHeader as _};

/// Bytes a sector.
const SECTOR: usize = 512;
/// Where the table is in the boot program, and where the BIOS puts that.
const TABLE: usize = 0xc00;
const TABLE_ADDRESS: u32 = 0x7c00 + 0xc00;
const TABLE_SIZE: usize = 1024;
/// Where the copying runs begin in the table, behind entry point and start information.
const FIRST_RUN: usize = 0x40;
/// A cylinder of the disk geometry that everything understands: 16 heads, 63 sectors.
const CYLINDER: usize = 16 * 63 * SECTOR;
/// The image is put on such a boundary behind the kernel.
const MODULE_ALIGNMENT: u32 = 0x20_0000;
/// Type of the ELF note that names the 32-bit entry point (`XEN_ELFNOTE_PHYS32_ENTRY`).
const PHYS32_ENTRY: u32 = 18;
/// `XEN_HVM_START_MAGIC_VALUE`.
const START_MAGIC: u32 = 0x336e_c578;

/// What goes from the disk into memory.
struct Run<'a> {
    bytes: &'a [u8],
    to: u32,
    /// Bytes to clear behind them.
    clear: u32,
}

/// A disk that boots `kernel` with `module` as its only module.
///
/// `boot` is the boot program. Errors name what is wrong with the kernel.
pub(crate) fn image(boot: &[u8], kernel: &[u8], module: &[u8]) -> anyhow::Result<Vec<u8>> {
    ensure!(
        boot.len() == TABLE + TABLE_SIZE,
        "the boot program has {} bytes",
        boot.len()
    );
    let elf = ElfFile64::<Endianness>::parse(kernel).context("the kernel is no 64-bit ELF")?;
    let entry = entry_of(&elf)?;
    let mut runs = runs_of(&elf, kernel)?;
    let end = runs
        .iter()
        .map(Run::end)
        .try_fold(0, |most, end| end.map(|end| most.max(end)))?;
    let module_at = end
        .checked_next_multiple_of(MODULE_ALIGNMENT)
        .context("the kernel ends too high for a module behind it")?;
    runs.push(Run {
        bytes: module,
        to: module_at,
        clear: 0,
    });

    let mut disk = boot.to_vec();
    let mut table = Vec::new();
    put(&mut table, &[entry, length(&runs)?]);
    put_start_info(&mut table, FIRST_RUN + 16 * runs.len())?;
    debug_assert_eq!(table.len(), FIRST_RUN);
    for run in &runs {
        let sector = u32::try_from(disk.len() / SECTOR).context("the disk is too large")?;
        put(&mut table, &[sector, length(run.bytes)?, run.to, run.clear]);
        disk.extend_from_slice(run.bytes);
        disk.resize(disk.len().next_multiple_of(SECTOR), 0);
    }
    // The module list has one entry: address, size, no command line, reserved; 64 bits each.
    put(&mut table, &[module_at, 0, length(module)?, 0, 0, 0, 0, 0]);
    let place = disk
        .get_mut(TABLE..)
        .and_then(|rest| rest.get_mut(..table.len()))
        .filter(|place| place.len() <= TABLE_SIZE)
        .context("the kernel has too many segments for the boot table")?;
    place.copy_from_slice(&table);
    disk.resize(disk.len().next_multiple_of(CYLINDER), 0);
    Ok(disk)
}

impl Run<'_> {
    /// Where what it fills ends.
    fn end(&self) -> anyhow::Result<u32> {
        length(self.bytes)?
            .checked_add(self.clear)
            .and_then(|size| size.checked_add(self.to))
            .context("a segment of the kernel ends above 4 GiB")
    }
}

/// `hvm_start_info`, version 1. The boot program fills in memory map and ACPI pointer.
fn put_start_info(table: &mut Vec<u8>, modules: usize) -> anyhow::Result<()> {
    let modules = TABLE_ADDRESS + u32::try_from(modules)?;
    // magic, version, flags, number of modules; then 64 bits each: module list, command line,
    // ACPI pointer, memory map; then its number of entries, reserved.
    put(
        table,
        &[START_MAGIC, 1, 0, 1, modules, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    );
    Ok(())
}

fn put(table: &mut Vec<u8>, words: &[u32]) {
    table.extend(words.iter().flat_map(|word| word.to_le_bytes()));
}

fn length<T>(items: &[T]) -> anyhow::Result<u32> {
    u32::try_from(items.len()).context("larger than 4 GiB")
}

/// The loadable segments by their physical addresses.
fn runs_of<'a>(elf: &ElfFile64<'a>, kernel: &'a [u8]) -> anyhow::Result<Vec<Run<'a>>> {
    let endian = elf.endian();
    let mut runs = Vec::new();
    for header in elf.elf_program_headers() {
        if header.p_type(endian) != PT_LOAD || header.p_memsz(endian) == 0 {
            continue;
        }
        let Ok(bytes) = header.data(endian, kernel) else {
            bail!("a segment is outside the file")
        };
        let to = u32::try_from(header.p_paddr(endian)).context("a segment is above 4 GiB")?;
        ensure!(
            to >= 0x10_0000,
            "a segment is at {to:#x}, below 1 MiB, where the BIOS is"
        );
        let clear = header
            .p_memsz(endian)
            .saturating_sub(header.p_filesz(endian));
        let clear = u32::try_from(clear).context("a segment is larger than 4 GiB")?;
        runs.push(Run { bytes, to, clear });
    }
    Ok(runs)
}

/// The 32-bit entry point, from the note that PVH kernels have.
fn entry_of(elf: &ElfFile64<'_>) -> anyhow::Result<u32> {
    let endian = elf.endian();
    for header in elf.elf_program_headers() {
        let Ok(Some(mut notes)) = header.notes(endian, elf.data()) else {
            continue;
        };
        while let Ok(Some(note)) = notes.next() {
            if note.name() == b"Xen" && note.n_type(endian) == PHYS32_ENTRY {
                let address: [u8; 4] = note
                    .desc()
                    .get(..4)
                    .and_then(|bytes| bytes.try_into().ok())
                    .context("the kernel's PVH note is too short")?;
                return Ok(u32::from_le_bytes(address));
            }
        }
    }
    let kind = elf.elf_header().e_type(endian);
    bail!("the kernel (ELF type {kind}) has no PVH note, so it has no 32-bit entry point")
}
