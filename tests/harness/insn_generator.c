#include "tests/harness/insn_generator.h"

#include <string.h>

enum { CODE_MIDDLE = 0x800 }; /* offset within the code page */

uint64_t random_next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

static uint32_t below(uint64_t *random, uint32_t limit)
{
    return (uint32_t)(random_next(random) >> 32) % limit;
}

uint32_t random_value(uint64_t *random)
{
    uint32_t value = (uint32_t)(random_next(random) >> 16);
    switch (below(random, 6)) {
    case 0:
        return below(random, 5) - 2;
    case 1:
        return (1u << below(random, 32)) + below(random, 3) - 1;
    case 2:
        return value & 0xFF;
    case 3:
        return (uint32_t)(int16_t)value;
    default:
        return value;
    }
}

static bool operands_have(const struct insn_row *row, const char *what)
{
    return strstr(row->operands, what) != NULL;
}

static bool is_named(const struct insn_row *row, const char *mnemonic)
{
    return strcmp(row->mnemonic, mnemonic) == 0;
}

/* --- bytes --- */

static bool modrm_fits(uint16_t column, uint8_t modrm)
{
    unsigned digit = modrm >> 3 & 7;
    bool memory = modrm < 0xC0;
    switch (column & 0xFF00) {
    case M_MEM:
        return memory;
    case M_REG:
        return !memory;
    case M_DIGIT(0):
        return digit == (column & 7);
    case M_DIGIT_MEM(0):
        return memory && digit == (column & 7);
    case M_DIGIT_REG(0):
        return !memory && digit == (column & 7);
    case M_BYTE(0):
        return modrm == (column & 0xFF);
    default:
        return true;
    }
}

static unsigned put_prefixes(const struct insn_row *row, bool code16, uint64_t *random,
                             uint8_t *code)
{
    unsigned at = 0;
    bool has_small_eip = row->attributes & A_JUMP && !code16; /* with 66 */
    if (code16 && below(random, 3) == 0)
        code[at++] = 0x67;
    if (row->attributes & A_REP && below(random, 3))
        code[at++] = below(random, 2) ? 0xF2 : 0xF3;
    if (row->prefix == P_F3 || row->prefix == P_F2)
        code[at++] = row->prefix == P_F3 ? 0xF3 : 0xF2;
    if (row->prefix == P_66 || (row->prefix == P_ANY && !has_small_eip && below(random, 3) == 0))
        code[at++] = 0x66;
    if (below(random, 16) == 0)
        code[at++] = 0x3E;
    return at;
}

/* Prefixes, opcode, ModRM, and random bytes for the rest. Returns where ModRM's displacement is if
 * there is no SIB byte. */
static unsigned put_code(const struct insn_row *row, bool code16, uint64_t *random, uint8_t *code)
{
    for (unsigned i = 0; i < 16; i++)
        code[i] = (uint8_t)(random_next(random) >> 24);
    unsigned at = put_prefixes(row, code16, random, code);
    if (row->map != MAP_1)
        code[at++] = 0x0F;
    code[at++] = row->opcode;
    if (row->modrm == M_NONE)
        return at;
    uint8_t modrm;
    do {
        modrm = (uint8_t)(random_next(random) >> 24);
    } while (!modrm_fits(row->modrm, modrm));
    code[at++] = modrm;
    return at;
}

static void put_value(struct insn_case *out, unsigned at, uint32_t value, bool wide)
{
    memcpy(out->code + at, &value, wide ? 4 : 2);
}

/* --- what the instruction points to --- */

/* Sets a register that is used as an offset: all of it, or the lower half. */
static void aim_register(struct insn_case *out, uint64_t *random, enum gpr reg, uint32_t offset,
                         bool wide)
{
    uint32_t upper = (uint32_t)random_next(random) & 0xFFFF0000;
    out->gpr[reg] = wide ? offset : upper | (offset & 0xFFFF);
}

static bool has_wide_address(const struct insn_case *out)
{
    return out->insn.flags & INSN_ADDRESS32;
}

/* Makes the memory operand lie at offset; false if its registers leave no way. */
static bool aim_memory(struct insn_case *out, unsigned displacement_at, uint32_t offset,
                       uint64_t *random)
{
    const struct insn *insn = &out->insn;
    bool wide = has_wide_address(out);
    uint32_t index = insn->index == REG_ZERO ? 0 : out->gpr[insn->index] << insn->scale;
    if (insn->base == insn->index && insn->base != REG_ZERO)
        return false;
    if (insn->base == REG_ESP && (insn->index != REG_ZERO || insn->displacement + 128 > 256))
        return false; /* the stack would be elsewhere */
    if (insn->base != REG_ZERO)
        aim_register(out, random, insn->base, offset - index - insn->displacement, wide);
    else if (!wide && insn->index != REG_ZERO)
        aim_register(out, random, insn->index, offset - insn->displacement, false);
    else
        put_value(out, displacement_at + (wide && (insn->modrm & 7) == 4), offset - index, wide);
    return true;
}

/* A bit offset into memory reaches far: keeps it near. False if the address depends on it. */
static bool aim_bit(struct insn_case *out, const struct insn_row *row)
{
    if (row->mnemonic[0] != 'b' || row->mnemonic[1] != 't' || !operands_have(row, "Gv"))
        return true;
    if (out->insn.reg == out->insn.base || out->insn.reg == out->insn.index)
        return false;
    out->gpr[out->insn.reg] = (uint32_t)((int16_t)out->gpr[out->insn.reg] / 8);
    return true;
}

static uint32_t near_data(const struct insn_case *out, uint64_t *random)
{
    return out->target - 64 + below(random, 128);
}

static uint32_t near_code(const struct insn_case *out, uint64_t *random)
{
    return out->eip + 32 + below(random, 512);
}

static void aim_implicit(struct insn_case *out, const struct insn_row *row, uint64_t *random)
{
    if (operands_have(row, "X") || operands_have(row, "Y")) {
        aim_register(out, random, REG_ESI, near_data(out, random), has_wide_address(out));
        aim_register(out, random, REG_EDI, near_data(out, random), has_wide_address(out));
        aim_register(out, random, REG_ECX, below(random, 24), has_wide_address(out));
        if (is_named(row, "cmps") && below(random, 2))
            memset(out->data, 0x55, sizeof out->data);
    }
    if (is_named(row, "xlat"))
        aim_register(out, random, REG_EBX, near_data(out, random), has_wide_address(out));
    if (is_named(row, "leave") || is_named(row, "enter"))
        aim_register(out, random, REG_EBP, near_data(out, random), !out->code16);
}

static uint32_t effective_address(const struct insn_case *in)
{
    const struct insn *insn = &in->insn;
    uint32_t offset = (insn->base == REG_ZERO ? 0 : in->gpr[insn->base]) +
                      (insn->index == REG_ZERO ? 0 : in->gpr[insn->index] << insn->scale) +
                      insn->displacement;
    return has_wide_address(in) ? offset : offset & 0xFFFF;
}

/* Where the generator may write the memory at an offset; NULL if it is not all there. */
static uint8_t *data_at(struct insn_case *out, uint32_t address, unsigned size)
{
    uint32_t offset = address + out->data_base - NATIVE_DATA;
    return offset <= NATIVE_DATA_SIZE - size ? out->data + offset : NULL;
}

/* Makes the comparison succeed half the time. */
static void aim_comparison(struct insn_case *out, uint64_t *random)
{
    uint8_t *memory = data_at(out, effective_address(out), 8);
    if (!memory || below(random, 2))
        return;
    memcpy(memory, &out->gpr[REG_EAX], 4);
    memcpy(memory + 4, &out->gpr[REG_EDX], 4);
}

/* Targets of jumps, after everything else is in place. False if the stack pointer is one. */
static bool aim_jump(struct insn_case *out, const struct insn_row *row, uint64_t *random)
{
    uint32_t target = near_code(out, random);
    bool wide = out->insn.flags & INSN_OPERAND32;
    uint32_t esp = out->code16 ? out->gpr[REG_ESP] & 0xFFFF : out->gpr[REG_ESP];
    unsigned end = out->insn.length;
    bool is_ret = is_named(row, "ret");
    uint8_t *memory = data_at(out, is_ret ? esp : effective_address(out), wide ? 4 : 2);
    if (operands_have(row, "Jz"))
        put_value(out, end - (wide ? 4 : 2), target - (out->eip + end), wide);
    else if (operands_have(row, "Jb")) /* not into itself */
        out->code[end - 1] =
            (uint8_t)(below(random, 2) ? 16 + below(random, 112) : 128 + below(random, 96));
    else if (is_ret || (operands_have(row, "Ev") && out->insn.flags & INSN_MEMORY)) {
        if (memory)
            memcpy(memory, &target, wide ? 4 : 2);
    } else if (operands_have(row, "Ev"))
        aim_register(out, random, out->insn.rm, target, wide);
    return !operands_have(row, "Ev") || out->insn.flags & INSN_MEMORY || out->insn.rm != REG_ESP;
}

/* Random bytes, and around the middle interesting values. */
static void fill_data(struct insn_case *out, uint64_t *random)
{
    for (unsigned i = 0; i < sizeof out->data; i += 8) {
        uint64_t bits = random_next(random);
        memcpy(out->data + i, &bits, 8);
    }
    for (unsigned i = 0; i < 192; i += 4) {
        uint32_t value = random_value(random);
        memcpy(out->data + NATIVE_DATA_SIZE / 2 - 96 + i, &value, 4);
    }
}

static bool decode_again(const struct decoder *decoder, unsigned row, struct insn_case *out)
{
    return decode_insn(decoder, out->code, 15, !out->code16, &out->insn) == DECODE_OK &&
           out->insn.row == row;
}

static void place_case(struct insn_case *out, enum insn_place place, uint64_t *random)
{
    out->code_base = out->code16 ? NATIVE_CODE : 0;
    out->data_base = out->code16 ? NATIVE_DATA : 0;
    out->eip = NATIVE_CODE - out->code_base + CODE_MIDDLE;
    out->target = NATIVE_DATA - out->data_base;
    if (place == PLACE_INSIDE)
        out->target += NATIVE_DATA_SIZE / 2;
    else
        out->target += below(random, 2) * NATIVE_DATA_SIZE;
}

bool insn_generate(const struct decoder *decoder, unsigned index, bool code16,
                   enum insn_place place, uint64_t *random, struct insn_case *out)
{
    const struct insn_row *row = insn_row(index);
    unsigned displacement_at = put_code(row, code16, random, out->code);
    out->code16 = code16;
    if (!decode_again(decoder, index, out))
        return false;
    place_case(out, place, random);
    for (unsigned i = 0; i < 8; i++)
        out->gpr[i] = random_value(random);
    aim_register(out, random, REG_ESP, near_data(out, random), !code16);
    out->eflags = (uint32_t)random_next(random) & (FLAGS_ARITHMETIC | FLAG_DF);
    fill_data(out, random);
    if (is_named(row, "enter"))
        out->code[displacement_at + 1] = 0;
    aim_implicit(out, row, random);
    if (!aim_bit(out, row))
        return false;
    if (out->insn.flags & INSN_MEMORY &&
        !aim_memory(out, displacement_at, near_data(out, random), random))
        return false;
    if (operands_have(row, "O")) {
        bool wide = has_wide_address(out);
        put_value(out, out->insn.length - (wide ? 4 : 2), near_data(out, random), wide);
    }
    if (!decode_again(decoder, index, out))
        return false;
    if (is_named(row, "cmpxchg8b"))
        aim_comparison(out, random);
    if (row->attributes & A_JUMP && !aim_jump(out, row, random))
        return false;
    return decode_again(decoder, index, out);
}
