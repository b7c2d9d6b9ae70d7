/* The arithmetic that all formats share: exact results as a 128-bit significand, rounded once.
 * Included by the float files only. */
#ifndef CPU_FLOAT_CORE_H
#define CPU_FLOAT_CORE_H

#include "base/time128.h"
#include "cpu/float_convert.h"

/* A finite number other than zero: significand (bit 63 set) * 2^(exponent - 16383 - 63). */
struct float_number {
    bool sign;
    int32_t exponent;
    uint64_t significand;
};

/* The same with 64 more bits below. The last bit is sticky: set if anything was lost below it. */
struct float_wide {
    bool sign;
    int32_t exponent;
    uint64_t high; /* bit 63 set, but for zero */
    uint64_t low;
};

/* Where a result goes. Exponents are biased like those of the 80-bit format. */
struct float_format {
    uint8_t drop; /* low bits of a 64-bit significand that the format has not got */
    int32_t min_exponent, max_exponent;
};

/* What came out of rounding: bit 63 of significand clear: denormal (exponent is min_exponent), or
 * zero. exponent above max_exponent: infinity. */
struct float_rounded {
    int32_t exponent;
    uint64_t significand;
};

/* Every case: denormal results, overflow, reduced precision. cpu/float_round.c */
struct float_rounded float_round(struct float_wide wide, const struct float_format *format,
                                 struct float_env *env);
struct float80 float80_round_slow(struct float_wide wide, unsigned drop, struct float_env *env);

/* To the 80-bit format: results in the middle of the exponent range at full precision inline. */
static inline struct float80 float80_round(struct float_wide wide, unsigned drop,
                                           struct float_env *env)
{
    if (UNLIKELY(drop || (uint32_t)(wide.exponent - 1) >= FLOAT80_EXPONENT - 2))
        return float80_round_slow(wide, drop, env);
    if (wide.low) {
        env->flags |= FLOAT_INEXACT;
        if (float_rounds_up(env->rounding, wide.sign, wide.high & 1, wide.low)) {
            env->flags |= FLOAT_ROUNDED_UP;
            if (++wide.high == 0) {
                wide.high = FLOAT80_INTEGER_BIT;
                wide.exponent++;
            }
        }
    }
    return float80_make(wide.sign, (uint32_t)wide.exponent, wide.high);
}

/* Shifts right by any count, keeping the last bit sticky. */
static inline uint128_t float_shift_sticky(uint128_t value, uint32_t count)
{
    if (count == 0)
        return value;
    if (count > 127)
        return value != 0;
    return value >> count | ((value << (128 - count)) != 0);
}

static inline struct float_wide float_normalize(bool sign, int32_t exponent, uint128_t value)
{
    uint64_t high = (uint64_t)(value >> 64);
    if (!high) {
        if (!(uint64_t)value)
            return (struct float_wide){sign, exponent, 0, 0};
        value <<= 64;
        exponent -= 64;
        high = (uint64_t)(value >> 64);
    }
    int shift = __builtin_clzll(high);
    value <<= shift;
    return (struct float_wide){sign, exponent - shift, (uint64_t)(value >> 64), (uint64_t)value};
}

/* |a| + |b| with a's sign. */
static inline struct float_wide float_add_magnitudes(struct float_number a, struct float_number b)
{
    if (a.exponent < b.exponent) {
        struct float_number swap = a;
        a = b;
        b = swap;
    }
    uint128_t big = (uint128_t)a.significand << 64;
    uint128_t sum = big + float_shift_sticky((uint128_t)b.significand << 64,
                                             (uint32_t)(a.exponent - b.exponent));
    if (sum < big) {
        sum = sum >> 1 | (sum & 1) | (uint128_t)1 << 127;
        a.exponent++;
    }
    return (struct float_wide){a.sign, a.exponent, (uint64_t)(sum >> 64), (uint64_t)sum};
}

/* |a| - |b|, with a's sign or its opposite; significand 0 for equal operands. */
static inline struct float_wide float_sub_magnitudes(struct float_number a, struct float_number b)
{
    if (a.exponent < b.exponent || (a.exponent == b.exponent && a.significand < b.significand)) {
        struct float_number swap = a;
        a = b;
        b = swap;
        a.sign = !b.sign;
    }
    uint128_t difference =
        ((uint128_t)a.significand << 64) -
        float_shift_sticky((uint128_t)b.significand << 64, (uint32_t)(a.exponent - b.exponent));
    return float_normalize(a.sign, a.exponent, difference);
}

static inline struct float_wide float_mul_numbers(struct float_number a, struct float_number b)
{
    uint128_t product = (uint128_t)a.significand * b.significand;
    int32_t exponent = a.exponent + b.exponent - FLOAT80_BIAS + 1;
    if (!(product >> 127)) {
        product <<= 1;
        exponent--;
    }
    return (struct float_wide){a.sign != b.sign, exponent, (uint64_t)(product >> 64),
                               (uint64_t)product};
}

/* high:low / divisor, high < divisor: one instruction where there is one. */
static inline uint64_t float_divide(uint64_t high, uint64_t low, uint64_t divisor, uint64_t *rest)
{
#ifdef __x86_64__
    uint64_t quotient;
    __asm__("divq %4" : "=a"(quotient), "=d"(*rest) : "0"(low), "1"(high), "r"(divisor) : "cc");
    return quotient;
#else
    uint128_t dividend = (uint128_t)high << 64 | low;
    uint64_t quotient = (uint64_t)(dividend / divisor);
    *rest = low - quotient * divisor;
    return quotient;
#endif
}

static inline struct float_wide float_div_numbers(struct float_number a, struct float_number b)
{
    int32_t exponent = a.exponent - b.exponent + FLOAT80_BIAS;
    uint128_t dividend = (uint128_t)a.significand << 63;
    if (a.significand < b.significand) {
        dividend <<= 1;
        exponent--;
    }
    uint64_t rest;
    uint64_t quotient =
        float_divide((uint64_t)(dividend >> 64), (uint64_t)dividend, b.significand, &rest);
    /* Half or more of the divisor is half or more of a unit. */
    uint64_t low = 0;
    if (rest) {
        uint64_t other = b.significand - rest;
        low = rest > other ? FLOAT80_INTEGER_BIT | 1 : rest == other ? FLOAT80_INTEGER_BIT : 1;
    }
    return (struct float_wide){a.sign != b.sign, exponent, quotient, low};
}

/* a > 0. cpu/float_round.c */
struct float_wide float_sqrt_number(struct float_number a);

/* A normal, denormal or pseudo-denormal number. */
static inline struct float_number float80_number(struct float80 a)
{
    struct float_number number = {a.sign_exponent >> 15, a.sign_exponent & FLOAT80_EXPONENT,
                                  a.significand};
    if (UNLIKELY(number.exponent == 0)) {
        int shift = __builtin_clzll(a.significand);
        number.exponent = 1 - shift;
        number.significand <<= shift;
    }
    return number;
}

static inline bool float80_sign(struct float80 a)
{
    return a.sign_exponent >> 15;
}

static inline bool float80_is_nan(struct float80 a)
{
    return (a.sign_exponent & FLOAT80_EXPONENT) == FLOAT80_EXPONENT && a.significand << 1;
}

/* Raises invalid and returns the indefinite QNaN. */
static inline struct float80 float80_invalid(struct float_env *env)
{
    env->flags |= FLOAT_INVALID;
    return float80_indefinite();
}

/* If one of the operands is unsupported or a NaN: true, *result and flags are final. With one
 * operand, b is a. cpu/float80.c */
bool float80_nan_operands(struct float80 a, struct float80 b, struct float80 *result,
                          struct float_env *env);

#endif
