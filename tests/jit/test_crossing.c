/* Translated instructions that lie across two pages: the second page is mapped elsewhere, goes away
 * and is written to while they are hot. Run alone: meson test -C build jit_crossing */
#include "base/bits.h"
#include "base/memory.h"
#include "cpu/block_cache.h"
#include "cpu/segment.h"
#include "jit/jit.h"
#include "tests/harness/bare_cpu.h"
#include "tests/harness/unit.h"

enum {
    EXIT_SKIP = 77,
    BEGIN = 0x10FFD, /* of an instruction with three bytes in the first page */
    SECOND = 0x11000,
    OTHER = 0x13000, /* what the second page may be, too */
    DIRECTORY = 0x40000,
    TABLE = 0x41000,
    PRESENT = 3,
    LOOP_INSNS = 4,
    ROUNDS = 100,
};

struct world {
    struct bare_cpu *bare;
    struct jit *jit;
    unsigned translated; /* blocks that cross their page */
};

static void count(void *opaque, const struct jit_view *view)
{
    struct world *w = opaque;
    w->translated += block_crosses_page(view->block);
}

static void put32(struct world *w, uint32_t address, uint32_t value)
{
    uint8_t bytes[4];
    store_le32(bytes, value);
    bare_cpu_write(w->bare, address, bytes, sizeof bytes);
}

static void map_second(struct world *w, uint32_t entry)
{
    put32(w, TABLE + (SECOND >> PAGE_SHIFT) * 4, entry);
    mmu_flush_page(w->bare->cpu->mmu, SECOND);
}

/* A loop that adds a constant to ECX, whose upper half is in the second page: 1111 there, and 2222
 * in the other one. */
static void put_code(struct world *w)
{
    static const uint8_t first[] = {0xB8, 0x34, 0x12}; /* mov eax, imm32 */
    static const uint8_t second[] = {
        0x11, 0x11,                   /* the rest of it */
        0x01, 0xC1,                   /* add ecx, eax */
        0x4A,                         /* dec edx */
        0x0F, 0x85, 0xF2, 0xFF, 0xFF, /* jnz to the begin */
        0xFF,
    };
    static const uint8_t constant[] = {0x22, 0x22};
    bare_cpu_write(w->bare, BEGIN, first, sizeof first);
    bare_cpu_write(w->bare, SECOND, second, sizeof second);
    bare_cpu_write(w->bare, OTHER, second, sizeof second);
    bare_cpu_write(w->bare, OTHER, constant, sizeof constant);
}

static int set_up(void **state)
{
    struct world *w = mem_new(sizeof *w);
    struct error err;
    *state = w;
    w->bare = bare_cpu_new("pentium3");
    w->jit = jit_new(w->bare->cpu, &(struct jit_options){.warm = 4}, &err);
    if (!w->jit)
        return -1;
    jit_add_listener(w->jit, count, w);
    bare_cpu_flat(w->bare, true);
    put_code(w);
    put32(w, DIRECTORY, TABLE | PRESENT);
    for (uint32_t page = 0; page < 256; page++)
        put32(w, TABLE + page * 4, page << PAGE_SHIFT | PRESENT);
    w->bare->cpu->cr3 = DIRECTORY;
    w->bare->cpu->cr0 |= CR0_PG;
    cpu_sync(w->bare->cpu);
    w->bare->cpu->eip = BEGIN;
    w->bare->cpu->gpr[REG_EDX] = 1u << 31;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    jit_free(w->jit);
    bare_cpu_free(w->bare);
    mem_free(w);
    return 0;
}

/* Whole rounds of the loop; each adds so much. */
static void expect_rounds(struct world *w, uint32_t constant)
{
    struct cpu *cpu = w->bare->cpu;
    cpu->gpr[REG_ECX] = 0;
    assert_int_equal(bare_cpu_run(w->bare, ROUNDS * LOOP_INSNS), -1);
    assert_int_equal(cpu->eip, BEGIN);
    assert_int_equal(cpu->gpr[REG_ECX], ROUNDS * constant);
}

static void second_page_is_another_one(void **state)
{
    struct world *w = *state;
    for (unsigned i = 0; i < 4; i++) {
        map_second(w, SECOND | PRESENT);
        expect_rounds(w, 0x11111234);
        map_second(w, OTHER | PRESENT);
        expect_rounds(w, 0x22221234);
    }
    assert_true(w->translated >= 2);
}

/* A TLB that has forgotten the page is no reason to translate again. */
static void second_page_comes_back(void **state)
{
    struct world *w = *state;
    for (unsigned i = 0; i < 20; i++) {
        map_second(w, SECOND | PRESENT);
        expect_rounds(w, 0x11111234);
    }
    assert_int_equal(w->translated, 1);
}

static void second_page_is_not_there(void **state)
{
    struct world *w = *state;
    expect_rounds(w, 0x11111234);
    map_second(w, 0);
    assert_int_equal(bare_cpu_run(w->bare, ROUNDS), VECTOR_PF);
    assert_int_equal(w->bare->cpu->cr2, SECOND);
    assert_int_equal(w->bare->cpu->eip, BEGIN);
}

static void second_page_is_written(void **state)
{
    struct world *w = *state;
    static const uint8_t byte = 0x77;
    expect_rounds(w, 0x11111234);
    bare_cpu_write(w->bare, SECOND, &byte, 1);
    expect_rounds(w, 0x11771234);
    bare_cpu_write(w->bare, SECOND - 1, &byte, 1);
    expect_rounds(w, 0x11777734);
}

int main(void)
{
    struct bare_cpu *bare = bare_cpu_new("pentium3");
    struct error err;
    struct jit *jit = jit_new(bare->cpu, &(struct jit_options){0}, &err);
    if (!jit) {
        fprintf(stderr, "SKIPPED: %s\n", err.text);
        return EXIT_SKIP;
    }
    jit_free(jit);
    bare_cpu_free(bare);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(second_page_is_another_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(second_page_comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(second_page_is_not_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(second_page_is_written, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
