# Sectors 1 to 5: memory map, copying, protected mode, the kernel.
#
# Memory below 1 MiB while this runs:
#   0x00500  packet for the BIOS      0x07c00  this program, stack below it
#   0x01000  memory map (PVH entries) 0x08800  the table from xtask
#   0x10000  32 KiB bounce buffer
#
# The table, all fields 32 bits wide (xtask writes it into sectors 6 and 7):
#   0x00  entry point of the kernel
#   0x04  number of runs, each 16 bytes: first sector, bytes, destination, bytes to clear after
#   0x08  hvm_start_info (56 bytes), complete but for ACPI pointer and memory map
#   0x40  the first run; what start_info points at follows the last one
.equ PACKET, 0x500
.equ MAP, 0x1000
.equ MAP_ENTRIES, 64
.equ ENTRY, 0x8800
.equ RUNS, ENTRY + 4
.equ START_INFO, ENTRY + 8
.equ FIRST_RUN, ENTRY + 0x40
.equ BOUNCE, 0x10000
.equ CHUNK, 0x8000                  # 64 sectors at a time
# Offsets in hvm_start_info (Xen's public header arch-x86/hvm/start_info.h).
.equ INFO_RSDP, START_INFO + 32
.equ INFO_MAP, START_INFO + 40
.equ INFO_MAP_ENTRIES, START_INFO + 48

.code16
.section .loader, "ax"
.global loader
loader:
    # The memory map. BIOS entries have 20 bytes, PVH's have 24 with four zeros at the end.
    movw $MAP, %di
    xorl %ebx, %ebx
next_range:
    movl $0, 20(%di)
    movl $0xe820, %eax
    movl $0x534d4150, %edx          # "SMAP"
    movl $20, %ecx
    int $0x15
    jc last_range                   # some BIOSes end the list so
    cmpl $0x534d4150, %eax
    movb $'M', %al
    jne fail
    addw $24, %di
    incl INFO_MAP_ENTRIES
    cmpl $MAP_ENTRIES, INFO_MAP_ENTRIES
    je last_range
    testl %ebx, %ebx
    jnz next_range
last_range:
    movl $MAP, INFO_MAP
    inb $0x92, %al                  # address line 20, the fast way
    orb $2, %al
    andb $0xfe, %al                 # bit 0 would reset the machine
    outb %al, $0x92
    lgdt gdt_pointer

    movw $FIRST_RUN, %bp
next_run:
    cmpl $0, RUNS
    je enter_kernel
    decl RUNS
next_chunk:
    movl 4(%bp), %eax               # bytes left
    testl %eax, %eax
    jz clear
    cmpl $CHUNK, %eax
    jbe 1f
    movl $CHUNK, %eax
1:  movl %eax, chunk
    addl $511, %eax
    shrl $9, %eax                   # sectors
    movw $16, PACKET
    movw %ax, PACKET + 2
    movw $0, PACKET + 4
    movw $(BOUNCE >> 4), PACKET + 6
    movl (%bp), %ecx
    movl %ecx, PACKET + 8
    movl $0, PACKET + 12
    addl %eax, (%bp)
    movb boot_drive, %dl
    movw $PACKET, %si
    movb $0x42, %ah
    int $0x13
    movb $'R', %al
    jc fail
    movl chunk, %ecx
    subl %ecx, 4(%bp)
    movl $BOUNCE, %esi
    call to_high_memory
    jmp next_chunk
clear:
    movl 12(%bp), %ecx
    jecxz 2f
    xorl %esi, %esi
    call to_high_memory
2:  addw $16, %bp
    jmp next_run

# Copies ECX bytes from ESI to the destination of the run at BP, or clears them if ESI is 0, and
# moves the destination on. The BIOS needs real mode, where nothing above 1 MiB can be named:
# so to protected mode and back.
to_high_memory:
    movzwl %bp, %ebp
    cli
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    ljmpl $0x08, $3f
.code32
3:  movw $0x10, %ax
    movw %ax, %ds
    movw %ax, %es
    movl 8(%ebp), %edi
    addl %ecx, 8(%ebp)
    cld
    testl %esi, %esi
    jz 4f
    rep movsb
    jmp 5f
4:  xorl %eax, %eax
    rep stosb
5:  movw $0x20, %ax                 # limits of 64 KiB, as real mode wants them
    movw %ax, %ds
    movw %ax, %es
    ljmpl $0x18, $6f
.code16
6:  movl %cr0, %eax
    andb $0xfe, %al
    movl %eax, %cr0
    ljmp $0, $7f
7:  xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    sti
    ret

enter_kernel:
    cli
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    ljmpl $0x08, $8f
.code32
8:  movw $0x10, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw %ax, %fs
    movw %ax, %gs
    # The ACPI pointer is on a multiple of 16 in the BIOS's segment.
    movl $0xe0000, %esi
9:  cmpl $0x20445352, (%esi)        # "RSD "
    jne 10f
    cmpl $0x20525450, 4(%esi)       # "PTR "
    jne 10f
    movl %esi, INFO_RSDP
    jmp 11f
10: addl $16, %esi
    cmpl $0x100000, %esi
    jb 9b
11: movl $START_INFO, %ebx
    jmp *ENTRY

.balign 8
gdt:
    .quad 0
    .quad 0x00cf9b000000ffff        # 0x08 code, 32 bits, 4 GiB
    .quad 0x00cf93000000ffff        # 0x10 data, 4 GiB
    .quad 0x00009b000000ffff        # 0x18 code, 16 bits, 64 KiB
    .quad 0x000093000000ffff        # 0x20 data, 64 KiB
gdt_pointer:
    .short gdt_pointer - gdt - 1
    .long gdt
chunk:
    .long 0
