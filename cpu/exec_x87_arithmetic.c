/* FADD FSUB FSUBR FMUL FDIV FDIVR in every operand form, FSQRT, FCHS, FABS, FRNDINT, FSCALE,
 * FXTRACT, FPREM, and comparisons. */
#include "cpu/exec.h"
#include "cpu/flags.h"
#include "cpu/float_quick.h"
#include "cpu/fpu.h"

/* --- the four operations --- */

enum operation { ADD, MUL, SUB, SUBR, DIV, DIVR };

/* destination OP source; R: source OP destination. */
FPU_INLINE struct float80 apply(enum operation op, struct float80 destination,
                                struct float80 source, struct float_env *env)
{
    switch (op) {
    case ADD:
        return float80_add(destination, source, env);
    case MUL:
        return float80_mul(destination, source, env);
    case SUB:
        return float80_sub(destination, source, env);
    case SUBR:
        return float80_sub(source, destination, env);
    case DIV:
        return float80_div(destination, source, env);
    default:
        return float80_div(source, destination, env);
    }
}

/* The same for what is common: full precision, to nearest, inexactness masked, normal numbers. */
FPU_INLINE bool apply_quick(enum operation op, struct float80 destination, struct float80 source,
                            struct float80 *result, uint32_t *flags)
{
    struct float80 negated = op == SUBR ? destination : source;
    negated.sign_exponent ^= FLOAT80_SIGN;
    switch (op) {
    case ADD:
        return float80_add_quick(destination, source, result, flags);
    case MUL:
        return float80_mul_quick(destination, source, result, flags);
    case SUB:
        return float80_add_quick(destination, negated, result, flags);
    case SUBR:
        return float80_add_quick(source, negated, result, flags);
    case DIV:
        return float80_div_quick(destination, source, result, flags);
    default:
        return float80_div_quick(source, destination, result, flags);
    }
}

enum { QUICK_CONTROL = 0x0F20, QUICK_VALUE = 0x0320 }; /* PC, RC and PM */

/* ST(i) = ST(i) OP source if it is quick; flags for the status word. */
FPU_INLINE bool operate_quick(struct cpu *cpu, enum operation op, struct float80 *to,
                              struct float80 source, uint32_t *flags)
{
    struct float80 result;
    if (UNLIKELY((cpu->fpu.control & QUICK_CONTROL) != QUICK_VALUE) ||
        UNLIKELY(!apply_quick(op, *to, source, &result, flags)))
        return false;
    float80_store(to, result);
    return true;
}

/* An operand register is empty: the masked response is the indefinite in destination. */
static enum exec_result underflow(struct cpu *cpu, unsigned destination, bool pop)
{
    if (fpu_stack_fault(cpu, false)) {
        fpu_put(cpu, destination, float80_indefinite());
        if (pop)
            fpu_pop(cpu);
    }
    return EXEC_OK;
}

static enum exec_result register_form_slow(struct cpu *cpu, const struct insn *insn,
                                           enum operation op, unsigned destination, unsigned source,
                                           bool pop)
{
    if (fpu_begin(cpu))
        return EXEC_FAULT;
    fpu_note(cpu, insn);
    if (fpu_is_empty(cpu, destination) || fpu_is_empty(cpu, source))
        return underflow(cpu, destination, pop);
    struct float80 *to = fpu_st(cpu, destination);
    struct float_env env = fpu_arithmetic_env(cpu);
    struct float80 result = apply(op, *to, *fpu_st(cpu, source), &env);
    if (fpu_commit(cpu, &env)) {
        float80_store(to, result);
        if (pop)
            fpu_pop(cpu);
    }
    return EXEC_OK;
}

FPU_INLINE enum exec_result register_form(struct cpu *cpu, const struct insn *insn,
                                          enum operation op, unsigned destination, unsigned source,
                                          bool pop)
{
    struct fpu_state *fpu = &cpu->fpu;
    uint32_t status = fpu->status, flags;
    unsigned top = status >> FPU_TOP_SHIFT;
    unsigned to = (top + destination) & 7, from = (top + source) & 7;
    if (UNLIKELY(status & FPU_ES || fpu->empty & (1u << to | 1u << from)) ||
        UNLIKELY(!operate_quick(cpu, op, &fpu->reg[to], fpu->reg[from], &flags)))
        return register_form_slow(cpu, insn, op, destination, source, pop);
    fpu_note(cpu, insn);
    if (pop) {
        fpu->empty |= (uint8_t)(1u << (top & 7));
        status = fpu_status_with_top(status, 1);
    }
    fpu->status = (uint16_t)((status & ~(uint32_t)FPU_C1) | flags);
    return EXEC_OK;
}

static bool is_nan(struct float80 a)
{
    enum float_class class = float80_classify(a);
    return class == FLOAT_QNAN || class == FLOAT_SNAN;
}

/* denormal: the operand in memory was one before it was widened, which matters only if nothing
 * worse is the matter. */
static enum exec_result memory_form_slow(struct cpu *cpu, const struct insn *insn, uint32_t offset,
                                         enum operation op, struct float80 source, bool denormal)
{
    fpu_note_memory(cpu, insn, offset);
    if (fpu_is_empty(cpu, 0))
        return underflow(cpu, 0, false);
    struct float80 *to = fpu_st(cpu, 0);
    struct float_env env = fpu_arithmetic_env(cpu);
    struct float80 result = apply(op, *to, source, &env);
    if (denormal && !(env.flags & (FLOAT_INVALID | FLOAT_ZERO_DIVIDE)) && !is_nan(*to))
        env.flags |= FLOAT_DENORMAL;
    if (fpu_commit(cpu, &env))
        float80_store(to, result);
    return EXEC_OK;
}

/* is_quick and widen: for an operand that needs no care; convert: for any, with env. */
#define DEFINE_MEMORY_OPERAND(name, bits, is_quick, widen, convert)                                \
    /* Reads the operand of a waiting instruction. */                                              \
    static MUST_CHECK enum exec_result read_##name(struct cpu *cpu, const struct insn *insn,       \
                                                   uint32_t *offset, struct float80 *value,        \
                                                   bool *denormal)                                 \
    {                                                                                              \
        uint##bits##_t raw;                                                                        \
        struct float_env env = {0};                                                                \
        *offset = insn_address(cpu, insn);                                                         \
        if (fpu_begin(cpu) || mem_read##bits(cpu, insn->segment, *offset, &raw))                   \
            return EXEC_FAULT;                                                                     \
        *value = convert;                                                                          \
        *denormal = env.flags & FLOAT_DENORMAL;                                                    \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    static enum exec_result slow_##name(struct cpu *cpu, const struct insn *insn,                  \
                                        enum operation op)                                         \
    {                                                                                              \
        uint32_t offset;                                                                           \
        struct float80 source;                                                                     \
        bool denormal;                                                                             \
        if (read_##name(cpu, insn, &offset, &source, &denormal))                                   \
            return EXEC_FAULT;                                                                     \
        return memory_form_slow(cpu, insn, offset, op, source, denormal);                          \
    }                                                                                              \
    FPU_INLINE enum exec_result form_##name(struct cpu *cpu, const struct insn *insn,              \
                                            enum operation op)                                     \
    {                                                                                              \
        uint32_t offset = insn_address(cpu, insn);                                                 \
        const uint8_t *host = mem_fast(cpu, insn->segment, offset, (bits) / 8, MMU_READ);          \
        struct fpu_state *fpu = &cpu->fpu;                                                         \
        uint32_t status = fpu->status, flags;                                                      \
        unsigned to = status >> FPU_TOP_SHIFT & 7;                                                 \
        uint##bits##_t raw;                                                                        \
        if (UNLIKELY(!host) || UNLIKELY(status & FPU_ES) || UNLIKELY(fpu->empty >> to & 1))        \
            return slow_##name(cpu, insn, op);                                                     \
        memcpy(&raw, host, sizeof raw);                                                            \
        if (UNLIKELY(!(is_quick)) ||                                                               \
            UNLIKELY(!operate_quick(cpu, op, &fpu->reg[to], widen, &flags)))                       \
            return slow_##name(cpu, insn, op);                                                     \
        fpu_note_memory(cpu, insn, offset);                                                        \
        fpu->status = (uint16_t)((status & ~(uint32_t)FPU_C1) | flags);                            \
        return EXEC_OK;                                                                            \
    }

DEFINE_MEMORY_OPERAND(m32, 32, float32_is_normal(raw), float80_widen32(raw),
                      float80_from_float32(raw, &env))
DEFINE_MEMORY_OPERAND(m64, 64, float64_is_normal(raw), float80_widen64(raw),
                      float80_from_float64(raw, &env))
DEFINE_MEMORY_OPERAND(m16int, 16, true, float80_from_int64((int16_t)raw),
                      float80_from_int64((int16_t)raw))
DEFINE_MEMORY_OPERAND(m32int, 32, true, float80_from_int64((int32_t)raw),
                      float80_from_int64((int32_t)raw))

#define DEFINE_MEMORY_FORM(name, op, operand)                                                      \
    enum exec_result name##_##operand(struct cpu *cpu, const struct insn *insn)                    \
    {                                                                                              \
        return form_##operand(cpu, insn, op);                                                      \
    }

#define DEFINE_OPERATION(name, op)                                                                 \
    enum exec_result name##_st0_sti(struct cpu *cpu, const struct insn *insn)                      \
    {                                                                                              \
        return register_form(cpu, insn, op, 0, insn->rm, false);                                   \
    }                                                                                              \
    enum exec_result name##_sti_st0(struct cpu *cpu, const struct insn *insn)                      \
    {                                                                                              \
        return register_form(cpu, insn, op, insn->rm, 0, false);                                   \
    }                                                                                              \
    enum exec_result name##p(struct cpu *cpu, const struct insn *insn)                             \
    {                                                                                              \
        return register_form(cpu, insn, op, insn->rm, 0, true);                                    \
    }                                                                                              \
    DEFINE_MEMORY_FORM(name, op, m32)                                                              \
    DEFINE_MEMORY_FORM(name, op, m64)                                                              \
    DEFINE_MEMORY_FORM(name, op, m16int)                                                           \
    DEFINE_MEMORY_FORM(name, op, m32int)

DEFINE_OPERATION(exec_fadd, ADD)
DEFINE_OPERATION(exec_fmul, MUL)
DEFINE_OPERATION(exec_fsub, SUB)
DEFINE_OPERATION(exec_fsubr, SUBR)
DEFINE_OPERATION(exec_fdiv, DIV)
DEFINE_OPERATION(exec_fdivr, DIVR)

/* --- one operand --- */

/* Begins an instruction on ST(0). False: nothing remains to be done (*result says why). */
static bool begin_unary(struct cpu *cpu, const struct insn *insn, enum exec_result *result)
{
    *result = fpu_begin(cpu);
    if (*result)
        return false;
    fpu_note(cpu, insn);
    if (LIKELY(!fpu_is_empty(cpu, 0)))
        return true;
    *result = underflow(cpu, 0, false);
    return false;
}

enum exec_result exec_fsqrt(struct cpu *cpu, const struct insn *insn)
{
    enum exec_result done;
    if (!begin_unary(cpu, insn, &done))
        return done;
    struct float_env env = fpu_arithmetic_env(cpu);
    struct float80 *st0 = fpu_st(cpu, 0);
    struct float80 result = float80_sqrt(*st0, &env);
    if (fpu_commit(cpu, &env))
        float80_store(st0, result);
    return EXEC_OK;
}

enum exec_result exec_frndint(struct cpu *cpu, const struct insn *insn)
{
    enum exec_result done;
    if (!begin_unary(cpu, insn, &done))
        return done;
    struct float_env env = fpu_env(cpu);
    struct float80 *st0 = fpu_st(cpu, 0);
    struct float80 result = float80_round_to_integer(*st0, &env);
    if (fpu_commit(cpu, &env))
        float80_store(st0, result);
    return EXEC_OK;
}

/* The sign bit of any contents, NaNs and unsupported formats too. */
static enum exec_result change_sign(struct cpu *cpu, const struct insn *insn, uint16_t keep,
                                    uint16_t flip)
{
    enum exec_result done;
    if (!begin_unary(cpu, insn, &done))
        return done;
    struct float80 *st0 = fpu_st(cpu, 0);
    st0->sign_exponent = (st0->sign_exponent & keep) ^ flip;
    cpu->fpu.status &= (uint16_t)~FPU_C1;
    return EXEC_OK;
}

enum exec_result exec_fchs(struct cpu *cpu, const struct insn *insn)
{
    return change_sign(cpu, insn, 0xFFFF, FLOAT80_SIGN);
}

enum exec_result exec_fabs(struct cpu *cpu, const struct insn *insn)
{
    return change_sign(cpu, insn, FLOAT80_EXPONENT, 0);
}

enum exec_result exec_fxtract(struct cpu *cpu, const struct insn *insn)
{
    if (fpu_begin(cpu))
        return EXEC_FAULT;
    fpu_note(cpu, insn);
    bool is_empty = fpu_is_empty(cpu, 0);
    if (is_empty || !fpu_is_empty(cpu, 7)) {
        if (fpu_stack_fault(cpu, !is_empty)) {
            fpu_put(cpu, 0, float80_indefinite());
            fpu_push(cpu, float80_indefinite());
        }
        return EXEC_OK;
    }
    struct float_env env = fpu_env(cpu);
    struct float80 exponent;
    struct float80 significand = float80_extract(*fpu_st(cpu, 0), &exponent, &env);
    if (fpu_commit(cpu, &env)) {
        fpu_put(cpu, 0, exponent);
        fpu_push(cpu, significand);
    }
    return EXEC_OK;
}

/* --- two operands, ST(0) and ST(1) --- */

enum exec_result exec_fscale(struct cpu *cpu, const struct insn *insn)
{
    if (fpu_begin(cpu))
        return EXEC_FAULT;
    fpu_note(cpu, insn);
    if (fpu_is_empty(cpu, 0) || fpu_is_empty(cpu, 1))
        return underflow(cpu, 0, false);
    struct float_env env = fpu_env(cpu);
    struct float80 *st0 = fpu_st(cpu, 0);
    struct float80 result = float80_scale(*st0, *fpu_st(cpu, 1), &env);
    if (fpu_commit(cpu, &env))
        float80_store(st0, result);
    return EXEC_OK;
}

static enum exec_result remainder_form(struct cpu *cpu, const struct insn *insn, bool nearest)
{
    if (fpu_begin(cpu))
        return EXEC_FAULT;
    fpu_note(cpu, insn);
    cpu->fpu.status &= (uint16_t)~FPU_C2;
    if (fpu_is_empty(cpu, 0) || fpu_is_empty(cpu, 1))
        return underflow(cpu, 0, false);
    struct float_env env = fpu_env(cpu);
    struct float80 *st0 = fpu_st(cpu, 0);
    unsigned quotient;
    bool partial;
    struct float80 result =
        float80_remainder(*st0, *fpu_st(cpu, 1), nearest, &quotient, &partial, &env);
    if (fpu_commit(cpu, &env)) {
        float80_store(st0, result);
        if (quotient == FLOAT_NO_QUOTIENT)
            return EXEC_OK;
        cpu->fpu.status &= (uint16_t)~FPU_CONDITIONS;
        cpu->fpu.status |= (uint16_t)((partial ? FPU_C2 : 0) | (quotient & 4 ? FPU_C0 : 0) |
                                      (quotient & 2 ? FPU_C3 : 0) | (quotient & 1 ? FPU_C1 : 0));
    }
    return EXEC_OK;
}

enum exec_result exec_fprem(struct cpu *cpu, const struct insn *insn)
{
    return remainder_form(cpu, insn, false);
}

enum exec_result exec_fprem1(struct cpu *cpu, const struct insn *insn)
{
    return remainder_form(cpu, insn, true);
}

/* --- comparison --- */

static const uint16_t condition_of_relation[] = {
    [FLOAT_LESS] = FPU_C0,
    [FLOAT_EQUAL] = FPU_C3,
    [FLOAT_GREATER] = 0,
    [FLOAT_UNORDERED] = FPU_C3 | FPU_C2 | FPU_C0,
};

static void set_condition(struct cpu *cpu, enum float_relation relation)
{
    cpu->fpu.status = (uint16_t)((cpu->fpu.status & ~(FPU_C0 | FPU_C2 | FPU_C3)) |
                                 condition_of_relation[relation]);
}

static void pop_some(struct cpu *cpu, unsigned pops)
{
    while (pops--)
        fpu_pop(cpu);
}

static enum exec_result compare_underflow(struct cpu *cpu, unsigned pops)
{
    bool masked = fpu_stack_fault(cpu, false);
    set_condition(cpu, FLOAT_UNORDERED);
    if (masked)
        pop_some(cpu, pops);
    return EXEC_OK;
}

static enum exec_result compare_with(struct cpu *cpu, struct float80 source, bool denormal,
                                     bool quiet, unsigned pops)
{
    struct float_env env = fpu_env(cpu);
    struct float80 st0 = *fpu_st(cpu, 0);
    enum float_relation relation = float80_compare(st0, source, quiet, &env);
    if (denormal && relation != FLOAT_UNORDERED)
        env.flags |= FLOAT_DENORMAL;
    bool proceed = fpu_commit(cpu, &env);
    set_condition(cpu, relation);
    if (proceed)
        pop_some(cpu, pops);
    return EXEC_OK;
}

static enum exec_result compare_register(struct cpu *cpu, const struct insn *insn, unsigned i,
                                         bool quiet, unsigned pops)
{
    if (fpu_begin(cpu))
        return EXEC_FAULT;
    fpu_note(cpu, insn);
    if (fpu_is_empty(cpu, 0) || fpu_is_empty(cpu, i))
        return compare_underflow(cpu, pops);
    return compare_with(cpu, *fpu_st(cpu, i), false, quiet, pops);
}

enum exec_result exec_fcom(struct cpu *cpu, const struct insn *insn)
{
    return compare_register(cpu, insn, insn->rm, false, 0);
}
enum exec_result exec_fcomp(struct cpu *cpu, const struct insn *insn)
{
    return compare_register(cpu, insn, insn->rm, false, 1);
}
enum exec_result exec_fcompp(struct cpu *cpu, const struct insn *insn)
{
    return compare_register(cpu, insn, 1, false, 2);
}
enum exec_result exec_fucom(struct cpu *cpu, const struct insn *insn)
{
    return compare_register(cpu, insn, insn->rm, true, 0);
}
enum exec_result exec_fucomp(struct cpu *cpu, const struct insn *insn)
{
    return compare_register(cpu, insn, insn->rm, true, 1);
}
enum exec_result exec_fucompp(struct cpu *cpu, const struct insn *insn)
{
    return compare_register(cpu, insn, 1, true, 2);
}

#define DEFINE_COMPARE_MEMORY(name, operand, pops)                                                 \
    enum exec_result name##_##operand(struct cpu *cpu, const struct insn *insn)                    \
    {                                                                                              \
        uint32_t offset;                                                                           \
        struct float80 source;                                                                     \
        bool denormal;                                                                             \
        if (read_##operand(cpu, insn, &offset, &source, &denormal))                                \
            return EXEC_FAULT;                                                                     \
        fpu_note_memory(cpu, insn, offset);                                                        \
        if (fpu_is_empty(cpu, 0))                                                                  \
            return compare_underflow(cpu, pops);                                                   \
        return compare_with(cpu, source, denormal, false, pops);                                   \
    }

DEFINE_COMPARE_MEMORY(exec_fcom, m32, 0)
DEFINE_COMPARE_MEMORY(exec_fcom, m64, 0)
DEFINE_COMPARE_MEMORY(exec_fcom, m16int, 0)
DEFINE_COMPARE_MEMORY(exec_fcom, m32int, 0)
DEFINE_COMPARE_MEMORY(exec_fcomp, m32, 1)
DEFINE_COMPARE_MEMORY(exec_fcomp, m64, 1)
DEFINE_COMPARE_MEMORY(exec_fcomp, m16int, 1)
DEFINE_COMPARE_MEMORY(exec_fcomp, m32int, 1)

enum exec_result exec_ftst(struct cpu *cpu, const struct insn *insn)
{
    if (fpu_begin(cpu))
        return EXEC_FAULT;
    fpu_note(cpu, insn);
    if (fpu_is_empty(cpu, 0))
        return compare_underflow(cpu, 0);
    return compare_with(cpu, float80_make(false, 0, 0), false, false, 0);
}

/* FCOMI and relatives: the relation goes to ZF, PF, CF; OF, SF, AF become 0. */
static enum exec_result compare_flags(struct cpu *cpu, const struct insn *insn, bool quiet,
                                      bool pop)
{
    static const uint32_t flags_of_relation[] = {
        [FLOAT_LESS] = FLAG_CF,
        [FLOAT_EQUAL] = FLAG_ZF,
        [FLOAT_GREATER] = 0,
        [FLOAT_UNORDERED] = FLAG_ZF | FLAG_PF | FLAG_CF,
    };
    if (fpu_begin(cpu))
        return EXEC_FAULT;
    fpu_note(cpu, insn);
    if (fpu_is_empty(cpu, 0) || fpu_is_empty(cpu, insn->rm)) {
        if (!fpu_stack_fault(cpu, false))
            return EXEC_OK;
        flags_set_arithmetic(cpu, flags_of_relation[FLOAT_UNORDERED]);
        pop_some(cpu, pop);
        return EXEC_OK;
    }
    struct float_env env = fpu_env(cpu);
    enum float_relation relation =
        float80_compare(*fpu_st(cpu, 0), *fpu_st(cpu, insn->rm), quiet, &env);
    if (fpu_commit(cpu, &env))
        pop_some(cpu, pop);
    if (!(env.flags & ~(unsigned)env.masked & FLOAT_INVALID))
        flags_set_arithmetic(cpu, flags_of_relation[relation]);
    return EXEC_OK;
}

enum exec_result exec_fcomi(struct cpu *cpu, const struct insn *insn)
{
    return compare_flags(cpu, insn, false, false);
}
enum exec_result exec_fcomip(struct cpu *cpu, const struct insn *insn)
{
    return compare_flags(cpu, insn, false, true);
}
enum exec_result exec_fucomi(struct cpu *cpu, const struct insn *insn)
{
    return compare_flags(cpu, insn, true, false);
}
enum exec_result exec_fucomip(struct cpu *cpu, const struct insn *insn)
{
    return compare_flags(cpu, insn, true, true);
}

enum exec_result exec_fxam(struct cpu *cpu, const struct insn *insn)
{
    static const uint16_t condition_of_class[] = {
        [FLOAT_ZERO] = FPU_C3,   [FLOAT_DENORMAL_NUMBER] = FPU_C3 | FPU_C2,
        [FLOAT_NORMAL] = FPU_C2, [FLOAT_INFINITY] = FPU_C2 | FPU_C0,
        [FLOAT_QNAN] = FPU_C0,   [FLOAT_SNAN] = FPU_C0,
        [FLOAT_UNSUPPORTED] = 0,
    };
    if (fpu_begin(cpu))
        return EXEC_FAULT;
    fpu_note(cpu, insn);
    struct float80 st0 = *fpu_st(cpu, 0);
    uint16_t condition =
        fpu_is_empty(cpu, 0) ? FPU_C3 | FPU_C0 : condition_of_class[float80_classify(st0)];
    condition |= st0.sign_exponent & FLOAT80_SIGN ? FPU_C1 : 0;
    cpu->fpu.status = (uint16_t)((cpu->fpu.status & ~FPU_CONDITIONS) | condition);
    return EXEC_OK;
}
