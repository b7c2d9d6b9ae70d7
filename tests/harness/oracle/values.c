#include "tests/harness/oracle/values.h"

#include "base/bits.h"
#include "tests/harness/oracle/encode.h"

uint32_t value_float32(uint64_t *random)
{
    uint64_t choice = random_next(random);
    uint32_t value = (uint32_t)random_next(random), sign = value & 0x80000000u;
    switch (choice & 15) {
    case 0:
        return sign;
    case 1:
        return sign | 0x7F800000; /* infinity */
    case 2:
        return sign | 0x7F800000 | (value & 0x7FFFFF); /* NaN */
    case 3:
        return sign | (value & 0x7FFFFF); /* denormal */
    case 4:
        return sign | (1 + (choice >> 8 & 3)) << 23 | (value & 0x7FFFFF); /* tiny */
    case 5:
        return sign | (0xFE - (choice >> 8 & 3)) << 23 | (value & 0x7FFFFF); /* huge */
    case 6:
        return sign | (127 + (choice >> 8 & 31)) << 23 | (value & 0x7FFF00 << (choice >> 16 & 7));
    case 7:
    case 8:
    case 9:
        return sign | (100 + (choice >> 8 & 63)) << 23 | (value & 0x7FFFFF);
    case 10:
        return (uint32_t)(choice >> 32 & 0xFF) * 0x01010101u;
    default:
        return value;
    }
}

uint64_t value_float64(uint64_t *random)
{
    uint64_t choice = random_next(random), value = random_next(random);
    uint64_t sign = value & UINT64_C(1) << 63, fraction = value & UINT64_C(0xFFFFFFFFFFFFF);
    uint64_t infinity = UINT64_C(0x7FF) << 52;
    switch (choice & 15) {
    case 0:
        return sign;
    case 1:
        return sign | infinity;
    case 2:
        return sign | infinity | fraction;
    case 3:
        return sign | fraction;
    case 4:
        return sign | (1 + (choice >> 8 & 3)) << 52 | fraction;
    case 5:
        return sign | (0x7FE - (choice >> 8 & 3)) << 52 | fraction;
    case 6:
        return sign | (1023 + (choice >> 8 & 63)) << 52 | (fraction >> 40 << 40);
    case 7: /* around the limits of single precision */
        return sign | ((choice >> 8 & 1 ? 1023 - 150 : 1023 + 120) + (choice >> 9 & 31)) << 52 |
               fraction;
    case 8:
    case 9:
        return sign | (990 + (choice >> 8 & 63)) << 52 | fraction;
    default:
        return value;
    }
}

/* All bits random, or few bits set, or few clear. */
static uint64_t significand(uint64_t *random)
{
    uint64_t value = random_next(random);
    switch (random_next(random) >> 32 & 7) {
    case 0:
        return 0;
    case 1:
        return UINT64_C(1) << (value & 63);
    case 2:
        return ~(UINT64_C(1) << (value & 63));
    case 3:
        return value << (value & 63);
    case 4:
        return UINT64_MAX << (value & 63);
    default:
        return value;
    }
}

struct float80 value_float80(uint64_t *random, int32_t *last)
{
    enum { BIAS = 16383, SPECIAL = 0x7FFF };
    const uint64_t integer = UINT64_C(1) << 63;
    uint64_t choice = random_next(random), bits = significand(random);
    uint16_t sign = choice & 0x8000;
    int32_t exponent = (int32_t)(choice >> 16 & SPECIAL);
    switch (choice & 15) {
    case 0: /* anything at all, unsupported formats too */
        return (struct float80){bits, (uint16_t)(sign | exponent)};
    case 1: /* infinity or NaN */
        return (struct float80){bits | integer, sign | SPECIAL};
    case 2: /* zero, denormal, pseudo-denormal */
        return (struct float80){bits, sign};
    case 3: /* zero */
        return (struct float80){0, sign};
    case 4: /* at the ends of the exponent range */
        exponent = choice & 16 ? 1 + (exponent & 63) : 0x7FFE - (exponent & 63);
        break;
    case 5: /* wholly random */
        exponent = exponent % 0x7FFE + 1;
        break;
    case 6: /* a small integer */
        bits &= UINT64_C(0x7FFF) << 48;
        exponent = BIAS + (exponent & 15);
        break;
    case 7:
    case 8:
    case 9: /* near the one before */
        exponent = *last + exponent % 140 - 70;
        break;
    default:
        exponent = BIAS + exponent % 160 - 80;
        break;
    }
    exponent = exponent < 1 ? 1 : exponent > 0x7FFE ? 0x7FFE : exponent;
    *last = exponent;
    return (struct float80){bits | integer, (uint16_t)(sign | exponent)};
}

/* --- operands --- */

enum kind { KIND_INTEGER, KIND_FLOAT32, KIND_FLOAT64, KIND_SMALL, KIND_COUNT };

static uint64_t lane(uint64_t *random, enum kind kind)
{
    switch (kind) {
    case KIND_FLOAT32:
        return value_float32(random) | (uint64_t)value_float32(random) << 32;
    case KIND_FLOAT64:
        return value_float64(random);
    case KIND_SMALL: /* counts */
        return random_next(random) & 0x1F;
    default:
        return random_value(random) | (uint64_t)random_value(random) << 32;
    }
}

static void x87_operand(const struct insn_row *row, uint64_t *random, uint8_t *bytes)
{
    int32_t exponent = 16383;
    struct float80 value = value_float80(random, &exponent);
    uint64_t choice = random_next(random);
    char letter = row->operands[0] ? row->operands[1] : 0;
    if (letter == 't') {
        store_le64(bytes, value.significand);
        store_le16(bytes + 8, value.sign_exponent);
        if (row->mnemonic[1] == 'b') /* packed decimal, seldom with digits above nine */
            for (unsigned i = 0; i < 10; i++)
                bytes[i] = (uint8_t)(random_below(random, 10) << 4 | random_below(random, 10)) |
                           (one_in(random, 64) ? 0xA0 : 0);
    } else if (row->mnemonic[1] == 'i') {
        store_le64(bytes,
                   choice & 1 ? random_next(random) : random_next(random) >> (choice >> 8 & 63));
    } else if (letter == 'd') {
        store_le32(bytes, value_float32(random));
    } else if (letter == 'q') {
        store_le64(bytes, value_float64(random));
    }
}

void value_operand(const struct insn_row *row, uint64_t *random, uint8_t bytes[VALUE_SIZE])
{
    bool is_vector = row->attributes & (A_MMX | A_SSE);
    enum kind kind = is_vector ? random_below(random, KIND_COUNT) : KIND_INTEGER;
    for (unsigned i = 0; i < VALUE_SIZE; i += 8)
        store_le64(bytes + i, lane(random, kind));
    if (row->attributes & A_FPU)
        x87_operand(row, random, bytes);
}

/* --- states --- */

static void x87_state(uint64_t *random, struct world_state *state)
{
    uint64_t choice = random_next(random);
    /* All masked three times out of four; PC = 01 is reserved. */
    unsigned masks = choice & 3 ? 0x3F : choice >> 2 & 0x3F;
    static const uint16_t precision[4] = {0, 2, 3, 3};
    state->fpu_control =
        (uint16_t)(0x40 | masks | precision[choice >> 8 & 3] << 8 | (choice >> 10 & 3) << 10);
    state->fpu_status = (uint16_t)((choice >> 16 & 0x3F & masks) | (choice >> 22 & 7) << 11 |
                                   (choice >> 25 & 0x4740));
    if (masks != 0x3F && !(choice >> 48 & 7)) /* an exception is pending */
        state->fpu_status |= (uint16_t)((~masks & 0x3F) | 0x8080);
    unsigned top = state->fpu_status >> 11 & 7;
    switch (choice >> 40 & 3) {
    case 0:
        state->fpu_empty = (uint8_t)(choice >> 52);
        break;
    case 1: /* room to push one, or three */
        state->fpu_empty = (uint8_t)(1u << ((top + 7) & 7));
        break;
    case 2:
        state->fpu_empty = (uint8_t)(0x707u >> (8 - ((top + 5) & 7)));
        break;
    default:
        state->fpu_empty = choice >> 44 & 1 ? 0xFF : 0;
        break;
    }
    state->fpu_opcode = (uint16_t)(random_next(random) & 0x7FF);
    state->fpu_ip = (uint32_t)random_next(random);
    state->fpu_data = (uint32_t)random_next(random);
}

void value_state(uint64_t *random, struct world_state *state)
{
    memset(state, 0, sizeof *state);
    x87_state(random, state);
    uint64_t choice = random_next(random);
    bool is_mmx = choice & 1;
    enum kind kind = choice >> 1 & 3;
    int32_t exponent = 16383;
    for (unsigned i = 0; i < 8; i++) {
        struct float80 value = value_float80(random, &exponent);
        state->fpu[i].significand = is_mmx ? lane(random, kind) : value.significand;
        state->fpu[i].sign_exponent = is_mmx ? 0xFFFF : value.sign_exponent;
        state->xmm[i].u64[0] = lane(random, kind);
        state->xmm[i].u64[1] = lane(random, kind);
        state->gpr[i] = random_value(random);
    }
    /* Any rounding, FTZ, DAZ, and flags already up; mostly all masked. */
    state->mxcsr = MXCSR_DEFAULT | (uint32_t)(choice >> 24 & 3) << 13 |
                   (uint32_t)(choice >> 26 & 1) << 15 | (uint32_t)(choice >> 27 & 1) << 6;
    if (!(choice >> 34 & 3))
        state->mxcsr &= ~((uint32_t)(choice >> 37 & 0x3F) << 7);
    if (!(choice >> 28 & 3)) /* an unmasked flag that is up raises nothing by itself */
        state->mxcsr |= (uint32_t)(choice >> 30 & 0x3F);
    state->eflags = FLAG_FIXED | FLAG_IF | ((uint32_t)random_next(random) & FLAGS_ARITHMETIC);
    if (one_in(random, 4))
        state->eflags |= FLAG_DF;
    if (one_in(random, 16))
        state->eflags |= FLAG_AC;
    if (one_in(random, 16))
        state->eflags |= FLAG_ID;
}
