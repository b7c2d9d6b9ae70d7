/* Sums, products and quotients of normal numbers that stay normal, at full precision, rounded to
 * nearest: nearly all that programs do with the x87, small enough to stand inline in its
 * instructions. Each function says false when the general one (cpu/float.h) must do it; nothing has
 * happened then. */
#ifndef CPU_FLOAT_QUICK_H
#define CPU_FLOAT_QUICK_H

#include "cpu/float_core.h"

/* Rounds high:low to nearest even. exponent: 1 to FLOAT80_EXPONENT - 2. flags: replaced. No
 * branches where the data decides: they could not be predicted. */
static inline struct float80 float80_round_quick(bool sign, uint32_t exponent, uint64_t high,
                                                 uint64_t low, uint32_t *flags)
{
    bool up = low >> 63 & ((low << 1 != 0) | (high & 1));
    *flags = (uint32_t)(low != 0) * FLOAT_INEXACT | (uint32_t)up * FLOAT_ROUNDED_UP;
    high += up;
    if (UNLIKELY(high < up)) {
        high = FLOAT80_INTEGER_BIT;
        exponent++;
    }
    return float80_make(sign, exponent, high);
}

static inline bool float80_quick_exponent(int32_t exponent)
{
    return LIKELY((uint32_t)(exponent - 1) < FLOAT80_EXPONENT - 2);
}

static inline bool float80_add_quick(struct float80 a, struct float80 b, struct float80 *result,
                                     uint32_t *flags)
{
    if (UNLIKELY(!float80_is_normal(a) || !float80_is_normal(b)))
        return false;
    int32_t exponent_a = a.sign_exponent & FLOAT80_EXPONENT;
    int32_t exponent_b = b.sign_exponent & FLOAT80_EXPONENT;
    bool swap =
        (exponent_a < exponent_b) | ((exponent_a == exponent_b) & (a.significand < b.significand));
    uint64_t large = swap ? b.significand : a.significand;
    uint64_t small = swap ? a.significand : b.significand;
    int32_t exponent = swap ? exponent_b : exponent_a;
    int32_t distance = exponent - (swap ? exponent_a : exponent_b);
    bool sign = (swap ? b.sign_exponent : a.sign_exponent) >> 15;
    if (UNLIKELY(distance > 63))
        return false;
    /* The small one as high:low, exactly. */
    uint64_t high = small >> distance;
    uint64_t low = small << 1 << (63 - distance);
    if (float80_sign(a) == float80_sign(b)) {
        high += large;
        uint32_t carry = high < large;
        low = low >> carry | (low & carry) | (high & carry) << 63;
        high = high >> carry | (uint64_t)carry << 63;
        exponent += (int32_t)carry;
    } else {
        high = large - high - (low != 0);
        low = 0 - low;
        if (UNLIKELY(!high)) /* zero, whose sign depends on RC */
            return false;
        int shift = __builtin_clzll(high);
        high = high << shift | low >> 1 >> (63 - shift);
        low <<= shift;
        exponent -= shift;
    }
    if (!float80_quick_exponent(exponent))
        return false;
    *result = float80_round_quick(sign, (uint32_t)exponent, high, low, flags);
    return true;
}

static inline bool float80_mul_quick(struct float80 a, struct float80 b, struct float80 *result,
                                     uint32_t *flags)
{
    if (UNLIKELY(!float80_is_normal(a) || !float80_is_normal(b)))
        return false;
    uint128_t product = (uint128_t)a.significand * b.significand;
    int32_t exponent = (a.sign_exponent & FLOAT80_EXPONENT) + (b.sign_exponent & FLOAT80_EXPONENT) -
                       FLOAT80_BIAS + 1;
    uint64_t high = (uint64_t)(product >> 64), low = (uint64_t)product;
    uint32_t shift = !(high >> 63);
    high = high << shift | (low >> 63 & shift);
    low <<= shift;
    exponent -= (int32_t)shift;
    if (!float80_quick_exponent(exponent))
        return false;
    *result = float80_round_quick((a.sign_exponent ^ b.sign_exponent) >> 15, (uint32_t)exponent,
                                  high, low, flags);
    return true;
}

static inline bool float80_div_quick(struct float80 a, struct float80 b, struct float80 *result,
                                     uint32_t *flags)
{
    if (UNLIKELY(!float80_is_normal(a) || !float80_is_normal(b)))
        return false;
    struct float_wide wide = float_div_numbers(float80_number(a), float80_number(b));
    if (!float80_quick_exponent(wide.exponent))
        return false;
    *result = float80_round_quick(wide.sign, (uint32_t)wide.exponent, wide.high, wide.low, flags);
    return true;
}

#endif
