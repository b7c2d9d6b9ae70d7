/* The gdb stub: going on, stepping, and why the machine stopped.
 *
 * A step ends at the next boundary: behind an instruction, behind one iteration of a repeated one,
 * or at the first instruction of a handler, when an interrupt or a fault was taken instead. So
 * nothing that the processor does is passed over. */
#include "machine/gdb_private.h"

#include <errno.h>
#include <stdio.h>

/* --- points --- */

static bool on_hit(void *opaque, const struct point_hit *hit)
{
    struct gdb *gdb = opaque;
    struct journal_stamp stamp = machine_stamp(gdb->machine);
    if (gdb->hits == HITS_ARE_IGNORED)
        return false;
    if (gdb->hits == HITS_ARE_NOTED && journal_stamp_compare(&stamp, &gdb->before) >= 0)
        return false;
    /* An instruction may meet several watchpoints: the first is told. */
    if (gdb->has_hit && journal_stamp_compare(&gdb->hit_stamp, &stamp) == 0)
        return gdb->hits == HITS_STOP;
    gdb->has_hit = true;
    gdb->hit = *hit;
    gdb->hit_stamp = stamp;
    return gdb->hits == HITS_STOP;
}

void gdb_listen(struct gdb *gdb)
{
    points_set_listener(gdb->points, on_hit, gdb);
}

void gdb_took_event(struct gdb *gdb)
{
    gdb->took_event = true;
    gdb->quiet_from = machine_icount(gdb->machine) + 1;
}

/* The instruction will be restarted, and make its accesses again. */
void gdb_saw_fault(struct gdb *gdb)
{
    if (gdb->has_hit && gdb->hits == HITS_STOP && gdb->hit.icount == machine_icount(gdb->machine))
        gdb->has_hit = false;
    gdb_took_event(gdb);
    if (gdb_is_stepping(gdb))
        gdb->machine->cpu->attention |= ATTENTION_STOP;
}

/* --- stopping --- */

static const char *reason_of(const struct gdb *gdb)
{
    static const char *const reasons[GDB_POINT_TYPES] = {
        [GDB_SOFTWARE] = "swbreak:;", [GDB_HARDWARE] = "hwbreak:;", [GDB_WRITE] = "watch",
        [GDB_READ] = "rwatch",        [GDB_ACCESS] = "awatch",
    };
    return reasons[gdb->stop.hit.point.tag];
}

void gdb_send_stop(struct gdb *gdb)
{
    static const char *const logs[] = {"", "replaylog:begin;", "replaylog:end;"};
    gdb_put(gdb, "T%02xthread:1;%s", gdb->stop.signal, logs[gdb->stop.log]);
    if (gdb->stop.has_hit && gdb->stop.hit.point.kind != POINT_EXECUTE)
        gdb_put(gdb, "%s:%x;", reason_of(gdb), gdb->stop.hit.linear);
    else if (gdb->stop.has_hit && gdb->takes_reasons)
        gdb_put(gdb, "%s", reason_of(gdb));
    gdb_send(gdb);
}

void gdb_stop(struct gdb *gdb, const struct gdb_stop *stop)
{
    bool is_awaited = gdb->goal != GOAL_NONE && !gdb->is_searching;
    gdb->goal = GOAL_NONE;
    if (!gdb->is_searching)
        gdb->has_hit = false;
    gdb->stop = *stop;
    if (!gdb->machine->paused)
        machine_set_paused(gdb->machine, true);
    if (is_awaited)
        gdb_send_stop(gdb);
}

static bool is_in_range(const struct gdb *gdb)
{
    return gdb_pc(gdb) - gdb->range_first < gdb->range_end - gdb->range_first;
}

bool gdb_look(struct gdb *gdb)
{
    bool has_moved = gdb->took_event || machine_icount(gdb->machine) != gdb->from_icount;
    struct gdb_stop stop = {.signal = GDB_SIGTRAP};
    if (gdb->has_hit && gdb->hits == HITS_STOP) {
        stop.has_hit = true;
        stop.hit = gdb->hit;
        gdb_stop(gdb, &stop);
        return true;
    }
    if (!gdb_is_stepping(gdb) || !has_moved)
        return false;
    if (gdb->goal == GOAL_RANGE && is_in_range(gdb))
        return false;
    gdb_stop(gdb, &stop);
    return true;
}

bool gdb_is_stepping(const struct gdb *gdb)
{
    return gdb->goal == GOAL_STEP || gdb->goal == GOAL_RANGE;
}

bool gdb_saw_crash(struct gdb *gdb)
{
    const struct gdb_stop crashed = {.signal = GDB_SIGSEGV};
    if (!gdb->is_connected || (gdb->goal == GOAL_NONE && !gdb->is_searching))
        return false;
    gdb_stop(gdb, &crashed);
    return true;
}

/* --- going on --- */

/* A machine that has crashed ends now, as it would have without a client. */
static bool has_crashed(const struct machine *machine)
{
    return machine->cpu->activity == CPU_SHUTDOWN && !machine->config.reset_on_triple_fault;
}

static void go(struct gdb *gdb, enum gdb_goal goal)
{
    gdb->goal = goal;
    gdb->from_icount = machine_icount(gdb->machine);
    gdb->took_event = false;
    gdb->has_hit = false;
    gdb->hits = HITS_STOP;
    points_pass(gdb->points, true);
    if (has_crashed(gdb->machine))
        machine_request_stop(gdb->machine, STOP_TRIPLE_FAULT, EXIT_STATUS_GUEST_CRASH);
    machine_set_paused(gdb->machine, false);
}

/* c[ADDRESS] s[ADDRESS] CSIGNAL[;ADDRESS] SSIGNAL[;ADDRESS]; signals mean nothing to a machine. */
void gdb_resume_old(struct gdb *gdb, struct gdb_text *text, char action)
{
    uint64_t signal, address;
    bool has_signal = action == 'C' || action == 'S';
    bool ok = !has_signal || gdb_take_hex(text, &signal);
    bool has_address = ok && text->at != text->end;
    if (has_address)
        ok = (!has_signal || gdb_take_char(text, ';')) && gdb_take_hex(text, &address) &&
             text->at == text->end && gdb_set_pc(gdb, (uint32_t)address);
    if (ok)
        go(gdb, action == 's' || action == 'S' ? GOAL_STEP : GOAL_RUN);
    else
        gdb_send_error(gdb, EINVAL);
}

static bool take_action(struct gdb *gdb, struct gdb_text *text, enum gdb_goal *goal)
{
    uint64_t signal, first, end;
    if (gdb_take_char(text, 'c'))
        *goal = GOAL_RUN;
    else if (gdb_take_char(text, 's'))
        *goal = GOAL_STEP;
    else if (gdb_take_char(text, 't'))
        *goal = GOAL_NONE;
    else if (gdb_take_char(text, 'C') && gdb_take_hex(text, &signal))
        *goal = GOAL_RUN;
    else if (gdb_take_char(text, 'S') && gdb_take_hex(text, &signal))
        *goal = GOAL_STEP;
    else if (gdb_take_char(text, 'r') && gdb_take_hex(text, &first) && gdb_take_char(text, ',') &&
             gdb_take_hex(text, &end)) {
        *goal = GOAL_RANGE;
        gdb->range_first = (uint32_t)first;
        gdb->range_end = (uint32_t)end;
    } else {
        return false;
    }
    return true;
}

/* ;ACTION[:THREAD]...: the first is taken, because the one thread there is meets every one. */
void gdb_resume(struct gdb *gdb, struct gdb_text *text)
{
    const struct gdb_stop stopped = {.signal = GDB_SIGTRAP};
    enum gdb_goal goal;
    if (!gdb_take_char(text, ';') || !take_action(gdb, text, &goal)) {
        gdb_send_error(gdb, EINVAL);
        return;
    }
    if (goal != GOAL_NONE) {
        go(gdb, goal);
        return;
    }
    gdb->stop = stopped;
    gdb_send_stop(gdb);
}
