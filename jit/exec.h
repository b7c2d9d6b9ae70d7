/* Where translated code meets C: instructions that are executed by their exec function. */
#ifndef JIT_EXEC_H
#define JIT_EXEC_H

#include "cpu/block_cache.h"

/* Why translated code was left. */
enum jit_exit {
    EXIT_CONTINUE = 0, /* it was not */
    EXIT_BOUNDARY,     /* at cpu->eip; budget is up to date */
    EXIT_EDGE,         /* the same, through the edge that frame.payload names */
    EXIT_INTERPRET,    /* EXIT_BOUNDARY, and the next block must be interpreted */
    EXIT_RUN,   /* EXIT_BOUNDARY, and the next block must be one without runs (jit/groups.c) */
    EXIT_DONE,  /* at a boundary, and the processor's state is whole: attention */
    EXIT_FAULT, /* cpu->current has faulted */
    EXIT_COUNT,
};

/* Names an instruction of a block in 32 bits. */
uint32_t exec_id(const struct block_cache *cache, const struct block *block, unsigned insn,
                 bool touches_flags);

/* Called by the thunks, with the guest's registers in cpu and its flags at home. exec_insn: in the
 * middle of a block; exec_last: at its end, afterwards eip and budget are up to date. Return enum
 * jit_exit. */
uint32_t exec_insn(struct cpu *cpu, uint32_t id);
uint32_t exec_last(struct cpu *cpu, uint32_t id);

/* The same, for instructions that need UNIT_FPU stored. */
uint32_t exec_insn_whole(struct cpu *cpu, uint32_t id);
uint32_t exec_last_whole(struct cpu *cpu, uint32_t id);

/* cpu->lazy from frame.flags, and back. */
void exec_flags_from_home(struct cpu *cpu);
void exec_flags_to_home(struct cpu *cpu);

#endif
