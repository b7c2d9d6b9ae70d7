# void protected_call(u32 address, struct protected_registers *r): calls 32-bit code at address in protected mode, with
# EBX, ECX, EDX, EDI loaded; EAX is stored after it. All segments are flat.
    .code16
    .text
    .globl protected_call
protected_call:
    pushl %ebx
    pushl %esi
    pushl %edi
    pushl %ebp
    movl %eax, %esi
    movl %edx, %ebp
    cli
    lgdtl table
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    ljmpw $8, $1f
    .code32
1:  movw $16, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl 0(%ebp), %ebx
    movl 4(%ebp), %ecx
    movl 8(%ebp), %edx
    movl 12(%ebp), %edi
    movl 16(%ebp), %eax
    call *%esi
    movl %eax, 16(%ebp)
    movl %ebx, 0(%ebp)
    movl %ecx, 4(%ebp)
    movl %edx, 8(%ebp)
    movl %edi, 12(%ebp)
    ljmpw $24, $2f
    .code16
2:  movw $32, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl %cr0, %eax
    andb $0xFE, %al
    movl %eax, %cr0
    ljmpw $0, $3f
3:  xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    sti
    popl %ebp
    popl %edi
    popl %esi
    popl %ebx
    retl

    .data
    .balign 8
descriptors:
    .quad 0
    .quad 0x00CF9A000000FFFF    # 32-bit code
    .quad 0x00CF92000000FFFF    # data
    .quad 0x00009A000000FFFF    # 16-bit code
    .quad 0x000092000000FFFF    # data
table:
    .word table - descriptors - 1
    .long descriptors
