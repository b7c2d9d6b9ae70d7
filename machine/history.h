/* The machine's past: checkpoints in memory, and seeking among them.
 *
 * A history holds a row of checkpoints, from the oldest to the present. Each is the packed state of
 * processor and chips, and what has to be put back to come to it from the next one: the pages of
 * memory and the sectors of disks that were written since, as they were before. Between two
 * checkpoints the machine is run again: it is deterministic, and what came from outside is in the
 * journal (record/journal.h).
 *
 *     oldest checkpoint ... checkpoint ... checkpoint ... tip
 *                                  ^ present, after a seek ("in the past")
 *
 * The tip is the furthest point that has been reached. A machine at its tip is live: it takes
 * input, and new checkpoints are made. A machine before its tip is in the past: what comes from
 * outside is refused, the journal is played instead, what the guest puts out has been put out
 * before and is not repeated, and the files of disks are not touched. From there it can run forward
 * (it is live again when it reaches the tip), seek again, or forget what came later and be live at
 * once (history_go_live).
 *
 * A moment is named by its instruction count. A processor that halts stays at one count while time
 * passes: then the moment is the first with that count, where machine_run_to stops as well: timers
 * that are due have expired, and the next instruction or interrupt has not begun.
 *
 * All functions are for the machine's thread, between two instructions: where commands are carried
 * out, or while machine_run does not run. */
#ifndef MACHINE_HISTORY_H
#define MACHINE_HISTORY_H

#include "machine/machine.h"

#define HISTORY_DEFAULT_BYTES    (UINT64_C(96) << 20)
#define HISTORY_MIN              (UINT64_C(1) << 20)
#define HISTORY_MAX              (UINT64_C(64) << 30)
#define HISTORY_DEFAULT_EVERY_NS (500 * UINT64_C(1000000)) /* of the host's time */
/* Instructions that are run again as quickly as a checkpoint is made. */
#define HISTORY_DEFAULT_MARK_SPACING (UINT64_C(1) << 16)

/* Starts to keep the past; the first checkpoint is now. False: err says why it cannot be kept. */
bool history_start(struct machine *machine, const struct history_options *options,
                   struct error *err);
/* Forgets all of it, for a machine that is not run any more. If it is in the past, the images of
 * its disks stay what they are at the tip. */
void history_stop(struct machine *machine);

struct history_info {
    bool is_kept;       /* history_start; all else is 0 if not, but present */
    bool in_past;       /* present < newest, or halted at the same count but earlier */
    uint64_t oldest;    /* instruction counts that machine_seek can reach, both inclusive */
    uint64_t newest;    /* the tip */
    uint64_t present;   /* where the machine is */
    uint64_t oldest_ns; /* virtual times of the same three */
    uint64_t newest_ns;
    uint64_t present_ns;
    unsigned checkpoints;
    uint64_t bytes; /* of host memory that they take */
    /* What they have cost so far. */
    uint64_t made, merged;
    uint64_t marks;          /* checkpoints that were made in the past, beside made */
    uint64_t replayed;       /* instructions that were run again, to come to a moment of the past */
    uint64_t pages, sectors; /* saved before they were overwritten */
    uint64_t host_ns;        /* spent in making, merging and restoring */
};
void history_get_info(const struct machine *machine, struct history_info *info);

/* A checkpoint at this moment, if there is none yet. In the past: nothing. */
void history_checkpoint(struct machine *machine);

/* Instruction counts of the checkpoints, oldest first, into counts; how many there are (which may
 * be more than room). For those who search the past from behind, piece by piece. */
unsigned history_list(const struct machine *machine, uint64_t *counts, unsigned room);

/* Brings the machine to the moment of icount, oldest to newest, and pauses it there: state and
 * future are those of the first time. icount == newest: the tip itself, and so live.
 * False: nothing has changed, and err says what can be reached. */
bool machine_seek(struct machine *machine, uint64_t icount, struct error *err);
/* The same by virtual time: the first moment at or after ns, or, if the processor slept then, that
 * at which it had begun to. */
bool machine_seek_time(struct machine *machine, uint64_t ns, struct error *err);
/* Runs forward on the known way, at most to icount (or to the tip, if that is earlier), until
 * something pauses or stops the machine: a breakpoint. Leaves it paused. True: it came to icount
 * or the tip; false: it was paused before. For a machine in the past. */
bool history_run_to(struct machine *machine, uint64_t icount);
/* Forgets what came after the present moment: this is the tip now, and the machine is live (and
 * paused, if it was). Disks become what they are at this moment. If the run is recorded, its log
 * stays as it is, and what follows goes to another one, a branch. False: that cannot be made, as
 * err says, and nothing has changed. */
bool history_go_live(struct machine *machine, struct error *err);

#endif
