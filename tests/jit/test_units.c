/* Random programs of x87, MMX and SSE instructions in both engines: after every slice of a random
 * number of instructions, registers, memory and counters must be the same. The programs loop, so
 * that blocks are translated and linked; operands are misaligned, cross pages and fault; control
 * words unmask exceptions; CR0.TS comes and goes.
 * Alone: build/tests/jit/test_units [PROGRAMS [SEED]] */
#include "base/memory.h"
#include "cpu/code.h"
#include "cpu/insn_rows.h"
#include "cpu/model.h"
#include "cpu/segment.h"
#include "cpu/simd.h"
#include "jit/units.h"
#include "tests/harness/random.h"
#include "tests/jit/pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_SKIP = 77, SHOW = 3 };

enum {
    PROGRAMS = 8000,
    SLICES = 12,
    CODE = 0x10000,
    TABLE = 0x20000, /* page directory and tables */
    DATA = 0x30000,  /* the last page of the data is not there */
    DATA_SIZE = 0x3000,
    WORDS = 0x40000, /* control words, for FLDCW, LDMXCSR and CR0 */
    WORD_COUNT = 16,
    PROGRAM_INSNS = 24,
};

struct program {
    uint8_t bytes[1024];
    unsigned length;
};

/* --- programs --- */

static void put(struct program *program, unsigned byte)
{
    program->bytes[program->length++] = (uint8_t)byte;
}

static void put32(struct program *program, uint32_t value)
{
    store_le32(program->bytes + program->length, value);
    program->length += 4;
}

/* [base + disp32]: ESI and EDI point into the data; EBX to the words. */
static void put_memory(struct program *program, unsigned reg, unsigned base, uint32_t disp)
{
    put(program, 0x80 | reg << 3 | base);
    put32(program, disp);
}

static uint32_t random_disp(uint64_t *random)
{
    uint64_t choice = random_next(random);
    uint32_t disp = (choice >> 8) % 0x700;
    if (choice & 15) /* now and then misaligned */
        disp &= ~UINT32_C(15);
    if (choice % 97 == 0) /* the missing page, or across into it */
        disp = 0x1000 - (choice >> 20) % 24;
    return disp;
}

static bool is_named(const struct insn_row *row, const char *mnemonic)
{
    return !strcmp(row->mnemonic, mnemonic);
}

static bool is_usable(const struct insn_row *row)
{
    if (is_named(row, "wait") || is_named(row, "movnti"))
        return true;
    if (!(row->attributes & (A_FPU | A_MMX | A_SSE)) || is_named(row, "maskmovq") ||
        is_named(row, "maskmovdqu"))
        return false;
    return true;
}

static void put_row(struct program *program, const struct insn_row *row, uint64_t *random)
{
    static const uint8_t prefixes[] = {0, 0, 0x66, 0xF2, 0xF3};
    static const uint8_t bases[] = {REG_ESI, REG_EDI};
    unsigned kind = row->modrm >> 8, low = row->modrm & 0xFF;
    unsigned reg = random_next(random) & 7, rm = random_next(random) & 7;
    bool writes_general = row->operands[0] == 'G' || row->operands[0] == 'E';
    if (strchr(row->operands, 'G') && writes_general)
        reg %= 3; /* EAX, ECX, EDX */
    if (strchr(row->operands, 'E') && writes_general)
        rm %= 3;
    if (kind >= M_DIGIT(0) >> 8 && kind <= M_DIGIT_REG(0) >> 8)
        reg = low;
    bool memory = kind == M_MEM >> 8 || kind == M_DIGIT_MEM(0) >> 8 ||
                  ((kind == M_ANY >> 8 || kind == M_DIGIT(0) >> 8) && random_next(random) & 1);
    if (prefixes[row->prefix])
        put(program, prefixes[row->prefix]);
    if (row->map != MAP_1)
        put(program, 0x0F);
    if (row->map == MAP_0F38 || row->map == MAP_0F3A)
        put(program, row->map == MAP_0F38 ? 0x38 : 0x3A);
    put(program, row->opcode);
    if (kind == M_BYTE(0) >> 8)
        put(program, low);
    else if (is_named(row, "fldcw") || is_named(row, "ldmxcsr"))
        put_memory(program, reg, REG_EBX, 16 * (random_next(random) % WORD_COUNT) + 4 * (low == 2));
    else if (memory)
        put_memory(program, reg, bases[random_next(random) & 1], random_disp(random));
    else if (kind != M_NONE >> 8)
        put(program, 0xC0 | reg << 3 | rm);
    if (strstr(row->operands, "Ib"))
        put(program, (unsigned)random_next(random) & 0xFF);
}

/* The control register with some of the bits that the units depend on: mov eax, [ebx+8]; mov cr0,
 * eax. */
static void put_control_register(struct program *program, unsigned word)
{
    put(program, 0x8B);
    put_memory(program, REG_EAX, REG_EBX, 16 * word + 8);
    put(program, 0x0F);
    put(program, 0x22);
    put(program, 0xC0);
}

/* A jump of two bytes over an INC. */
static void put_jump(struct program *program, unsigned opcode, unsigned reg)
{
    put(program, opcode);
    put(program, 1);
    put(program, 0x40 | reg);
}

/* Something between them that works on general registers, flags and memory. */
static void put_other(struct program *program, uint64_t *random)
{
    uint64_t choice = random_next(random);
    unsigned reg = (choice >> 8) % 3, other = (choice >> 16) % 3;
    switch (choice % 13) {
    case 0:
    case 1:
        put(program, choice % 13 ? 0x39 : 0x01); /* cmp, add */
        put(program, 0xC0 | reg << 3 | other);
        break;
    case 2: /* mov reg,[esi+...] */
        put(program, 0x8B);
        put_memory(program, reg, REG_ESI, random_disp(random));
        break;
    case 3: /* mov [edi+...],reg */
        put(program, 0x89);
        put_memory(program, reg, REG_EDI, random_disp(random));
        break;
    case 4: /* add esi,16; sub esi,16 apart from each other would wander off */
        put(program, 0x83);
        put(program, 0xF0 | REG_ESI);
        put(program, 0x10); /* xor esi,16 */
        break;
    case 5:
        put(program, 0x0F); /* setcc */
        put(program, 0x90 | (choice >> 24 & 15));
        put(program, 0xC0 | reg);
        break;
    case 6:
        put_jump(program, 0x70 | (choice >> 24 & 15), reg); /* jcc */
        break;
    case 7:
        put(program, 0xF5); /* cmc */
        break;
    case 8:
        if (!(choice >> 32 & 3))
            put_control_register(program, (choice >> 24) % WORD_COUNT);
        break;
    case 9:
        put(program, 0x0F); /* cpuid: executed by C */
        put(program, 0xA2);
        put(program, 0x8D); /* lea ebx: it was overwritten */
        put(program, 0x1D);
        put32(program, WORDS);
        break;
    case 10:
        put(program, 0x9B);
        break;
    case 11:
        put_jump(program, 0xE3 - (choice >> 24 & 3), reg); /* jecxz, loop, loope, loopne */
        break;
    default:
        put(program, 0x0F); /* imul */
        put(program, 0xAF);
        put(program, 0xC0 | reg << 3 | other);
    }
}

static const struct insn_row *random_row(uint64_t *random, unsigned attributes)
{
    const struct insn_row *row;
    do
        row = insn_row((unsigned)(random_next(random) % insn_row_count()));
    while (!is_usable(row) || !(row->attributes & attributes));
    return row;
}

/* FLD, a function, FSTP, in any order. */
static void put_function(struct program *program, uint64_t *random)
{
    static const uint8_t functions[] = {0xF0, 0xF1, 0xF2, 0xF3, 0xF9, 0xFB, 0xFE, 0xFF};
    uint64_t choice = random_next(random);
    if (choice % 8 < 5) {
        put(program, 0xDD); /* fld m64, or fstp m64 */
        put_memory(program, choice % 8 < 3 ? 0 : 3, REG_ESI, choice >> 8 & 0x7F8);
    } else {
        put(program, 0xD9);
        put(program, functions[choice >> 8 & 7]);
    }
}

/* Mostly of one unit, so that it stays loaded; EBP counts the rounds. */
static void make_program(struct program *program, uint64_t *random)
{
    static const unsigned kinds[] = {A_FPU, A_SSE, A_MMX, A_FPU, A_SSE, A_FPU | A_MMX | A_SSE};
    unsigned attributes = kinds[random_next(random) % 6];
    bool functions = random_next(random) % 6 == 0;
    unsigned others = random_next(random) % 8;
    program->length = 0;
    for (unsigned i = 0; i < PROGRAM_INSNS; i++)
        if (random_next(random) % 16 < others)
            put_other(program, random);
        else if (functions)
            put_function(program, random);
        else
            put_row(program, random_row(random, attributes), random);
    put(program, 0x4D); /* dec ebp */
    put(program, 0x0F); /* jnz to the beginning */
    put(program, 0x85);
    put32(program, (uint32_t) - (int32_t)(program->length + 4));
    put(program, 0xF4); /* hlt */
}

/* --- states --- */

static uint64_t random_number(uint64_t *random)
{
    uint64_t choice = random_next(random), value = random_next(random);
    switch (choice & 7) {
    case 0: /* doubles of moderate size */
    case 1:
        return (value & UINT64_C(0x800FFFFFFFFFFFFF)) | (1000 + (choice >> 8) % 60) << 52;
    case 2: /* floats */
    case 3:
        return (value & UINT64_C(0x807FFFFF807FFFFF)) | (100 + (choice >> 8) % 60) << 23 |
               (100 + (choice >> 16) % 60) << 55;
    case 4:
        return 0;
    case 5:
        return value >> (choice >> 8) % 64;
    default:
        return value;
    }
}

static void fill_memory(uint8_t *data, uint8_t *words, uint64_t *random)
{
    for (unsigned i = 0; i < DATA_SIZE; i += 8)
        store_le64(data + i, random_number(random));
    for (unsigned i = 0; i < WORD_COUNT; i++) {
        uint64_t choice = random_next(random);
        uint16_t control = (uint16_t)(choice & 0xFFFF) | 0x3F;
        uint32_t mxcsr = ((uint32_t)choice & 0xE07F) | 0x1F80, cr0 = CR0_PE | CR0_PG | CR0_NE;
        if (choice >> 32 % 8 == 0)
            control &= (uint16_t) ~(choice >> 40 & 0x3F);
        if (choice >> 48 % 8 == 0)
            mxcsr &= ~(uint32_t)(choice >> 52 & 0x3F) << 7;
        if (choice >> 58 % 8 == 0)
            cr0 |= choice >> 61 & 1 ? CR0_TS : CR0_EM;
        store_le16(words + 16 * i, control);
        store_le32(words + 16 * i + 4, mxcsr);
        store_le32(words + 16 * i + 8, cr0);
    }
}

/* Identity-mapped 4 MiB with a hole behind the data. */
static void make_tables(uint8_t *ram)
{
    store_le32(ram + TABLE, (TABLE + 0x1000) | 7);
    for (uint32_t page = 0; page < 1024; page++)
        store_le32(ram + TABLE + 0x1000 + 4 * page,
                   page == (DATA + DATA_SIZE) >> 12 ? 0 : page << 12 | 7);
}

/* Not at 0, so that accesses are checked against the segment and its base counts. */
static void move_data_segment(struct cpu *cpu, uint32_t base)
{
    struct segment ds = cpu->seg[SEG_DS];
    ds.base = base;
    ds.limit = WORDS + 0xFFF;
    segment_set(cpu, SEG_DS, &ds);
    cpu->gpr[REG_ESI] -= base;
    cpu->gpr[REG_EDI] -= base;
    cpu->gpr[REG_EBX] -= base;
}

static void make_state(struct cpu *cpu, uint64_t *random)
{
    uint64_t choice = random_next(random);
    for (unsigned i = 0; i < 8; i++) {
        cpu->gpr[i] = (uint32_t)random_next(random);
        cpu->xmm[i] = (union xmm_register){
            .u64 = {random_number(random), random_number(random)}
        };
        cpu->fpu.reg[i] = (struct float80){random_next(random) | UINT64_C(1) << 63,
                                           (uint16_t)((random_next(random) & 0x80FF) + 0x3F80)};
    }
    cpu->gpr[REG_ESI] = DATA;
    cpu->gpr[REG_EDI] = DATA + DATA_SIZE - 0x1000;
    cpu->gpr[REG_EBX] = WORDS;
    cpu->gpr[REG_EBP] = 60;
    cpu->gpr[REG_ESP] = DATA + 0x800;
    cpu->fpu.control = choice % 8 ? 0x37F : 0x340 | (choice >> 8 & 0x3F);
    cpu->fpu.status = (uint16_t)((choice >> 16 & 7) << 11);
    cpu->fpu.empty = (uint8_t)(choice >> 20 & 3 ? choice >> 24 : 0xFF);
    cpu->mxcsr = (choice >> 32) % 8 ? 0x1F80 : 0x1F80 & ~(uint32_t)(choice >> 40 & 0x3F) << 7;
    cpu->eip = CODE;
    cpu->cr3 = TABLE;
    cpu->cr0 |= CR0_PG | CR0_NE;
    cpu->cr0 &= ~(uint32_t)(CR0_EM | CR0_TS);
    cpu->cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT;
    if (choice >> 48 & 1)
        move_data_segment(cpu, choice >> 49 & 0xFF);
    cpu_sync(cpu);
}

static void prepare(struct bare_cpu *bare, const struct program *program, uint64_t random)
{
    bare_cpu_flat(bare, true);
    fill_memory(bare->ram + DATA, bare->ram + WORDS, &random);
    make_tables(bare->ram);
    bare_cpu_write(bare, CODE, program->bytes, program->length);
    make_state(bare->cpu, &random);
}

/* --- comparison --- */

static bool same_fpu(const struct fpu_state *a, const struct fpu_state *b)
{
    bool same = a->control == b->control && a->status == b->status && a->empty == b->empty &&
                a->opcode == b->opcode && a->ip_selector == b->ip_selector &&
                a->data_selector == b->data_selector && a->ip_offset == b->ip_offset &&
                a->data_offset == b->data_offset;
    for (unsigned i = 0; i < 8; i++)
        same &= a->reg[i].significand == b->reg[i].significand &&
                a->reg[i].sign_exponent == b->reg[i].sign_exponent;
    return same;
}

static const char *difference(const struct bare_cpu *a, const struct bare_cpu *b)
{
    const struct cpu *x = a->cpu, *y = b->cpu;
    if (a->vector != b->vector)
        return "exception";
    if (cpu_icount(x) != cpu_icount(y))
        return "icount";
    if (x->eip != y->eip)
        return "eip";
    if (memcmp(x->gpr, y->gpr, sizeof x->gpr))
        return "general registers";
    if (cpu_get_eflags(x) != cpu_get_eflags(y))
        return "eflags";
    if (!same_fpu(&x->fpu, &y->fpu))
        return "x87 and MMX";
    if (memcmp(x->xmm, y->xmm, sizeof x->xmm))
        return "xmm";
    if (x->mxcsr != y->mxcsr)
        return "mxcsr";
    if (x->cr0 != y->cr0 || x->cr2 != y->cr2)
        return "control registers";
    if (memcmp(a->ram + DATA, b->ram + DATA, DATA_SIZE + 0x1000))
        return "memory";
    return NULL;
}

static void print_cpu(const char *title, const struct cpu *cpu)
{
    fprintf(stderr, "  %-7s icount %llu eip %X eax %X ecx %X edx %X flags %X\n", title,
            (unsigned long long)cpu_icount(cpu), cpu->eip, cpu->gpr[0], cpu->gpr[1], cpu->gpr[2],
            cpu_get_eflags(cpu));
    const struct fpu_state *fpu = &cpu->fpu;
    fprintf(stderr, "    cw %X sw %X empty %X op %X ip %X:%X data %X:%X mxcsr %X", fpu->control,
            fpu->status, fpu->empty, fpu->opcode, fpu->ip_selector, fpu->ip_offset,
            fpu->data_selector, fpu->data_offset, cpu->mxcsr);
    for (unsigned i = 0; i < 8; i++)
        fprintf(stderr, "%s%X:%016llX", i % 4 ? " " : "\n    ", fpu->reg[i].sign_exponent,
                (unsigned long long)fpu->reg[i].significand);
    for (unsigned i = 0; i < 8; i++)
        fprintf(stderr, "%s%016llX%016llX", i % 4 ? " " : "\n    ",
                (unsigned long long)cpu->xmm[i].u64[1], (unsigned long long)cpu->xmm[i].u64[0]);
    fputc('\n', stderr);
}

static void print_failure(const struct pair *pair, const struct program *program, const char *what)
{
    fprintf(stderr, "%s differs\n  program", what);
    for (unsigned i = 0; i < program->length; i++)
        fprintf(stderr, " %02X", program->bytes[i]);
    fputc('\n', stderr);
    print_cpu("interp", pair->bare[PAIR_INTERP]->cpu);
    print_cpu("jit", pair->bare[PAIR_JIT]->cpu);
}

/* Runs both from the beginning for count instructions; what differs then. */
static const char *replay(struct pair *pair, const struct program *program, uint64_t random,
                          uint64_t count)
{
    for (unsigned i = 0; i < PAIR_SIDES; i++)
        prepare(pair->bare[i], program, random);
    pair_run(pair, count);
    return difference(pair->bare[PAIR_INTERP], pair->bare[PAIR_JIT]);
}

/* Prints the first number of instructions after which they differ. */
static void bisect(struct pair *pair, const struct program *program, uint64_t random,
                   uint64_t total)
{
    for (uint64_t count = 1; count <= total + 1; count++) {
        const char *what = replay(pair, program, random, count);
        if (!what)
            continue;
        fprintf(stderr, "replayed, %s first differs after %llu instructions, of the one before:\n",
                what, (unsigned long long)count);
        print_failure(pair, program, what);
        replay(pair, program, random, count - 1);
        print_cpu("before", pair->bare[PAIR_INTERP]->cpu);
        return;
    }
}

/* Returns whether both sides agreed to the end. */
static bool run_program(struct pair *pair, const struct program *program, uint64_t random,
                        uint64_t *retired)
{
    for (unsigned i = 0; i < PAIR_SIDES; i++)
        prepare(pair->bare[i], program, random);
    uint64_t first = pair->bare[PAIR_INTERP]->cpu->icount, start = random;
    for (unsigned slice = 0; slice < SLICES; slice++) {
        uint64_t count = 1 + random_next(&random) % (slice % 3 ? 300 : 30);
        pair_run(pair, count);
        const char *what = difference(pair->bare[PAIR_INTERP], pair->bare[PAIR_JIT]);
        if (what) {
            print_failure(pair, program, what);
            bisect(pair, program, start, pair->bare[PAIR_INTERP]->cpu->icount - first);
            return false;
        }
        if (pair->bare[PAIR_INTERP]->cpu->activity != CPU_RUNNING)
            break;
    }
    *retired += pair->bare[PAIR_INTERP]->cpu->icount - first;
    return true;
}

/* Runs programs on both engines; returns how many differed. */
static unsigned run_programs(const struct jit_options *options, unsigned programs, uint64_t seed)
{
    struct pair pair;
    struct error err;
    uint64_t random = seed * UINT64_C(0x9E3779B97F4A7C15), retired = 0;
    unsigned failed = 0;
    if (!pair_open(&pair, "core2", options, WORDS, &err)) {
        fprintf(stderr, "no translator: %s\n", err.text);
        exit(1);
    }
    for (unsigned i = 0; i < programs && failed < SHOW; i++) {
        struct program program;
        make_program(&program, &random);
        failed += !run_program(&pair, &program, random_next(&random), &retired);
    }
    printf("%llu instructions in %u programs, %u differ\n", (unsigned long long)retired, programs,
           failed);
    jit_print_stats(pair.jit, stdout);
    pair_close(&pair);
    return failed + !retired;
}

int main(int argc, char **argv)
{
    static const struct jit_options options[] = {
        {.warm = 2        },
        { .warm = 1, .unlinked = true},
        { .warm = 3,  .cache_size = 1}
    };
    unsigned programs = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : PROGRAMS;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    unsigned failed = 0;
    if (!units_available()) {
        fprintf(stderr, "SKIPPED: this host cannot hold the guest's registers\n");
        return EXIT_SKIP;
    }
    for (unsigned i = 0; i < 3; i++)
        failed += run_programs(&options[i], programs, seed + i);
    return failed != 0;
}
