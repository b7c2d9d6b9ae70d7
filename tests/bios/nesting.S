# The hooks of nesting.c.
    .text
    .code16

.macro OWN_STACK
    movw %ss, %cs:nest_ss
    movl %esp, %cs:nest_sp
    pushw $0
    popw %ss
    movl $nest_stack_end, %esp
    pushal
    pushw %ds
    pushw %es
.endm

.macro THEIR_STACK
    popw %es
    popw %ds
    popal
    movw %cs:nest_ss, %ss
    movl %cs:nest_sp, %esp
.endm

    .globl nest_clock
nest_clock:
    incl %cs:nest_count
    pushw %ax
    movw %ss, %ax
    cmpw $0xE000, %ax
    popw %ax
    jne 1f
    incl %cs:nest_inside
1:  OWN_STACK
    movw $0x0300, %ax
    xorw %bx, %bx
    int $0x10
    movw $0x0F00, %ax
    int $0x10
    movw $0x0100, %ax
    int $0x16
    movw $0x0200, %ax
    int $0x16
    movw $0x0200, %ax
    int $0x1A
    movw $0xB101, %ax
    int $0x1A
    movw $0x8800, %ax
    int $0x15
    int $0x11
    int $0x12
    THEIR_STACK
    iretw

    .globl nest_intercept
nest_intercept:
    cmpb $0x4F, %ah
    jne 1f
    OWN_STACK
    movw $0x0E2A, %ax
    movw $7, %bx
    int $0x10
    movw $0x0300, %ax
    xorw %bx, %bx
    int $0x10
    THEIR_STACK
1:  ljmpw *%cs:hook_old + 4

    .data
    .balign 4
    .globl nest_count, nest_inside
nest_count:
    .long 0
nest_inside:
    .long 0
nest_sp:
    .long 0
nest_ss:
    .word 0
    .bss
    .balign 4
    .fill 512, 1, 0
nest_stack_end:
