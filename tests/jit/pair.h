/* Two processors that do the same, each with its memory: one on the interpreter, one on the
 * translator. A test prepares both alike, lets both run, and asks whether they differ. */
#ifndef TESTS_JIT_PAIR_H
#define TESTS_JIT_PAIR_H

#include "jit/jit.h"
#include "snapshot/state.h"
#include "tests/harness/bare_cpu.h"

enum { PAIR_INTERP, PAIR_JIT, PAIR_SIDES };

struct pair {
    struct bare_cpu *bare[PAIR_SIDES];
    struct state_map *map[PAIR_SIDES]; /* the processor, and the memory that is compared */
    struct jit *jit;
    bool flushes; /* the translator's TLB, by its options: it is not compared */
};

/* Compares memory below compared, in bytes. False: there is no translator on this host, *err says
 * why, and there is nothing to close. */
bool pair_open(struct pair *pair, const char *model, const struct jit_options *options,
               size_t compared, struct error *err);
void pair_close(struct pair *pair);

/* Both go on for count instructions, as bare_cpu_run does. */
void pair_run(struct pair *pair, uint64_t count);
/* As state_compare: visit (NULL: none) sees what differs, first the interpreter's. Also when only
 * the mappings in the TLBs do, which visit does not see. */
bool pair_differs(const struct pair *pair, state_visit_difference *visit);

#endif
