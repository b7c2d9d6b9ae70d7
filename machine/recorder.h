/* Writes the machine's journal to a log file as the run goes on, with check marks: every now and
 * then a hash of processor and chips, which takes some fifty microseconds, and more rarely one of
 * the whole state. How often is a matter of the host's time, so that all of it costs about one per
 * cent; where they stand does not matter for a replay, as each has its moment. */
#ifndef MACHINE_RECORDER_H
#define MACHINE_RECORDER_H

#include "machine/machine.h"

struct recorder {
    struct log_writer *writer;           /* NULL: nothing is recorded */
    uint64_t next_chips_ns, next_all_ns; /* host time of the next marks */
    uint64_t marked_icount;              /* of the last one */
    /* What the log begins with: a place in the journal, and the moment (power-on, or that of the
     * state in it). */
    struct journal_position begin;
    struct journal_stamp begin_stamp;
    bool begins_anew; /* recorder_go_on has to open a log */
};

/* What nobody records is kept as far back: some hundred thousand keys. */
enum { RECORDER_KEPT_BYTES = 8 << 20 };

/* For the run loop: now and then, and at the end of the run. */
void recorder_poll(struct machine *machine, uint64_t host_now);
void recorder_finish(struct machine *machine, int status);

/* The machine is about to leave its present for the past, from which it may not come back here: the
 * log gets a check mark. */
void recorder_leave(struct machine *machine);
/* The machine will be live in its past, at the moment `at`, with events up to `position`; it has
 * been recorded up to `tip`. That log ends, and another one is opened: with all that both share,
 * or, of a moment before the log's beginning, when recorder_go_on is called. False: err, and
 * nothing has changed. Does nothing for a machine that is not recorded. */
bool recorder_branch(struct machine *machine, const struct journal_stamp *at,
                     const struct journal_position *position, const struct journal_stamp *tip,
                     struct error *err);
/* It is live there. */
void recorder_go_on(struct machine *machine);

#endif
