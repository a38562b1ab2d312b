//! Instructions that ring 3 may not use, or not so.

#![expect(unsafe_code, reason = "running the wrong instruction is the point")]

use crate::expected::Expected;
use crate::faults::faults;

// Vectors. SDM vol. 3A, "Exception and Interrupt Vectors".
const DIVIDE: u64 = 0;
const DEBUG: u64 = 1;
const BREAKPOINT: u64 = 3;
const INVALID_OPCODE: u64 = 6;
const NO_FPU: u64 = 7;
const PROTECTION: u64 = 13;

/// An INT instruction through a gate that is closed to ring 3.
fn gate() -> Expected {
    Expected::gate(PROTECTION)
}

fn protection() -> Expected {
    Expected::exception(PROTECTION, 0)
}

faults! {
    dividing_by_zero_is_a_divide_error:
        ["div rcx"] [] + 0 => Expected::exception(DIVIDE, 0);
    an_undefined_instruction_is_an_invalid_opcode:
        ["ud2"] [] + 0 => Expected::exception(INVALID_OPCODE, 0);
    a_breakpoint_stops_behind_its_instruction:
        ["int3"] [] + 1 => Expected::exception(BREAKPOINT, 0);
    the_single_step_flag_stops_the_task_that_set_it:
        ["pushfq", "or dword ptr [rsp], 0x100", "popfq", "nop"] [] + 10 => Expected::exception(DEBUG, 0);
    software_cannot_raise_a_system_interrupt:
        ["int 0x80"] [] + 0 => gate();
    software_cannot_fake_a_page_fault:
        ["int 14"] [] + 0 => gate();
    software_cannot_fake_a_double_fault:
        ["int 8"] [] + 0 => gate();
    software_cannot_fake_an_nmi:
        ["int 2"] [] + 0 => gate();
    interrupts_cannot_be_switched_off:
        ["cli"] [] + 0 => protection();
    interrupts_cannot_be_switched_on:
        ["sti"] [] + 0 => protection();
    the_cpu_cannot_be_halted:
        ["hlt"] [] + 0 => protection();
    control_register_0_cannot_be_read:
        ["mov rax, cr0"] [] + 0 => protection();
    control_register_3_cannot_be_written:
        ["mov cr3, rdi"] [0x1000] + 0 => protection();
    control_register_4_cannot_be_written:
        ["mov cr4, rdi"] [] + 0 => protection();
    a_debug_register_cannot_be_written:
        ["mov dr7, rdi"] [0x401] + 0 => protection();
    a_model_specific_register_cannot_be_read:
        ["rdmsr"] [0, 0, 0, 0xc000_0080] + 0 => protection();
    a_model_specific_register_cannot_be_written:
        ["wrmsr"] [0, 0, 0, 0xc000_0082] + 0 => protection();
    an_io_port_without_a_capability_cannot_be_read:
        ["in al, dx"] [0, 0, 0x3f8] + 0 => protection();
    an_io_port_without_a_capability_cannot_be_written:
        ["out dx, al"] [0, 0, 0xf4] + 0 => protection();
    the_descriptor_table_cannot_be_replaced:
        ["lgdt [rsp - 16]"] [] + 0 => protection();
    the_interrupt_table_cannot_be_replaced:
        ["lidt [rsp - 16]"] [] + 0 => protection();
    the_address_of_the_descriptor_table_cannot_be_read:
        ["sgdt [rsp - 16]"] [] + 0 if UMIP => protection();
    the_machine_status_word_cannot_be_read:
        ["smsw rax"] [] + 0 if UMIP => protection();
    performance_counters_cannot_be_read:
        ["rdpmc"] [] + 0 => protection();
    the_kernels_gs_base_cannot_be_swapped_in:
        ["swapgs"] [] + 0 => protection();
    a_task_cannot_return_to_ring_0_by_sysret:
        ["sysretq"] [] + 0 => protection();
    a_page_cannot_be_invalidated:
        ["invlpg [rdi]"] [0x40_0000] + 0 => protection();
    caches_cannot_be_thrown_away:
        ["wbinvd"] [] + 0 => protection();
    the_task_switch_flag_cannot_be_cleared:
        ["clts"] [] + 0 => protection();
    an_extended_control_register_cannot_be_set:
        ["xsetbv"] [] + 0 => protection();
    the_fpu_needs_the_right_to_it:
        ["fninit"] [] + 0 => Expected::exception(NO_FPU, 0);
    vector_registers_need_the_right_to_the_fpu:
        ["movaps xmm0, xmm1"] [] + 0 => Expected::exception(NO_FPU, 0);
}
