/* Loops of random integer instructions in both engines: after every slice of a random number of
 * instructions the processor and memory must be the same. Blocks jump to each other on random
 * conditions and are hot, so that they are linked, with flags in all the places where they can be;
 * operands have every size and cross pages; strings go both ways; a page is missing, another is
 * code that is patched while it runs; divisions fault; interrupts are opened and closed. Alone:
 * build/tests/jit/test_loops [PROGRAMS [SEED]] */
#include "base/bits.h"
#include "cpu/code.h"
#include "cpu/segment.h"
#include "tests/harness/random.h"
#include "tests/jit/pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    EXIT_SKIP = 77,
    PROGRAMS = 600,
    SLICES = 20,
    BLOCKS = 6,
    BLOCK_INSNS = 8,
    MAX_SPOTS = 256,
    CODE = 0x10FC0, /* blocks on both sides of the end of a page */
    TABLE = 0x20000,
    DATA = 0x30000, /* three pages; the fourth is missing */
    DATA_PAGES = 3,
    STACK = 0x50000,
    COMPARED = 0x60000,
};

/* --- programs --- */

struct program {
    uint64_t random;
    uint8_t bytes[2048];
    unsigned length;
    unsigned block[BLOCKS + 1]; /* where each begins */
    bool is_final;              /* block and spots are known */
    /* Bytes that programs write: of immediates and displacements; and opcodes, with two values. */
    unsigned spots[MAX_SPOTS], spot_count;
    unsigned opcodes[MAX_SPOTS], opcode_count;
};

static void put(struct program *program, unsigned byte)
{
    program->bytes[program->length++] = (uint8_t)byte;
}

static void put32(struct program *program, uint32_t value)
{
    store_le32(program->bytes + program->length, value);
    program->length += 4;
}

static unsigned pick(struct program *program, unsigned below)
{
    return random_below(&program->random, below);
}

/* EAX, ECX, EDX, EBX: the others are pointers and the counter. */
static unsigned pick_register(struct program *program)
{
    return pick(program, 4);
}

static void note_spot(struct program *program, unsigned offset)
{
    if (!program->is_final && program->spot_count < MAX_SPOTS)
        program->spots[program->spot_count++] = offset;
}

/* Followed by an opcode that may become another one of the same length: ADD to CMP. */
static void note_opcode(struct program *program)
{
    if (!program->is_final && program->opcode_count < MAX_SPOTS)
        program->opcodes[program->opcode_count++] = program->length;
}

/* ModRM of a register, or of memory at EDI or ESI. Both stay near the data's middle. */
static void put_operand(struct program *program, unsigned reg, bool may_be_memory)
{
    if (!may_be_memory || pick(program, 2)) {
        put(program, 0xC0 | reg << 3 | pick_register(program));
        return;
    }
    put(program, 0x80 | reg << 3 | (REG_ESI + pick(program, 2)));
    uint32_t at = pick(program, 64);
    if (pick(program, 8) == 0)
        at = 0x800 - pick(program, 8); /* across a page */
    if (pick(program, 64) == 0)
        at = 0x1800 - pick(program, 8); /* into the missing page */
    note_spot(program, program->length);
    put32(program, at);
}

static void put_immediate(struct program *program, unsigned size)
{
    uint32_t value = random_value(&program->random);
    note_spot(program, program->length + pick(program, size));
    for (unsigned i = 0; i < size; i++)
        put(program, value >> 8 * i & 0xFF);
}

/* Other forms with an immediate than 81: op eAX, imm; test, mov operand, imm; push imm, pop. */
static void put_immediate_form(struct program *program, unsigned size)
{
    switch (pick(program, 4)) {
    case 0:
        put(program, pick(program, 8) << 3 | 5);
        put_immediate(program, size);
        break;
    case 1:
        put(program, 0xF7);
        put_operand(program, 0, true);
        put_immediate(program, size);
        break;
    case 2:
        put(program, 0xC7);
        put_operand(program, 0, true);
        put_immediate(program, size);
        break;
    default:
        put(program, 0x68);
        put_immediate(program, size);
        if (size == 2)
            put(program, 0x66);
        put(program, 0x58 | pick_register(program));
    }
}

static void put_alu(struct program *program)
{
    bool word = pick(program, 6) == 0;
    unsigned op = pick(program, 8), form = pick(program, 6);
    if (word)
        put(program, 0x66);
    if (form < 4) { /* Eb,Gb  Ev,Gv  Gb,Eb  Gv,Ev; byte registers include AH to BH */
        note_opcode(program);
        put(program, op << 3 | form);
        put_operand(program, form & 1 ? pick_register(program) : pick(program, 8), true);
    } else if (form == 4) {
        put_immediate_form(program, word ? 2 : 4);
    } else {
        put(program, 0x81);
        put_operand(program, op, true);
        put_immediate(program, word ? 2 : 4);
    }
}

static void put_shift(struct program *program)
{
    static const uint8_t opcodes[] = {0xC0, 0xC1, 0xD0, 0xD1, 0xD2, 0xD3};
    unsigned opcode = opcodes[pick(program, 6)];
    if (pick(program, 4) == 0) {
        put(program, 0x0F); /* shld, shrd */
        put(program, pick(program, 2) ? 0xA5 : 0xAD);
        put_operand(program, pick_register(program), true);
        return;
    }
    put(program, opcode);
    put_operand(program, pick(program, 8), true);
    if (opcode <= 0xC1)
        put_immediate(program, 1);
}

static void put_unary(struct program *program)
{
    unsigned choice = pick(program, 5);
    if (choice == 0) {
        put(program, 0x40 + pick(program, 2) * 8 + pick_register(program)); /* inc, dec */
    } else if (choice == 1) {
        put(program, 0xFE + pick(program, 2)); /* the same of an operand */
        put_operand(program, pick(program, 2), true);
    } else { /* not, neg, mul, imul, and now and then a division, which mostly faults */
        put(program, 0xF6 + pick(program, 2));
        put_operand(program, 2 + pick(program, pick(program, 8) ? 4 : 6), true);
    }
}

static void put_bits(struct program *program)
{
    static const uint8_t opcodes[] = {0xA3, 0xAB, 0xB3, 0xBB, 0xBC, 0xBD,
                                      0xAF, 0xB1, 0xC1, 0xB6, 0xBF};
    unsigned cond = pick(program, 16);
    put(program, 0x0F);
    switch (pick(program, 4)) {
    case 0:
        put(program, 0x90 | cond);
        put_operand(program, 0, true);
        break;
    case 1:
        put(program, 0x40 | cond);
        put_operand(program, pick_register(program), true);
        break;
    default: { /* bit offsets in registers would reach anywhere */
        unsigned opcode = opcodes[pick(program, sizeof opcodes)];
        put(program, opcode);
        put_operand(program, pick_register(program), opcode > 0xBB || opcode == 0xAF);
    }
    }
}

/* What lift_system.c lifts: sti; any instruction; [pushf; pop reg;] cli; and so on. */
static void put_system(struct program *program)
{
    static const uint8_t selectors[] = {0x06, 0x0E, 0x16, 0x1E}; /* push es, cs, ss, ds */
    switch (pick(program, 6)) {
    case 0:
        put(program, 0xFB); /* sti; a lifted instruction, or one that may fault; cli */
        put_alu(program);
        put(program, 0xFA);
        break;
    case 1:
        put(program, 0xFA + pick(program, 2)); /* cli, sti; rdtsc */
        put(program, 0x0F);
        put(program, 0x31);
        break;
    case 2: /* mov reg, es to gs, of 16 or 32 bits */
        if (pick(program, 2))
            put(program, 0x66);
        put(program, 0x8C);
        put(program, 0xC0 | pick(program, 6) << 3 | pick_register(program));
        break;
    case 3: /* push reg; push selector; pop reg; pop reg */
        put(program, 0x50 | pick_register(program));
        put(program, selectors[pick(program, 4)]);
        put(program, 0x58 | pick_register(program));
        put(program, 0x58 | pick_register(program));
        break;
    default: /* pushf; xor [esp], flags; popf; cld: now and then IOPL, NT, AC, too */
        put(program, 0x9C);
        put(program, 0x81);
        put(program, 0x34);
        put(program, 0x24);
        put32(program, random_value(&program->random) & (pick(program, 4) ? 0xAD5 : 0x244AD5));
        put(program, 0x9D);
        put(program, 0xFC);
    }
}

/* Shows flags that were left undefined, sets DF for a string instruction, moves the stack. */
static void put_visible(struct program *program)
{
    static const uint8_t strings[] = {0xA4, 0xA5, 0xA6, 0xAA, 0xAB, 0xAC, 0xAE};
    static const uint8_t carries[] = {0xF5, 0xF8, 0xF9}; /* cmc, clc, stc */
    switch (pick(program, 6)) {
    case 0: /* pushf; pop reg */
        put(program, 0x9C);
        put(program, 0x58 | pick_register(program));
        break;
    case 1:
        put(program, 0x9F); /* lahf */
        break;
    case 2:
        put(program, carries[pick(program, sizeof carries)]);
        break;
    case 3: /* push reg; pop reg */
        put(program, 0x50 | pick_register(program));
        put(program, 0x58 | pick_register(program));
        break;
    default: /* push esi; push edi; std or cld; [rep, over CL] string; cld; pop; pop */
        put(program, 0x56);
        put(program, 0x57);
        put(program, 0xFC + pick(program, 2));
        if (pick(program, 2)) {
            put(program, 0x81); /* and ecx, 1Fh */
            put(program, 0xE1);
            put32(program, 0x1F);
            put(program, 0xF2 + pick(program, 2));
        }
        put(program, strings[pick(program, sizeof strings)]);
        put(program, 0xFC);
        put(program, 0x5F);
        put(program, 0x5E);
    }
}

/* op reg, [esp + at] or the other way round. */
static void put_in_frame(struct program *program, unsigned at)
{
    put(program, pick(program, 8) << 3 | 1 | pick(program, 2) << 1);
    put(program, 0x44 | pick_register(program) << 3);
    put(program, 0x24);
    put(program, at);
}

/* Accesses that are checked together: push reg; push operand; sub esp, n; some in the frame;
 * add esp, n; pop; pop. In many programs the frame is in two pages. */
static void put_frame(struct program *program)
{
    unsigned size = 4 * pick(program, 16);
    put(program, 0x50 | pick_register(program));
    put(program, 0xFF);
    put_operand(program, 6, true);
    put(program, 0x83);
    put(program, 0xEC);
    put(program, size);
    for (unsigned n = pick(program, 4); n > 0; n--)
        put_in_frame(program, pick(program, size + 5));
    put(program, 0x83);
    put(program, 0xC4);
    put(program, size);
    put(program, 0x58 | pick_register(program));
    put(program, 0x58 | pick_register(program));
}

/* The same, where register and displacement wrap around in their sum, or the register does while it
 * moves: mov ebx, -n; op eax, [ebx + at]; add ebx, m; op [ebx + at + 4 - m], edx. */
static void put_wrapping(struct program *program)
{
    uint32_t below = pick(program, 0x1010), moved = pick(program, 2) * pick(program, 0x40);
    uint32_t at = DATA + 0x800 + below + pick(program, 16);
    put(program, 0xBB);
    put32(program, -below);
    put(program, pick(program, 8) << 3 | 3);
    put(program, 0x83);
    put32(program, at);
    if (moved) {
        put(program, 0x83);
        put(program, 0xC3);
        put(program, moved);
    }
    put(program, pick(program, 8) << 3 | 1);
    put(program, 0x93);
    put32(program, at + 4 - moved);
}

/* mov byte [program + somewhere], imm8: a byte of an immediate or displacement, or an opcode. */
static void put_patch(struct program *program)
{
    bool is_opcode = pick(program, 4) == 0;
    uint32_t choice = random_value(&program->random);
    unsigned count = is_opcode ? program->opcode_count : program->spot_count, target = 0;
    unsigned value = random_value(&program->random) & 0xFF;
    if (program->is_final && count)
        target = (is_opcode ? program->opcodes : program->spots)[choice % count];
    if (program->is_final && is_opcode) /* another operation on the same operands */
        value = (program->bytes[target] & ~0x38u) | (value & 0x38);
    put(program, 0xC6);
    put(program, 0x05);
    put32(program, CODE + target);
    put(program, value);
}

static void put_insn(struct program *program)
{
    switch (pick(program, 15)) {
    case 14:
        put_wrapping(program);
        break;
    case 13:
        put_frame(program);
        break;
    case 12:
        put_system(program);
        break;
    case 0:
    case 1:
        put_shift(program);
        break;
    case 2:
        put_unary(program);
        break;
    case 3:
    case 4:
        put_bits(program);
        break;
    case 5:
        put_visible(program);
        break;
    case 6:
        if (pick(program, 2) == 0)
            put_patch(program);
        break;
    default:
        put_alu(program);
    }
}

/* Blocks end with a condition to some block; the last counts EBP down and begins again. */
static void put_blocks(struct program *program)
{
    for (unsigned i = 0; i < BLOCKS; i++) {
        program->block[i] = program->length;
        put(program, 0xB8 | pick_register(program)); /* mov reg, imm32 */
        put_immediate(program, 4);
        for (unsigned n = pick(program, BLOCK_INSNS); n > 0; n--)
            put_insn(program);
        put(program, 0x4D); /* dec ebp */
        put(program, 0x0F);
        put(program, 0x84); /* jz to the end */
        put32(program, program->block[BLOCKS] - (program->length + 4));
        unsigned cond = pick(program, 16), target = pick(program, BLOCKS);
        put_alu(program);
        put(program, 0x0F);
        put(program, 0x80 | cond);
        put32(program, program->block[target] - (program->length + 4));
    }
    put(program, 0xE9);
    put32(program, program->block[0] - (program->length + 4));
    program->block[BLOCKS] = program->length;
    put(program, 0xF4);
}

/* Twice with the same choices: the first time to know where blocks begin. */
static void make_program(struct program *program, uint64_t random)
{
    *program = (struct program){.random = random};
    put_blocks(program);
    for (unsigned i = 0; i < 2; i++) {
        program->random = random;
        program->length = 0;
        program->is_final = true;
        put_blocks(program);
    }
}

/* --- both engines --- */

static void prepare(struct bare_cpu *bare, const struct program *program, uint64_t random)
{
    struct cpu *cpu = bare->cpu;
    bare_cpu_flat(bare, true);
    memset(bare->ram, 0, COMPARED);
    code_flush(cpu->code);
    store_le32(bare->ram + TABLE, (TABLE + 0x1000) | 7);
    for (uint32_t page = 0; page < 256; page++)
        store_le32(bare->ram + TABLE + 0x1000 + 4 * page,
                   page == (DATA >> 12) + DATA_PAGES ? 0 : page << 12 | 7);
    for (unsigned i = 0; i < DATA_PAGES << 12; i += 4)
        store_le32(bare->ram + DATA + i, random_value(&random));
    memcpy(bare->ram + CODE, program->bytes, program->length);
    for (unsigned i = 0; i < 4; i++)
        cpu->gpr[i] = random_value(&random);
    cpu->gpr[REG_ESI] = DATA + 0x800;
    cpu->gpr[REG_EDI] = DATA + 0x1800;
    cpu->gpr[REG_EBP] = 3000;
    cpu->gpr[REG_ESP] =
        STACK + 0x80 - 4 * random_below(&random, random_below(&random, 2) ? 64 : 512);
    if (one_in(&random, 3)) { /* checked against the limit, and with a base */
        struct segment ds = cpu->seg[SEG_DS];
        ds.base = 0x10;
        ds.limit = DATA + 0x4000;
        segment_set(cpu, SEG_DS, &ds);
    }
    cpu->eip = CODE;
    cpu->cr3 = TABLE;
    cpu->cr0 |= CR0_PG;
    cpu->icount = cpu->fault_icount = cpu->tsc_offset = 0;
    cpu_sync(cpu);
}

/* Runs both; the instruction count at which they were seen to differ, or 0. */
static uint64_t run_program(struct pair *pair, const struct program *program, uint64_t random,
                            uint64_t *retired)
{
    for (unsigned i = 0; i < PAIR_SIDES; i++)
        prepare(pair->bare[i], program, random);
    for (unsigned slice = 0; slice < SLICES; slice++) {
        uint64_t count = 1 + random_below(&random, slice % 3 ? 3000 : 40);
        pair_run(pair, count);
        if (pair_differs(pair, NULL))
            return cpu_icount(pair->bare[PAIR_INTERP]->cpu);
        if (pair->bare[PAIR_INTERP]->cpu->activity != CPU_RUNNING)
            break;
    }
    *retired += cpu_icount(pair->bare[PAIR_INTERP]->cpu);
    return 0;
}

static void print_difference(void *context, const struct state_difference *difference)
{
    fprintf(stderr, "  %s %s at %#zx: %02x %02x\n", difference->section,
            difference->path ? difference->path : "", difference->offset, *difference->bytes[0],
            *difference->bytes[1]);
}

/* Runs both from the beginning for count instructions; whether they differ. */
static bool replay(struct pair *pair, const struct program *program, uint64_t random,
                   uint64_t count)
{
    for (unsigned i = 0; i < PAIR_SIDES; i++)
        prepare(pair->bare[i], program, random);
    pair_run(pair, count);
    return pair_differs(pair, NULL);
}

static void print_failure(struct pair *pair, const struct program *program, uint64_t random,
                          uint64_t at)
{
    fprintf(stderr, "differs within instruction %llu; program at %#x:", (unsigned long long)at,
            CODE);
    for (unsigned i = 0; i < program->length; i++)
        fprintf(stderr, " %02X", program->bytes[i]);
    fputc('\n', stderr);
    pair_differs(pair, print_difference);
    for (uint64_t count = 1; count <= at + 1; count++) {
        if (!replay(pair, program, random, count))
            continue;
        replay(pair, program, random, count - 1);
        fprintf(stderr, "from the beginning: instruction %llu at %#x, flags before %#x\n",
                (unsigned long long)count, pair->bare[PAIR_INTERP]->cpu->eip,
                cpu_get_eflags(pair->bare[PAIR_INTERP]->cpu));
        replay(pair, program, random, count);
        for (unsigned i = 0; i < PAIR_SIDES; i++)
            fprintf(stderr, "  %s: eip %#x, flags %#x\n", i == PAIR_JIT ? "jit" : "interp",
                    pair->bare[i]->cpu->eip, cpu_get_eflags(pair->bare[i]->cpu));
        break;
    }
}

int main(int argc, char **argv)
{
    static const struct {
        struct jit_options options;
        unsigned limit;
    } ways[] = {
        {{.warm = 1},                                  0},
        {{.warm = 8},                                  0},
        {{.warm = 3},                                  0},
        {{.warm = 8, .plain = true},                   0},
        {{.warm = 1, .unlinked = true, .flush = true}, 0},
        {{.warm = 2, .cache_size = 1},                 0},
        {{.warm = 1},                                  1},
        {{.warm = 1},                                  3},
    };
    unsigned programs = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : PROGRAMS, failed = 0;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1, retired = 0;
    for (unsigned way = 0; way < ARRAY_LENGTH(ways); way++) {
        struct pair pair;
        struct error err;
        uint64_t random = seed * UINT64_C(0x9E3779B97F4A7C15) + way;
        if (!pair_open(&pair, "pentium3", &ways[way].options, COMPARED, &err)) {
            fprintf(stderr, "SKIPPED: %s\n", err.text);
            return EXIT_SKIP;
        }
        pair.bare[PAIR_JIT]->cpu->code->limit = ways[way].limit;
        for (unsigned i = 0; i < programs && failed < 3; i++) {
            struct program program;
            make_program(&program, random_next(&random));
            uint64_t start = random_next(&random);
            uint64_t at = run_program(&pair, &program, start, &retired);
            if (!at)
                continue;
            fprintf(stderr, "way %u, program %u: ", way, i);
            print_failure(&pair, &program, start, at);
            failed++;
        }
        pair_close(&pair);
    }
    printf("%llu instructions, %u programs differ\n", (unsigned long long)retired, failed);
    return failed || retired < programs * UINT64_C(1000);
}
