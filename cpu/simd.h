/* MMX and XMM operands, MXCSR and its exceptions, for the exec functions (SDM 1, chapters 9 to 12).
 */
#ifndef CPU_SIMD_H
#define CPU_SIMD_H

#include "cpu/fpu.h"

enum mxcsr_bits {
    MXCSR_DAZ = 1 << 6,
    MXCSR_MASKS_SHIFT = 7,
    MXCSR_RC_SHIFT = 13,
    MXCSR_FTZ = 1 << 15,
};

/* --- operands --- */

static inline bool simd_is_memory(const struct insn *insn)
{
    return insn->flags & INSN_MEMORY;
}

/* Register numbers above 7 do not exist outside 64-bit mode; ModRM gives three bits. */
static inline uint64_t mmx_get(const struct cpu *cpu, unsigned i)
{
    return cpu->fpu.reg[i].significand;
}
static inline void mmx_set(struct cpu *cpu, unsigned i, uint64_t value)
{
    float80_store(&cpu->fpu.reg[i], (struct float80){value, 0xFFFF});
}

/* Reads the source of an MMX instruction and changes to MMX mode: nothing can fault afterwards. */
static inline MUST_CHECK enum exec_result mmx_read(struct cpu *cpu, const struct insn *insn,
                                                   uint64_t *value)
{
    if (fpu_begin(cpu))
        return EXEC_FAULT;
    if (!simd_is_memory(insn))
        *value = mmx_get(cpu, insn->rm);
    else if (mem_read64(cpu, insn->segment, insn_address(cpu, insn), value))
        return EXEC_FAULT;
    fpu_enter_mmx(cpu);
    return EXEC_OK;
}

static inline MUST_CHECK enum exec_result xmm_read_memory(struct cpu *cpu, const struct insn *insn,
                                                          union xmm_register *value, bool aligned)
{
    uint32_t offset = insn_address(cpu, insn);
    if (aligned && UNLIKELY((cpu->seg[insn->segment].base + offset) & 15))
        return fault_gp(cpu, 0);
    const uint8_t *host = mem_fast(cpu, insn->segment, offset, sizeof *value, MMU_READ);
    if (UNLIKELY(!host))
        return mem_read_slow(cpu, insn->segment, offset, value, sizeof *value);
    memcpy(value, host, sizeof *value);
    return EXEC_OK;
}

static inline MUST_CHECK enum exec_result xmm_write_memory(struct cpu *cpu, const struct insn *insn,
                                                           const union xmm_register *value,
                                                           bool aligned)
{
    uint32_t offset = insn_address(cpu, insn);
    if (aligned && UNLIKELY((cpu->seg[insn->segment].base + offset) & 15))
        return fault_gp(cpu, 0);
    uint8_t *host = mem_fast(cpu, insn->segment, offset, sizeof *value, MMU_WRITE);
    if (UNLIKELY(!host))
        return mem_write_slow(cpu, insn->segment, offset, value, sizeof *value);
    memcpy(host, value, sizeof *value);
    return EXEC_OK;
}

/* The 128-bit source operand, aligned if in memory. */
static inline MUST_CHECK enum exec_result xmm_read(struct cpu *cpu, const struct insn *insn,
                                                   union xmm_register *value)
{
    if (simd_is_memory(insn))
        return xmm_read_memory(cpu, insn, value, true);
    *value = cpu->xmm[insn->rm];
    return EXEC_OK;
}

/* The low 32 or 64 bits of an XMM register, or memory, unaligned. */
static inline MUST_CHECK enum exec_result xmm_read32(struct cpu *cpu, const struct insn *insn,
                                                     uint32_t *value)
{
    if (simd_is_memory(insn))
        return mem_read32(cpu, insn->segment, insn_address(cpu, insn), value);
    *value = cpu->xmm[insn->rm].u32[0];
    return EXEC_OK;
}
static inline MUST_CHECK enum exec_result xmm_read64(struct cpu *cpu, const struct insn *insn,
                                                     uint64_t *value)
{
    if (simd_is_memory(insn))
        return mem_read64(cpu, insn->segment, insn_address(cpu, insn), value);
    *value = cpu->xmm[insn->rm].u64[0];
    return EXEC_OK;
}

/* --- a function of two packed operands, for both kinds of registers --- */

/* destination = f(destination, source), on the first `bytes` bytes (8 or 16). */
typedef void packed_function(union xmm_register *destination, const union xmm_register *source,
                             unsigned bytes);

FPU_INLINE enum exec_result packed_mmx(struct cpu *cpu, const struct insn *insn,
                                       packed_function *function)
{
    union xmm_register a, b = {{0}};
    if (mmx_read(cpu, insn, &b.u64[0]))
        return EXEC_FAULT;
    a.u64[0] = mmx_get(cpu, insn->reg);
    a.u64[1] = 0;
    function(&a, &b, 8);
    mmx_set(cpu, insn->reg, a.u64[0]);
    return EXEC_OK;
}

FPU_INLINE enum exec_result packed_xmm(struct cpu *cpu, const struct insn *insn,
                                       packed_function *function)
{
    union xmm_register b;
    if (xmm_read(cpu, insn, &b))
        return EXEC_FAULT;
    function(&cpu->xmm[insn->reg], &b, 16);
    return EXEC_OK;
}

#define DEFINE_PACKED_FORMS(name)                                                                  \
    enum exec_result exec_##name##_mmx(struct cpu *cpu, const struct insn *insn)                   \
    {                                                                                              \
        return packed_mmx(cpu, insn, lanes_##name);                                                \
    }                                                                                              \
    enum exec_result exec_##name##_xmm(struct cpu *cpu, const struct insn *insn)                   \
    {                                                                                              \
        return packed_xmm(cpu, insn, lanes_##name);                                                \
    }

/* Lane by lane: a and b are the lanes of destination and source, as unsigned numbers. */
#define DEFINE_LANES(name, type, member, expression)                                               \
    static inline void lanes_##name(union xmm_register *destination,                               \
                                    const union xmm_register *source, unsigned bytes)              \
    {                                                                                              \
        for (unsigned i = 0; i < bytes / sizeof(type); i++) {                                      \
            type a = destination->member[i], b = source->member[i];                                \
            destination->member[i] = (type)(expression);                                           \
        }                                                                                          \
    }                                                                                              \
    DEFINE_PACKED_FORMS(name)

/* --- MXCSR --- */

static inline struct float_env sse_env(const struct cpu *cpu)
{
    return (struct float_env){
        .rounding = cpu->mxcsr >> MXCSR_RC_SHIFT & 3,
        .masked = cpu->mxcsr >> MXCSR_MASKS_SHIFT & FLOAT_EXCEPTIONS,
        .flush_to_zero = cpu->mxcsr & MXCSR_FTZ,
        .denormals_are_zero = cpu->mxcsr & MXCSR_DAZ,
    };
}

/* An unmasked exception was raised: #XM, or #UD if the system does not handle that. */
enum exec_result sse_raise(struct cpu *cpu, const struct float_env *env) MUST_CHECK;

/* Puts the flags into MXCSR. On a fault the destination must not be written. */
static inline MUST_CHECK enum exec_result sse_commit(struct cpu *cpu, const struct float_env *env)
{
    if (UNLIKELY(env->flags & ~(unsigned)env->masked & FLOAT_EXCEPTIONS))
        return sse_raise(cpu, env);
    cpu->mxcsr |= env->flags & FLOAT_EXCEPTIONS;
    return EXEC_OK;
}

#endif
