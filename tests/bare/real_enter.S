/* To real mode and back. The part between real_blob and real_blob_end is copied to 7000h, where it
 * runs as 16-bit code: as segment SEL_REAL_CODE in protected mode, 0700h in real mode. */

    .set SEL_REAL_CODE, 0x3E0
    .set SEL_REAL_DATA, 0x3E8
    .set STATE, 0xF00 /* struct real_state, at 7F00h */

    .text
/* void real_enter(bool flat) */
    .globl real_enter
real_enter:
    pushl %ebp
    pushl %ebx
    pushl %esi
    pushl %edi
    movl 20(%esp), %ebx
    movl %esp, real_saved_esp
    sidt real_saved_idt
    ljmp $SEL_REAL_CODE, $0

real_back:
    cld
    movl $0x10, %eax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %fs
    movw %ax, %gs
    movw %ax, %ss
    movl real_saved_esp, %esp
    lidt real_saved_idt
    popl %edi
    popl %esi
    popl %ebx
    popl %ebp
    ret

    .code16
    .globl real_blob, real_blob_end
real_blob:
    movw $SEL_REAL_DATA, %ax
    movw %ax, %ds
    movw %ax, %ss
    movw %ax, %fs
    movw %ax, %gs
    movw %ax, %es
    testl %ebx, %ebx
    jz 1f
    movw $0x10, %ax
    movw %ax, %es
1:  movl %cr0, %eax
    andb $0xFE, %al
    movl %eax, %cr0
    ljmp $0x0700, $(2f - real_blob)
2:  xorw %ax, %ax
    movw %ax, %es
    movw %ax, %gs
    movw $0x0A00, %ax
    movw %ax, %ds
    movw %ax, %fs
    movw $0x0900, %ax
    movw %ax, %ss
    movl $0x1000, %esp
    lidtl %cs:(real_idt - real_blob)
    xorl %eax, %eax
    xorl %ebx, %ebx
    xorl %ecx, %ecx
    xorl %edx, %edx
    xorl %esi, %esi
    xorl %edi, %edi
    xorl %ebp, %ebp
    lcall $0x0800, $0
    pushfw
    pushw %cs
    pushw $0
    pushw $0xFFFF
    jmp common
real_idt:
    .word 0x3FF
    .long 0

    .align 16
    .globl real_stubs
real_stubs:
    .set vector, 0
    .rept 97
    .align 16
    pushw $vector
    jmp common
    .set vector, vector + 1
    .endr

common:
    cli
    popw %cs:(STATE + 0)
    movw $0, %cs:(STATE + 2)
    popw %cs:(STATE + 4)
    popw %cs:(STATE + 6)
    popw %cs:(STATE + 8)
    movw %sp, %cs:(STATE + 10)
    movl %eax, %cs:(STATE + 12)
    movl %ebx, %cs:(STATE + 16)
    movl %ecx, %cs:(STATE + 20)
    movl %edx, %cs:(STATE + 24)
    movl %esi, %cs:(STATE + 28)
    movl %edi, %cs:(STATE + 32)
    lgdtl %cs:(real_gdt - real_blob)
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    ljmpl $0x08, $real_back
real_gdt:
    .word 128 * 8 - 1
    .long bare_gdt
real_blob_end:
    .code32

    .bss
    .align 4
real_saved_esp:
    .skip 4
real_saved_idt:
    .skip 8

    .section .note.GNU-stack, "", @progbits
