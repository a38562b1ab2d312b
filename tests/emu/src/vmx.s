# Enters a guest and comes back. RDI: &mut [rax, rcx, rdx, rbx]; ESI: not zero to resume.
# EAX: 0 after an exit, 1 when the entry failed early (VMfail).
.section .text
.global enter_guest, guest_exited, guest_exited_counted, enter_counted
enter_guest:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    pushq %rdi
    movl $0x6c14, %eax              # HOST_RSP
    vmwrite %rsp, %rax
    leaq guest_exited(%rip), %rcx
    movl $0x6c16, %eax              # HOST_RIP
    vmwrite %rcx, %rax
    testl %esi, %esi
    movq (%rdi), %rax
    movq 8(%rdi), %rcx
    movq 16(%rdi), %rdx
    movq 24(%rdi), %rbx
    jnz 1f
    vmlaunch
    jmp 2f
1:  vmresume
2:  popq %rdi
    movl $1, %eax
    jmp 3f
guest_exited:
    xchgq %rdi, (%rsp)
    movq %rax, (%rdi)
    movq %rcx, 8(%rdi)
    movq %rdx, 16(%rdi)
    movq %rbx, 24(%rdi)
    popq %rdi
    xorl %eax, %eax
3:  popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret

# The same by VMRESUME, with GLOBAL_CTRL written right before the entry (RDI) and cleared right
# after the exit, so that what the host retires around an entry can be counted:
# WRMSR, VMRESUME, then four (MOV, MOV, XOR, XOR) before the WRMSR that stops the counters; five,
# with a JMP, when the entry failed early.
enter_counted:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movl $0x6c14, %eax
    vmwrite %rsp, %rax
    leaq guest_exited_counted(%rip), %rcx
    movl $0x6c16, %eax
    vmwrite %rcx, %rax
    movl $0x38f, %ecx
    movl %edi, %eax
    movq %rdi, %rdx
    shrq $32, %rdx
    wrmsr
    vmresume
    movl $1, %ebx
    jmp 4f
guest_exited_counted:
    movl $0, %ebx
4:  movl $0x38f, %ecx
    xorl %eax, %eax
    xorl %edx, %edx
    wrmsr
    movl %ebx, %eax
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret
