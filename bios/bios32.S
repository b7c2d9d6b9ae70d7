# What lies at the start of segment F000h for 32-bit callers: the BIOS32 service directory and the 32-bit PCI BIOS
# (PCI BIOS specification 2.1), and room for tables that must be found by searching F0000-FFFFF.
#
# The code is entered by a far call with any CS and DS; so it touches no memory but its stack.

#include "bios/segments.h"

#define PCI_UNSUPPORTED  0x81
#define PCI_BAD_VENDOR   0x83
#define PCI_NOT_FOUND    0x86
#define PCI_BAD_REGISTER 0x87
#define PCI_SET_FAILED   0x88
#define PCI_SMALL_BUFFER 0x89

    .section .flat_services, "ax"
    .balign 16
    .globl bios32_directory
bios32_directory:
    .ascii "_32_"
    .long 0xF0000 + bios32_entry
    .byte 0, 1, 0               # revision, length in paragraphs, checksum (POST)
    .fill 5, 1, 0

# The Plug and Play installation check, which tells option ROMs that POST knows boot entry vectors; the interface behind
# it offers nothing (function not supported).
    .balign 16
    .globl pnp_header
pnp_header:
    .ascii "$PnP"
    .byte 0x10, 33
    .word 0                     # no events
    .byte 0                     # checksum (POST)
    .long 0
    .word pnp_entry, 0xF000
    .word pnp_entry
    .long 0xF0000
    .long 0
    .word 0x0040
    .long 0x400
    .code16
pnp_entry:
    movw $0x0082, %ax
    lretw

    .balign 16
    .globl flat_tables, flat_tables_end
flat_tables:
    .fill 0x900, 1, 0
flat_tables_end:

    .code32
# EAX: a service; BL: 0. Returns AL 0, EBX base, ECX length, EDX entry.
bios32_entry:
    pushfl
    cmpl $0x49435024, %eax
    movb $0x80, %al
    jne 1f
    testb %bl, %bl
    movb $0x81, %al
    jnz 1f
    movl $0xF0000, %ebx
    movl $0x10000, %ecx
    movl $pci32_entry, %edx
    xorb %al, %al
1:  popfl
    lret

# AH B1h, AL function. AH and the carry tell how it went.
pci32_entry:
    pushfl
    pushl %esi
    pushl %edi
    cli
    cld
    call pci32_dispatch
    popl %edi
    popl %esi
    popfl
    testb %ah, %ah
    jz 1f
    stc
    lret
1:  clc
    lret

pci32_dispatch:
    cmpb $0x01, %al
    je pci32_present
    cmpb $0x02, %al
    je pci32_find_device
    cmpb $0x03, %al
    je pci32_find_class
    cmpb $0x0E, %al
    je pci32_routing
    cmpb $0x0F, %al
    je pci32_set
    cmpb $0x08, %al
    jb 1f
    cmpb $0x0D, %al
    jbe pci32_access
1:  movb $PCI_UNSUPPORTED, %ah
    ret

pci32_present:
    movl $0x20494350, %edx
    movw $0x0210, %bx
    movb $0, %cl
    movw $0x0001, %ax
    ret

pci32_set:
    movb $PCI_SET_FAILED, %ah
    ret

# Selects register EDI of function BX.
pci32_select:
    pushl %eax
    pushl %edx
    movzwl %bx, %eax
    shll $8, %eax
    orl $0x80000000, %eax
    pushl %edi
    andl $0xFC, %edi
    orl %edi, %eax
    popl %edi
    movw $0xCF8, %dx
    outl %eax, %dx
    popl %edx
    popl %eax
    ret

# Functions 08h-0Ah read, 0Bh-0Dh write, a byte, a word, a dword at DI.
pci32_access:
    movzwl %di, %edi
    pushl %edx
    cmpl $0xFF, %edi
    ja 9f
    call pci32_select
    movl %edi, %edx
    andl $3, %edx
    addl $0xCFC, %edx
    cmpb $0x08, %al
    je 1f
    cmpb $0x0B, %al
    je 2f
    testl $1, %edi
    jnz 9f
    cmpb $0x09, %al
    je 3f
    cmpb $0x0C, %al
    je 4f
    testl $2, %edi
    jnz 9f
    cmpb $0x0A, %al
    pushl %eax
    jne 5f
    inl %dx, %eax
    movl %eax, %ecx
    jmp 7f
5:  movl %ecx, %eax
    outl %eax, %dx
7:  popl %eax
    jmp 8f
1:  pushl %eax
    inb %dx, %al
    movb %al, %cl
    jmp 7b
2:  pushl %eax
    movb %cl, %al
    outb %al, %dx
    jmp 7b
3:  pushl %eax
    inw %dx, %ax
    movw %ax, %cx
    jmp 7b
4:  pushl %eax
    movw %cx, %ax
    outw %ax, %dx
    jmp 7b
8:  movb $0, %ah
    popl %edx
    ret
9:  movb $PCI_BAD_REGISTER, %ah
    popl %edx
    ret

# CX device, DX vendor, SI index.
pci32_find_device:
    cmpw $0xFFFF, %dx
    je 1f
    pushl %ecx
    shll $16, %ecx
    movw %dx, %cx
    movl $0, %edi
    call pci32_find
    popl %ecx
    ret
1:  movb $PCI_BAD_VENDOR, %ah
    ret

# ECX class code, SI index: compares register 08h without the revision.
pci32_find_class:
    pushl %ecx
    shll $8, %ecx
    movl $8, %edi
    call pci32_find
    popl %ecx
    ret

# The SI-th function on bus 0 whose register EDI is ECX; the revision of register 8 does not count.
pci32_find:
    pushl %eax
    pushl %edx
    pushl %ebx
    xorl %ebx, %ebx
1:  pushl %edi
    xorl %edi, %edi
    call pci32_select
    popl %edi
    movw $0xCFC, %dx
    inl %dx, %eax
    cmpw $0xFFFF, %ax
    je 2f
    call pci32_select
    inl %dx, %eax
    testl %edi, %edi
    jz 3f
    xorb %al, %al
3:  cmpl %ecx, %eax
    jne 2f
    subw $1, %si
    jc 4f
2:  incw %bx
    cmpw $0x100, %bx
    jb 1b
    popl %ebx
    popl %edx
    popl %eax
    movb $PCI_NOT_FOUND, %ah
    ret
4:  addl $4, %esp
    popl %edx
    popl %eax
    movb $0, %ah
    ret

# ES:EDI: a word with the size of a buffer, then its 48-bit address. Copies the slots of the routing table.
pci32_routing:
    pushl %ecx
    pushl %edx
    call 1f
1:  popl %esi
    addl $(PIR_OFFSET - 1b), %esi
    movzwl %cs:6(%esi), %ecx
    subl $32, %ecx
    movw %cs:10(%esi), %bx
    movw %es:(%edi), %dx
    movw %cx, %es:(%edi)
    cmpw %cx, %dx
    movb $PCI_SMALL_BUFFER, %ah
    jb 3f
    pushl %es
    lesl %es:2(%edi), %edi
    addl $32, %esi
2:  movb %cs:(%esi), %dl
    movb %dl, %es:(%edi)
    incl %esi
    incl %edi
    loop 2b
    popl %es
    movb $0, %ah
3:  popl %edx
    popl %ecx
    ret
