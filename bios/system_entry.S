# INT 15h AH=87h (block move) and AH=89h (switch to protected mode): services that run on descriptors of the
# caller's, wherever his stack is.

#include "bios/segments.h"

#define MOVE_FAILED 3

    .text
    .code16

# Fills the descriptor at ES:SI + offset: base EAX (below 1 MiB), 64 KiB, access byte.
.macro DESCRIPTOR offset, access
    movw $0xFFFF, %es:\offset(%si)
    movl %eax, %es:\offset + 2(%si)
    movb $\access, %es:\offset + 5(%si)
    movw $0, %es:\offset + 6(%si)
.endm

# The caller's table at ES:SI has room at 08h (the table itself), 20h (code) and 28h (stack); 10h and 18h are
# source and destination. CX words.
    .globl block_move_entry
block_move_entry:
    cli
    cld
    pushal
    pushw %ds
    pushw %es
    smsww %ax
    testb $1, %al
    jnz block_move_refused
    inb $0x92, %al
    pushw %ax
    orb $2, %al
    andb $0xFE, %al
    outb %al, $0x92
    xorl %eax, %eax
    movw %es, %ax
    shll $4, %eax
    movzwl %si, %edx
    addl %edx, %eax
    DESCRIPTOR 0x08, 0x93
    movl $0xF0000, %eax
    DESCRIPTOR 0x20, 0x9B
    xorl %eax, %eax
    movw %ss, %ax
    shll $4, %eax
    DESCRIPTOR 0x28, 0x93
    pushw %ss
    lgdtw %es:0x08(%si)
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    ljmpw $0x20, $1f
1:  movw $0x28, %ax
    movw %ax, %ss
    movw $0x10, %ax
    movw %ax, %ds
    movw $0x18, %ax
    movw %ax, %es
    xorw %si, %si
    xorw %di, %di
    rep movsw
    # Segments of 64 KiB for real mode.
    movw $0x28, %ax
    movw %ax, %ds
    movw %ax, %es
    movl %cr0, %eax
    andb $0xFE, %al
    movl %eax, %cr0
    ljmpw $SEG_CODE, $2f
2:  popw %ss
    # The A20 gate as it was.
    popw %ax
    andb $0xFE, %al
    outb %al, $0x92
    popw %es
    popw %ds
    popal
    movb $0, %ah
    pushw %bp
    movw %sp, %bp
    andw $0xFFFE, 6(%bp)
    orw $0x0040, 6(%bp)
    popw %bp
    iretw

# The processor is in V86 mode already, and its monitor has let the call through.
block_move_refused:
    popw %es
    popw %ds
    popal
    movb $MOVE_FAILED, %ah
    pushw %bp
    movw %sp, %bp
    orw $0x0001, 6(%bp)
    andw $0xFFBF, 6(%bp)
    popw %bp
    iretw

# ES:SI: a table with GDT 08h, IDT 10h, DS 18h, ES 20h, SS 28h, CS 30h, and room for our code at 38h. BH and BL
# become the vectors of IRQ 0 and IRQ 8. Returns in protected mode, interrupts off and masked.
    .globl protected_mode_entry
protected_mode_entry:
    cli
    movb $0x11, %al
    outb %al, $0x20
    outb %al, $0xED
    outb %al, $0xA0
    outb %al, $0xED
    movb %bh, %al
    outb %al, $0x21
    outb %al, $0xED
    movb %bl, %al
    outb %al, $0xA1
    outb %al, $0xED
    movb $4, %al
    outb %al, $0x21
    outb %al, $0xED
    movb $2, %al
    outb %al, $0xA1
    outb %al, $0xED
    movb $1, %al
    outb %al, $0x21
    outb %al, $0xED
    outb %al, $0xA1
    outb %al, $0xED
    movb $0xFF, %al
    outb %al, $0x21
    outb %al, $0xA1
    inb $0x92, %al
    orb $2, %al
    andb $0xFE, %al
    outb %al, $0x92
    movl $0xF0000, %eax
    DESCRIPTOR 0x38, 0x9B
    lgdtw %es:0x08(%si)
    lidtw %es:0x10(%si)
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    ljmpw $0x38, $1f
1:  movw $0x18, %ax
    movw %ax, %ds
    movw $0x20, %ax
    movw %ax, %es
    movw $0x28, %ax
    movw %ax, %ss
    popw %bp
    addw $4, %sp
    xorw %ax, %ax
    pushw $0x30
    pushw %bp
    lretw
