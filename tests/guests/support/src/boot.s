# From 32-bit protected mode to Rust in 64-bit mode, and the gates of the interrupt table.

.section .multiboot, "a"
.balign 4
    .long 0x1badb002                # multiboot 1: magic, no flags, checksum
    .long 0
    .long -0x1badb002

.section .note.pvh, "a"
.balign 4
    .long 4, 4, 18                  # sizes of name and value; XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long multiboot_entry

.section .text
.code32
# Both protocols enter here, with flat segments, paging and interrupts off. Nothing that they pass is used.
.global multiboot_entry
multiboot_entry:
    cli
    cld
    movl $boot_stack_end, %esp
    # Identity map of the first GiB by 2 MiB pages.
    movl $pdpt + 3, pml4
    movl $pd + 3, pdpt
    movl $pd, %edi
    movl $0x83, %eax                # present, writable, large
    movl $512, %ecx
1:  movl %eax, (%edi)
    addl $0x200000, %eax
    addl $8, %edi
    loop 1b
    movl %cr4, %eax
    orl $0x20, %eax                 # PAE
    movl %eax, %cr4
    movl $pml4, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx          # EFER: LME
    rdmsr
    orl $0x100, %eax
    wrmsr
    movl %cr0, %eax
    orl $0x80010000, %eax           # PG, WP
    movl %eax, %cr0
    lgdt gdt_pointer
    ljmpl $0x08, $2f
.code64
2:  movw $0x10, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw %ax, %fs
    movw %ax, %gs
    movq $boot_stack_end, %rsp
    call guest_start
    ud2

# One gate for each exception: all push an error code or a zero, then the vector.
.balign 16
.global fault_gates
fault_gates:
.set vector, 0
.rept 32
    .balign 16
    .if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21)
    pushq $0
    .endif
    pushq $vector
    jmp fault_gate
    .set vector, vector + 1
.endr
# A #GP where one was expected goes on where `recovery` says, with RSI = 1. Everything else is for Rust, and final.
fault_gate:
    cmpq $13, (%rsp)
    jne 3f
    cmpq $0, recovery(%rip)
    je 3f
    movq recovery(%rip), %rsi
    movq %rsi, 16(%rsp)
    movl $1, %esi
    addq $16, %rsp
    iretq
3:  popq %rdi                       # vector
    popq %rsi                       # error code
    popq %rdx                       # RIP
    andq $-16, %rsp
    call guest_fault
    ud2

.section .data
.balign 8
gdt:
    .quad 0
    .quad 0x00af9b000000ffff        # 0x08 code, 64 bits, ring 0
    .quad 0x00cf93000000ffff        # 0x10 data, ring 0
gdt_end:
gdt_pointer:
    .short gdt_end - gdt - 1
    .long gdt
.balign 8
.global recovery
recovery:
    .quad 0

.section .bss
.balign 4096
pml4:
    .skip 4096
pdpt:
    .skip 4096
pd:
    .skip 4096
boot_stack:
    .skip 65536
boot_stack_end:
