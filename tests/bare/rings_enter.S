/* To other privilege levels and V86 mode by IRET, and back by an interrupt. */

    .text
/* void ring_enter(struct ring_entry *): eip, cs, eflags, esp, ss, es, ds, fs, gs */
    .globl ring_enter
ring_enter:
    movl 4(%esp), %esi
    subl $36, %esp
    movl %esp, %edi
    movl $9, %ecx
    cld
    rep movsl
    testl $0x20000, 8(%esp)
    jnz 1f
    testl $3, 4(%esp)
    jz 2f
    movl 24(%esp), %eax
    movw %ax, %ds
    movw %ax, %es
1:  iretl
2:  movl 12(%esp), %ecx /* same level: no stack switch; the function's frame becomes the stack */
    movl (%esp), %edx
    pushl 8(%esp)
    popfl
    movl %ecx, %esp
    jmp *%edx

    .globl ring_come_back
ring_come_back:
    int $0xF0

    .section .note.GNU-stack, "", @progbits
