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
};

/* What nobody records is kept as far back: some hundred thousand keys. */
enum { RECORDER_KEPT_BYTES = 8 << 20 };

/* For the run loop: now and then, and at the end of the run. */
void recorder_poll(struct machine *machine, uint64_t host_now);
void recorder_finish(struct machine *machine, int status);

#endif
