/* ROL, ROR, RCL, RCR, SHL, SHR, SAR, SHLD, SHRD.
 *
 * Counts are taken modulo 32 (80186 and later); RCL and RCR then modulo the operand's size plus
 * one, ROL and ROR modulo the size. A count of zero leaves all flags alone. OF is defined for a
 * count of one only; for others it is what the same formula gives, which is what the processors do.
 *
 * The 386 (of which the author of test386.asm took results from a 386SX): SHL, SHR and SAR set AF;
 * SHL and SHR of a byte by 16 or 24 bring its last or first bit into CF, as by 8; RCL and RCR by a
 * multiple of the operand's size plus one make OF anew.
 * Source: Intel SDM volume 2B, RCL/RCR/ROL/ROR, SAL/SAR/SHL/SHR, SHLD, SHRD. */
#include "cpu/alu.h"
#include "cpu/exec.h"
#include "cpu/model.h"

/* OF of a left shift: whether the sign changed last; of a right one: the two top bits differ. */
#define TOP(bits, value)        ((bool)((value) >> ((bits)-1) & 1))
#define SECOND_TOP(bits, value) ((bool)((value) >> ((bits)-2) & 1))

/* The count by which CF is found: a byte's bits pass it again on the 386. */
static inline unsigned carry_count(const struct cpu *cpu, unsigned bits, unsigned count)
{
    if (bits == 8 && UNLIKELY(count > 8) && (count & 7) == 0 && cpu->model->is_386)
        return 8;
    return count;
}

#define DEFINE_ROTATES(bits)                                                                       \
    static inline UINT(bits) shift_rol##bits(struct cpu *cpu, UINT(bits) value, unsigned count)    \
    {                                                                                              \
        unsigned by = count & ((bits)-1);                                                          \
        if (count == 0)                                                                            \
            return value;                                                                          \
        value = (UINT(bits))(value << by | value >> ((bits - by) & ((bits)-1)));                   \
        flags_set_cf_of(cpu, value & 1, (value & 1) ^ TOP(bits, value));                           \
        return value;                                                                              \
    }                                                                                              \
    static inline UINT(bits) shift_ror##bits(struct cpu *cpu, UINT(bits) value, unsigned count)    \
    {                                                                                              \
        unsigned by = count & ((bits)-1);                                                          \
        if (count == 0)                                                                            \
            return value;                                                                          \
        value = (UINT(bits))(value >> by | value << ((bits - by) & ((bits)-1)));                   \
        flags_set_cf_of(cpu, TOP(bits, value), TOP(bits, value) ^ SECOND_TOP(bits, value));        \
        return value;                                                                              \
    }                                                                                              \
    /* Through CF: a rotation of bits + 1 bits. */                                                 \
    static inline UINT(bits) shift_rcl##bits(struct cpu *cpu, UINT(bits) value, unsigned count)    \
    {                                                                                              \
        unsigned by = count % ((bits) + 1);                                                        \
        if (by == 0 && !(count && cpu->model->is_386))                                             \
            return value;                                                                          \
        uint64_t wide = value | (uint64_t)flag_cf(cpu) << (bits);                                  \
        wide = wide << by | wide >> ((bits) + 1 - by);                                             \
        value = (UINT(bits))wide;                                                                  \
        bool cf = wide >> (bits)&1;                                                                \
        flags_set_cf_of(cpu, cf, cf ^ TOP(bits, value));                                           \
        return value;                                                                              \
    }                                                                                              \
    static inline UINT(bits) shift_rcr##bits(struct cpu *cpu, UINT(bits) value, unsigned count)    \
    {                                                                                              \
        unsigned by = count % ((bits) + 1);                                                        \
        if (by == 0 && !(count && cpu->model->is_386))                                             \
            return value;                                                                          \
        uint64_t wide = value | (uint64_t)flag_cf(cpu) << (bits);                                  \
        wide = wide >> by | wide << ((bits) + 1 - by);                                             \
        value = (UINT(bits))wide;                                                                  \
        flags_set_cf_of(cpu, wide >> (bits)&1, TOP(bits, value) ^ SECOND_TOP(bits, value));        \
        return value;                                                                              \
    }

#define DEFINE_SHIFTS(bits)                                                                        \
    static inline UINT(bits) shift_shl##bits(struct cpu *cpu, UINT(bits) value, unsigned count)    \
    {                                                                                              \
        if (count == 0)                                                                            \
            return value;                                                                          \
        bool cf = (uint64_t)value << carry_count(cpu, bits, count) >> (bits)&1;                    \
        value = (UINT(bits))((uint64_t)value << count);                                            \
        alu_logic##bits(cpu, value);                                                               \
        cpu->lazy.carries = cpu->shift_carries;                                                    \
        flags_set_cf_of(cpu, cf, cf ^ TOP(bits, value));                                           \
        return value;                                                                              \
    }                                                                                              \
    static inline UINT(bits) shift_shr##bits(struct cpu *cpu, UINT(bits) value, unsigned count)    \
    {                                                                                              \
        if (count == 0)                                                                            \
            return value;                                                                          \
        bool cf = (uint64_t)value >> (carry_count(cpu, bits, count) - 1) & 1;                      \
        value = (UINT(bits))((uint64_t)value >> count);                                            \
        alu_logic##bits(cpu, value);                                                               \
        cpu->lazy.carries = cpu->shift_carries;                                                    \
        flags_set_cf_of(cpu, cf, TOP(bits, value) ^ SECOND_TOP(bits, value));                      \
        return value;                                                                              \
    }                                                                                              \
    static inline UINT(bits) shift_sar##bits(struct cpu *cpu, UINT(bits) value, unsigned count)    \
    {                                                                                              \
        if (count == 0)                                                                            \
            return value;                                                                          \
        int64_t wide = (INT(bits))value;                                                           \
        bool cf = wide >> (count - 1) & 1;                                                         \
        value = (UINT(bits))(wide >> count);                                                       \
        alu_logic##bits(cpu, value);                                                               \
        cpu->lazy.carries = cpu->shift_carries;                                                    \
        flags_set_cf_of(cpu, cf, false);                                                           \
        return value;                                                                              \
    }

FOR_EACH_SIZE(DEFINE_ROTATES)
FOR_EACH_SIZE(DEFINE_SHIFTS)

#define DEFINE_COUNTED(op, letter, bits, s, form, amount)                                          \
    EXEC(exec_##op##_e##letter##_##form##s##_r)                                                    \
    {                                                                                              \
        set_reg##bits(cpu, insn->rm, shift_##op##bits(cpu, reg##bits(cpu, insn->rm), amount));     \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    EXEC_M(exec_##op##_e##letter##_##form##s##_m)                                                  \
    {                                                                                              \
        READ_FOR_WRITE(bits, value);                                                               \
        WRITE_BACK(bits, shift_##op##bits(cpu, value, amount));                                    \
        return EXEC_OK;                                                                            \
    }

#define DEFINE_SHIFT(op, letter, bits, s)                                                          \
    DEFINE_COUNTED(op, letter, bits, s, 1, 1)                                                      \
    DEFINE_COUNTED(op, letter, bits, s, cl, cpu->gpr[REG_ECX] & 31)                                \
    DEFINE_COUNTED(op, letter, bits, s, i, insn->immediate & 31)

#define DEFINE_SHIFT_SIZES(op)                                                                     \
    DEFINE_SHIFT(op, b, 8, )                                                                       \
    DEFINE_SHIFT(op, v, 16, 16)                                                                    \
    DEFINE_SHIFT(op, v, 32, 32)

DEFINE_SHIFT_SIZES(rol)
DEFINE_SHIFT_SIZES(ror)
DEFINE_SHIFT_SIZES(rcl)
DEFINE_SHIFT_SIZES(rcr)
DEFINE_SHIFT_SIZES(shl)
DEFINE_SHIFT_SIZES(shr)
DEFINE_SHIFT_SIZES(sar)

/* --- double precision ---
 *
 * With 16 bits and a count above 16 (undefined in the SDM) the bits of the first operand follow
 * those of the second: the shifter is 48 bits wide. */

static inline uint16_t shift_shld16(struct cpu *cpu, uint16_t value, uint16_t from, unsigned count)
{
    if (count == 0)
        return value;
    uint64_t wide = ((uint64_t)value << 32 | (uint64_t)from << 16 | value) << count;
    bool cf = wide >> 48 & 1;
    value = (uint16_t)(wide >> 32);
    alu_logic16(cpu, value);
    flags_set_cf_of(cpu, cf, cf ^ TOP(16, value));
    return value;
}

static inline uint32_t shift_shld32(struct cpu *cpu, uint32_t value, uint32_t from, unsigned count)
{
    if (count == 0)
        return value;
    bool cf = value >> (32 - count) & 1;
    value = value << count | from >> (32 - count);
    alu_logic32(cpu, value);
    flags_set_cf_of(cpu, cf, cf ^ TOP(32, value));
    return value;
}

static inline uint16_t shift_shrd16(struct cpu *cpu, uint16_t value, uint16_t from, unsigned count)
{
    if (count == 0)
        return value;
    uint64_t wide = (uint64_t)value << 32 | (uint64_t)from << 16 | value;
    bool cf = wide >> (count - 1) & 1;
    value = (uint16_t)(wide >> count);
    alu_logic16(cpu, value);
    flags_set_cf_of(cpu, cf, TOP(16, value) ^ SECOND_TOP(16, value));
    return value;
}

static inline uint32_t shift_shrd32(struct cpu *cpu, uint32_t value, uint32_t from, unsigned count)
{
    if (count == 0)
        return value;
    bool cf = value >> (count - 1) & 1;
    value = value >> count | from << (32 - count);
    alu_logic32(cpu, value);
    flags_set_cf_of(cpu, cf, TOP(32, value) ^ SECOND_TOP(32, value));
    return value;
}

#define DEFINE_DOUBLE_COUNTED(op, bits, form, amount)                                              \
    EXEC(exec_##op##_##form##bits##_r)                                                             \
    {                                                                                              \
        set_reg##bits(                                                                             \
            cpu, insn->rm,                                                                         \
            shift_##op##bits(cpu, reg##bits(cpu, insn->rm), reg##bits(cpu, insn->reg), amount));   \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    EXEC_M(exec_##op##_##form##bits##_m)                                                           \
    {                                                                                              \
        READ_FOR_WRITE(bits, value);                                                               \
        WRITE_BACK(bits, shift_##op##bits(cpu, value, reg##bits(cpu, insn->reg), amount));         \
        return EXEC_OK;                                                                            \
    }

#define DEFINE_DOUBLE(bits)                                                                        \
    DEFINE_DOUBLE_COUNTED(shld, bits, cl, cpu->gpr[REG_ECX] & 31)                                  \
    DEFINE_DOUBLE_COUNTED(shld, bits, i, insn->immediate & 31)                                     \
    DEFINE_DOUBLE_COUNTED(shrd, bits, cl, cpu->gpr[REG_ECX] & 31)                                  \
    DEFINE_DOUBLE_COUNTED(shrd, bits, i, insn->immediate & 31)

FOR_EACH_V(DEFINE_DOUBLE)
