//! The switch between host and guest.
//!
//! General registers and CR2 are moved here, straight between the CPU and the vCPU's page. Everything else is in the VMCS, in its
//! lists, or is not touched by the guest. There is one way back for an exit, for an entry that failed late, and for one that
//! was refused: the code at `2`, with the host's stack. Interrupts are off all the time; an NMI between an exit and the reload of the descriptor tables' limits
//! finds tables with their addresses right.
//!
//! UNSAFETY: assembly, VMLAUNCH and VMRESUME.

#![expect(unsafe_code, reason = "assembly, VMLAUNCH and VMRESUME")]

use core::arch::global_asm;
use core::mem::offset_of;

use sel4_sys::vcpu::VcpuState;
use x86_regs::vmx::state::HOST_RSP;

use super::instructions::Current;
use crate::mm::PageRef;
use crate::trap::tables::TableAddresses;

const _: () = assert!(offset_of!(VcpuState, registers) == 0);

global_asm!(
    r#"
    .text
    // RDI the page, ESI not 0 when the VMCS was launched. EAX: 0 the guest ran or the entry failed late, 1 it was refused.
    .balign 64
    .global vmx_switch
vmx_switch:
    push rbp
    push rbx
    push r12
    push r13
    push r14
    push r15
    mov rax, cr2
    push rax
    push rdi
    mov eax, {host_rsp}
    vmwrite rax, rsp
    mov rax, [rdi + {cr2}]
    mov cr2, rax
    test esi, esi
    mov rax, [rdi]
    mov rcx, [rdi + 8]
    mov rdx, [rdi + 16]
    mov rbx, [rdi + 24]
    mov rbp, [rdi + 40]
    mov rsi, [rdi + 48]
    mov r8, [rdi + 64]
    mov r9, [rdi + 72]
    mov r10, [rdi + 80]
    mov r11, [rdi + 88]
    mov r12, [rdi + 96]
    mov r13, [rdi + 104]
    mov r14, [rdi + 112]
    mov r15, [rdi + 120]
    mov rdi, [rdi + 56]
    jnz 1f
    vmlaunch
    jmp 3f
1:  vmresume
3:  mov eax, 1
    jmp 2f

    // HOST_RIP: all general registers but RSP are the guest's.
    .balign 16
    .global vmx_exit
vmx_exit:
    push rdi
    mov rdi, [rsp + 8]
    mov [rdi], rax
    mov [rdi + 8], rcx
    mov [rdi + 16], rdx
    mov [rdi + 24], rbx
    mov [rdi + 40], rbp
    mov [rdi + 48], rsi
    pop qword ptr [rdi + 56]
    mov [rdi + 64], r8
    mov [rdi + 72], r9
    mov [rdi + 80], r10
    mov [rdi + 88], r11
    mov [rdi + 96], r12
    mov [rdi + 104], r13
    mov [rdi + 112], r14
    mov [rdi + 120], r15
    mov rax, cr2
    mov [rdi + {cr2}], rax
    xor eax, eax

    // What the kernel may still use by speculation is not to be a guest's.
2:  pop rdi
    pop rcx
    mov cr2, rcx
    xor ecx, ecx
    xor edx, edx
    xor esi, esi
    xor edi, edi
    xor r8d, r8d
    xor r9d, r9d
    xor r10d, r10d
    xor r11d, r11d
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbx
    pop rbp
    ret
    "#,
    host_rsp = const HOST_RSP.encoding().into_bits(),
    cr2 = const offset_of!(VcpuState, cr2),
);

// SAFETY: 1. The symbols are labels of the assembly above. 2. `vmx_switch` keeps to the C calling convention.
unsafe extern "C" {
    fn vmx_switch(page: *const u64, is_launched: u32) -> u32;
    static vmx_exit: u8;
}

/// Where an exit goes.
pub(super) fn exit_address() -> u64 {
    (&raw const vmx_exit).addr() as u64
}

/// How an attempt to enter ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Switched {
    /// The guest ran, or the entry failed while its state was loaded.
    Exited,
    /// VMLAUNCH or VMRESUME refused, and nothing happened.
    Refused,
}

/// Enters the guest of the current VMCS and comes back.
pub(super) fn switch(
    _vmcs: Current,
    page: PageRef,
    is_launched: bool,
    tables: TableAddresses,
) -> Switched {
    let words = page.words().as_ptr().cast::<u64>();
    // SAFETY: 1. The current VMCS has a host state that is the kernel's own (`host`), so an exit comes back to `vmx_exit` on this stack
    // with the kernel's address space. 2. The guest reaches memory through an EPT only, in which `space` maps frames. 3. Of the
    // registers that it reaches without an exit (`permissions`) all are loaded by the exit or its lists. 4. The page is one of a frame,
    // written as words; the assembly stays in its first bytes. 5. `vmx_switch` restores every register that the calling convention asks for.
    let refused = unsafe { vmx_switch(words, u32::from(is_launched)) };
    if refused != 0 {
        return Switched::Refused;
    }
    tables.restore_limits();
    Switched::Exited
}

/// Serves the NMI that an exit has taken: through its gate, whose IRET lets NMIs in again.
pub(super) fn serve_non_maskable() {
    // SAFETY: 1. NMIs are blocked since the exit, so the NMI stack is free. 2. The gate's code keeps all registers.
    unsafe { core::arch::asm!("int 2", options(nostack)) }
}
