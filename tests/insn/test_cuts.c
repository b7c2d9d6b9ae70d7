/* What a guest computes must not depend on how the engine cuts its instructions into blocks and
 * budgets. Random bytes are run as 16-bit code, with handlers that step over what faults: once in
 * large budgets, once in budgets of random size, once one instruction at a time. After every
 * thousand retired instructions the whole state must be the same.
 * Run alone: meson test -C build cuts */
#include "cpu/interp.h"
#include "cpu/segment.h"
#include "snapshot/state.h"
#include "tests/harness/bare_cpu.h"
#include "tests/harness/insn_generator.h"
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

enum mode { WHOLE, CUT, STEPPED };

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

static void start(struct bare_cpu *bare, uint64_t seed)
{
    struct cpu *cpu = bare->cpu;
    uint64_t random = seed + 77;
    bus_write_memory(bare->bus, 0, (uint8_t[1]){0}, 1);
    bare_cpu_real(bare);
    fill_code(bare, seed);
    interp_flush(cpu->interp);
    cpu->icount = cpu->fault_icount = 0;
    memset(cpu->fault_chain, 0, sizeof cpu->fault_chain);
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

static void trace_hashes(struct bare_cpu *bare, struct state_map *map, uint64_t seed,
                         enum mode mode, uint64_t hashes[STRETCHES])
{
    uint64_t random = seed + 5;
    start(bare, seed);
    for (unsigned i = 0; i < STRETCHES; i++) {
        run_until(bare, (i + 1) * STRETCH, mode, &random);
        bare->cpu->icount_limit = 0;
        hashes[i] = state_hash(map);
    }
}

static void cuts_do_not_matter(void **state)
{
    struct bare_cpu *bare = bare_cpu_new("pentium3");
    struct state_map *map = state_map_new();
    state_add_struct(map, "cpu", cpu_fields, bare->cpu, NULL);
    state_add_memory(map, "ram", bare->ram, 2 << 20);
    unsigned failures = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        uint64_t hashes[3][STRETCHES];
        for (enum mode mode = WHOLE; mode <= STEPPED; mode++)
            trace_hashes(bare, map, seed, mode, hashes[mode]);
        for (unsigned i = 0; i < STRETCHES; i++) {
            if (hashes[WHOLE][i] == hashes[CUT][i] && hashes[WHOLE][i] == hashes[STEPPED][i])
                continue;
            print_error(
                "seed %u differs within instruction %u: whole %016lx cut %016lx "
                "stepped %016lx\n",
                (unsigned)seed, (i + 1) * STRETCH, hashes[WHOLE][i], hashes[CUT][i],
                hashes[STEPPED][i]);
            failures++;
            break;
        }
    }
    state_map_free(map);
    bare_cpu_free(bare);
    assert_int_equal(failures, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cuts_do_not_matter)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
