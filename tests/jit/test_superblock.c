/* Superblocks: that they are made of the blocks that usually follow each other, that their middle
 * is as good a place to stop, to leave and to be overwritten as any other, and that the interpreter
 * agrees. */
#include "base/bits.h"
#include "cpu/block_cache.h"
#include "cpu/code.h"
#include "cpu/segment.h"
#include "tests/harness/unit.h"
#include "tests/jit/pair.h"

#include <string.h>

enum {
    CODE = 0x10000,
    STACK = 0x30000,
    COMPARED = 0x40000,
    MASK = CODE + 0x02,   /* the immediate of TEST */
    KEY = CODE + 0x2C,    /* the immediate of XOR */
    OPCODE = CODE + 0x28, /* of ADD */
    WHOLE = 7,            /* instructions of the superblock: INC to JZ, CALL, the function */
};

static const uint8_t program[] = {
    0x40,                               /* 00 head: inc eax */
    0xA9, 0x3F, 0x00, 0x00, 0x00,       /* 01 test eax, 63 */
    0x0F, 0x84, 0x0F, 0x00, 0x00, 0x00, /* 06 jz rare */
    0xE8, 0x17, 0x00, 0x00, 0x00,       /* 0c call function */
    0x83, 0xC3, 0x01,                   /* 11 behind: add ebx, 1 */
    0x49,                               /* 14 dec ecx */
    0x75, 0xE9,                         /* 15 jnz head */
    0xF4,                               /* 17 hlt */
    0x90, 0x90, 0x90,                   /* 18 */
    0x11, 0xC2,                         /* 1b rare: adc edx, eax */
    0xEB, 0xF2,                         /* 1d jmp behind */
    0x90, 0x90, 0x90, 0x90, 0x90,       /* 1f */
    0x90, 0x90, 0x90, 0x90,             /* 24 */
    0x01, 0xC7,                         /* 28 function: add edi, eax */
    0x81, 0xF6, 0x78, 0x56, 0x34, 0x12, /* 2a xor esi, 12345678 */
    0xC3,                               /* 30 ret */
};

struct rig {
    struct pair pair;
    unsigned longest; /* instructions in what was translated */
    unsigned seen;    /* how often something of WHOLE instructions was */
};

static void note(void *opaque, const struct jit_view *view)
{
    struct rig *rig = opaque;
    if (view->block->count > rig->longest)
        rig->longest = view->block->count;
    rig->seen += view->block->count == WHOLE;
}

static void open_rig(struct rig *rig, const struct jit_options *options)
{
    struct error err;
    *rig = (struct rig){0};
    if (!pair_open(&rig->pair, "pentium3", options, COMPARED, &err))
        skip();
    jit_add_listener(rig->pair.jit, note, rig);
    for (unsigned i = 0; i < PAIR_SIDES; i++) {
        struct cpu *cpu = rig->pair.bare[i]->cpu;
        bare_cpu_flat(rig->pair.bare[i], true);
        bare_cpu_write(rig->pair.bare[i], CODE, program, sizeof program);
        cpu->eip = CODE;
        cpu->gpr[REG_ECX] = 1000000;
        cpu->gpr[REG_ESP] = STACK;
        cpu_sync(cpu);
    }
}

static void close_rig(struct rig *rig)
{
    pair_close(&rig->pair);
}

/* Both go on for so many instructions, and must then be the same. */
static void go(struct rig *rig, uint64_t count)
{
    pair_run(&rig->pair, count);
    assert_false(pair_differs(&rig->pair, NULL));
}

/* As a device does. */
static void write_both(struct rig *rig, uint32_t address, uint8_t byte)
{
    for (unsigned i = 0; i < PAIR_SIDES; i++)
        bare_cpu_write(rig->pair.bare[i], address, &byte, 1);
}

static const struct jit_options usual;

static void goes_through_branch_and_call(void **state)
{
    struct rig rig;
    open_rig(&rig, &usual);
    go(&rig, 2000);
    assert_int_equal(rig.seen, 1);
    close_rig(&rig);
}

static void plain_has_none(void **state)
{
    struct rig rig;
    open_rig(&rig, &(struct jit_options){.plain = true});
    go(&rig, 2000);
    assert_int_equal(rig.longest, 3);
    close_rig(&rig);
}

static void stops_anywhere(void **state)
{
    struct rig rig;
    open_rig(&rig, &usual);
    go(&rig, 2000);
    for (unsigned i = 0; i < 3000; i++)
        go(&rig, 1 + i % 23);
    close_rig(&rig);
}

/* The branch that was taken to be rare is always taken: by a patch of a later translation's
 * constant, and by the value. */
static void leaves_in_the_middle(void **state)
{
    struct rig rig;
    open_rig(&rig, &usual);
    go(&rig, 2000);
    write_both(&rig, MASK, 0);
    for (unsigned i = 0; i < 500; i++)
        go(&rig, 1 + i % 17);
    close_rig(&rig);
}

static void goes_with_a_part(void **state)
{
    struct rig rig;
    open_rig(&rig, &usual);
    go(&rig, 2000);
    write_both(&rig, OPCODE, 0x29); /* sub edi, eax */
    go(&rig, 100);
    write_both(&rig, OPCODE, 0x01);
    for (unsigned i = 0; i < 500; i++)
        go(&rig, 1 + i % 17);
    close_rig(&rig);
}

static void goes_with_a_patched_part(void **state)
{
    struct rig rig;
    open_rig(&rig, &usual);
    go(&rig, 2000);
    for (unsigned i = 0; i < 300; i++) {
        write_both(&rig, KEY, (uint8_t)i);
        go(&rig, 1 + i % 29);
    }
    assert_int_equal(rig.seen, 1); /* what is patched is left alone */
    close_rig(&rig);
}

/* The stack is where the function is: a push by CALL overwrites part of the running superblock. */
static void is_overwritten_while_it_runs(void **state)
{
    struct rig rig;
    open_rig(&rig, &usual);
    go(&rig, 2000);
    for (unsigned i = 0; i < PAIR_SIDES; i++) {
        struct cpu *cpu = rig.pair.bare[i]->cpu;
        while (cpu->eip != CODE)
            bare_cpu_run(rig.pair.bare[i], 1);
        cpu->gpr[REG_ESP] = CODE + 0x2A + 4;
    }
    go(&rig, 3);
    for (unsigned i = 0; i < 40 && rig.pair.bare[PAIR_INTERP]->cpu->activity == CPU_RUNNING; i++)
        go(&rig, 1);
    close_rig(&rig);
}

static void survives_a_small_cache(void **state)
{
    struct rig rig;
    open_rig(&rig, &(struct jit_options){.warm = 2, .cache_size = 1});
    for (unsigned i = 0; i < 500; i++) {
        go(&rig, 1 + i % 97);
        if (i % 50 == 0)
            for (unsigned side = 0; side < PAIR_SIDES; side++)
                code_flush(rig.pair.bare[side]->cpu->code);
    }
    close_rig(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_through_branch_and_call),
        cmocka_unit_test(plain_has_none),
        cmocka_unit_test(stops_anywhere),
        cmocka_unit_test(leaves_in_the_middle),
        cmocka_unit_test(goes_with_a_part),
        cmocka_unit_test(goes_with_a_patched_part),
        cmocka_unit_test(is_overwritten_while_it_runs),
        cmocka_unit_test(survives_a_small_cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
