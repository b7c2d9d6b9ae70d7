/* SSE, SSE2 and SSE3 floating-point arithmetic, comparison and conversion. */
#include "cpu/exec.h"
#include "cpu/flags.h"
#include "cpu/simd.h"

/* --- two operands: packed and scalar, single and double --- */

typedef uint32_t binary32(uint32_t a, uint32_t b, struct float_env *env);
typedef uint64_t binary64(uint64_t a, uint64_t b, struct float_env *env);

#define DEFINE_WIDTH(bits)                                                                         \
    FPU_INLINE enum exec_result packed##bits(struct cpu *cpu, const struct insn *insn,             \
                                             binary##bits *function)                               \
    {                                                                                              \
        union xmm_register b, result;                                                              \
        struct float_env env = sse_env(cpu);                                                       \
        if (xmm_read(cpu, insn, &b))                                                               \
            return EXEC_FAULT;                                                                     \
        for (unsigned i = 0; i < 128 / (bits); i++)                                                \
            result.u##bits[i] = function(cpu->xmm[insn->reg].u##bits[i], b.u##bits[i], &env);      \
        if (sse_commit(cpu, &env))                                                                 \
            return EXEC_FAULT;                                                                     \
        cpu->xmm[insn->reg] = result;                                                              \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    FPU_INLINE enum exec_result scalar##bits(struct cpu *cpu, const struct insn *insn,             \
                                             binary##bits *function)                               \
    {                                                                                              \
        uint##bits##_t b;                                                                          \
        struct float_env env = sse_env(cpu);                                                       \
        if (xmm_read##bits(cpu, insn, &b))                                                         \
            return EXEC_FAULT;                                                                     \
        uint##bits##_t result = function(cpu->xmm[insn->reg].u##bits[0], b, &env);                 \
        if (sse_commit(cpu, &env))                                                                 \
            return EXEC_FAULT;                                                                     \
        cpu->xmm[insn->reg].u##bits[0] = result;                                                   \
        return EXEC_OK;                                                                            \
    }

DEFINE_WIDTH(32)
DEFINE_WIDTH(64)

#define DEFINE_FORM(name, form, function)                                                          \
    enum exec_result exec_##name(struct cpu *cpu, const struct insn *insn)                         \
    {                                                                                              \
        return form(cpu, insn, function);                                                          \
    }

/* expression32 and expression64 use a, b and env. */
#define DEFINE_BINARY(name, expression32, expression64)                                            \
    static uint32_t name##_32(uint32_t a, uint32_t b, struct float_env *env)                       \
    {                                                                                              \
        return expression32;                                                                       \
    }                                                                                              \
    static uint64_t name##_64(uint64_t a, uint64_t b, struct float_env *env)                       \
    {                                                                                              \
        return expression64;                                                                       \
    }                                                                                              \
    DEFINE_FORM(name##ps, packed32, name##_32)                                                     \
    DEFINE_FORM(name##pd, packed64, name##_64)                                                     \
    DEFINE_FORM(name##ss, scalar32, name##_32)                                                     \
    DEFINE_FORM(name##sd, scalar64, name##_64)

DEFINE_BINARY(add, float32_arithmetic(FLOAT_ADD, a, b, env),
              float64_arithmetic(FLOAT_ADD, a, b, env))
DEFINE_BINARY(sub, float32_arithmetic(FLOAT_SUB, a, b, env),
              float64_arithmetic(FLOAT_SUB, a, b, env))
DEFINE_BINARY(mul, float32_arithmetic(FLOAT_MUL, a, b, env),
              float64_arithmetic(FLOAT_MUL, a, b, env))
DEFINE_BINARY(div, float32_arithmetic(FLOAT_DIV, a, b, env),
              float64_arithmetic(FLOAT_DIV, a, b, env))
DEFINE_BINARY(min, float32_min_max(false, a, b, env), float64_min_max(false, a, b, env))
DEFINE_BINARY(max, float32_min_max(true, a, b, env), float64_min_max(true, a, b, env))
DEFINE_BINARY(sqrt, ((void)a, float32_sqrt(b, env)), ((void)a, float64_sqrt(b, env)))

static uint32_t reciprocal_32(uint32_t a, uint32_t b, struct float_env *env)
{
    return float32_reciprocal(b);
}
static uint32_t reciprocal_sqrt_32(uint32_t a, uint32_t b, struct float_env *env)
{
    return float32_reciprocal_sqrt(b);
}
DEFINE_FORM(rcpps, packed32, reciprocal_32)
DEFINE_FORM(rcpss, scalar32, reciprocal_32)
DEFINE_FORM(rsqrtps, packed32, reciprocal_sqrt_32)
DEFINE_FORM(rsqrtss, scalar32, reciprocal_sqrt_32)

/* --- CMPcc: a mask of ones or zeros --- */

/* Predicates (SDM 2, CMPPS): 0 eq, 1 lt, 2 le, 3 unord, and their opposites. */
static bool predicate_holds(unsigned predicate, enum float_relation relation)
{
    static const uint8_t holds[4] = {
        1 << FLOAT_EQUAL,
        1 << FLOAT_LESS,
        1 << FLOAT_LESS | 1 << FLOAT_EQUAL,
        1 << FLOAT_UNORDERED,
    };
    return (holds[predicate & 3] >> relation & 1) != (predicate >> 2 & 1);
}

static bool predicate_is_quiet(unsigned predicate)
{
    return (predicate & 3) == 0 || (predicate & 3) == 3;
}

FPU_INLINE uint32_t compare_mask32(unsigned predicate, uint32_t a, uint32_t b,
                                   struct float_env *env)
{
    enum float_relation relation = float32_compare(a, b, predicate_is_quiet(predicate), env);
    return predicate_holds(predicate, relation) ? UINT32_MAX : 0;
}

FPU_INLINE uint64_t compare_mask64(unsigned predicate, uint64_t a, uint64_t b,
                                   struct float_env *env)
{
    enum float_relation relation = float64_compare(a, b, predicate_is_quiet(predicate), env);
    return predicate_holds(predicate, relation) ? UINT64_MAX : 0;
}

/* lanes: how many are compared; source holds the operand. */
static enum exec_result compare32(struct cpu *cpu, const struct insn *insn,
                                  const union xmm_register *source, unsigned lanes)
{
    struct float_env env = sse_env(cpu);
    union xmm_register result = cpu->xmm[insn->reg];
    for (unsigned i = 0; i < lanes; i++)
        result.u32[i] = compare_mask32(insn->immediate & 7, result.u32[i], source->u32[i], &env);
    if (sse_commit(cpu, &env))
        return EXEC_FAULT;
    cpu->xmm[insn->reg] = result;
    return EXEC_OK;
}

static enum exec_result compare64(struct cpu *cpu, const struct insn *insn,
                                  const union xmm_register *source, unsigned lanes)
{
    struct float_env env = sse_env(cpu);
    union xmm_register result = cpu->xmm[insn->reg];
    for (unsigned i = 0; i < lanes; i++)
        result.u64[i] = compare_mask64(insn->immediate & 7, result.u64[i], source->u64[i], &env);
    if (sse_commit(cpu, &env))
        return EXEC_FAULT;
    cpu->xmm[insn->reg] = result;
    return EXEC_OK;
}

enum exec_result exec_cmpps(struct cpu *cpu, const struct insn *insn)
{
    union xmm_register source;
    return xmm_read(cpu, insn, &source) ? EXEC_FAULT : compare32(cpu, insn, &source, 4);
}
enum exec_result exec_cmppd(struct cpu *cpu, const struct insn *insn)
{
    union xmm_register source;
    return xmm_read(cpu, insn, &source) ? EXEC_FAULT : compare64(cpu, insn, &source, 2);
}
enum exec_result exec_cmpss(struct cpu *cpu, const struct insn *insn)
{
    union xmm_register source;
    return xmm_read32(cpu, insn, &source.u32[0]) ? EXEC_FAULT : compare32(cpu, insn, &source, 1);
}
enum exec_result exec_cmpsd_xmm(struct cpu *cpu, const struct insn *insn)
{
    union xmm_register source;
    return xmm_read64(cpu, insn, &source.u64[0]) ? EXEC_FAULT : compare64(cpu, insn, &source, 1);
}

/* --- COMISS and relatives: EFLAGS --- */

static enum exec_result set_flags(struct cpu *cpu, enum float_relation relation,
                                  const struct float_env *env)
{
    static const uint32_t flags_of_relation[] = {
        [FLOAT_LESS] = FLAG_CF,
        [FLOAT_EQUAL] = FLAG_ZF,
        [FLOAT_GREATER] = 0,
        [FLOAT_UNORDERED] = FLAG_ZF | FLAG_PF | FLAG_CF,
    };
    if (sse_commit(cpu, env))
        return EXEC_FAULT;
    flags_set_arithmetic(cpu, flags_of_relation[relation]);
    return EXEC_OK;
}

#define DEFINE_COMPARE_FLAGS(name, bits, quiet)                                                    \
    enum exec_result exec_##name(struct cpu *cpu, const struct insn *insn)                         \
    {                                                                                              \
        uint##bits##_t b;                                                                          \
        struct float_env env = sse_env(cpu);                                                       \
        if (xmm_read##bits(cpu, insn, &b))                                                         \
            return EXEC_FAULT;                                                                     \
        enum float_relation relation =                                                             \
            float##bits##_compare(cpu->xmm[insn->reg].u##bits[0], b, quiet, &env);                 \
        return set_flags(cpu, relation, &env);                                                     \
    }

DEFINE_COMPARE_FLAGS(comiss, 32, false)
DEFINE_COMPARE_FLAGS(comisd, 64, false)
DEFINE_COMPARE_FLAGS(ucomiss, 32, true)
DEFINE_COMPARE_FLAGS(ucomisd, 64, true)

/* --- SSE3: horizontal and alternating --- */

static enum exec_result finish(struct cpu *cpu, const struct insn *insn,
                               const union xmm_register *result, const struct float_env *env)
{
    if (sse_commit(cpu, env))
        return EXEC_FAULT;
    cpu->xmm[insn->reg] = *result;
    return EXEC_OK;
}

static enum exec_result horizontal32(struct cpu *cpu, const struct insn *insn,
                                     enum float_operation op)
{
    union xmm_register b, result;
    struct float_env env = sse_env(cpu);
    if (xmm_read(cpu, insn, &b))
        return EXEC_FAULT;
    const union xmm_register *a = &cpu->xmm[insn->reg];
    for (unsigned i = 0; i < 2; i++) {
        result.u32[i] = float32_arithmetic(op, a->u32[2 * i], a->u32[2 * i + 1], &env);
        result.u32[2 + i] = float32_arithmetic(op, b.u32[2 * i], b.u32[2 * i + 1], &env);
    }
    return finish(cpu, insn, &result, &env);
}

static enum exec_result horizontal64(struct cpu *cpu, const struct insn *insn,
                                     enum float_operation op)
{
    union xmm_register b, result;
    struct float_env env = sse_env(cpu);
    if (xmm_read(cpu, insn, &b))
        return EXEC_FAULT;
    const union xmm_register *a = &cpu->xmm[insn->reg];
    result.u64[0] = float64_arithmetic(op, a->u64[0], a->u64[1], &env);
    result.u64[1] = float64_arithmetic(op, b.u64[0], b.u64[1], &env);
    return finish(cpu, insn, &result, &env);
}

DEFINE_FORM(haddps, horizontal32, FLOAT_ADD)
DEFINE_FORM(hsubps, horizontal32, FLOAT_SUB)
DEFINE_FORM(haddpd, horizontal64, FLOAT_ADD)
DEFINE_FORM(hsubpd, horizontal64, FLOAT_SUB)

/* Even lanes subtract, odd lanes add. */
enum exec_result exec_addsubps(struct cpu *cpu, const struct insn *insn)
{
    union xmm_register b, result;
    struct float_env env = sse_env(cpu);
    if (xmm_read(cpu, insn, &b))
        return EXEC_FAULT;
    for (unsigned i = 0; i < 4; i++)
        result.u32[i] = float32_arithmetic(i & 1 ? FLOAT_ADD : FLOAT_SUB,
                                           cpu->xmm[insn->reg].u32[i], b.u32[i], &env);
    return finish(cpu, insn, &result, &env);
}

enum exec_result exec_addsubpd(struct cpu *cpu, const struct insn *insn)
{
    union xmm_register b, result;
    struct float_env env = sse_env(cpu);
    if (xmm_read(cpu, insn, &b))
        return EXEC_FAULT;
    for (unsigned i = 0; i < 2; i++)
        result.u64[i] = float64_arithmetic(i & 1 ? FLOAT_ADD : FLOAT_SUB,
                                           cpu->xmm[insn->reg].u64[i], b.u64[i], &env);
    return finish(cpu, insn, &result, &env);
}
