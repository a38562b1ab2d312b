//! From the first Rust function to the boot upcall.
//!
//! UNSAFETY: reads what boot loader and firmware left in memory.

#![expect(unsafe_code, reason = "reads memory that others wrote")]

use super::acpi::{self, IoApicFound};
use super::boot_memory::take_table;
use super::foreign::ForeignMemory;
use super::memory::Span;
use super::{Boot, Loaded, LoaderError, Machine, OutOfMemory, entry, image, multiboot2, pvh};
use crate::apic;
use crate::cpu::{CpuId, features::Features, instructions, setup};
use crate::dev::pic;
use crate::mm::direct;
use crate::mm::kernel_map::KernelMap;
use crate::mm::layout::{BOOT_MAPPED, to_usize};
use crate::trap::{tables::Tables, upcall};
use crate::{console, pmu, timer, vmx};
use sel4_sys::CpuFeatures;

/// Memory below this stays free: firmware data and, later, where other CPUs start.
const LOW_MEMORY: Span = Span {
    start: 0,
    end: 1 << 20,
};

/// The kernel's first Rust function, on the boot stack with the boot tables. `loader` is the loader's magic number (0 for PVH),
/// `information` the physical address of what it says, `tsc_at_entry` the TSC at the first instruction.
pub(super) extern "C" fn start(loader: u32, information: u32, tsc_at_entry: u64) -> ! {
    console::prepare();
    let memory = BootWindow;
    let loaded = read_loader(&memory, loader, information)
        .unwrap_or_else(|error| panic!("cannot start: {error}"));
    let features = Features::find(instructions::cpuid);
    let io_apics = io_apics(&memory, loaded.rsdp);
    let mut boot = make_boot(loaded, &features, &io_apics, tsc_at_entry)
        .unwrap_or_else(|OutOfMemory| panic!("cannot start: the machine has too little memory"));
    prepare_machine(&mut boot, &features, &io_apics);
    upcall::go_on(upcall::baton_boot(&mut boot))
}

fn read_loader(memory: &BootWindow, loader: u32, information: u32) -> Result<Loaded, LoaderError> {
    match loader {
        0 => pvh::read(memory, information.into()),
        entry::MULTIBOOT2_LOADER => multiboot2::read(memory, information.into()),
        _ => Err(LoaderError::Magic),
    }
}

fn io_apics(
    memory: &BootWindow,
    rsdp: Option<u64>,
) -> heapless::Vec<IoApicFound, { acpi::MAX_IO_APICS }> {
    let mut found = acpi::io_apics(memory, rsdp);
    if found.is_empty() {
        // The vector is empty, so there is room.
        let _ = found.push(apic::io::USUAL);
    }
    found
}

/// Makes the kernel's page tables, changes to them, and puts the rest of the memory together for the boot upcall.
fn make_boot(
    loaded: Loaded,
    features: &Features,
    io_apics: &[IoApicFound],
    tsc_at_entry: u64,
) -> Result<Boot, OutOfMemory> {
    let all = loaded.memory;
    assert!(
        all.contains(loaded.module),
        "cannot start: the system image lies outside of memory"
    );
    assert!(
        loaded.module.start.is_multiple_of(8),
        "cannot start: the system image is not aligned to 8 bytes"
    );
    let memory_bytes = all.bytes();

    // The direct map has all memory but the kernel itself, whose text must not be writable anywhere.
    let mut mapped = all.clone();
    mapped.remove(image::memory()).map_err(|_| OutOfMemory)?;
    let mut free = mapped.clone();
    free.remove(LOW_MEMORY).map_err(|_| OutOfMemory)?;
    free.remove(loaded.module).map_err(|_| OutOfMemory)?;

    // Tables come from the bottom of memory, which the boot tables map.
    setup::allow_no_execute(features);
    let root = take_table(&mut free)?;
    let kernel = KernelMap::new(root, features);
    let take = &mut || take_table(&mut free).ok();
    kernel.map_image(take).map_err(|_| OutOfMemory)?;
    for span in mapped.spans() {
        kernel.map_memory(span, take).map_err(|_| OutOfMemory)?;
    }
    let local = apic::prepare(features);
    kernel
        .map_device(apic::LOCAL_APIC_PAGE, local, take)
        .map_err(|_| OutOfMemory)?;
    for (i, io_apic) in io_apics.iter().enumerate() {
        kernel
            .map_device(apic::io::FIRST_PAGE + i, io_apic.address, take)
            .map_err(|_| OutOfMemory)?;
    }
    setup::use_kernel_tables(root);

    Ok(Boot {
        image: module(loaded.module),
        machine: Machine {
            cpus: 1,
            features: features.reported(),
            tsc_hz: 0,
            tsc_at_entry,
            memory_bytes,
            used_bytes: 0,
            brand: features.brand,
        },
        all,
        free,
        kernel: root,
        rest: Span { start: 0, end: 0 },
    })
}

/// Brings up the CPU, interrupt controllers and clocks.
fn prepare_machine(boot: &mut Boot, features: &Features, io_apics: &[IoApicFound]) {
    let tables = Tables::new(boot, CpuId::BOOT)
        .unwrap_or_else(|OutOfMemory| panic!("cannot start: the machine has too little memory"));
    let addresses = tables.addresses();
    setup::prepare(CpuId::BOOT, features, boot.kernel, tables);
    pic::silence();
    apic::prepare_cpu();
    boot.machine
        .features
        .set(CpuFeatures::IOAPIC, apic::io::prepare(io_apics));
    boot.machine.tsc_hz = timer::prepare(features);
    pmu::prepare(features);
    let region = boot
        .take_table()
        .unwrap_or_else(|OutOfMemory| panic!("cannot start: the machine has too little memory"));
    vmx::prepare(CpuId::BOOT, features, addresses, region);
}

/// The bytes of the system image.
fn module(span: Span) -> &'static [u8] {
    let start = core::ptr::with_exposed_provenance::<u8>(to_usize(direct::window(span.start)));
    // SAFETY: 1. The span is memory (make_boot) and in the direct map. 2. It was taken out of the free memory, so nobody
    // writes it any more.
    unsafe { core::slice::from_raw_parts(start, to_usize(span.length())) }
}

/// Physical memory through the boot tables: what loader and firmware wrote before the kernel started, all of it below 4 GiB.
#[derive(Debug)]
struct BootWindow;

impl ForeignMemory for BootWindow {
    fn bytes(&self, address: u64, length: usize) -> Option<&[u8]> {
        let end = address.checked_add(length as u64)?;
        // Address 0 would be a null pointer, and holds nothing of interest.
        if address == 0 || end > BOOT_MAPPED {
            return None;
        }
        let start = core::ptr::with_exposed_provenance::<u8>(to_usize(direct::window(address)));
        // SAFETY: 1. The boot tables map it. 2. `start` uses this before it writes to any memory outside of the kernel's image, and
        // no reference outlives that: what is found is copied out.
        Some(unsafe { core::slice::from_raw_parts(start, length) })
    }
}
