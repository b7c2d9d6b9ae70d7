/* See record/journal.h. */
#include "record/journal.h"

#include "base/memory.h"
#include "record/journal_code.h"

#include <assert.h>
#include <string.h>

struct journal {
    uint8_t *bytes; /* those of begin.offset to end.offset, from front on */
    size_t front, room;
    struct journal_position begin, end, followed;
    bool rewound;
};

int journal_stamp_compare(const struct journal_stamp *a, const struct journal_stamp *b)
{
    if (a->icount != b->icount)
        return a->icount < b->icount ? -1 : 1;
    if (a->time_ns != b->time_ns)
        return a->time_ns < b->time_ns ? -1 : 1;
    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    return 0;
}

struct journal *journal_new(void)
{
    struct journal *journal = mem_new(sizeof *journal);
    journal->room = 2 * RECORD_BYTES_MAX;
    journal->bytes = mem_new(journal->room);
    return journal;
}

void journal_free(struct journal *journal)
{
    if (!journal)
        return;
    mem_free(journal->bytes);
    mem_free(journal);
}

static size_t held(const struct journal *journal)
{
    return (size_t)(journal->end.offset - journal->begin.offset);
}

static const uint8_t *at(const struct journal *journal, uint64_t offset)
{
    assert(offset >= journal->begin.offset && offset <= journal->end.offset);
    return journal->bytes + journal->front + (offset - journal->begin.offset);
}

/* Where the next bytes go. */
static uint8_t *make_room(struct journal *journal, size_t size)
{
    size_t used = held(journal);
    if (journal->front + used + size > journal->room) {
        if (journal->front)
            memmove(journal->bytes, journal->bytes + journal->front, used);
        journal->front = 0;
        if (used + size > journal->room / 2) {
            journal->room = (used + size) * 2;
            journal->bytes = mem_resize(journal->bytes, journal->room);
        }
    }
    return journal->bytes + journal->front + used;
}

static void append(struct journal *journal, const struct journal_record *record)
{
    assert(journal_stamp_compare(&record->stamp, &journal->end.stamp) >= 0);
    uint8_t *bytes = make_room(journal, RECORD_BYTES_MAX);
    journal->end.offset += journal_encode(record, &journal->end.stamp, bytes);
    journal->end.count++;
    journal->end.stamp = record->stamp;
}

void journal_append_event(struct journal *journal, const struct journal_stamp *stamp,
                          const struct gate_event *event)
{
    append(journal, &(struct journal_record){*stamp, JOURNAL_EVENT, 0, *event});
}

void journal_append_mark(struct journal *journal, const struct journal_stamp *stamp,
                         enum journal_kind kind, uint64_t hash)
{
    append(journal, &(struct journal_record){.stamp = *stamp, .kind = kind, .hash = hash});
}

struct journal_position journal_begin(const struct journal *journal)
{
    return journal->begin;
}

struct journal_position journal_end(const struct journal *journal)
{
    return journal->end;
}

size_t journal_size(const struct journal *journal)
{
    return held(journal);
}

bool journal_read(const struct journal *journal, struct journal_position *position,
                  struct journal_record *record)
{
    if (position->offset >= journal->end.offset)
        return false;
    struct journal_stamp stamp;
    size_t size = journal_decode(at(journal, position->offset),
                                 (size_t)(journal->end.offset - position->offset), &position->stamp,
                                 &stamp, record);
    assert(size);
    position->offset += size;
    position->count++;
    position->stamp = stamp;
    return true;
}

void journal_start_at(struct journal *journal, const struct journal_position *position)
{
    assert(!held(journal));
    journal->begin = journal->end = journal->followed = *position;
    journal->front = 0;
}

void journal_trim(struct journal *journal, const struct journal_position *position)
{
    journal->front += (size_t)(at(journal, position->offset) - at(journal, journal->begin.offset));
    journal->begin = *position;
    if (journal->followed.offset < position->offset)
        journal->followed = *position;
}

void journal_truncate(struct journal *journal, const struct journal_position *position)
{
    assert(position->offset >= journal->begin.offset && position->offset <= journal->end.offset);
    journal->end = *position;
    if (journal->followed.offset > position->offset) {
        journal->followed = *position;
        journal->rewound = true;
    }
}

struct journal_position journal_followed(const struct journal *journal, bool *rewound)
{
    *rewound = journal->rewound;
    return journal->followed;
}

void journal_follow(struct journal *journal)
{
    journal->followed = journal->end;
    journal->rewound = false;
}

void journal_follow_from(struct journal *journal, const struct journal_position *position)
{
    assert(position->offset >= journal->begin.offset && position->offset <= journal->end.offset);
    journal->followed = *position;
    journal->rewound = false;
}

const uint8_t *journal_bytes(const struct journal *journal, const struct journal_position *position,
                             size_t *size)
{
    *size = (size_t)(journal->end.offset - position->offset);
    return at(journal, position->offset);
}

bool journal_append_bytes(struct journal *journal, const uint8_t *bytes, size_t size,
                          struct error *err)
{
    struct journal_position end = journal->end;
    for (size_t done = 0; done < size; end.count++) {
        struct journal_stamp stamp;
        size_t one = journal_decode(bytes + done, size - done, &end.stamp, &stamp, NULL);
        if (!one)
            return error_set(err, "event %llu of it is no event that this version knows",
                             (unsigned long long)end.count + 1);
        done += one;
        end.stamp = stamp;
    }
    end.offset += size;
    memcpy(make_room(journal, size), bytes, size);
    journal->end = end;
    return true;
}
