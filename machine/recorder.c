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

void machine_record(struct machine *machine, struct log_writer *writer)
{
    machine->recorder = (struct recorder){.writer = writer, .marked_icount = UINT64_MAX};
    log_writer_events(writer, machine->journal);
}

bool machine_remembers_all(const struct machine *machine)
{
    return journal_begin(machine->journal).count == 0;
}
