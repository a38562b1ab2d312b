//! Works and sleeps, and counts its timer's interrupts.

use core::arch::{asm, global_asm};

use guest_support::apic::{TIMER_VECTOR, timer};
use guest_support::{Finding, gate, line};

global_asm!(
    ".global wake_gate",
    "wake_gate:",
    "push rax",
    "push rcx",
    "push rdx",
    "inc qword ptr [rip + wakes]",
    "mov ecx, 0x80b", // EOI
    "xor eax, eax",
    "xor edx, edx",
    "wrmsr",
    "pop rdx",
    "pop rcx",
    "pop rax",
    "iretq",
    ".section .data",
    ".balign 8",
    ".global wakes",
    "wakes: .quad 0",
    ".section .text",
);

unsafe extern "C" {
    fn wake_gate();
    static wakes: u64;
}

const ROUNDS: u64 = 200;
/// How long each sleep takes, in nanoseconds.
const SLEEP: u32 = 20_000;

fn work() {
    for turn in 0..5_000 {
        core::hint::black_box(turn);
    }
}

fn sleep() {
    timer(SLEEP);
    // SAFETY: 1. the timer's gate changes no register and wakes the CPU.
    unsafe { asm!("sti", "hlt", "cli", options(nostack)) };
}

#[unsafe(no_mangle)]
fn guest_main() -> Finding {
    gate::set(TIMER_VECTOR, wake_gate);
    line!("idle: I work and sleep, and leave my counters alone");
    for _ in 0..ROUNDS {
        work();
        sleep();
    }
    // SAFETY: 1. interrupts are off, so nobody writes it.
    let woken = unsafe { (&raw const wakes).read_volatile() };
    line!("idle: slept {ROUNDS} times, was woken {woken} times");
    if woken == ROUNDS {
        Finding::Right
    } else {
        Finding::Wrong
    }
}
