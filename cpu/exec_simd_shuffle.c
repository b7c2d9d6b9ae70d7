/* Unpacking, shuffling, inserting and extracting, masks of signs. */
#include "cpu/exec.h"
#include "cpu/simd.h"

/* --- PUNPCK, UNPCK: lanes of the low or high halves in turn --- */

#define DEFINE_UNPACK(name, type, member, high)                                                    \
    static inline void lanes_##name(union xmm_register *destination,                               \
                                    const union xmm_register *source, unsigned bytes)              \
    {                                                                                              \
        const union xmm_register a = *destination, b = *source;                                    \
        unsigned half = bytes / sizeof(type) / 2;                                                  \
        for (unsigned i = 0; i < half; i++) {                                                      \
            destination->member[2 * i] = a.member[(high)*half + i];                                \
            destination->member[2 * i + 1] = b.member[(high)*half + i];                            \
        }                                                                                          \
    }

DEFINE_UNPACK(punpcklbw, uint8_t, u8, 0)
DEFINE_UNPACK(punpcklwd, uint16_t, u16, 0)
DEFINE_UNPACK(punpckldq, uint32_t, u32, 0)
DEFINE_UNPACK(punpcklqdq, uint64_t, u64, 0)
DEFINE_UNPACK(punpckhbw, uint8_t, u8, 1)
DEFINE_UNPACK(punpckhwd, uint16_t, u16, 1)
DEFINE_UNPACK(punpckhdq, uint32_t, u32, 1)
DEFINE_UNPACK(punpckhqdq, uint64_t, u64, 1)

/* The low forms read only 32 bits of memory into an MMX register. */
FPU_INLINE enum exec_result unpack_low_mmx(struct cpu *cpu, const struct insn *insn,
                                           packed_function *function)
{
    union xmm_register a = {{0}}, b = {{0}};
    if (fpu_begin(cpu))
        return EXEC_FAULT;
    if (!simd_is_memory(insn))
        b.u64[0] = mmx_get(cpu, insn->rm);
    else if (mem_read32(cpu, insn->segment, insn_address(cpu, insn), &b.u32[0]))
        return EXEC_FAULT;
    fpu_enter_mmx(cpu);
    a.u64[0] = mmx_get(cpu, insn->reg);
    function(&a, &b, 8);
    mmx_set(cpu, insn->reg, a.u64[0]);
    return EXEC_OK;
}

#define DEFINE_FORM(name, kind, form, lanes)                                                       \
    enum exec_result exec_##name##_##kind(struct cpu *cpu, const struct insn *insn)                \
    {                                                                                              \
        return form(cpu, insn, lanes_##lanes);                                                     \
    }

DEFINE_FORM(punpcklbw, mmx, unpack_low_mmx, punpcklbw)
DEFINE_FORM(punpcklwd, mmx, unpack_low_mmx, punpcklwd)
DEFINE_FORM(punpckldq, mmx, unpack_low_mmx, punpckldq)
DEFINE_FORM(punpckhbw, mmx, packed_mmx, punpckhbw)
DEFINE_FORM(punpckhwd, mmx, packed_mmx, punpckhwd)
DEFINE_FORM(punpckhdq, mmx, packed_mmx, punpckhdq)
DEFINE_FORM(punpcklbw, xmm, packed_xmm, punpcklbw)
DEFINE_FORM(punpcklwd, xmm, packed_xmm, punpcklwd)
DEFINE_FORM(punpckldq, xmm, packed_xmm, punpckldq)
DEFINE_FORM(punpcklqdq, xmm, packed_xmm, punpcklqdq)
DEFINE_FORM(punpckhbw, xmm, packed_xmm, punpckhbw)
DEFINE_FORM(punpckhwd, xmm, packed_xmm, punpckhwd)
DEFINE_FORM(punpckhdq, xmm, packed_xmm, punpckhdq)
DEFINE_FORM(punpckhqdq, xmm, packed_xmm, punpckhqdq)

/* --- shuffles: two bits of the immediate choose each lane --- */

static unsigned choice(const struct insn *insn, unsigned lane)
{
    return insn->immediate >> (2 * lane) & 3;
}

enum exec_result exec_pshufw(struct cpu *cpu, const struct insn *insn)
{
    union xmm_register a = {{0}}, b = {{0}};
    if (mmx_read(cpu, insn, &b.u64[0]))
        return EXEC_FAULT;
    for (unsigned i = 0; i < 4; i++)
        a.u16[i] = b.u16[choice(insn, i)];
    mmx_set(cpu, insn->reg, a.u64[0]);
    return EXEC_OK;
}

enum exec_result exec_pshufd(struct cpu *cpu, const struct insn *insn)
{
    union xmm_register b;
    if (xmm_read(cpu, insn, &b))
        return EXEC_FAULT;
    for (unsigned i = 0; i < 4; i++)
        cpu->xmm[insn->reg].u32[i] = b.u32[choice(insn, i)];
    return EXEC_OK;
}

/* Four words are shuffled from word `first` on; the others are copied. */
static enum exec_result shuffle_words(struct cpu *cpu, const struct insn *insn, unsigned first)
{
    union xmm_register b;
    if (xmm_read(cpu, insn, &b))
        return EXEC_FAULT;
    union xmm_register result = b;
    for (unsigned i = 0; i < 4; i++)
        result.u16[first + i] = b.u16[first + choice(insn, i)];
    cpu->xmm[insn->reg] = result;
    return EXEC_OK;
}

enum exec_result exec_pshuflw(struct cpu *cpu, const struct insn *insn)
{
    return shuffle_words(cpu, insn, 0);
}

enum exec_result exec_pshufhw(struct cpu *cpu, const struct insn *insn)
{
    return shuffle_words(cpu, insn, 4);
}

enum exec_result exec_shufps(struct cpu *cpu, const struct insn *insn)
{
    union xmm_register b;
    if (xmm_read(cpu, insn, &b))
        return EXEC_FAULT;
    const union xmm_register a = cpu->xmm[insn->reg];
    for (unsigned i = 0; i < 4; i++)
        cpu->xmm[insn->reg].u32[i] = (i < 2 ? a : b).u32[choice(insn, i)];
    return EXEC_OK;
}

enum exec_result exec_shufpd(struct cpu *cpu, const struct insn *insn)
{
    union xmm_register b;
    if (xmm_read(cpu, insn, &b))
        return EXEC_FAULT;
    const union xmm_register a = cpu->xmm[insn->reg];
    cpu->xmm[insn->reg].u64[0] = a.u64[insn->immediate & 1];
    cpu->xmm[insn->reg].u64[1] = b.u64[insn->immediate >> 1 & 1];
    return EXEC_OK;
}

/* --- one word --- */

static enum exec_result read_word(struct cpu *cpu, const struct insn *insn, uint16_t *value)
{
    if (simd_is_memory(insn))
        return mem_read16(cpu, insn->segment, insn_address(cpu, insn), value);
    *value = (uint16_t)cpu->gpr[insn->rm];
    return EXEC_OK;
}

enum exec_result exec_pinsrw_mmx(struct cpu *cpu, const struct insn *insn)
{
    uint16_t word;
    if (fpu_begin(cpu) || read_word(cpu, insn, &word))
        return EXEC_FAULT;
    fpu_enter_mmx(cpu);
    union xmm_register a = {
        .u64 = {mmx_get(cpu, insn->reg), 0}
    };
    a.u16[insn->immediate & 3] = word;
    mmx_set(cpu, insn->reg, a.u64[0]);
    return EXEC_OK;
}

enum exec_result exec_pinsrw_xmm(struct cpu *cpu, const struct insn *insn)
{
    uint16_t word;
    if (read_word(cpu, insn, &word))
        return EXEC_FAULT;
    cpu->xmm[insn->reg].u16[insn->immediate & 7] = word;
    return EXEC_OK;
}

enum exec_result exec_pextrw_mmx(struct cpu *cpu, const struct insn *insn)
{
    uint64_t value;
    if (mmx_read(cpu, insn, &value))
        return EXEC_FAULT;
    cpu->gpr[insn->reg] = (uint16_t)(value >> (16 * (insn->immediate & 3)));
    return EXEC_OK;
}

enum exec_result exec_pextrw_xmm(struct cpu *cpu, const struct insn *insn)
{
    cpu->gpr[insn->reg] = cpu->xmm[insn->rm].u16[insn->immediate & 7];
    return EXEC_OK;
}

/* --- masks of the lanes' signs --- */

static uint32_t signs_of_bytes(const union xmm_register *value, unsigned bytes)
{
    uint32_t mask = 0;
    for (unsigned i = 0; i < bytes; i++)
        mask |= (uint32_t)(value->u8[i] >> 7) << i;
    return mask;
}

enum exec_result exec_pmovmskb_mmx(struct cpu *cpu, const struct insn *insn)
{
    union xmm_register value = {{0}};
    if (mmx_read(cpu, insn, &value.u64[0]))
        return EXEC_FAULT;
    cpu->gpr[insn->reg] = signs_of_bytes(&value, 8);
    return EXEC_OK;
}

enum exec_result exec_pmovmskb_xmm(struct cpu *cpu, const struct insn *insn)
{
    cpu->gpr[insn->reg] = signs_of_bytes(&cpu->xmm[insn->rm], 16);
    return EXEC_OK;
}

enum exec_result exec_movmskps(struct cpu *cpu, const struct insn *insn)
{
    const union xmm_register *value = &cpu->xmm[insn->rm];
    cpu->gpr[insn->reg] = value->u32[0] >> 31 | value->u32[1] >> 31 << 1 |
                          value->u32[2] >> 31 << 2 | value->u32[3] >> 31 << 3;
    return EXEC_OK;
}

enum exec_result exec_movmskpd(struct cpu *cpu, const struct insn *insn)
{
    const union xmm_register *value = &cpu->xmm[insn->rm];
    cpu->gpr[insn->reg] = (uint32_t)(value->u64[0] >> 63 | value->u64[1] >> 63 << 1);
    return EXEC_OK;
}

/* --- MASKMOVQ, MASKMOVDQU: bytes whose mask has bit 7 set go to [edi] --- */

static enum exec_result masked_store(struct cpu *cpu, const struct insn *insn,
                                     const union xmm_register *value,
                                     const union xmm_register *mask, unsigned bytes)
{
    uint32_t address_mask = insn->flags & INSN_ADDRESS32 ? UINT32_MAX : 0xFFFF;
    uint32_t offset = cpu->gpr[REG_EDI] & address_mask;
    /* The whole operand is looked at, whatever the mask (SDM 2, MASKMOVDQU leaves it open), in
     * quadwords, which must be aligned where that is checked. */
    for (unsigned i = 0; i < bytes; i += 8)
        if (mem_check_write(cpu, insn->segment, offset + i, 8))
            return EXEC_FAULT;
    for (unsigned i = 0; i < bytes; i++)
        if (mask->u8[i] & 0x80 && mem_write8(cpu, insn->segment, offset + i, value->u8[i]))
            return EXEC_FAULT;
    return EXEC_OK;
}

enum exec_result exec_maskmovq(struct cpu *cpu, const struct insn *insn)
{
    if (fpu_begin(cpu))
        return EXEC_FAULT;
    union xmm_register value = {
        .u64 = {mmx_get(cpu, insn->reg), 0}
    };
    union xmm_register mask = {
        .u64 = {mmx_get(cpu, insn->rm), 0}
    };
    if (masked_store(cpu, insn, &value, &mask, 8))
        return EXEC_FAULT;
    fpu_enter_mmx(cpu);
    return EXEC_OK;
}

enum exec_result exec_maskmovdqu(struct cpu *cpu, const struct insn *insn)
{
    return masked_store(cpu, insn, &cpu->xmm[insn->reg], &cpu->xmm[insn->rm], 16);
}
