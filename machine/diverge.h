/* Where two engines part: the same machine twice, in lockstep.
 *
 * Both run a number of instructions, and are compared as a whole. When they differ, the place is
 * looked for from the last one at which they were the same: processes that were forked there
 * repeat the way with the translator's memory as it was, each up to another count. */
#ifndef MACHINE_DIVERGE_H
#define MACHINE_DIVERGE_H

#include "base/error.h"
#include "machine/machine.h"

#include <stdio.h>

struct diverge {
    struct machine *side[2]; /* of one configuration but for the engine, at one instruction count */
    const char *name[2];     /* of the engines */
    uint64_t every;          /* instructions between two comparisons */
    uint64_t limit;          /* where it ends at the latest */
    FILE *stream;            /* for the report */
    /* In a forked process: what it shares with the other one, but for memory, is made its own.
     * NULL: there is nothing. */
    bool (*unshare)(void *opaque, struct error *err);
    void *opaque;
};

enum diverge_result { DIVERGE_SAME, DIVERGE_DIFFERENT, DIVERGE_FAILED };

/* Runs both to their end or the limit, or until they differ, and reports. There must be no other
 * threads. DIVERGE_FAILED: err says why. */
enum diverge_result diverge_run(const struct diverge *diverge, struct error *err);

#endif
