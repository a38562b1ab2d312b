//! Memory that is not there, or may not be touched so.

#![expect(unsafe_code, reason = "touching the wrong memory is the point")]

use sel4_sys::layout::{IPC_BUFFER, PROGRAM, STACK_TOP};

use crate::expected::{Expected, PageFault};
use crate::faults::faults;

const PAGE: u64 = 4096;
/// The stack of a task whose description says nothing about it.
const STACK: u64 = 16 * 1024;
/// In the upper half; the kernel is there.
const KERNEL: u64 = 0xffff_ffff_8010_0000;
/// The first address above the lower half.
const NON_CANONICAL: u64 = 0x0000_8000_0000_0000;
const PROTECTION: u64 = 13;

/// A constant of the program, in memory that may only be read.
static CONSTANT: u64 = 0x00c3_00c3_00c3_00c3;
fn constant() -> u64 {
    (&raw const CONSTANT).addr() as u64
}

faults! {
    address_0_cannot_be_read:
        ["mov rax, [rdi]"] [0] + 0 => Expected::memory(0, PageFault::READ);
    address_0_cannot_be_written:
        ["mov [rdi], rax"] [8] + 0 => Expected::memory(8, PageFault::WRITE);
    kernel_memory_cannot_be_read:
        ["mov rax, [rdi]"] [KERNEL] + 0 => Expected::kernel_memory(KERNEL, PageFault::READ);
    kernel_memory_cannot_be_written:
        ["mov [rdi], rax"] [KERNEL] + 0 => Expected::kernel_memory(KERNEL, PageFault::WRITE);
    a_non_canonical_address_cannot_be_read:
        ["mov rax, [rdi]"] [NON_CANONICAL] + 0 => Expected::exception(PROTECTION, 0);
    a_non_canonical_address_cannot_be_written:
        ["mov [rdi], rax"] [NON_CANONICAL] + 0 => Expected::exception(PROTECTION, 0);
    a_read_over_the_end_of_the_last_page_names_the_next_one:
        ["mov rax, [rdi]"] [IPC_BUFFER + PAGE - 4] + 0 => Expected::memory(IPC_BUFFER + PAGE, PageFault::READ);
    a_write_over_the_end_of_the_last_page_names_the_next_one:
        ["mov [rdi], rax"] [IPC_BUFFER + PAGE - 4] + 0 => Expected::memory(IPC_BUFFER + PAGE, PageFault::WRITE);
    the_page_below_the_ipc_buffer_is_not_there:
        ["mov rax, [rdi]"] [IPC_BUFFER - 8] + 0 => Expected::memory(IPC_BUFFER - 8, PageFault::READ);
    a_constant_cannot_be_written:
        ["mov [rdi], rax"] [constant()] + 0 => Expected::memory(constant(), PageFault::WRITE_FORBIDDEN);
    a_program_cannot_write_its_own_code:
        ["mov [rdi], rax"] [PROGRAM] + 0 => Expected::memory(PROGRAM, PageFault::WRITE_FORBIDDEN);
    a_stack_that_grows_too_far_meets_its_guard:
        ["2: push rax", "jmp 2b"] [] + 0 => Expected::memory(STACK_TOP - STACK - 8, PageFault::WRITE);
    a_stack_that_shrinks_too_far_meets_its_guard:
        ["2: pop rax", "jmp 2b"] [] + 0 => Expected::memory(STACK_TOP, PageFault::READ);
}
