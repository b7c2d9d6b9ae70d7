# void far_memory_fill(u32 address, u32 value, u32 dwords): stores through a segment of 4 GiB, which protected mode leaves
# behind ("unreal" mode). Interrupts stay off meanwhile.
    .code16
    .text
    .globl far_memory_fill
far_memory_fill:
    pushl %edi
    pushw %es
    cli
    movl %eax, %edi
    movl %edx, %eax
    lgdtl table
    movl %cr0, %edx
    orb $1, %dl
    movl %edx, %cr0
    movw $8, %dx
    movw %dx, %es
    movl %cr0, %edx
    andb $0xFE, %dl
    movl %edx, %cr0
    xorw %dx, %dx
    movw %dx, %es
    rep stosl %eax, %es:(%edi)
    sti
    popw %es
    popl %edi
    retl

    .data
    .balign 8
descriptors:
    .quad 0
    .quad 0x008F92000000FFFF
table:
    .word table - descriptors - 1
    .long descriptors
