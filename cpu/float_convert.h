/* Conversions that loads and stores make, with their common cases inline. Part of cpu/float.h. */
#ifndef CPU_FLOAT_CONVERT_H
#define CPU_FLOAT_CONVERT_H

#include "cpu/float.h"

/* Whether a magnitude must grow by one unit; rest is the part below the unit, as a fraction of
 * 2^64, not zero. */
static inline bool float_rounds_up(unsigned rounding, bool sign, bool odd, uint64_t rest)
{
    switch (rounding) {
    case FLOAT_NEAREST:
        return rest >> 63 & ((rest << 1 != 0) | odd); /* no branch: it could not be predicted */
    case FLOAT_DOWN:
        return sign;
    case FLOAT_UP:
        return !sign;
    default:
        return false;
    }
}

/* --- to 80 bits. Exact: raise denormal only. A signalling NaN stays one (float80_quiet makes FLD's
 * result) --- */

struct float80 float80_from_float32_slow(uint32_t a, struct float_env *env);
struct float80 float80_from_float64_slow(uint64_t a, struct float_env *env);

static inline bool float32_is_normal(uint32_t a)
{
    return (a >> 23 & 0xFF) - 1 < 0xFE;
}
static inline bool float64_is_normal(uint64_t a)
{
    return (a >> 52 & 0x7FF) - 1 < 0x7FE;
}
/* Of normal numbers. */
static inline struct float80 float80_widen32(uint32_t a)
{
    return float80_make(a >> 31, (a >> 23 & 0xFF) + FLOAT80_BIAS - 127,
                        (uint64_t)a << 40 | FLOAT80_INTEGER_BIT);
}
static inline struct float80 float80_widen64(uint64_t a)
{
    return float80_make(a >> 63, (uint32_t)(a >> 52 & 0x7FF) + FLOAT80_BIAS - 1023,
                        a << 11 | FLOAT80_INTEGER_BIT);
}

static inline struct float80 float80_from_float32(uint32_t a, struct float_env *env)
{
    return LIKELY(float32_is_normal(a)) ? float80_widen32(a) : float80_from_float32_slow(a, env);
}
static inline struct float80 float80_from_float64(uint64_t a, struct float_env *env)
{
    return LIKELY(float64_is_normal(a)) ? float80_widen64(a) : float80_from_float64_slow(a, env);
}

static inline struct float80 float80_from_int64(int64_t a)
{
    if (a == 0)
        return float80_make(false, 0, 0);
    uint64_t magnitude = a < 0 ? -(uint64_t)a : (uint64_t)a;
    int shift = __builtin_clzll(magnitude);
    return float80_make(a < 0, (uint32_t)(FLOAT80_BIAS + 63 - shift), magnitude << shift);
}

/* --- from 80 bits --- */

uint32_t float80_to_float32_slow(struct float80 a, struct float_env *env);
uint64_t float80_to_float64_slow(struct float80 a, struct float_env *env);

/* A normal number whose result is normal, and stays finite when rounding carries into the exponent:
 * field is the result's exponent field, from 1 to all_ones - 2. Without the sign. */
static inline uint64_t float80_narrow_normal(struct float80 a, uint32_t field, unsigned drop,
                                             struct float_env *env)
{
    uint64_t rest = a.significand << (64 - drop);
    uint64_t result = (uint64_t)field << (63 - drop) | a.significand << 1 >> (drop + 1);
    if (rest) {
        env->flags |= FLOAT_INEXACT;
        if (float_rounds_up(env->rounding, a.sign_exponent >> 15, result & 1, rest)) {
            env->flags |= FLOAT_ROUNDED_UP;
            result++;
        }
    }
    return result;
}

static inline uint32_t float80_to_float32(struct float80 a, struct float_env *env)
{
    uint32_t field = (uint32_t)(a.sign_exponent & FLOAT80_EXPONENT) - (FLOAT80_BIAS - 127);
    if (UNLIKELY(field - 1 >= 0xFD || !(a.significand >> 63)))
        return float80_to_float32_slow(a, env);
    return (uint32_t)float80_narrow_normal(a, field, 40, env) | (uint32_t)(a.sign_exponent >> 15)
                                                                    << 31;
}

static inline uint64_t float80_to_float64(struct float80 a, struct float_env *env)
{
    uint32_t field = (uint32_t)(a.sign_exponent & FLOAT80_EXPONENT) - (FLOAT80_BIAS - 1023);
    if (UNLIKELY(field - 1 >= 0x7FD || !(a.significand >> 63)))
        return float80_to_float64_slow(a, env);
    return float80_narrow_normal(a, field, 11, env) | (uint64_t)(a.sign_exponent >> 15) << 63;
}

#endif
