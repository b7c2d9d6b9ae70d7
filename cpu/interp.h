/* The reference interpreter: calls the functions of a block's instructions one after the other.
 * cpu_run and cpu_icount (cpu/cpu.h) are implemented here. The pieces below are for the other
 * engine, which falls back to them. */
#ifndef CPU_INTERP_H
#define CPU_INTERP_H

#include "cpu/code.h"

/* At the boundary where cpu->fault happened; nothing of a block is in flight. Nothing is delivered
 * if there was no fault but a debugger's breakpoint. */
void interp_deliver(struct cpu *cpu);
/* cpu->current, in the block that begins at cpu->block_first, faulted: the ones before it have
 * retired. Delivers the fault. */
void interp_leave_by_fault(struct cpu *cpu);

/* cpu->current has retired, and control leaves the block. */
static inline void interp_leave(struct cpu *cpu)
{
    const struct insn *last = cpu->current;
    cpu->icount += (uint64_t)(last + 1 - cpu->block_first);
    if (!(last->flags & INSN_JUMP))
        cpu->eip = cpu_next_eip(cpu);
    cpu->block_first = last;
}

/* Runs one block, or less if the budget ends or something wants attention. False: a fault was
 * delivered. */
bool interp_run_block(struct cpu *cpu, const struct block *block);

#endif
