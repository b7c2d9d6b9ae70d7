/* The reference interpreter: decoder, cache of decoded blocks, and the loop that runs them.
 *
 * A block is a run of instructions within one page, decoded once, and found by physical address and
 * code size. cpu_run and cpu_icount (cpu/cpu.h) are implemented here. */
#ifndef CPU_INTERP_H
#define CPU_INTERP_H

#include "cpu/insn.h"

struct interp;

/* Builds the decoder's tables for the CPU's model. Registers as code watcher of phys. */
struct interp *interp_new(struct cpu *cpu, struct physmem *phys);
void interp_free(struct interp *interp);

/* Forgets all decoded blocks. Not from within an instruction. */
void interp_flush(struct interp *interp);

#endif
