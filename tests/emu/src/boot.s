# From PVH's 32-bit entry to Rust in 64-bit mode; and the gates of the interrupt table.

.section .note.pvh, "a"
.balign 4
    .long 4, 4, 18                  # sizes of name and value; XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long pvh_entry

.section .text
.code32
.global pvh_entry
pvh_entry:
    cli
    cld
    movl $boot_stack_end, %esp
    movl %ebx, start_info
    # Identity map of 4 GiB by 2 MiB pages, open to ring 3.
    movl $pdpt + 7, pml4
    movl $pds, %edi
    movl $pdpt, %esi
    movl $4, %ecx
1:  leal 7(%edi), %eax
    movl %eax, (%esi)
    addl $4096, %edi
    addl $8, %esi
    loop 1b
    movl $pds, %edi
    movl $0x87, %eax                # present, writable, user, large
    movl $2048, %ecx
2:  movl %eax, (%edi)
    addl $0x200000, %eax
    addl $8, %edi
    loop 2b
    call long_mode
.code64
    movq $boot_stack_end, %rsp
    movl start_info, %edi
    call proof_start
3:  hlt
    jmp 3b

# Turns on 64-bit mode; returns there, with the stack's upper half cleared.
.code32
long_mode:
    movl %cr4, %eax
    orl $0x20, %eax                 # PAE
    movl %eax, %cr4
    movl $pml4, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx          # EFER: SCE, LME
    rdmsr
    orl $0x101, %eax
    wrmsr
    movl %cr0, %eax
    orl $0x80010022, %eax           # PG, WP, NE, MP
    andl $0xfffffff3, %eax          # not EM, not TS
    movl %eax, %cr0
    popl %edx
    lgdt boot_gdt_pointer
    ljmpl $0x08, $4f
.code64
4:  movw $0x10, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw %ax, %fs
    movw %ax, %gs
    movl %edx, %edx
    jmp *%rdx

# Other CPUs start at 0x8000 in real mode; this is copied there.
.global trampoline, trampoline_end
.code16
trampoline:
    cli
    xorw %ax, %ax
    movw %ax, %ds
    lgdtl 0x8000 + (trampoline_gdt_pointer - trampoline)
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    ljmpl $0x18, $application_cpu
.balign 8
trampoline_gdt_pointer:
    .short boot_gdt_end - boot_gdt - 1
    .long boot_gdt
trampoline_end:

.code32
application_cpu:
    movw $0x10, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl next_stack, %esp
    call long_mode
.code64
    movl next_stack, %esp
    call proof_other_cpu
5:  hlt
    jmp 5b

# One gate a vector: eight bytes, all pushing an error code or a zero, then the vector.
.balign 16
.global gates
gates:
.set vector, 0
.rept 256
    .balign 16
    .if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21)
    pushq $0
    .endif
    pushq $vector
    jmp common_gate
    .set vector, vector + 1
.endr
common_gate:
    pushq %rax
    pushq %rcx
    pushq %rdx
    pushq %rbx
    pushq %rbp
    pushq %rsi
    pushq %rdi
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, %rdi
    cld
    movq %rsp, %rbp
    andq $-16, %rsp
    call proof_gate
    movq %rbp, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rdi
    popq %rsi
    popq %rbp
    popq %rbx
    popq %rdx
    popq %rcx
    popq %rax
    addq $16, %rsp
    iretq

.section .data
.balign 8
boot_gdt:
    .quad 0
    .quad 0x00af9b000000ffff        # 0x08 code, 64 bits, ring 0
    .quad 0x00cf93000000ffff        # 0x10 data, ring 0
    .quad 0x00cf9b000000ffff        # 0x18 code, 32 bits, ring 0
boot_gdt_end:
boot_gdt_pointer:
    .short boot_gdt_end - boot_gdt - 1
    .long boot_gdt
.global next_stack
next_stack:
    .long 0
start_info:
    .long 0

.section .bss
.balign 4096
.global pml4
pml4:
    .skip 4096
pdpt:
    .skip 4096
pds:
    .skip 4 * 4096
boot_stack:
    .skip 65536
boot_stack_end:
