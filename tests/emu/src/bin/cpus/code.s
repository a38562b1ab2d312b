.section .text
# RDI rounds: 2 * RDI + 1 instructions, RDI + 1 branches.
.global spin
spin:
1:  decq %rdi
    jnz 1b
    ret
