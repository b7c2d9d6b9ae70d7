/* The arithmetic of two-operand instructions: result and flags, for 8, 16 and 32 bits. Used by the
 * register and memory forms, by strings and by CMPXCHG. Source: Intel SDM volume 2, each
 * instruction's "Flags affected". Flags that are left undefined there are 0. */
#ifndef CPU_ALU_H
#define CPU_ALU_H

#include "cpu/flags.h"
#include "cpu/operands.h"

/* Sets CF and leaves the other five. */
static inline void flags_set_cf(struct cpu *cpu, bool cf)
{
    uint32_t differs = (cpu->lazy.carries >> 31) ^ cf;
    cpu->lazy.carries ^= differs << 31 | differs << 30; /* OF is the difference of the two */
}

/* Sets CF and OF and leaves the other four. */
static inline void flags_set_cf_of(struct cpu *cpu, bool cf, bool of)
{
    cpu->lazy.carries = (cpu->lazy.carries & 8) | (uint32_t)cf << 31 | (uint32_t)(cf != of) << 30;
}

static inline void flags_set_zf(struct cpu *cpu, bool zf)
{
    cpu->lazy.zero = !zf;
}

#define DEFINE_ALU(bits)                                                                           \
    static inline UINT(bits) alu_add##bits(struct cpu *cpu, UINT(bits) a, UINT(bits) b)            \
    {                                                                                              \
        UINT(bits) sum = (UINT(bits))(a + b);                                                      \
        flags_set_result(cpu, sum, bits);                                                          \
        flags_set_carries(cpu, carries_of_sum(a, b, sum), bits);                                   \
        return sum;                                                                                \
    }                                                                                              \
    static inline UINT(bits) alu_adc##bits(struct cpu *cpu, UINT(bits) a, UINT(bits) b)            \
    {                                                                                              \
        UINT(bits) sum = (UINT(bits))(a + b + flag_cf(cpu));                                       \
        flags_set_result(cpu, sum, bits);                                                          \
        flags_set_carries(cpu, carries_of_sum(a, b, sum), bits);                                   \
        return sum;                                                                                \
    }                                                                                              \
    static inline UINT(bits) alu_sub##bits(struct cpu *cpu, UINT(bits) a, UINT(bits) b)            \
    {                                                                                              \
        UINT(bits) difference = (UINT(bits))(a - b);                                               \
        flags_set_result(cpu, difference, bits);                                                   \
        flags_set_carries(cpu, carries_of_difference(a, b, difference), bits);                     \
        return difference;                                                                         \
    }                                                                                              \
    static inline UINT(bits) alu_sbb##bits(struct cpu *cpu, UINT(bits) a, UINT(bits) b)            \
    {                                                                                              \
        UINT(bits) difference = (UINT(bits))(a - b - flag_cf(cpu));                                \
        flags_set_result(cpu, difference, bits);                                                   \
        flags_set_carries(cpu, carries_of_difference(a, b, difference), bits);                     \
        return difference;                                                                         \
    }                                                                                              \
    static inline UINT(bits) alu_logic##bits(struct cpu *cpu, UINT(bits) result)                   \
    {                                                                                              \
        flags_set_result(cpu, result, bits);                                                       \
        cpu->lazy.carries = 0;                                                                     \
        return result;                                                                             \
    }                                                                                              \
    static inline UINT(bits) alu_and##bits(struct cpu *cpu, UINT(bits) a, UINT(bits) b)            \
    {                                                                                              \
        return alu_logic##bits(cpu, a & b);                                                        \
    }                                                                                              \
    static inline UINT(bits) alu_or##bits(struct cpu *cpu, UINT(bits) a, UINT(bits) b)             \
    {                                                                                              \
        return alu_logic##bits(cpu, a | b);                                                        \
    }                                                                                              \
    static inline UINT(bits) alu_xor##bits(struct cpu *cpu, UINT(bits) a, UINT(bits) b)            \
    {                                                                                              \
        return alu_logic##bits(cpu, a ^ b);                                                        \
    }                                                                                              \
    /* INC, DEC: all but CF. */                                                                    \
    static inline UINT(bits) alu_inc##bits(struct cpu *cpu, UINT(bits) a)                          \
    {                                                                                              \
        bool cf = flag_cf(cpu);                                                                    \
        UINT(bits) sum = alu_add##bits(cpu, a, 1);                                                 \
        flags_set_cf(cpu, cf);                                                                     \
        return sum;                                                                                \
    }                                                                                              \
    static inline UINT(bits) alu_dec##bits(struct cpu *cpu, UINT(bits) a)                          \
    {                                                                                              \
        bool cf = flag_cf(cpu);                                                                    \
        UINT(bits) difference = alu_sub##bits(cpu, a, 1);                                          \
        flags_set_cf(cpu, cf);                                                                     \
        return difference;                                                                         \
    }                                                                                              \
    static inline UINT(bits) alu_neg##bits(struct cpu *cpu, UINT(bits) a)                          \
    {                                                                                              \
        return alu_sub##bits(cpu, 0, a);                                                           \
    }                                                                                              \
    static inline UINT(bits) alu_not##bits(struct cpu *cpu, UINT(bits) a)                          \
    {                                                                                              \
        return (UINT(bits)) ~a;                                                                    \
    }

FOR_EACH_SIZE(DEFINE_ALU)

#endif
