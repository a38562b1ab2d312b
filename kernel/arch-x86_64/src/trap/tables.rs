//! The descriptor tables of a CPU.
//!
//! UNSAFETY: LGDT, LIDT and LTR decide which code and stacks the CPU uses.

#![expect(unsafe_code, reason = "descriptor table registers")]

use core::arch::asm;

use super::descriptor::{Gate, InterruptStack, Selector, TaskState, global_table};
use super::entry;
use super::vector::Vector;
use crate::boot::{Boot, OutOfMemory};
use crate::cpu::{CpuId, stacks};

/// The tables, made and not loaded yet. They stay for ever.
#[derive(Debug)]
pub(crate) struct Tables {
    global: &'static [[u64; 8]],
    gates: &'static [Gate],
}

impl Tables {
    /// Makes the tables of `cpu`.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub(crate) fn new(boot: &mut Boot, cpu: CpuId) -> Result<Self, OutOfMemory> {
        let ends = stacks::interrupt_ends(cpu);
        let state = boot.carve(1, |_| TaskState::new(stacks::kernel_end(cpu), ends))?;
        let state = state.as_ptr().addr() as u64;
        Ok(Self {
            global: boot.carve(1, |_| global_table(state))?,
            gates: boot.carve(256, |n| gate(Vector(u8::try_from(n).unwrap_or(u8::MAX))))?,
        })
    }

    /// Makes the CPU use them.
    pub(crate) fn load(&self) {
        let global = pointer(self.global.as_flattened());
        // SAFETY: 1. The table lives for ever, at an address all address spaces have. 2. Its descriptors are what
        // descriptor.rs tests. 3. CS is reloaded with the code segment of the same kind, the data segments with none, SS with ring 0's.
        unsafe {
            asm!(
                "lgdt [{table}]",
                "push {code}",
                "lea {scratch}, [rip + 2f]",
                "push {scratch}",
                "retfq",
                "2:",
                "xor {scratch:e}, {scratch:e}",
                "mov ds, {scratch:e}",
                "mov es, {scratch:e}",
                "mov fs, {scratch:e}",
                "mov gs, {scratch:e}",
                "mov {scratch:e}, {data}",
                "mov ss, {scratch:e}",
                table = in(reg) &raw const global,
                code = const Selector::KERNEL_CODE.0,
                data = const Selector::KERNEL_CODE.0 + 8,
                scratch = out(reg) _,
            );
        }
        let gates = pointer(self.gates);
        // SAFETY: 1. The gates live for ever and lead to the entry code.
        unsafe {
            asm!("lidt [{}]", in(reg) &raw const gates, options(readonly, nostack, preserves_flags));
        }
        // SAFETY: 1. The descriptor is that of a task state with good stacks, not busy yet: this CPU loads it once.
        unsafe {
            asm!("ltr {:x}", in(reg) Selector::TASK_STATE.0, options(nostack, preserves_flags));
        }
    }
}

fn gate(vector: Vector) -> Gate {
    let stack = match vector {
        Vector::NMI => InterruptStack::Nmi,
        Vector::DOUBLE_FAULT => InterruptStack::DoubleFault,
        Vector::MACHINE_CHECK => InterruptStack::MachineCheck,
        Vector::DEBUG => InterruptStack::Debug,
        _ if vector < Vector::FIRST_INTERRUPT => InterruptStack::Fault,
        _ => InterruptStack::Kernel,
    };
    let from_user = matches!(vector, Vector::BREAKPOINT | Vector::OVERFLOW);
    Gate::interrupt(entry::gate_address(vector), stack, from_user)
}

/// What LGDT and LIDT read. SDM vol. 3A, "Memory-Management Registers".
#[derive(Debug)]
#[repr(C, packed)]
struct Pointer {
    limit: u16,
    base: u64,
}

fn pointer<T>(table: &'static [T]) -> Pointer {
    Pointer {
        limit: u16::try_from(size_of_val(table) - 1).unwrap_or(u16::MAX),
        base: table.as_ptr().addr() as u64,
    }
}
