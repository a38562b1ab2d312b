# Code whose instructions were counted by hand. R13 is the argument.
.section .text

.global counted_loop                # 1 + 2n + 1 instructions, n + 1 branches
counted_loop:
    movl %r13d, %ecx
1:  decl %ecx
    jnz 1b
    ret

# Twice the loop with a sleep between: (1 + 2n) + 3 + (1 + 2n) + 1 instructions, 2n + 1 branches, and those of the timer's gate.
.global loop_sleep_loop
loop_sleep_loop:
    movl %r13d, %ecx
2:  decl %ecx
    jnz 2b
    sti
    hlt
    cli
    movl %r13d, %ecx
3:  decl %ecx
    jnz 3b
    ret

.global timer_gate                  # 12 instructions, 1 branch
timer_gate:
    pushq %rax
    pushq %rcx
    pushq %rdx
    incq ticks(%rip)
    movl $0x80b, %ecx               # EOI
    xorl %eax, %eax
    xorl %edx, %edx
    wrmsr
    popq %rdx
    popq %rcx
    popq %rax
    iretq

# 600 instructions of one byte. The WRMSR that starts the counters is instruction 1, the CALL 2, STI 3.
.global nops
nops:
    sti
    .rept 600
    nop
    .endr
    cli
    ret

# Notes where it came, and stops the counters with its seventh instruction, which does not count any more.
.global pmi_gate
pmi_gate:
    pushq %rax
    pushq %rcx
    pushq %rdx
    movl $0x38f, %ecx               # GLOBAL_CTRL
    xorl %eax, %eax
    xorl %edx, %edx
    wrmsr
    movq 24(%rsp), %rax
    movq %rax, pmi_at(%rip)
    incq pmis(%rip)
    movl $0x80b, %ecx               # EOI
    xorl %eax, %eax
    wrmsr
    popq %rdx
    popq %rcx
    popq %rax
    iretq

.section .data
.balign 8
.global ticks, pmis, pmi_at
ticks:  .quad 0
pmis:   .quad 0
pmi_at: .quad 0
