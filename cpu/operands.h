/* Operands of integer instructions: general registers by ModRM number and size, and names that a
 * macro can build from an operand size (8, 16 or 32). */
#ifndef CPU_OPERANDS_H
#define CPU_OPERANDS_H

#include "cpu/access.h"
#include "cpu/insn.h"

/* Byte registers 4..7 are AH, CH, DH, BH. */
static inline uint8_t reg8(const struct cpu *cpu, unsigned n)
{
    return (uint8_t)(cpu->gpr[n & 3] >> ((n & 4) << 1));
}
static inline uint16_t reg16(const struct cpu *cpu, unsigned n)
{
    return (uint16_t)cpu->gpr[n];
}
static inline uint32_t reg32(const struct cpu *cpu, unsigned n)
{
    return cpu->gpr[n];
}

/* Whole registers are stored, so that a following 32-bit read is not held up by a partial store. */
static inline void set_reg8(struct cpu *cpu, unsigned n, uint8_t value)
{
    unsigned shift = (n & 4) << 1;
    cpu->gpr[n & 3] = (cpu->gpr[n & 3] & ~(0xFFu << shift)) | (uint32_t)value << shift;
}
static inline void set_reg16(struct cpu *cpu, unsigned n, uint16_t value)
{
    cpu->gpr[n] = (cpu->gpr[n] & 0xFFFF0000) | value;
}
static inline void set_reg32(struct cpu *cpu, unsigned n, uint32_t value)
{
    cpu->gpr[n] = value;
}

/* An exec function. */
#define EXEC(name) enum exec_result name(struct cpu *cpu, const struct insn *insn)

/* For every operand size; for the sizes that the operand size attribute chooses from. */
#define FOR_EACH_SIZE(define) define(8) define(16) define(32)
#define FOR_EACH_V(define)    define(16) define(32)

#define UINT(bits) uint##bits##_t
#define INT(bits)  int##bits##_t

/* Reads ModRM's memory operand, or returns with the fault. */
#define READ_MEMORY(bits, variable)                                                                \
    UINT(bits) variable;                                                                           \
    if (mem_read##bits(cpu, insn->segment, insn_address(cpu, insn), &variable))                    \
    return EXEC_FAULT

/* Reads it for writing back with WRITE_BACK. */
#define READ_FOR_WRITE(bits, variable)                                                             \
    UINT(bits) variable;                                                                           \
    struct mem_rmw rmw;                                                                            \
    if (mem_rmw##bits(cpu, insn->segment, insn_address(cpu, insn), &rmw, &variable))               \
    return EXEC_FAULT
#define WRITE_BACK(bits, value) mem_rmw_store##bits(cpu, &rmw, value)

#endif
