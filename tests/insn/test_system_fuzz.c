/* Random worlds for the system instructions: descriptor tables, gates, TSSs and page tables full of
 * nearly right entries, and code that uses them. Whatever the guest does, the processor stays whole
 * (no assertion, no address sanitizer report), and the outcome does not depend on how the engine
 * cuts the instructions. Also: the processor's field tables cover all of its state.
 * Run alone: meson test -C build system_fuzz */
#include "cpu/code.h"
#include "cpu/segment.h"
#include "cpu/system.h"
#include "snapshot/state.h"
#include "tests/harness/bare_cpu.h"
#include "tests/harness/random.h"
#include "tests/harness/unit.h"

#include <string.h>

enum {
    GDT = 0x1000,
    IDT = 0x2000,
    LDT = 0x3000,
    TSS = 0x4000, /* eight of 200h bytes */
    DIRECTORY = 0x6000,
    TABLE = 0x7000,
    CODE = 0x10000,
    CODE_SIZE = 0x4000,
    STACK = 0x20000,
    WORLD = 1 << 20, /* bytes of RAM */
    SEEDS = 600,
    INSNS = 1500,
    ENTRIES = 64
};

/* Beginnings of instructions that this is about; what follows is random. */
static const char *const templates[] = {
    "\xCF",     "\xCB",         "\xCA",         "\xCD",         "\xCC",         "\xCE",
    "\xF1",     "\x9A",         "\xEA",         "\xFF\x1C",     "\xFF\x2C",     "\x8E",
    "\x8C",     "\x07",         "\x17",         "\x1F",         "\x0F\xA1",     "\x0F\xA9",
    "\xC4",     "\xC5",         "\x0F\xB2",     "\x0F\xB4",     "\x0F\xB5",     "\x0F\x00",
    "\x0F\x01", "\x0F\x02",     "\x0F\x03",     "\x63",         "\x0F\x20",     "\x0F\x22",
    "\x0F\x21", "\x0F\x23",     "\x0F\x06",     "\x9C",         "\x9D",         "\xFA",
    "\xFB",     "\xE4",         "\xEC",         "\xEE",         "\x6C",         "\x6E",
    "\xF3\x6C", "\xF3\xA4",     "\xF3\xAB",     "\x0F\x30",     "\x0F\x32",     "\x0F\x31",
    "\x0F\x34", "\x0F\x35",     "\x0F\xA2",     "\x66\xCF",     "\x66\xCB",     "\x66\x9D",
    "\x66\x8E", "\x66\xFF\x1C", "\xB8\x11\x00", "\x0D\x00\x01", "\x80\x0C\x24", "\xC8",
};

static void fill_code(uint8_t *code, uint64_t *random)
{
    for (unsigned i = 0; i < CODE_SIZE; i++)
        code[i] = (uint8_t)(random_next(random) >> 40);
    for (unsigned i = 0; i + 16 < CODE_SIZE; i += 1 + random_below(random, 6)) {
        const char *text = templates[random_below(random, ARRAY_LENGTH(templates))];
        memcpy(code + i, text, strlen(text));
    }
    for (unsigned i = 0; i < CODE_SIZE; i++) {
        if (code[i] == 0xF4)
            code[i] = 0x90;
    }
}

/* Selectors that mostly name something. */
static uint16_t random_selector(uint64_t *random)
{
    return (uint16_t)(random_below(random, ENTRIES) << 3 | (one_in(random, 6) ? SELECTOR_TI : 0) |
                      (one_in(random, 2) ? 0 : random_below(random, 4)));
}

static uint64_t random_descriptor(uint64_t *random)
{
    uint32_t type = random_below(random, 16);
    bool is_segment = !one_in(random, 3);
    uint32_t access = (one_in(random, 12) ? 0 : 0x80) | random_below(random, 4) << 5 |
                      (is_segment ? 0x10 : 0) | type;
    if (one_in(random, 3))
        access &= ~0x60u;
    if (!is_segment && (type == TYPE_TSS16 || type == TYPE_TSS32 || type == 3 || type == 11)) {
        uint32_t base = TSS + random_below(random, 8) * 0x200;
        uint32_t limit = one_in(random, 8) ? 0x40 : 0x1FF;
        return limit | (uint64_t)base << 16 | (uint64_t)access << 40;
    }
    if (!is_segment && type != TYPE_LDT)
        return ((CODE & 0xFFFF) + random_below(random, CODE_SIZE)) |
               (uint64_t)random_selector(random) << 16 |
               (uint64_t)(access << 8 | (type == 4 || type == 12 ? random_below(random, 32) : 0))
                   << 32 |
               (uint64_t)(CODE >> 16) << 48;
    uint32_t flags = random_below(random, 16) & 0xD;
    uint32_t limit = one_in(random, 4) ? random_below(random, 0x20000) : 0xFFFFF;
    uint32_t base = one_in(random, 4) ? random_below(random, 0x10000) : 0;
    return (limit & 0xFFFF) | (uint64_t)base << 16 | (uint64_t)access << 40 |
           (uint64_t)(limit >> 16 | flags << 4) << 48;
}

static void fill_tables(uint8_t *ram, uint64_t *random)
{
    for (unsigned i = 1; i < ENTRIES; i++) {
        store_le64(ram + GDT + i * 8, random_descriptor(random));
        store_le64(ram + LDT + i * 8, random_descriptor(random));
    }
    store_le64(ram + GDT + 0x08, UINT64_C(0x00CF9B000000FFFF));
    store_le64(ram + GDT + 0x10, UINT64_C(0x00CF93000000FFFF));
    for (unsigned i = 0; i < 256; i++) {
        static const uint8_t types[] = {5, 6, 7, 14, 14, 14, 15, 12};
        uint32_t access = (one_in(random, 20) ? 0 : 0x80) | (one_in(random, 2) ? 0x60 : 0) |
                          types[random_below(random, 8)];
        uint32_t offset = CODE + random_below(random, CODE_SIZE);
        uint16_t selector = one_in(random, 3) ? random_selector(random) : 8;
        store_le64(ram + IDT + i * 8, (offset & 0xFFFF) | (uint64_t)selector << 16 |
                                          (uint64_t)access << 40 | (uint64_t)(offset >> 16) << 48);
    }
    for (unsigned i = 0; i < 8; i++) {
        uint8_t *tss = ram + TSS + i * 0x200;
        for (unsigned j = 0; j < 0x68; j += 4) {
            bool is_selector = j == 0 || j == 8 || j == 16 || j == 24 || j >= 0x48;
            store_le32(tss + j, is_selector ? random_selector(random)
                                            : STACK + random_below(random, 0x8000) * 2);
        }
        store_le32(tss + 0x1C, DIRECTORY);
        store_le32(tss + 0x20, CODE + random_below(random, CODE_SIZE));
        store_le32(tss + 0x24, (uint32_t)random_next(random) & 0x3FFFFF);
        store_le32(tss + 0x64, 0x00680000 | one_in(random, 4));
        memset(tss + 0x68, one_in(random, 2) ? 0 : 0xFF, 0x198);
    }
}

static void fill_pages(uint8_t *ram, uint64_t *random)
{
    for (unsigned i = 0; i < 1024; i++) {
        uint32_t flags = 7;
        if (i >= 8 && one_in(random, 5))
            flags = random_below(random, 8);
        store_le32(ram + TABLE + i * 4, i << 12 | flags);
        store_le32(ram + DIRECTORY + i * 4,
                   one_in(random, 3) ? TABLE | 7 : random_below(random, 0x200));
    }
    store_le32(ram + DIRECTORY, TABLE | 7);
}

static void start(struct bare_cpu *bare, uint64_t seed)
{
    struct cpu *cpu = bare->cpu;
    uint64_t random = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    cpu_reset(cpu, false);
    memset(bare->ram, 0, WORLD);
    fill_code(bare->ram + CODE, &random);
    fill_tables(bare->ram, &random);
    fill_pages(bare->ram, &random);
    for (unsigned i = 0; i < 0x8000; i += 2)
        store_le16(bare->ram + STACK + i, random_selector(&random));
    code_flush(cpu->code);
    bare_cpu_flat(bare, !one_in(&random, 3));
    cpu->icount = cpu->fault_icount = cpu->tsc_offset = 0;
    for (unsigned i = 0; i < 8; i++)
        cpu->gpr[i] =
            one_in(&random, 2) ? random_selector(&random) : STACK + random_below(&random, 0x8000);
    cpu->gpr[REG_ESP] = STACK + 0x4000;
    cpu->gdtr_base = GDT;
    cpu->idtr_base = IDT;
    cpu->gdtr_limit = ENTRIES * 8 - 1;
    cpu->idtr_limit = 0x7FF;
    cpu->ldtr = (struct segment){.base = LDT, .limit = ENTRIES * 8 - 1, .access = 0x82};
    cpu->tr = (struct segment){.base = TSS, .limit = 0x1FF, .access = 0x8B};
    cpu->cr3 = DIRECTORY;
    cpu->cr0 |= one_in(&random, 2) ? CR0_PG : 0;
    cpu->cr4 = random_below(&random, 2048) & 0x59F;
    cpu->eip = CODE + random_below(&random, CODE_SIZE);
    cpu_set_eflags(cpu, (uint32_t)random_next(&random) & (FLAGS_ARITHMETIC | FLAG_IOPL | FLAG_DF));
    cpu_sync(cpu);
}

enum mode { WHOLE, CUT, STEPPED };

static void run(struct bare_cpu *bare, enum mode mode, uint64_t seed)
{
    struct cpu *cpu = bare->cpu;
    uint64_t random = seed + 5;
    while (cpu->icount < INSNS && cpu->activity != CPU_SHUTDOWN) {
        uint64_t budget = mode == CUT ? 1 + random_below(&random, 9) : INSNS;
        cpu->tracing = mode == STEPPED;
        cpu_run(cpu, cpu->icount + budget < INSNS ? cpu->icount + budget : INSNS);
        cpu_service(cpu);
        if (cpu->activity == CPU_HALTED)
            cpu->activity = CPU_RUNNING;
    }
    cpu->tracing = false;
    cpu->icount_limit = 0;
}

static void worlds_are_survived(void **state)
{
    static const char *const models[] = {"386", "486", "pentium", "pentium3"};
    unsigned failures = 0;
    uint64_t retired = 0;
    for (unsigned m = 0; m < ARRAY_LENGTH(models); m++) {
        struct bare_cpu *bare = bare_cpu_new_sized(models[m], WORLD);
        struct state_map *map = state_map_new();
        state_add_struct(map, "cpu", cpu_fields, bare->cpu, NULL);
        state_add_memory(map, "ram", bare->ram, WORLD);
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            uint64_t hash[3];
            for (enum mode mode = WHOLE; mode <= STEPPED; mode++) {
                start(bare, seed);
                run(bare, mode, seed);
                hash[mode] = state_hash(map);
            }
            retired += bare->cpu->icount;
            if (hash[WHOLE] == hash[CUT] && hash[WHOLE] == hash[STEPPED])
                continue;
            print_error("%s, seed %u: whole %016lx cut %016lx stepped %016lx\n", models[m],
                        (unsigned)seed, hash[WHOLE], hash[CUT], hash[STEPPED]);
            failures++;
        }
        state_map_free(map);
        bare_cpu_free(bare);
    }
    assert_int_equal(failures, 0);
    assert_true(retired > SEEDS * 10);
}

static void field_tables_are_whole(void **state)
{
    assert_null(field_find_hole(cpu_fields, sizeof(struct cpu)));
    assert_null(field_find_hole(segment_fields, sizeof(struct segment)));
    assert_null(field_find_hole(fpu_fields, sizeof(struct fpu_state)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worlds_are_survived),
        cmocka_unit_test(field_tables_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
