/* The way into a program and out of it, on an x86-64 host. The parts between the labels are copied
 * into the gate page, below 4 GiB; the control page is addressed absolutely. */
#include "tests/harness/oracle/host_gate.h"

#define AT(offset) (GATE_CONTROL + (offset))

    .text

/* void gate_enter(void): returns when the program has left. */
    .globl gate_enter
    .type gate_enter, @function
gate_enter:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    pushfq
    mov %rsp, AT(HOST_RSP)
    fxrstor AT(IN_FX)
    fnclex
    fldenv AT(IN_ENV)
    ljmp *AT(IN_ENTRY)

    .code32
    .globl gate_entry32, gate_entry32_end
gate_entry32:
    mov $AT(IN_EFLAGS), %esp
    popfl
    mov %cs:AT(IN_GPR + 0), %eax
    mov %cs:AT(IN_GPR + 4), %ecx
    mov %cs:AT(IN_GPR + 8), %edx
    mov %cs:AT(IN_GPR + 12), %ebx
    mov %cs:AT(IN_GPR + 20), %ebp
    mov %cs:AT(IN_GPR + 24), %esi
    mov %cs:AT(IN_GPR + 28), %edi
    mov %cs:AT(IN_ES), %es
    mov %cs:AT(IN_FS), %fs
    mov %cs:AT(IN_GS), %gs
    mov %cs:AT(IN_DS), %ds
    lss %cs:AT(IN_SS_ESP), %esp
    ljmp *%cs:AT(IN_CS_EIP)
gate_entry32_end:

    .code64
    .globl gate_exit64, gate_exit64_end
gate_exit64:
    mov %rax, AT(OUT_GPR + 0)
    mov %rcx, AT(OUT_GPR + 8)
    mov %rdx, AT(OUT_GPR + 16)
    mov %rbx, AT(OUT_GPR + 24)
    mov %rsp, AT(OUT_GPR + 32)
    mov %rbp, AT(OUT_GPR + 40)
    mov %rsi, AT(OUT_GPR + 48)
    mov %rdi, AT(OUT_GPR + 56)
    mov %es, AT(OUT_SEG + 0)
    mov %ss, AT(OUT_SEG + 4)
    mov %ds, AT(OUT_SEG + 6)
    mov %fs, AT(OUT_SEG + 8)
    mov %gs, AT(OUT_SEG + 10)
    mov AT(HOST_RSP), %rsp
    pushfq
    pop AT(OUT_RFL)
    popfq
    mov $0x2B, %eax
    mov %eax, %ss
    mov %eax, %ds
    mov %eax, %es
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs
    mov AT(HOST_FS), %rax
    wrfsbase %rax
    fxsave AT(OUT_FX)
    fnstenv AT(OUT_ENV)
    fninit
    ldmxcsr AT(NORMAL_MX)
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret
gate_exit64_end:

    .section .note.GNU-stack, "", @progbits
