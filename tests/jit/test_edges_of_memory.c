/* Translated accesses off registers that point at the ends of pages and of the address space: sums
 * that wrap around in 32 bits, runs that are in two pages, alone and checked together. Run alone:
 * meson test -C build jit_edges_of_memory */
#include "cpu/segment.h"
#include "tests/harness/unit.h"
#include "tests/jit/pair.h"

#include <string.h>

enum {
    CODE = 0x10000,
    STACK = 0x30000,
    COMPARED = 0x40000,
    INSNS = 11,
};

static const uint8_t program[] = {
    0x8B, 0x43, 0x10,                   /* mov eax, [ebx + 16]: a run */
    0x03, 0x43, 0x18,                   /* add eax, [ebx + 24] */
    0x89, 0x43, 0x14,                   /* mov [ebx + 20], eax */
    0x03, 0x7E, 0xF8,                   /* add edi, [esi - 8] */
    0x0F, 0xB6, 0x4D, 0x03,             /* movzx ecx, byte [ebp + 3] */
    0x89, 0x55, 0x00,                   /* mov [ebp], edx: with the one before a run */
    0x03, 0x82, 0x00, 0x00, 0x10, 0x00, /* add eax, [edx + 100000] */
    0x2B, 0x82, 0x10, 0x00, 0x00, 0x80, /* sub eax, [edx - 7FFFFFF0], in no run with that */
    0x03, 0x3E,                         /* add edi, [esi] */
    0x00, 0xC1,                         /* add cl, al */
    0xEB, 0xDB,                         /* jmp to the first */
};

/* So often, with other registers each time, and the same ones: then code runs that was translated
 * for others. */
enum { ROUNDS = 2000 };

static const uint32_t places[] = {
    0,          1,          8,          16,         0xFE8,      0xFF0,      0xFFC,
    0x1000,     0x1008,     0x20FEC,    0x20FF1,    0x20FFD,    0x21004,    0x22010,
    0xFFEFFFFC, 0xFFF00000, 0xFFFFEFF8, 0xFFFFEFFF, 0xFFFFF000, 0xFFFFFFE9, 0xFFFFFFEF,
    0xFFFFFFF0, 0xFFFFFFF8, 0xFFFFFFFF, 0x7FFFFFF0, 0x80000000, 0x80020000, 0xFFF20000,
};
enum { PLACES = sizeof places / sizeof places[0] };

static uint32_t place(uint32_t *random)
{
    *random = *random * 1664525 + 1013904223;
    return places[(*random >> 16) % PLACES];
}

static void prepare(struct pair *pair)
{
    uint8_t ones[0x1000];
    memset(ones, 0x11, sizeof ones);
    for (unsigned i = 0; i < PAIR_SIDES; i++) {
        bare_cpu_flat(pair->bare[i], true);
        bare_cpu_write(pair->bare[i], CODE, program, sizeof program);
        bare_cpu_write(pair->bare[i], 0, ones, sizeof ones);
        bare_cpu_write(pair->bare[i], 0x20800, ones, sizeof ones);
    }
}

static void start(struct pair *pair, uint32_t *random)
{
    static const uint8_t pointers[] = {REG_EBX, REG_ESI, REG_EBP, REG_EDX};
    for (unsigned r = 0; r < sizeof pointers; r++) {
        uint32_t value = place(random);
        for (unsigned i = 0; i < PAIR_SIDES; i++)
            pair->bare[i]->cpu->gpr[pointers[r]] = value;
    }
    for (unsigned i = 0; i < PAIR_SIDES; i++) {
        struct cpu *cpu = pair->bare[i]->cpu;
        cpu->eip = CODE;
        cpu->gpr[REG_ESP] = STACK;
        cpu_sync(cpu);
    }
}

static void both_engines_agree(void **state)
{
    struct pair pair;
    struct error err;
    uint32_t random = 1;
    if (!pair_open(&pair, "pentium3", &(struct jit_options){.warm = 4}, COMPARED, &err))
        skip();
    prepare(&pair);
    for (unsigned round = 0; round < ROUNDS; round++) {
        start(&pair, &random);
        pair_run(&pair, INSNS);
        assert_false(pair_differs(&pair, NULL));
    }
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_engines_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
