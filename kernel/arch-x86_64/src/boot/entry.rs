//! The kernel's first instructions: from a boot loader to Rust in long mode.
//!
//! Two loaders are understood. PVH (Xen's `docs/misc/pvh`, "x86/HVM direct boot ABI"; QEMU's `-kernel`) enters
//! at the address of an ELF note with EBX pointing to its start information. Multiboot2 (GRUB; "Multiboot2
//! Specification version 2.0") enters at the address of a header tag with a magic number in EAX.
//! Both leave protected mode without paging and interrupts off, so one path follows: identity and
//! higher-half tables of large pages, long mode, [`start`](super::start::start).
//!
//! UNSAFETY: assembly that no Rust code calls; the loaders' contracts above are all it relies on.

#![expect(unsafe_code, reason = "assembly")]

use core::arch::global_asm;

use crate::cpu::stacks;
use crate::mm::layout;

/// EAX at the multiboot2 entry. "Multiboot2 Specification", "Machine state".
pub(super) const MULTIBOOT2_LOADER: u32 = 0x36d7_6289;

global_asm!(
    r#"
    .section .note.pvh, "a", @note
    .balign 4
    .long 4, 8, {physical_entry}        // sizes of name and descriptor, type XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .balign 4
    .quad pvh_entry

    .section .boot.header, "a"
    .balign 8
multiboot2_header:
    .long {mb2_header_magic}, 0, 5f - multiboot2_header
    .long -({mb2_header_magic} + (5f - multiboot2_header))
    .balign 8
    .short 3, 0                         // tag: entry address
    .long 12, multiboot2_entry
    .balign 8
    .short 6, 0                         // tag: modules begin on a page
    .long 8
    .balign 8
    .short 0, 0                         // tag: end
    .long 8
5:

    .section .boot.text, "ax"
    .code32
    .global pvh_entry
pvh_entry:
    xor esi, esi                        // no magic number: PVH promises nothing about EAX
    jmp 2f
multiboot2_entry:
    mov esi, eax
2:  cld
    rdtsc                               // the moment that boot time is counted from
    mov esp, offset {stacks} + {stack_end} - {kernel_base}
    push edx
    push eax
    push ebx                            // the loader's information

    mov eax, 0x80000000                 // without long mode there is nobody to tell but the console
    cpuid
    cmp eax, 0x80000001
    jb 9f
    mov eax, 0x80000001
    cpuid
    bt edx, 29
    jnc 9f

    // Root: identity, the direct map and the higher half, all of the same first 4 GiB.
    mov eax, offset boot_pointers - {kernel_base} + 3
    mov [offset boot_root - {kernel_base}], eax
    mov [offset boot_root - {kernel_base} + 8 * {direct_slot}], eax
    mov eax, offset boot_pointers_high - {kernel_base} + 3
    mov [offset boot_root - {kernel_base} + 8 * 511], eax
    mov eax, offset boot_directories - {kernel_base} + 3
    mov [offset boot_pointers_high - {kernel_base} + 8 * 510], eax
    mov ecx, offset boot_pointers - {kernel_base}
3:  mov [ecx], eax
    add ecx, 8
    add eax, 0x1000
    cmp ecx, offset boot_pointers - {kernel_base} + 32
    jb 3b
    // 2048 entries of 2 MiB: present, writable, large.
    mov ecx, offset boot_directories - {kernel_base}
    mov eax, 0x83
4:  mov [ecx], eax
    add ecx, 8
    add eax, 0x200000
    jnc 4b                              // wraps after 4 GiB

    mov eax, offset boot_root - {kernel_base}
    mov cr3, eax
    mov eax, 0x20                       // CR4.PAE
    mov cr4, eax
    mov ecx, 0xc0000080                 // EFER
    rdmsr
    or eax, 0x100                       // LME
    wrmsr
    mov eax, 0x80010021                 // CR0: PG, WP, NE, PE
    mov cr0, eax

    mov ecx, [esp]                      // the loader's information
    lgdt [boot_gdt_pointer]
    push 8
    mov eax, offset boot_long
    push eax
    retf
boot_long:
    .code64
    mov edi, esi
    mov esi, ecx
    movabs rax, offset boot_high
    jmp rax

    .code32
9:  mov esi, offset boot_no_long_mode
7:  lodsb
    test al, al
    jz 8f
    out 0xe9, al
    mov dx, 0x3f8
    out dx, al
    jmp 7b
8:  mov al, {panic_verdict}
    mov dx, 0xf4
    out dx, al
    cli
    hlt
    jmp 8b

boot_no_long_mode:
    .asciz "panic: this CPU has no long mode; a 64-bit machine is needed\n"
    .balign 8
boot_gdt:
    .quad 0, 0x00af9b000000ffff         // 64-bit code, accessed
boot_gdt_pointer:
    .short 15
    .long boot_gdt

    .section .text.entry, "ax"
    .code64
boot_high:
    movabs rsp, offset {stacks} + {stack_end} - 16     // below the moment of entry, which was pushed first
    xor eax, eax
    mov ss, eax
    mov ds, eax
    mov es, eax
    mov fs, eax
    mov gs, eax
    xor ebp, ebp
    mov edx, [rsp + 8]
    mov ecx, [rsp + 12]
    shl rcx, 32
    or rdx, rcx
    movabs rsp, offset {stacks} + {stack_end}
    call {start}
    ud2

    .section .bss.boot_tables, "aw", @nobits
    .balign 4096
boot_root: .skip 4096
boot_pointers: .skip 4096
boot_pointers_high: .skip 4096
boot_directories: .skip 4 * 4096
    .text
    "#,
    physical_entry = const 18,
    mb2_header_magic = const 0xe852_50d6_u32,
    kernel_base = const layout::KERNEL_BASE,
    direct_slot = const layout::DIRECT_SLOT,
    stacks = sym stacks::STACKS,
    stack_end = const stacks::KERNEL_STACK_END,
    panic_verdict = const testproto::End::Panicked.port_value(),
    start = sym super::start::start,
);
