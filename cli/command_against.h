/* `anachron diverge LOG --against OTHER`: where two builds of this program part on one log. Each is
 * asked for hashes of the state at some counts, ever closer together; at last, both dump their
 * states before and after one instruction. */
#ifndef COMMAND_AGAINST_H
#define COMMAND_AGAINST_H

#include "base/error.h"
#include "machine/machine.h"

#include <stdio.h>

struct against_probe {
    /* Below AGAINST_FINE, every count is reached without a stop from base, in a forked process:
     * where an engine stops, it does not run the code that it would run else. */
    uint64_t base, from, every;
    unsigned count;
    const char *dump; /* NULL: none; else the state at the last count goes there, RAM to DUMP.ram */
};

enum { AGAINST_POINTS = 64, AGAINST_FINE = 100000 };

/* "BASE:FROM:EVERY:COUNT", as --probe is given to a build. */
bool against_parse(const char *text, struct against_probe *probe, struct error *err);
/* What a build does when it is asked: prints a line "ICOUNT HASH" for each count that is reached.
 */
bool against_answer(const char *log, const struct against_probe *probe, enum engine engine,
                    int argc, char **argv, int *status, struct error *err);
/* The search, with argv[1..] for both builds (engine, translator). *differ: they do. limit: no
 * further than this. False: err says what went wrong. */
bool against_search(const char *log, const char *other, uint64_t limit, int argc, char **argv,
                    FILE *stream, bool *differ, struct error *err);

#endif
