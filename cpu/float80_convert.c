/* Between the 80-bit format and 32- and 64-bit numbers, integers, packed BCD. */
#include "cpu/float_core.h"

static const struct float_format float32_format = {40, FLOAT80_BIAS - 126, FLOAT80_BIAS + 127};
static const struct float_format float64_format = {11, FLOAT80_BIAS - 1022, FLOAT80_BIAS + 1023};

#define BCD_LIMIT UINT64_C(1000000000000000000) /* 10^18 */

/* --- from smaller formats --- */

/* Zero, denormal, infinity, NaN: exponent field and fraction (shifted up to bit 62). A signalling
 * NaN stays one. */
static struct float80 widen_special(bool sign, bool all_ones, int32_t min_exponent,
                                    uint64_t fraction, struct float_env *env)
{
    if (all_ones)
        return float80_make(sign, FLOAT80_EXPONENT, fraction | FLOAT80_INTEGER_BIT);
    if (!fraction)
        return float80_make(sign, 0, 0);
    env->flags |= FLOAT_DENORMAL;
    int shift = __builtin_clzll(fraction);
    return float80_make(sign, (uint32_t)(min_exponent - shift), fraction << shift);
}

struct float80 float80_from_float32_slow(uint32_t a, struct float_env *env)
{
    return widen_special(a >> 31, (a >> 23 & 0xFF) == 0xFF, float32_format.min_exponent,
                         (uint64_t)(a & 0x7FFFFF) << 40, env);
}

struct float80 float80_from_float64_slow(uint64_t a, struct float_env *env)
{
    return widen_special(a >> 63, (a >> 52 & 0x7FF) == 0x7FF, float64_format.min_exponent,
                         a << 12 >> 1, env);
}

/* --- to smaller formats --- */

/* Exponent field (of exponent_bits) and fraction of a number that is rounded; NaN, infinity and
 * unsupported operands too. Returned as exponent << 63 - drop | fraction. */
static uint64_t narrow(struct float80 a, const struct float_format *format, uint32_t all_ones,
                       struct float_env *env)
{
    unsigned fraction_bits = 63u - format->drop;
    uint64_t infinity = (uint64_t)all_ones << fraction_bits;
    uint64_t fraction_mask = (UINT64_C(1) << fraction_bits) - 1;
    enum float_class class = float80_classify(a);
    struct float80 nan;
    if (class >= FLOAT_QNAN) {
        float80_nan_operands(a, a, &nan, env);
        return infinity | (nan.significand >> format->drop & fraction_mask);
    }
    if (class == FLOAT_INFINITY)
        return infinity;
    if (class == FLOAT_ZERO)
        return 0;
    struct float_number number = float80_number(a);
    struct float_wide wide = {number.sign, number.exponent, number.significand, 0};
    struct float_rounded rounded = float_round(wide, format, env);
    if (rounded.exponent > format->max_exponent)
        return infinity;
    uint32_t field = rounded.significand & FLOAT80_INTEGER_BIT
                         ? (uint32_t)(rounded.exponent - format->min_exponent + 1)
                         : 0;
    return (uint64_t)field << fraction_bits | (rounded.significand >> format->drop & fraction_mask);
}

static bool narrow_sign(struct float80 a)
{
    /* An unsupported operand gives the indefinite, which is negative. */
    return float80_sign(a) || float80_classify(a) == FLOAT_UNSUPPORTED;
}

uint32_t float80_to_float32_slow(struct float80 a, struct float_env *env)
{
    return (uint32_t)narrow(a, &float32_format, 0xFF, env) | (uint32_t)narrow_sign(a) << 31;
}

uint64_t float80_to_float64_slow(struct float80 a, struct float_env *env)
{
    return narrow(a, &float64_format, 0x7FF, env) | (uint64_t)narrow_sign(a) << 63;
}

/* --- integers --- */

/* The magnitude of a, rounded; false if it is 2^64 or more. flags: inexact and rounded up. */
static bool to_magnitude(struct float80 a, unsigned rounding, uint64_t *magnitude, uint16_t *flags)
{
    int32_t exponent = (a.sign_exponent & FLOAT80_EXPONENT) - FLOAT80_BIAS;
    *flags = 0;
    if (exponent > 63)
        return false;
    uint128_t value = float_shift_sticky((uint128_t)a.significand << 64,
                                         (uint32_t)(63 - (exponent < -2 ? -2 : exponent)));
    uint64_t rest = (uint64_t)value;
    *magnitude = (uint64_t)(value >> 64);
    if (!rest)
        return true;
    *flags = FLOAT_INEXACT;
    if (float_rounds_up(rounding, float80_sign(a), *magnitude & 1, rest)) {
        *flags |= FLOAT_ROUNDED_UP;
        return ++*magnitude != 0;
    }
    return true;
}

int64_t float80_to_int(struct float80 a, unsigned bits, bool truncate, struct float_env *env)
{
    uint64_t limit = UINT64_C(1) << (bits - 1);
    int64_t indefinite = (int64_t)-limit;
    uint64_t magnitude;
    uint16_t flags;
    bool sign = float80_sign(a);
    if (float80_classify(a) >= FLOAT_INFINITY ||
        !to_magnitude(a, truncate ? FLOAT_TRUNCATE : env->rounding, &magnitude, &flags) ||
        magnitude > limit - !sign) {
        env->flags |= FLOAT_INVALID;
        return indefinite;
    }
    env->flags |= flags;
    return (int64_t)(sign ? -magnitude : magnitude);
}

struct float80 float80_round_to_integer(struct float80 a, struct float_env *env)
{
    struct float80 result;
    if (float80_nan_operands(a, a, &result, env))
        return result;
    int32_t exponent = (a.sign_exponent & FLOAT80_EXPONENT) - FLOAT80_BIAS;
    bool sign = float80_sign(a);
    if (exponent >= 63 || !a.significand)
        return a;
    if (float80_classify(a) == FLOAT_DENORMAL_NUMBER)
        env->flags |= FLOAT_DENORMAL;
    uint64_t magnitude;
    uint16_t flags;
    (void)to_magnitude(a, env->rounding, &magnitude, &flags);
    env->flags |= flags;
    if (!magnitude)
        return float80_make(sign, 0, 0);
    int shift = __builtin_clzll(magnitude);
    return float80_make(sign, (uint32_t)(FLOAT80_BIAS + 63 - shift), magnitude << shift);
}

/* --- packed BCD --- */

struct float80 float80_from_bcd(const uint8_t bytes[10])
{
    uint64_t magnitude = 0;
    for (int i = 9; i-- > 0;)
        magnitude = magnitude * 100 + (uint64_t)(bytes[i] >> 4) * 10 + (bytes[i] & 15);
    struct float80 result = float80_from_int64((int64_t)magnitude);
    if (bytes[9] & 0x80)
        result.sign_exponent |= FLOAT80_SIGN;
    return result;
}

void float80_to_bcd(struct float80 a, uint8_t bytes[10], struct float_env *env)
{
    static const uint8_t indefinite[10] = {0, 0, 0, 0, 0, 0, 0, 0xC0, 0xFF, 0xFF};
    uint64_t magnitude;
    uint16_t flags;
    if (float80_classify(a) >= FLOAT_INFINITY ||
        !to_magnitude(a, env->rounding, &magnitude, &flags) || magnitude >= BCD_LIMIT) {
        env->flags |= FLOAT_INVALID;
        memcpy(bytes, indefinite, sizeof indefinite);
        return;
    }
    env->flags |= flags;
    for (unsigned i = 0; i < 9; i++, magnitude /= 100)
        bytes[i] = (uint8_t)(magnitude / 10 % 10 << 4 | magnitude % 10);
    bytes[9] = float80_sign(a) ? 0x80 : 0;
}

/* --- constants --- */

struct float80 float80_constant(unsigned index, unsigned rounding)
{
    /* Truncated significand, and the 64 bits behind it: the value lies between two numbers. */
    static const struct {
        uint16_t exponent;
        uint64_t high, low;
    } constants[8] = {
        {0x3FFF, UINT64_C(0x8000000000000000), 0                           }, /* 1 */
        {0x4000, UINT64_C(0xD49A784BCD1B8AFE), UINT64_C(0x492BF6FF4DAFDB4C)}, /* log2(10) */
        {0x3FFF, UINT64_C(0xB8AA3B295C17F0BB), UINT64_C(0xBE87FED0691D3E88)}, /* log2(e) */
        {0x4000, UINT64_C(0xC90FDAA22168C234), UINT64_C(0xC4C6628B80DC1CD1)}, /* pi */
        {0x3FFD, UINT64_C(0x9A209A84FBCFF798), UINT64_C(0x8F8959AC0B7C9178)}, /* log10(2) */
        {0x3FFE, UINT64_C(0xB17217F7D1CF79AB), UINT64_C(0xC9E3B39803F2F6AF)}, /* ln(2) */
        {0,      0,                            0                           },
        {0,      0,                            0                           },
    };
    uint64_t high = constants[index & 7].high, low = constants[index & 7].low;
    if (low && float_rounds_up(rounding, false, high & 1, low))
        high++;
    return float80_make(false, constants[index & 7].exponent, high);
}
