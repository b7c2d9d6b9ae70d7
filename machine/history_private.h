/* Inside the history: checkpoints and what leads from one to the next. */
#ifndef MACHINE_HISTORY_PRIVATE_H
#define MACHINE_HISTORY_PRIVATE_H

#include "machine/disk_past.h"
#include "machine/history.h"
#include "machine/internal.h"
#include "machine/pack.h"
#include "snapshot/undo.h"

struct checkpoint {
    struct journal_stamp at;
    bool is_first; /* the first moment with this instruction count */
    struct journal_position journal;
    struct serial state;
    struct disk_backend *medium[GATE_DRIVE_COUNT];
    bool inserted[GATE_DRIVE_COUNT];
    /* Between this checkpoint and the next one: what leads back if it is before history->base, and
     * forward if not. Of the last one: nothing. */
    struct undo_log changes;
    uint64_t host_ns; /* of the processor, from here to the next one */
    uint64_t mark; /* made by a run through the past: history_marks.c counts them; 0: it is none */
};

/* A medium that is in no drive now, but is at another moment. */
struct kept_medium {
    struct disk_backend *medium;
    bool inserted;
};

/* A medium that was put in by an event of the journal, which ends at offset. */
struct insertion {
    uint64_t offset;
    struct disk_backend *medium;
};

struct history {
    struct history_options options;
    struct checkpoint **list; /* never empty */
    size_t count, capacity;
    /* The machine is before the tip, the last of the list. */
    bool in_past;
    /* Where events come from: the machine's own journal, or, of a machine that replays a log, that
     * one; such a machine goes on replaying at the tip. */
    const struct journal *journal;
    bool is_replay;
    size_t base; /* memory and disks are those of this checkpoint, but for what is in open */
    struct undo_log open;
    struct undo_pool *pool;
    uint64_t bytes;  /* as of the last checkpoint */
    uint64_t due_ns; /* host time of the next automatic checkpoint */
    uint64_t base_host_ns, base_pages;
    struct kept_medium *kept;
    size_t kept_count;
    struct insertion *insertion; /* of history->journal, in no order */
    size_t insertion_count;
    /* For history_info. */
    uint64_t made, merged, marks, pages, replayed, host_ns;
};

/* A new epoch: history->open, which is empty, takes what changes from now on. */
void history_begin_epoch(struct machine *machine);
/* The present becomes a checkpoint, and the base. is_first: the first moment with its count. */
void history_add_checkpoint(struct machine *machine, bool is_first);
/* What a checkpoint of this moment is, without what leads to the next one. The caller's to free. */
struct checkpoint *history_describe_present(struct machine *machine, bool is_first);
/* Puts it in front of number i, and takes it over. */
void history_insert(struct history *history, struct checkpoint *checkpoint, size_t i);
/* Forgets checkpoint number i, which is neither the first, nor the last, nor the base: what leads
 * over it is joined. */
void history_merge(struct history *history, size_t i);
/* Host memory of all of it, but for what is open. */
uint64_t history_bytes(const struct history *history);
/* Forgets all checkpoints; the caller makes one. */
void history_forget(struct machine *machine);
void history_drop_from(struct history *history, size_t first);

/* history_marks.c */
/* The instruction count at which a run from `from` to `to` makes its next mark, when the last one
 * or the checkpoint before is at `last`; `to`: there is none any more. */
uint64_t history_next_mark(const struct history *history, uint64_t last, uint64_t from,
                           uint64_t to);
/* At the first moment of an instruction count, in the past: a checkpoint, unless there is no room
 * or the next one has been passed. */
void history_make_mark(struct machine *machine);

/* history_media.c */
/* Media that are only kept for the past go back to whom they belong to. */
void history_end_media(struct machine *machine);
/* Forgets what was put in by events that end behind offset. */
void history_forget_insertions(struct history *history, uint64_t offset);

#endif
