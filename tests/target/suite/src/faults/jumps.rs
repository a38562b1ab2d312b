//! Going where there is no code.
//!
//! The message has the address that was gone to, not that of the jump.

#![expect(unsafe_code, reason = "jumping to the wrong address is the point")]

use sel4_sys::layout::STACK_TOP;

use crate::expected::{Expected, PageFault};
use crate::harness::tests;

tests! {
    address_0_cannot_be_run
    kernel_memory_cannot_be_run
    a_variable_cannot_be_run
    the_stack_cannot_be_run
}

/// In the upper half; the kernel is there.
const KERNEL: u64 = 0xffff_ffff_8010_0000;
/// A variable of the program, which holds a RET.
static VARIABLE: core::sync::atomic::AtomicU64 = core::sync::atomic::AtomicU64::new(0xc3);

fn go_to(address: u64) {
    // SAFETY: 1. No task may run code there, so the kernel stops this one; if it does not, the test has
    // failed, and whatever is broken now ends with this life of the task.
    unsafe { core::arch::asm!("call {}", in(reg) address, clobber_abi("C")) }
}

fn address_0_cannot_be_run() {
    Expected::memory(0, PageFault::RUN).at(0).announce();
    go_to(0);
}

fn kernel_memory_cannot_be_run() {
    Expected::kernel_memory(KERNEL, PageFault::RUN)
        .at(KERNEL)
        .announce();
    go_to(KERNEL);
}

fn a_variable_cannot_be_run() {
    let address = VARIABLE.as_ptr().addr() as u64;
    Expected::memory(address, PageFault::RUN_FORBIDDEN)
        .at(address)
        .announce();
    go_to(address);
}

fn the_stack_cannot_be_run() {
    let address = STACK_TOP - 8;
    Expected::memory(address, PageFault::RUN_FORBIDDEN)
        .at(address)
        .announce();
    go_to(address);
}
