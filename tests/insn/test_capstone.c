/* The decoder against Capstone, exhaustively: every opcode of every map, with every ModRM byte, SIB
 * bytes, prefixes alone and in pairs, in 16- and 32-bit code. Compared are validity, length,
 * mnemonic and operands (registers, sizes, base, index, scale, displacement, segment, immediates).
 *
 * What Capstone reads otherwise must stand in capstone_differences.def, with the reason and the
 * manual's section; an entry that nothing needs is an error.
 *
 * Alone: build/tests/insn/test_capstone [all], "all" to print every kind of difference. */
#include "base/bits.h"
#include "tests/insn/operand_text.h"

#include <capstone/capstone.h>
#include <stdio.h>
#include <string.h>

/* --- differences that are known --- */

enum aspect { VALIDITY, LENGTH, MNEMONIC, OPERANDS, SIZES, ASPECT_COUNT };
static const char *const aspect_names[ASPECT_COUNT] = {"validity", "length", "mnemonic", "operands",
                                                       "operand sizes"};

/* Conditions of an entry: all of them must hold. */
enum condition {
    IF_66 = 1 << 0,
    IF_67 = 1 << 1,
    IF_F2 = 1 << 2, /* among the prefixes */
    IF_F3 = 1 << 3,
    IF_LOCK = 1 << 4,
    IF_16 = 1 << 5, /* code size */
    IF_32 = 1 << 6,
    IF_MEMORY = 1 << 7,
    IF_REGISTER = 1 << 8,
    IF_SEGMENT = 1 << 9,
    IF_SEVERAL = 1 << 10, /* more than one prefix */
    /* Not an instruction, but without 66, F2 and F3 a form that none of them or 66 selects. */
    IF_REFUSED = 1 << 11,
    IF_TO_REGISTER = 1 << 12, /* Capstone's first operand is a register */
    IF_UNLOCKABLE = 1 << 13,  /* LOCK, and a name that is not among those of SDM 2A, LOCK */
};

struct difference {
    unsigned aspects;          /* bits 1 << enum aspect */
    const char *ours, *theirs; /* mnemonics: "a b" is one of several, "*" any, "-" not valid */
    unsigned conditions;
    const char *why, *where;
};

#define A_VALIDITY (1 << VALIDITY)
#define A_LENGTH   (1 << LENGTH)
#define A_MNEMONIC (1 << MNEMONIC)
#define A_OPERANDS (1 << OPERANDS)
#define A_SIZES    (1 << SIZES)
#define A_ALL      (A_VALIDITY | A_LENGTH | A_MNEMONIC | A_OPERANDS | A_SIZES)
#define DIFFERENCE(aspects, ours, theirs, conditions, why, where)                                  \
    {aspects, ours, theirs, conditions, why, where},
static const struct difference known[] = {
#include "tests/insn/capstone_differences.def"
};

/* --- one encoding --- */

struct encoding {
    uint8_t bytes[24];
    unsigned size;
    unsigned prefixes;   /* bytes of them */
    unsigned conditions; /* all that hold */
};

struct totals {
    unsigned long encodings, valid, justified, unknown;
};

struct context {
    struct decoder *decoder;
    csh handles[2]; /* for 16- and 32-bit code */
    cs_insn *insns[2];
    csh capstone; /* the one that was asked last, and its answer */
    cs_insn *theirs;
    bool code32, print_all;
    struct totals totals;
    unsigned long used[ARRAY_LENGTH(known)];
    char last[128]; /* the last unknown difference that was printed */
};

static bool is_one_of(const char *list, const char *word)
{
    size_t length = strlen(word);
    if (strcmp(list, "*") == 0)
        return true;
    for (const char *p = list; (p = strstr(p, word)); p++)
        if ((p == list || p[-1] == ' ') && (p[length] == ' ' || !p[length]))
            return true;
    return false;
}

/* Counts the first entry that explains the difference. */
static bool is_known(struct context *context, enum aspect aspect, const char *ours,
                     const char *theirs, unsigned conditions)
{
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
        const struct difference *entry = &known[i];
        if (entry->aspects & 1u << aspect && (entry->conditions & ~conditions) == 0 &&
            is_one_of(entry->ours, ours) && is_one_of(entry->theirs, theirs)) {
            context->used[i]++;
            return true;
        }
    }
    return false;
}

static void print_encoding(const struct encoding *encoding, unsigned length)
{
    for (unsigned i = 0; i < length; i++)
        fprintf(stderr, "%02X", encoding->bytes[i]);
}

/* Without "rep ", "lock " and their like. */
static const char *bare_name(const char *name)
{
    const char *blank = strrchr(name, ' ');
    return blank ? blank + 1 : name;
}

static void note(struct context *context, const struct encoding *encoding, enum aspect aspect,
                 const struct insn *insn, bool known_to_capstone)
{
    const char *ours = insn ? insn_row(insn->row)->mnemonic : "-";
    const char *theirs = known_to_capstone ? bare_name(context->theirs->mnemonic) : "-";
    if (is_known(context, aspect, ours, theirs, encoding->conditions)) {
        context->totals.justified++;
        return;
    }
    context->totals.unknown++;
    char kind[128], operands[128] = "";
    snprintf(kind, sizeof kind, "%s of %s (Capstone: %s)", aspect_names[aspect], ours, theirs);
    if (!context->print_all && strcmp(kind, context->last) == 0)
        return;
    snprintf(context->last, sizeof context->last, "%s", kind);
    if (insn) {
        struct operand list[OPERANDS_MAX];
        operands_text(list, operands_of(insn, list), operands, sizeof operands);
    }
    fprintf(stderr, "%s, %u bits: ", kind, context->code32 ? 32 : 16);
    print_encoding(encoding, insn ? insn->length : encoding->size < 12 ? encoding->size : 12);
    fprintf(stderr, " %s %s", ours, operands);
    if (known_to_capstone)
        fprintf(stderr, "; Capstone: %s %s, %u bytes", theirs, context->theirs->op_str,
                context->theirs->size);
    fputc('\n', stderr);
}

/* --- names --- */

/* Capstone writes the size into the name where Intel's has none, names predicates, and has its own
 * names for far transfers and what the 8087 alone did. */
static bool same_mnemonic(const struct insn *insn, const char *theirs)
{
    static const struct {
        const char *ours, *theirs16, *theirs32;
    } by_size[] = {
        {"call far", "lcall",         "lcall"        },
        {"jmp far",  "ljmp",          "ljmp"         },
        {"xlat",     "xlatb",         "xlatb"        },
        {"fneni",    "feni8087_nop",  "feni8087_nop" },
        {"fndisi",   "fdisi8087_nop", "fdisi8087_nop"},
        {"fnsetpm",  "fsetpm",        "fsetpm"       },
        {"cbw",      "cbw",           "cwde"         },
        {"cwd",      "cwd",           "cdq"          },
        {"pusha",    "pushaw",        "pushal"       },
        {"popa",     "popaw",         "popal"        },
        {"pushf",    "pushf",         "pushfd"       },
        {"popf",     "popf",          "popfd"        },
        {"iret",     "iret",          "iretd"        },
        {"jcxz",     "jcxz",          "jecxz"        },
    };
    const struct insn_row *row = insn_row(insn->row);
    const char *ours = row->mnemonic;
    theirs = bare_name(theirs);
    if (strcmp(ours, theirs) == 0)
        return true;
    bool wide =
        strcmp(ours, "jcxz") == 0 ? insn->flags & INSN_ADDRESS32 : insn->flags & INSN_OPERAND32;
    for (size_t i = 0; i < ARRAY_LENGTH(by_size); i++)
        if (strcmp(ours, by_size[i].ours) == 0)
            return strcmp(theirs, wide ? by_size[i].theirs32 : by_size[i].theirs16) == 0;
    size_t length = strlen(ours);
    if (strchr(row->operands, 'X') || strchr(row->operands, 'Y')) { /* movs: movsb, movsw, movsd */
        bool byte = strchr(row->operands, 'b') != NULL;
        const char *suffix = byte ? "b" : insn->flags & INSN_OPERAND32 ? "d" : "w";
        return strncmp(theirs, ours, length) == 0 && strcmp(theirs + length, suffix) == 0;
    }
    if (length == 5 && strncmp(ours, "cmp", 3) == 0 && row->map == MAP_0F) { /* cmpps: cmpltps */
        static const char *const predicates[] = {"eq",  "lt",  "le",  "unord",
                                                 "neq", "nlt", "nle", "ord"};
        char name[16];
        snprintf(name, sizeof name, "cmp%s%s", predicates[insn->immediate & 7], ours + 3);
        return insn->immediate < 8 && strcmp(name, theirs) == 0;
    }
    return false;
}

/* --- operands --- */

static const char *reg_name(const struct context *context, unsigned reg)
{
    if (reg == X86_REG_INVALID || reg == X86_REG_EIZ || reg == X86_REG_RIZ)
        return NULL;
    const char *name = cs_reg_name(context->capstone, reg);
    return strcmp(name, "st") == 0 ? "st(0)" : name;
}

static bool same_name(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_memory(const struct context *context, const struct operand *ours,
                        const cs_x86_op *theirs)
{
    const char *base = reg_name(context, theirs->mem.base);
    const char *index = reg_name(context, theirs->mem.index);
    return same_name(ours->base, base) && same_name(ours->index, index) &&
           (!index || ours->scale == (unsigned)theirs->mem.scale) &&
           (((uint32_t)theirs->mem.disp ^ ours->value) & ours->value_mask) == 0 &&
           same_name(ours->segment, reg_name(context, theirs->mem.segment));
}

static bool same_operand(const struct context *context, const struct operand *ours,
                         const cs_x86_op *theirs)
{
    switch (ours->kind) {
    case OPERAND_REGISTER:
        return theirs->type == X86_OP_REG && same_name(ours->name, reg_name(context, theirs->reg));
    case OPERAND_IMMEDIATE:
        return theirs->type == X86_OP_IMM &&
               (((uint32_t)theirs->imm ^ ours->value) & ours->value_mask) == 0;
    case OPERAND_TARGET: /* at address 0 */
        return theirs->type == X86_OP_IMM &&
               (((uint32_t)theirs->imm - context->theirs->size - ours->value) & ours->value_mask) ==
                   0;
    case OPERAND_MEMORY:
        return theirs->type == X86_OP_MEM && same_memory(context, ours, theirs);
    }
    return false;
}

/* Returns the aspect that differs, or ASPECT_COUNT. A predicate is in the name and not among the
 * operands. */
static enum aspect compare_operands(const struct context *context, const struct insn *insn)
{
    struct operand ours[OPERANDS_MAX];
    const struct insn_row *row = insn_row(insn->row);
    const cs_x86 *theirs = &context->theirs->detail->x86;
    unsigned count = operands_of(insn, ours);
    if (row->map == MAP_0F && count == 3 && strncmp(row->mnemonic, "cmp", 3) == 0 &&
        strcmp(bare_name(context->theirs->mnemonic), row->mnemonic) != 0)
        count = 2;
    if (count != theirs->op_count)
        return OPERANDS;
    enum aspect differs = ASPECT_COUNT;
    for (unsigned i = 0; i < count; i++) {
        if (!same_operand(context, &ours[i], &theirs->operands[i]))
            return OPERANDS;
        if (ours[i].kind == OPERAND_MEMORY && ours[i].size &&
            ours[i].size != theirs->operands[i].size)
            differs = SIZES;
    }
    return differs;
}

/* --- encodings --- */

struct prefix_set {
    uint8_t bytes[2];
    unsigned count;
};

static unsigned condition_of(uint8_t prefix)
{
    switch (prefix) {
    case 0x66:
        return IF_66;
    case 0x67:
        return IF_67;
    case 0xF2:
        return IF_F2;
    case 0xF3:
        return IF_F3;
    case 0xF0:
        return IF_LOCK;
    default:
        return IF_SEGMENT;
    }
}

static void put(struct encoding *encoding, uint8_t byte)
{
    encoding->bytes[encoding->size++] = byte;
}

/* --- comparison --- */

/* Whether without the prefixes of the given conditions it is a form with that prefix column. */
static bool becomes(const struct context *context, const struct encoding *encoding,
                    unsigned without, unsigned prefix)
{
    struct encoding other = {0};
    struct insn insn;
    for (unsigned i = 0; i < encoding->size; i++)
        if (i >= encoding->prefixes || !(condition_of(encoding->bytes[i]) & without))
            other.bytes[other.size++] = encoding->bytes[i];
    return decode_insn(context->decoder, other.bytes, other.size, context->code32, &insn) ==
               DECODE_OK &&
           insn_row(insn.row)->prefix == prefix;
}

/* IF_REFUSED of an encoding that is not valid. */
static unsigned refused(const struct context *context, const struct encoding *encoding)
{
    return becomes(context, encoding, IF_F2 | IF_F3, P_66) ||
                   becomes(context, encoding, IF_66 | IF_F2 | IF_F3, P_NONE)
               ? IF_REFUSED
               : 0;
}

/* What Capstone says of the bytes; false: not valid. */
static bool ask(struct context *context, bool code32, const struct encoding *encoding)
{
    const uint8_t *code = encoding->bytes;
    uint64_t address = 0;
    size_t left = encoding->size;
    context->capstone = context->handles[code32];
    context->theirs = context->insns[code32];
    return cs_disasm_iter(context->capstone, &code, &left, &address, context->theirs);
}

/* The aspect in which Capstone differs, or ASPECT_COUNT. insn NULL: not valid for us. */
static enum aspect judge(struct context *context, const struct insn *insn, bool theirs,
                         unsigned length)
{
    if (!insn || !theirs)
        return insn || theirs ? VALIDITY : ASPECT_COUNT;
    if (context->theirs->size != length)
        return LENGTH;
    return same_mnemonic(insn, context->theirs->mnemonic) ? compare_operands(context, insn)
                                                          : MNEMONIC;
}

/* Whether F2 and F3 mean nothing to a form: they neither select nor repeat it. */
static bool ignores_repeat(const struct insn *insn)
{
    return insn && insn_row(insn->row)->prefix == P_ANY &&
           !(insn_row(insn->row)->attributes & A_REP);
}

/* F2 and F3, where they select a form, come before 66. */
static bool ignores_66(const struct insn *insn)
{
    return insn && (insn_row(insn->row)->prefix == P_F2 || insn_row(insn->row)->prefix == P_F3);
}

/* The same instruction, with each prefix once, in the order that Capstone reads them all: order and
 * repetition mean nothing (SDM 2A 2.1.1), of segment prefixes and of F2 and F3 the last counts.
 * with_67: whether it has the address size prefix. */
static struct encoding canonical(const struct encoding *encoding, const struct insn *insn,
                                 bool with_67)
{
    struct encoding other = {0};
    uint8_t segment = 0, repeat = 0;
    for (unsigned i = 0; i < encoding->prefixes; i++) {
        uint8_t prefix = encoding->bytes[i];
        if (condition_of(prefix) == IF_SEGMENT)
            segment = prefix;
        if ((prefix & 0xFE) == 0xF2 && !ignores_repeat(insn))
            repeat = prefix;
    }
    if (with_67)
        put(&other, 0x67);
    if (segment)
        put(&other, segment);
    if (encoding->conditions & IF_LOCK)
        put(&other, 0xF0);
    if (repeat)
        put(&other, repeat);
    if (encoding->conditions & IF_66 && !ignores_66(insn))
        put(&other, 0x66);
    other.prefixes = other.size;
    unsigned rest = encoding->size - encoding->prefixes;
    memcpy(other.bytes + other.size, encoding->bytes + encoding->prefixes, rest);
    other.size += rest;
    return other;
}

/* Asks again about the canonical form; and where 66, F2 or F3 is part of the opcode, which means
 * the same in 16-bit code and which Capstone 4 does not know, about that of 32-bit code. */
static enum aspect judge_again(struct context *context, const struct insn *insn,
                               const struct encoding *encoding, bool *theirs)
{
    bool has_67 = encoding->conditions & IF_67;
    struct encoding other = canonical(encoding, insn, has_67);
    *theirs = ask(context, context->code32, &other);
    unsigned length = insn ? insn->length - encoding->prefixes : 0;
    enum aspect differs = judge(context, insn, *theirs, length + other.prefixes);
    if (differs == ASPECT_COUNT || context->code32 ||
        !(encoding->conditions & (IF_66 | IF_F2 | IF_F3)) ||
        (insn && insn_row(insn->row)->prefix == P_ANY))
        return differs;
    other = canonical(encoding, insn, !has_67);
    *theirs = ask(context, true, &other);
    return judge(context, insn, *theirs, length + other.prefixes);
}

static void compare(struct context *context, struct encoding *encoding)
{
    struct insn insn;
    bool valid = decode_insn(context->decoder, encoding->bytes, encoding->size, context->code32,
                             &insn) == DECODE_OK;
    const struct insn *ours = valid ? &insn : NULL;
    bool theirs = ask(context, context->code32, encoding);
    enum aspect differs = judge(context, ours, theirs, insn.length);
    context->totals.encodings++;
    context->totals.valid += valid;
    if (differs != ASPECT_COUNT && encoding->prefixes)
        differs = judge_again(context, ours, encoding, &theirs);
    if (differs == ASPECT_COUNT)
        return;
    if (valid)
        encoding->conditions |= insn.flags & INSN_MEMORY ? IF_MEMORY : IF_REGISTER;
    else
        encoding->conditions |= refused(context, encoding);
    if (theirs && encoding->conditions & IF_LOCK &&
        !is_one_of("adc add and btc btr bts cmpxchg cmpxchg8b dec inc neg not or sbb sub xadd xchg "
                   "xor",
                   bare_name(context->theirs->mnemonic)))
        encoding->conditions |= IF_UNLOCKABLE;
    if (theirs && context->theirs->detail->x86.op_count &&
        context->theirs->detail->x86.operands[0].type == X86_OP_REG)
        encoding->conditions |= IF_TO_REGISTER;
    note(context, encoding, differs, ours, theirs);
}

/* --- the sweep --- */

static struct encoding begin(const struct context *context, const struct prefix_set *set,
                             unsigned map, unsigned opcode)
{
    struct encoding encoding = {.conditions = context->code32 ? IF_32 : IF_16};
    for (unsigned i = 0; i < set->count; i++) {
        put(&encoding, set->bytes[i]);
        encoding.conditions |= condition_of(set->bytes[i]);
    }
    encoding.prefixes = set->count;
    if (set->count > 1)
        encoding.conditions |= IF_SEVERAL;
    if (map != MAP_1)
        put(&encoding, 0x0F);
    if (map == MAP_0F38 || map == MAP_0F3A)
        put(&encoding, map == MAP_0F38 ? 0x38 : 0x3A);
    put(&encoding, (uint8_t)opcode);
    return encoding;
}

/* With what can follow: displacement and immediates, every byte another. */
static void finish(struct context *context, const struct encoding *begun)
{
    static const uint8_t tail[] = {0x91, 0x72, 0xA3, 0x14, 0x85, 0x36, 0xC7, 0x58, 0x69, 0x0A};
    struct encoding encoding = *begun;
    memcpy(encoding.bytes + encoding.size, tail, sizeof tail);
    encoding.size += sizeof tail;
    compare(context, &encoding);
}

static bool has_modrm(unsigned map, unsigned opcode)
{
    for (unsigned i = 0; i < insn_row_count(); i++)
        if (insn_row(i)->map == map && insn_row(i)->opcode == opcode)
            return insn_row(i)->modrm != M_NONE;
    return true;
}

static bool is_prefix_or_escape(unsigned map, unsigned opcode)
{
    static const uint8_t bytes[] = {0x0F, 0x26, 0x2E, 0x36, 0x3E, 0x64,
                                    0x65, 0x66, 0x67, 0xF0, 0xF2, 0xF3};
    return (map == MAP_1 && memchr(bytes, (int)opcode, sizeof bytes)) ||
           (map == MAP_0F && (opcode == 0x38 || opcode == 0x3A));
}

static bool addresses_32(const struct context *context, const struct encoding *encoding)
{
    return context->code32 != ((encoding->conditions & IF_67) != 0);
}

enum { SIB_ESP = 0x24 };

static void sweep_modrm(struct context *context, const struct encoding *begun, bool sparsely)
{
    for (unsigned modrm = 0; modrm < 256; modrm++) {
        unsigned rm = modrm & 7;
        if (sparsely && rm != 0 && rm != 4 && rm != 5)
            continue;
        struct encoding encoding = *begun;
        put(&encoding, (uint8_t)modrm);
        if (modrm < 0xC0 && rm == 4 && addresses_32(context, &encoding))
            put(&encoding, SIB_ESP);
        finish(context, &encoding);
    }
}

/* Every SIB byte with every mod. */
static void sweep_sib(struct context *context, const struct encoding *begun)
{
    if (!addresses_32(context, begun))
        return;
    for (unsigned mod = 0; mod < 3; mod++)
        for (unsigned sib = 0; sib < 256; sib++) {
            struct encoding encoding = *begun;
            put(&encoding, (uint8_t)(mod << 6 | (sib & 7) << 3 | 4));
            put(&encoding, (uint8_t)sib);
            finish(context, &encoding);
        }
}

static void sweep_opcodes(struct context *context, const struct prefix_set *set)
{
    for (unsigned map = 0; map < MAP_COUNT; map++)
        for (unsigned opcode = 0; opcode < 256; opcode++) {
            if (is_prefix_or_escape(map, opcode))
                continue;
            struct encoding encoding = begin(context, set, map, opcode);
            if (!has_modrm(map, opcode)) {
                finish(context, &encoding);
                continue;
            }
            sweep_modrm(context, &encoding, set->count > 1);
            if (set->count == 0 || set->bytes[0] == 0x67)
                sweep_sib(context, &encoding);
        }
}

static void sweep_mode(struct context *context)
{
    static const uint8_t prefixes[] = {0x66, 0x67, 0xF2, 0xF3, 0xF0, 0x64,
                                       0x2E, 0x26, 0x36, 0x3E, 0x65};
    enum { PAIRED = 7 }; /* in pairs, one segment prefix more stands for the others */
    sweep_opcodes(context, &(struct prefix_set){.count = 0});
    for (unsigned i = 0; i < sizeof prefixes; i++)
        sweep_opcodes(context, &(struct prefix_set){{prefixes[i]}, 1});
    for (unsigned i = 0; i < PAIRED; i++)
        for (unsigned k = 0; k < PAIRED; k++)
            sweep_opcodes(context, &(struct prefix_set){
                                       {prefixes[i], prefixes[k]},
                                       2
            });
}

static bool sweep(struct context *context)
{
    for (unsigned bits = 0; bits < 2; bits++) {
        csh *handle = &context->handles[bits];
        if (cs_open(CS_ARCH_X86, bits ? CS_MODE_32 : CS_MODE_16, handle) != CS_ERR_OK ||
            cs_option(*handle, CS_OPT_DETAIL, CS_OPT_ON) != CS_ERR_OK)
            return false;
        context->insns[bits] = cs_malloc(*handle);
    }
    for (unsigned bits = 0; bits < 2; bits++) {
        context->code32 = bits;
        sweep_mode(context);
    }
    for (unsigned bits = 0; bits < 2; bits++) {
        cs_free(context->insns[bits], 1);
        cs_close(&context->handles[bits]);
    }
    return true;
}

static unsigned unused_entries(const struct context *context)
{
    unsigned unused = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
        if (context->used[i])
            continue;
        fprintf(stderr, "capstone_differences.def: nothing needs \"%s\", \"%s\" (%s)\n",
                known[i].ours, known[i].theirs, known[i].why);
        unused++;
    }
    return unused;
}

int main(int argc, char **argv)
{
    static struct context context;
    context.print_all = argc > 1;
    context.decoder = decoder_new(cpu_model_find("core2"));
    if (!sweep(&context))
        return 1;
    unsigned unused = unused_entries(&context);
    decoder_free(context.decoder);
    printf(
        "%lu encodings, %lu valid, %lu read otherwise by Capstone for known reasons, %lu for "
        "none\n",
        context.totals.encodings, context.totals.valid, context.totals.justified,
        context.totals.unknown);
    return context.totals.unknown || unused || !context.totals.valid;
}
