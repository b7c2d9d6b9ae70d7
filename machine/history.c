/* The row of checkpoints: making them, thinning them out, and what they cost. See
 * machine/history.h; history_seek.c goes back and forth among them. */
#include "base/memory.h"
#include "base/time128.h"
#include "machine/history_private.h"

#include <string.h>
#include <time.h>

/* Saving a page costs about so much, with the trap that tells of it. */
#define PAGE_COST_NS UINT64_C(1500)

enum {
    COST_SHARE = 50, /* at most one part in so many of the run is for checkpoints */
    SLOWEST = 16,    /* times the interval that was asked for */
};

/* A seek runs the machine from the checkpoint before: within the last minute of virtual time, for
 * at most REPLAY_NS on the host; further back, longer in proportion. */
#define RECENT_NS (60 * NS_PER_SECOND)
#define REPLAY_NS (500 * NS_PER_MILLISECOND)

static uint64_t thread_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

/* --- an epoch --- */

static void on_first_write(void *opaque, unsigned block, size_t page)
{
    struct machine *machine = opaque;
    struct history *history = machine->history;
    size_t size;
    const uint8_t *memory = bus_block(machine->bus, block, &size);
    history->pages++;
    undo_add(&history->open, history->pool, undo_place(block, page), memory + page * UNDO_PIECE);
    if (undo_pool_used(history->pool) > history->options.limit_bytes)
        machine->checkpoint_due |= !history->in_past;
}

void history_begin_epoch(struct machine *machine)
{
    struct history *history = machine->history;
    disk_past_begin(machine->disk_past, &history->open, history->pool);
    bus_arm_pages(machine->bus);
    history->base_host_ns = thread_time();
    history->base_pages = history->pages;
}

/* --- checkpoints --- */

void history_insert(struct history *history, struct checkpoint *checkpoint, size_t i)
{
    if (history->count == history->capacity) {
        history->capacity = history->capacity ? 2 * history->capacity : 64;
        history->list = mem_resize(history->list, history->capacity * sizeof *history->list);
    }
    memmove(history->list + i + 1, history->list + i, (history->count - i) * sizeof *history->list);
    history->list[i] = checkpoint;
    history->count++;
}

static void free_checkpoint(struct history *history, struct checkpoint *checkpoint)
{
    undo_clear(&checkpoint->changes, history->pool);
    serial_free(&checkpoint->state);
    mem_free(checkpoint);
}

void history_drop_from(struct history *history, size_t first)
{
    while (history->count > first)
        free_checkpoint(history, history->list[--history->count]);
}

/* Forgets checkpoint number i; what its changes were is in those of the one before, or forgotten
 * as well. */
static void take_out(struct history *history, size_t i)
{
    free_checkpoint(history, history->list[i]);
    memmove(history->list + i, history->list + i + 1,
            (history->count - i - 1) * sizeof *history->list);
    history->count--;
    history->base -= history->base > i;
}

uint64_t history_bytes(const struct history *history)
{
    uint64_t bytes = undo_pool_used(history->pool);
    for (size_t i = 0; i < history->count; i++) {
        const struct checkpoint *checkpoint = history->list[i];
        bytes += sizeof *checkpoint + checkpoint->state.capacity +
                 checkpoint->changes.capacity * sizeof(struct undo_item);
    }
    return bytes;
}

struct checkpoint *history_describe_present(struct machine *machine, bool is_first)
{
    struct checkpoint *checkpoint = mem_new(sizeof *checkpoint);
    checkpoint->at = machine_stamp(machine);
    checkpoint->journal =
        machine->replay.is_on ? replay_position(machine) : journal_end(machine->journal);
    /* A moment comes before what came from outside at its count. */
    checkpoint->is_first = is_first && checkpoint->journal.stamp.icount != checkpoint->at.icount;
    machine_pack(machine, &checkpoint->state);
    checkpoint->state.bytes = mem_resize(checkpoint->state.bytes, checkpoint->state.size);
    checkpoint->state.capacity = checkpoint->state.size;
    for (unsigned i = 0; i < GATE_DRIVE_COUNT; i++) {
        checkpoint->medium[i] = machine->medium[i];
        checkpoint->inserted[i] = machine->inserted[i];
    }
    return checkpoint;
}

/* Whether events come from where they came from at the checkpoints before. */
static bool is_same_source(const struct machine *machine)
{
    const struct history *history = machine->history;
    return history->is_replay == machine->replay.is_on &&
           history->journal == (machine->replay.is_on ? machine->replay.journal : machine->journal);
}

void history_add_checkpoint(struct machine *machine, bool is_first)
{
    struct history *history = machine->history;
    if (history->count && !is_same_source(machine))
        history_forget(machine);
    struct checkpoint *checkpoint = history_describe_present(machine, is_first);
    history->is_replay = machine->replay.is_on;
    history->journal = machine->replay.is_on ? machine->replay.journal : machine->journal;
    if (history->count) {
        struct checkpoint *last = history->list[history->base];
        last->changes = history->open;
        last->host_ns = thread_time() - history->base_host_ns;
        history->open = (struct undo_log){0};
    }
    history_insert(history, checkpoint, history->count);
    history->base = history->count - 1;
    history->made++;
    history_begin_epoch(machine);
}

/* --- thinning out --- */

/* How long a replay from before checkpoint i to the one after it may take on the host. */
static uint64_t allowed_replay(const struct history *history, size_t i)
{
    uint64_t age = history->list[history->count - 1]->at.time_ns - history->list[i + 1]->at.time_ns;
    return age <= RECENT_NS ? REPLAY_NS : muldiv64(REPLAY_NS, age, RECENT_NS);
}

static uint64_t replay_without(const struct history *history, size_t i)
{
    return history->list[i - 1]->host_ns + history->list[i]->host_ns;
}

void history_merge(struct history *history, size_t i)
{
    struct checkpoint *before = history->list[i - 1], *out = history->list[i];
    /* Of a piece that changes twice, what counts is how it is at the far end. */
    if (i > history->base) {
        struct undo_log forward = out->changes;
        out->changes = before->changes;
        before->changes = forward;
    }
    undo_merge(&before->changes, &out->changes, history->pool);
    before->host_ns += out->host_ns;
    take_out(history, i);
    history->merged++;
}

/* The checkpoint that is missed least; 0: each is needed. */
static size_t find_dispensable(const struct history *history)
{
    size_t best = 0;
    double best_share = 1;
    for (size_t i = 1; i + 1 < history->count; i++) {
        double share = (double)replay_without(history, i) / (double)allowed_replay(history, i);
        if (share < best_share) {
            best = i;
            best_share = share;
        }
    }
    return best;
}

/* A guest that mostly sleeps writes little, and is run again quickly. */
static void join_short(struct history *history)
{
    while (history->count > 2 &&
           replay_without(history, history->count - 2) < history->options.every_ns / 2)
        history_merge(history, history->count - 2);
}

void history_forget(struct machine *machine)
{
    struct history *history = machine->history;
    history_drop_from(history, 0);
    undo_clear(&history->open, history->pool);
    history->base = 0;
}

static void keep_to_limit(struct machine *machine)
{
    struct history *history = machine->history;
    size_t i;
    while (history_bytes(history) > history->options.limit_bytes && history->count > 1) {
        if ((i = find_dispensable(history)) > 0)
            history_merge(history, i);
        else
            take_out(history, 0);
    }
    history->bytes = history_bytes(history);
    if (!history->is_replay && !machine->recorder.writer &&
        journal_size(machine->journal) > RECORDER_KEPT_BYTES)
        journal_trim(machine->journal, &history->list[0]->journal);
}

/* --- automatic ones --- */

/* When the next one is due: not before what this one has cost is a small part of the run. */
static void schedule(struct machine *machine, uint64_t began, uint64_t pages)
{
    struct history *history = machine->history;
    const uint64_t every = history->options.every_ns;
    uint64_t now = machine_host_time();
    uint64_t cost = now - began + pages * PAGE_COST_NS;
    history->host_ns += cost;
    if (every == UINT64_MAX) {
        history->due_ns = every;
        return;
    }
    uint64_t interval = cost * COST_SHARE;
    if (interval < every)
        interval = every;
    if (interval > every * SLOWEST)
        interval = every * SLOWEST;
    history->due_ns = now + interval;
}

static void make_checkpoint(struct machine *machine, bool is_first)
{
    struct history *history = machine->history;
    uint64_t began = machine_host_time(), pages = history->pages - history->base_pages;
    machine->checkpoint_due = false;
    if (disk_past_has_failed(machine->disk_past)) {
        log_line(machine->log, LOG_WARNING,
                 "a disk could not be read before it was written: what was before is forgotten");
        history_forget(machine);
    }
    history_add_checkpoint(machine, is_first);
    join_short(history);
    keep_to_limit(machine);
    schedule(machine, began, pages);
}

void history_poll(struct machine *machine, uint64_t host_now)
{
    if (machine->history && !machine->history->in_past && host_now >= machine->history->due_ns)
        machine->checkpoint_due = true;
}

void history_turn(struct machine *machine)
{
    if (!machine->history || machine->history->in_past)
        machine->checkpoint_due = false;
    else if (machine->is_first_moment && machine->cpu->activity == CPU_RUNNING)
        make_checkpoint(machine, true);
}

void history_checkpoint(struct machine *machine)
{
    struct history *history = machine->history;
    if (!history || history->in_past)
        return;
    struct journal_stamp now = machine_stamp(machine);
    if (journal_stamp_compare(&now, &history->list[history->base]->at) != 0)
        make_checkpoint(machine, false);
}

/* --- the whole --- */

bool history_start(struct machine *machine, const struct history_options *options,
                   struct error *err)
{
    if (machine->history)
        return error_set(err, "the machine's past is kept already");
    struct history *history = machine->history = mem_new(sizeof *history);
    history->options = *options;
    if (!history->options.limit_bytes)
        history->options.limit_bytes = HISTORY_DEFAULT_BYTES;
    if (!history->options.every_ns)
        history->options.every_ns = HISTORY_DEFAULT_EVERY_NS;
    if (!history->options.mark_spacing)
        history->options.mark_spacing = HISTORY_DEFAULT_MARK_SPACING;
    history->pool = undo_pool_new();
    bus_set_page_watcher(machine->bus, on_first_write, machine);
    make_checkpoint(machine, false);
    return true;
}

void history_stop(struct machine *machine)
{
    struct history *history = machine->history;
    if (!history)
        return;
    bus_set_page_watcher(machine->bus, NULL, NULL);
    disk_past_begin(machine->disk_past, NULL, NULL);
    history_end_media(machine);
    history_forget(machine);
    undo_pool_free(history->pool);
    mem_free(history->list);
    mem_free(history);
    machine->history = NULL;
}

void history_get_info(const struct machine *machine, struct history_info *info)
{
    const struct history *history = machine->history;
    *info = (struct history_info){
        .present = machine_icount(machine),
        .present_ns = machine_time(machine),
    };
    if (!history)
        return;
    const struct journal_stamp *oldest = &history->list[0]->at;
    const struct journal_stamp *newest = &history->list[history->count - 1]->at;
    info->is_kept = true;
    info->in_past = history->in_past;
    info->oldest = oldest->icount;
    info->oldest_ns = oldest->time_ns;
    info->newest = info->in_past ? newest->icount : info->present;
    info->newest_ns = info->in_past ? newest->time_ns : info->present_ns;
    info->checkpoints = (unsigned)history->count;
    info->bytes = history_bytes(history) + history->open.capacity * sizeof(struct undo_item);
    info->made = history->made;
    info->merged = history->merged;
    info->marks = history->marks;
    info->replayed = history->replayed;
    info->pages = history->pages;
    info->sectors = disk_past_saved(machine->disk_past);
    info->host_ns = history->host_ns;
}

unsigned history_list(const struct machine *machine, uint64_t *counts, unsigned room)
{
    const struct history *history = machine->history;
    unsigned count = history ? (unsigned)history->count : 0;
    for (unsigned i = 0; i < count && i < room; i++)
        counts[i] = history->list[i]->at.icount;
    return count;
}
