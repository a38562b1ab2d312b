//! Makes a context what the CPU resumes.
//!
//! UNSAFETY: CR3, segment bases, and the context that was current before, by its address.

#![expect(unsafe_code, reason = "CR3, segment bases and the previous context")]

use core::sync::atomic::Ordering;

use x86_regs::system::{FsBase, KernelGsBase};

use super::per_cpu::PerCpu;
use super::{CpuId, fpu, instructions, per_cpu};
use crate::context::Context;
use crate::mm::AddressSpace;
use crate::mm::layout::to_usize;

impl Context {
    /// The thread runs in this address space.
    pub fn set_space(&mut self, space: &AddressSpace) {
        self.set_root(space.root());
    }
}

/// Makes `context`, which knows its address space, what [`Next::Thread`](crate::trap::Next::Thread) resumes on this CPU.
///
/// The context must be one of [`carve_contexts`](crate::boot::Boot::carve_contexts): its address is kept.
///
/// Selectors are not part of a context: what a task loads into DS, ES, FS or GS another may find there. They name no memory in
/// 64-bit code.
#[inline(always)]
pub fn switch_to(cpu: CpuId, context: &mut Context) {
    let words = per_cpu::of(cpu);
    let next = core::ptr::from_mut(context).expose_provenance() as u64;
    if context.extras() | words.has_extras.load(Ordering::Relaxed) != 0 {
        switch_extras(words, context);
    }
    words.current.store(next, Ordering::Relaxed);
    let root = context.root();
    if words.root.load(Ordering::Relaxed) != root {
        words.root.store(root, Ordering::Relaxed);
        // SAFETY: 1. An address space's root has the kernel's half from its making on (space.rs), and `set_space` takes no other.
        // 2. Threads without a space do not exist: `kern` sets it before it can run one.
        unsafe { instructions::write_cr3(root) }
    }
}

/// FPU and segment bases, when the old or the new context has any.
#[cold]
fn switch_extras(words: &PerCpu, context: &mut Context) {
    let previous = words.current.load(Ordering::Relaxed);
    let next = core::ptr::from_mut(context).addr() as u64;
    if previous == next && !context.is_changed() {
        return;
    }
    let had_fpu = previous != 0 && previous != next && leave(previous);
    if context.has_fpu() {
        fpu::allow(true);
        fpu::load(Some(context.fpu_area()));
    } else {
        if had_fpu || previous == next {
            fpu::allow(true);
            fpu::load(None);
        }
        fpu::allow(false);
    }
    // Always both: a task can set a base to 0 by loading a selector, so the loaded value is not known.
    // SAFETY: 1. The base lies below USER_END (Context::set_user_context). 2. Ring 0 does not use FS.
    unsafe { instructions::write_msr(FsBase(context.fs_base)) }
    // SAFETY: 1. The base lies below USER_END. 2. SWAPGS gives it to ring 3 only.
    unsafe { instructions::write_msr(KernelGsBase(context.gs_base)) }
    words.has_extras.store(context.extras(), Ordering::Relaxed);
    context.note_loaded();
}

/// Saves the FPU of the context at `previous`, if it has one. Says whether it has.
fn leave(previous: u64) -> bool {
    let context = core::ptr::with_exposed_provenance_mut::<Context>(to_usize(previous));
    // SAFETY: 1. `previous` came from a context's address, exposed in `switch_to`; contexts live for ever (Boot::carve_contexts).
    // 2. `kern` holds the big lock and lends out the new context only, which is another one.
    let context = unsafe { &mut *context };
    if !context.has_fpu() {
        return false;
    }
    // A context that was written while it was current must not get its old registers back.
    if !context.is_changed() {
        fpu::allow(true);
        fpu::save(context.fpu_area());
    }
    true
}
