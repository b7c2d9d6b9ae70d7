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
    uint64_t made, merged, pages, host_ns;
};

/* A new epoch: history->open, which is empty, takes what changes from now on. */
void history_begin_epoch(struct machine *machine);
/* The present becomes a checkpoint, and the base. is_first: the first moment with its count. */
void history_add_checkpoint(struct machine *machine, bool is_first);
/* Forgets all checkpoints; the caller makes one. */
void history_forget(struct machine *machine);
void history_drop_from(struct history *history, size_t first);

/* history_media.c */
/* Media that are only kept for the past go back to whom they belong to. */
void history_end_media(struct machine *machine);
/* Forgets what was put in by events that end behind offset. */
void history_forget_insertions(struct history *history, uint64_t offset);

#endif
