/* MUL, IMUL, DIV, IDIV.
 *
 * CF and OF of a multiplication say that the upper half is needed; SF and PF, which the SDM leaves
 * undefined, follow the low half, and ZF is clear. A division leaves all flags alone.
 * Source: Intel SDM volume 2A. */
#include "cpu/alu.h"
#include "cpu/exec.h"
#include "cpu/fault.h"

/* A top carry bit without the one below it is CF = 1 and OF = 1. */
static inline void set_multiply_flags(struct cpu *cpu, bool overflow, uint32_t low, unsigned bits)
{
    flags_set_result(cpu, low, bits);
    cpu->lazy.zero = 1;
    cpu->lazy.carries = overflow ? 0x80000000u : 0;
}

static void mul8(struct cpu *cpu, uint8_t factor)
{
    unsigned product = (unsigned)reg8(cpu, 0) * factor;
    set_reg16(cpu, REG_EAX, (uint16_t)product);
    set_multiply_flags(cpu, product >> 8, product & 0xFF, 8);
}

static void mul16(struct cpu *cpu, uint16_t factor)
{
    uint32_t product = (uint32_t)reg16(cpu, REG_EAX) * factor;
    set_reg16(cpu, REG_EAX, (uint16_t)product);
    set_reg16(cpu, REG_EDX, (uint16_t)(product >> 16));
    set_multiply_flags(cpu, product >> 16, product & 0xFFFF, 16);
}

static void mul32(struct cpu *cpu, uint32_t factor)
{
    uint64_t product = (uint64_t)cpu->gpr[REG_EAX] * factor;
    cpu->gpr[REG_EAX] = (uint32_t)product;
    cpu->gpr[REG_EDX] = (uint32_t)(product >> 32);
    set_multiply_flags(cpu, product >> 32, (uint32_t)product, 32);
}

static void imul8(struct cpu *cpu, uint8_t factor)
{
    int product = (int8_t)reg8(cpu, 0) * (int8_t)factor;
    set_reg16(cpu, REG_EAX, (uint16_t)product);
    set_multiply_flags(cpu, product != (int8_t)product, product & 0xFF, 8);
}

static void imul16(struct cpu *cpu, uint16_t factor)
{
    int32_t product = (int16_t)reg16(cpu, REG_EAX) * (int16_t)factor;
    set_reg16(cpu, REG_EAX, (uint16_t)product);
    set_reg16(cpu, REG_EDX, (uint16_t)(product >> 16));
    set_multiply_flags(cpu, product != (int16_t)product, product & 0xFFFF, 16);
}

static void imul32(struct cpu *cpu, uint32_t factor)
{
    int64_t product = (int64_t)(int32_t)cpu->gpr[REG_EAX] * (int32_t)factor;
    cpu->gpr[REG_EAX] = (uint32_t)product;
    cpu->gpr[REG_EDX] = (uint32_t)(product >> 32);
    set_multiply_flags(cpu, product != (int32_t)product, (uint32_t)product, 32);
}

/* --- division: #DE when the quotient does not fit --- */

static enum exec_result div8(struct cpu *cpu, uint8_t divisor)
{
    unsigned dividend = reg16(cpu, REG_EAX);
    if (divisor == 0 || dividend / divisor > 0xFF)
        return fault_raise(cpu, VECTOR_DE);
    set_reg16(cpu, REG_EAX, (uint16_t)(dividend / divisor | (dividend % divisor) << 8));
    return EXEC_OK;
}

static enum exec_result div16(struct cpu *cpu, uint16_t divisor)
{
    uint32_t dividend = (uint32_t)reg16(cpu, REG_EDX) << 16 | reg16(cpu, REG_EAX);
    if (divisor == 0 || dividend / divisor > 0xFFFF)
        return fault_raise(cpu, VECTOR_DE);
    set_reg16(cpu, REG_EAX, (uint16_t)(dividend / divisor));
    set_reg16(cpu, REG_EDX, (uint16_t)(dividend % divisor));
    return EXEC_OK;
}

static enum exec_result div32(struct cpu *cpu, uint32_t divisor)
{
    uint64_t dividend = (uint64_t)cpu->gpr[REG_EDX] << 32 | cpu->gpr[REG_EAX];
    if (divisor == 0 || dividend / divisor > 0xFFFFFFFF)
        return fault_raise(cpu, VECTOR_DE);
    cpu->gpr[REG_EAX] = (uint32_t)(dividend / divisor);
    cpu->gpr[REG_EDX] = (uint32_t)(dividend % divisor);
    return EXEC_OK;
}

static enum exec_result idiv8(struct cpu *cpu, uint8_t value)
{
    int dividend = (int16_t)reg16(cpu, REG_EAX), divisor = (int8_t)value;
    if (divisor == 0 || dividend / divisor != (int8_t)(dividend / divisor))
        return fault_raise(cpu, VECTOR_DE);
    uint8_t remainder = (uint8_t)(dividend % divisor);
    set_reg16(cpu, REG_EAX, (uint16_t)((uint8_t)(dividend / divisor) | remainder << 8));
    return EXEC_OK;
}

static enum exec_result idiv16(struct cpu *cpu, uint16_t value)
{
    int64_t dividend = (int32_t)((uint32_t)reg16(cpu, REG_EDX) << 16 | reg16(cpu, REG_EAX));
    int16_t divisor = (int16_t)value;
    if (divisor == 0 || dividend / divisor != (int16_t)(dividend / divisor))
        return fault_raise(cpu, VECTOR_DE);
    set_reg16(cpu, REG_EAX, (uint16_t)(dividend / divisor));
    set_reg16(cpu, REG_EDX, (uint16_t)(dividend % divisor));
    return EXEC_OK;
}

static enum exec_result idiv32(struct cpu *cpu, uint32_t value)
{
    int64_t dividend = (int64_t)((uint64_t)cpu->gpr[REG_EDX] << 32 | cpu->gpr[REG_EAX]);
    int32_t divisor = (int32_t)value;
    if (divisor == 0 || (dividend == INT64_MIN && divisor == -1) ||
        dividend / divisor != (int32_t)(dividend / divisor))
        return fault_raise(cpu, VECTOR_DE);
    cpu->gpr[REG_EAX] = (uint32_t)(dividend / divisor);
    cpu->gpr[REG_EDX] = (uint32_t)(dividend % divisor);
    return EXEC_OK;
}

#define DEFINE_MULTIPLY(op, letter, bits, s)                                                       \
    EXEC(exec_##op##_e##letter##s##_r)                                                             \
    {                                                                                              \
        op##bits(cpu, reg##bits(cpu, insn->rm));                                                   \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    EXEC_M(exec_##op##_e##letter##s##_m)                                                           \
    {                                                                                              \
        READ_MEMORY(bits, factor);                                                                 \
        op##bits(cpu, factor);                                                                     \
        return EXEC_OK;                                                                            \
    }
#define DEFINE_DIVIDE(op, letter, bits, s)                                                         \
    EXEC(exec_##op##_e##letter##s##_r)                                                             \
    {                                                                                              \
        return op##bits(cpu, reg##bits(cpu, insn->rm));                                            \
    }                                                                                              \
    EXEC_M(exec_##op##_e##letter##s##_m)                                                           \
    {                                                                                              \
        READ_MEMORY(bits, divisor);                                                                \
        return op##bits(cpu, divisor);                                                             \
    }
#define DEFINE_SIZES(define, op) define(op, b, 8, ) define(op, v, 16, 16) define(op, v, 32, 32)

DEFINE_SIZES(DEFINE_MULTIPLY, mul)
DEFINE_SIZES(DEFINE_MULTIPLY, imul)
DEFINE_SIZES(DEFINE_DIVIDE, div)
DEFINE_SIZES(DEFINE_DIVIDE, idiv)

/* --- IMUL with two and three operands: only the low half is kept --- */

static inline uint16_t imul_low16(struct cpu *cpu, uint16_t a, uint16_t b)
{
    int32_t product = (int16_t)a * (int16_t)b;
    set_multiply_flags(cpu, product != (int16_t)product, product & 0xFFFF, 16);
    return (uint16_t)product;
}

static inline uint32_t imul_low32(struct cpu *cpu, uint32_t a, uint32_t b)
{
    int64_t product = (int64_t)(int32_t)a * (int32_t)b;
    set_multiply_flags(cpu, product != (int32_t)product, (uint32_t)product, 32);
    return (uint32_t)product;
}

#define DEFINE_IMUL(bits)                                                                          \
    EXEC(exec_imul_gv_ev##bits##_r)                                                                \
    {                                                                                              \
        set_reg##bits(cpu, insn->reg,                                                              \
                      imul_low##bits(cpu, reg##bits(cpu, insn->reg), reg##bits(cpu, insn->rm)));   \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    EXEC_M(exec_imul_gv_ev##bits##_m)                                                              \
    {                                                                                              \
        READ_MEMORY(bits, value);                                                                  \
        set_reg##bits(cpu, insn->reg, imul_low##bits(cpu, reg##bits(cpu, insn->reg), value));      \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    EXEC(exec_imul_gv_ev_i##bits##_r)                                                              \
    {                                                                                              \
        set_reg##bits(cpu, insn->reg,                                                              \
                      imul_low##bits(cpu, reg##bits(cpu, insn->rm), (UINT(bits))insn->immediate)); \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    EXEC_M(exec_imul_gv_ev_i##bits##_m)                                                            \
    {                                                                                              \
        READ_MEMORY(bits, value);                                                                  \
        set_reg##bits(cpu, insn->reg, imul_low##bits(cpu, value, (UINT(bits))insn->immediate));    \
        return EXEC_OK;                                                                            \
    }

FOR_EACH_V(DEFINE_IMUL)
