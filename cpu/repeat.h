/* String instructions: the REP loop, written once for MOVS, CMPS, STOS, LODS, SCAS, INS and OUTS.
 *
 * An instruction is one step function, which does one iteration (moving ESI and EDI only when
 * nothing can fault any more), and an exec function that calls string_repeat. Each iteration counts
 * as one retired instruction, none as one too. Between iterations the loop stops, with eip still at
 * the instruction, when the budget is used up, when something wants attention, and after every one
 * while the processor is stepping; a fault leaves the registers as after the last whole iteration.
 *
 * Source: Intel SDM volume 2B, REP. */
#ifndef CPU_REPEAT_H
#define CPU_REPEAT_H

#include "cpu/insn.h"

/* Value of REG_ECX, REG_ESI or REG_EDI as the address size cuts it. */
static inline uint32_t string_register(const struct cpu *cpu, const struct insn *insn, enum gpr reg)
{
    return insn->flags & INSN_ADDRESS32 ? cpu->gpr[reg] : cpu->gpr[reg] & 0xFFFF;
}

/* Adds delta to it; with 16-bit addresses the upper half stays. */
static inline void string_add(struct cpu *cpu, const struct insn *insn, enum gpr reg,
                              uint32_t delta)
{
    uint32_t mask = insn->flags & INSN_ADDRESS32 ? 0xFFFFFFFF : 0xFFFF;
    cpu->gpr[reg] = (cpu->gpr[reg] & ~mask) | ((cpu->gpr[reg] + delta) & mask);
}

/* What an iteration over size bytes adds to ESI and EDI. */
static inline uint32_t string_delta(const struct cpu *cpu, uint32_t size)
{
    return cpu->eflags & FLAG_DF ? -size : size;
}

typedef enum exec_result string_step(struct cpu *cpu, const struct insn *insn);

/* Does up to count (at least 1) iterations at once; returns how many, 0 when a step must be taken
 * instead. Moves ESI and EDI (not ECX); with until_zf stops after the iteration that ends the loop.
 */
typedef uint64_t string_bulk(struct cpu *cpu, const struct insn *insn, uint64_t count);

/* Does the instruction, repeated or not. until_zf: REPE stops at ZF = 0, REPNE at ZF = 1 (CMPS,
 * SCAS). */
enum exec_result string_repeat(struct cpu *cpu, const struct insn *insn, string_step *step,
                               bool until_zf) MUST_CHECK;
enum exec_result string_repeat_bulk(struct cpu *cpu, const struct insn *insn, string_step *step,
                                    string_bulk *bulk, bool until_zf) MUST_CHECK;

#endif
