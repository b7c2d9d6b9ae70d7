#include "tests/harness/oracle/generate.h"

#include "base/bits.h"
#include "base/memory.h"
#include "tests/harness/oracle/aim.h"
#include "tests/harness/oracle/encode.h"
#include "tests/harness/oracle/values.h"

enum {
    LENGTH_MAX = 20, /* instructions of a program, without those that set registers */
    ATTEMPTS = 12,   /* at an instruction that fits */
    FAMILY_COUNT = 4,
};

/* Rows by what they share: integers; x87; MMX; SSE. */
struct family {
    unsigned count;
    uint16_t rows[1024];
};

struct generator {
    struct walk *walk;
    struct family families[FAMILY_COUNT];
    struct family definers; /* rows that define all flags */
    struct family only;
    uint64_t random;
    uint8_t data[WORLD_DATA_SIZE];
};

/* --- rows --- */

static unsigned family_of(const struct insn_row *row)
{
    if (row->attributes & A_FPU)
        return 1;
    if (row->attributes & A_MMX)
        return 2;
    return row->attributes & A_SSE || row->feature >= FEAT_SSE ? 3 : 0;
}

static void put(struct family *family, unsigned row)
{
    if (family->count < ARRAY_LENGTH(family->rows))
        family->rows[family->count++] = (uint16_t)row;
}

static uint16_t choose(const struct family *family, uint64_t *random)
{
    return family->rows[random_below(random, family->count)];
}

struct generator *generator_new(struct walk *walk, const char *only)
{
    struct generator *generator = mem_new(sizeof *generator);
    generator->walk = walk;
    world_fill_data(generator->data);
    for (unsigned i = 0; i < insn_row_count(); i++) {
        const struct insn_row *row = insn_row(i);
        if (differences_not_run(row))
            continue;
        put(&generator->families[family_of(row)], i);
        if (row_is(row, "add") && row->map == MAP_1 && row->opcode < 4)
            put(&generator->definers, i);
        if (only && row_is(row, only))
            put(&generator->only, i);
    }
    return generator;
}

void generator_free(struct generator *generator)
{
    mem_free(generator);
}

/* themes: bit per family that this program draws from. */
static unsigned choose_row(struct generator *generator, unsigned themes)
{
    uint64_t *random = &generator->random;
    if (generator->only.count && one_in(random, 3))
        return choose(&generator->only, random);
    unsigned family;
    do {
        family = random_below(random, FAMILY_COUNT);
    } while (!(themes >> family & 1));
    unsigned row = choose(&generator->families[family], random);
    if (insn_row(row)->class & PRIVILEGED && !one_in(random, 4)) /* #GP ends the program */
        row = choose(&generator->families[family], random);
    if (insn_row(row)->flags_read & generator->walk->undefined)
        return choose(&generator->definers, random);
    return row;
}

/* --- the beginning --- */

static uint16_t choose_data_segment(uint64_t *random)
{
    static const uint8_t entries[] = {LDT_DATA16,    LDT_DATA32, LDT_DOWN32,
                                      LDT_READ_ONLY, LDT_DOWN16, LDT_FLAT};
    if (one_in(random, 16))
        return 0;
    if (one_in(random, 4))
        return WORLD_DS32;
    return world_selector(entries[random_below(random, ARRAY_LENGTH(entries))]);
}

static void choose_segments(uint64_t *random, struct world_state *state)
{
    uint16_t code = WORLD_CS32, data = WORLD_DS32, stack = WORLD_DS32;
    switch (random_below(random, 8)) {
    case 0:
    case 1:
        code = world_selector(LDT_CODE16);
        data = stack = world_selector(LDT_DATA16);
        break;
    case 2:
        code = world_selector(LDT_CODE32);
        data = stack = world_selector(LDT_DATA32);
        break;
    case 3:
        code = one_in(random, 2) ? code : world_selector(LDT_EXECUTE_ONLY);
        data = choose_data_segment(random);
        break;
    case 4:
        code = world_selector(one_in(random, 2) ? LDT_CODE16 : LDT_CODE32);
        stack = world_selector(one_in(random, 2) ? LDT_DOWN32 : LDT_FLAT);
        break;
    }
    state->seg[SEG_CS] = code;
    state->seg[SEG_SS] = stack;
    state->seg[SEG_DS] = data;
    state->seg[SEG_ES] = one_in(random, 8) ? choose_data_segment(random) : data;
    state->seg[SEG_FS] = choose_data_segment(random);
    state->seg[SEG_GS] = choose_data_segment(random);
}

static uint32_t choose_start(uint64_t *random)
{
    if (one_in(random, 8)) /* across the pages */
        return WORLD_CODE + WORLD_PAGE - 1 - random_below(random, 40);
    if (one_in(random, 20)) /* to the end of the code */
        return WORLD_CODE + WORLD_CODE_SIZE - 1 - random_below(random, 40);
    return WORLD_CODE + 0x400 + random_below(random, 64);
}

static uint32_t segment_base(uint16_t selector)
{
    return selector & 4 ? world_ldt[selector >> 3].base : 0;
}

static void begin(struct generator *generator, struct oracle_case *out)
{
    uint64_t *random = &generator->random;
    value_state(random, &out->before);
    choose_segments(random, &out->before);
    out->program.linear = choose_start(random);
    out->program.size = 0;
    out->end = 0;
    out->before.eip = out->program.linear - segment_base(out->before.seg[SEG_CS]);
    uint32_t stack = WORLD_DATA + WORLD_PAGE + 0x200 + random_below(random, 0x600);
    if (!one_in(random, 4) || out->before.eflags & FLAG_AC)
        stack &= ~3u;
    if (one_in(random, 50)) /* at an edge */
        stack = WORLD_DATA + random_below(random, 3) * WORLD_PAGE - random_below(random, 16);
    stack -= segment_base(out->before.seg[SEG_SS]);
    bool big = !(out->before.seg[SEG_SS] & 4) || world_ldt[out->before.seg[SEG_SS] >> 3].big;
    out->before.gpr[REG_ESP] = big ? stack : (out->before.gpr[REG_ESP] << 16) | (stack & 0xFFFF);
    /* Pointers, here and there. */
    for (unsigned i = 0; i < 3; i++) {
        unsigned reg = random_below(random, 8);
        if (reg != REG_ESP)
            out->before.gpr[reg] = WORLD_DATA + 0x800 + random_below(random, 0x1000) -
                                   segment_base(out->before.seg[SEG_DS]);
    }
}

/* --- one instruction after the other --- */

static uint32_t frontier(const struct oracle_case *in)
{
    return in->program.linear + in->program.size;
}

/* Appends instructions at the frontier; false if the program is full. */
static bool append(struct generator *generator, struct oracle_case *out, const uint8_t *bytes,
                   unsigned size)
{
    struct world_program *program = &out->program;
    if (program->size + size > WORLD_PROGRAM_MAX)
        return false;
    memcpy(program->code + program->size, bytes, size);
    guest_put_code(generator->walk->guest, frontier(out), bytes, size);
    program->size += size;
    return true;
}

/* Walks up to the frontier, or until something else ends the program. */
static enum walk_result catch_up(struct generator *generator, struct oracle_case *out)
{
    enum walk_result result = WALK_ON;
    while (result == WALK_ON && walk_linear(generator->walk) != frontier(out)) {
        uint32_t ahead = walk_linear(generator->walk) - frontier(out);
        /* A jump forward: what lies between stays INT3. */
        if (ahead < 128 && out->program.size + ahead < WORLD_PROGRAM_MAX) {
            memset(out->program.code + out->program.size, 0xCC, ahead);
            out->program.size += ahead;
            break;
        }
        result = walk_step(generator->walk, 0);
    }
    if (result == WALK_LAST && walk_linear(generator->walk) != frontier(out))
        return WALK_DISCARD;
    return result;
}

/* A form that can be aimed here. */
static bool next_insn(struct generator *generator, struct oracle_case *out, unsigned themes,
                      bool first)
{
    for (unsigned attempt = 0; attempt < ATTEMPTS; attempt++) {
        struct aimed aimed;
        unsigned row = choose_row(generator, themes);
        if (aim_insn(generator->walk, row, first ? out : NULL, out, &generator->random, &aimed))
            return append(generator, out, aimed.bytes, aimed.size);
    }
    return false;
}

static bool is_code32(const struct generator *generator)
{
    return guest_cpu(generator->walk->guest)->seg[SEG_CS].access & SEGMENT_BIG;
}

static unsigned choose_length(uint64_t *random)
{
    return one_in(random, 6) ? 1 : 2 + random_below(random, LENGTH_MAX - 1);
}

/* Puts the way out behind the program. */
static enum walk_result finish(struct generator *generator, struct oracle_case *out, bool code32,
                               enum walk_result result)
{
    struct walk *walk = generator->walk;
    uint8_t exit[WORLD_EXIT_MAX];
    unsigned size = world_put_exit(exit, code32);
    out->end = frontier(out);
    memcpy(out->program.code + out->program.size, exit, size);
    out->program.size += size;
    guest_put_code(walk->guest, out->end, exit, size);
    return result == WALK_FAULT ? result : walk_step(walk, out->end);
}

bool generator_make(struct generator *generator, uint64_t seed, struct oracle_case *out)
{
    static const uint8_t nop[1] = {0x90};
    struct walk *walk = generator->walk;
    uint64_t *random = &generator->random;
    *random = seed * UINT64_C(0x9E3779B97F4A7C15) ^ UINT64_C(0xD1B54A32D192ED03);
    *random |= UINT64_C(1) << 63;
    random_next(random);
    unsigned themes = 1 + random_below(random, (1 << FAMILY_COUNT) - 1);
    unsigned length = choose_length(random);
    memcpy(out->data, generator->data, WORLD_WRITABLE);
    begin(generator, out);
    walk_begin(walk, out);
    enum walk_result result = WALK_ON;
    bool code32 = true; /* where the way out will be; after a fault, where that was */
    for (unsigned i = 0; i < length && result == WALK_ON; i++) {
        code32 = is_code32(generator);
        if (!next_insn(generator, out, themes, i == 0))
            break;
        result = catch_up(generator, out);
    }
    bool is_traced = guest_cpu(walk->guest)->eflags & FLAG_TF;
    if (result == WALK_ON && is_traced && append(generator, out, nop, sizeof nop))
        result = catch_up(generator, out); /* the way out must not be traced */
    if (result == WALK_ON || result == WALK_LAST)
        code32 = is_code32(generator);
    if (result != WALK_DISCARD)
        result = finish(generator, out, code32, result);
    guest_erase_code(walk->guest, out->program.linear, out->program.size);
    return result == WALK_FAULT && walk->count > 0;
}
