//! What belongs to one CPU, found through GS in ring 0.
//!
//! The assembly of `trap/entry.rs` reads the first fields by their offsets. All fields are atomics, written by their CPU only.

use core::sync::atomic::{AtomicU64, Ordering};

use super::{CpuId, MAX_CPUS, stacks};

/// One CPU's words.
#[derive(Debug)]
#[repr(C, align(128))]
pub(crate) struct PerCpu {
    /// Address of the [`Context`](crate::context::Context) that `Next::Thread` resumes; 0 before the first.
    pub(crate) current: AtomicU64,
    /// Where the kernel stack starts.
    pub(crate) kernel_stack: AtomicU64,
    /// Room for ring 3's stack pointer while SYSCALL is entered.
    pub(crate) user_stack: AtomicU64,
    /// The CPU's number.
    pub(crate) cpu: AtomicU64,
    /// What CR3 holds.
    pub(crate) root: AtomicU64,
    /// Not 0 while the current context has more than registers: an FPU or segment bases.
    pub(crate) has_extras: AtomicU64,
    /// NMIs that arrived.
    pub(crate) nmis: AtomicU64,
}

static PER_CPU: [PerCpu; MAX_CPUS] = [const {
    PerCpu {
        current: AtomicU64::new(0),
        kernel_stack: AtomicU64::new(0),
        user_stack: AtomicU64::new(0),
        cpu: AtomicU64::new(0),
        root: AtomicU64::new(0),
        has_extras: AtomicU64::new(0),
        nmis: AtomicU64::new(0),
    }
}; MAX_CPUS];

/// The words of `cpu`.
#[inline]
pub(crate) fn of(cpu: CpuId) -> &'static PerCpu {
    #[expect(clippy::indexing_slicing, reason = "CpuId::index is below MAX_CPUS")]
    &PER_CPU[cpu.index()]
}

/// Fills in what never changes and gives the address for GS.
pub(crate) fn prepare(cpu: CpuId, root: u64) -> u64 {
    let words = of(cpu);
    words
        .kernel_stack
        .store(stacks::kernel_end(cpu), Ordering::Relaxed);
    words.cpu.store(cpu.index() as u64, Ordering::Relaxed);
    words.root.store(root, Ordering::Relaxed);
    core::ptr::from_ref(words).addr() as u64
}

/// Where the NMI entry finds the CPU's words.
pub(crate) fn address(cpu: CpuId) -> u64 {
    core::ptr::from_ref(of(cpu)).addr() as u64
}
