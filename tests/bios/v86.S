# A small V86 monitor: v86_enter goes on in V86 mode with IOPL 3, all ports open. Software interrupts and hardware ones
# are reflected to the real-mode vectors, HLT is skipped, anything else ends the test.

    .section .text
    .code16
    .globl v86_enter
v86_enter:
    cli
    popl %ebx                   # where to go on
    movb $0x11, %al
    outb %al, $0x20
    outb %al, $0xA0
    movb $0x50, %al
    outb %al, $0x21
    movb $0x58, %al
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
    movw $v86_idt, %di
    movl $v86_stubs, %eax
    movw $0x60, %cx
1:  movw %ax, (%di)
    movw $0x08, 2(%di)
    movw $0x8E00, 4(%di)
    movw $0, 6(%di)
    addw $8, %di
    addl $16, %eax
    loop 1b
    lgdtl v86_gdt_pointer
    lidtl v86_idt_pointer
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    ljmpl $0x08, $2f
    .code32
2:  movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl $0x6F000, %esp
    movl $0x60000, %edi         # TSS with a bitmap of zeros
    xorl %eax, %eax
    movl $0x900, %ecx
    cld
    rep stosl
    movl $0x6F000, 0x60004
    movw $0x10, 0x60008
    movw $0x68, 0x60066
    movb $0xFF, 0x62068
    movl $0x18, %eax
    ltr %ax
    pushl $0
    pushl $0
    pushl $0
    pushl $0
    pushl $0
    pushl $0x7C00
    pushl $0x23202
    pushl $0
    pushl %ebx
    iretl

# Sixteen bytes each: error code if the processor gives none, vector.
    .balign 16
v86_stubs:
    .set vector, 0
    .rept 0x60
    .if vector == 8 || (vector >= 10 && vector <= 14) || vector == 17
    nop
    nop
    .else
    pushl $0
    .endif
    pushl $vector
    jmp v86_common
    .balign 16, 0x90
    .set vector, vector + 1
    .endr

#define F_VECTOR 32
#define F_EIP    40
#define F_CS     44
#define F_FLAGS  48
#define F_ESP    52
#define F_SS     56

v86_common:
    pushal
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    cld
    movl F_VECTOR(%esp), %eax
    cmpl $0x50, %eax
    jae 1f
    cmpl $13, %eax
    jne v86_bad
    testl $0x20000, F_FLAGS(%esp)
    jz v86_bad
    movzwl F_CS(%esp), %ebx
    shll $4, %ebx
    movzwl F_EIP(%esp), %ecx
    movb (%ebx,%ecx), %dl
    cmpb $0xF4, %dl
    je 3f
    cmpb $0xCD, %dl
    jne v86_bad
    addl $2, F_EIP(%esp)
    movzbl 1(%ebx,%ecx), %eax
    jmp 2f
3:  incl F_EIP(%esp)
    incl v86_halts
    jmp 4f
1:  subl $0x48, %eax
    cmpl $0x10, %eax
    jb 2f
    addl $0x60, %eax
2:  movzwl F_SS(%esp), %ebx
    shll $4, %ebx
    subw $6, F_ESP(%esp)
    movzwl F_ESP(%esp), %ecx
    addl %ecx, %ebx
    movl F_FLAGS(%esp), %edx
    movw %dx, 4(%ebx)
    movl F_CS(%esp), %ecx
    movw %cx, 2(%ebx)
    movl F_EIP(%esp), %ecx
    movw %cx, (%ebx)
    andl $~0x0300, F_FLAGS(%esp)
    movzwl (,%eax,4), %ecx
    movl %ecx, F_EIP(%esp)
    movzwl 2(,%eax,4), %ecx
    movl %ecx, F_CS(%esp)
4:  popal
    addl $8, %esp
    iretl

v86_bad:
    movl $v86_text, %esi
1:  lodsb
    outb %al, $0xE9
    testb %al, %al
    jnz 1b
    movb $0x7E, %al
    movl $0x501, %edx
    outb %al, %dx
2:  hlt
    jmp 2b
v86_text:
    .asciz "not ok a fault that V86 code must not cause\n"

    .data
    .balign 8
v86_gdt:
    .quad 0
    .quad 0x00CF9B000000FFFF
    .quad 0x00CF93000000FFFF
    .quad 0x0000890600002068    # TSS at 60000h
v86_gdt_pointer:
    .word 31
    .long v86_gdt
v86_idt_pointer:
    .word 0x60 * 8 - 1
    .long v86_idt
    .globl v86_halts
v86_halts:
    .long 0
    .bss
    .balign 8
v86_idt:
    .fill 0x60 * 8, 1, 0
