/* What the translator counts about itself. */
#ifndef JIT_STATS_H
#define JIT_STATS_H

#include "jit/exec.h"

#include <stdio.h>

/* Why the interpreter ran a block. */
enum jit_cold {
    COLD_BLOCK,  /* not entered often enough yet, or not translatable */
    COLD_BUDGET, /* the next deadline is inside the block */
    COLD_UNITS,  /* EXIT_INTERPRET */
    COLD_COUNT,
};

/* What translated code consists of. */
enum jit_code_kind {
    CODE_ENTRY,     /* budget; limits */
    CODE_OPERATION, /* what the guest's instructions do, flags included */
    CODE_ADDRESS,   /* from an operand's address to the host's, with its check */
    CODE_EDGE,
    CODE_EXIT,      /* cold: from a branch out of the middle to its edge, and that */
    CODE_EDGE_STUB, /* cold: what an edge does that is not linked, or without budget */
    CODE_RUN_STUB,  /* cold: a run's leader that failed */
    CODE_SLOW_STUB, /* cold: any other slow path */
    CODE_UNIT_STUB, /* cold: x87 or SSE are not loaded */
    CODE_KIND_COUNT,
};

struct jit_stats {
    uint64_t translated, superblocks, variants, guest_bytes, host_bytes;
    uint64_t code_bytes[CODE_KIND_COUNT]; /* sum: host_bytes */
    uint64_t removed, restored, reused, resets;
    uint64_t entries, links;
    uint64_t exits[EXIT_COUNT];
    uint64_t inside; /* instructions that retired in translated code or in what it calls */
    uint64_t cold[COLD_COUNT], interpreted; /* blocks; instructions */
    /* Host time; 0 when there is no clock. */
    uint64_t ns_inside, ns_translating, ns_interpreting;
};

/* For people. instructions: of the whole run. calls: of exec functions from translated code. */
void jit_stats_print(const struct jit_stats *stats, uint64_t instructions, uint64_t calls,
                     FILE *stream);

#endif
