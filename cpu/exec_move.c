/* MOV, MOVZX, MOVSX, LEA, XCHG, XADD, CMPXCHG, CMPXCHG8B, XLAT, CBW and the like, LAHF, SAHF, SALC.
 * Source: Intel SDM volume 2. */
#include "cpu/alu.h"
#include "cpu/exec.h"
#include "cpu/fault.h"

/* --- MOV --- */

#define DEFINE_MOV(letter, bits, s)                                                                \
    EXEC(exec_mov_e##letter##_g##letter##s##_r)                                                    \
    {                                                                                              \
        set_reg##bits(cpu, insn->rm, reg##bits(cpu, insn->reg));                                   \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    EXEC_M(exec_mov_e##letter##_g##letter##s##_m)                                                  \
    {                                                                                              \
        WRITE_MEMORY_AND_RETURN(bits, reg##bits(cpu, insn->reg));                                  \
    }                                                                                              \
    EXEC(exec_mov_g##letter##_e##letter##s##_r)                                                    \
    {                                                                                              \
        set_reg##bits(cpu, insn->reg, reg##bits(cpu, insn->rm));                                   \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    EXEC_M(exec_mov_g##letter##_e##letter##s##_m)                                                  \
    {                                                                                              \
        READ_MEMORY(bits, value);                                                                  \
        set_reg##bits(cpu, insn->reg, value);                                                      \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    EXEC(exec_mov_e##letter##_i##s##_r)                                                            \
    {                                                                                              \
        set_reg##bits(cpu, insn->rm, (UINT(bits))insn->immediate);                                 \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    EXEC_M(exec_mov_e##letter##_i##s##_m)                                                          \
    {                                                                                              \
        WRITE_MEMORY_AND_RETURN(bits, (UINT(bits))insn->immediate);                                \
    }                                                                                              \
    EXEC(exec_mov_z##letter##_i##s)                                                                \
    {                                                                                              \
        set_reg##bits(cpu, insn->reg, (UINT(bits))insn->immediate);                                \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    EXEC_M(exec_mov_a_o##letter##s)                                                                \
    {                                                                                              \
        READ_MEMORY(bits, value);                                                                  \
        set_reg##bits(cpu, REG_EAX, value);                                                        \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    EXEC_M(exec_mov_o##letter##_a##s)                                                              \
    {                                                                                              \
        WRITE_MEMORY_AND_RETURN(bits, reg##bits(cpu, REG_EAX));                                    \
    }

DEFINE_MOV(b, 8, )
DEFINE_MOV(v, 16, 16)
DEFINE_MOV(v, 32, 32)

/* --- with extension; from is the source's size --- */

#define DEFINE_EXTEND(name, letter, from, bits, type)                                              \
    EXEC(exec_##name##_gv_e##letter##bits##_r)                                                     \
    {                                                                                              \
        set_reg##bits(cpu, insn->reg, (UINT(bits))(type(from))reg##from(cpu, insn->rm));           \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    EXEC_M(exec_##name##_gv_e##letter##bits##_m)                                                   \
    {                                                                                              \
        READ_MEMORY(from, value);                                                                  \
        set_reg##bits(cpu, insn->reg, (UINT(bits))(type(from))value);                              \
        return EXEC_OK;                                                                            \
    }

#define DEFINE_EXTENDS(bits)                                                                       \
    DEFINE_EXTEND(movzx, b, 8, bits, UINT)                                                         \
    DEFINE_EXTEND(movzx, w, 16, bits, UINT)                                                        \
    DEFINE_EXTEND(movsx, b, 8, bits, INT)                                                          \
    DEFINE_EXTEND(movsx, w, 16, bits, INT)

FOR_EACH_V(DEFINE_EXTENDS)

EXEC(exec_cbw16)
{
    set_reg16(cpu, REG_EAX, (uint16_t)(int8_t)reg8(cpu, 0));
    return EXEC_OK;
}

EXEC(exec_cbw32)
{
    cpu->gpr[REG_EAX] = (uint32_t)(int16_t)reg16(cpu, REG_EAX);
    return EXEC_OK;
}

EXEC(exec_cwd16)
{
    set_reg16(cpu, REG_EDX, reg16(cpu, REG_EAX) & 0x8000 ? 0xFFFF : 0);
    return EXEC_OK;
}

EXEC(exec_cwd32)
{
    cpu->gpr[REG_EDX] = cpu->gpr[REG_EAX] & 0x80000000 ? 0xFFFFFFFF : 0;
    return EXEC_OK;
}

/* --- LEA, XLAT --- */

EXEC(exec_lea16)
{
    set_reg16(cpu, insn->reg, (uint16_t)insn_address(cpu, insn));
    return EXEC_OK;
}

EXEC(exec_lea32)
{
    cpu->gpr[insn->reg] = insn_address(cpu, insn);
    return EXEC_OK;
}

EXEC(exec_xlat)
{
    uint32_t offset = cpu->gpr[REG_EBX] + reg8(cpu, 0);
    uint8_t value;
    if (!(insn->flags & INSN_ADDRESS32))
        offset &= 0xFFFF;
    if (mem_read8(cpu, insn->segment, offset, &value))
        return EXEC_FAULT;
    set_reg8(cpu, 0, value);
    return EXEC_OK;
}

/* --- exchanges --- */

#define DEFINE_EXCHANGE(letter, bits, s)                                                           \
    EXEC(exec_xchg_e##letter##_g##letter##s##_r)                                                   \
    {                                                                                              \
        UINT(bits) value = reg##bits(cpu, insn->rm);                                               \
        set_reg##bits(cpu, insn->rm, reg##bits(cpu, insn->reg));                                   \
        set_reg##bits(cpu, insn->reg, value);                                                      \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    EXEC_M(exec_xchg_e##letter##_g##letter##s##_m)                                                 \
    {                                                                                              \
        READ_FOR_WRITE(bits, value);                                                               \
        WRITE_BACK(bits, reg##bits(cpu, insn->reg));                                               \
        set_reg##bits(cpu, insn->reg, value);                                                      \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    EXEC(exec_xadd_e##letter##_g##letter##s##_r)                                                   \
    {                                                                                              \
        UINT(bits) value = reg##bits(cpu, insn->rm);                                               \
        UINT(bits) sum = alu_add##bits(cpu, value, reg##bits(cpu, insn->reg));                     \
        set_reg##bits(cpu, insn->reg, value);                                                      \
        set_reg##bits(cpu, insn->rm, sum);                                                         \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    EXEC_M(exec_xadd_e##letter##_g##letter##s##_m)                                                 \
    {                                                                                              \
        READ_FOR_WRITE(bits, value);                                                               \
        WRITE_BACK(bits, alu_add##bits(cpu, value, reg##bits(cpu, insn->reg)));                    \
        set_reg##bits(cpu, insn->reg, value);                                                      \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    EXEC(exec_cmpxchg_e##letter##_g##letter##s##_r)                                                \
    {                                                                                              \
        UINT(bits) value = reg##bits(cpu, insn->rm);                                               \
        if (alu_sub##bits(cpu, reg##bits(cpu, REG_EAX), value) == 0)                               \
            set_reg##bits(cpu, insn->rm, reg##bits(cpu, insn->reg));                               \
        else                                                                                       \
            set_reg##bits(cpu, REG_EAX, value);                                                    \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    /* Memory is written in either case. */                                                        \
    EXEC_M(exec_cmpxchg_e##letter##_g##letter##s##_m)                                              \
    {                                                                                              \
        READ_FOR_WRITE(bits, value);                                                               \
        bool equal = alu_sub##bits(cpu, reg##bits(cpu, REG_EAX), value) == 0;                      \
        WRITE_BACK(bits, equal ? reg##bits(cpu, insn->reg) : value);                               \
        if (!equal)                                                                                \
            set_reg##bits(cpu, REG_EAX, value);                                                    \
        return EXEC_OK;                                                                            \
    }

DEFINE_EXCHANGE(b, 8, )
DEFINE_EXCHANGE(v, 16, 16)
DEFINE_EXCHANGE(v, 32, 32)

EXEC(exec_xchg_z16)
{
    uint16_t value = reg16(cpu, insn->reg);
    set_reg16(cpu, insn->reg, reg16(cpu, REG_EAX));
    set_reg16(cpu, REG_EAX, value);
    return EXEC_OK;
}

EXEC(exec_xchg_z32)
{
    uint32_t value = cpu->gpr[insn->reg];
    cpu->gpr[insn->reg] = cpu->gpr[REG_EAX];
    cpu->gpr[REG_EAX] = value;
    return EXEC_OK;
}

/* Memory is written in either case, here too. */
EXEC(exec_cmpxchg8b)
{
    uint32_t offset = insn_address(cpu, insn);
    uint64_t value, expected = (uint64_t)cpu->gpr[REG_EDX] << 32 | cpu->gpr[REG_EAX];
    if (!mem_fast(cpu, insn->segment, offset, 8, MMU_WRITE) &&
        mem_check_write(cpu, insn->segment, offset, 8))
        return EXEC_FAULT;
    if (mem_read64(cpu, insn->segment, offset, &value))
        return EXEC_FAULT;
    bool equal = value == expected;
    uint64_t replacement = (uint64_t)cpu->gpr[REG_ECX] << 32 | cpu->gpr[REG_EBX];
    if (mem_write64(cpu, insn->segment, offset, equal ? replacement : value))
        return EXEC_FAULT;
    if (!equal) {
        cpu->gpr[REG_EAX] = (uint32_t)value;
        cpu->gpr[REG_EDX] = (uint32_t)(value >> 32);
    }
    flags_set_zf(cpu, equal);
    return EXEC_OK;
}

/* --- flags and AH, AL --- */

EXEC(exec_lahf)
{
    set_reg8(cpu, 4, (uint8_t)(flags_arithmetic(cpu) | FLAG_FIXED));
    return EXEC_OK;
}

EXEC(exec_sahf)
{
    flags_set_arithmetic(cpu, reg8(cpu, 4) | (flag_of(cpu) ? FLAG_OF : 0));
    return EXEC_OK;
}

EXEC(exec_salc)
{
    set_reg8(cpu, 0, flag_cf(cpu) ? 0xFF : 0);
    return EXEC_OK;
}

EXEC(exec_clc)
{
    flags_set_cf(cpu, false);
    return EXEC_OK;
}

EXEC(exec_stc)
{
    flags_set_cf(cpu, true);
    return EXEC_OK;
}

EXEC(exec_cmc)
{
    flags_set_cf(cpu, !flag_cf(cpu));
    return EXEC_OK;
}

EXEC(exec_cld)
{
    cpu->eflags &= ~(uint32_t)FLAG_DF;
    return EXEC_OK;
}

EXEC(exec_std)
{
    cpu->eflags |= FLAG_DF;
    return EXEC_OK;
}
