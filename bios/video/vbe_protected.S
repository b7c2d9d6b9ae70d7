# VBE function 0Ah: 32-bit code that a caller copies and calls with near calls. It changes nothing but EAX, and works
# wherever it is. Offsets of its three functions, and of the ports it needs, count from its start.
    .section .text, "ax"
    .globl vbe_protected_table, vbe_protected_end
    .code32
    .balign 4
vbe_protected_table:
    .word set_window - vbe_protected_table
    .word set_start - vbe_protected_table
    .word set_palette - vbe_protected_table
    .word ports - vbe_protected_table
ports:
    .word 0x1CE, 0x1CF, 0x3C8, 0x3C9, 0x3DA, 0xFFFF
    .word 0xFFFF                # no memory

# Register al of the display interface to ax; or dx there.
dispi_get:
    pushl %edx
    movw $0x1CE, %dx
    movzbl %al, %eax
    outw %ax, %dx
    incl %edx
    inw %dx, %ax
    popl %edx
    ret
dispi_put:
    pushl %edx
    movzbl %al, %eax
    movw $0x1CE, %dx
    outw %ax, %dx
    popl %eax
    pushl %eax
    incl %edx
    outw %ax, %dx
    popl %edx
    ret

# BH 0: sets, BL: window 0, DX: position.
set_window:
    testl $0xFFFF, %ebx
    jnz failed
    movb $5, %al
    call dispi_put
    movl $0x4F, %eax
    ret

wait_retrace:
    testb $0x80, %bl
    jz 3f
    pushl %edx
    movl $0x3DA, %edx
1:  inb %dx, %al
    testb $8, %al
    jnz 1b
2:  inb %dx, %al
    testb $8, %al
    jz 2b
    popl %edx
3:  ret

# BL 0 or 80h; DX:CX: the first byte that is shown, divided by four. For packed pixels, not for planes.
set_start:
    pushl %ecx
    pushl %edx
    pushl %esi
    pushl %edi
    call wait_retrace
    shll $16, %edx
    movw %cx, %dx
    leal (, %edx, 4), %esi
    movb $3, %al
    call dispi_get
    movzwl %ax, %edi
    addl $7, %edi
    shrl $3, %edi               # bytes of a pixel
    movb $6, %al
    call dispi_get
    movzwl %ax, %ecx
    imull %edi, %ecx            # bytes of a line
    jz 1f
    movl %esi, %eax
    xorl %edx, %edx
    divl %ecx
    movl %eax, %esi             # y
    movl %edx, %eax
    xorl %edx, %edx
    divl %edi
    movl %eax, %edx             # x
    movb $8, %al
    call dispi_put
    movl %esi, %edx
    movb $9, %al
    call dispi_put
1:  popl %edi
    popl %esi
    popl %edx
    popl %ecx
    movl $0x4F, %eax
    ret

# BL 0 or 80h; CX entries at ES:EDI from DX on: blue, green, red, filler.
set_palette:
    testb $0x7F, %bl
    jnz failed
    pushl %ecx
    pushl %edx
    pushl %edi
    call wait_retrace
    movzwl %cx, %ecx
    movb %dl, %al
    movl $0x3C8, %edx
    outb %al, %dx
    incl %edx
    jecxz 2f
1:  movb %es:2(%edi), %al
    outb %al, %dx
    movb %es:1(%edi), %al
    outb %al, %dx
    movb %es:(%edi), %al
    outb %al, %dx
    addl $4, %edi
    decl %ecx
    jnz 1b
2:  popl %edi
    popl %edx
    popl %ecx
    movl $0x4F, %eax
    ret

failed:
    movl $0x14F, %eax
    ret
vbe_protected_end:
