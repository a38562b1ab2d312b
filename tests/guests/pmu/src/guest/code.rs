//! The code that is counted, and the gates that interrupt it.

use core::arch::global_asm;

global_asm!(include_str!("code.s"), options(att_syntax));

unsafe extern "C" {
    pub(super) fn counted_loop();
    pub(super) fn loop_sleep_loop();
    pub(super) fn nops();
    pub(super) fn timer_gate();
    pub(super) fn pmi_gate();
    static ticks: u64;
    static pmis: u64;
    static pmi_at: u64;
}

/// Instructions of `timer_gate`.
pub(super) const TIMER_GATE: u64 = 12;
/// Branches of `timer_gate`: its IRETQ.
pub(super) const TIMER_GATE_BRANCHES: u64 = 1;

/// Timer interrupts so far.
pub(super) fn timer_interrupts() -> u64 {
    // SAFETY: 1. interrupts are off whenever Rust runs, so nobody writes it.
    unsafe { (&raw const ticks).read_volatile() }
}

/// Performance interrupts so far.
pub(super) fn performance_interrupts() -> u64 {
    // SAFETY: 1. as in `timer_interrupts`.
    unsafe { (&raw const pmis).read_volatile() }
}

/// Address of the instruction that the last performance interrupt came before.
pub(super) fn interrupted_at() -> u64 {
    // SAFETY: 1. as in `timer_interrupts`.
    unsafe { (&raw const pmi_at).read_volatile() }
}
