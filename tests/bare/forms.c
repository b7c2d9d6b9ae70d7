/* Forms of system and segment instructions that the other images do not reach: each does something
 * that can be seen, and it is looked at.
 * Run alone: meson test -C build bare-forms */
#include "rings.h"

enum {
    SEL_SMALL = SEL_TEST,
    PAGE_PORT = 0x84,
    CONFIG_ADDRESS = 0xCF8,
    SCRATCH = 0x3FF,
    SEQUENCER = 0x3C4
};

static bool has_cpuid;

/* --- segment registers --- */

struct far_pointer {
    uint32_t offset;
    uint16_t selector;
} __attribute__((packed));

#define LOADS(name)                                                                                \
    static void name(void *argument)                                                               \
    {                                                                                              \
        const struct far_pointer *pointer = argument;                                              \
        uint32_t offset = 0;                                                                       \
        uint16_t selector = 0;                                                                     \
        __asm__ volatile("push %%ds\npush %%es\npush %%fs\npush %%gs\n" #name                      \
                         " (%2), %0\n"                                                             \
                         "movw %%" SEGMENT ", %w1\npop %%gs\npop %%fs\npop %%es\npop %%ds"         \
                         : "=&r"(offset), "=&r"(selector)                                          \
                         : "r"(pointer)                                                            \
                         : "memory");                                                              \
        CHECK_EQUAL("SDM 2 " #name, offset, pointer->offset);                                      \
        CHECK_EQUAL("SDM 2 " #name, selector, pointer->selector);                                  \
    }
#define SEGMENT "ds"
LOADS(lds)
#undef SEGMENT
#define SEGMENT "es"
LOADS(les)
#undef SEGMENT
#define SEGMENT "fs"
LOADS(lfs)
#undef SEGMENT
#define SEGMENT "gs"
LOADS(lgs)
#undef SEGMENT

/* The stack stays where it is: the segment is flat. */
static void lss(void *argument)
{
    struct far_pointer pointer = {0, SEL_SMALL + 8};
    uint16_t selector;
    __asm__ volatile(
        "movl %%esp, (%1)\n"
        "lss (%1), %%esp\n"
        "movw %%ss, %w0\n"
        "movl %2, %%ecx\n"
        "movw %%cx, %%ss"
        : "=&r"(selector)
        : "r"(&pointer), "i"(SEL_DATA)
        : "memory", "ecx");
    CHECK_EQUAL("SDM 2 LSS", selector, SEL_SMALL + 8);
}

/* PUSH and POP of a segment register; the selector is in none before. */
#define PUSH_POP(segment)                                                                          \
    do {                                                                                           \
        uint32_t pushed, popped;                                                                   \
        __asm__ volatile("movl %%" #segment                                                        \
                         ", %%ecx\n"                                                               \
                         "pushl %2\n"                                                              \
                         "pop %%" #segment                                                         \
                         "\n"                                                                      \
                         "push %%" #segment                                                        \
                         "\n"                                                                      \
                         "popl %0\n"                                                               \
                         "movl %%" #segment                                                        \
                         ", %1\n"                                                                  \
                         "movl %%ecx, %%" #segment                                                 \
                         : "=&r"(pushed), "=&r"(popped)                                            \
                         : "i"(SEL_SMALL + 8)                                                      \
                         : "ecx", "memory");                                                       \
        CHECK_EQUAL("SDM 2 POP " #segment, popped & 0xFFFF, SEL_SMALL + 8);                        \
        CHECK_EQUAL("SDM 2 PUSH " #segment, pushed & 0xFFFF, SEL_SMALL + 8);                       \
    } while (0)

static void push_pop(void *argument)
{
    PUSH_POP(ds);
    PUSH_POP(es);
    PUSH_POP(fs);
    PUSH_POP(gs);
    PUSH_POP(ss);
}

static void test_segments(void)
{
    struct far_pointer pointer = {0x12345678, SEL_SMALL};
    ring_set(SEL_SMALL, bare_descriptor(0x1000, 0xFFF, 0x93, 4), 0);
    ring_set(SEL_SMALL + 8, bare_descriptor(0, 0xFFFFF, 0x93, 0xC), 0);
    RUNS("SDM 2 LDS", bare_try(lds, &pointer));
    RUNS("SDM 2 LES", bare_try(les, &pointer));
    RUNS("SDM 2 LFS", bare_try(lfs, &pointer));
    RUNS("SDM 2 LGS", bare_try(lgs, &pointer));
    RUNS("SDM 2 LSS", bare_try(lss, NULL));
    RUNS("SDM 2 PUSH, POP", bare_try(push_pop, NULL));
}

/* --- ports: the spare page registers at 84h and 85h, the VGA sequencer, PCI's address register,
 * COM1's scratch --- */

static void test_port_immediate(void)
{
    const char *where = "SDM 2 IN, OUT, immediate port";
    uint32_t value;
    __asm__ volatile(
        "outb %%al, %1\n"
        "xorl %%eax, %%eax\n"
        "inb %1, %%al"
        : "=a"(value)
        : "i"(PAGE_PORT), "0"(0x5A));
    CHECK_EQUAL(where, value & 0xFF, 0x5A);
    __asm__ volatile(
        "outw %%ax, %1\n"
        "xorl %%eax, %%eax\n"
        "inw %1, %%ax"
        : "=a"(value)
        : "i"(PAGE_PORT), "0"(0x1234));
    CHECK_EQUAL(where, value, 0x1234);
    CHECK_EQUAL("a word is two byte ports", in8(PAGE_PORT + 1), 0x12);
}

static void test_port_register(void)
{
    const char *where = "SDM 2 IN, OUT, port in DX";
    out8(SCRATCH, 0xA5);
    CHECK_EQUAL(where, in8(SCRATCH), 0xA5);
    out16(SEQUENCER, 0x0502);
    CHECK_EQUAL(where, in16(SEQUENCER), 0x0502);
    out32(CONFIG_ADDRESS, 0x80000004);
    CHECK_EQUAL(where, in32(CONFIG_ADDRESS), 0x80000004);
    out32(CONFIG_ADDRESS, 0);
}

#define STRING_IO(name, instruction, pointer)                                                      \
    static const void *name(uint16_t port, const void *memory)                                     \
    {                                                                                              \
        __asm__ volatile("cld\n" instruction : "+" pointer(memory) : "d"(port) : "memory");        \
        return memory;                                                                             \
    }
STRING_IO(outsb, "outsb", "S")
STRING_IO(outsw, "outsw", "S")
STRING_IO(outsl, "outsl", "S")
STRING_IO(insb, "insb", "D")
STRING_IO(insw, "insw", "D")
STRING_IO(insl, "insl", "D")

static void test_port_strings(void)
{
    const char *where = "SDM 2 INS, OUTS";
    static uint8_t from[8] = {0xC3, 0x0A, 0x81, 0x80}, to[8];
    CHECK(where, outsb(SCRATCH, from) == from + 1);
    CHECK_EQUAL(where, in8(SCRATCH), 0xC3);
    CHECK(where, insb(SCRATCH, to) == to + 1);
    CHECK_EQUAL(where, to[0] | to[1] << 8, 0xC3);
    from[0] = 2; /* map mask */
    CHECK(where, outsw(SEQUENCER, from) == from + 2);
    CHECK_EQUAL(where, in16(SEQUENCER), 0x0A02);
    CHECK(where, insw(SEQUENCER, to + 2) == to + 4);
    CHECK_EQUAL(where, to[2] | to[3] << 8 | to[4] << 16, 0x0A02);
    from[0] = 4;
    CHECK(where, outsl(CONFIG_ADDRESS, from) == from + 4);
    uint32_t address = in32(CONFIG_ADDRESS);
    CHECK(where, insl(CONFIG_ADDRESS, to) == to + 4);
    CHECK_EQUAL(where, *(uint32_t *)to, address);
    CHECK_EQUAL("PCI 2.1, 3.2.2.3.2", address & 0x80FFFF00, 0x80810A00);
    out32(CONFIG_ADDRESS, 0);
}

/* --- system registers --- */

struct table {
    uint16_t limit;
    uint32_t base;
} __attribute__((packed));

static void test_tables(void)
{
    struct table gdt = {0, 0}, idt = {0, 0};
    __asm__ volatile("sgdt %0\nsidt %1" : "=m"(gdt), "=m"(idt));
    CHECK_EQUAL("SDM 2 SGDT", gdt.base, (uint32_t)bare_gdt);
    CHECK_EQUAL("SDM 2 SGDT", gdt.limit, sizeof bare_gdt - 1);
    CHECK_EQUAL("SDM 2 SIDT", idt.base, (uint32_t)bare_idt);
    CHECK_EQUAL("SDM 2 SIDT", idt.limit, sizeof bare_idt - 1);
}

static void test_register(void *value)
{
    uint32_t back;
    __asm__ volatile(
        ".byte 0x0F, 0x26, 0xF1\n" /* MOV TR6, ECX */
        ".byte 0x0F, 0x24, 0xF0"   /* MOV EAX, TR6 */
        : "=a"(back)
        : "c"(value));
    CHECK_EQUAL("386 Programmer's Reference 10.6, TR6", back, (uint32_t)value);
}
static void set_test_register(void *value)
{
    __asm__ volatile(".byte 0x0F, 0x26, 0xF1" : : "c"(value));
}

static void test_test_registers(void)
{
    if (has_cpuid)
        FAULTS("SDM 3B 22, no test registers", bare_try(set_test_register, NULL), 6, 0);
    else
        RUNS("386 Programmer's Reference 10.6", bare_try(test_register, (void *)0x7654F060));
}

/* --- performance counters --- */

static uint32_t counter;
static void rdpmc(void *argument)
{
    uint32_t high;
    __asm__ volatile("rdpmc" : "=a"(counter), "=d"(high) : "c"(argument), "0"(0xDEAD), "1"(0xBEEF));
    counter ^= high;
}

static void test_counters(void)
{
    uint32_t eax = 0, ebx, ecx, edx;
    if (has_cpuid)
        __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
    if (eax < 2) { /* before the P6 */
        FAULTS("SDM 2 RDPMC, not there", bare_try(rdpmc, NULL), 6, 0);
        return;
    }
    RUNS("SDM 2 RDPMC", bare_try(rdpmc, NULL));
    CHECK("SDM 2 RDPMC, EDX:EAX is a counter of 40 bits", counter != (0xDEAD ^ 0xBEEF));
    FAULTS("SDM 2 RDPMC, no such counter", bare_try(rdpmc, (void *)0x1000), 13, 0);
    FAULTS("SDM 2 RDPMC, CR4.PCE", ring_try(3, 0, rdpmc, NULL), 13, 0);
}

void bare_tests(void)
{
    ring_init();
    has_cpuid = ring_features() != 0;
    test_segments();
    test_port_immediate();
    test_port_register();
    test_port_strings();
    test_tables();
    test_test_registers();
    test_counters();
}
