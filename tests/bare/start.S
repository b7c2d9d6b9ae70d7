/* Entry of every bare-metal test image: multiboot header, stack, flat segments, 256 exception and
 * interrupt stubs, and bare_try, which runs a function and comes back when it faults. */

    .set MULTIBOOT_MAGIC, 0x1BADB002
    .set MULTIBOOT_FLAGS, 0x00000002 /* memory information wanted */

    .section .multiboot, "a"
    .align 4
    .long MULTIBOOT_MAGIC, MULTIBOOT_FLAGS, -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

    .text
    .globl _start
_start:
    cli
    cld
    movl $bare_stack_top, %esp
    movl %ebx, bare_multiboot_info
    pushl $0
    popfl
    lgdt gdt_pointer
    ljmp $0x08, $1f
1:  movw $0x10, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %fs
    movw %ax, %gs
    movw %ax, %ss
    call bare_main
    hlt

/* Stubs: each pushes an error code (or 0) and its vector, and takes 16 bytes. */
    .align 16
    .globl bare_stubs
bare_stubs:
    .set vector, 0
    .rept 256
    .align 16
    .if (vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17)
    .else
    pushl $0
    .endif
    pushl $vector
    jmp bare_common
    .set vector, vector + 1
    .endr

bare_common:
    pushal
    pushl %ds
    pushl %es
    movl $0x10, %eax
    movw %ax, %ds
    movw %ax, %es
    cld
    pushl %esp
    call bare_trap
    addl $4, %esp
    popl %es
    popl %ds
    popal
    addl $8, %esp
    iretl

/* int bare_try_raw(void (*function)(void *), void *argument) */
    .globl bare_try_raw
bare_try_raw:
    pushl %ebp
    pushl %ebx
    pushl %esi
    pushl %edi
    movl 20(%esp), %eax
    movl 24(%esp), %edx
    movl %esp, saved_esp
    pushl %edx
    call *%eax
    movl saved_esp, %esp
    xorl %eax, %eax
2:  popl %edi
    popl %esi
    popl %ebx
    popl %ebp
    ret

    .globl bare_recover
bare_recover:
    movl $0x10, %eax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl saved_esp, %esp
    movl $1, %eax
    jmp 2b

    .data
    .align 8
    .globl bare_gdt
bare_gdt:                          /* selectors for tests: 0x28 and up are free */
    .quad 0
    .quad 0x00CF9B000000FFFF       /* 08h code, 32-bit, flat, DPL 0 */
    .quad 0x00CF93000000FFFF       /* 10h data, flat, DPL 0 */
    .quad 0x00CFFB000000FFFF       /* 18h code, DPL 3 */
    .quad 0x00CFF3000000FFFF       /* 20h data, DPL 3 */
    .fill 123, 8, 0
    .globl gdt_pointer
gdt_pointer:
    .word 128 * 8 - 1
    .long bare_gdt

    .bss
    .align 16
    .skip 65536
    .globl bare_stack_top
bare_stack_top:
saved_esp:
    .skip 4

    .section .note.GNU-stack, "", @progbits
