//! What an exit loads: the kernel's own state.

use x86_regs::pmu::PerfGlobalCtrl;
use x86_regs::system::{Efer, PageAttributes};
use x86_regs::vmx::HOST_PERF_GLOBAL_CTRL;
use x86_regs::vmx::state as field;

use super::instructions::Current;
use super::{root, world};
use crate::cpu::{CpuId, instructions, per_cpu};
use crate::trap::descriptor::Selector;

/// What the VMCS holds of the host's that differs from entry to entry.
#[derive(Debug)]
pub(super) struct Host {
    page_tables: u64,
    fs_base: u64,
    control: PerfGlobalCtrl,
}

impl Host {
    pub(super) const fn new() -> Self {
        Self {
            page_tables: 0,
            fs_base: 0,
            control: PerfGlobalCtrl::new(),
        }
    }

    /// Writes everything, for `cpu`, on which this runs.
    pub(super) fn start(&mut self, vmcs: Current, cpu: CpuId) {
        *self = Self::new();
        let tables = root::tables(cpu);
        vmcs.write(&field::HOST_CS_SELECTOR, Selector::KERNEL_CODE.0);
        vmcs.write(&field::HOST_SS_SELECTOR, Selector::KERNEL_CODE.0 + 8);
        vmcs.write(&field::HOST_TR_SELECTOR, Selector::TASK_STATE.0);
        for selector in [
            &field::HOST_DS_SELECTOR,
            &field::HOST_ES_SELECTOR,
            &field::HOST_FS_SELECTOR,
            &field::HOST_GS_SELECTOR,
        ] {
            vmcs.write(selector, 0);
        }
        vmcs.write(&field::HOST_TR_BASE, tables.task_state);
        vmcs.write(&field::HOST_GDTR_BASE, tables.global);
        vmcs.write(&field::HOST_IDTR_BASE, tables.gates);
        vmcs.write(&field::HOST_GS_BASE, per_cpu::address(cpu));
        vmcs.write(&field::HOST_FS_BASE, 0);
        // A thread that enters has an FPU, so TS is clear when it leaves the guest.
        let cr0 = instructions::read_cr0().with_task_switched(false);
        vmcs.write(&field::HOST_CR0, cr0.into_bits());
        vmcs.write(&field::HOST_CR3, 0);
        vmcs.write(&field::HOST_CR4, instructions::read_cr4().into_bits());
        vmcs.write(
            &field::HOST_EFER,
            instructions::read_msr::<Efer>().into_bits(),
        );
        vmcs.write(
            &field::HOST_PAT,
            instructions::read_msr::<PageAttributes>().0,
        );
        // SYSENTER faults in ring 3 (cpu/setup.rs).
        vmcs.write(&field::HOST_SYSENTER_CS, 0);
        vmcs.write(&field::HOST_SYSENTER_ESP, 0);
        vmcs.write(&field::HOST_SYSENTER_EIP, 0);
        vmcs.write(&field::HOST_RIP, world::exit_address());
        vmcs.write(&HOST_PERF_GLOBAL_CTRL, PerfGlobalCtrl::new());
    }

    /// Writes what differs: the thread's page tables and FS base, and GLOBAL_CTRL from the exit on.
    #[inline]
    pub(super) fn set(
        &mut self,
        vmcs: Current,
        page_tables: u64,
        fs_base: u64,
        control: PerfGlobalCtrl,
    ) {
        if self.page_tables != page_tables {
            self.page_tables = page_tables;
            vmcs.write(&field::HOST_CR3, page_tables);
        }
        if self.fs_base != fs_base {
            self.fs_base = fs_base;
            vmcs.write(&field::HOST_FS_BASE, fs_base);
        }
        if self.control != control {
            self.control = control;
            vmcs.write(&HOST_PERF_GLOBAL_CTRL, control);
        }
    }
}
