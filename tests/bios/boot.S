# The start of a test image: a boot sector that loads what follows it with INT 13h function 2, one sector at a time, from
# whatever drive it was booted from, and runs it at 0:8000h with all segments 0.
    .code16
    .section .boot, "ax"
    .globl _start
_start:
    jmp 1f
    .org 0x3E
1:  cli
    xorl %eax, %eax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl $0x7C00, %esp
    sti
    cld
    ljmpw $0, $2f
2:  movb %dl, boot_drive
    movb $8, %ah
    int $0x13
    jc failed
    andb $0x3F, %cl
    movb %cl, sectors
    incb %dh
    movb %dh, heads
    xorw %ax, %ax
    movw %ax, %es
    movw $1, %bp                # sector number, from 0
    movw $0x800, %di            # segment to load to
next:
    movw %bp, %ax
    divb sectors                # al track, ah sector - 1
    movb %ah, %cl
    incb %cl
    xorb %ah, %ah
    divb heads                  # al cylinder, ah head
    movb %al, %ch
    movb %ah, %dh
    movb boot_drive, %dl
    movw $3, %si
again:
    movw %di, %es
    xorw %bx, %bx
    movw $0x0201, %ax
    int $0x13
    jnc good
    xorw %ax, %ax
    int $0x13
    decw %si
    jnz again
    jmp failed
good:
    addw $0x20, %di
    incw %bp
    cmpw $image_sectors, %bp
    jbe next
    xorw %ax, %ax
    movw %ax, %es
    jmp start
failed:
    movw $text, %si
1:  lodsb
    testb %al, %al
    jz 2f
    outb %al, $0xE9
    jmp 1b
2:  movb $0x7F, %al
    movw $0x501, %dx
    outb %al, %dx
    hlt
text:
    .asciz "not ok load\n"
sectors:
    .byte 0
heads:
    .byte 0
    .globl boot_drive
boot_drive:
    .byte 0
    .org 510
    .word 0xAA55

    .text
    .globl start
start:
    cli
    movl $0x7C00, %esp
    movl $bss_start, %edi
    movl $bss_end, %ecx
    subl %edi, %ecx
    xorl %eax, %eax
    rep stosb
#ifdef V86
    calll v86_enter
#endif
    sti
    calll test_main
    calll test_end
1:  hlt
    jmp 1b

# void bios_call(struct registers *r, unsigned number): INT with everything loaded and stored.
# struct registers: edi esi ebp ebx edx ecx eax, ds es flags.
    .globl bios_call
bios_call:
    pushl %ebx
    pushl %esi
    pushl %edi
    pushl %ebp
    movl %eax, %ebp
    movl %ebp, call_registers
    pushfw
    pushw %cs
    pushw $1f
    pushw $0                    # carry may come in set
    popw %ax
    movw 32(%ebp), %ax
    andw $0xFEFF, %ax
    movzbl %dl, %edx
    shll $2, %edx
    pushw 2(%edx)
    pushw (%edx)
    movl 0(%ebp), %edi
    movl 4(%ebp), %esi
    movl 12(%ebp), %ebx
    movl 16(%ebp), %edx
    movl 20(%ebp), %ecx
    movw 30(%ebp), %es
    pushw 28(%ebp)
    movl 24(%ebp), %eax
    movl 8(%ebp), %ebp
    cli
    popw %ds
    lretw
1:  pushfw
    pushw %ds
    pushl %ebp
    pushw $0
    popw %ds
    movl call_registers, %ebp
    movl %edi, 0(%ebp)
    movl %esi, 4(%ebp)
    popl 8(%ebp)
    movl %ebx, 12(%ebp)
    movl %edx, 16(%ebp)
    movl %ecx, 20(%ebp)
    movl %eax, 24(%ebp)
    popw 28(%ebp)
    movw %es, 30(%ebp)
    popw 32(%ebp)
    xorw %ax, %ax
    movw %ax, %es
    sti
    cld
    popl %ebp
    popl %edi
    popl %esi
    popl %ebx
    retl

# Interrupt handlers of tests: each counts at hook_counts[n] and goes on to the old vector, or returns.
.macro HOOK n
    .globl hook_\n
hook_\n:
    incl %cs:hook_counts + 4 * \n
    iretw
    .globl chain_\n
chain_\n:
    incl %cs:hook_counts + 4 * \n
    ljmpw *%cs:hook_old + 4 * \n
.endm
    HOOK 0
    HOOK 1
    HOOK 2
    HOOK 3

# A clock hook that at its third tick has the keyboard controller deliver the make code of A.
    .globl late_key
late_key:
    incl %cs:hook_counts
    cmpl $3, %cs:hook_counts
    jne 1f
    pushw %ax
    movb $0xD2, %al
    outb %al, $0x64
2:  inb $0x64, %al
    testb $2, %al
    jnz 2b
    movb $0x1E, %al
    outb %al, $0x60
    popw %ax
1:  iretw

# The handler of a pointing device: keeps what it found on the stack at mouse_data: Z, Y, X, status.
    .globl mouse_handler
mouse_handler:
    pushw %ax
    pushw %bp
    movw %sp, %bp
    movw 8(%bp), %ax
    movw %ax, %cs:mouse_data
    movw 10(%bp), %ax
    movw %ax, %cs:mouse_data + 2
    movw 12(%bp), %ax
    movw %ax, %cs:mouse_data + 4
    movw 14(%bp), %ax
    movw %ax, %cs:mouse_data + 6
    incl %cs:mouse_count
    popw %bp
    popw %ax
    lretw

    .data
    .balign 4
    .globl mouse_data, mouse_count
mouse_data:
    .word 0, 0, 0, 0
mouse_count:
    .long 0
call_registers:
    .long 0
    .globl hook_counts, hook_old
hook_counts:
    .long 0, 0, 0, 0
hook_old:
    .long 0, 0, 0, 0
