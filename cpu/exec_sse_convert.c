/* SSE and SSE2 conversions between integers, single and double precision. */
#include "cpu/exec.h"
#include "cpu/simd.h"

static enum exec_result finish(struct cpu *cpu, const struct insn *insn,
                               const union xmm_register *result, const struct float_env *env)
{
    if (sse_commit(cpu, env))
        return EXEC_FAULT;
    cpu->xmm[insn->reg] = *result;
    return EXEC_OK;
}

/* --- between the two precisions --- */

enum exec_result exec_cvtss2sd(struct cpu *cpu, const struct insn *insn)
{
    uint32_t b;
    struct float_env env = sse_env(cpu);
    union xmm_register result = cpu->xmm[insn->reg];
    if (xmm_read32(cpu, insn, &b))
        return EXEC_FAULT;
    result.u64[0] = float32_to_float64(b, &env);
    return finish(cpu, insn, &result, &env);
}

enum exec_result exec_cvtsd2ss(struct cpu *cpu, const struct insn *insn)
{
    uint64_t b;
    struct float_env env = sse_env(cpu);
    union xmm_register result = cpu->xmm[insn->reg];
    if (xmm_read64(cpu, insn, &b))
        return EXEC_FAULT;
    result.u32[0] = float64_to_float32(b, &env);
    return finish(cpu, insn, &result, &env);
}

enum exec_result exec_cvtps2pd(struct cpu *cpu, const struct insn *insn)
{
    uint64_t b;
    struct float_env env = sse_env(cpu);
    union xmm_register result;
    if (xmm_read64(cpu, insn, &b))
        return EXEC_FAULT;
    result.u64[0] = float32_to_float64((uint32_t)b, &env);
    result.u64[1] = float32_to_float64((uint32_t)(b >> 32), &env);
    return finish(cpu, insn, &result, &env);
}

enum exec_result exec_cvtpd2ps(struct cpu *cpu, const struct insn *insn)
{
    union xmm_register b, result = {{0}};
    struct float_env env = sse_env(cpu);
    if (xmm_read(cpu, insn, &b))
        return EXEC_FAULT;
    for (unsigned i = 0; i < 2; i++)
        result.u32[i] = float64_to_float32(b.u64[i], &env);
    return finish(cpu, insn, &result, &env);
}

/* --- packed integers in XMM registers --- */

enum exec_result exec_cvtdq2ps(struct cpu *cpu, const struct insn *insn)
{
    union xmm_register b, result;
    struct float_env env = sse_env(cpu);
    if (xmm_read(cpu, insn, &b))
        return EXEC_FAULT;
    for (unsigned i = 0; i < 4; i++)
        result.u32[i] = float32_from_int32((int32_t)b.u32[i], &env);
    return finish(cpu, insn, &result, &env);
}

enum exec_result exec_cvtdq2pd(struct cpu *cpu, const struct insn *insn)
{
    uint64_t b;
    if (xmm_read64(cpu, insn, &b))
        return EXEC_FAULT;
    cpu->xmm[insn->reg].u64[0] = float64_from_int32((int32_t)b);
    cpu->xmm[insn->reg].u64[1] = float64_from_int32((int32_t)(b >> 32));
    return EXEC_OK;
}

static enum exec_result packed_to_integers32(struct cpu *cpu, const struct insn *insn,
                                             bool truncate)
{
    union xmm_register b, result;
    struct float_env env = sse_env(cpu);
    if (xmm_read(cpu, insn, &b))
        return EXEC_FAULT;
    for (unsigned i = 0; i < 4; i++)
        result.u32[i] = (uint32_t)float32_to_int32(b.u32[i], truncate, &env);
    return finish(cpu, insn, &result, &env);
}

static enum exec_result packed_to_integers64(struct cpu *cpu, const struct insn *insn,
                                             bool truncate)
{
    union xmm_register b, result = {{0}};
    struct float_env env = sse_env(cpu);
    if (xmm_read(cpu, insn, &b))
        return EXEC_FAULT;
    for (unsigned i = 0; i < 2; i++)
        result.u32[i] = (uint32_t)float64_to_int32(b.u64[i], truncate, &env);
    return finish(cpu, insn, &result, &env);
}

enum exec_result exec_cvtps2dq(struct cpu *cpu, const struct insn *insn)
{
    return packed_to_integers32(cpu, insn, false);
}
enum exec_result exec_cvttps2dq(struct cpu *cpu, const struct insn *insn)
{
    return packed_to_integers32(cpu, insn, true);
}
enum exec_result exec_cvtpd2dq(struct cpu *cpu, const struct insn *insn)
{
    return packed_to_integers64(cpu, insn, false);
}
enum exec_result exec_cvttpd2dq(struct cpu *cpu, const struct insn *insn)
{
    return packed_to_integers64(cpu, insn, true);
}

/* --- MMX registers --- */

/* Packed integers from an MMX register or memory. CVTPI2PD from memory does not touch MMX. */
static enum exec_result read_integers(struct cpu *cpu, const struct insn *insn, bool always_mmx,
                                      uint64_t *value)
{
    if (simd_is_memory(insn) && !always_mmx)
        return mem_read64(cpu, insn->segment, insn_address(cpu, insn), value);
    return mmx_read(cpu, insn, value);
}

enum exec_result exec_cvtpi2ps(struct cpu *cpu, const struct insn *insn)
{
    uint64_t b;
    struct float_env env = sse_env(cpu);
    union xmm_register result = cpu->xmm[insn->reg];
    if (read_integers(cpu, insn, true, &b))
        return EXEC_FAULT;
    result.u32[0] = float32_from_int32((int32_t)b, &env);
    result.u32[1] = float32_from_int32((int32_t)(b >> 32), &env);
    return finish(cpu, insn, &result, &env);
}

enum exec_result exec_cvtpi2pd(struct cpu *cpu, const struct insn *insn)
{
    uint64_t b;
    if (read_integers(cpu, insn, false, &b))
        return EXEC_FAULT;
    cpu->xmm[insn->reg].u64[0] = float64_from_int32((int32_t)b);
    cpu->xmm[insn->reg].u64[1] = float64_from_int32((int32_t)(b >> 32));
    return EXEC_OK;
}

static enum exec_result finish_mmx(struct cpu *cpu, const struct insn *insn, int32_t low,
                                   int32_t high, const struct float_env *env)
{
    fpu_enter_mmx(cpu); /* even when the conversion then raises #XM, as processors do */
    if (sse_commit(cpu, env))
        return EXEC_FAULT;
    mmx_set(cpu, insn->reg, (uint32_t)low | (uint64_t)(uint32_t)high << 32);
    return EXEC_OK;
}

static enum exec_result singles_to_mmx(struct cpu *cpu, const struct insn *insn, bool truncate)
{
    uint64_t b;
    struct float_env env = sse_env(cpu);
    if (fpu_begin(cpu) || xmm_read64(cpu, insn, &b))
        return EXEC_FAULT;
    int32_t low = float32_to_int32((uint32_t)b, truncate, &env);
    int32_t high = float32_to_int32((uint32_t)(b >> 32), truncate, &env);
    return finish_mmx(cpu, insn, low, high, &env);
}

static enum exec_result doubles_to_mmx(struct cpu *cpu, const struct insn *insn, bool truncate)
{
    union xmm_register b;
    struct float_env env = sse_env(cpu);
    if (fpu_begin(cpu) || xmm_read(cpu, insn, &b))
        return EXEC_FAULT;
    int32_t low = float64_to_int32(b.u64[0], truncate, &env);
    int32_t high = float64_to_int32(b.u64[1], truncate, &env);
    return finish_mmx(cpu, insn, low, high, &env);
}

enum exec_result exec_cvtps2pi(struct cpu *cpu, const struct insn *insn)
{
    return singles_to_mmx(cpu, insn, false);
}
enum exec_result exec_cvttps2pi(struct cpu *cpu, const struct insn *insn)
{
    return singles_to_mmx(cpu, insn, true);
}
enum exec_result exec_cvtpd2pi(struct cpu *cpu, const struct insn *insn)
{
    return doubles_to_mmx(cpu, insn, false);
}
enum exec_result exec_cvttpd2pi(struct cpu *cpu, const struct insn *insn)
{
    return doubles_to_mmx(cpu, insn, true);
}

/* --- general registers --- */

static enum exec_result read_doubleword(struct cpu *cpu, const struct insn *insn, uint32_t *value)
{
    if (simd_is_memory(insn))
        return mem_read32(cpu, insn->segment, insn_address(cpu, insn), value);
    *value = cpu->gpr[insn->rm];
    return EXEC_OK;
}

enum exec_result exec_cvtsi2ss(struct cpu *cpu, const struct insn *insn)
{
    uint32_t b;
    struct float_env env = sse_env(cpu);
    union xmm_register result = cpu->xmm[insn->reg];
    if (read_doubleword(cpu, insn, &b))
        return EXEC_FAULT;
    result.u32[0] = float32_from_int32((int32_t)b, &env);
    return finish(cpu, insn, &result, &env);
}

enum exec_result exec_cvtsi2sd(struct cpu *cpu, const struct insn *insn)
{
    uint32_t b;
    if (read_doubleword(cpu, insn, &b))
        return EXEC_FAULT;
    cpu->xmm[insn->reg].u64[0] = float64_from_int32((int32_t)b);
    return EXEC_OK;
}

#define DEFINE_TO_REGISTER(name, bits, truncate)                                                   \
    enum exec_result exec_##name(struct cpu *cpu, const struct insn *insn)                         \
    {                                                                                              \
        uint##bits##_t b;                                                                          \
        struct float_env env = sse_env(cpu);                                                       \
        if (xmm_read##bits(cpu, insn, &b))                                                         \
            return EXEC_FAULT;                                                                     \
        int32_t result = float##bits##_to_int32(b, truncate, &env);                                \
        if (sse_commit(cpu, &env))                                                                 \
            return EXEC_FAULT;                                                                     \
        cpu->gpr[insn->reg] = (uint32_t)result;                                                    \
        return EXEC_OK;                                                                            \
    }

DEFINE_TO_REGISTER(cvtss2si, 32, false)
DEFINE_TO_REGISTER(cvttss2si, 32, true)
DEFINE_TO_REGISTER(cvtsd2si, 64, false)
DEFINE_TO_REGISTER(cvttsd2si, 64, true)
