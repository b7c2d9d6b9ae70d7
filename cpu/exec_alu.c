/* ADD, OR, ADC, SBB, AND, SUB, XOR, CMP, TEST, INC, DEC, NEG, NOT in all forms. */
#include "cpu/alu.h"
#include "cpu/exec.h"

/* --- two operands, the first one is written --- */

#define DEFINE_WRITING(op, letter, bits, s)                                                        \
    EXEC(exec_##op##_e##letter##_g##letter##s##_r)                                                 \
    {                                                                                              \
        set_reg##bits(cpu, insn->rm,                                                               \
                      alu_##op##bits(cpu, reg##bits(cpu, insn->rm), reg##bits(cpu, insn->reg)));   \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    EXEC_M(exec_##op##_e##letter##_g##letter##s##_m)                                               \
    {                                                                                              \
        READ_FOR_WRITE(bits, value);                                                               \
        WRITE_BACK(bits, alu_##op##bits(cpu, value, reg##bits(cpu, insn->reg)));                   \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    EXEC(exec_##op##_g##letter##_e##letter##s##_r)                                                 \
    {                                                                                              \
        set_reg##bits(cpu, insn->reg,                                                              \
                      alu_##op##bits(cpu, reg##bits(cpu, insn->reg), reg##bits(cpu, insn->rm)));   \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    EXEC_M(exec_##op##_g##letter##_e##letter##s##_m)                                               \
    {                                                                                              \
        READ_MEMORY(bits, value);                                                                  \
        set_reg##bits(cpu, insn->reg, alu_##op##bits(cpu, reg##bits(cpu, insn->reg), value));      \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    EXEC(exec_##op##_e##letter##_i##s##_r)                                                         \
    {                                                                                              \
        set_reg##bits(cpu, insn->rm,                                                               \
                      alu_##op##bits(cpu, reg##bits(cpu, insn->rm), (UINT(bits))insn->immediate)); \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    EXEC_M(exec_##op##_e##letter##_i##s##_m)                                                       \
    {                                                                                              \
        READ_FOR_WRITE(bits, value);                                                               \
        WRITE_BACK(bits, alu_##op##bits(cpu, value, (UINT(bits))insn->immediate));                 \
        return EXEC_OK;                                                                            \
    }

#define DEFINE_WRITING_SIZES(op)                                                                   \
    DEFINE_WRITING(op, b, 8, )                                                                     \
    DEFINE_WRITING(op, v, 16, 16)                                                                  \
    DEFINE_WRITING(op, v, 32, 32)

DEFINE_WRITING_SIZES(add)
DEFINE_WRITING_SIZES(or)
DEFINE_WRITING_SIZES(adc)
DEFINE_WRITING_SIZES(sbb)
DEFINE_WRITING_SIZES(and)
DEFINE_WRITING_SIZES(sub)
DEFINE_WRITING_SIZES(xor)

/* --- two operands, only flags are written --- */

#define DEFINE_COMPARING(name, op, letter, bits, s)                                                \
    EXEC(exec_##name##_e##letter##_g##letter##s##_r)                                               \
    {                                                                                              \
        alu_##op##bits(cpu, reg##bits(cpu, insn->rm), reg##bits(cpu, insn->reg));                  \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    EXEC_M(exec_##name##_e##letter##_g##letter##s##_m)                                             \
    {                                                                                              \
        READ_MEMORY(bits, value);                                                                  \
        alu_##op##bits(cpu, value, reg##bits(cpu, insn->reg));                                     \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    EXEC(exec_##name##_e##letter##_i##s##_r)                                                       \
    {                                                                                              \
        alu_##op##bits(cpu, reg##bits(cpu, insn->rm), (UINT(bits))insn->immediate);                \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    EXEC_M(exec_##name##_e##letter##_i##s##_m)                                                     \
    {                                                                                              \
        READ_MEMORY(bits, value);                                                                  \
        alu_##op##bits(cpu, value, (UINT(bits))insn->immediate);                                   \
        return EXEC_OK;                                                                            \
    }

DEFINE_COMPARING(cmp, sub, b, 8, )
DEFINE_COMPARING(cmp, sub, v, 16, 16)
DEFINE_COMPARING(cmp, sub, v, 32, 32)
DEFINE_COMPARING(test, and, b, 8, )
DEFINE_COMPARING(test, and, v, 16, 16)
DEFINE_COMPARING(test, and, v, 32, 32)

#define DEFINE_CMP_REVERSED(letter, bits, s)                                                       \
    EXEC(exec_cmp_g##letter##_e##letter##s##_r)                                                    \
    {                                                                                              \
        alu_sub##bits(cpu, reg##bits(cpu, insn->reg), reg##bits(cpu, insn->rm));                   \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    EXEC_M(exec_cmp_g##letter##_e##letter##s##_m)                                                  \
    {                                                                                              \
        READ_MEMORY(bits, value);                                                                  \
        alu_sub##bits(cpu, reg##bits(cpu, insn->reg), value);                                      \
        return EXEC_OK;                                                                            \
    }

DEFINE_CMP_REVERSED(b, 8, )
DEFINE_CMP_REVERSED(v, 16, 16)
DEFINE_CMP_REVERSED(v, 32, 32)

/* --- one operand --- */

#define DEFINE_UNARY(op, letter, bits, s)                                                          \
    EXEC(exec_##op##_e##letter##s##_r)                                                             \
    {                                                                                              \
        set_reg##bits(cpu, insn->rm, alu_##op##bits(cpu, reg##bits(cpu, insn->rm)));               \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    EXEC_M(exec_##op##_e##letter##s##_m)                                                           \
    {                                                                                              \
        READ_FOR_WRITE(bits, value);                                                               \
        WRITE_BACK(bits, alu_##op##bits(cpu, value));                                              \
        return EXEC_OK;                                                                            \
    }

#define DEFINE_UNARY_SIZES(op)                                                                     \
    DEFINE_UNARY(op, b, 8, )                                                                       \
    DEFINE_UNARY(op, v, 16, 16)                                                                    \
    DEFINE_UNARY(op, v, 32, 32)

DEFINE_UNARY_SIZES(inc)
DEFINE_UNARY_SIZES(dec)
DEFINE_UNARY_SIZES(neg)
DEFINE_UNARY_SIZES(not )

/* INC and DEC of a register named by the opcode. */
#define DEFINE_INC_DEC(bits)                                                                       \
    EXEC(exec_inc_z##bits)                                                                         \
    {                                                                                              \
        set_reg##bits(cpu, insn->reg, alu_inc##bits(cpu, reg##bits(cpu, insn->reg)));              \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    EXEC(exec_dec_z##bits)                                                                         \
    {                                                                                              \
        set_reg##bits(cpu, insn->reg, alu_dec##bits(cpu, reg##bits(cpu, insn->reg)));              \
        return EXEC_OK;                                                                            \
    }

FOR_EACH_V(DEFINE_INC_DEC)
