/* What a guest computes must not depend on how the engine cuts its instructions into blocks and
 * budgets. Random bytes are run as code, with handlers that step over what faults, as 16-bit code
 * in real mode and as 32-bit code in user mode, which rewrites itself all the time: once in large
 * budgets, once in budgets of random size, once one instruction at a time; and by the translator in
 * the ways that find its mistakes. After every thousand retired instructions the whole state must
 * be the same. Run alone: meson test -C build cuts */
#include "cpu/code.h"
#include "cpu/segment.h"
#include "jit/jit.h"
#include "snapshot/state.h"
#include "tests/harness/bare_cpu.h"
#include "tests/harness/random.h"
#include "tests/harness/unit.h"

#include <string.h>

enum {
    CODE = 0x20000,
    CODE_SIZE = 0x10000,
    HANDLER = 0x500,
    SEEDS = 150,
    STRETCH = 1000,
    STRETCHES = 20
};

enum mode { WHOLE, CUT, STEPPED, MODES };

/* How the translator runs, each in large and in random budgets. */
static const struct translator {
    const char *name;
    struct jit_options options;
    unsigned block_limit; /* instructions in a block; 0: as many as fit */
} translators[] = {
    {"jit",        {.warm = 1},                                  0},
    {"jit warm",   {.warm = 3},                                  0},
    {"jit small",  {.warm = 1, .cache_size = 1},                 0},
    {"jit flush",  {.warm = 1, .unlinked = true, .flush = true}, 0},
    {"jit single", {.warm = 1},                                  1},
    {"jit two",    {.warm = 1},                                  2},
};

/* The handler of every vector: skips one byte of what was interrupted, sets the segments back to
 * where the random code finds memory, and returns. */
static const uint8_t handler[] = {
    0x2E, 0xFF, 0x06, 0xF0, 0x05, /* inc word cs:[5F0h]: counts */
    0x66, 0x50,                   /* push eax */
    0x55,                         /* push bp */
    0x89, 0xE5,                   /* mov bp, sp */
    0xFF, 0x46, 0x06,             /* inc word [bp + 6] */
    0xB8, 0x00, 0x30,             /* mov ax, 3000h */
    0x8E, 0xD8,                   /* mov ds, ax */
    0x8E, 0xC0,                   /* mov es, ax */
    0x5D,                         /* pop bp */
    0x66, 0x58,                   /* pop eax */
    0xCF,                         /* iret */
};

static void fill_code(struct bare_cpu *bare, uint64_t seed)
{
    uint64_t random = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    memset(bare->ram, 0, BARE_RAM_SIZE);
    for (unsigned i = 0; i < CODE_SIZE; i++) {
        uint8_t byte = (uint8_t)(random_next(&random) >> 40);
        /* HLT, and what changes the mode, would end the run soon. */
        bare->ram[CODE + i] = byte == 0xF4 || byte == 0x0F ? 0x90 : byte;
    }
    for (unsigned vector = 0; vector < 256; vector++)
        store_le32(bare->ram + vector * 4, HANDLER);
    memcpy(bare->ram + HANDLER, handler, sizeof handler);
}

static void forget(struct bare_cpu *bare)
{
    code_flush(bare->cpu->code);
    bare->cpu->icount = bare->cpu->fault_icount = bare->cpu->tsc_offset = 0;
}

static void start_real(struct bare_cpu *bare, uint64_t seed)
{
    struct cpu *cpu = bare->cpu;
    uint64_t random = seed + 77;
    bare_cpu_real(bare);
    fill_code(bare, seed);
    forget(bare);
    cpu->idtr_limit = 0x3FF;
    for (unsigned i = 0; i < 8; i++)
        cpu->gpr[i] = random_value(&random);
    cpu->gpr[REG_ESP] = 0xFF00;
    for (unsigned i = 0; i < SEG_COUNT; i++) {
        uint16_t selector = (uint16_t)(i == SEG_CS ? CODE >> 4 : 0x3000 + i * 0x1000);
        cpu->seg[i].selector = selector;
        cpu->seg[i].base = (uint32_t)selector << 4;
    }
    cpu_sync(cpu);
}

/* --- user mode, with paging --- */

enum {
    GDT = 0x1000,
    TSS = 0x2000,
    IDT = 0x3000,
    STUB = 0x4000,
    STUB_ERROR = 0x4100,
    DIRECTORY = 0x5000,
    TABLE = 0x6000,
    KERNEL_STACK = 0x8000,
    USER_CODE = 0x100000,
    USER_DATA = 0x200000,
    USER_PAGES = 16,
    VECTORS_WITH_ERROR = 0x27D00, /* 8, 10 to 14, 17 */
};

/* Go on one byte further, but within the code; the data segments may have been lost. */
static const uint8_t stub[] = {
    0x83, 0xC4, 0x04,                         /* add esp, 4: only with an error code */
    0xFF, 0x04, 0x24,                         /* inc dword [esp] */
    0x81, 0x24, 0x24, 0xFF, 0xFF, 0x00, 0x00, /* and dword [esp], FFFFh */
    0x81, 0x0C, 0x24, 0x00, 0x00, 0x10, 0x00, /* or dword [esp], USER_CODE */
    0x50,                                     /* push eax */
    0xB8, 0x23, 0x00, 0x00, 0x00,             /* mov eax, 23h */
    0x8E, 0xD8, 0x8E, 0xC0,                   /* mov ds, ax; mov es, ax */
    0x58, 0xCF,                               /* pop eax; iret */
};

static void put_descriptor(uint8_t *at, uint32_t high, uint32_t low)
{
    store_le32(at, low);
    store_le32(at + 4, high);
}

static void make_tables(uint8_t *ram)
{
    put_descriptor(ram + GDT + 0x08, 0x00CF9A00, 0xFFFF);
    put_descriptor(ram + GDT + 0x10, 0x00CF9200, 0xFFFF);
    put_descriptor(ram + GDT + 0x18, 0x00CFFA00, 0xFFFF);
    put_descriptor(ram + GDT + 0x20, 0x00CFF200, 0xFFFF);
    store_le32(ram + TSS + 4, KERNEL_STACK);
    store_le32(ram + TSS + 8, 0x10);
    for (unsigned vector = 0; vector < 256; vector++) {
        bool has_error = vector < 32 && VECTORS_WITH_ERROR >> vector & 1;
        uint32_t address = has_error ? STUB_ERROR : STUB;
        /* What has an error code is not for INT n, which has none. */
        put_descriptor(ram + IDT + vector * 8, has_error ? 0x8E00 : 0xEE00, 0x80000 | address);
    }
    memcpy(ram + STUB_ERROR, stub, sizeof stub);
    memcpy(ram + STUB, stub + 3, sizeof stub - 3);
}

/* In code and data each: a page that is not there, one that is read-only; and pages that are there
 * twice, so that code is written through another address. */
static void make_page_tables(uint8_t *ram)
{
    enum { PRESENT = 1, WRITABLE = 2, USER = 4 };
    store_le32(ram + DIRECTORY, TABLE | PRESENT | WRITABLE | USER);
    for (uint32_t page = 0; page < 256; page++)
        store_le32(ram + TABLE + page * 4, page << 12 | PRESENT | WRITABLE);
    for (uint32_t i = 0; i < USER_PAGES; i++) {
        uint32_t flags = i == 11 ? 0 : i == 7 ? PRESENT | USER : PRESENT | WRITABLE | USER;
        uint32_t code = USER_CODE + ((i == 5 ? 3 : i) << 12);
        uint32_t data = (i == 9 ? USER_CODE + 0x1000 : USER_DATA + (i << 12));
        store_le32(ram + TABLE + ((USER_CODE >> 12) + i) * 4, code | flags);
        store_le32(ram + TABLE + ((USER_DATA >> 12) + i) * 4, data | flags);
    }
}

static void load_user_segments(struct cpu *cpu)
{
    struct segment segment = {.limit = 0xFFFFFFFF, .selector = 0x23, .access = 0xC0F3};
    for (unsigned i = 0; i < SEG_COUNT; i++)
        segment_set(cpu, i, &segment);
    segment.selector = 0x1B;
    segment.access = 0xC0FB;
    segment_set(cpu, SEG_CS, &segment);
    cpu->cpl = 3;
    cpu->tr = (struct segment){
        .base = TSS, .limit = 0x67, .selector = 0x28, .access = SEGMENT_PRESENT | TYPE_TSS32_BUSY};
    cpu->gdtr_base = GDT;
    cpu->gdtr_limit = 0x2F;
    cpu->idtr_base = IDT;
    cpu->idtr_limit = 0x7FF;
}

static void start_user(struct bare_cpu *bare, uint64_t seed)
{
    struct cpu *cpu = bare->cpu;
    uint64_t random = seed * UINT64_C(0x9E3779B97F4A7C15) + 3;
    bare_cpu_flat(bare, true);
    memset(bare->ram, 0, BARE_RAM_SIZE);
    for (unsigned i = 0; i < USER_PAGES << 12; i++) {
        bare->ram[USER_CODE + i] = (uint8_t)(random_next(&random) >> 40);
        bare->ram[USER_DATA + i] = (uint8_t)(random_next(&random) >> 40);
    }
    make_tables(bare->ram);
    make_page_tables(bare->ram);
    forget(bare);
    for (unsigned i = 0; i < 8; i++)
        cpu->gpr[i] = USER_DATA + (uint32_t)(random_next(&random) >> 48);
    cpu->eip = USER_CODE;
    load_user_segments(cpu);
    cpu->cr3 = DIRECTORY;
    cpu->cr0 |= CR0_PG | CR0_WP | CR0_AM | CR0_NE;
    cpu->cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT;
    cpu_sync(cpu);
}

/* --- comparison --- */

typedef void start_function(struct bare_cpu *bare, uint64_t seed);

static void run_until(struct bare_cpu *bare, uint64_t limit, enum mode mode, uint64_t *random)
{
    struct cpu *cpu = bare->cpu;
    while (cpu->icount < limit) {
        uint64_t budget = mode == CUT ? 1 + random_next(random) % 9 : limit;
        uint64_t until = cpu->icount + budget < limit ? cpu->icount + budget : limit;
        cpu->tracing = mode == STEPPED;
        cpu->activity = CPU_RUNNING;
        cpu_run(cpu, until);
        cpu_service(cpu);
    }
    cpu->tracing = false;
}

/* A processor and what of it is compared. */
struct rig {
    struct bare_cpu *bare;
    struct jit *jit; /* NULL: the interpreter */
    struct state_map *map;
};

static void settle(void *cpu)
{
    cpu_settle(cpu);
}

/* False: this host has no translator. */
static bool open_rig(struct rig *rig, const struct translator *translator)
{
    struct error err;
    rig->bare = bare_cpu_new("pentium3");
    rig->jit = NULL;
    rig->map = state_map_new();
    state_add_struct(rig->map, "cpu", cpu_fields, rig->bare->cpu,
                     &(struct state_hooks){.before_walk = settle});
    state_add_memory(rig->map, "ram", rig->bare->ram, 3 << 20);
    if (!translator)
        return true;
    rig->bare->cpu->code->limit = translator->block_limit;
    rig->jit = jit_new(rig->bare->cpu, &translator->options, &err);
    if (!rig->jit)
        print_message("%s: %s\n", translator->name, err.text);
    return rig->jit;
}

static void close_rig(struct rig *rig)
{
    jit_free(rig->jit);
    state_map_free(rig->map);
    bare_cpu_free(rig->bare);
}

static void trace_hashes(struct rig *rig, start_function *start, uint64_t seed, enum mode mode,
                         uint64_t hashes[STRETCHES])
{
    uint64_t random = seed + 5;
    start(rig->bare, seed);
    for (unsigned i = 0; i < STRETCHES; i++) {
        run_until(rig->bare, (i + 1) * STRETCH, mode, &random);
        rig->bare->cpu->icount_limit = 0;
        hashes[i] = state_hash(rig->map);
    }
}

/* Runs all seeds in one mode; returns how many end other than expected, which WHOLE runs of the
 * interpreter fill in. */
static unsigned run_seeds(struct rig *rig, const char *name, start_function *start, enum mode mode,
                          uint64_t expected[SEEDS][STRETCHES])
{
    unsigned failures = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        uint64_t hashes[STRETCHES], *right = expected[seed - 1];
        trace_hashes(rig, start, seed, mode, hashes);
        if (mode == WHOLE && !rig->jit)
            memcpy(right, hashes, sizeof hashes);
        for (unsigned i = 0; i < STRETCHES; i++) {
            if (hashes[i] == right[i])
                continue;
            print_error("%s, mode %u, seed %u: differs within instruction %u\n", name, mode,
                        (unsigned)seed, (i + 1) * STRETCH);
            failures++;
            break;
        }
    }
    return failures;
}

static void compare_cuts(start_function *start)
{
    static uint64_t expected[SEEDS][STRETCHES];
    unsigned failures = 0;
    struct rig rig;
    open_rig(&rig, NULL);
    for (enum mode mode = WHOLE; mode < MODES; mode++)
        failures += run_seeds(&rig, "interp", start, mode, expected);
    close_rig(&rig);
    for (unsigned i = 0; i < sizeof translators / sizeof translators[0]; i++) {
        bool is_there = open_rig(&rig, &translators[i]);
        for (enum mode mode = WHOLE; is_there && mode <= CUT; mode++)
            failures += run_seeds(&rig, translators[i].name, start, mode, expected);
        close_rig(&rig);
    }
    assert_int_equal(failures, 0);
}

static void real_mode(void **state)
{
    compare_cuts(start_real);
}

static void user_mode_with_paging(void **state)
{
    compare_cuts(start_user);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_mode),
        cmocka_unit_test(user_mode_with_paging),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
