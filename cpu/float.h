/* Floating point in integers: the 80-bit, 64-bit and 32-bit formats of x87 and SSE, bit-exact on
 * every host. No function here uses the host's floating point.
 *
 * Exceptions collect in env->flags; results are what the masked response gives, but for overflow
 * and underflow, whose unmasked x87 response (an adjusted exponent) env->masked selects. The caller
 * throws the result away when an unmasked exception says so.
 *
 * Sources: Intel SDM volume 1, chapter 4.8 (formats, NaNs, exceptions), 8.5, 11.5; IEEE 754. */
#ifndef CPU_FLOAT_H
#define CPU_FLOAT_H

#include "base/bits.h"
#include "cpu/fpu_state.h"

/* As in the x87 status word and in MXCSR; C1 says which way the result was rounded. */
enum float_flag {
    FLOAT_INVALID = 1 << 0,
    FLOAT_DENORMAL = 1 << 1,
    FLOAT_ZERO_DIVIDE = 1 << 2,
    FLOAT_OVERFLOW = 1 << 3,
    FLOAT_UNDERFLOW = 1 << 4,
    FLOAT_INEXACT = 1 << 5,
    FLOAT_EXCEPTIONS = 0x3F,
    FLOAT_ROUNDED_UP = 1 << 9, /* the magnitude grew by rounding */
};

/* RC of the x87 control word and of MXCSR. */
enum float_rounding { FLOAT_NEAREST, FLOAT_DOWN, FLOAT_UP, FLOAT_TRUNCATE };

/* Whole words: the struct is made anew for each instruction, and bytes would have to be merged. */
struct float_env {
    uint32_t rounding; /* enum float_rounding */
    uint32_t drop;     /* 80-bit arithmetic: low significand bits not kept (PC): 0, 11, 40 */
    uint32_t masked;   /* enum float_flag */
    uint32_t flags;    /* raised so far */
    bool flush_to_zero, denormals_are_zero; /* 32- and 64-bit arithmetic only */
};

enum { FLOAT_NO_QUOTIENT = 8 };

enum float_relation { FLOAT_LESS, FLOAT_EQUAL, FLOAT_GREATER, FLOAT_UNORDERED };

#define FLOAT80_INTEGER_BIT UINT64_C(0x8000000000000000)
#define FLOAT80_QUIET_BIT   UINT64_C(0x4000000000000000)
enum { FLOAT80_SIGN = 0x8000, FLOAT80_EXPONENT = 0x7FFF, FLOAT80_BIAS = 16383 };

/* --- what a number is --- */

enum float_class {
    FLOAT_ZERO,
    FLOAT_DENORMAL_NUMBER, /* pseudo-denormals too */
    FLOAT_NORMAL,
    FLOAT_INFINITY,
    FLOAT_QNAN,
    FLOAT_SNAN,
    FLOAT_UNSUPPORTED, /* unnormal, pseudo-infinity, pseudo-NaN */
};

static inline bool float80_is_normal(struct float80 a)
{
    return (unsigned)((a.sign_exponent & FLOAT80_EXPONENT) - 1) < FLOAT80_EXPONENT - 1 &&
           a.significand & FLOAT80_INTEGER_BIT;
}
enum float_class float80_classify(struct float80 a);

static inline struct float80 float80_make(bool sign, uint32_t exponent, uint64_t significand)
{
    return (struct float80){significand, (uint16_t)(exponent | (uint32_t)sign << 15)};
}
/* The real indefinite QNaN, which is the masked response to an invalid operation. */
static inline struct float80 float80_indefinite(void)
{
    return (struct float80){UINT64_C(0xC000000000000000), 0xFFFF};
}

/* --- x87 arithmetic: precision control applies --- */
struct float80 float80_add(struct float80 a, struct float80 b, struct float_env *env);
struct float80 float80_sub(struct float80 a, struct float80 b, struct float_env *env); /* a - b */
struct float80 float80_mul(struct float80 a, struct float80 b, struct float_env *env);
struct float80 float80_div(struct float80 a, struct float80 b, struct float_env *env); /* a / b */
struct float80 float80_sqrt(struct float80 a, struct float_env *env);

/* --- x87, full precision --- */
struct float80 float80_round_to_integer(struct float80 a, struct float_env *env);
/* a * 2^trunc(b). */
struct float80 float80_scale(struct float80 a, struct float80 b, struct float_env *env);
/* Returns the significand as a number in [1, 2); *exponent becomes the unbiased exponent. */
struct float80 float80_extract(struct float80 a, struct float80 *exponent, struct float_env *env);
/* What FPREM (nearest false) and FPREM1 (true) do. *quotient: its low three bits, or
 * FLOAT_NO_QUOTIENT for a NaN or an invalid operation; *partial: the
 * reduction is not complete (C2). */
struct float80 float80_remainder(struct float80 a, struct float80 b, bool nearest,
                                 unsigned *quotient, bool *partial, struct float_env *env);
/* quiet: only signalling NaNs are invalid (FUCOM). */
enum float_relation float80_compare(struct float80 a, struct float80 b, bool quiet,
                                    struct float_env *env);

/* --- conversions; those of loads and stores are in cpu/float_convert.h --- */
/* A signalling NaN becomes quiet and raises invalid; anything else stays. */
struct float80 float80_quiet(struct float80 a, struct float_env *env);
/* To a signed integer of bits (16, 32, 64); the integer indefinite when it does not fit. truncate:
 * FISTTP. */
int64_t float80_to_int(struct float80 a, unsigned bits, bool truncate, struct float_env *env);
/* Packed BCD, ten bytes: 18 digits and a sign. */
struct float80 float80_from_bcd(const uint8_t bytes[10]);
void float80_to_bcd(struct float80 a, uint8_t bytes[10], struct float_env *env);

/* --- transcendentals: within one unit in the last place; cpu/float_elementary.c --- */
struct float80 float80_2xm1(struct float80 a, struct float_env *env);
/* b * log2(a), b * log2(a + 1), atan2(b, a). */
struct float80 float80_yl2x(struct float80 a, struct float80 b, struct float_env *env);
struct float80 float80_yl2xp1(struct float80 a, struct float80 b, struct float_env *env);
struct float80 float80_atan(struct float80 a, struct float80 b, struct float_env *env);
/* False: |a| >= 2^63, nothing done (C2). sine, cosine may be NULL. */
bool float80_sincos(struct float80 a, struct float80 *sine, struct float80 *cosine,
                    struct float_env *env);
bool float80_tan(struct float80 a, struct float80 *tangent, struct float_env *env);

/* FLD1, FLDL2T, FLDL2E, FLDPI, FLDLG2, FLDLN2, FLDZ: index is the opcode's low three bits. */
struct float80 float80_constant(unsigned index, unsigned rounding);

/* --- SSE arithmetic on 32- and 64-bit numbers; NaNs as SSE propagates them --- */
enum float_operation { FLOAT_ADD, FLOAT_SUB, FLOAT_MUL, FLOAT_DIV };
uint32_t float32_arithmetic(enum float_operation op, uint32_t a, uint32_t b, struct float_env *env);
uint64_t float64_arithmetic(enum float_operation op, uint64_t a, uint64_t b, struct float_env *env);
uint32_t float32_sqrt(uint32_t a, struct float_env *env);
uint64_t float64_sqrt(uint64_t a, struct float_env *env);
/* MINxx and MAXxx: b unless a is less (greater); NaN or two zeros give b. */
uint32_t float32_min_max(bool max, uint32_t a, uint32_t b, struct float_env *env);
uint64_t float64_min_max(bool max, uint64_t a, uint64_t b, struct float_env *env);
enum float_relation float32_compare(uint32_t a, uint32_t b, bool quiet, struct float_env *env);
enum float_relation float64_compare(uint64_t a, uint64_t b, bool quiet, struct float_env *env);
uint64_t float32_to_float64(uint32_t a, struct float_env *env);
uint32_t float64_to_float32(uint64_t a, struct float_env *env);
int32_t float32_to_int32(uint32_t a, bool truncate, struct float_env *env);
int32_t float64_to_int32(uint64_t a, bool truncate, struct float_env *env);
uint32_t float32_from_int32(int32_t a, struct float_env *env);
uint64_t float64_from_int32(int32_t a);
/* RCPPS and RSQRTPS: approximations with 12 significand bits; denormals count as zero, and no
 * exception is raised. */
uint32_t float32_reciprocal(uint32_t a);
uint32_t float32_reciprocal_sqrt(uint32_t a);

#endif
