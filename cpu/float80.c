/* x87 arithmetic and what needs no rounding table: classes, NaNs, comparison, remainder, scaling.
 */
#include "cpu/float_core.h"

enum float_class float80_classify(struct float80 a)
{
    uint32_t exponent = a.sign_exponent & FLOAT80_EXPONENT;
    bool integer = a.significand >> 63;
    if (exponent == 0)
        return a.significand ? FLOAT_DENORMAL_NUMBER : FLOAT_ZERO;
    if (!integer)
        return FLOAT_UNSUPPORTED;
    if (exponent != FLOAT80_EXPONENT)
        return FLOAT_NORMAL;
    if (!(a.significand << 1))
        return FLOAT_INFINITY;
    return a.significand & FLOAT80_QUIET_BIT ? FLOAT_QNAN : FLOAT_SNAN;
}

static bool class_is_nan(enum float_class class)
{
    return class == FLOAT_QNAN || class == FLOAT_SNAN;
}

static struct float80 quieted(struct float80 a)
{
    a.significand |= FLOAT80_QUIET_BIT;
    return a;
}

struct float80 float80_quiet(struct float80 a, struct float_env *env)
{
    if (LIKELY(float80_classify(a) != FLOAT_SNAN))
        return a;
    env->flags |= FLOAT_INVALID;
    return quieted(a);
}

/* SDM 1, table 4-7: of two NaNs of one kind the one with the larger significand, the positive one
 * if they are equal; a quiet one before a signalling one. */
bool float80_nan_operands(struct float80 a, struct float80 b, struct float80 *result,
                          struct float_env *env)
{
    enum float_class class_a = float80_classify(a), class_b = float80_classify(b);
    if (class_a == FLOAT_UNSUPPORTED || class_b == FLOAT_UNSUPPORTED) {
        *result = float80_invalid(env);
        return true;
    }
    if (!class_is_nan(class_a) && !class_is_nan(class_b))
        return false;
    if (class_a == FLOAT_SNAN || class_b == FLOAT_SNAN)
        env->flags |= FLOAT_INVALID;
    bool take_a;
    if (!class_is_nan(class_a) || !class_is_nan(class_b))
        take_a = class_is_nan(class_a);
    else if (class_a != class_b)
        take_a = class_a == FLOAT_QNAN;
    else if (a.significand != b.significand)
        take_a = a.significand > b.significand;
    else
        take_a = a.sign_exponent < b.sign_exponent;
    *result = quieted(take_a ? a : b);
    return true;
}

static void note_denormals(enum float_class class_a, enum float_class class_b,
                           struct float_env *env)
{
    if (class_a == FLOAT_DENORMAL_NUMBER || class_b == FLOAT_DENORMAL_NUMBER)
        env->flags |= FLOAT_DENORMAL;
}

/* --- addition --- */

/* A sum that is exactly zero. */
static bool zero_sum_sign(bool sign_a, bool sign_b, const struct float_env *env)
{
    return sign_a == sign_b ? sign_a : env->rounding == FLOAT_DOWN;
}

static inline struct float80 add_finite(struct float80 a, struct float80 b, struct float_env *env)
{
    struct float_number x = float80_number(a), y = float80_number(b);
    struct float_wide wide;
    if (x.sign == y.sign) {
        wide = float_add_magnitudes(x, y);
    } else {
        wide = float_sub_magnitudes(x, y);
        if (!wide.high)
            return float80_make(env->rounding == FLOAT_DOWN, 0, 0);
    }
    return float80_round(wide, env->drop, env);
}

static struct float80 round_number(struct float80 a, struct float_env *env)
{
    struct float_number number = float80_number(a);
    struct float_wide wide = {number.sign, number.exponent, number.significand, 0};
    return float80_round(wide, env->drop, env);
}

static struct float80 add_special(struct float80 a, struct float80 b, struct float80 b_given,
                                  struct float_env *env)
{
    struct float80 result;
    if (float80_nan_operands(a, b_given, &result, env))
        return result;
    enum float_class class_a = float80_classify(a), class_b = float80_classify(b);
    if (class_a == FLOAT_INFINITY && class_b == FLOAT_INFINITY &&
        a.sign_exponent != b.sign_exponent)
        return float80_invalid(env);
    note_denormals(class_a, class_b, env);
    if (class_a == FLOAT_INFINITY)
        return a;
    if (class_b == FLOAT_INFINITY)
        return b;
    if (class_a == FLOAT_ZERO && class_b == FLOAT_ZERO)
        return float80_make(zero_sum_sign(float80_sign(a), float80_sign(b), env), 0, 0);
    if (class_a == FLOAT_ZERO)
        return round_number(b, env);
    if (class_b == FLOAT_ZERO)
        return round_number(a, env);
    return add_finite(a, b, env);
}

struct float80 float80_add(struct float80 a, struct float80 b, struct float_env *env)
{
    if (UNLIKELY(!float80_is_normal(a) || !float80_is_normal(b)))
        return add_special(a, b, b, env);
    return add_finite(a, b, env);
}

struct float80 float80_sub(struct float80 a, struct float80 b, struct float_env *env)
{
    struct float80 negated = {b.significand, b.sign_exponent ^ FLOAT80_SIGN};
    if (UNLIKELY(!float80_is_normal(a) || !float80_is_normal(b)))
        return add_special(a, negated, b, env);
    return add_finite(a, negated, env);
}

/* --- multiplication, division, square root --- */

static struct float80 mul_special(struct float80 a, struct float80 b, struct float_env *env)
{
    struct float80 result;
    if (float80_nan_operands(a, b, &result, env))
        return result;
    enum float_class class_a = float80_classify(a), class_b = float80_classify(b);
    bool sign = float80_sign(a) != float80_sign(b);
    bool infinite = class_a == FLOAT_INFINITY || class_b == FLOAT_INFINITY;
    bool zero = class_a == FLOAT_ZERO || class_b == FLOAT_ZERO;
    if (infinite && zero)
        return float80_invalid(env);
    note_denormals(class_a, class_b, env);
    if (infinite)
        return float80_make(sign, FLOAT80_EXPONENT, FLOAT80_INTEGER_BIT);
    if (zero)
        return float80_make(sign, 0, 0);
    return float80_round(float_mul_numbers(float80_number(a), float80_number(b)), env->drop, env);
}

struct float80 float80_mul(struct float80 a, struct float80 b, struct float_env *env)
{
    if (UNLIKELY(!float80_is_normal(a) || !float80_is_normal(b)))
        return mul_special(a, b, env);
    return float80_round(float_mul_numbers(float80_number(a), float80_number(b)), env->drop, env);
}

static struct float80 div_special(struct float80 a, struct float80 b, struct float_env *env)
{
    struct float80 result;
    if (float80_nan_operands(a, b, &result, env))
        return result;
    enum float_class class_a = float80_classify(a), class_b = float80_classify(b);
    bool sign = float80_sign(a) != float80_sign(b);
    if (class_a == class_b && (class_a == FLOAT_INFINITY || class_a == FLOAT_ZERO))
        return float80_invalid(env);
    if (class_b == FLOAT_ZERO && class_a != FLOAT_INFINITY) {
        env->flags |= FLOAT_ZERO_DIVIDE; /* goes before a denormal operand (SDM 1, 4.9.2) */
        return float80_make(sign, FLOAT80_EXPONENT, FLOAT80_INTEGER_BIT);
    }
    note_denormals(class_a, class_b, env);
    if (class_a == FLOAT_INFINITY)
        return float80_make(sign, FLOAT80_EXPONENT, FLOAT80_INTEGER_BIT);
    if (class_a == FLOAT_ZERO || class_b == FLOAT_INFINITY)
        return float80_make(sign, 0, 0);
    return float80_round(float_div_numbers(float80_number(a), float80_number(b)), env->drop, env);
}

struct float80 float80_div(struct float80 a, struct float80 b, struct float_env *env)
{
    if (UNLIKELY(!float80_is_normal(a) || !float80_is_normal(b)))
        return div_special(a, b, env);
    return float80_round(float_div_numbers(float80_number(a), float80_number(b)), env->drop, env);
}

struct float80 float80_sqrt(struct float80 a, struct float_env *env)
{
    struct float80 result;
    if (UNLIKELY(!float80_is_normal(a) || float80_sign(a))) {
        if (float80_nan_operands(a, a, &result, env))
            return result;
        enum float_class class = float80_classify(a);
        if (class == FLOAT_ZERO)
            return a;
        if (float80_sign(a))
            return float80_invalid(env);
        note_denormals(class, class, env);
        if (class == FLOAT_INFINITY)
            return a;
    }
    return float80_round(float_sqrt_number(float80_number(a)), env->drop, env);
}

/* --- comparison --- */

/* Of numbers that are not NaNs and not both zero. */
static inline enum float_relation compare_magnitudes(struct float80 a, struct float80 b)
{
    bool sign_a = float80_sign(a), sign_b = float80_sign(b);
    if (sign_a != sign_b)
        return sign_a ? FLOAT_LESS : FLOAT_GREATER;
    /* Pseudo-denormals have the value of exponent 1. */
    uint32_t exponent_a = a.sign_exponent & FLOAT80_EXPONENT;
    uint32_t exponent_b = b.sign_exponent & FLOAT80_EXPONENT;
    exponent_a += exponent_a == 0;
    exponent_b += exponent_b == 0;
    if (exponent_a == exponent_b && a.significand == b.significand)
        return FLOAT_EQUAL;
    bool less = exponent_a != exponent_b ? exponent_a < exponent_b : a.significand < b.significand;
    return less != sign_a ? FLOAT_LESS : FLOAT_GREATER;
}

enum float_relation float80_compare(struct float80 a, struct float80 b, bool quiet,
                                    struct float_env *env)
{
    if (LIKELY(float80_is_normal(a) && float80_is_normal(b)))
        return compare_magnitudes(a, b);
    enum float_class class_a = float80_classify(a), class_b = float80_classify(b);
    if (class_a >= FLOAT_QNAN || class_b >= FLOAT_QNAN) {
        if (!quiet || class_a > FLOAT_QNAN || class_b > FLOAT_QNAN)
            env->flags |= FLOAT_INVALID;
        return FLOAT_UNORDERED;
    }
    note_denormals(class_a, class_b, env);
    if (class_a == FLOAT_ZERO && class_b == FLOAT_ZERO)
        return FLOAT_EQUAL;
    return compare_magnitudes(a, b);
}

/* --- FSCALE, FXTRACT, FPREM --- */

/* trunc(b), limited to what certainly over- or underflows. */
static int32_t scale_amount(struct float_number b)
{
    int32_t exponent = b.exponent - FLOAT80_BIAS;
    if (exponent < 0)
        return 0;
    int32_t amount = exponent > 16 ? 0x20000 : (int32_t)(b.significand >> (63 - exponent));
    return b.sign ? -amount : amount;
}

struct float80 float80_scale(struct float80 a, struct float80 b, struct float_env *env)
{
    struct float80 result;
    if (float80_nan_operands(a, b, &result, env))
        return result;
    enum float_class class_a = float80_classify(a), class_b = float80_classify(b);
    bool sign = float80_sign(a);
    if (class_b == FLOAT_INFINITY) {
        if (float80_sign(b) ? class_a == FLOAT_INFINITY : class_a == FLOAT_ZERO)
            return float80_invalid(env);
        note_denormals(class_a, class_b, env);
        return float80_sign(b) ? float80_make(sign, 0, 0)
                               : float80_make(sign, FLOAT80_EXPONENT, FLOAT80_INTEGER_BIT);
    }
    note_denormals(class_a, class_b, env);
    if (class_a == FLOAT_INFINITY || class_a == FLOAT_ZERO)
        return a;
    struct float_number number = float80_number(a);
    int32_t amount = class_b == FLOAT_ZERO ? 0 : scale_amount(float80_number(b));
    struct float_wide wide = {sign, number.exponent + amount, number.significand, 0};
    return float80_round(wide, 0, env);
}

struct float80 float80_extract(struct float80 a, struct float80 *exponent, struct float_env *env)
{
    struct float80 result;
    if (float80_nan_operands(a, a, &result, env)) {
        *exponent = result;
        return result;
    }
    enum float_class class = float80_classify(a);
    if (class == FLOAT_ZERO) {
        env->flags |= FLOAT_ZERO_DIVIDE;
        *exponent = float80_make(true, FLOAT80_EXPONENT, FLOAT80_INTEGER_BIT);
        return a;
    }
    if (class == FLOAT_INFINITY) {
        *exponent = float80_make(false, FLOAT80_EXPONENT, FLOAT80_INTEGER_BIT);
        return a;
    }
    note_denormals(class, class, env);
    struct float_number number = float80_number(a);
    *exponent = float80_from_int64(number.exponent - FLOAT80_BIAS);
    return float80_make(number.sign, FLOAT80_BIAS, number.significand);
}

/* (dividend * 2^steps) mod divisor, both with bit 63 set; the quotient's low 64 bits. */
static uint64_t long_modulo(uint64_t dividend, uint64_t divisor, uint32_t steps, uint64_t *quotient)
{
    uint128_t value = (uint128_t)dividend << steps; /* steps < 64 */
    *quotient = (uint64_t)(value / divisor);
    return (uint64_t)(value % divisor);
}

static struct float80 remainder_finite(struct float_number a, struct float_number b, bool nearest,
                                       unsigned *quotient_bits, bool *partial,
                                       struct float_env *env)
{
    int32_t distance = a.exponent - b.exponent;
    uint64_t quotient = 0, rest = a.significand;
    int32_t exponent = a.exponent;
    bool sign = a.sign;
    *partial = distance >= 64;
    if (*partial) {
        /* A reduction by 32 to 63 binary places, which leaves a whole number of 32 to do. */
        uint32_t steps = ((uint32_t)distance & 31) | 32;
        rest = long_modulo(a.significand, b.significand, steps, &quotient);
        exponent = a.exponent - (int32_t)steps;
        quotient = 0;
    } else if (distance >= 0) {
        rest = long_modulo(a.significand, b.significand, (uint32_t)distance, &quotient);
        exponent = b.exponent;
    }
    if (nearest && !*partial && distance >= -1) {
        /* Compare twice the rest with the divisor, at the divisor's exponent. */
        uint128_t twice = (uint128_t)rest << (distance == -1 ? 0 : 1);
        if (twice > b.significand || (twice == b.significand && quotient & 1)) {
            uint128_t divisor = (uint128_t)b.significand << (distance == -1 ? 1 : 0);
            rest = (uint64_t)(divisor - rest);
            sign = !sign;
            quotient++;
        }
    }
    *quotient_bits = (unsigned)quotient & 7;
    if (!rest)
        return float80_make(a.sign, 0, 0);
    struct float_wide wide = float_normalize(sign, exponent, (uint128_t)rest << 64);
    return float80_round(wide, 0, env);
}

struct float80 float80_remainder(struct float80 a, struct float80 b, bool nearest,
                                 unsigned *quotient, bool *partial, struct float_env *env)
{
    struct float80 result;
    *quotient = FLOAT_NO_QUOTIENT;
    *partial = false;
    if (float80_nan_operands(a, b, &result, env))
        return result;
    enum float_class class_a = float80_classify(a), class_b = float80_classify(b);
    if (class_a == FLOAT_INFINITY || class_b == FLOAT_ZERO)
        return float80_invalid(env);
    note_denormals(class_a, class_b, env);
    *quotient = 0;
    if (class_a == FLOAT_ZERO)
        return a;
    if (class_b == FLOAT_INFINITY) {
        struct float_number number = float80_number(a);
        struct float_wide wide = {number.sign, number.exponent, number.significand, 0};
        return float80_round(wide, 0, env);
    }
    return remainder_finite(float80_number(a), float80_number(b), nearest, quotient, partial, env);
}
