/* Packed shifts: by a count in a register or memory, or by an immediate. */
#include "cpu/exec.h"
#include "cpu/simd.h"

/* A count beyond the lane's width gives zeros, or copies of the sign. */
#define DEFINE_SHIFT(name, type, member, expression, beyond)                                       \
    static inline void shift_##name(union xmm_register *value, uint64_t count, unsigned bytes)     \
    {                                                                                              \
        const unsigned width = 8 * sizeof(type);                                                   \
        for (unsigned i = 0; i < bytes / sizeof(type); i++) {                                      \
            type a = value->member[i];                                                             \
            value->member[i] = (type)(count >= width ? (beyond) : (expression));                   \
        }                                                                                          \
    }                                                                                              \
    static inline void lanes_##name(union xmm_register *destination,                               \
                                    const union xmm_register *source, unsigned bytes)              \
    {                                                                                              \
        shift_##name(destination, source->u64[0], bytes);                                          \
    }                                                                                              \
    DEFINE_PACKED_FORMS(name)                                                                      \
    DEFINE_SHIFT_IMMEDIATE(name)

#define DEFINE_SHIFT_IMMEDIATE(name)                                                               \
    enum exec_result exec_##name##_imm_mmx(struct cpu *cpu, const struct insn *insn)               \
    {                                                                                              \
        union xmm_register value = {{0}};                                                          \
        if (mmx_read(cpu, insn, &value.u64[0]))                                                    \
            return EXEC_FAULT;                                                                     \
        shift_##name(&value, insn->immediate & 0xFF, 8);                                           \
        mmx_set(cpu, insn->rm, value.u64[0]);                                                      \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    enum exec_result exec_##name##_imm_xmm(struct cpu *cpu, const struct insn *insn)               \
    {                                                                                              \
        shift_##name(&cpu->xmm[insn->rm], insn->immediate & 0xFF, 16);                             \
        return EXEC_OK;                                                                            \
    }

DEFINE_SHIFT(psrlw, uint16_t, u16, a >> count, 0)
DEFINE_SHIFT(psrld, uint32_t, u32, a >> count, 0)
DEFINE_SHIFT(psrlq, uint64_t, u64, a >> count, 0)
DEFINE_SHIFT(psllw, uint16_t, u16, a << count, 0)
DEFINE_SHIFT(pslld, uint32_t, u32, a << count, 0)
DEFINE_SHIFT(psllq, uint64_t, u64, a << count, 0)
DEFINE_SHIFT(psraw, uint16_t, u16, (int16_t)a >> count, (int16_t)a >> 15)
DEFINE_SHIFT(psrad, uint32_t, u32, (int32_t)a >> count, (int32_t)a >> 31)

/* By bytes; right for positive. */
static void shift_bytes(union xmm_register *value, int count)
{
    const union xmm_register first = *value;
    for (int i = 0; i < 16; i++)
        value->u8[i] = i + count >= 0 && i + count < 16 ? first.u8[i + count] : 0;
}

enum exec_result exec_psrldq_imm_xmm(struct cpu *cpu, const struct insn *insn)
{
    shift_bytes(&cpu->xmm[insn->rm], (int)(insn->immediate & 0xFF));
    return EXEC_OK;
}

enum exec_result exec_pslldq_imm_xmm(struct cpu *cpu, const struct insn *insn)
{
    shift_bytes(&cpu->xmm[insn->rm], -(int)(insn->immediate & 0xFF));
    return EXEC_OK;
}

/* PALIGNR: bytes from the pair destination:source, `count` bytes up. */
static void align_right(union xmm_register *destination, const union xmm_register *source,
                        unsigned count, unsigned bytes)
{
    const union xmm_register first = *destination;
    for (unsigned i = 0; i < bytes; i++) {
        unsigned from = i + count;
        destination->u8[i] = from < bytes       ? source->u8[from]
                             : from < 2 * bytes ? first.u8[from - bytes]
                                                : 0;
    }
}

enum exec_result exec_palignr_mmx(struct cpu *cpu, const struct insn *insn)
{
    union xmm_register a = {{0}}, b = {{0}};
    if (mmx_read(cpu, insn, &b.u64[0]))
        return EXEC_FAULT;
    a.u64[0] = mmx_get(cpu, insn->reg);
    align_right(&a, &b, insn->immediate & 0xFF, 8);
    mmx_set(cpu, insn->reg, a.u64[0]);
    return EXEC_OK;
}

enum exec_result exec_palignr_xmm(struct cpu *cpu, const struct insn *insn)
{
    union xmm_register b;
    if (xmm_read(cpu, insn, &b))
        return EXEC_FAULT;
    align_right(&cpu->xmm[insn->reg], &b, insn->immediate & 0xFF, 16);
    return EXEC_OK;
}
