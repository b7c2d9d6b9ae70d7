/* See machine/replay.h. */
#include "machine/replay.h"

#include "machine/internal.h"

#include <string.h>

/* A turn of the run loop need not get on, but so many in a row that do not never will. */
enum { PATIENCE = 64 };

/* --- the moment --- */

struct journal_stamp machine_stamp(const struct machine *machine)
{
    const struct cpu *cpu = machine->cpu;
    struct journal_stamp stamp = {cpu_icount(cpu), machine_time(machine), 0};
    if (stamp.icount == machine->moment.icount && stamp.time_ns == machine->moment.time_ns)
        stamp.order = machine->moment.order << 1;
    /* The first fault at a count does not count as an instruction. */
    stamp.order |= cpu->fault_icount == stamp.icount;
    return stamp;
}

void machine_set_stamp(struct machine *machine, const struct journal_stamp *stamp)
{
    machine->moment = *stamp;
    machine->moment.order >>= 1;
}

void machine_note_order(struct machine *machine)
{
    struct journal_stamp now = machine_stamp(machine);
    machine->moment = now;
    machine->moment.order = (now.order >> 1) + 1;
}

void machine_record_event(void *opaque, const struct gate_event *event)
{
    struct machine *machine = opaque;
    struct journal_stamp stamp = machine_stamp(machine);
    journal_append_event(machine->journal, &stamp, event);
}

/* --- the cursor --- */

static void read_next(struct replay *replay)
{
    replay->position = replay->after;
    replay->has_record = journal_read(replay->journal, &replay->after, &replay->record);
}

void replay_begin(struct machine *machine, const struct journal *journal,
                  const struct journal_position *from)
{
    struct replay *replay = &machine->replay;
    struct replay before = *replay;
    replay_end(machine);
    *replay = (struct replay){.is_on = true,
                              .verifies = before.verifies,
                              .journal = journal,
                              .after = *from,
                              .events = before.events,
                              .marks = before.marks,
                              .furthest = before.furthest,
                              .last_good = before.last_good};
    read_next(replay);
}

void replay_end(struct machine *machine)
{
    struct replay *replay = &machine->replay;
    if (replay->has_record && replay->record.kind == JOURNAL_EVENT)
        gate_event_free(&replay->record.event);
    replay->is_on = replay->has_record = replay->has_until = false;
}

void replay_set_until(struct machine *machine, const struct journal_stamp *until)
{
    machine->replay.has_until = true;
    machine->replay.until = *until;
}

struct journal_position replay_position(const struct machine *machine)
{
    return machine->replay.position;
}

bool replay_lose(struct machine *machine, const char *what)
{
    struct replay *replay = &machine->replay;
    struct journal_stamp now = machine_stamp(machine);
    if (replay->is_lost)
        return true;
    replay->is_lost = true;
    error_set(&replay->error, "%s, at instruction %llu (%.9f s)", what,
              (unsigned long long)now.icount, (double)now.time_ns / 1e9);
    machine_request_stop(machine, STOP_LOST, EXIT_STATUS_HOST_ERROR);
    return true;
}

/* --- what is due --- */

static bool open_medium(struct machine *machine, struct gate_event *event)
{
    const struct machine_outside *outside = &machine->config.outside;
    const char *specification = event->u.media.specification;
    struct error err = {"there is nobody to open images"};
    if (!specification || history_find_inserted(machine))
        return true;
    if (outside->open_image)
        event->u.media.disk = outside->open_image(outside->opaque, specification,
                                                  event->u.media.drive == GATE_CDROM, &err);
    if (event->u.media.disk)
        return true;
    char text[sizeof err.text + 64];
    snprintf(text, sizeof text, "a medium that was put in cannot be opened: %.400s", err.text);
    return !replay_lose(machine, text);
}

static bool play_event(struct machine *machine)
{
    struct replay *replay = &machine->replay;
    struct gate_event event = replay->record.event;
    if (event.kind == GATE_MEDIA && !open_medium(machine, &event))
        return false;
    replay->events += replay->after.count > replay->furthest;
    gate_replay(machine->gate, &event);
    return true;
}

static bool compare_mark(struct machine *machine)
{
    struct replay *replay = &machine->replay;
    const struct journal_record *mark = &replay->record;
    if (!replay->verifies)
        return true;
    replay->marks += replay->after.count > replay->furthest;
    uint64_t hash = mark->kind == JOURNAL_MARK_ALL ? machine_state_hash(machine)
                                                   : state_hash_structs(machine->state);
    if (hash == mark->hash) {
        replay->last_good = mark->stamp;
        return true;
    }
    char text[160];
    snprintf(text, sizeof text,
             "check mark %llu of the log differs: %s is %016llx, and was %016llx when recorded",
             (unsigned long long)replay->marks,
             mark->kind == JOURNAL_MARK_ALL ? "the state" : "the state of processor and chips",
             (unsigned long long)hash, (unsigned long long)mark->hash);
    return !replay_lose(machine, text);
}

/* The first moment that must not be passed; false: there is none. */
static bool horizon(const struct replay *replay, struct journal_stamp *stamp)
{
    if (replay->has_record)
        *stamp = replay->record.stamp;
    if (replay->has_until &&
        (!replay->has_record || journal_stamp_compare(&replay->until, stamp) < 0))
        *stamp = replay->until;
    return replay->has_record || replay->has_until;
}

/* Less than 0: it is not there yet; 0: now; greater than 0: it has been passed. */
static int place(const struct machine *machine, const struct journal_stamp *stamp)
{
    if (machine_icount(machine) < stamp->icount)
        return -1;
    struct journal_stamp now = machine_stamp(machine);
    return journal_stamp_compare(&now, stamp);
}

bool replay_deliver(struct machine *machine)
{
    struct replay *replay = &machine->replay;
    while (replay->has_record && !replay->is_lost) {
        int where = place(machine, &replay->record.stamp);
        if (where > 0)
            return replay_lose(machine,
                               "the machine has passed the moment of the next recorded event");
        if (where < 0 ||
            (replay->has_until && journal_stamp_compare(&replay->record.stamp, &replay->until) > 0))
            break;
        bool ok =
            replay->record.kind == JOURNAL_EVENT ? play_event(machine) : compare_mark(machine);
        if (!ok)
            return true;
        if (replay->after.count > replay->furthest)
            replay->furthest = replay->after.count;
        read_next(replay);
    }
    if (!replay->has_until || replay->is_lost)
        return replay->is_lost;
    int where = place(machine, &replay->until);
    if (where > 0)
        return replay_lose(machine, "the machine has passed the moment where it should stop");
    return where == 0;
}

/* Turns in which nothing happens must end. */
static void notice_progress(struct machine *machine)
{
    struct replay *replay = &machine->replay;
    struct journal_stamp now = machine_stamp(machine);
    if (journal_stamp_compare(&now, &replay->last) != 0)
        replay->idle_turns = 0;
    else if (++replay->idle_turns > PATIENCE)
        replay_lose(machine, "the moment of the next recorded event does not come");
    replay->last = now;
}

uint64_t replay_budget(struct machine *machine, uint64_t budget)
{
    struct journal_stamp stamp;
    if (!horizon(&machine->replay, &stamp))
        return budget;
    uint64_t icount = machine_icount(machine);
    if (stamp.icount > icount)
        return stamp.icount - icount < budget ? stamp.icount - icount : budget;
    notice_progress(machine);
    /* The moment is between this one and the next instruction's: a fault is on the way. */
    return place(machine, &stamp) < 0 && budget ? 1 : 0;
}

uint64_t replay_due_time(const struct machine *machine)
{
    struct journal_stamp stamp;
    if (!horizon(&machine->replay, &stamp) || stamp.icount > machine_icount(machine))
        return CLOCK_NEVER;
    return stamp.time_ns;
}

bool replay_to(struct machine *machine, const struct journal_stamp *to, struct error *err)
{
    struct replay *replay = &machine->replay;
    replay->has_until = true;
    replay->until = *to;
    replay->idle_turns = 0;
    while (!machine->stop && !machine->paused && place(machine, to) < 0)
        machine_turn(machine);
    bool arrived = !replay->is_lost && replay_deliver(machine);
    replay->has_until = false;
    *err = (struct error){""};
    if (replay->is_lost)
        *err = replay->error;
    if (machine->stop == STOP_LOST) {
        machine->stop = STOP_NONE;
        return false;
    }
    return arrived;
}
