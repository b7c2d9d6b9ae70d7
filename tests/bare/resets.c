/* Every way to reset the machine: 8042 pulse and output port, port 92h, CF9h soft and hard, the
 * host bridge's TRC, triple fault. Each phase resets; firmware starts the image again, which finds
 * in memory that firmware leaves alone how far it has come. DR0 tells that the processor was reset.
 * Run alone: meson test -C build bare-resets */
#include "pci.h"

enum { MAGIC = 0x52455345, PHASES = 7 };

struct progress {
    uint32_t magic, phase;
    uint32_t outlived;    /* a bit for each phase behind which interrupts went on */
    uint32_t phase_check; /* ~phase: memory that merely looks right is not taken */
};
static volatile struct progress *const progress = (volatile struct progress *)0x600000;

static void wait_for_8042(void)
{
    while (in8(0x64) & 2)
        ;
}

static void triple_fault(void)
{
    static const struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) none = {0, 0};
    __asm__ volatile("lidt %0; int3" : : "m"(none));
}

static void reset_by(uint32_t phase)
{
    switch (phase) {
    case 0:
        wait_for_8042();
        out8(0x64, 0xFE);
        break;
    case 1:
        wait_for_8042();
        out8(0x64, 0xD1);
        wait_for_8042();
        out8(0x60, 0xDE);
        break;
    case 2:
        out8(0x92, 0x02);
        out8(0x92, 0x03);
        break;
    case 3:
        out8(0xCF9, 0x00);
        out8(0xCF9, 0x04);
        break;
    case 4:
        out8(0xCF9, 0x02);
        out8(0xCF9, 0x06);
        break;
    case 5: /* QEMU has no TRC */
        pci_set8(0, 0, 0x93, 0x02);
        pci_set8(0, 0, 0x93, 0x06);
        break;
    default:
        triple_fault();
        break;
    }
}

/* What interrupts by the APICs, if there are any, must not outlive a reset: it would reach the
 * firmware. */
enum { TPR = 0x80, LVT_TIMER = 0x320, INITIAL_COUNT = 0x380, MASKED = 0x10000 };
static volatile uint32_t *const apic = (volatile uint32_t *)0xFEE00000;
static volatile uint32_t *const io_apic = (volatile uint32_t *)0xFEC00000;

static bool has_apic(void)
{
    uint32_t eax = 1, ebx, ecx, edx;
    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
    return edx >> 9 & 1;
}

static void start_interrupts(void)
{
    apic[TPR / 4] = 0x10;
    apic[LVT_TIMER / 4] = 0x20031; /* periodic, vector 31h */
    apic[INITIAL_COUNT / 4] = 100000;
    io_apic[0] = 0x10 + 2 * 2; /* the timer: vector 32h, to everybody */
    io_apic[4] = 0x32;
}

/* By reset and INIT (SDM 3A 10.4.7); the I/O APIC's entry by firmware. */
static bool have_ended(void)
{
    io_apic[0] = 0x10 + 2 * 2;
    return apic[LVT_TIMER / 4] & MASKED && !apic[INITIAL_COUNT / 4] && !apic[TPR / 4] &&
           io_apic[4] & MASKED;
}

static uint32_t dr0(void)
{
    uint32_t value;
    __asm__ volatile("movl %%dr0, %0" : "=r"(value));
    return value;
}

void bare_tests(void)
{
    if (progress->magic != MAGIC || progress->phase_check != ~progress->phase) {
        progress->magic = MAGIC;
        progress->phase = progress->outlived = 0;
    } else {
        CHECK_EQUAL("SDM 3A 9.1.1: DR0 after reset", dr0(), 0);
        if (has_apic() && !have_ended())
            progress->outlived |= 1u << progress->phase;
        progress->phase++;
    }
    progress->phase_check = ~progress->phase;
    if (progress->phase == PHASES) {
        progress->magic = 0;
        CHECK_EQUAL("all resets", progress->phase, PHASES);
        CHECK_EQUAL("interrupts that outlived a reset", progress->outlived, 0);
        return;
    }
    bare_print("reset %u\n", progress->phase);
    uint32_t mark = 0x12345678;
    __asm__ volatile("movl %0, %%dr0" : : "r"(mark));
    if (has_apic())
        start_interrupts();
    reset_by(progress->phase);
    for (volatile unsigned i = 0; i < 100000000; i++)
        ;
    progress->magic = 0;
    bare_print("phase %u: ", progress->phase);
    bare_fail("no reset happened");
}
