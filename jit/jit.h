/* The translator: the engine that rewrites the guest's blocks into code of the host.
 *
 * It stands on the interpreter: blocks come from cpu/code.h, decoded; one that has been run often
 * enough is lifted to micro-operations, and these become host code, which is then entered instead.
 * Whatever the translator has no code for is executed by the row's exec function, from inside the
 * block.
 *
 * Both engines give the same state at every instruction boundary. */
#ifndef JIT_JIT_H
#define JIT_JIT_H

#include "base/error.h"
#include "cpu/cpu.h"

#include <stdio.h>

struct jit;

struct jit_options {
    unsigned warm;     /* a block is translated when it is entered for the warm-th time; 0: 8 */
    size_t cache_size; /* bytes; 0: 64 MiB */
    bool unlinked;     /* blocks are always looked up */
    FILE *trace;       /* every translated block is printed; NULL: none */
};

/* Makes the translator cpu's engine. NULL: err says why it cannot be (another host). The caller
 * owns it, and frees it before cpu. */
struct jit *jit_new(struct cpu *cpu, const struct jit_options *options, struct error *err);
void jit_free(struct jit *jit);

/* --stats */
void jit_print_stats(const struct jit *jit, FILE *stream);

#endif
