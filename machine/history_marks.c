/* Marks: checkpoints that a run through the past leaves behind.
 *
 * Who has gone back mostly goes back again, and not far: by another instruction, to the breakpoint
 * before. So a run to an earlier moment leaves a row of checkpoints on its way, which become denser
 * towards its end. The next run begins at one of them instead of at the checkpoint before.
 *
 * A mark divides what leads from one checkpoint to the next. What has been saved since the first of
 * them leads back from the mark to it. What led forward from there leads forward from the mark,
 * too: it holds the pages that are written on the whole way, as they are at its end. */
#include "base/time128.h"
#include "machine/history_private.h"

enum {
    SPACING_SHARE = 8, /* no two marks are further apart than this part of the run */
    MEMORY_SHARE = 4,  /* beyond its limit, the history may take this part of it for marks */
};

static uint64_t memory_limit(const struct history *history)
{
    return history->options.limit_bytes + history->options.limit_bytes / MEMORY_SHARE;
}

uint64_t history_next_mark(const struct history *history, uint64_t last, uint64_t from, uint64_t to)
{
    uint64_t least = history->options.mark_spacing;
    uint64_t spacing = last < to ? (to - last) / 2 : 0;
    if (spacing > (to - from) / SPACING_SHARE)
        spacing = (to - from) / SPACING_SHARE;
    if (spacing < least)
        spacing = least;
    uint64_t next = last + spacing > from ? last + spacing : from + 1;
    return next < to && to - next >= least ? next : to;
}

/* Forgets the mark that was made longest ago and is not needed to stand on. False: there is none.
 */
static bool forget_oldest(struct history *history)
{
    size_t oldest = 0;
    for (size_t i = 1; i + 1 < history->count; i++) {
        uint64_t number = history->list[i]->mark;
        if (number && i != history->base && (!oldest || number < history->list[oldest]->mark))
            oldest = i;
    }
    if (oldest)
        history_merge(history, oldest);
    return oldest != 0;
}

static bool make_room(struct history *history)
{
    while (history_bytes(history) > memory_limit(history))
        if (!forget_oldest(history))
            return false;
    return true;
}

/* Of the host's time from first to the one after it, which is shared out by instructions. */
static void divide_time(struct checkpoint *first, struct checkpoint *mark,
                        const struct checkpoint *next)
{
    uint64_t whole = next->at.icount - first->at.icount;
    uint64_t part = mark->at.icount - first->at.icount;
    uint64_t host_ns = muldiv64(first->host_ns, part, whole);
    mark->host_ns = first->host_ns - host_ns;
    first->host_ns = host_ns;
}

void history_make_mark(struct machine *machine)
{
    struct history *history = machine->history;
    struct checkpoint *first = history->list[history->base];
    const struct checkpoint *next = history->list[history->base + 1];
    struct journal_stamp now = machine_stamp(machine);
    if (now.icount <= first->at.icount || now.icount >= next->at.icount || !make_room(history))
        return;
    struct checkpoint *mark = history_describe_present(machine, true);
    mark->mark = ++history->marks;
    divide_time(first, mark, next);
    mark->changes = first->changes;
    first->changes = history->open;
    history->open = (struct undo_log){0};
    history_insert(history, mark, ++history->base);
    history_begin_epoch(machine);
}
