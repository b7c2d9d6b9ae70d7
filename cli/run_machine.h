/* A machine from the options of `anachron run`, without anybody who watches it: for commands that
 * run it in another way. */
#ifndef RUN_MACHINE_H
#define RUN_MACHINE_H

#include "machine/machine.h"

struct run;

/* Parses options and builds the machine, on the given engine. It is driven by virtual time and the
 * script alone: images stay as they are, output goes nowhere, nothing comes in. NULL: err says what
 * is wrong, *status is the exit status. */
struct run *run_open(int argc, char **argv, enum engine engine, int *status, struct error *err);
/* The same, but the log takes the place of the options of the guest's machine, and of the script:
 * the machine will play it to its end, and compare its check marks if asked to. */
struct run *run_open_log(const char *log, bool checks_marks, int argc, char **argv,
                         enum engine engine, int *status, struct error *err);
/* In a process that was forked: the images of the run are not shared with the other one any more.
 */
bool run_unshare(struct run *run, struct error *err);
struct machine *run_machine_of(struct run *run);
/* NULL does nothing. */
void run_close(struct run *run);

#endif
