//! The kernel's stacks, one a CPU and one an IST entry, unmapped pages between.
//!
//! They grow downwards, so the page below each is left out of the page tables: an overflow is a fault
//! on another stack instead of silent damage.

use core::sync::atomic::{AtomicU64, Ordering};

use crate::cpu::{CpuId, MAX_CPUS, per_cpu};
use crate::mm::layout::PAGE;
use crate::trap::descriptor::INTERRUPT_STACKS;

const PAGE_WORDS: usize = 512;
const KERNEL_PAGES: usize = 8;
const INTERRUPT_PAGES: usize = 2;

type Words<const N: usize> = [AtomicU64; N];

/// A stack and the page below it that is not mapped.
#[derive(Debug)]
#[repr(C, align(4096))]
struct Guarded<const WORDS: usize> {
    guard: Words<PAGE_WORDS>,
    stack: Words<WORDS>,
}

/// All stacks of a CPU.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct CpuStacks {
    kernel: Guarded<{ KERNEL_PAGES * PAGE_WORDS }>,
    interrupts: [Guarded<{ INTERRUPT_PAGES * PAGE_WORDS }>; INTERRUPT_STACKS],
}

/// Offset of the end of the first CPU's kernel stack, on which the kernel boots.
pub(crate) const KERNEL_STACK_END: u64 = (1 + KERNEL_PAGES as u64) * PAGE;

/// The stacks. Words that only the CPU pushes to.
pub(crate) static STACKS: [CpuStacks; MAX_CPUS] = [const {
    CpuStacks {
        kernel: Guarded {
            guard: [const { AtomicU64::new(0) }; _],
            stack: [const { AtomicU64::new(0) }; _],
        },
        interrupts: [const {
            Guarded {
                guard: [const { AtomicU64::new(0) }; _],
                stack: [const { AtomicU64::new(0) }; _],
            }
        }; _],
    }
}; _];

/// Where the stack pointer of `cpu` starts when ring 3 is left.
pub(crate) fn kernel_end(cpu: CpuId) -> u64 {
    #[expect(clippy::indexing_slicing, reason = "CpuId::index is below MAX_CPUS")]
    end_of(&STACKS[cpu.index()].kernel.stack)
}

/// Where the interrupt stacks of `cpu` start. The NMI stack's last word holds the address of the CPU's words,
/// and the stack starts below it: the NMI entry finds them without trusting a register.
pub(crate) fn interrupt_ends(cpu: CpuId) -> [u64; INTERRUPT_STACKS] {
    #[expect(clippy::indexing_slicing, reason = "CpuId::index is below MAX_CPUS")]
    let stacks = &STACKS[cpu.index()].interrupts;
    let mut ends = stacks.each_ref().map(|guarded| end_of(&guarded.stack));
    if let [nmi, ..] = stacks
        && let Some(last) = nmi.stack.last()
        && let Some(end) = ends.first_mut()
    {
        last.store(per_cpu::address(cpu), Ordering::Relaxed);
        // 16 and not 8: the CPU aligns the stack pointer before it pushes.
        *end -= 16;
    }
    ends
}

/// Whether the page at `address` is one of those between the stacks.
pub(crate) fn is_guard(address: u64) -> bool {
    let is_at = |words: &[AtomicU64]| words.as_ptr().addr() as u64 == address;
    STACKS.iter().any(|cpu| {
        is_at(&cpu.kernel.guard) || cpu.interrupts.iter().any(|stack| is_at(&stack.guard))
    })
}

/// The word at `address` if it lies in a stack: for backtraces, which must not fault.
pub(crate) fn word(address: u64) -> Option<u64> {
    if !address.is_multiple_of(8) {
        return None;
    }
    STACKS.iter().find_map(|cpu| {
        let stacks = cpu.interrupts.iter().map(|stack| &stack.stack[..]);
        stacks.chain([&cpu.kernel.stack[..]]).find_map(|words| {
            let offset = address.checked_sub(words.as_ptr().addr() as u64)?;
            let word = words.get(usize::try_from(offset / 8).ok()?)?;
            Some(word.load(Ordering::Relaxed))
        })
    })
}

fn end_of(words: &[AtomicU64]) -> u64 {
    words.as_ptr_range().end.addr() as u64
}
