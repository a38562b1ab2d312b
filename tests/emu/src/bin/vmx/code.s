# Guests. None needs a stack.
.section .text
.global ten_then_call               # 10 instructions that retire
ten_then_call:
    .rept 10
    nop
    .endr
    vmcall

.global branches_then_call          # 1 + 20 * 2 instructions, 20 branches
branches_then_call:
    movl $20, %ecx
1:  decl %ecx
    jnz 1b
    vmcall

.global write_global_ctrl           # RAX, RDX: the new value; then one MOV and one WRMSR, and
write_global_ctrl:                  # VMCALL
    movl $0x38f, %ecx
    wrmsr
    vmcall

.global read_counters               # RDPMC and RDMSR of fixed counter 0 into RAX and RBX
read_counters:
    movl $0x309, %ecx               # 1
    rdmsr                           # 2 reads 1
    movl %eax, %ebx                 # 3
    movl $0x40000000, %ecx          # 4
    rdpmc                           # 5 reads 4
    vmcall

.global change_debugctl             # DEBUGCTL into RBX, then RDX:RAX into it
change_debugctl:
    movl %eax, %edi
    movl $0x1d9, %ecx
    rdmsr
    movl %eax, %ebx
    movl %edi, %eax
    xorl %edx, %edx
    wrmsr
    vmcall

.global run_on                      # 400 NOPs, then for ever
run_on:
    .rept 400
    nop
    .endr
1:  jmp 1b

.macro hundred name, instruction:vararg
.global exits_by_\name
exits_by_\name:
    .rept 100
    \instruction
    .endr
    vmcall
.endm
hundred vmcall, vmcall
hundred cpuid, cpuid
hundred hlt, hlt
hundred rdmsr, rdmsr
hundred wrmsr, wrmsr
hundred rdpmc, rdpmc
hundred rdtsc, rdtsc
hundred in, inb $0x80, %al
hundred pause, pause
hundred invlpg, invlpg (%rsp)
hundred cr3, movq %cr3, %rdi
hundred dr, movq %dr7, %rdi
hundred vmlaunch, vmlaunch
hundred vmxoff, vmxoff
hundred invd, invd
hundred ud2, ud2
hundred int3, int3
hundred load, movl (%rdx), %eax
