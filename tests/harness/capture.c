/* Makes the files of known answers in machine/answers from what this host's processor does:
 *
 *     ninja -C build capture-answers
 *
 * For every instruction form that user mode has, and whose outcome does not depend on the operating
 * system, some instances: registers, addressing modes and operands differ from one to the next; one
 * reaches beyond the mapped page. machine/answers.h explains the format. Also alone:
 * build/tests/harness/capture DIRECTORY */
#include "cpu/decode.h"
#include "machine/isa.h"
#include "tests/harness/capture_host.h"

#include "base/bits.h"
#include "base/random.h"

#include <cpuid.h>
#include <stdio.h>
#include <string.h>

enum {
    CASES = 8,
    CASES_FLOAT = 16,
    CASES_TWO_SIZES = 12,
    MIDDLE = 0x800,
    LAST = 0x1000,
    C1 = 1 << 9
};

struct generator {
    const struct insn_row *row;
    unsigned number; /* of the case */
    uint64_t random;
    struct answer_case *answer;
    bool memory, edge;
    bool wide;              /* operand size is 32 bits */
    uint8_t reg, rm;        /* fields of ModRM */
    uint32_t address;       /* linear, of the memory operand */
    unsigned displacement4; /* index in code of a displacement that is not yet right, or 0 */
};

static uint32_t below(struct generator *g, uint32_t limit)
{
    return (uint32_t)(random_next(&g->random) >> 33) % limit;
}

static bool has(const struct insn_row *row, const char *operand)
{
    return strstr(row->operands, operand) != NULL;
}

static bool is(const struct insn_row *row, const char *mnemonic)
{
    return strcmp(row->mnemonic, mnemonic) == 0;
}

static bool is_any(const struct insn_row *row, const char *const *names)
{
    for (; *names; names++)
        if (is(row, *names))
            return true;
    return false;
}

static bool begins(const struct insn_row *row, const char *prefix)
{
    return strncmp(row->mnemonic, prefix, strlen(prefix)) == 0;
}

static bool ends(const struct insn_row *row, const char *suffix)
{
    size_t length = strlen(row->mnemonic), tail = strlen(suffix);
    return length >= tail && strcmp(row->mnemonic + length - tail, suffix) == 0;
}

static bool has_two_sizes(const struct insn_row *row)
{
    for (const char *p = row->operands; *p; p++)
        if ((*p == 'v' || *p == 'z') && p > row->operands)
            return true;
    return has(row, "eAX") || row->operands[0] == 0;
}

/* --- code --- */

static void put(struct generator *g, unsigned byte)
{
    g->answer->code[g->answer->length++] = (uint8_t)byte;
}

static void put_le(struct generator *g, uint32_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        put(g, value >> 8 * i & 0xFF);
}

/* A memory operand at g->address, by a base, base and index, or a displacement alone. */
static void put_memory(struct generator *g)
{
    static const uint8_t bases[] = {REG_EBX, REG_ESI, REG_EBP, REG_EDI, REG_ESP};
    uint32_t *gpr = g->answer->before.gpr;
    unsigned base = bases[below(g, ARRAY_LENGTH(bases))], reg = g->reg << 3;
    uint32_t displacement = below(g, 200) - 100;
    switch (below(g, 4)) {
    case 0: /* [disp32] */
        put(g, 0x05 | reg);
        put_le(g, g->address, 4);
        return;
    case 1: /* [base + disp8] */
        put(g, 0x40 | reg | base);
        if (base == REG_ESP)
            put(g, 0x24);
        put(g, displacement & 0xFF);
        gpr[base] = g->address - displacement;
        return;
    case 2: /* [base + index * scale + disp32] */
        put(g, 0x84 | reg);
        put(g, base | (base == REG_EDI ? REG_ESI : REG_EDI) << 3 | (g->number & 3) << 6);
        put_le(g, displacement * 1000, 4);
        gpr[base] = g->address - displacement * 1000 -
                    (gpr[base == REG_EDI ? REG_ESI : REG_EDI] << (g->number & 3));
        return;
    default: /* [base] */
        put(g, (base == REG_EBP ? 0x40 : 0) | reg | base);
        if (base == REG_ESP)
            put(g, 0x24);
        if (base == REG_EBP)
            put(g, 0);
        gpr[base] = g->address;
    }
}

static void put_prefixes(struct generator *g)
{
    static const uint8_t mandatory[] = {0, 0, 0x66, 0xF2, 0xF3};
    if (g->row->attributes & A_REP && g->number % 3)
        put(g, g->number % 3 == 1 ? 0xF3 : 0xF2);
    if (g->row->attributes & A_LOCK && g->memory && g->number % 4 == 1)
        put(g, 0xF0);
    if (!g->wide)
        put(g, 0x66);
    if (mandatory[g->row->prefix])
        put(g, mandatory[g->row->prefix]);
}

static void put_immediate(struct generator *g, const char *operand)
{
    bool small = is(g->row, "enter");
    uint32_t value = (uint32_t)random_next(&g->random);
    switch (operand[1]) {
    case 'b':
        put(g, below(g, 2) ? value & 0xFF : value & 0x1F);
        break;
    case 'w':
        put_le(g, small ? value & 0xFF : value & 0x3F, 2);
        break;
    default:
        put_le(g, value, g->wide ? 4 : 2);
    }
}

/* Jumps land on breakpoints of the code page, not in themselves. */
static void put_jump(struct generator *g, bool wide)
{
    uint32_t distance = 16 + below(g, 100);
    if (g->number & 1)
        distance = 0u - distance - 16;
    put_le(g, wide ? distance * 8 : distance, wide ? 4 : 1);
}

static void put_immediates(struct generator *g)
{
    for (const char *p = g->row->operands; *p;) {
        if (*p == 'I')
            put_immediate(g, p);
        else if (*p == 'J')
            put_jump(g, p[1] == 'z');
        else if (*p == 'O')
            put_le(g, g->address, 4);
        p += strcspn(p, ",");
        p += *p == ',';
    }
}

static void put_code(struct generator *g)
{
    put_prefixes(g);
    if (g->row->map != MAP_1)
        put(g, 0x0F);
    if (g->row->map == MAP_0F38 || g->row->map == MAP_0F3A)
        put(g, g->row->map == MAP_0F38 ? 0x38 : 0x3A);
    put(g, g->row->opcode);
    if ((g->row->modrm & 0xFF00) == M_BYTE(0))
        put(g, g->row->modrm & 0xFF);
    else if (g->row->modrm != M_NONE && g->memory)
        put_memory(g);
    else if (g->row->modrm != M_NONE)
        put(g, 0xC0 | g->reg << 3 | g->rm);
    put_immediates(g);
}

/* --- operands --- */

static bool can_be_memory(const struct insn_row *row)
{
    unsigned kind = row->modrm & 0xFF00;
    return kind == M_ANY || kind == M_MEM || kind == M_DIGIT(0) || kind == M_DIGIT_MEM(0);
}

static bool must_be_memory(const struct insn_row *row)
{
    unsigned kind = row->modrm & 0xFF00;
    return kind == M_MEM || kind == M_DIGIT_MEM(0) || has(row, "O");
}

/* These do several accesses, and processors differ in what is done when one of them faults. */
static bool is_long_access(const struct insn_row *row)
{
    static const char *const names[] = {"fnsave", "frstor",  "fxsave", "fxrstor",
                                        "fldenv", "fnstenv", "cmps",   NULL};
    return is_any(row, names);
}

static void choose_operands(struct generator *g)
{
    const struct insn_row *row = g->row;
    unsigned kind = row->modrm & 0xFF00;
    g->memory = must_be_memory(row) || (can_be_memory(row) && g->number % 4 != 3);
    g->edge = g->memory && g->number == 6 && !is_long_access(row);
    g->wide =
        row->prefix != P_ANY || row->attributes & A_JUMP || !has_two_sizes(row) || !(g->number & 1);
    g->reg = kind >= M_DIGIT(0) && kind != M_BYTE(0) ? row->modrm & 7 : (uint8_t)below(g, 8);
    g->rm = (uint8_t)below(g, 8);
    g->address = ANSWER_DATA + MIDDLE + below(g, 64);
    if (g->number % 8 != 7)
        g->address &= ~15u;
    if (g->edge)
        g->address = ANSWER_DATA + LAST - below(g, 3) * (g->number & 1);
}

static uint8_t *data_of(struct generator *g, uint32_t address)
{
    return g->answer->before.data + ((address - ANSWER_DATA) & (ANSWER_PAGE - 1));
}

/* Registers that instructions use without naming them. */
static void aim_implicit(struct generator *g)
{
    struct answer_state *state = &g->answer->before;
    state->gpr[REG_ESP] = ANSWER_DATA + 0x600 + 4 * below(g, 8);
    if (has(g->row, "X") || has(g->row, "Y") || begins(g->row, "maskmov")) {
        state->gpr[REG_ESI] = ANSWER_DATA + MIDDLE + below(g, 64);
        state->gpr[REG_EDI] = ANSWER_DATA + MIDDLE + below(g, 64);
        state->gpr[REG_ECX] = below(g, 20);
        state->flags |= g->number & 2 ? FLAG_DF : 0;
    }
    if (is(g->row, "xlat"))
        state->gpr[REG_EBX] = ANSWER_DATA + MIDDLE;
    if (is(g->row, "leave") || is(g->row, "enter"))
        state->gpr[REG_EBP] = ANSWER_DATA + MIDDLE + 4 * below(g, 8);
}

/* What makes an instruction do something else than fault or nothing. */
static void aim_values(struct generator *g)
{
    const struct insn_row *row = g->row;
    struct answer_state *state = &g->answer->before;
    uint32_t target = ANSWER_EIP + 32 + below(g, 512);
    if (g->edge)
        return;
    if (row->flags_read && g->number % 4 < 2)
        state->flags = g->number % 4 ? row->flags_read & FLAGS_ARITHMETIC : 0;
    if (is(row, "cld") || is(row, "std"))
        state->flags |= g->number & 1 ? FLAG_DF : 0;
    if (begins(row, "loop") || is(row, "jcxz"))
        state->gpr[REG_ECX] = below(g, 3);
    if ((is(row, "wait") || is(row, "fnclex")) && g->number % 4 < 2) {
        state->control &= (uint16_t) ~(1u << below(g, 6));
        state->status |= 0x3F;
    }
    if (state->status & ~state->control & 0x3F)
        state->status |= 0x8080; /* ES and B */
    if (begins(row, "bt") && has(row, "Gv"))
        state->gpr[g->reg] = below(g, 2000) - 1000;
    if ((is(row, "div") || is(row, "idiv")) && g->number % 4)
        state->gpr[REG_EDX] = 0;
    if (begins(row, "cmpxchg") && g->number % 4 < 2) {
        memcpy(data_of(g, g->address), &state->gpr[REG_EAX], 4);
        memcpy(data_of(g, g->address) + 4, &state->gpr[REG_EDX], 4);
        if (!g->memory && g->rm != REG_ESP)
            state->gpr[g->rm] = state->gpr[REG_EAX];
    }
    if (is(row, "ret"))
        store_le32(data_of(g, state->gpr[REG_ESP]), target);
    if (row->attributes & A_JUMP && has(row, "Ev")) {
        store_le32(data_of(g, g->address), target);
        if (!g->memory)
            state->gpr[g->rm] = target;
    }
    if (is(row, "bound") && g->number % 4) {
        store_le32(data_of(g, g->address), 0);
        store_le32(data_of(g, g->address) + (g->wide ? 4 : 2), 0x7FFF);
        state->gpr[g->reg] &= g->number % 4 == 1 ? 0x3FFF : 0xFFFF;
    }
    if (is(row, "ldmxcsr") && g->number % 4)
        store_le32(data_of(g, g->address), below(g, 0x10000));
}

/* --- x87 and SSE --- */

static bool is_x87(const struct insn_row *row)
{
    return row->map == MAP_1 && row->opcode >= 0xD8 && row->opcode <= 0xDF;
}

/* The image that these load: anything but pending exceptions and reserved bits. */
static void aim_environment(struct generator *g)
{
    static const char *const names[] = {"fldenv", "frstor", "fxrstor", NULL};
    uint8_t *image = data_of(g, g->address);
    unsigned step = is(g->row, "fxrstor") || !g->wide ? 2 : 4;
    if (!is_any(g->row, names))
        return;
    store_le16(image, 0x037F | below(g, 4) << 10);
    store_le16(image + step, (uint16_t)(below(g, 8) << 11 | below(g, 8) << 8));
    if (is(g->row, "fxrstor"))
        store_le32(image + 24, below(g, 0x10000));
}

static void aim_x87(struct generator *g)
{
    struct answer_state *state = &g->answer->before;
    if (!(g->row->attributes & (A_FPU | A_MMX | A_SSE)) && !is_x87(g->row))
        return;
    state->status = (uint16_t)(below(g, 8) << 11 | (below(g, 16) & 7) << 8);
    state->empty = g->number % 4 == 3 ? (uint8_t)below(g, 256) : 0;
    /* C1 is cleared (SDM 2), where AMD keeps it. */
    if (begins(g->row, "fcomi") || begins(g->row, "fucomi"))
        state->status &= (uint16_t)~C1;
    /* A transition to MMX whatever the operand (SDM 2), which AMD makes for registers only. */
    if (is(g->row, "cvtpi2ps") && g->memory)
        state->status = state->empty = 0;
    if (is_x87(g->row) && g->number % 2) {
        static const uint8_t precisions[] = {0, 2, 3, 3};
        state->control = (uint16_t)(0x3F | precisions[below(g, 4)] << 8 | below(g, 4) << 10 | 0x40);
    }
    if (is_x87(g->row) && g->number == 5)
        state->control &= (uint16_t) ~(1u << below(g, 6));
    if (g->row->operands[0] == 'M' && g->row->operands[1] == 't') {
        uint8_t *value = data_of(g, g->address);
        store_le64(value, state->reg[0].significand);
        store_le16(value + 8, state->reg[0].sign_exponent);
        for (unsigned i = 0; is(g->row, "fbld") && i < 10; i++)
            value[i] = (uint8_t)(below(g, 10) << 4 | below(g, 10));
        if (is(g->row, "fbld"))
            value[9] &= 0x80;
    }
    aim_environment(g);
}

static void aim_sse(struct generator *g)
{
    uint32_t *mxcsr = &g->answer->before.mxcsr;
    if (!(g->row->attributes & A_SSE))
        return;
    if (g->number % 2)
        *mxcsr |= below(g, 4) << 13 | below(g, 2) << 15 | below(g, 2) << 6;
    if (g->number == 5)
        *mxcsr &= ~(below(g, 64) << 7);
    if (g->number == 4)
        *mxcsr |= below(g, 64);
}

/* Which lanes the seed shall fill memory and registers with: see answer_state_seeded. */
static unsigned lanes_of(const struct insn_row *row, unsigned number)
{
    if (ends(row, "ps") || ends(row, "ss") || (is_x87(row) && has(row, "Md")))
        return begins(row, "fi") ? 2 : 0;
    if (ends(row, "pd") || ends(row, "sd") || (is_x87(row) && has(row, "Mq")))
        return begins(row, "fi") ? 2 : 1;
    return is_x87(row) ? 2 : number & 3;
}

/* --- what is not compared --- */

/* SDM 2B, "Flags affected" of the shifts and rotates: it depends on the count. */
static uint32_t shift_undefined(struct generator *g, const struct insn *insn)
{
    const struct insn_row *row = g->row;
    const char *last = strrchr(row->operands, ',') + 1;
    unsigned bits = row->operands[1] == 'b' ? 8 : g->wide ? 32 : 16;
    unsigned count = (*last == '1'   ? 1
                      : *last == 'I' ? insn->immediate
                                     : g->answer->before.gpr[REG_ECX]) &
                     31;
    uint32_t undefined = count > 1 ? FLAG_OF : 0;
    if (count && row->mnemonic[0] == 's')
        undefined |= FLAG_AF;
    if (count >= bits && begins(row, "sh"))
        undefined |= FLAG_CF;
    return undefined;
}

static void set_defined_flags(struct generator *g, const struct insn *insn)
{
    static const char *const shifts[] = {"rol", "ror", "rcl",  "rcr",  "shl",
                                         "shr", "sar", "shld", "shrd", NULL};
    uint32_t undefined =
        is_any(g->row, shifts) ? shift_undefined(g, insn) : g->row->flags_undefined;
    g->answer->flags_defined = (FLAGS_ARITHMETIC | FLAG_DF) & ~undefined;
}

/* Addresses of the last x87 instruction, which makers record at different times; MXCSR_MASK. */
static void set_ignored(struct generator *g)
{
    uint8_t *ignored = g->answer->ignored + (g->address - ANSWER_DATA);
    if (is(g->row, "fnsave") || is(g->row, "fnstenv")) {
        memset(ignored + (g->wide ? 12 : 6), 1, g->wide ? 16 : 8);
    } else if (is(g->row, "fxsave")) {
        memset(ignored + 6, 1, 18);
        memset(ignored + 28, 1, 4);
    }
}

static bool is_near(const struct insn_row *row)
{
    static const char *const names[] = {"f2xm1",   "fyl2x",   "fyl2xp1", "fptan", "fpatan",
                                        "fsin",    "fcos",    "fsincos", "rcpps", "rcpss",
                                        "rsqrtps", "rsqrtss", NULL};
    return is_any(row, names);
}

/* --- forms --- */

/* Cases whose outcome is not the instruction's, or where makers differ; docs/conformance.md has
 * the list. */
static bool is_left_out(const struct generator *g, const struct insn *insn)
{
    const struct insn_row *row = g->row;
    const struct answer_outcome *after = &g->answer->after;
    if (is(row, "prefetchw") && !g->memory)
        return true; /* AMD refuses it, Intel has a NOP there */
    if (is(row, "bswap") && !g->wide)
        return true; /* undefined */
    if ((is(row, "shld") || is(row, "shrd")) && !g->wide &&
        ((has(row, "cl") ? g->answer->before.gpr[REG_ECX] : insn->immediate) & 31) > 16)
        return true; /* undefined */
    if (is(row, "enter") && after->trap != ANSWER_NO_TRAP)
        return true; /* what was pushed before the fault */
    if ((is(row, "pusha") || is(row, "popa")) && after->trap != ANSWER_NO_TRAP)
        return true;
    return false;
}

static bool is_user_form(const struct insn_row *row)
{
    static const char *const extra[] = {"arpl", NULL};
    return row->class == INNOCUOUS || is_any(row, extra);
}

/* False: nothing came of it. */
static bool generate(struct generator *g, const struct decoder *decoder)
{
    struct answer_case *answer = g->answer;
    struct insn insn;
    memset(answer, 0, sizeof *answer);
    answer->seed = (uint32_t)(g->random >> 40) * 4 + lanes_of(g->row, g->number);
    answer_state_seeded(answer->seed, &answer->before);
    choose_operands(g);
    aim_implicit(g);
    aim_x87(g);
    aim_sse(g);
    put_code(g);
    aim_values(g);
    if (decode_insn(decoder, answer->code, answer->length, true, &insn) != DECODE_OK ||
        insn.length != answer->length || insn_row(insn.row) != g->row)
        return false;
    set_defined_flags(g, &insn);
    set_ignored(g);
    answer->is_near = is_near(g->row);
    capture_run(answer);
    return !is_left_out(g, &insn);
}

static void capture_form(const struct insn_row *row, unsigned index, const struct decoder *decoder,
                         FILE *stream)
{
    static struct answer_case answer;
    char opcode[ISA_TEXT_SIZE];
    isa_opcode_text(row, opcode);
    fprintf(stream, "# %s %s %s\n", opcode, row->mnemonic, row->operands);
    bool is_float = is_x87(row) || row->attributes & A_SSE;
    unsigned wanted = is_float                                     ? CASES_FLOAT
                      : has_two_sizes(row) && row->prefix == P_ANY ? CASES_TWO_SIZES
                                                                   : CASES;
    unsigned made = 0;
    for (unsigned attempt = 0; attempt < 4 * wanted && made < wanted; attempt++) {
        struct generator g = {.row = row, .number = attempt % wanted, .answer = &answer};
        g.random = ((uint64_t)index * 97 + attempt + 1) * UINT64_C(0x9E3779B97F4A7C15);
        if (!generate(&g, decoder))
            continue;
        answer_print(&answer, stream);
        made++;
    }
    if (!made)
        fprintf(stderr, "no case for %s %s %s\n", opcode, row->mnemonic, row->operands);
}

static void print_heading(FILE *stream)
{
    char brand[49] = "";
    uint32_t eax = 0, registers[4];
    for (unsigned leaf = 0; leaf < 3; leaf++)
        if (__get_cpuid(0x80000002 + leaf, &registers[0], &registers[1], &registers[2],
                        &registers[3]))
            memcpy(brand + 16 * leaf, registers, 16);
    __get_cpuid(1, &eax, &registers[1], &registers[2], &registers[3]);
    fprintf(stream,
            "# Known answers, captured from: %s, CPUID signature %08X.\n"
            "# Made by tests/harness/capture.c; machine/answers.h explains the format.\n",
            brand, eax);
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"integer", "x87", "simd"};
    if (argc != 2) {
        fprintf(stderr, "usage: capture DIRECTORY\n");
        return EXIT_STATUS_USAGE;
    }
    struct error err;
    if (!capture_open(&err)) {
        fprintf(stderr, "capture: %s\n", err.text);
        return EXIT_STATUS_HOST_ERROR;
    }
    struct decoder *decoder = decoder_new(cpu_model_find("core2"));
    bool ok = true;
    for (unsigned k = 0; k < ARRAY_LENGTH(names); k++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s.answers", argv[1], names[k]);
        FILE *stream = fopen(path, "w");
        if (!stream) {
            perror(path);
            return EXIT_STATUS_HOST_ERROR;
        }
        print_heading(stream);
        for (unsigned i = 0; i < insn_row_count(); i++) {
            const struct insn_row *row = insn_row(i);
            unsigned family = is_x87(row) ? 1 : row->attributes & (A_MMX | A_SSE) ? 2 : 0;
            if (family == k && is_user_form(row))
                capture_form(row, i, decoder, stream);
        }
        ok = fclose(stream) == 0 && ok;
    }
    decoder_free(decoder);
    return ok ? EXIT_STATUS_OK : EXIT_STATUS_HOST_ERROR;
}
