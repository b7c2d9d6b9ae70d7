# The doors of the 16-bit services. A service runs on the firmware's own stack in segment E000h, so that a caller
# needs only the interrupt frame and six bytes more; it is a C function that gets the caller's registers.
#
# Interrupts are off while firmware runs, except where it opens a window or calls out. There stack_top is
# moved below what is in use (less STACK_RESERVE for handlers that stay on this stack), so that a nested
# service starts below it, from whatever stack it is called.

#include "bios/segments.h"

#define R_EDI 0
#define R_ESI 4
#define R_EBP 8
#define R_EBX 12
#define R_EDX 16
#define R_ECX 20
#define R_EAX 24
#define R_DS 28
#define R_ES 30
#define R_FS 32
#define R_GS 34
#define R_STACK 36
#define R_SS 40
#define R_HANDLER 42
#define R_FLAGS 44
#define R_IP 46
#define R_AGAIN 50
#define R_SIZE 52

    .text
    .code16

# To and from struct regs at DS:EAX: all but EAX, DS and the stack, which the switch itself needs.
.macro SAVE_REGISTERS
    movl %edi, R_EDI(%eax)
    movl %esi, R_ESI(%eax)
    movl %ebp, R_EBP(%eax)
    movl %ebx, R_EBX(%eax)
    movl %edx, R_EDX(%eax)
    movl %ecx, R_ECX(%eax)
    movw %es, R_ES(%eax)
    movw %fs, R_FS(%eax)
    movw %gs, R_GS(%eax)
.endm

.macro LOAD_REGISTERS
    movl R_EDI(%eax), %edi
    movl R_ESI(%eax), %esi
    movl R_EBP(%eax), %ebp
    movl R_EBX(%eax), %ebx
    movl R_EDX(%eax), %edx
    movl R_ECX(%eax), %ecx
    movw R_ES(%eax), %es
    movw R_FS(%eax), %fs
    movw R_GS(%eax), %gs
.endm

# What a C function may expect to find again.
.macro PUSH_KEPT
    pushl %ebx
    pushl %esi
    pushl %edi
    pushl %ebp
.endm

.macro POP_KEPT
    popl %ebp
    popl %edi
    popl %esi
    popl %ebx
.endm

.macro SERVICE name, handler
    .globl \name
\name:
    pushw $\handler
    jmp service
.endm

    SERVICE int05_entry, print_screen_service
    SERVICE int10_entry, video_service
    SERVICE int11_entry, equipment_service
    SERVICE int12_entry, memory_service
    SERVICE int13_entry, disk_service
    SERVICE int14_entry, serial_service
    SERVICE int16_entry, keyboard_service
    SERVICE int17_entry, printer_service
    SERVICE int1a_entry, time_service
    SERVICE irq1_entry, keyboard_interrupt
    SERVICE irq6_entry, floppy_interrupt
    SERVICE irq8_entry, rtc_interrupt
    SERVICE irq12_entry, mouse_interrupt
    SERVICE irq14_entry, ide_interrupt
    SERVICE irq_unexpected, unexpected_interrupt
    SERVICE irq_unexpected_slave, unexpected_slave_interrupt
    SERVICE nmi_entry, nmi_interrupt

    .globl int15_entry
int15_entry:
    cmpb $0x87, %ah
    je block_move_entry
    cmpb $0x89, %ah
    je protected_mode_entry
    pushw $system_service
service:
    cli
    pushw %ds
    pushl %eax
    movw $SEG_DATA, %ax
    movw %ax, %ds
    movl stack_top, %eax
    cmpw $STACK_FLOOR, %ax
    jae 3f
    movl $STACK_TOP, %eax
3:
    # A caller that is on our own stack may be below stack_top.
    pushw %bx
    movw %ss, %bx
    cmpw $SEG_DATA, %bx
    popw %bx
    jne 1f
    cmpw %ax, %sp
    jae 1f
    movzwl %sp, %eax
1:  subl $R_SIZE, %eax
    popl R_EAX(%eax)
    popw R_DS(%eax)
    popw R_HANDLER(%eax)
    SAVE_REGISTERS
    movw %ss, R_SS(%eax)
    movl %esp, R_STACK(%eax)
    movzwl %sp, %edx
    movl %ss:(%edx), %ecx
    movl %ecx, R_IP(%eax)
    movw %ss:4(%edx), %cx
    movw %cx, R_FLAGS(%eax)
    movw $0, R_AGAIN(%eax)
    movw $SEG_DATA, %cx
    movw %cx, %es
    movw %cx, %ss
    movl %eax, %esp
    movw $SEG_BDA, %cx
    movw %cx, %fs
    cld
    movzwl R_HANDLER(%eax), %ecx
    calll *%ecx
    movl %esp, %eax
    movzwl R_STACK(%eax), %edx
    movw R_SS(%eax), %ss
    movl R_STACK(%eax), %esp
    movw R_FLAGS(%eax), %cx
    movw %cx, %ss:4(%edx)
    LOAD_REGISTERS
    cmpw $0, R_AGAIN(%eax)
    jne 2f
    pushw R_DS(%eax)
    movl R_EAX(%eax), %eax
    popw %ds
    iretw
    # The service waits for something: on the caller's stack, so that a task switcher may leave from here.
2:  pushw R_HANDLER(%eax)
    pushw R_DS(%eax)
    movl R_EAX(%eax), %eax
    popw %ds
    calll wait_for_interrupt
    jmp service

# A processor in V86 mode may not HLT; the monitor would see a fault each time.
wait_for_interrupt:
    pushw %ax
    smsww %ax
    testb $1, %al
    popw %ax
    jnz 1f
    sti
    hlt
    cli
    retl
1:  sti
    nop
    nop
    cli
    retl

    .globl interrupt_window
interrupt_window:
    pushl stack_top
    leal -STACK_RESERVE(%esp), %eax
    movl %eax, stack_top
    sti
    nop
    nop
    cli
    popl stack_top
    retl

    .globl interrupt_wait
interrupt_wait:
    pushl stack_top
    leal -STACK_RESERVE(%esp), %eax
    movl %eax, stack_top
    calll wait_for_interrupt
    popl stack_top
    retl

# void call_interrupt(struct regs *r, u8 number); void call_far(struct regs *r, u16 segment, u16 offset)
    .globl call_interrupt
call_interrupt:
    movzbl %dl, %edx
    xorw %cx, %cx
    movw %cx, %gs
    movzwl %gs:(,%edx,4), %ecx
    movzwl %gs:2(,%edx,4), %edx
    .globl call_far
call_far:
    PUSH_KEPT
    pushl call_stack
    pushl stack_top
    pushl %eax
    movl %esp, call_stack
    leal -STACK_RESERVE(%esp), %ebx
    movl %ebx, stack_top
    # Handlers of 15h function 4Fh and 90h answer with carry; set is the default.
    stc
    pushfw
    pushw %cs
    pushw $1f
    pushw %dx
    pushw %cx
    LOAD_REGISTERS
    pushw R_DS(%eax)
    movl R_EAX(%eax), %eax
    popw %ds
    lretw
1:  pushw %ds
    pushl %eax
    movw $SEG_DATA, %ax
    movw %ax, %ds
    movzwl %sp, %esp
    pushfw
    cli
    cld
    movl call_stack, %eax
    movl (%eax), %eax
    popw R_FLAGS(%eax)
    popl R_EAX(%eax)
    popw R_DS(%eax)
    SAVE_REGISTERS
    movw $SEG_DATA, %cx
    movw %cx, %es
    movw $SEG_BDA, %cx
    movw %cx, %fs
    # An interrupt handler has taken the flags from the stack, a far procedure has not.
    movl call_stack, %esp
    popl %eax
    popl stack_top
    popl call_stack
    POP_KEPT
    retl

# void call_mouse_handler(u32 handler, const u16 data[4]): the pointing device handler of INT 15h AX=C207h, a
# far procedure that finds status, X, Y and Z on the stack and leaves them there.
    .globl call_mouse_handler
call_mouse_handler:
    PUSH_KEPT
    pushl stack_top
    pushl %eax
    leal -STACK_RESERVE(%esp), %ebx
    movl %ebx, stack_top
    movl %esp, %ebp
    pushw 0(%edx)
    pushw 2(%edx)
    pushw 4(%edx)
    pushw 6(%edx)
    pushl %ebp
    popl mouse_stack
    sti
    lcallw *(%ebp)
    cli
    cld
    movw $SEG_DATA, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl mouse_stack, %esp
    movw $SEG_BDA, %ax
    movw %ax, %fs
    popl %eax
    popl stack_top
    POP_KEPT
    retl

# IRQ 0: the clock of 40:6C, the diskette motor, INT 1Ch. All on the caller's stack, as on the AT; DS is 40h in
# INT 1Ch.
    .globl irq0_entry
irq0_entry:
    pushw %ds
    pushw %ax
    pushw %dx
    movw $SEG_BDA, %ax
    movw %ax, %ds
    cld
    incl 0x6C
    cmpl $0x1800B0, 0x6C
    jb 1f
    movl $0, 0x6C
    movb $1, 0x70
1:  cmpb $0, 0x40
    je 2f
    decb 0x40
    jnz 2f
    andb $0xF0, 0x3F
    movw $0x3F2, %dx
    movb $0x0C, %al
    outb %al, %dx
2:  int $0x1C
    cli
    movb $0x20, %al
    outb %al, $0x20
    popw %dx
    popw %ax
    popw %ds
    iretw

# IRQ 7: the printer, or a spurious interrupt, which gets no EOI.
    .globl irq7_entry
irq7_entry:
    pushw %ax
    movb $0x0B, %al
    outb %al, $0x20
    inb $0x20, %al
    testb $0x80, %al
    jz 1f
    movb $0x20, %al
    outb %al, $0x20
1:  popw %ax
    iretw

# IRQ 9 goes on as IRQ 2 did before there was a second 8259.
    .globl irq9_entry
irq9_entry:
    pushw %ax
    movb $0x20, %al
    outb %al, $0xA0
    popw %ax
    int $0x0A
    iretw

# IRQ 13: the coprocessor. Its programs hook the NMI vector of the PC.
    .globl irq13_entry
irq13_entry:
    pushw %ax
    xorb %al, %al
    outb %al, $0xF0
    movb $0x20, %al
    outb %al, $0xA0
    outb %al, $0x20
    popw %ax
    int $0x02
    iretw

    .globl int18_entry
int18_entry:
    movl $boot_next, %eax
    jmp 1f
    .globl int19_entry
int19_entry:
    movl $boot_start, %eax
1:  cli
    cld
    movw $SEG_DATA, %dx
    movw %dx, %ds
    movw %dx, %es
    movw %dx, %ss
    movl $STACK_TOP, %esp
    movl %esp, stack_top
    movw $SEG_BDA, %dx
    movw %dx, %fs
    calll *%eax
1:  hlt
    jmp 1b

# void boot_jump(u16 segment, u16 offset, u8 drive): leaves for a boot sector.
    .globl boot_jump
boot_jump:
    movl $STACK_TOP, stack_top
    xorw %bx, %bx
    movw %bx, %ss
    movl $0x7C00, %esp
    pushw %ax
    pushw %dx
    xorl %edx, %edx
    movb %cl, %dl
    xorl %eax, %eax
    xorl %ebx, %ebx
    xorl %ecx, %ecx
    xorl %esi, %esi
    xorl %edi, %edi
    xorl %ebp, %ebp
    movw %bx, %ds
    movw %bx, %es
    movw %bx, %fs
    movw %bx, %gs
    movw $0xAA55, %ax
    sti
    lretw

    .data
    .balign 4
    .globl stack_top
stack_top:
    .long STACK_TOP
call_stack:
    .long 0
mouse_stack:
    .long 0
