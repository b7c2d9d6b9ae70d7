/* The journal: every event that came through the gate, with the moment at which it did.
 *
 * Delivered again at the same moments, from the same state, they make the same run. A moment is
 * more than an instruction count: a processor that halts stays at one count while time passes, and
 * at one count and time timers expire and interrupts are taken, before or after which an event may
 * have come. So a stamp has three parts, and grows with each of them in turn.
 *
 * Records are kept as bytes, some five to ten for a key, so that a log file holds the same; a
 * position is a place between two of them. Check marks (a hash of the machine's state at a moment)
 * stand among the events.
 *
 * A journal belongs to one thread, the machine's. */
#ifndef RECORD_JOURNAL_H
#define RECORD_JOURNAL_H

#include "base/error.h"
#include "record/gate.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct journal_stamp {
    uint64_t icount;  /* instructions retired */
    uint64_t time_ns; /* virtual time */
    /* What the machine has done to the guest at this count and time, between instructions: timers
     * that expired, interrupts and faults that were taken, resets. */
    uint32_t order;
};

/* Less than, equal to, or greater than 0: a is before, at or after b. */
int journal_stamp_compare(const struct journal_stamp *a, const struct journal_stamp *b);

enum journal_kind {
    JOURNAL_EVENT,
    JOURNAL_MARK_CHIPS, /* hash over processor and chips, without memory */
    JOURNAL_MARK_ALL,   /* hash over the whole state */
};

struct journal_record {
    struct journal_stamp stamp;
    enum journal_kind kind;
    uint64_t hash; /* of a mark */
    /* A medium's disk is NULL, as it cannot be recorded; its specification is. gate_event_free. */
    struct gate_event event;
};

/* Before the first record, between two, or behind the last. Plain data: may be copied, and put
 * back into the journal's functions as long as its place has not been trimmed or truncated. */
struct journal_position {
    uint64_t offset;            /* bytes since the journal began, trimmed ones included */
    uint64_t count;             /* records before it */
    struct journal_stamp stamp; /* of the record before it; all 0 at the beginning */
};

struct journal;

struct journal *journal_new(void);
/* NULL does nothing. */
void journal_free(struct journal *journal);

/* stamp is not before that of the last record. */
void journal_append_event(struct journal *journal, const struct journal_stamp *stamp,
                          const struct gate_event *event);
void journal_append_mark(struct journal *journal, const struct journal_stamp *stamp,
                         enum journal_kind kind, uint64_t hash);

/* The oldest place that has not been trimmed, and the place behind the last record. */
struct journal_position journal_begin(const struct journal *journal);
struct journal_position journal_end(const struct journal *journal);
/* Bytes that it holds. */
size_t journal_size(const struct journal *journal);
/* Reads the record behind position and moves it behind that. False: there is none. */
bool journal_read(const struct journal *journal, struct journal_position *position,
                  struct journal_record *record);

/* An empty journal goes on from a place in another one, whose earlier records it will never have.
 */
void journal_start_at(struct journal *journal, const struct journal_position *position);
/* Forgets what is before position, or behind it. */
void journal_trim(struct journal *journal, const struct journal_position *position);
void journal_truncate(struct journal *journal, const struct journal_position *position);

/* The records from position on as bytes, for a file. Valid until the journal changes. */
const uint8_t *journal_bytes(const struct journal *journal, const struct journal_position *position,
                             size_t *size);
/* How far a file has followed: moved back by journal_truncate if that forgets what the file has
 * (*rewound: then the file must forget it as well). At the beginning of the journal at first. */
struct journal_position journal_followed(const struct journal *journal, bool *rewound);
/* The file has everything now. */
void journal_follow(struct journal *journal);
/* From now on it is another file, which has what comes before position; not before
 * journal_begin. */
void journal_follow_from(struct journal *journal, const struct journal_position *position);
/* Appends bytes that journal_bytes gave, from the place where this journal ends. False: they are
 * not whole records of growing stamps; err says so, and nothing was appended. */
bool journal_append_bytes(struct journal *journal, const uint8_t *bytes, size_t size,
                          struct error *err);

#endif
