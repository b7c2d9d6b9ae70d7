/* F2XM1 FYL2X FYL2XP1 FPTAN FPATAN FSIN FCOS FSINCOS: the stack around cpu/float_elementary.c. */
#include "cpu/exec.h"
#include "cpu/fpu.h"

/* Begins an instruction. False: nothing remains to be done (*done says why). operands: how many
 * registers from ST(0) it reads; pushes: it needs a free register; clear: condition bits. */
static bool begin(struct cpu *cpu, const struct insn *insn, unsigned operands, bool pushes,
                  unsigned clear, enum exec_result *done)
{
    *done = fpu_begin(cpu);
    if (*done)
        return false;
    fpu_note(cpu, insn);
    cpu->fpu.status &= (uint16_t)~clear;
    bool is_empty = fpu_is_empty(cpu, 0) || (operands > 1 && fpu_is_empty(cpu, 1));
    if (LIKELY(!is_empty && !(pushes && !fpu_is_empty(cpu, 7))))
        return true;
    if (fpu_stack_fault(cpu, !is_empty)) {
        if (operands > 1)
            fpu_pop(cpu);
        fpu_put(cpu, 0, float80_indefinite());
        if (pushes)
            fpu_push(cpu, float80_indefinite());
    }
    return false;
}

enum exec_result exec_f2xm1(struct cpu *cpu, const struct insn *insn)
{
    enum exec_result done;
    if (!begin(cpu, insn, 1, false, FPU_C1, &done))
        return done;
    struct float_env env = fpu_env(cpu);
    struct float80 result = float80_2xm1(*fpu_st(cpu, 0), &env);
    if (fpu_commit(cpu, &env))
        float80_store(fpu_st(cpu, 0), result);
    return EXEC_OK;
}

/* ST(1) = function(ST(0), ST(1)), pop. */
static enum exec_result binary(struct cpu *cpu, const struct insn *insn,
                               struct float80 function(struct float80, struct float80,
                                                       struct float_env *))
{
    enum exec_result done;
    if (!begin(cpu, insn, 2, false, FPU_C1, &done))
        return done;
    struct float_env env = fpu_env(cpu);
    struct float80 result = function(*fpu_st(cpu, 0), *fpu_st(cpu, 1), &env);
    if (fpu_commit(cpu, &env)) {
        fpu_pop(cpu);
        float80_store(fpu_st(cpu, 0), result);
    }
    return EXEC_OK;
}

enum exec_result exec_fyl2x(struct cpu *cpu, const struct insn *insn)
{
    return binary(cpu, insn, float80_yl2x);
}

enum exec_result exec_fyl2xp1(struct cpu *cpu, const struct insn *insn)
{
    return binary(cpu, insn, float80_yl2xp1);
}

enum exec_result exec_fpatan(struct cpu *cpu, const struct insn *insn)
{
    return binary(cpu, insn, float80_atan);
}

/* The argument is out of range: C2, and nothing else changes. */
static enum exec_result out_of_range(struct cpu *cpu)
{
    cpu->fpu.status |= FPU_C2;
    return EXEC_OK;
}

static enum exec_result sine_or_cosine(struct cpu *cpu, const struct insn *insn, bool cosine)
{
    enum exec_result done;
    if (!begin(cpu, insn, 1, false, FPU_C1 | FPU_C2, &done))
        return done;
    struct float_env env = fpu_env(cpu);
    struct float80 result, st0 = *fpu_st(cpu, 0);
    if (!float80_sincos(st0, cosine ? NULL : &result, cosine ? &result : NULL, &env))
        return out_of_range(cpu);
    if (fpu_commit(cpu, &env))
        float80_store(fpu_st(cpu, 0), result);
    return EXEC_OK;
}

enum exec_result exec_fsin(struct cpu *cpu, const struct insn *insn)
{
    return sine_or_cosine(cpu, insn, false);
}

enum exec_result exec_fcos(struct cpu *cpu, const struct insn *insn)
{
    return sine_or_cosine(cpu, insn, true);
}

enum exec_result exec_fsincos(struct cpu *cpu, const struct insn *insn)
{
    enum exec_result done;
    if (!begin(cpu, insn, 1, true, FPU_C1 | FPU_C2, &done))
        return done;
    struct float_env env = fpu_env(cpu);
    struct float80 sine, cosine;
    if (!float80_sincos(*fpu_st(cpu, 0), &sine, &cosine, &env))
        return out_of_range(cpu);
    if (fpu_commit(cpu, &env)) {
        float80_store(fpu_st(cpu, 0), sine);
        fpu_push(cpu, cosine);
    }
    return EXEC_OK;
}

/* Pushes 1.0 behind the tangent, or the NaN again. */
enum exec_result exec_fptan(struct cpu *cpu, const struct insn *insn)
{
    enum exec_result done;
    if (!begin(cpu, insn, 1, true, FPU_C1 | FPU_C2, &done))
        return done;
    struct float_env env = fpu_env(cpu);
    struct float80 tangent;
    if (!float80_tan(*fpu_st(cpu, 0), &tangent, &env))
        return out_of_range(cpu);
    if (fpu_commit(cpu, &env)) {
        float80_store(fpu_st(cpu, 0), tangent);
        bool is_nan = float80_classify(tangent) == FLOAT_QNAN;
        fpu_push(cpu, is_nan ? tangent : float80_constant(0, FLOAT_NEAREST));
    }
    return EXEC_OK;
}
