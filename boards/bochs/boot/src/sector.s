# Sector 0: loads sectors 1 to 7 behind itself and goes there.
.code16
.section .sector, "ax"
.global sector
sector:
    ljmp $0, $1f
1:  xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw $0x7c00, %sp
    cld
    movb %dl, boot_drive
    movw $first_packet, %si
    movb $0x42, %ah                 # extended read, drive DL
    int $0x13
    jnc loader
    movb $'R', %al                  # the disk cannot be read
# Says on the debug port which step failed, and ends the machine with a failed verdict.
.global fail
fail:
    outb %al, $0xe9
    movb $'!', %al
    outb %al, $0xe9
    movb $'\n', %al
    outb %al, $0xe9
    movb $0x7f, %al
    outb %al, $0xf4
2:  hlt
    jmp 2b

.balign 4
first_packet:
    .byte 16, 0                     # size of this packet
    .short 7                        # sectors
    .short 0x7e00, 0                # offset, segment
    .quad 1                         # first sector
.global boot_drive
boot_drive:
    .byte 0

.org 510
    .short 0xaa55
