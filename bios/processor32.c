/* Which processor this is: 386 without a changeable AC flag, 486 with it, CPUID from the flag ID
 * on. */
#include "bios/init32.h"
#include "bios/processor.h"

#define EFLAGS_AC (1u << 18)
#define EFLAGS_ID (1u << 21)

static bool flag_changes(u32 flag)
{
    u32 before, after;
    __asm__ volatile(
        "pushfl\n\t"
        "popl %0\n\t"
        "movl %0, %1\n\t"
        "xorl %2, %1\n\t"
        "pushl %1\n\t"
        "popfl\n\t"
        "pushfl\n\t"
        "popl %1\n\t"
        "pushl %0\n\t"
        "popfl"
        : "=&r"(before), "=&r"(after)
        : "ri"(flag)
        : "cc");
    return (before ^ after) & flag;
}

static void cpuid(u32 leaf, u32 out[4])
{
    __asm__ volatile("cpuid"
                     : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
                     : "a"(leaf), "c"(0));
}

/* FNINIT and FNSTSW leave memory alone when there is no coprocessor. */
static bool fpu_present(void)
{
    volatile u16 status = 0x5A5A;
    __asm__ volatile(
        "movl %%cr0, %%eax\n\t"
        "andl $~0x0C, %%eax\n\t"
        "movl %%eax, %%cr0\n\t"
        ".byte 0xDB, 0xE3\n\t" /* fninit */
        "fnstsw %0"
        : "+m"(status)
        :
        : "eax");
    return (status & 0xFF) == 0;
}

static void append(char **to, const char *text)
{
    while (*text)
        *(*to)++ = *text++;
    **to = 0;
}

static void append_number(char **to, u32 value)
{
    if (value >= 10)
        append_number(to, value / 10);
    char digit[2] = {(char)('0' + value % 10), 0};
    append(to, digit);
}

static void describe_cpuid(char *text)
{
    u32 r[4];
    char vendor[13];
    cpuid(0, r);
    memory_copy(vendor, &r[1], 4);
    memory_copy(vendor + 4, &r[3], 4);
    memory_copy(vendor + 8, &r[2], 4);
    vendor[12] = 0;
    cpuid(0x80000000, r);
    if (r[0] >= 0x80000004 && r[0] < 0x80000100) {
        for (u32 i = 0; i < 3; i++) {
            cpuid(0x80000002 + i, r);
            memory_copy(text + i * 16, r, 16);
        }
        text[48] = 0;
        if (text[0])
            return;
    }
    cpuid(1, r);
    append(&text, vendor);
    append(&text, " family ");
    append_number(&text, r[0] >> 8 & 15);
    append(&text, " model ");
    append_number(&text, r[0] >> 4 & 15);
    append(&text, " stepping ");
    append_number(&text, r[0] & 15);
}

#define APIC_BASE     0xFEE00000u
#define IO_APIC_BASE  0xFEC00000u
#define APIC_SPURIOUS 0xF0
#define APIC_LINT0    0x350
#define APIC_LINT1    0x360
#define APIC_ENABLED  0x100
#define APIC_EXTINT   0x700
#define APIC_NMI      0x400
#define APIC_MASKED   0x10000
#define FEATURE_APIC  (1u << 9)

enum { IO_APIC_ENTRIES = 0x10, IO_APIC_INPUTS = 24 };

/* Virtual wire mode: the 8259s reach the processor through LINT0, NMI through LINT1 (MP
 * specification 1.4, 3.6.2). */
static void start_apic(void)
{
    u32 r[4];
    cpuid(1, r);
    if (!(r[3] & FEATURE_APIC))
        return;
    volatile u32 *apic = (volatile u32 *)APIC_BASE, *io_apic = (volatile u32 *)IO_APIC_BASE;
    /* After a reset of the processor alone it still sends what an operating system asked for. */
    for (u32 i = 0; i < IO_APIC_INPUTS; i++) {
        io_apic[0] = IO_APIC_ENTRIES + 2 * i;
        io_apic[4] = APIC_MASKED;
    }
    apic[APIC_SPURIOUS / 4] = APIC_ENABLED | 0xFF;
    apic[APIC_LINT0 / 4] = APIC_EXTINT;
    apic[APIC_LINT1 / 4] = APIC_NMI;
    SHARED(processor_apic) = 1;
}

void processor_identify(void)
{
    char *text = SHARED(processor_text);
    SHARED(processor_fpu) = fpu_present();
    if (!flag_changes(EFLAGS_AC))
        append(&text, "80386");
    else if (!flag_changes(EFLAGS_ID))
        append(&text, "80486");
    else {
        describe_cpuid(text);
        start_apic();
    }
}
