.section .text
# 600 instructions of one byte. The WRMSR that starts the counters is instruction 1, the CALL 2.
.global many
many:
    .rept 600
    nop
    .endr
    ret

# Writes LVTPC in x2APIC mode as instructions 3 to 6: vector 0x51 instead of 0x50.
.global change_entry
change_entry:
    movl $0x834, %ecx
    movl $0x51, %eax
    xorl %edx, %edx
    wrmsr
    .rept 300
    nop
    .endr
    ret

.global sleep
sleep:
    sti                             # instruction 3
    hlt
    cli
    ret
