/* Lazy flags. An arithmetic instruction stores its result and the vector of carries out of every
 * bit, shifted so that the operand's top bit is bit 31; each flag is then a bit or two away, and no
 * record of the operation is needed.
 *
 *   zero     ZF = (zero == 0)
 *   sign     SF = bit 31, PF = parity of bits 7..0      (the result, sign-extended to 32 bits)
 *   carries  CF = bit 31, OF = bit 31 ^ bit 30, AF = bit 3
 *
 * Two words, zero and sign, so that combinations no result has (ZF and SF both set, by POPF) can be
 * stored. carries for 8 and 16 bits: the carry and overflow bits are moved to the top, AF stays. */
#ifndef CPU_FLAGS_H
#define CPU_FLAGS_H

#include "cpu/cpu.h"

static inline bool flag_zf(const struct cpu *cpu)
{
    return cpu->lazy.zero == 0;
}
static inline bool flag_sf(const struct cpu *cpu)
{
    return cpu->lazy.sign >> 31;
}
static inline bool flag_cf(const struct cpu *cpu)
{
    return cpu->lazy.carries >> 31;
}
static inline bool flag_of(const struct cpu *cpu)
{
    return (cpu->lazy.carries ^ cpu->lazy.carries << 1) >> 31;
}
static inline bool flag_af(const struct cpu *cpu)
{
    return cpu->lazy.carries >> 3 & 1;
}
static inline bool flag_pf(const struct cpu *cpu)
{
    return !__builtin_parity(cpu->lazy.sign & 0xFF);
}

/* The six arithmetic flags as EFLAGS bits. */
static inline uint32_t flags_arithmetic(const struct cpu *cpu)
{
    return (flag_cf(cpu) ? FLAG_CF : 0) | (flag_pf(cpu) ? FLAG_PF : 0) |
           (flag_af(cpu) ? FLAG_AF : 0) | (flag_zf(cpu) ? FLAG_ZF : 0) |
           (flag_sf(cpu) ? FLAG_SF : 0) | (flag_of(cpu) ? FLAG_OF : 0);
}

/* Stores all six arithmetic flags from EFLAGS bits; other bits of flags are ignored. */
static inline void flags_set_arithmetic(struct cpu *cpu, uint32_t flags)
{
    bool cf = flags & FLAG_CF;
    bool of = flags & FLAG_OF;
    cpu->lazy.zero = flags & FLAG_ZF ? 0 : 1;
    cpu->lazy.sign = (flags & FLAG_SF ? 0x80000000u : 0) | (flags & FLAG_PF ? 0 : 1);
    cpu->lazy.carries =
        (cf ? 0x80000000u : 0) | (cf != of ? 0x40000000u : 0) | (flags & FLAG_AF ? 8 : 0);
}

/* CPU flags and results of size bits (8, 16, 32); result already truncated. */
static inline void flags_set_result(struct cpu *cpu, uint32_t result, unsigned bits)
{
    uint32_t extended = bits == 8    ? (uint32_t)(int32_t)(int8_t)result
                        : bits == 16 ? (uint32_t)(int32_t)(int16_t)result
                                     : result;
    cpu->lazy.zero = extended;
    cpu->lazy.sign = extended;
}

/* carries: the vector of carries out of each bit; only bits below `bits` count. */
static inline void flags_set_carries(struct cpu *cpu, uint32_t carries, unsigned bits)
{
    cpu->lazy.carries = bits == 32 ? carries : (carries << (32 - bits)) | (carries & 8);
}

/* Carries out of a + b (+ carry in) = sum, and borrows out of a - b (- borrow in) = difference. */
static inline uint32_t carries_of_sum(uint32_t a, uint32_t b, uint32_t sum)
{
    return (a & b) | ((a | b) & ~sum);
}
static inline uint32_t carries_of_difference(uint32_t a, uint32_t b, uint32_t difference)
{
    return (~a & b) | (~(a ^ b) & difference);
}

#endif
