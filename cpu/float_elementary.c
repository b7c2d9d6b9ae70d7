/* Transcendental functions in integer arithmetic.
 *
 * Every function reduces its argument exactly (or with a table of 128-bit constants) to a small
 * one, sums a power series with 128-bit fixed-point coefficients, and rounds the 128-bit result
 * once to 64 bits. The error before that rounding is below 2^-100 of the result, so the result is
 * the correctly rounded one but in about one of 2^36 cases: far within the unit in the last place
 * that Intel promises (SDM 1, 8.3.10), and identical on every host.
 *
 * Trigonometric arguments are reduced modulo pi/2 with pi cut to 66 bits, as the SDM documents
 * (SDM 1, 8.3.8), so FSIN of the nearest number to pi is what real processors give, not what
 * mathematics does.
 *
 * Example, FSIN(3): 3 = 2 * (pi66 / 2) - 0.14159..; quadrant 2, remainder r negative; sin(r) =
 * r (1 - p), p = r^2/6 - r^4/120 + ..; quadrant 2 flips the sign: 0.14112.. */
#include "cpu/float_core.h"
#include "cpu/float_tables.h"

/* A magnitude: mantissa (bit 127 set) * 2^(exponent - 127). */
struct big {
    int32_t exponent;
    uint128_t mantissa;
};

static uint128_t fixed(struct fixed128 value)
{
    return (uint128_t)value.high << 64 | value.low;
}

#define FIXED(high, low) ((uint128_t)UINT64_C(high) << 64 | UINT64_C(low))

/* Upper 128 bits of the product. */
static uint128_t multiply_high(uint128_t a, uint128_t b)
{
    uint64_t a1 = (uint64_t)(a >> 64), a0 = (uint64_t)a;
    uint64_t b1 = (uint64_t)(b >> 64), b0 = (uint64_t)b;
    uint128_t cross = (uint128_t)a1 * b0;
    uint128_t other = (uint128_t)a0 * b1 + (uint64_t)cross + (uint64_t)((uint128_t)a0 * b0 >> 64);
    return (uint128_t)a1 * b1 + (cross >> 64) + (other >> 64);
}

/* value * 2^(exponent - 127), value not zero. */
static struct big big_from(uint128_t value, int32_t exponent)
{
    uint64_t high = (uint64_t)(value >> 64);
    int shift = high ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)value);
    return (struct big){exponent - shift, value << shift};
}

static struct big big_from_number(struct float_number number)
{
    return (struct big){number.exponent - FLOAT80_BIAS, (uint128_t)number.significand << 64};
}

static struct big big_multiply(struct big a, struct big b)
{
    return big_from(multiply_high(a.mantissa, b.mantissa), a.exponent + b.exponent + 1);
}

/* One 64-bit digit of rest * 2^64 / divisor; rest < divisor, divisor has bit 127 set. */
static uint64_t divide_digit(uint128_t *rest, uint128_t divisor)
{
    uint64_t divisor_high = (uint64_t)(divisor >> 64), divisor_low = (uint64_t)divisor;
    uint64_t digit =
        (uint64_t)(*rest >> 64) >= divisor_high ? UINT64_MAX : (uint64_t)(*rest / divisor_high);
    uint128_t low = (uint128_t)digit * divisor_low;
    uint128_t high = (uint128_t)digit * divisor_high + (low >> 64);
    uint64_t rest_low = 0 - (uint64_t)low;
    uint128_t rest_high = *rest - high - ((uint64_t)low != 0);
    while (rest_high >> 127) { /* negative: the digit was too large */
        digit--;
        rest_low += divisor_low;
        rest_high += (uint128_t)divisor_high + (rest_low < divisor_low);
    }
    *rest = rest_high << 64 | rest_low;
    return digit;
}

static struct big big_divide(struct big a, struct big b)
{
    int32_t exponent = a.exponent - b.exponent;
    uint128_t rest = a.mantissa;
    bool has_one = rest >= b.mantissa;
    if (has_one)
        rest -= b.mantissa;
    uint64_t high = divide_digit(&rest, b.mantissa);
    uint64_t low = divide_digit(&rest, b.mantissa);
    uint128_t fraction = (uint128_t)high << 64 | low;
    if (has_one)
        return (struct big){exponent, fraction >> 1 | (uint128_t)1 << 127};
    return big_from(fraction, exponent - 1);
}

/* As fixed point with `fraction` fraction bits; fits by the caller's knowledge. */
static uint128_t big_to_fixed(struct big a, int fraction)
{
    int shift = 127 - a.exponent - fraction;
    return shift > 127 ? 0 : shift < 0 ? a.mantissa << -shift : a.mantissa >> shift;
}

/* The square, 128 fraction bits; a < 1. */
static uint128_t big_square(struct big a)
{
    return big_to_fixed(big_multiply(a, a), 128);
}

/* terms[0] -+ z (terms[1] -+ z (...)), all with 128 fraction bits. */
static uint128_t alternating_series(const struct fixed128 *terms, unsigned count, uint128_t z)
{
    uint128_t sum = fixed(terms[count - 1]);
    for (unsigned k = count - 1; k-- > 0;)
        sum = fixed(terms[k]) - multiply_high(sum, z);
    return sum;
}

static uint128_t positive_series(const struct fixed128 *terms, unsigned count, uint128_t z)
{
    uint128_t sum = fixed(terms[count - 1]);
    for (unsigned k = count - 1; k-- > 0;)
        sum = fixed(terms[k]) + multiply_high(sum, z);
    return sum;
}

/* a (1 - p) and a (1 + p), p with 128 fraction bits: never quite a itself. */
static struct big big_shrink(struct big a, uint128_t p)
{
    return big_from(a.mantissa - multiply_high(a.mantissa, p) - 1, a.exponent);
}

static struct big big_grow(struct big a, uint128_t p)
{
    uint128_t grown = a.mantissa + multiply_high(a.mantissa, p);
    if (grown < a.mantissa)
        return (struct big){a.exponent + 1, grown >> 1 | (uint128_t)1 << 127};
    return (struct big){a.exponent, grown};
}

/* Rounds an inexact result. */
static struct float80 round_big(bool sign, struct big a, struct float_env *env)
{
    struct float_wide wide = {sign, a.exponent + FLOAT80_BIAS, (uint64_t)(a.mantissa >> 64),
                              (uint64_t)a.mantissa | 1};
    return float80_round(wide, 0, env);
}

static struct float80 infinity(bool sign)
{
    return float80_make(sign, FLOAT80_EXPONENT, FLOAT80_INTEGER_BIT);
}

static struct float80 zero(bool sign)
{
    return float80_make(sign, 0, 0);
}

static void note_denormal(struct float80 a, struct float_env *env)
{
    if (float80_classify(a) == FLOAT_DENORMAL_NUMBER)
        env->flags |= FLOAT_DENORMAL;
}

static const struct big half_pi = {0, FIXED(0xC90FDAA22168C234, 0xC4C6628B80DC1CD1)};
static const struct big pi = {1, FIXED(0xC90FDAA22168C234, 0xC4C6628B80DC1CD1)};
static const struct big ln_2 = {-1, FIXED(0xB17217F7D1CF79AB, 0xC9E3B39803F2F6AF)};
static const struct big two_over_ln_2 = {1, FIXED(0xB8AA3B295C17F0BB, 0xBE87FED0691D3E89)};

/* --- sine, cosine, tangent --- */

/* A reduced argument: magnitude at most pi/4, zero, or exactly representable. */
struct reduced {
    bool sign; /* of the remainder */
    bool is_zero;
    unsigned quadrant;
    struct big magnitude;
};

/* pi/2 cut like pi to 66 bits, as an integer with 65 fraction bits. */
#define HALF_PI_66 ((uint128_t)0x3 << 64 | UINT64_C(0x243F6A8885A308D3))

/* |a| < 2^63. */
static struct reduced reduce(struct float_number a)
{
    int32_t exponent = a.exponent - FLOAT80_BIAS;
    if (exponent < -1) /* less than 1/2 */
        return (struct reduced){a.sign, false, 0, big_from_number(a)};
    uint128_t value = (uint128_t)a.significand << (exponent + 2);
    unsigned quadrant = (unsigned)(value / HALF_PI_66) & 3;
    uint128_t rest = value % HALF_PI_66;
    bool sign = false;
    if (rest > HALF_PI_66 / 2) {
        rest = HALF_PI_66 - rest;
        sign = true;
        quadrant++;
    }
    struct reduced reduced = {
        sign != a.sign, rest == 0, (a.sign ? 0 - quadrant : quadrant) & 3, {0, 0}
    };
    if (rest)
        reduced.magnitude = big_from(rest, 127 - 65);
    return reduced;
}

static struct big sine_of(struct big r)
{
    uint128_t z = big_square(r);
    uint128_t p = multiply_high(z, alternating_series(float_sine_terms, FLOAT_SERIES_TERMS, z));
    return big_shrink(r, p);
}

static struct big cosine_of(struct big r)
{
    uint128_t z = big_square(r);
    uint128_t q = multiply_high(z, alternating_series(float_cosine_terms, FLOAT_SERIES_TERMS, z));
    return big_from(q ? 0 - q : ~(uint128_t)0, -1);
}

/* The sine of reduced, with `turns` quadrants more. */
static struct float80 reduced_sine(const struct reduced *reduced, unsigned turns,
                                   struct float_env *env)
{
    unsigned quadrant = (reduced->quadrant + turns) & 3;
    bool negate = quadrant & 2;
    if (quadrant & 1) {
        if (reduced->is_zero)
            return float80_make(negate, FLOAT80_BIAS, FLOAT80_INTEGER_BIT);
        return round_big(negate, cosine_of(reduced->magnitude), env);
    }
    if (reduced->is_zero)
        return zero(reduced->sign != negate);
    return round_big(reduced->sign != negate, sine_of(reduced->magnitude), env);
}

/* Handles everything but ordinary numbers. True: *result is final. */
static bool trigonometric_special(struct float80 a, struct float80 *result, bool *in_range,
                                  struct float_env *env)
{
    *in_range = true;
    if (float80_nan_operands(a, a, result, env))
        return true;
    enum float_class class = float80_classify(a);
    if (class == FLOAT_INFINITY) {
        *result = float80_invalid(env);
        return true;
    }
    *in_range = (a.sign_exponent & FLOAT80_EXPONENT) < FLOAT80_BIAS + 63;
    note_denormal(a, env);
    return false;
}

bool float80_sincos(struct float80 a, struct float80 *sine, struct float80 *cosine,
                    struct float_env *env)
{
    struct float80 result;
    bool in_range;
    if (trigonometric_special(a, &result, &in_range, env)) {
        if (sine)
            *sine = result;
        if (cosine)
            *cosine = result;
        return true;
    }
    if (!in_range)
        return false;
    if (float80_classify(a) == FLOAT_ZERO) {
        if (sine)
            *sine = a;
        if (cosine)
            *cosine = float80_make(false, FLOAT80_BIAS, FLOAT80_INTEGER_BIT);
        return true;
    }
    struct reduced reduced = reduce(float80_number(a));
    if (cosine)
        *cosine = reduced_sine(&reduced, 1, env);
    if (sine)
        *sine = reduced_sine(&reduced, 0, env);
    return true;
}

bool float80_tan(struct float80 a, struct float80 *tangent, struct float_env *env)
{
    bool in_range;
    if (trigonometric_special(a, tangent, &in_range, env))
        return true;
    if (!in_range)
        return false;
    if (float80_classify(a) == FLOAT_ZERO) {
        *tangent = a;
        return true;
    }
    struct reduced reduced = reduce(float80_number(a));
    if (reduced.is_zero) { /* an exact multiple of the 66-bit pi/2 */
        bool pole = reduced.quadrant & 1;
        *tangent = pole ? infinity(reduced.sign) : zero(reduced.sign);
        env->flags |= pole ? FLOAT_ZERO_DIVIDE : 0;
        return true;
    }
    if (reduced.magnitude.exponent < -60 && !(reduced.quadrant & 1)) {
        /* r^2 / 3 is less than the error of what follows; just above r is right */
        *tangent = round_big(reduced.sign, reduced.magnitude, env);
        return true;
    }
    struct big sine = sine_of(reduced.magnitude), cosine = cosine_of(reduced.magnitude);
    struct big magnitude =
        reduced.quadrant & 1 ? big_divide(cosine, sine) : big_divide(sine, cosine);
    *tangent = round_big(reduced.sign != (reduced.quadrant & 1), magnitude, env);
    return true;
}

/* --- arc tangent --- */

static struct big arctangent_series(struct big t)
{
    uint128_t z = big_square(t);
    return big_shrink(t, multiply_high(z, alternating_series(float_odd_terms, FLOAT_ODD_TERMS, z)));
}

/* atan(n / d), 0 < n <= d. */
static struct big arctangent_of_ratio(struct float_number n, struct float_number d)
{
    enum { STEPS = 32, CLOSE = 8 };
    int32_t distance = d.exponent - n.exponent;
    if (distance >= CLOSE)
        return arctangent_series(big_divide(big_from_number(n), big_from_number(d)));
    uint128_t divisor = (uint128_t)d.significand << distance, dividend = n.significand;
    unsigned i = (unsigned)((2 * STEPS * dividend + divisor) / (2 * divisor));
    /* atan(q) = atan(c) + atan((q - c) / (1 + q c)), c = i / 32 */
    uint128_t from = STEPS * dividend, to = i * divisor;
    struct big bottom = big_from(STEPS * divisor + i * dividend, 0);
    bool below = from < to;
    uint128_t top = below ? to - from : from - to;
    uint128_t table = fixed(float_arctangents[i]);
    if (top == 0)
        return big_from(table, -1);
    struct big small = arctangent_series(big_divide(big_from(top, 0), bottom));
    if (i == 0)
        return small;
    uint128_t correction = big_to_fixed(small, 128);
    return big_from(below ? table - correction : table + correction, -1);
}

/* a - b for a > b. */
static struct big big_subtract(struct big a, struct big b)
{
    uint128_t smaller = float_shift_sticky(b.mantissa, (uint32_t)(a.exponent - b.exponent));
    return big_from(a.mantissa - smaller, a.exponent);
}

/* Multiples of pi/4 (0, 1, 2, 3, 4), for infinities and zeros. */
static struct float80 eighth_turns(unsigned count, bool sign, struct float_env *env)
{
    static const struct big multiples[5] = {
        {0,                         0                  },
        { -1, FIXED(0xC90FDAA22168C234, 0xC4C6628B80DC1CD1)},
        { 0, FIXED(0xC90FDAA22168C234, 0xC4C6628B80DC1CD1)},
        { 1, FIXED(0x96CBE3F9990E91A7, 0x9394C9E8A0A5159D)},
        { 1, FIXED(0xC90FDAA22168C234, 0xC4C6628B80DC1CD1)},
    };
    return count ? round_big(sign, multiples[count], env) : zero(sign);
}

struct float80 float80_atan(struct float80 a, struct float80 b, struct float_env *env)
{
    struct float80 result;
    if (float80_nan_operands(a, b, &result, env))
        return result;
    enum float_class class_x = float80_classify(a), class_y = float80_classify(b);
    bool left = float80_sign(a), sign = float80_sign(b);
    note_denormal(a, env);
    note_denormal(b, env);
    if (class_y == FLOAT_INFINITY)
        return eighth_turns(class_x != FLOAT_INFINITY ? 2 : left ? 3 : 1, sign, env);
    if (class_x == FLOAT_INFINITY || class_y == FLOAT_ZERO)
        return eighth_turns(left ? 4 : 0, sign, env);
    if (class_x == FLOAT_ZERO)
        return eighth_turns(2, sign, env);
    struct float_number x = float80_number(a), y = float80_number(b);
    bool steep =
        y.exponent > x.exponent || (y.exponent == x.exponent && y.significand > x.significand);
    struct big angle = steep ? arctangent_of_ratio(x, y) : arctangent_of_ratio(y, x);
    if (steep && left)
        angle = big_from((half_pi.mantissa >> 1) + big_to_fixed(angle, 126), 1);
    else if (steep)
        angle = big_subtract(half_pi, angle);
    else if (left)
        angle = big_subtract(pi, angle);
    return round_big(sign, angle, env);
}

/* --- 2^x - 1 --- */

/* e^u - 1 for |u| < 1/32. */
static struct big exponential_minus_1(struct big u, bool sign)
{
    uint128_t z = big_to_fixed(u, 128);
    if (sign)
        return big_shrink(u, multiply_high(z, alternating_series(float_exponential_terms,
                                                                 FLOAT_SERIES_TERMS, z)));
    return big_grow(
        u, multiply_high(z, positive_series(float_exponential_terms, FLOAT_SERIES_TERMS, z)));
}

/* |x| < 1, not zero. */
static struct float80 power_minus_1(struct float_number x, struct float_env *env)
{
    enum { STEPS = 32, STEP_BITS = 5 };
    int32_t exponent = x.exponent - FLOAT80_BIAS;
    if (exponent < -STEP_BITS)
        return round_big(x.sign,
                         exponential_minus_1(big_multiply(big_from_number(x), ln_2), x.sign), env);
    /* |x| = i/32 + r; 128 fraction bits */
    uint128_t value = (uint128_t)x.significand << (65 + exponent);
    unsigned i = (unsigned)(value >> (128 - STEP_BITS));
    uint128_t rest = value << STEP_BITS >> STEP_BITS;
    /* 2^x - 1 = T (e^u - 1) + T - 1, T = 2^(+-i/32), u = +-r ln 2; 127 fraction bits */
    uint128_t power = fixed(float_powers[x.sign ? STEPS - i : i]) >> x.sign;
    uint128_t unit = (uint128_t)1 << 127, change = 0;
    if (rest) {
        struct big small = exponential_minus_1(big_multiply(big_from(rest, -1), ln_2), x.sign);
        change = multiply_high(power, big_to_fixed(small, 128));
    }
    return round_big(x.sign, big_from(x.sign ? unit - power + change : power + change - unit, 0),
                     env);
}

struct float80 float80_2xm1(struct float80 a, struct float_env *env)
{
    struct float80 result;
    if (float80_nan_operands(a, a, &result, env))
        return result;
    enum float_class class = float80_classify(a);
    bool sign = float80_sign(a);
    if (class == FLOAT_ZERO)
        return a;
    if (class == FLOAT_INFINITY)
        return sign ? float80_make(true, FLOAT80_BIAS, FLOAT80_INTEGER_BIT) : a;
    note_denormal(a, env);
    struct float_number x = float80_number(a);
    if (x.exponent < FLOAT80_BIAS)
        return power_minus_1(x, env);
    env->flags |= FLOAT_INEXACT;
    if (sign && x.exponent == FLOAT80_BIAS && x.significand == FLOAT80_INTEGER_BIT)
        return float80_make(true, FLOAT80_BIAS - 1, FLOAT80_INTEGER_BIT);
    return a; /* 1; beyond +-1 the result is undefined: the operand stays */
}

/* --- logarithms --- */

/* A logarithm: sign and magnitude, or zero, or exact as an integer. */
struct logarithm {
    bool sign;
    bool is_integer;
    int32_t integer; /* if is_integer */
    struct big magnitude;
};

/* 2 atanh(s) / ln 2 */
static struct big log2_series(struct big s)
{
    uint128_t z = big_square(s);
    struct big sum =
        big_grow(s, multiply_high(z, positive_series(float_odd_terms, FLOAT_ODD_TERMS, z)));
    return big_multiply(sum, two_over_ln_2);
}

/* log2(mantissa * 2^(exponent - 127)). */
static struct logarithm log2_of(struct big x)
{
    enum { STEPS = 64 };
    uint128_t value = x.mantissa; /* m in [1, 2), 127 fraction bits */
    int32_t exponent = x.exponent;
    if (value >> 120 > 0xB5) { /* m above about sqrt(2): halve it */
        value = value >> 1 | (value & 1);
        exponent++;
    }
    /* m = c (1 + s) / (1 - s), c = i / 64, s = (m - c) / (m + c) */
    unsigned i = (unsigned)(((value >> 120) + 1) >> 1);
    uint128_t center = (uint128_t)i << 121;
    bool below = value < center;
    uint128_t top = below ? center - value : value - center;
    if (top == 0 && i == STEPS)
        return (struct logarithm){.is_integer = true, .integer = exponent};
    struct big term = {INT16_MIN, 0};
    if (top)
        term = log2_series(big_divide(big_from(top, 0), big_from((value >> 1) + (center >> 1), 1)));
    if (i == STEPS && exponent == 0)
        return (struct logarithm){.sign = below, .magnitude = term};
    /* Sum with 111 fraction bits, in two's complement. */
    uint128_t sum = (uint128_t)(__extension__(__int128) exponent) << 111;
    uint128_t table = fixed(float_logarithms[i - FLOAT_LOGARITHM_FIRST]) >> 16;
    uint128_t correction = top ? big_to_fixed(term, 111) : 0;
    sum += i < STEPS ? 0 - table : table;
    sum += below ? 0 - correction : correction;
    bool sign = sum >> 127;
    return (struct logarithm){.sign = sign, .magnitude = big_from(sign ? 0 - sum : sum, 127 - 111)};
}

/* y * log. */
static struct float80 scale_logarithm(struct float80 b, const struct logarithm *log,
                                      struct float_env *env)
{
    bool sign = float80_sign(b);
    if (log->is_integer) {
        struct float80 integer = float80_from_int64(log->integer);
        if (!integer.significand)
            return zero(sign);
        env->flags |= FLOAT_INEXACT; /* the silicon does not know that it is exact */
        struct float80 product =
            float80_round(float_mul_numbers(float80_number(integer), float80_number(b)), 0, env);
        if (float80_classify(product) == FLOAT_DENORMAL_NUMBER)
            env->flags |= FLOAT_UNDERFLOW;
        return product;
    }
    struct big product = big_multiply(log->magnitude, big_from_number(float80_number(b)));
    return round_big(sign != log->sign, product, env);
}

struct float80 float80_yl2x(struct float80 a, struct float80 b, struct float_env *env)
{
    struct float80 result;
    if (float80_nan_operands(a, b, &result, env))
        return result;
    enum float_class class_x = float80_classify(a), class_y = float80_classify(b);
    bool sign = float80_sign(b);
    if (class_x == FLOAT_ZERO) {
        if (class_y == FLOAT_ZERO)
            return float80_invalid(env);
        if (class_y != FLOAT_INFINITY)
            env->flags |= FLOAT_ZERO_DIVIDE;
        return infinity(!sign);
    }
    if (float80_sign(a))
        return float80_invalid(env);
    bool is_one = a.sign_exponent == FLOAT80_BIAS && a.significand == FLOAT80_INTEGER_BIT;
    bool below_one = (a.sign_exponent & FLOAT80_EXPONENT) < FLOAT80_BIAS;
    if ((class_x == FLOAT_INFINITY && class_y == FLOAT_ZERO) ||
        (is_one && class_y == FLOAT_INFINITY))
        return float80_invalid(env);
    note_denormal(a, env);
    note_denormal(b, env);
    if (class_x == FLOAT_INFINITY || class_y == FLOAT_INFINITY)
        return infinity(sign != below_one);
    if (class_y == FLOAT_ZERO)
        return zero(sign != below_one);
    struct logarithm log = log2_of(big_from_number(float80_number(a)));
    return scale_logarithm(b, &log, env);
}

/* log2(1 + x) for x > -1, not zero. */
static struct logarithm log2_of_1_plus(struct float_number x)
{
    const struct float_number one = {false, FLOAT80_BIAS, FLOAT80_INTEGER_BIT};
    if (x.exponent < FLOAT80_BIAS - 7) { /* s = x / (2 + x) */
        struct float_number two = {false, FLOAT80_BIAS + 1, FLOAT80_INTEGER_BIT};
        struct float_wide sum =
            x.sign ? float_sub_magnitudes(two, x) : float_add_magnitudes(two, x);
        struct big bottom = {sum.exponent - FLOAT80_BIAS, (uint128_t)sum.high << 64 | sum.low};
        return (struct logarithm){.sign = x.sign,
                                  .magnitude = log2_series(big_divide(big_from_number(x), bottom))};
    }
    struct float_wide sum = x.sign ? float_sub_magnitudes(one, x) : float_add_magnitudes(one, x);
    return log2_of((struct big){sum.exponent - FLOAT80_BIAS, (uint128_t)sum.high << 64 | sum.low});
}

struct float80 float80_yl2xp1(struct float80 a, struct float80 b, struct float_env *env)
{
    struct float80 result;
    if (float80_nan_operands(a, b, &result, env))
        return result;
    enum float_class class_x = float80_classify(a), class_y = float80_classify(b);
    bool sign = float80_sign(a) != float80_sign(b);
    bool zeros = class_x == FLOAT_ZERO || class_y == FLOAT_ZERO;
    bool infinite = class_x == FLOAT_INFINITY || class_y == FLOAT_INFINITY;
    if ((zeros && infinite) || (class_x == FLOAT_INFINITY && float80_sign(a)))
        return float80_invalid(env);
    note_denormal(a, env);
    note_denormal(b, env);
    if (infinite)
        return infinity(sign);
    if (zeros)
        return zero(sign);
    if (float80_sign(a) && (a.sign_exponent & FLOAT80_EXPONENT) >= FLOAT80_BIAS) {
        env->flags |= FLOAT_INEXACT; /* undefined from -1 on: the operand stays */
        return a;
    }
    struct logarithm log = log2_of_1_plus(float80_number(a));
    return scale_logarithm(b, &log, env);
}
