# What machine.c cannot do in C.
    .text
    .code16

# INT 15h AH=89h with protected_gdt; writes a word to the screen through ES; returns AH.
    .globl enter_protected
enter_protected:
    pushal
    cli
    movw %sp, saved_sp
    movw $protected_gdt, %si
    movw $0x5058, %bx
    movw $0x8900, %ax
    int $0x15
    jc 2f
    # Protected mode: DS 18h, ES 20h, SS 28h, CS 30h, all with 16-bit limits.
    movw $0x2F50, %es:0
    movb %ah, saved_status
    movl %cr0, %eax
    andb $0xFE, %al
    movl %eax, %cr0
    ljmpw $0, $1f
1:  xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw saved_sp, %sp
    lidtl real_mode_idt
    call restore_pics
    jmp 3f
2:  movb %ah, saved_status
3:  sti
    popal
    movzbl saved_status, %eax
    retl

restore_pics:
    movb $0x11, %al
    outb %al, $0x20
    outb %al, $0xA0
    movb $0x08, %al
    outb %al, $0x21
    movb $0x70, %al
    outb %al, $0xA1
    movb $4, %al
    outb %al, $0x21
    movb $2, %al
    outb %al, $0xA1
    movb $1, %al
    outb %al, $0x21
    outb %al, $0xA1
    movb $0xB8, %al
    outb %al, $0x21
    movb $0x8F, %al
    outb %al, $0xA1
    ret

# Resets the processor through the 8042 with a shutdown code in CMOS 0Fh; comes back through 40:67. Returns the code.
    .globl reset_and_return
reset_and_return:
    pushal
    movb %al, saved_status
    cli
    movw %sp, saved_sp
    movw $0x40, %bx
    movw %bx, %es
    movw $1f, %es:0x67
    movw $0, %es:0x69
    movb %al, %ah
    movb $0x0F, %al
    outb %al, $0x70
    movb %ah, %al
    outb %al, $0x71
2:  inb $0x64, %al
    testb $2, %al
    jnz 2b
    movb $0xFE, %al
    outb %al, $0x64
3:  hlt
    jmp 3b
1:  xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw saved_sp, %sp
    call restore_pics
    # The timer was reset too, on boards where the line goes to all chips; and the APIC.
    movb $0x36, %al
    outb %al, $0x43
    xorb %al, %al
    outb %al, $0x40
    outb %al, $0x40
    sti
    popal
    movzbl saved_status, %eax
    retl

    .data
    .balign 8
    .globl protected_gdt
protected_gdt:
    .fill 64, 1, 0
real_mode_idt:
    .word 0x3FF
    .long 0
saved_sp:
    .word 0
saved_status:
    .byte 0
