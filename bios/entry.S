# The reset vector, the way from reset to protected mode and back, and the addresses that the
# XT and AT made public and programs jump to.

#include "bios/segments.h"

# E0000: the signature of an option ROM of 48 KiB, for memory managers that look for room here; POST puts the checksum
# into byte 4. The 16 KiB after it answer as RAM.
    .section .header, "a"
    .byte 0x55, 0xAA, 0x60, 0xCB, 0
    .asciz "Anachron BIOS"
    .balign 16

    .section .fixed, "ax"
    .code16

# Everything in this section has a place: AT moves to an offset of segment F000h.
.macro AT offset
    .org \offset - 0xE000, 0
.endm

AT 0xE000
copyright:
    .asciz "Anachron BIOS, free software, not by or for IBM (compatible)"

AT 0xE05B
post_entry:
    jmp reset_entry

AT 0xE2C3
    jmp nmi_entry

AT 0xE3FE
    jmp int13_entry

# Fixed disk parameter tables of the AT's drive types 1 to 15, 16 bytes each: cylinders, heads, precompensation
# cylinder, control byte, landing zone, sectors.
.macro DISK_TYPE cylinders, heads, precompensation, control, landing, sectors
    .word \cylinders
    .byte \heads
    .word 0
    .word \precompensation
    .byte 0
    .byte \control
    .byte 0, 0, 0
    .word \landing
    .byte \sectors, 0
.endm
AT 0xE401
    DISK_TYPE 306, 4, 128, 0, 305, 17
    DISK_TYPE 615, 4, 300, 0, 615, 17
    DISK_TYPE 615, 6, 300, 0, 615, 17
    DISK_TYPE 940, 8, 512, 0, 940, 17
    DISK_TYPE 940, 6, 512, 0, 940, 17
    DISK_TYPE 615, 4, 0xFFFF, 0, 615, 17
    DISK_TYPE 462, 8, 256, 0, 511, 17
    DISK_TYPE 733, 5, 0xFFFF, 0, 733, 17
    DISK_TYPE 900, 15, 0xFFFF, 8, 901, 17
    DISK_TYPE 820, 3, 0xFFFF, 0, 820, 17
    DISK_TYPE 855, 5, 0xFFFF, 0, 855, 17
    DISK_TYPE 855, 7, 0xFFFF, 0, 855, 17
    DISK_TYPE 306, 8, 128, 0, 319, 17
    DISK_TYPE 733, 7, 0xFFFF, 0, 733, 17
    DISK_TYPE 0, 0, 0, 0, 0, 0

AT 0xE6F2
    jmp int19_entry

# INT 15h AH=C0h: AT, submodel 1; features: second 8259, RTC, keyboard intercept (4Fh), EBDA.
AT 0xE6F5
    .globl config_table
config_table:
    .word 8
    .byte 0xFC, 0x01, 0x00, 0x74, 0x40, 0x00, 0x00, 0x00

# Divisors of the 14h function 0 rates: 110 to 9600 baud.
AT 0xE729
    .globl baud_table
baud_table:
    .word 0x0417, 0x0300, 0x0180, 0x00C0, 0x0060, 0x0030, 0x0018, 0x000C

AT 0xE739
    jmp int14_entry

AT 0xE82E
    jmp int16_entry

AT 0xE987
    jmp irq1_entry

AT 0xEC59
    jmp int13_entry

AT 0xEF57
    jmp irq6_entry

# The diskette parameter table of 1.44 MB drives, INT 1Eh. Bytes: step rate and head unload, head load and DMA,
# motor off ticks, sector size code, last sector, gap, data length, format gap, format fill,
# head settle ms, motor start in 1/8 s.
AT 0xEFC7
    .globl diskette_table
diskette_table:
    .byte 0xAF, 0x02, 0x25, 2, 18, 0x1B, 0xFF, 0x6C, 0xF6, 0x0F, 0x08

AT 0xEFD2
    jmp int17_entry

# The XT's table of INT 10h functions was here.
AT 0xF045
    .rept 16
    .word int10_entry
    .endr

AT 0xF065
    jmp int10_entry

# 6845 parameters for modes 0-1, 2-3, 4-6, 7 (INT 1Dh), then page sizes, columns, mode bytes.
AT 0xF0A4
    .globl crtc_table
crtc_table:
    .byte 0x38, 0x28, 0x2D, 0x0A, 0x1F, 6, 0x19, 0x1C, 2, 7, 6, 7, 0, 0, 0, 0
    .byte 0x71, 0x50, 0x5A, 0x0A, 0x1F, 6, 0x19, 0x1C, 2, 7, 6, 7, 0, 0, 0, 0
    .byte 0x38, 0x28, 0x2D, 0x0A, 0x7F, 6, 0x64, 0x70, 2, 1, 6, 7, 0, 0, 0, 0
    .byte 0x61, 0x50, 0x52, 0x0F, 0x19, 6, 0x19, 0x19, 2, 0xD, 0xB, 0xC, 0, 0, 0, 0
    .word 2048, 4096, 16384, 16384
    .byte 40, 40, 80, 80, 40, 40, 80, 80
    .byte 0x2C, 0x28, 0x2D, 0x29, 0x2A, 0x2E, 0x1E, 0x29

AT 0xF841
    jmp int12_entry

AT 0xF84D
    jmp int11_entry

AT 0xF859
    jmp int15_entry

# The 8x8 characters 00h-7Fh; POST puts them here.
AT 0xFA6E
    .globl font_low
font_low:
    .fill 1024, 1, 0

AT 0xFE6E
    jmp int1a_entry

AT 0xFEA5
    jmp irq0_entry

# Offsets of the handlers of interrupts 08h-1Fh, as the AT listed them; POST fills the table of vectors from it.
AT 0xFEF3
    .globl vector_table
vector_table:
    .word 0xFEA5, 0xE987, irq_unexpected, irq_unexpected
    .word irq_unexpected, irq_unexpected, 0xEF57, irq7_entry
    .word 0xF065, 0xF84D, 0xF841, 0xEC59
    .word 0xE739, 0xF859, 0xE82E, 0xEFD2
    .word int18_entry, 0xE6F2, 0xFE6E, 0xFF53
    .word 0xFF53, 0xF0A4, 0xEFC7, 0

AT 0xFF53
    .globl dummy_iret
dummy_iret:
    iretw

AT 0xFF54
    jmp int05_entry

AT 0xFFF0
    .globl reset_vector
reset_vector:
    ljmpw $SEG_CODE, $0xE05B
AT 0xFFF5
    .ascii "11/21/26"
AT 0xFFFE
    .byte 0xFC, 0x00

    .text
    .code16

#define CMOS_SHUTDOWN 0x8F

# After reset. Shutdown codes in CMOS 0Fh ask for a way other than POST: 5 (EOI and jump), A (jump), B (IRET),
# C (far return), all through 40:67; and 9 (block move), whose stack is at 40:67.
reset_entry:
    cli
    cld
    movb $CMOS_SHUTDOWN, %al
    outb %al, $0x70
    outb %al, $0xED
    inb $0x71, %al
    movb %al, %bl
    movb $CMOS_SHUTDOWN, %al
    outb %al, $0x70
    xorb %al, %al
    outb %al, $0x71
    movb $0x0D, %al
    outb %al, $0x70
    movw $SEG_BDA, %ax
    movw %ax, %ds
    cmpb $5, %bl
    je shutdown_5
    cmpb $9, %bl
    jb post_start
    cmpb $0xC, %bl
    ja post_start
    call shadow_on
    movw $SEG_BDA, %ax
    movw %ax, %ds
    cmpb $9, %bl
    je shutdown_9
    cmpb $0xA, %bl
    je shutdown_jump
    lssw 0x67, %sp
    cmpb $0xB, %bl
    je 1f
    lretw
1:  iretw
shutdown_9:
    movw 0x67, %sp
    movw 0x69, %ss
    popw %ds
    popw %es
    popaw
    iretw
shutdown_5:
    call shadow_on
    movb $0x20, %al
    outb %al, $0xA0
    outb %al, $0x20
    movw $SEG_BDA, %ax
    movw %ax, %ds
shutdown_jump:
    ljmpw *0x67

# Puts the shadow RAM back under the firmware when a reset of the chipset has uncovered the ROM. Its data segment
# still holds what POST left there.
shadow_on:
    movl $0x8000005C, %eax
    movw $0xCF8, %dx
    outl %eax, %dx
    movw $0xCFE, %dx
    movw $0x3111, %ax
    outw %ax, %dx
    movl $0x80000058, %eax
    movw $0xCF8, %dx
    outl %eax, %dx
    movw $0xCFD, %dx
    movb $0x10, %al
    outb %al, %dx
    movw $SEG_DATA, %ax
    movw %ax, %ds
    incw %dx
    movw option_rom_pam, %ax
    outw %ax, %dx
    movl $0x8000005C, %eax
    movw $0xCF8, %dx
    outl %eax, %dx
    movw $0xCFC, %dx
    movw option_rom_pam + 2, %ax
    outw %ax, %dx
    ret

post_start:
    movb $0x01, %al
    outb %al, $0x80
    # A20 on, without the reset bit.
    inb $0x92, %al
    orb $2, %al
    andb $0xFE, %al
    outb %al, $0x92
    movw %cs, %ax
    movw %ax, %ds
    lidtl null_idt
    lgdtl boot_gdt_pointer
    movl %cr0, %eax
    andl $0x1FFFFFFF, %eax
    orb $1, %al
    movl %eax, %cr0
    # On at the copy of the ROM below 4 GiB: the one here vanishes when the shadow RAM opens.
    ljmpl $0x08, $(0xFFFF0000 + protected_start)

    .code32
protected_start:
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl %eax, %fs
    movl %eax, %gs
    movl $0x80000058, %eax
    movw $0xCF8, %dx
    outl %eax, %dx
    movw $0xCFC, %dx
    inl %dx, %eax
    andl $0x000000FF, %eax
    orl $0x33333000, %eax
    outl %eax, %dx
    movl $0x8000005C, %eax
    movw $0xCF8, %dx
    outl %eax, %dx
    movw $0xCFC, %dx
    movl $0x33333333, %eax
    outl %eax, %dx
    movl $0xFFFE0000, %esi
    movl $0x000E0000, %edi
    movl $0x8000, %ecx
    rep movsl
    movl $(0xE0000 + STACK_TOP), %esp
    movl $init32_main, %eax
    calll *%eax
    # Back to real mode.
    ljmpl $0x18, $leave_protected
    .code16
leave_protected:
    movw $0x20, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw %ax, %fs
    movw %ax, %gs
    movl %cr0, %eax
    andb $0xFE, %al
    movl %eax, %cr0
    ljmpw $SEG_CODE, $1f
1:  movw $SEG_DATA, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl $STACK_TOP, %esp
    movw $SEG_BDA, %ax
    movw %ax, %fs
    movl $STACK_TOP, stack_top
    lidtl %cs:real_idt
    calll post_main
1:  hlt
    jmp 1b

    .balign 8
boot_gdt:
    .quad 0
    .quad 0x00CF9B000000FFFF    # 08: flat code
    .quad 0x00CF93000000FFFF    # 10: flat data
    .quad 0x00009B0F0000FFFF    # 18: 16-bit code at F0000
    .quad 0x000093000000FFFF    # 20: 16-bit data, 64 KiB
boot_gdt_pointer:
    .word . - boot_gdt - 1
    .long 0xF0000 + boot_gdt
    .globl real_idt
real_idt:
    .word 0x3FF
    .long 0
null_idt:
    .word 0
    .long 0
