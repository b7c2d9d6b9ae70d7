/* Random accesses of ports, configuration space and register windows, without end: the run is cut
 * off by --stop-after. Nothing that the image does may end the emulator in another way. Left alone
 * are the exit ports, the sleep control, and what resets: the image would not come back, since it
 * also writes the shutdown status in CMOS.
 *
 * The loop runs below 1 MiB, for gate A20 closes and opens, with a table of its own for NMIs.
 * For the long run, in a build with sanitizers:
 *     anachron run --multiboot build/tests/bare/fuzz.elf --display none --serial none \
 *         --stop-after 100000000 */
#include "bare.h"

enum { PLACE = 0x70000, IDT = 0x6F000, VECTORS = 3 };

extern const uint8_t fuzz_begin[], fuzz_nmi[], fuzz_end[];

/* ebx is the state of the generator, ecx the choices of a round. */
__asm__(
    ".text\n"
    "fuzz_begin:\n"
    "    rdtsc\n"
    "    movl %eax, %ebx\n"
    "    movl $0x6E000, %esp\n"
    "round:\n"
    "    call random\n"
    "    movl %eax, %ecx\n"
    "    testb $0x0F, %cl\n"
    "    jz configuration\n"
    "    movl %ecx, %eax\n"
    "    andl $0x0F, %eax\n"
    "    cmpl $4, %eax\n"
    "    jbe memory\n"

    /* A port: three times of four one of the first 1024. */
    "    call random\n"
    "    movzwl %ax, %edx\n"
    "    testb $0x30, %cl\n"
    "    jz 1f\n"
    "    andl $0x3FF, %edx\n"
    "1:  movl %edx, %eax\n"
    "    andl $0xFFF8, %eax\n"
    "    cmpl $0xF0, %eax\n" /* debug exit, and accesses that reach into it */
    "    je round\n"
    "    cmpl $0x5F8, %eax\n" /* sleep control */
    "    je round\n"
    "    cmpl $0x600, %eax\n"
    "    je round\n"
    "    andl $0xFFF0, %eax\n"
    "    cmpl $0x4F0, %eax\n" /* the other debug exit */
    "    je round\n"
    "    cmpl $0x500, %eax\n"
    "    je round\n"
    "    movl %edx, %esi\n"
    "    andl $0xFFF8, %esi\n"
    "    call random\n"
    "    cmpl $0x90, %esi\n" /* port 92h */
    "    je round\n"
    "    cmpl $0x88, %esi\n"
    "    je round\n"
    "    cmpl $0xCF8, %esi\n" /* CF9h */
    "    je round\n"
    "    cmpl $0xCF0, %esi\n"
    "    je round\n"
    "    cmpl $0x58, %esi\n"
    "    je round\n"
    "    cmpl $0x60, %esi\n" /* 8042: bytes, no reset by its output port or a pulse */
    "    jne 3f\n"
    "    orb $1, %al\n"
    "    outb %al, %dx\n"
    "    jmp round\n"
    "3:  testl $0xC0, %ecx\n"
    "    jz port_read\n"
    "    testl $0x100, %ecx\n"
    "    jz 4f\n"
    "    outb %al, %dx\n"
    "    jmp round\n"
    "4:  testl $0x200, %ecx\n"
    "    jz 5f\n"
    "    outw %ax, %dx\n"
    "    jmp round\n"
    "5:  outl %eax, %dx\n"
    "    jmp round\n"
    "port_read:\n"
    "    testl $0x100, %ecx\n"
    "    jz 6f\n"
    "    inb %dx, %al\n"
    "    jmp round\n"
    "6:  inl %dx, %eax\n"
    "    jmp round\n"

    /* Configuration space of devices 0 to 3, but for the power management base and TRC. */
    "configuration:\n"
    "    call random\n"
    "    andl $0x1FFC, %eax\n"
    "    cmpl $0x0B40, %eax\n"
    "    je round\n"
    "    cmpl $0x0090, %eax\n"
    "    je round\n"
    "    orl $0x80000000, %eax\n"
    "    movl $0xCF8, %edx\n"
    "    outl %eax, %dx\n"
    "    movl $0xCFC, %edx\n"
    "    inl %dx, %eax\n"
    "    call random\n"
    "    testl $0x100, %ecx\n"
    "    jz 7f\n"
    "    outl %eax, %dx\n"
    "    jmp round\n"
    "7:  outb %al, %dx\n"
    "    jmp round\n"

    /* Memory: windows of chips, shadow segments, RAM and anywhere above 2 GiB. */
    "memory:\n"
    "    call random\n"
    "    movl %eax, %edx\n"
    "    movl %ecx, %esi\n"
    "    shrl $8, %esi\n"
    "    andl $7, %esi\n"
    "    cmpl $1, %esi\n"
    "    jne 1f\n"
    "    andl $0xFF0, %edx\n"
    "    movl %edx, %eax\n"
    "    andl $0xFE0, %eax\n"
    "    cmpl $0x300, %eax\n" /* no INIT to itself: it would wait for ever */
    "    je round\n"
    "    addl $0xFEE00000, %edx\n"
    "    jmp touch\n"
    "1:  cmpl $2, %esi\n"
    "    jne 2f\n"
    "    andl $0x14, %edx\n"
    "    addl $0xFEC00000, %edx\n"
    "    jmp touch\n"
    "2:  cmpl $3, %esi\n"
    "    jne 3f\n"
    "    andl $0x3FFFC, %edx\n"
    "    addl $0xC0000, %edx\n"
    "    jmp touch\n"
    "3:  cmpl $4, %esi\n"
    "    jne 4f\n"
    "    andl $0xFFFFFC, %edx\n"
    "    addl $0xE0000000, %edx\n"
    "    jmp touch\n"
    "4:  cmpl $5, %esi\n"
    "    jne 5f\n"
    "    movl %edx, %eax\n"
    "    shrl $20, %eax\n"
    "    cmpl $0xFEE, %eax\n"
    "    je round\n"
    "    orl $0x80000000, %edx\n"
    "    andl $0xEFFFFFFC, %edx\n"
    "    jmp touch\n"
    "5:  andl $0x1FFFF, %edx\n"
    "    addl $0xA0000, %edx\n"
    "touch:\n"
    "    call random\n"
    "    movl %edx, %esi\n"
    "    shrl $24, %esi\n"
    "    cmpl $0xFE, %esi\n"
    "    jne 3f\n"
    "    andl $0xFFFFF8FF, %eax\n" /* APICs: no delivery as INIT */
    "3:\n"
    "    testl $0xC000, %ecx\n"
    "    jz 1f\n"
    "    testl $0x1000, %ecx\n"
    "    jz 2f\n"
    "    movl %eax, (%edx)\n"
    "    jmp round\n"
    "1:  movl (%edx), %eax\n"
    "    jmp round\n"
    "2:  movb %al, (%edx)\n"
    "    jmp round\n"

    "random:\n"
    "    imull $1664525, %ebx, %ebx\n"
    "    addl $1013904223, %ebx\n"
    "    movl %ebx, %eax\n"
    "    shrl $15, %eax\n"
    "    xorl %ebx, %eax\n"
    "    ret\n"
    "fuzz_nmi:\n"
    "    iretl\n"
    "fuzz_end:\n");

void bare_tests(void)
{
    struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) table = {VECTORS * 8 - 1, IDT};
    struct gate *gates = (struct gate *)IDT;
    uint32_t nmi = PLACE + (uint32_t)(fuzz_nmi - fuzz_begin);
    memcpy((void *)PLACE, fuzz_begin, (size_t)(fuzz_end - fuzz_begin));
    memset(gates, 0, VECTORS * sizeof *gates);
    gates[2] = (struct gate){(uint16_t)nmi, SEL_CODE, 0x8E00, (uint16_t)(nmi >> 16)};
    __asm__ volatile("lidt %0" : : "m"(table));
    ((void (*)(void))PLACE)();
}
