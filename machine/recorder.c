/* See machine/recorder.h. */
#include "machine/recorder.h"

#include "base/time128.h"
#include "machine/internal.h"
#include "record/log_file.h"

/* A mark of each kind at most so often, and so many times its own cost apart. */
#define CHIPS_NS (20 * NS_PER_MILLISECOND)
#define ALL_NS   (1000 * NS_PER_MILLISECOND)
enum { COST_SHARE = 200 };

static uint64_t mark(struct machine *machine, enum journal_kind kind, uint64_t host_now,
                     uint64_t at_least)
{
    struct journal_stamp stamp = machine_stamp(machine);
    uint64_t hash =
        kind == JOURNAL_MARK_ALL ? machine_state_hash(machine) : state_hash_structs(machine->state);
    journal_append_mark(machine->journal, &stamp, kind, hash);
    machine->recorder.marked_icount = stamp.icount;
    uint64_t pause = (machine_host_time() - host_now) * COST_SHARE;
    return host_now + (pause > at_least ? pause : at_least);
}

void recorder_poll(struct machine *machine, uint64_t host_now)
{
    struct recorder *recorder = &machine->recorder;
    if (machine->replay.is_on)
        return;
    if (!recorder->writer) {
        struct journal_position end = journal_end(machine->journal);
        if (!machine->history && journal_size(machine->journal) > RECORDER_KEPT_BYTES)
            journal_trim(machine->journal, &end);
        return;
    }
    bool has_moved = machine_icount(machine) != recorder->marked_icount;
    if (has_moved && host_now >= recorder->next_all_ns)
        recorder->next_all_ns = mark(machine, JOURNAL_MARK_ALL, host_now, ALL_NS);
    else if (has_moved && host_now >= recorder->next_chips_ns)
        recorder->next_chips_ns = mark(machine, JOURNAL_MARK_CHIPS, host_now, CHIPS_NS);
    log_writer_events(recorder->writer, machine->journal);
}

static const char *reason_of(const struct machine *machine)
{
    switch (machine->stop) {
    case STOP_POWER_OFF:
        return "power off";
    case STOP_DEBUG_EXIT:
        return "debug exit";
    case STOP_TRIPLE_FAULT:
        return "triple fault";
    case STOP_DEAD_HALT:
        return "dead halt";
    case STOP_SCRIPT:
        return "script";
    case STOP_OUTSIDE:
        return "stopped";
    default:
        return "limit";
    }
}

void recorder_finish(struct machine *machine, int status)
{
    struct recorder *recorder = &machine->recorder;
    if (!recorder->writer || machine->replay.is_on)
        return;
    mark(machine, JOURNAL_MARK_ALL, machine_host_time(), 0);
    struct journal_stamp stamp = machine_stamp(machine);
    log_writer_events(recorder->writer, machine->journal);
    log_writer_end(recorder->writer, &stamp, status, reason_of(machine));
}

static void begin(struct machine *machine, struct log_writer *writer,
                  const struct journal_position *from, const struct journal_stamp *stamp)
{
    machine->recorder = (struct recorder){
        .writer = writer, .marked_icount = UINT64_MAX, .begin = *from, .begin_stamp = *stamp};
    journal_follow_from(machine->journal, from);
    log_writer_events(writer, machine->journal);
}

void machine_record(struct machine *machine, struct log_writer *writer)
{
    struct journal_position from = journal_begin(machine->journal);
    begin(machine, writer, &from, &(struct journal_stamp){0});
}

void machine_record_from_here(struct machine *machine, struct log_writer *writer)
{
    struct journal_position from = journal_end(machine->journal);
    struct journal_stamp now = machine_stamp(machine);
    begin(machine, writer, &from, &now);
}

/* --- branches --- */

void recorder_leave(struct machine *machine)
{
    if (!machine->recorder.writer || machine->replay.is_on)
        return;
    if (machine->recorder.marked_icount != machine_icount(machine))
        mark(machine, JOURNAL_MARK_CHIPS, machine_host_time(), 0);
    log_writer_events(machine->recorder.writer, machine->journal);
}

/* Media that were put into drives by events up to position. */
static unsigned count_media(const struct machine *machine, const struct journal_position *position)
{
    struct journal_position at = machine->recorder.begin;
    struct journal_record record;
    unsigned count = 0;
    while (at.offset < position->offset && journal_read(machine->journal, &at, &record)) {
        if (record.kind != JOURNAL_EVENT)
            continue;
        count += record.event.kind == GATE_MEDIA && record.event.u.media.specification;
        gate_event_free(&record.event);
    }
    return count;
}

bool recorder_branch(struct machine *machine, const struct journal_stamp *at,
                     const struct journal_position *position, const struct journal_stamp *tip,
                     struct error *err)
{
    struct recorder *recorder = &machine->recorder;
    const struct machine_outside *outside = &machine->config.outside;
    if (!recorder->writer)
        return true;
    if (!outside->branch)
        return error_set(err, "there is nobody to write another log");
    struct machine_branch branch = {.at = *at, .tip = *tip};
    branch.is_shared = journal_stamp_compare(at, &recorder->begin_stamp) >= 0;
    if (branch.is_shared)
        branch.media = count_media(machine, position);
    struct log_writer *writer;
    if (!outside->branch(outside->opaque, &branch, &writer, err))
        return false;
    recorder->writer = writer;
    recorder->begins_anew = !writer;
    return true;
}

void recorder_go_on(struct machine *machine)
{
    struct recorder *recorder = &machine->recorder;
    const struct machine_outside *outside = &machine->config.outside;
    struct error err;
    if (recorder->writer)
        begin(machine, recorder->writer, &recorder->begin, &recorder->begin_stamp);
    else if (recorder->begins_anew && !outside->record(outside->opaque, NULL, &err))
        log_line(machine->log, LOG_WARNING, "the run is not recorded any more: %s", err.text);
    recorder->begins_anew = false;
}

bool machine_remembers_all(const struct machine *machine)
{
    return journal_begin(machine->journal).count == 0;
}
