//! Switches on what protects the kernel, and points the CPU to its tables.
//!
//! UNSAFETY: control registers and the descriptor table registers decide what every later instruction means.

#![expect(unsafe_code, reason = "control registers")]

use x86_regs::system::{
    Cr0, Cr4, Dr7, Efer, GsBase, KernelGsBase, Lstar, RFlags, Sfmask, Star, SysenterCs,
};

use super::features::Features;
use super::{CpuId, fpu, instructions, per_cpu};
use crate::mm::direct::Page;
use crate::trap::descriptor::Selector;
use crate::trap::{entry, tables};

/// Sets no-execute before any page table uses it: without EFER.NXE that bit is reserved and faults.
pub(crate) fn allow_no_execute(features: &Features) {
    let efer = instructions::read_msr::<Efer>().with_no_execute(features.no_execute);
    // SAFETY: 1. EFER exists in long mode. 2. NXE is set only where CPUID has it; the other bits stay.
    unsafe { instructions::write_msr(efer) }
}

/// Changes from the boot tables to the kernel's own.
pub(crate) fn use_kernel_tables(root: &'static Page) {
    // SAFETY: 1. Kernel_map.rs mapped text, data and this stack at the addresses they have now.
    unsafe { instructions::write_cr3(crate::mm::direct::physical_of(root)) }
}

/// Everything that a CPU needs before ring 3 runs on it.
pub(crate) fn prepare(
    cpu: CpuId,
    features: &Features,
    root: &'static Page,
    tables: tables::Tables,
) {
    tables.load();
    set_control_registers(features);
    fpu::prepare(features);
    instructions::write_dr7(Dr7::new());
    set_gs(per_cpu::prepare(cpu, crate::mm::direct::physical_of(root)));
    set_system_call();
}

fn set_control_registers(features: &Features) {
    let cr0 = Cr0::new()
        .with_protection(true)
        .with_monitor_coprocessor(true)
        .with_extension_type(true)
        .with_numeric_error(true)
        .with_write_protect(true)
        .with_alignment_mask(true)
        .with_task_switched(true)
        .with_paging(true);
    // SAFETY: 1. PG, PE and WP are set.
    unsafe { instructions::write_cr0(cr0) }
    // FSGSBASE stays off: ring 3 cannot change a base that the kernel does not know of, so a switch between
    // threads without bases has nothing to save. TSD stays off: ring 3 may read the time. PCE stays off: counters have owners.
    let cr4 = Cr4::new()
        .with_physical_address_extension(true)
        .with_debugging_extensions(true)
        .with_machine_check(features.machine_check)
        .with_global_pages(features.global_pages)
        .with_fxsave(true)
        .with_simd_exceptions(true)
        .with_user_instruction_prevention(features.umip)
        .with_xsave(features.xsave.is_some())
        .with_smep(features.smep)
        .with_smap(features.smap);
    // SAFETY: 1. Each extension is set only where CPUID has it; the unconditional ones belong to every 64-bit CPU.
    // 2. PAE is set. 3. No user page is executed or read in ring 0, so SMEP and SMAP change nothing here.
    unsafe { instructions::write_cr4(cr4) }
}

fn set_gs(address: u64) {
    // SAFETY: 1. Ring 0 uses GS in trap/entry.rs only, which expects this address.
    unsafe { instructions::write_msr(GsBase(address)) }
    // SAFETY: 1. What SWAPGS gives to ring 3: nothing.
    unsafe { instructions::write_msr(KernelGsBase(0)) }
}

fn set_system_call() {
    let star = Star::new()
        .with_kernel(Selector::KERNEL_CODE.0)
        .with_user(Selector::SYSRET_BASE.0);
    // SAFETY: 1. Descriptor.rs keeps the order of segments that SYSCALL and SYSRET expect.
    unsafe { instructions::write_msr(star) }
    // SAFETY: 1. The address is that of the entry code, in kernel text.
    unsafe { instructions::write_msr(Lstar(entry::system_call_address())) }
    let cleared = RFlags::new()
        .with_trap(true)
        .with_interrupts(true)
        .with_direction(true)
        .with_io_privilege(3)
        .with_nested_task(true)
        .with_resume(true)
        .with_virtual_8086(true)
        .with_alignment_check(true)
        .into_bits();
    // SAFETY: 1. Ring 0 expects interrupts off, DF and AC clear after SYSCALL; more is cleared, nothing less.
    unsafe { instructions::write_msr(Sfmask(cleared & !RFlags::new().into_bits())) }
    // SAFETY: 1. 0 makes SYSENTER fault in ring 3; ring 0 does not use it.
    unsafe { instructions::write_msr(SysenterCs(0)) }
    let efer = instructions::read_msr::<Efer>().with_system_call(true);
    // SAFETY: 1. Only SCE changes, after everything that SYSCALL reads is set.
    unsafe { instructions::write_msr(efer) }
}
