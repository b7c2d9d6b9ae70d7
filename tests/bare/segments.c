/* Segment registers, limits, types, and descriptor queries.
 * Run alone: meson test -C build bare-segments */
#include "rings.h"

static uint8_t data[8192] __attribute__((aligned(4096)));

static uint64_t data_segment(uint32_t limit, uint8_t access, uint8_t flags)
{
    return bare_descriptor((uint32_t)data, limit, access, flags);
}

/* --- loading --- */

static void load_fs(void *selector)
{
    __asm__ volatile("movw %w0, %%fs" : : "r"(selector));
}
static void load_ss(void *selector)
{
    __asm__ volatile("movl %%ss, %%ecx; movw %w0, %%ss; movw %%cx, %%ss" : : "r"(selector) : "ecx");
}
static bool try_fs(unsigned ring, uint16_t selector)
{
    return ring_try(ring, 0, load_fs, (void *)(uint32_t)selector);
}
static bool try_ss(unsigned ring, uint16_t selector)
{
    return ring_try(ring, 0, load_ss, (void *)(uint32_t)selector);
}

static void test_data_loads(void)
{
    const char *where = "SDM 2B MOV; 3A 5.6";
    RUNS(where, try_fs(0, 0));
    RUNS(where, try_fs(0, 3));
    RUNS(where, try_fs(3, 1));
    FAULTS(where, try_fs(0, 128 * 8), 13, 128 * 8);
    FAULTS(where, try_fs(3, 128 * 8 + 3), 13, 128 * 8);
    FAULTS("SDM 3A 5.6, DPL 0 at CPL 3", try_fs(3, SEL_DATA), 13, SEL_DATA);
    FAULTS("SDM 3A 5.6, RPL 3 for DPL 0", try_fs(0, SEL_DATA | 3), 13, SEL_DATA);
    RUNS("SDM 3A 5.6, DPL 3 at CPL 0", try_fs(0, SEL_USER_DATA & ~3));
    RUNS("SDM 3A 5.6", try_fs(2, SEL_DATA2));
    FAULTS("SDM 3A 5.6", try_fs(2, SEL_DATA1 & ~3), 13, SEL_DATA1 & ~3);
    RUNS("SDM 3A 5.6", try_fs(1, SEL_DATA1));
    uint16_t test = ring_set(SEL_TEST, data_segment(0xFFF, 0x13, 0x4), 0);
    FAULTS("SDM 3A 6.15, #NP", try_fs(0, test), 11, SEL_TEST);
    ring_set(SEL_TEST, data_segment(0xFFF, 0x98, 0x4), 0);
    FAULTS("SDM 3A 5.5, execute-only code", try_fs(0, test), 13, SEL_TEST);
    ring_set(SEL_TEST, data_segment(0xFFF, 0x9A, 0x4), 0);
    RUNS("SDM 3A 5.5, readable code", try_fs(0, test));
    ring_set(SEL_TEST, data_segment(0xFFF, 0x9E, 0x4), 0);
    RUNS("SDM 3A 5.6.1, conforming code ignores privilege", try_fs(3, SEL_TEST | 3));
    ring_set(SEL_TEST, data_segment(0xFFF, 0x9A, 0x4), 0);
    FAULTS("SDM 3A 5.6.1", try_fs(3, SEL_TEST | 3), 13, SEL_TEST);
    ring_set(SEL_TEST, data_segment(0xFFF, 0x89, 0x0), 0);
    FAULTS("SDM 3A 5.5, system descriptor", try_fs(0, test), 13, SEL_TEST);
    ring_set(SEL_TEST, ring_gate(SEL_CODE, 0, 0x8C00, 0), 0);
    FAULTS("SDM 3A 5.5, gate", try_fs(0, test), 13, SEL_TEST);
    ring_ldt[1] = data_segment(0xFFF, 0xF3, 0x4);
    RUNS("SDM 3A 3.5.1, LDT", try_fs(3, 8 | 4 | 3));
    FAULTS("SDM 3A 6.13, TI bit", try_fs(3, 16 * 8 | 4 | 3), 13, 16 * 8 | 4);
    __asm__ volatile("lldt %w0" : : "r"(0));
    FAULTS("SDM 3A 2.4.2, no LDT", try_fs(0, 8 | 4), 13, 8 | 4);
    __asm__ volatile("lldt %w0" : : "r"(SEL_LDT));
}

static void test_stack_loads(void)
{
    const char *where = "SDM 3A 5.7";
    FAULTS(where, try_ss(0, 0), 13, 0);
    FAULTS(where, try_ss(3, 3), 13, 0);
    FAULTS(where, try_ss(0, SEL_USER_DATA), 13, SEL_USER_DATA & ~3);
    FAULTS(where, try_ss(3, SEL_DATA), 13, SEL_DATA);
    FAULTS("SDM 3A 5.7, RPL", try_ss(0, SEL_DATA | 1), 13, SEL_DATA);
    uint16_t test = ring_set(SEL_TEST, bare_descriptor(0, 0xFFFFF, 0x90, 0xC), 0);
    FAULTS("SDM 3A 5.7, read-only", try_ss(0, test), 13, SEL_TEST);
    ring_set(SEL_TEST, bare_descriptor(0, 0xFFFFF, 0x9A, 0xC), 0);
    FAULTS("SDM 3A 5.7, code", try_ss(0, test), 13, SEL_TEST);
    ring_set(SEL_TEST, bare_descriptor(0, 0xFFFFF, 0x12, 0xC), 0);
    FAULTS("SDM 3A 6.15, #SS not present", try_ss(0, test), 12, SEL_TEST);
    ring_set(SEL_TEST, bare_descriptor(0, 0xFFFFF, 0x92, 0xC), 0);
    RUNS(where, try_ss(0, test));
}

static void test_accessed(void)
{
    const char *where = "SDM 3A 3.4.5.1, accessed bit";
    uint16_t test = ring_set(SEL_TEST, data_segment(0xFFF, 0x92, 0x4), 0);
    RUNS(where, try_fs(0, test));
    CHECK_EQUAL(where, (uint32_t)(bare_gdt[SEL_TEST >> 3] >> 40 & 0xFF), 0x93);
    ring_set(SEL_TEST, data_segment(0xFFF, 0x12, 0x4), 0);
    FAULTS(where, try_fs(0, test), 11, SEL_TEST);
    CHECK_EQUAL("SDM 3A 3.4.5.1, not when it faults",
                (uint32_t)(bare_gdt[SEL_TEST >> 3] >> 40 & 0xFF), 0x12);
    __asm__ volatile("movw %w0, %%fs" : : "r"(0));
}

/* --- limits and types --- */

struct access {
    uint16_t selector;
    uint32_t offset;
};
static void read8(void *argument)
{
    struct access *a = argument;
    __asm__ volatile("movw %w0, %%fs; movb %%fs:(%1), %%al"
                     :
                     : "r"(a->selector), "r"(a->offset)
                     : "eax");
}
static void read16(void *argument)
{
    struct access *a = argument;
    __asm__ volatile("movw %w0, %%fs; movw %%fs:(%1), %%ax"
                     :
                     : "r"(a->selector), "r"(a->offset)
                     : "eax");
}
static void read32(void *argument)
{
    struct access *a = argument;
    __asm__ volatile("movw %w0, %%fs; movl %%fs:(%1), %%eax"
                     :
                     : "r"(a->selector), "r"(a->offset)
                     : "eax");
}
static void write32(void *argument)
{
    struct access *a = argument;
    __asm__ volatile("movw %w0, %%fs; movl %%eax, %%fs:(%1)"
                     :
                     : "r"(a->selector), "r"(a->offset)
                     : "memory");
}
static void add32(void *argument)
{
    struct access *a = argument;
    __asm__ volatile("movw %w0, %%fs; addl %%eax, %%fs:(%1)"
                     :
                     : "r"(a->selector), "r"(a->offset)
                     : "memory");
}
static bool access(void (*how)(void *), uint16_t selector, uint32_t offset)
{
    struct access a = {selector, offset};
    return bare_try(how, &a);
}

static void test_limits(void)
{
    const char *where = "SDM 3A 5.3";
    uint16_t test = ring_set(SEL_TEST, data_segment(0x0FF, 0x93, 0x4), 0);
    RUNS(where, access(read8, test, 0xFF));
    FAULTS(where, access(read8, test, 0x100), 13, 0);
    RUNS(where, access(read16, test, 0xFE));
    FAULTS(where, access(read16, test, 0xFF), 13, 0);
    RUNS(where, access(read32, test, 0xFC));
    FAULTS(where, access(read32, test, 0xFD), 13, 0);
    FAULTS(where, access(read32, test, 0xFFFFFFFE), 13, 0);
    FAULTS(where, access(write32, test, 0xFD), 13, 0);
    FAULTS(where, access(add32, test, 0xFD), 13, 0);
    ring_set(SEL_TEST, data_segment(0, 0x93, 0xC), 0);
    RUNS("SDM 3A 5.3, G = 1", access(read32, test, 0xFFC));
    FAULTS("SDM 3A 5.3, G = 1", access(read32, test, 0xFFD), 13, 0);
    ring_set(SEL_TEST, data_segment(0, 0x93, 0x4), 0);
    RUNS("SDM 3A 5.3, limit 0 is one byte", access(read8, test, 0));
    FAULTS("SDM 3A 5.3, limit 0 is one byte", access(read8, test, 1), 13, 0);
}

static void test_expand_down(void)
{
    const char *where = "SDM 3A 5.3, expand-down";
    uint16_t test = ring_set(SEL_TEST, data_segment(0x0FF, 0x97, 0x4), 0);
    FAULTS(where, access(read8, test, 0xFF), 13, 0);
    RUNS(where, access(read8, test, 0x100));
    FAULTS(where, access(read32, test, 0xFE), 13, 0);
    RUNS(where, access(write32, test, 0x1000));
    ring_set(SEL_TEST, data_segment(0x0FF, 0x97, 0x0), 0);
    RUNS("SDM 3A 5.3, expand-down, B = 0", access(read8, test, 0x1FFF));
    FAULTS("SDM 3A 5.3, expand-down, B = 0", access(read8, test, 0x10000), 13, 0);
    FAULTS("SDM 3A 5.3, expand-down, B = 0", access(read32, test, 0xFFFD), 13, 0);
    ring_set(SEL_TEST, data_segment(0, 0x97, 0xC), 0);
    FAULTS("SDM 3A 5.3, expand-down, G = 1", access(read8, test, 0xFFF), 13, 0);
    RUNS("SDM 3A 5.3, expand-down, G = 1", access(read8, test, 0x1000));
}

static void test_types(void)
{
    uint16_t test = ring_set(SEL_TEST, data_segment(0xFFF, 0x91, 0x4), 0);
    RUNS("SDM 3A 5.5, read-only", access(read32, test, 0));
    FAULTS("SDM 3A 5.5, read-only", access(write32, test, 0), 13, 0);
    FAULTS("SDM 3A 5.5, read-only", access(add32, test, 0), 13, 0);
    ring_set(SEL_TEST, data_segment(0xFFF, 0x9B, 0x4), 0);
    RUNS("SDM 3A 5.5, readable code", access(read32, test, 0));
    FAULTS("SDM 3A 5.5, code is never written", access(write32, test, 0), 13, 0);
    FAULTS("SDM 3A 5.4.1, null selector", access(read8, 0, 0), 13, 0);
    FAULTS("SDM 3A 5.4.1, null selector", access(write32, 0, 0), 13, 0);
    ring_set(SEL_TEST, data_segment(3, 0x93, 0x4), 0);
    RUNS("SDM 3A 5.3", access(add32, test, 0));
    FAULTS("SDM 3A 6.5, faults change nothing", access(add32, test, 1), 13, 0);
}

static void push_at(void *esp)
{
    __asm__ volatile(
        "movl %%esp, %%ecx; movl %%ss, %%edx; movw %w0, %%ss; movl %1, %%esp;"
        "pushl %%eax; movw %%dx, %%ss; movl %%ecx, %%esp"
        :
        : "r"(SEL_TEST | 3), "r"(esp)
        : "ecx", "edx", "memory");
}
static void pop_at(void *esp)
{
    __asm__ volatile(
        "movl %%esp, %%ecx; movl %%ss, %%edx; movw %w0, %%ss; movl %1, %%esp;"
        "popl %%eax; movw %%dx, %%ss; movl %%ecx, %%esp"
        :
        : "r"(SEL_TEST | 3), "r"(esp)
        : "eax", "ecx", "edx", "memory");
}
static void read_ebp(void *ebp)
{
    __asm__ volatile(
        "movl %%ss, %%edx; movl %%ebp, %%ecx; movw %w0, %%ss; movl %1, %%ebp;"
        "movl (%%ebp), %%eax; movl %%ecx, %%ebp; movw %%dx, %%ss"
        :
        : "r"(SEL_TEST | 3), "r"(ebp)
        : "eax", "ecx", "edx", "memory");
}

/* At CPL 3, so that the handler has a good stack. */
static bool on_stack(void (*function)(void *), uint32_t pointer)
{
    return ring_try(3, 0, function, (void *)pointer);
}

static void test_stack_faults(void)
{
    ring_set(SEL_TEST, data_segment(0x0FFF, 0xF3, 0x4), 3);
    FAULTS("SDM 3A 6.15, #SS for POP", on_stack(pop_at, 0xFFE), 12, 0);
    CHECK_EQUAL("SDM 3A 6.5, ESP is as before the POP", bare_frame.esp, 0xFFE);
    FAULTS("SDM 3A 6.15, #SS for PUSH", on_stack(push_at, 0x1004), 12, 0);
    CHECK_EQUAL("SDM 3A 6.5, ESP is as before the PUSH", bare_frame.esp, 0x1004);
    RUNS("SDM 3A 5.3", on_stack(push_at, 0x1000));
    FAULTS("SDM 3A 6.15, #SS for EBP", on_stack(read_ebp, 0xFFE), 12, 0);
    ring_set(SEL_TEST, data_segment(0xFFFF, 0xF3, 0x0), 3);
    FAULTS("SDM 3A 6.15, #SS, a PUSH that wraps in the middle", on_stack(push_at, 2), 12, 0);
}

/* --- queries --- */

static uint32_t lar(uint32_t selector, bool *zf)
{
    uint32_t value = 0x12345678;
    __asm__ volatile("larl %2, %0; setz %1" : "+r"(value), "=q"(*zf) : "r"(selector));
    return value;
}
static uint32_t lsl(uint32_t selector, bool *zf)
{
    uint32_t value = 0x12345678;
    __asm__ volatile("lsll %2, %0; setz %1" : "+r"(value), "=q"(*zf) : "r"(selector));
    return value;
}
static bool verr(uint32_t selector)
{
    bool zf;
    __asm__ volatile("verr %w1; setz %0" : "=q"(zf) : "r"(selector));
    return zf;
}
static bool verw(uint32_t selector)
{
    bool zf;
    __asm__ volatile("verw %w1; setz %0" : "=q"(zf) : "r"(selector));
    return zf;
}

static void test_lar_lsl(void)
{
    bool zf;
    uint16_t test = ring_set(SEL_TEST, data_segment(0x12345, 0xF3, 0xD), 0);
    CHECK_EQUAL("SDM 2A LAR", lar(test, &zf) & 0x00F0FF00, 0x00D0F300);
    CHECK("SDM 2A LAR", zf);
    CHECK_EQUAL("SDM 2A LSL", lsl(test, &zf), 0x12345FFF);
    CHECK_EQUAL("SDM 2A LAR, null", lar(0, &zf), 0x12345678);
    CHECK("SDM 2A LAR, null", !zf);
    lar(128 * 8, &zf);
    CHECK("SDM 2A LAR, outside of the table", !zf);
    lar(SEL_DATA | 3, &zf);
    CHECK("SDM 2A LAR, RPL", !zf);
    static const struct {
        uint8_t type;
        bool lar, lsl;
    } system[] = {
        {0,  false, false},
        {1,  true,  true },
        {2,  true,  true },
        {3,  true,  true },
        {4,  true,  false},
        {5,  true,  false},
        {6,  false, false},
        {7,  false, false},
        {8,  false, false},
        {9,  true,  true },
        {10, false, false},
        {11, true,  true },
        {12, true,  false},
        {13, false, false},
        {14, false, false},
        {15, false, false}
    };
    for (unsigned i = 0; i < 16; i++) {
        ring_set(SEL_TEST, data_segment(0xFF, 0x80 | system[i].type, 0), 0);
        lar(test, &zf);
        CHECK_EQUAL("SDM 2A LAR, table 3-51", zf << 8 | system[i].type,
                    (uint32_t)system[i].lar << 8 | system[i].type);
        lsl(test, &zf);
        CHECK_EQUAL("SDM 2A LSL, table 3-56", zf << 8 | system[i].type,
                    (uint32_t)system[i].lsl << 8 | system[i].type);
    }
    ring_set(SEL_TEST, data_segment(0xFF, 0x13, 0), 0);
    lar(test, &zf);
    CHECK("SDM 2A LAR, presence does not count", zf);
}

static void test_verr_verw(void)
{
    const char *where = "SDM 2B VERR, VERW";
    uint16_t test = ring_set(SEL_TEST, data_segment(0xFF, 0x91, 0x4), 0);
    CHECK(where, verr(test) && !verw(test));
    ring_set(SEL_TEST, data_segment(0xFF, 0x93, 0x4), 0);
    CHECK(where, verr(test) && verw(test));
    CHECK(where, !verr(test | 3) && !verw(test | 3));
    ring_set(SEL_TEST, data_segment(0xFF, 0x99, 0x4), 0);
    CHECK(where, !verr(test) && !verw(test));
    ring_set(SEL_TEST, data_segment(0xFF, 0x9B, 0x4), 0);
    CHECK(where, verr(test) && !verw(test));
    ring_set(SEL_TEST, data_segment(0xFF, 0x9F, 0x4), 0);
    CHECK("SDM 2B VERR, conforming", verr(test | 3));
    CHECK(where, !verr(0) && !verr(SEL_TSS) && !verr(128 * 8));
}

static void test_arpl(void)
{
    uint32_t selector = 0x10;
    bool zf;
    __asm__ volatile("arpl %w2, %w0; setz %1" : "+r"(selector), "=q"(zf) : "r"(3));
    CHECK_EQUAL("SDM 2A ARPL", selector, 0x13);
    CHECK("SDM 2A ARPL", zf);
    __asm__ volatile("arpl %w2, %w0; setz %1" : "+r"(selector), "=q"(zf) : "r"(1));
    CHECK_EQUAL("SDM 2A ARPL", selector, 0x13);
    CHECK("SDM 2A ARPL", !zf);
}

/* --- tables --- */

static void load_ldtr(void *selector)
{
    __asm__ volatile("lldt %w0" : : "r"(selector));
}
static void load_tr(void *selector)
{
    __asm__ volatile("ltr %w0" : : "r"(selector));
}
static bool try_lldt(unsigned ring, uint16_t selector)
{
    return ring_try(ring, 0, load_ldtr, (void *)(uint32_t)selector);
}
static bool try_ltr(unsigned ring, uint16_t selector)
{
    return ring_try(ring, 0, load_tr, (void *)(uint32_t)selector);
}

static void test_system_loads(void)
{
    FAULTS("SDM 2A LLDT, privileged", try_lldt(3, SEL_LDT), 13, 0);
    FAULTS("SDM 2A LLDT, wrong type", try_lldt(0, SEL_DATA), 13, SEL_DATA);
    FAULTS("SDM 2A LLDT, in the LDT", try_lldt(0, 8 | 4), 13, 8 | 4);
    FAULTS("SDM 2A LLDT, outside", try_lldt(0, 128 * 8), 13, 128 * 8);
    uint16_t test = ring_set(SEL_TEST, data_segment(0xFF, 0x02, 0), 0);
    FAULTS("SDM 2A LLDT, #NP", try_lldt(0, test), 11, SEL_TEST);
    FAULTS("SDM 2A LTR, busy", try_ltr(0, SEL_TSS), 13, SEL_TSS);
    FAULTS("SDM 2A LTR, null", try_ltr(0, 0), 13, 0);
    FAULTS("SDM 2A LTR, privileged", try_ltr(1, SEL_TSS), 13, 0);
    ring_set(SEL_TEST, data_segment(0xFF, 0x09, 0), 0);
    FAULTS("SDM 2A LTR, #NP", try_ltr(0, test), 11, SEL_TEST);
    CHECK_EQUAL("SDM 2A LTR sets busy", (uint32_t)(bare_gdt[SEL_TSS >> 3] >> 40 & 0xFF), 0x8B);
    uint32_t selector = 0xFFFFFFFF;
    __asm__ volatile("str %0" : "=r"(selector));
    CHECK_EQUAL("SDM 2B STR", selector, SEL_TSS);
    __asm__ volatile("sldt %0" : "=r"(selector));
    CHECK_EQUAL("SDM 2B SLDT", selector, SEL_LDT);
}

static void push_ds(void *result)
{
    uint32_t *r = result;
    __asm__ volatile(
        "pushl $-1; pushl $-1; addl $8, %%esp; pushl %%ds; movl (%%esp), %%eax;"
        "movl %%eax, (%0); popl %%ds; pushw %%ds; popw %%ax; movl %%esp, 4(%0)"
        :
        : "r"(r)
        : "eax", "memory");
}

static void test_push_segment(void)
{
    uint32_t result[2] = {0, 0};
    RUNS("SDM 2B PUSH", bare_try(push_ds, result));
    CHECK_EQUAL("SDM 2B PUSH, segment register", result[0] & 0xFFFF, SEL_DATA);
}

void bare_tests(void)
{
    ring_init();
    test_data_loads();
    test_stack_loads();
    test_accessed();
    test_limits();
    test_expand_down();
    test_types();
    test_stack_faults();
    test_lar_lsl();
    test_verr_verw();
    test_arpl();
    test_system_loads();
    test_push_segment();
}
