/* Rounding with every special case, and the square root's significand. */
#include "cpu/float_core.h"

/* Exponent adjustment of the unmasked overflow and underflow responses (SDM 1, 8.5.4, 8.5.5). */
enum { FLOAT80_EXPONENT_ADJUST = 24576 };

/* Rounds high:low to a multiple of 1 << drop. Returns true if something was lost; *carry: the sum
 * reached 2^64 (high is then 0). */
static bool round_bits(uint64_t *high, uint64_t low, unsigned drop, bool sign,
                       const struct float_env *env, bool *up, bool *carry)
{
    uint64_t unit = UINT64_C(1) << drop;
    uint64_t rest = low;
    if (drop) {
        rest = *high << (64 - drop) | (low != 0);
        *high &= ~(unit - 1);
    }
    *carry = false;
    *up = rest && float_rounds_up(env->rounding, sign, (*high & unit) != 0, rest);
    if (*up) {
        *high += unit;
        *carry = *high == 0;
    }
    return rest != 0;
}

/* The masked response to overflow. */
static struct float_rounded overflow(bool sign, const struct float_format *format,
                                     struct float_env *env)
{
    env->flags |= FLOAT_OVERFLOW | FLOAT_INEXACT;
    bool to_infinity =
        env->rounding == FLOAT_NEAREST || env->rounding == (sign ? FLOAT_DOWN : FLOAT_UP);
    if (to_infinity) {
        env->flags |= FLOAT_ROUNDED_UP;
        return (struct float_rounded){format->max_exponent + 1, FLOAT80_INTEGER_BIT};
    }
    env->flags &= (uint16_t)~FLOAT_ROUNDED_UP;
    return (struct float_rounded){format->max_exponent, ~((UINT64_C(1) << format->drop) - 1)};
}

/* The masked response to a tiny result: denormal or zero. */
static struct float_rounded denormalize(struct float_wide wide, const struct float_format *format,
                                        bool tiny, struct float_env *env)
{
    uint128_t value = float_shift_sticky((uint128_t)wide.high << 64 | wide.low,
                                         (uint32_t)(format->min_exponent - wide.exponent));
    uint64_t high = (uint64_t)(value >> 64);
    bool up, carry;
    if (round_bits(&high, (uint64_t)value, format->drop, wide.sign, env, &up, &carry)) {
        env->flags |= FLOAT_INEXACT | (tiny ? FLOAT_UNDERFLOW : 0);
        env->flags |= up ? FLOAT_ROUNDED_UP : 0;
    }
    return (struct float_rounded){format->min_exponent, high};
}

struct float_rounded float_round(struct float_wide wide, const struct float_format *format,
                                 struct float_env *env)
{
    uint64_t high = wide.high;
    int32_t exponent = wide.exponent;
    bool up, carry;
    bool inexact = round_bits(&high, wide.low, format->drop, wide.sign, env, &up, &carry);
    if (carry) {
        high = FLOAT80_INTEGER_BIT;
        exponent++;
    }
    if (UNLIKELY(wide.exponent < format->min_exponent)) {
        bool tiny = exponent < format->min_exponent; /* after rounding */
        if (tiny && env->flush_to_zero && env->masked & FLOAT_UNDERFLOW) {
            env->flags |= FLOAT_UNDERFLOW | FLOAT_INEXACT;
            return (struct float_rounded){format->min_exponent, 0};
        }
        if (!tiny || env->masked & FLOAT_UNDERFLOW)
            return denormalize(wide, format, tiny, env);
        env->flags |= FLOAT_UNDERFLOW;
        exponent += FLOAT80_EXPONENT_ADJUST;
        if (exponent < format->min_exponent) { /* FSCALE by a huge amount */
            env->flags |= FLOAT_INEXACT;
            return (struct float_rounded){format->min_exponent, 0};
        }
    } else if (UNLIKELY(exponent > format->max_exponent)) {
        if (env->masked & FLOAT_OVERFLOW)
            return overflow(wide.sign, format, env);
        env->flags |= FLOAT_OVERFLOW;
        exponent -= FLOAT80_EXPONENT_ADJUST;
        if (exponent > format->max_exponent) {
            env->flags |= FLOAT_INEXACT | FLOAT_ROUNDED_UP;
            return (struct float_rounded){format->max_exponent + 1, FLOAT80_INTEGER_BIT};
        }
    }
    if (inexact)
        env->flags |= FLOAT_INEXACT | (up ? FLOAT_ROUNDED_UP : 0);
    return (struct float_rounded){exponent, high};
}

struct float80 float80_round_slow(struct float_wide wide, unsigned drop, struct float_env *env)
{
    struct float_format format = {(uint8_t)drop, 1, FLOAT80_EXPONENT - 1};
    struct float_rounded rounded = float_round(wide, &format, env);
    if (!(rounded.significand & FLOAT80_INTEGER_BIT))
        rounded.exponent = 0;
    return float80_make(wide.sign, (uint32_t)rounded.exponent & FLOAT80_EXPONENT,
                        rounded.significand);
}

/* floor(sqrt(value)), one bit at a time; value >= 2^30. */
static uint32_t sqrt_16(uint32_t value)
{
    uint32_t root = 0, rest = 0;
    for (int i = 0; i < 16; i++) {
        rest = rest << 2 | value >> 30;
        value <<= 2;
        uint32_t trial = root << 2 | 1;
        uint32_t fits = rest >= trial;
        rest -= fits ? trial : 0;
        root = root << 1 | fits;
    }
    return root;
}

/* floor(sqrt(value)); value >= 2^62. From the root of the upper half, as below. */
static uint32_t sqrt_32(uint64_t value)
{
    uint64_t high = sqrt_16((uint32_t)(value >> 32));
    uint64_t rest = (value >> 32) - high * high;
    uint64_t root = (high << 16) + (rest << 16 | (value >> 16 & 0xFFFF)) / (2 * high);
    while (root >> 32 || root * root > value)
        root--;
    return (uint32_t)root;
}

/* The root of a 128-bit number from the root of its upper half and one division (Zimmermann,
 * Karatsuba Square Root, 1999). */
struct float_wide float_sqrt_number(struct float_number a)
{
    /* value = significand * 2^63 or 2^64, so that the exponent is even. */
    int32_t unbiased = a.exponent - FLOAT80_BIAS;
    uint128_t value = (uint128_t)a.significand << (unbiased & 1 ? 64 : 63);
    uint64_t upper = (uint64_t)(value >> 64);
    uint64_t root_high = sqrt_32(upper);
    uint64_t rest_high = upper - root_high * root_high;
    uint128_t dividend = (uint128_t)rest_high << 32 | (uint32_t)(value >> 32);
    uint64_t unused;
    uint64_t digit =
        float_divide((uint64_t)(dividend >> 64), (uint64_t)dividend, 2 * root_high, &unused);
    uint128_t root = ((uint128_t)root_high << 32) + digit;
    while (root >> 64 || root * root > value)
        root--;
    uint64_t high = (uint64_t)root;
    uint128_t rest = value - root * root;
    /* rest > root: more than half a unit; a root of an integer is never exactly half way. */
    uint64_t low = rest > root ? FLOAT80_INTEGER_BIT | 1 : rest != 0;
    return (struct float_wide){false, ((unbiased - (unbiased & 1)) / 2) + FLOAT80_BIAS, high, low};
}
