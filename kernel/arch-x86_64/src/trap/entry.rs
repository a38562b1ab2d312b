//! Every way into ring 0 and the one way out.
//!
//! Ring 3's registers go straight into the current [`Context`]; the kernel stack is empty whenever
//! ring 3 or the idle loop runs, so nothing is ever popped from it. Interrupts are off in ring 0 except at
//! the idle loop's HLT.
//!
//! GS: SWAPGS comes first on every entry from ring 3 and last on every exit. NMIs, machine checks and
//! double faults, which can arrive between the two, do not use GS.
//!
//! SYSRET to an address that is not canonical would fault in ring 0 with ring 3's stack pointer. The address after a SYSCALL is always
//! canonical because the last page below the hole is never mapped ([`sel4_sys::USER_END`]); the exit
//! checks it all the same, for IRET too, since a CPU may fetch beyond the hole and report that address in a fault.
//!
//! UNSAFETY: assembly. It relies on the layouts of [`Context`] and [`PerCpu`], taken from the types themselves.

#![expect(unsafe_code, reason = "symbols of the assembly below")]

use core::arch::global_asm;
use core::mem::offset_of;

use crate::context::Context;
use crate::cpu::per_cpu::PerCpu;

macro_rules! trap_assembly {
    ($text:literal, [$($register:ident)*], [$($word:ident)*]) => {
        global_asm!(
            $text,
            $($register = const offset_of!(Context, $register),)*
            $($word = const offset_of!(PerCpu, $word),)*
            user_end = const sel4_sys::USER_END,
            user_exception = sym super::handler::user_exception,
            device_interrupt = sym super::handler::device_interrupt,
            kernel_exception = sym super::handler::kernel_exception,
            non_maskable = sym super::handler::non_maskable,
        );
    };
}

trap_assembly!(
    r#"
    .section .text.entry, "ax"

    // RCX is ring 3's RIP, R11 its RFLAGS; both are stored as such. 24 instructions.
    .balign 64
    .global system_call_entry
system_call_entry:
    swapgs
    mov gs:[{user_stack}], rsp
    mov rsp, gs:[{current}]
    mov [rsp + {rip}], rcx
    mov [rsp + {rflags}], r11
    mov [rsp + {rax}], rax
    mov [rsp + {rbx}], rbx
    mov [rsp + {rdx}], rdx
    mov [rsp + {rsi}], rsi
    mov [rsp + {rdi}], rdi
    mov [rsp + {rbp}], rbp
    mov [rsp + {r8}], r8
    mov [rsp + {r9}], r9
    mov [rsp + {r10}], r10
    mov [rsp + {r12}], r12
    mov [rsp + {r13}], r13
    mov [rsp + {r14}], r14
    mov [rsp + {r15}], r15
    mov rax, gs:[{user_stack}]
    mov [rsp + {rsp}], rax
    mov byte ptr [rsp + {by_sysret}], 1
    mov edi, gs:[{cpu}]
    mov rsp, gs:[{kernel_stack}]
    call baton_syscall                  // does not return
    ud2

    // EAX says what is next: 0 a thread, 1 idle.
resume:
    test eax, eax
    jnz idle
    // 25 instructions by SYSRET.
    .global resume_thread
resume_thread:
    mov rsp, gs:[{current}]
    mov rcx, [rsp + {rip}]
    mov rax, rcx
    shr rax, 47
    jnz resume_nowhere
    cmp byte ptr [rsp + {by_sysret}], 0
    je resume_by_iret
    mov r11, [rsp + {rflags}]
    mov rax, [rsp + {rax}]
    mov rbx, [rsp + {rbx}]
    mov rdx, [rsp + {rdx}]
    mov rsi, [rsp + {rsi}]
    mov rdi, [rsp + {rdi}]
    mov rbp, [rsp + {rbp}]
    mov r8, [rsp + {r8}]
    mov r9, [rsp + {r9}]
    mov r10, [rsp + {r10}]
    mov r12, [rsp + {r12}]
    mov r13, [rsp + {r13}]
    mov r14, [rsp + {r14}]
    mov r15, [rsp + {r15}]
    mov rsp, [rsp + {rsp}]
    swapgs
    sysretq

    // The thread left for an address that is not canonical: it goes on at a page that is never mapped.
resume_nowhere:
    movabs rax, {user_end}
    mov [rsp + {rip}], rax
resume_by_iret:
    mov rax, [rsp + {rax}]
    mov rbx, [rsp + {rbx}]
    mov rcx, [rsp + {rcx}]
    mov rdx, [rsp + {rdx}]
    mov rsi, [rsp + {rsi}]
    mov rdi, [rsp + {rdi}]
    mov rbp, [rsp + {rbp}]
    mov r8, [rsp + {r8}]
    mov r9, [rsp + {r9}]
    mov r10, [rsp + {r10}]
    mov r11, [rsp + {r11}]
    mov r12, [rsp + {r12}]
    mov r13, [rsp + {r13}]
    mov r14, [rsp + {r14}]
    mov r15, [rsp + {r15}]
    .if {rip} != 0
    .error "IRET pops from the start of the context"
    .endif
    swapgs
    iretq

    // Nothing is on the stack here, so the interrupt that ends this does not come back.
    .global idle
idle:
    mov rsp, gs:[{kernel_stack}]
    xor ebp, ebp
2:  sti
    hlt
    cli
    jmp 2b

    // Saves ring 3's registers from a frame [origin, error code, RIP, CS, RFLAGS, RSP, SS] and goes to the kernel stack:
    // EDI the CPU, RSI the origin, RDX the error code.
    .macro save_frame
    swapgs
    push rax
    mov rax, gs:[{current}]
    mov [rax + {rbx}], rbx
    mov [rax + {rcx}], rcx
    mov [rax + {rdx}], rdx
    mov [rax + {rsi}], rsi
    mov [rax + {rdi}], rdi
    mov [rax + {rbp}], rbp
    mov [rax + {r8}], r8
    mov [rax + {r9}], r9
    mov [rax + {r10}], r10
    mov [rax + {r11}], r11
    mov [rax + {r12}], r12
    mov [rax + {r13}], r13
    mov [rax + {r14}], r14
    mov [rax + {r15}], r15
    pop qword ptr [rax + {rax}]
    pop rsi
    pop rdx
    pop qword ptr [rax + {rip}]
    pop rcx
    pop qword ptr [rax + {rflags}]
    pop qword ptr [rax + {rsp}]
    mov byte ptr [rax + {by_sysret}], 0
    mov edi, gs:[{cpu}]
    mov rsp, gs:[{kernel_stack}]
    push 2                              // gates leave AC and DF as they were: AC lifts SMAP
    popfq
    xor ebp, ebp                        // the kernel's frames begin here
    .endm

    .macro exception vector, pushes_code=0
    .balign 16
    .ifeq \pushes_code
    push 0
    .endif
    push \vector
    jmp exception_common
    .endm

    .balign 16
    .global exception_stubs
exception_stubs:
    .irp vector, 0, 1, 2, 3, 4, 5, 6, 7
    exception \vector
    .endr
    exception 8, 1
    exception 9
    .irp vector, 10, 11, 12, 13, 14
    exception \vector, 1
    .endr
    exception 15
    exception 16
    exception 17, 1
    .irp vector, 18, 19, 20
    exception \vector
    .endr
    exception 21, 1
    .irp vector, 22, 23, 24, 25, 26, 27, 28
    exception \vector
    .endr
    exception 29, 1
    exception 30, 1
    exception 31

    .balign 16
exception_common:
    test byte ptr [rsp + 24], 3
    jz fatal_common
    save_frame
    call {user_exception}
    jmp resume

    // Double faults and machine checks end the kernel wherever they come from; GS may be anything.
    .global double_fault_entry
double_fault_entry:
    push 8
    jmp fatal_common
    .global machine_check_entry
machine_check_entry:
    push 0
    push 18
fatal_common:
    push rax
    push rbx
    push rcx
    push rdx
    push rsi
    push rdi
    push r8
    push r9
    push r10
    push r11
    push r12
    push r13
    push r14
    push r15
    push rbp
    mov rdi, rsp
    // One more frame for the backtrace: the faulting instruction and its frame.
    push [rsp + 17 * 8]
    push rbp
    mov rbp, rsp
    and rsp, -16
    cld
    call {kernel_exception}
    ud2

    // NMI, on a stack of its own whose last word, above the frame and one word of alignment, is the address of the CPU's words.
    // Ring 0 or 3, guest or not: nothing but that word is trusted. Nine registers, the frame's five words and the two make 128 bytes.
    .balign 16
    .global nmi_entry
nmi_entry:
    push rax
    push rcx
    push rdx
    push rsi
    push rdi
    push r8
    push r9
    push r10
    push r11
    push 2                              // the gate leaves AC and DF as they were: AC lifts SMAP
    popfq
    mov rdi, [rsp + 9 * 8 + 5 * 8 + 8]
    mov rsi, [rsp + 9 * 8]
    mov rdx, [rsp + 9 * 8 + 8]
    call {non_maskable}
    pop r11
    pop r10
    pop r9
    pop r8
    pop rdi
    pop rsi
    pop rdx
    pop rcx
    pop rax
    iretq

    .balign 16
interrupt_common:
    test byte ptr [rsp + 24], 3
    jz 2f
    save_frame
    call {device_interrupt}
    jmp resume
2:  mov rsi, [rsp]                      // from the idle loop, which keeps nothing
    mov edi, gs:[{cpu}]
    mov rsp, gs:[{kernel_stack}]
    call {device_interrupt}
    jmp resume

    // One for each vector from 32 on, 8 bytes each; the return address tells which.
    .balign 16
    .global interrupt_stubs
interrupt_stubs:
    .rept 224
    .balign 8
    push 0
    call interrupt_common
    .endr
    .text
    "#,
    [rip rflags rsp by_sysret rax rbx rcx rdx rsi rdi rbp r8 r9 r10 r11 r12 r13 r14 r15],
    [current kernel_stack user_stack cpu]
);

// SAFETY: 1. The symbols are labels of the assembly above; only their addresses are used, but for the two
// functions, which take nothing and do not return.
unsafe extern "C" {
    static system_call_entry: u8;
    static exception_stubs: u8;
    static interrupt_stubs: u8;
    static double_fault_entry: u8;
    static machine_check_entry: u8;
    static nmi_entry: u8;
    /// Leaves the kernel for the current context, dropping everything on the stack.
    safe fn resume_thread() -> !;
    /// Waits for an interrupt, dropping everything on the stack.
    safe fn idle() -> !;
}

/// Leaves the kernel, dropping everything on the stack: what needs a drop has had it.
///
/// A system call ends here instead of returning, since there is nothing that it would have to restore.
#[inline(always)]
pub fn go_on(next: super::Next) -> ! {
    match next {
        super::Next::Thread => resume_thread(),
        super::Next::Idle => idle(),
    }
}

fn address(symbol: *const u8) -> u64 {
    symbol.addr() as u64
}

/// Where SYSCALL goes.
pub(crate) fn system_call_address() -> u64 {
    address(&raw const system_call_entry)
}

/// Where the gate of `vector` goes.
pub(crate) fn gate_address(vector: super::vector::Vector) -> u64 {
    use super::vector::Vector;
    match vector {
        Vector::NMI => address(&raw const nmi_entry),
        Vector::DOUBLE_FAULT => address(&raw const double_fault_entry),
        Vector::MACHINE_CHECK => address(&raw const machine_check_entry),
        Vector(n) if vector < Vector::FIRST_INTERRUPT => {
            address(&raw const exception_stubs) + u64::from(n) * 16
        }
        Vector(n) => {
            let first = u64::from(Vector::FIRST_INTERRUPT.0);
            address(&raw const interrupt_stubs) + (u64::from(n) - first) * 8
        }
    }
}

/// Which vector a return address into the interrupt stubs belongs to.
pub(crate) fn vector_of(return_address: u64) -> super::vector::Vector {
    use super::vector::Vector;
    let stub = return_address.wrapping_sub(address(&raw const interrupt_stubs)) / 8;
    let number = u8::try_from(stub).unwrap_or(u8::MAX);
    Vector(number.saturating_add(Vector::FIRST_INTERRUPT.0))
}
