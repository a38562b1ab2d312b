# What guests run: flat 32-bit code, loaded at 0x1000, with data at 0x2000.
.section .rodata.guests, "a"
.code32

.macro guest name
.global guest_\name
guest_\name:
.endm
.macro put number, low, high=0
    mov ecx, \number
    mov eax, \low
    mov edx, \high
    wrmsr
.endm
.macro keep number, offset
    mov ecx, \number
    rdmsr
    mov [0x2000 + \offset], eax
.endm

guest adds
    mov eax, [0x2000]
    add eax, ebx
    mov [0x2004], eax
    vmcall
    mov ecx, 77
    vmcall

guest changes_everything
    put 0xc0000081, 0x11111111
    put 0xc0000082, 0x22222222
    put 0xc0000083, 0x33333333
    put 0xc0000084, 0x00044444
    put 0xc0000102, 0x55555555
    put 0xc0000103, 0x66666666
    put 0xc0000100, 0x77777777
    put 0x174, 0x8888
    put 0x175, 0x99999999
    put 0x176, 0xaaaaaaaa
    put 0x277, 0x00070401, 0x00070406
    put 0xc0000080, 0x801
    mov eax, 0xbbbbb000
    mov cr2, eax
    mov eax, 0xcccc0000
    mov dr0, eax
    mov eax, 0xcccc0001
    mov dr1, eax
    mov eax, 0xcccc0002
    mov dr2, eax
    mov eax, 0xcccc0003
    mov dr3, eax
    mov eax, 0xffff0ff1
    mov dr6, eax
    mov eax, 0x700
    mov dr7, eax
    mov word ptr [0x2800], 0x17
    mov dword ptr [0x2802], 0x2900
    lgdt [0x2800]
    lidt [0x2800]
    vmcall
    keep 0xc0000081, 0x00
    keep 0xc0000082, 0x04
    keep 0xc0000083, 0x08
    keep 0xc0000084, 0x0c
    keep 0xc0000102, 0x10
    keep 0xc0000103, 0x14
    keep 0xc0000100, 0x18
    keep 0x174, 0x1c
    keep 0x175, 0x20
    keep 0x176, 0x24
    keep 0x277, 0x28
    keep 0xc0000080, 0x2c
    mov eax, cr2
    mov [0x2030], eax
    mov eax, dr0
    mov [0x2034], eax
    mov eax, dr3
    mov [0x2038], eax
    mov eax, dr6
    mov [0x203c], eax
    mov eax, dr7
    mov [0x2040], eax
    sgdt [0x2048]
    vmcall

guest touches
    mov eax, [0x5000]
    mov [0x5004], ebx
    mov eax, [0x5000]
    vmcall
    mov eax, [0x5000]
    vmcall

guest waits
1:  inc ebx
    jmp 1b

guest counts                        # 1 + 2 * 1000 instructions, 1000 branches
    mov ecx, 1000
1:  dec ecx
    jnz 1b
    vmcall
    jmp guest_counts

guest reads_its_counter             # reads after 2, 4 and 9 instructions
    mov ecx, 0x309
    rdmsr
    mov ebx, eax
    mov ecx, 0x40000000
    rdpmc
    mov esi, eax
    mov edi, 0
    vmcall

guest changes_global_control        # stops fixed counter 0 by the third instruction
    mov ecx, 0x38f
    mov eax, 3
    xor edx, edx
    wrmsr
    .rept 50
    nop
    .endr
    vmcall

guest calls
1:  vmcall
    jmp 1b

.code64
guest raises_its_priority
    mov eax, 15
    mov cr8, rax
    mov rax, cr8
    vmcall

.global guests_end
guests_end:
.text
