//! The TSC-deadline register.
//!
//! UNSAFETY: an MSR, and a fence.

#![expect(unsafe_code, reason = "an MSR and a fence")]

use x86_regs::apic::TscDeadline;

use crate::cpu::instructions;

/// Sets the deadline.
#[inline]
pub(super) fn set(deadline: TscDeadline) {
    // SAFETY: 1. CPUID has the register (timer.rs asks). 2. What follows is a timer interrupt, which has a gate.
    unsafe { instructions::write_msr(deadline) }
}

/// Orders the write to the APIC's page before the next deadline.
pub(super) fn fence() {
    // SAFETY: 1. A fence orders memory accesses and does nothing else.
    unsafe { core::arch::x86_64::_mm_mfence() }
}
