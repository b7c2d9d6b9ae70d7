/* 32- and 64-bit arithmetic as SSE does it. Operands are widened to the common number, the exact
 * result is rounded once; only classes and NaNs depend on the format. */
#include "cpu/float_core.h"

struct small_format {
    struct float_format rounding;
    uint8_t fraction_bits;
    uint32_t all_ones; /* the exponent field of infinities and NaNs */
};

static const struct small_format single = {
    {40, FLOAT80_BIAS - 126, FLOAT80_BIAS + 127},
    23, 0xFF
};
static const struct small_format twice = {
    {11, FLOAT80_BIAS - 1022, FLOAT80_BIAS + 1023},
    52, 0x7FF
};

struct small {
    enum float_class class; /* FLOAT_DENORMAL_NUMBER is gone if denormals are zero */
    struct float_number number;
};

static inline uint64_t sign_bit(const struct small_format *format)
{
    return (uint64_t)(format->all_ones + 1) << format->fraction_bits;
}

static inline uint64_t quiet_bit(const struct small_format *format)
{
    return UINT64_C(1) << (format->fraction_bits - 1);
}

static inline uint64_t infinity_bits(const struct small_format *format)
{
    return (uint64_t)format->all_ones << format->fraction_bits;
}

static inline uint64_t invalid_bits(const struct small_format *format, struct float_env *env)
{
    env->flags |= FLOAT_INVALID;
    return sign_bit(format) | infinity_bits(format) | quiet_bit(format);
}

static inline struct small unpack(uint64_t bits, const struct small_format *format,
                                  const struct float_env *env)
{
    uint32_t field = (uint32_t)(bits >> format->fraction_bits) & format->all_ones;
    uint64_t significand = bits << (63 - format->fraction_bits) & ~FLOAT80_INTEGER_BIT;
    struct small small = {
        FLOAT_NORMAL, {(bits & sign_bit(format)) != 0, 0, significand}
    };
    if (LIKELY(field != 0 && field != format->all_ones)) {
        small.number.exponent = (int32_t)field + format->rounding.min_exponent - 1;
        small.number.significand |= FLOAT80_INTEGER_BIT;
    } else if (field) {
        small.class = !significand                      ? FLOAT_INFINITY
                      : significand & FLOAT80_QUIET_BIT ? FLOAT_QNAN
                                                        : FLOAT_SNAN;
    } else if (!significand || env->denormals_are_zero) {
        small.class = FLOAT_ZERO;
    } else {
        int shift = __builtin_clzll(significand);
        small.class = FLOAT_DENORMAL_NUMBER;
        small.number.exponent = format->rounding.min_exponent - shift;
        small.number.significand <<= shift;
    }
    return small;
}

static inline bool is_nan(const struct small *a)
{
    return a->class == FLOAT_QNAN || a->class == FLOAT_SNAN;
}

static inline uint64_t round_to_bits(struct float_wide wide, const struct small_format *format,
                                     struct float_env *env)
{
    struct float_rounded rounded = float_round(wide, &format->rounding, env);
    uint64_t sign = wide.sign ? sign_bit(format) : 0;
    if (rounded.exponent > format->rounding.max_exponent)
        return sign | infinity_bits(format);
    uint64_t field = rounded.significand & FLOAT80_INTEGER_BIT
                         ? (uint64_t)(rounded.exponent - format->rounding.min_exponent + 1)
                         : 0;
    uint64_t fraction = (rounded.significand & ~FLOAT80_INTEGER_BIT) >> format->rounding.drop;
    return sign | (field & format->all_ones) << format->fraction_bits | fraction;
}

/* The first NaN of the two, made quiet (SDM 1, table 4-7). */
static uint64_t nan_result(uint64_t a, uint64_t b, const struct small *x, const struct small *y,
                           const struct small_format *format, struct float_env *env)
{
    if (x->class == FLOAT_SNAN || y->class == FLOAT_SNAN)
        env->flags |= FLOAT_INVALID;
    return (is_nan(x) ? a : b) | quiet_bit(format);
}

static inline void note_denormals(const struct small *x, const struct small *y,
                                  struct float_env *env)
{
    if (x->class == FLOAT_DENORMAL_NUMBER || y->class == FLOAT_DENORMAL_NUMBER)
        env->flags |= FLOAT_DENORMAL;
}

/* --- the four operations --- */

static uint64_t add_special(const struct small *x, const struct small *y,
                            const struct small_format *format, struct float_env *env)
{
    bool infinite_x = x->class == FLOAT_INFINITY, infinite_y = y->class == FLOAT_INFINITY;
    if (infinite_x && infinite_y && x->number.sign != y->number.sign)
        return invalid_bits(format, env);
    note_denormals(x, y, env);
    if (infinite_x || infinite_y)
        return infinity_bits(format) | ((infinite_x ? x : y)->number.sign ? sign_bit(format) : 0);
    if (x->class == FLOAT_ZERO && y->class == FLOAT_ZERO) {
        bool sign = x->number.sign == y->number.sign ? x->number.sign : env->rounding == FLOAT_DOWN;
        return sign ? sign_bit(format) : 0;
    }
    const struct float_number *only = &(x->class == FLOAT_ZERO ? y : x)->number;
    struct float_wide wide = {only->sign, only->exponent, only->significand, 0};
    return round_to_bits(wide, format, env);
}

static inline uint64_t add(struct small x, struct small y, const struct small_format *format,
                           struct float_env *env)
{
    if (UNLIKELY(x.class == FLOAT_ZERO || y.class == FLOAT_ZERO || x.class == FLOAT_INFINITY ||
                 y.class == FLOAT_INFINITY))
        return add_special(&x, &y, format, env);
    note_denormals(&x, &y, env);
    struct float_wide wide;
    if (x.number.sign == y.number.sign) {
        wide = float_add_magnitudes(x.number, y.number);
    } else {
        wide = float_sub_magnitudes(x.number, y.number);
        if (!wide.high)
            return env->rounding == FLOAT_DOWN ? sign_bit(format) : 0;
    }
    return round_to_bits(wide, format, env);
}

static uint64_t multiply(struct small x, struct small y, const struct small_format *format,
                         struct float_env *env)
{
    bool infinite = x.class == FLOAT_INFINITY || y.class == FLOAT_INFINITY;
    bool zero = x.class == FLOAT_ZERO || y.class == FLOAT_ZERO;
    uint64_t sign = x.number.sign != y.number.sign ? sign_bit(format) : 0;
    if (infinite && zero)
        return invalid_bits(format, env);
    note_denormals(&x, &y, env);
    if (infinite)
        return sign | infinity_bits(format);
    if (zero)
        return sign;
    return round_to_bits(float_mul_numbers(x.number, y.number), format, env);
}

static uint64_t divide(struct small x, struct small y, const struct small_format *format,
                       struct float_env *env)
{
    uint64_t sign = x.number.sign != y.number.sign ? sign_bit(format) : 0;
    if (x.class == y.class && (x.class == FLOAT_INFINITY || x.class == FLOAT_ZERO))
        return invalid_bits(format, env);
    if (y.class == FLOAT_ZERO && x.class != FLOAT_INFINITY) {
        env->flags |= FLOAT_ZERO_DIVIDE;
        return sign | infinity_bits(format);
    }
    note_denormals(&x, &y, env);
    if (x.class == FLOAT_INFINITY)
        return sign | infinity_bits(format);
    if (x.class == FLOAT_ZERO || y.class == FLOAT_INFINITY)
        return sign;
    return round_to_bits(float_div_numbers(x.number, y.number), format, env);
}

static inline uint64_t arithmetic(enum float_operation op, uint64_t a, uint64_t b,
                                  const struct small_format *format, struct float_env *env)
{
    struct small x = unpack(a, format, env), y = unpack(b, format, env);
    if (UNLIKELY(is_nan(&x) || is_nan(&y)))
        return nan_result(a, b, &x, &y, format, env);
    switch (op) {
    case FLOAT_SUB:
        y.number.sign = !y.number.sign;
        return add(x, y, format, env);
    case FLOAT_MUL:
        return multiply(x, y, format, env);
    case FLOAT_DIV:
        return divide(x, y, format, env);
    default:
        return add(x, y, format, env);
    }
}

uint32_t float32_arithmetic(enum float_operation op, uint32_t a, uint32_t b, struct float_env *env)
{
    return (uint32_t)arithmetic(op, a, b, &single, env);
}

uint64_t float64_arithmetic(enum float_operation op, uint64_t a, uint64_t b, struct float_env *env)
{
    return arithmetic(op, a, b, &twice, env);
}

static uint64_t square_root(uint64_t a, const struct small_format *format, struct float_env *env)
{
    struct small x = unpack(a, format, env);
    if (is_nan(&x))
        return nan_result(a, a, &x, &x, format, env);
    if (x.class == FLOAT_ZERO)
        return a & sign_bit(format);
    if (x.number.sign)
        return invalid_bits(format, env);
    note_denormals(&x, &x, env);
    if (x.class == FLOAT_INFINITY)
        return a;
    return round_to_bits(float_sqrt_number(x.number), format, env);
}

uint32_t float32_sqrt(uint32_t a, struct float_env *env)
{
    return (uint32_t)square_root(a, &single, env);
}

uint64_t float64_sqrt(uint64_t a, struct float_env *env)
{
    return square_root(a, &twice, env);
}

/* --- comparison --- */

static enum float_relation relation(const struct small *x, const struct small *y)
{
    bool zero_x = x->class == FLOAT_ZERO, zero_y = y->class == FLOAT_ZERO;
    if (zero_x && zero_y)
        return FLOAT_EQUAL;
    if (zero_x)
        return y->number.sign ? FLOAT_GREATER : FLOAT_LESS;
    if (zero_y)
        return x->number.sign ? FLOAT_LESS : FLOAT_GREATER;
    if (x->number.sign != y->number.sign)
        return x->number.sign ? FLOAT_LESS : FLOAT_GREATER;
    int32_t exponent_x = x->class == FLOAT_INFINITY ? INT32_MAX : x->number.exponent;
    int32_t exponent_y = y->class == FLOAT_INFINITY ? INT32_MAX : y->number.exponent;
    if (exponent_x == exponent_y && x->number.significand == y->number.significand)
        return FLOAT_EQUAL;
    bool less = exponent_x != exponent_y ? exponent_x < exponent_y
                                         : x->number.significand < y->number.significand;
    return less != x->number.sign ? FLOAT_LESS : FLOAT_GREATER;
}

static enum float_relation compare(uint64_t a, uint64_t b, bool quiet,
                                   const struct small_format *format, struct float_env *env)
{
    struct small x = unpack(a, format, env), y = unpack(b, format, env);
    if (is_nan(&x) || is_nan(&y)) {
        if (!quiet || x.class == FLOAT_SNAN || y.class == FLOAT_SNAN)
            env->flags |= FLOAT_INVALID;
        return FLOAT_UNORDERED;
    }
    note_denormals(&x, &y, env);
    return relation(&x, &y);
}

enum float_relation float32_compare(uint32_t a, uint32_t b, bool quiet, struct float_env *env)
{
    return compare(a, b, quiet, &single, env);
}

enum float_relation float64_compare(uint64_t a, uint64_t b, bool quiet, struct float_env *env)
{
    return compare(a, b, quiet, &twice, env);
}

/* A result that is a denormal operand reads as zero if denormals are zero. */
static uint64_t min_max(bool max, uint64_t a, uint64_t b, const struct small_format *format,
                        struct float_env *env)
{
    enum float_relation order = compare(a, b, false, format, env);
    uint64_t result = order == (max ? FLOAT_GREATER : FLOAT_LESS) ? a : b;
    struct small chosen = unpack(result, format, env);
    return chosen.class == FLOAT_ZERO ? result & sign_bit(format) : result;
}

uint32_t float32_min_max(bool max, uint32_t a, uint32_t b, struct float_env *env)
{
    return (uint32_t)min_max(max, a, b, &single, env);
}

uint64_t float64_min_max(bool max, uint64_t a, uint64_t b, struct float_env *env)
{
    return min_max(max, a, b, &twice, env);
}

/* --- conversions --- */

/* Between the two formats. */
static uint64_t convert(uint64_t a, const struct small_format *from, const struct small_format *to,
                        struct float_env *env)
{
    struct small x = unpack(a, from, env);
    uint64_t sign = x.number.sign ? sign_bit(to) : 0;
    if (is_nan(&x)) {
        if (x.class == FLOAT_SNAN)
            env->flags |= FLOAT_INVALID;
        return sign | infinity_bits(to) | quiet_bit(to) | x.number.significand >> to->rounding.drop;
    }
    if (x.class == FLOAT_INFINITY)
        return sign | infinity_bits(to);
    if (x.class == FLOAT_ZERO)
        return sign;
    note_denormals(&x, &x, env);
    struct float_wide wide = {x.number.sign, x.number.exponent, x.number.significand, 0};
    return round_to_bits(wide, to, env);
}

uint64_t float32_to_float64(uint32_t a, struct float_env *env)
{
    return convert(a, &single, &twice, env);
}

uint32_t float64_to_float32(uint64_t a, struct float_env *env)
{
    return (uint32_t)convert(a, &twice, &single, env);
}

static int32_t to_int32(uint64_t a, bool truncate, const struct small_format *format,
                        struct float_env *env)
{
    struct small x = unpack(a, format, env);
    if (x.class >= FLOAT_INFINITY) {
        env->flags |= FLOAT_INVALID;
        return INT32_MIN;
    }
    if (x.class == FLOAT_ZERO)
        return 0;
    struct float80 wide =
        x.number.exponent < 1
            ? float80_make(x.number.sign, 1, x.number.significand)
            : float80_make(x.number.sign, (uint32_t)x.number.exponent, x.number.significand);
    return (int32_t)float80_to_int(wide, 32, truncate, env);
}

int32_t float32_to_int32(uint32_t a, bool truncate, struct float_env *env)
{
    return to_int32(a, truncate, &single, env);
}

int32_t float64_to_int32(uint64_t a, bool truncate, struct float_env *env)
{
    return to_int32(a, truncate, &twice, env);
}

static uint64_t from_int32(int32_t a, const struct small_format *format, struct float_env *env)
{
    if (a == 0)
        return 0;
    struct float_number number = float80_number(float80_from_int64(a));
    struct float_wide wide = {number.sign, number.exponent, number.significand, 0};
    return round_to_bits(wide, format, env);
}

uint32_t float32_from_int32(int32_t a, struct float_env *env)
{
    return (uint32_t)from_int32(a, &single, env);
}

uint64_t float64_from_int32(int32_t a)
{
    struct float_env exact = {0};
    return from_int32(a, &twice, &exact);
}

/* --- reciprocals --- */

/* Keeps 12 significand bits: a relative error below 1.5 * 2^-12 (SDM 2, RCPPS), the same on every
 * host. Exact powers of two stay exact. */
static uint32_t approximate(struct float_wide wide)
{
    static const struct float_format twelve_bits = {52, FLOAT80_BIAS - 126, FLOAT80_BIAS + 127};
    struct float_env nearest = {.rounding = FLOAT_NEAREST, .masked = FLOAT_EXCEPTIONS};
    struct float_rounded rounded = float_round(wide, &twelve_bits, &nearest);
    uint32_t sign = wide.sign ? 0x80000000u : 0;
    if (wide.exponent < single.rounding.min_exponent) /* a tiny result is flushed */
        return sign;
    if (rounded.exponent > single.rounding.max_exponent)
        return sign | 0x7F800000;
    uint32_t field = (uint32_t)(rounded.exponent - single.rounding.min_exponent + 1);
    return sign | field << 23 | (uint32_t)(rounded.significand >> 40 & 0x7FFFFF);
}

uint32_t float32_reciprocal(uint32_t a)
{
    struct float_env env = {.denormals_are_zero = true};
    struct small x = unpack(a, &single, &env);
    const struct float_number one = {false, FLOAT80_BIAS, FLOAT80_INTEGER_BIT};
    if (is_nan(&x))
        return a | 0x400000;
    if (x.class == FLOAT_ZERO)
        return (a & 0x80000000u) | 0x7F800000;
    if (x.class == FLOAT_INFINITY)
        return a & 0x80000000u;
    return approximate(float_div_numbers(one, x.number)) | (a & 0x80000000u);
}

uint32_t float32_reciprocal_sqrt(uint32_t a)
{
    struct float_env env = {.denormals_are_zero = true};
    struct small x = unpack(a, &single, &env);
    const struct float_number one = {false, FLOAT80_BIAS, FLOAT80_INTEGER_BIT};
    if (is_nan(&x))
        return a | 0x400000;
    if (x.class == FLOAT_ZERO)
        return (a & 0x80000000u) | 0x7F800000;
    if (x.number.sign)
        return 0xFFC00000;
    if (x.class == FLOAT_INFINITY)
        return 0;
    struct float_wide root = float_sqrt_number(x.number);
    struct float_number divisor = {false, root.exponent, root.high};
    return approximate(float_div_numbers(one, divisor));
}
