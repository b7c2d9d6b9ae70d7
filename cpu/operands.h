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

/* An exec function with a memory operand. Its body is compiled twice: for plain memory, without a
 * stack frame, and, out of line, for everything else, to which the first one hands over (`slowly`)
 * before it has changed anything. */
#define EXEC_M(name)                                                                               \
    static inline __attribute__((always_inline)) enum exec_result name##_body(                     \
        struct cpu *cpu, const struct insn *insn, exec_function *slowly);                          \
    static __attribute__((noinline, cold)) EXEC(name##_slow)                                       \
    {                                                                                              \
        return name##_body(cpu, insn, NULL);                                                       \
    }                                                                                              \
    EXEC(name)                                                                                     \
    {                                                                                              \
        return name##_body(cpu, insn, name##_slow);                                                \
    }                                                                                              \
    static inline __attribute__((always_inline)) enum exec_result name##_body(                     \
        struct cpu *cpu, const struct insn *insn, exec_function *slowly)

/* Reads the memory operand into a new variable, or returns with the fault. */
#define READ_MEMORY(bits, variable)                                                                \
    UINT(bits) variable;                                                                           \
    do {                                                                                           \
        uint32_t offset_ = insn_address(cpu, insn);                                                \
        const uint8_t *host_ = mem_fast(cpu, insn->segment, offset_, (bits) / 8, MMU_READ);        \
        if (LIKELY(host_ != NULL))                                                                 \
            memcpy(&variable, host_, (bits) / 8);                                                  \
        else if (slowly)                                                                           \
            return slowly(cpu, insn);                                                              \
        else if (mem_read_slow(cpu, insn->segment, offset_, &variable, (bits) / 8))                \
            return EXEC_FAULT;                                                                     \
    } while (0)

/* Writes it, and returns. */
#define WRITE_MEMORY_AND_RETURN(bits, value)                                                       \
    do {                                                                                           \
        UINT(bits) value_ = value;                                                                 \
        uint32_t offset_ = insn_address(cpu, insn);                                                \
        uint8_t *host_ = mem_fast(cpu, insn->segment, offset_, (bits) / 8, MMU_WRITE);             \
        if (UNLIKELY(!host_))                                                                      \
            return slowly ? slowly(cpu, insn)                                                      \
                          : mem_write_slow(cpu, insn->segment, offset_, &value_, (bits) / 8);      \
        memcpy(host_, &value_, (bits) / 8);                                                        \
        return EXEC_OK;                                                                            \
    } while (0)

/* Reads it into a new variable, and proves that WRITE_BACK will succeed. */
#define READ_FOR_WRITE(bits, variable)                                                             \
    UINT(bits) variable;                                                                           \
    struct mem_rmw rmw;                                                                            \
    do {                                                                                           \
        uint32_t offset_ = insn_address(cpu, insn);                                                \
        rmw = (struct mem_rmw){mem_fast(cpu, insn->segment, offset_, (bits) / 8, MMU_WRITE),       \
                               insn->segment, offset_};                                            \
        if (LIKELY(rmw.host != NULL))                                                              \
            memcpy(&variable, rmw.host, (bits) / 8);                                               \
        else if (slowly)                                                                           \
            return slowly(cpu, insn);                                                              \
        else if (mem_rmw_slow(cpu, &rmw, &variable, (bits) / 8))                                   \
            return EXEC_FAULT;                                                                     \
    } while (0)
#define WRITE_BACK(bits, value) mem_rmw_store##bits(cpu, &rmw, value)

#endif
