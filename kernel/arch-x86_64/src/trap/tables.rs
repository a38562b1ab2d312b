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
    task_state: u64,
    global: &'static [[u64; 8]],
    gates: &'static [Gate],
}

/// Where a CPU's tables are: a VM exit puts the addresses back and leaves the limits at their largest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TableAddresses {
    pub(crate) task_state: u64,
    pub(crate) global: u64,
    pub(crate) gates: u64,
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
            task_state: state,
            global: boot.carve(1, |_| global_table(state))?,
            gates: boot.carve(256, |n| gate(Vector(u8::try_from(n).unwrap_or(u8::MAX))))?,
        })
    }

    /// Where they are.
    pub(crate) fn addresses(&self) -> TableAddresses {
        TableAddresses {
            task_state: self.task_state,
            global: self.global.as_ptr().addr() as u64,
            gates: self.gates.as_ptr().addr() as u64,
        }
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

impl TableAddresses {
    /// Loads the registers again, with the limits that the tables have.
    #[inline]
    pub(crate) fn restore_limits(self) {
        let global = Pointer {
            limit: limit_of::<[u64; 8]>(1),
            base: self.global,
        };
        // SAFETY: 1. The CPU uses the table at this address already.
        unsafe {
            asm!("lgdt [{}]", in(reg) &raw const global, options(readonly, nostack, preserves_flags));
        }
        let gates = Pointer {
            limit: limit_of::<Gate>(256),
            base: self.gates,
        };
        // SAFETY: 1. As above.
        unsafe {
            asm!("lidt [{}]", in(reg) &raw const gates, options(readonly, nostack, preserves_flags));
        }
    }
}

const fn limit_of<T>(count: usize) -> u16 {
    let bytes = size_of::<T>() * count;
    assert!(bytes <= 1 << 16, "a descriptor table is at most 64 KiB");
    #[expect(clippy::cast_possible_truncation, reason = "checked above")]
    let limit = (bytes - 1) as u16;
    limit
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
