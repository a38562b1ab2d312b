# Code whose instructions were counted by hand. RBX and RBP survive all of it.
.section .text

.global ten                         # 10 instructions, 1 branch
ten:
    .rept 9
    nop
    .endr
    ret

.global rounds                      # 1 + 100 * 2 + 1 = 202 instructions, 100 + 1 branches
rounds:                             # of them 2 mispredicted: the first and the last JNZ
    movl $100, %ecx
1:  decl %ecx
    jnz 1b
    ret

.global all_branches                # 12 branches, and the gate's IRETQ
all_branches:
    jmp 1f                          # branch, direct
1:  leaq 2f(%rip), %rax
    jmp *%rax                       # branch, indirect
2:  call 3f                         # branch
    leaq 3f(%rip), %rax
    call *%rax                      # branch; two branches by RET come with the two calls
    xorl %eax, %eax
    jz 4f                           # branch, taken
4:  jnz 5f                          # branch, not taken
5:  jrcxz 6f                        # branch, not taken: RCX holds an MSR's number
6:  movl $1, %ecx
    loop 7f                         # branch, not taken at 0
7:  int $0x81                       # branch, far; its gate is `return_at_once`: IRETQ, far
    ret                             # branch
3:  ret

.global return_at_once
return_at_once:
    iretq

.global faulting                    # UD2 does not retire: 2 in the gate and 1 here
faulting:
    ud2
    ret
.global skip_two_bytes
skip_two_bytes:
    addq $2, (%rsp)
    iretq

.global halting                     # STI, HLT, CLI, RET and the gate's IRETQ: 5
halting:
    sti
    hlt
    cli
    ret

.global loads                       # 1 + 16 + 1 loads (the RET): see the check
loads:
    leaq lines(%rip), %rax
    .set offset, 0
    .rept 16
    movl offset(%rax), %ecx
    .set offset, offset + 4
    .endr
    ret

# To ring 3 and back. RDI: where there. Returns when ring 3 executes INT 0x80.
.global visit_ring_3
visit_ring_3:
    pushq %rbx
    pushq %rbp
    movq %rsp, kernel_stack(%rip)
    pushq $0x23
    leaq user_stack_end(%rip), %rax
    pushq %rax
    pushfq
    pushq $0x2b
    pushq %rdi
    iretq
.global visit_ring_3_by_sysret      # the same by SYSRET; ring 3 leaves by SYSCALL
visit_ring_3_by_sysret:
    pushq %rbx
    pushq %rbp
    movq %rsp, kernel_stack(%rip)
    pushfq
    popq %r11
    movq %rdi, %rcx
    leaq user_stack_end(%rip), %rsp
    sysretq
.global back_from_ring_3
back_from_ring_3:                   # the gate of vector 0x80
    movq kernel_stack(%rip), %rsp
    popq %rbp
    popq %rbx
    ret
.global user_sevens                 # 7 instructions in ring 3 after the IRETQ charged to it
user_sevens:
    .rept 7
    nop
    .endr
    int $0x80
.global user_sevens_then_syscall
user_sevens_then_syscall:
    .rept 7
    nop
    .endr
    syscall
.global user_rdpmc
user_rdpmc:
    xorl %ecx, %ecx
    rdpmc
    int $0x80
.global user_long_store             # MOV, MOV, XOR, REP STOSB: 4 instructions
user_long_store:
    movl $60000, %ecx
    leaq long_room(%rip), %rdi
    xorl %eax, %eax
    rep stosb
    int $0x80

.section .data
.balign 8
kernel_stack: .quad 0
.section .bss
.balign 64
.global lines
lines: .skip 64
user_stack: .skip 4096
user_stack_end:
long_room: .skip 60000
