/* Runs a machine that is kept by name (store/store.h): on a working copy of its disk, from its
 * saved state if there is one. */
#ifndef RUN_KEPT_H
#define RUN_KEPT_H

#include "cli/run_options.h"
#include "store/instance.h"

struct run_kept {
    struct instance *instance;
    const char *disk;  /* specification of its own disk, with ,snapshot; NULL: it has none */
    const char *state; /* file with the state to go on from; NULL: power on */
    const char *delta; /* file with what its disk has got already (store/delta.h); NULL: nothing */
    bool discards;     /* what comes of an end that nobody has said more about */
    /* It can be controlled from now on. False: it shall not run. */
    bool (*ready)(void *opaque, struct error *err);
    void *opaque;
};

/* Returns the exit status. options: --control is set here. */
int run_kept(const struct run_options *options, const struct run_kept *kept);

#endif
