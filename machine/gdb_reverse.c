/* The gdb stub: going back, on the machine's history (machine/history.h).
 *
 * To go back is to seek to an earlier moment and to run forward again, with the points noted
 * instead of obeyed: the last one before the place where the client stood is where it wants to be.
 * That is done from one checkpoint to the next, from behind. A history is sought by instruction
 * count; at one count several interrupts and faults may be taken, so the rest of the way is made in
 * steps, event by event. */
#include "machine/gdb_private.h"
#include "machine/history.h"

#include <errno.h>

enum { CHECKPOINTS_MAX = 4096 };

struct search {
    struct gdb *gdb;
    struct history_info history;
    struct journal_stamp origin; /* where the client stands */
    bool is_interrupted;
};

static struct journal_stamp here(const struct gdb *gdb)
{
    return machine_stamp(gdb->machine);
}

static bool is_earlier(const struct journal_stamp *a, const struct journal_stamp *b)
{
    return journal_stamp_compare(a, b) < 0;
}

bool gdb_leave_past(struct gdb *gdb)
{
    struct error err;
    if (gdb->machine->player.is_on)
        return false;
    if (!history_go_live(gdb->machine, &err)) {
        log_line(gdb->machine->log, LOG_WARNING, "%s", err.text);
        return false;
    }
    return !gdb->machine->replay.is_on;
}

void gdb_send_no_change(struct gdb *gdb, int number)
{
    struct history_info info;
    history_get_info(gdb->machine, &info);
    gdb_send_error(gdb, gdb->machine->player.is_on || info.in_past ? EROFS : number);
}

/* --- moving without the client's seeing it --- */

/* The instruction count from which the machine is run on its way to icount, or a later one. */
static uint64_t start_of_seek(const struct search *search, uint64_t icount)
{
    const struct machine *machine = search->gdb->machine;
    uint64_t counts[CHECKPOINTS_MAX], start = icount;
    unsigned count = history_list(machine, counts, CHECKPOINTS_MAX);
    for (unsigned i = 0; i < count && i < CHECKPOINTS_MAX && counts[i] <= icount; i++)
        start = counts[i];
    return machine_icount(machine) < icount && machine_icount(machine) > start
               ? machine_icount(machine)
               : start;
}

static bool seek(struct search *search, uint64_t icount)
{
    struct gdb *gdb = search->gdb;
    struct error err;
    gdb->hits = HITS_ARE_IGNORED;
    gdb->quiet_from = start_of_seek(search, icount) + 1;
    return machine_seek(gdb->machine, icount, &err);
}

/* To the next boundary, but not beyond the origin's count. */
static void step(struct search *search)
{
    struct gdb *gdb = search->gdb;
    gdb->goal = GOAL_STEP;
    gdb->from_icount = machine_icount(gdb->machine);
    gdb->took_event = false;
    history_run_to(gdb->machine, search->origin.icount + 1);
    gdb->goal = GOAL_NONE;
}

/* Boundary by boundary up to the first one that is not earlier than limit; how many steps that
 * took.
 */
static unsigned step_up_to(struct search *search, const struct journal_stamp *limit)
{
    unsigned steps = 0;
    for (struct journal_stamp now = here(search->gdb); is_earlier(&now, limit); steps++) {
        struct journal_stamp last = now;
        step(search);
        now = here(search->gdb);
        if (journal_stamp_compare(&now, &last) == 0)
            break; /* there is nothing further */
    }
    return steps;
}

/* From a moment at or before it to the origin, or to what comes closest behind it. */
static void run_to_origin(struct search *search)
{
    if (machine_icount(search->gdb->machine) < search->origin.icount)
        history_run_to(search->gdb->machine, search->origin.icount);
    step_up_to(search, &search->origin);
}

/* As many boundaries behind the first moment of icount. */
static bool go_to(struct search *search, uint64_t icount, unsigned steps)
{
    if (!seek(search, icount))
        return false;
    while (steps--)
        step(search);
    return true;
}

/* How many boundaries there are from the first moment of icount to the last one that is earlier
 * than limit; -1: none. */
static int count_boundaries(struct search *search, uint64_t icount,
                            const struct journal_stamp *limit)
{
    if (!seek(search, icount))
        return -1;
    search->gdb->hits = HITS_ARE_NOTED;
    return (int)step_up_to(search, limit) - 1;
}

/* --- steps --- */

/* To the boundary before the origin. Nearly always it is an instruction back; else the boundaries
 * are counted on the way there. False: that is before the oldest moment. */
static bool step_back(struct search *search)
{
    uint64_t icount = search->origin.icount;
    if (icount > search->history.oldest)
        icount--;
    if (icount >= search->gdb->quiet_from && icount < search->origin.icount &&
        !points_watch_data(search->gdb->points))
        return seek(search, icount);
    int steps = count_boundaries(search, icount, &search->origin);
    return steps >= 0 && go_to(search, icount, (unsigned)steps);
}

/* --- to the last point that was met --- */

/* Looks at the time between two counts. True: gdb->hit is the last point there. */
static bool search_piece(struct search *search, uint64_t from, uint64_t to)
{
    struct gdb *gdb = search->gdb;
    if (!seek(search, from))
        return false;
    gdb->has_hit = false;
    gdb->hits = HITS_ARE_NOTED;
    if (to == search->origin.icount)
        run_to_origin(search);
    else
        history_run_to(gdb->machine, to);
    return gdb->has_hit;
}

static bool go_to_hit(struct search *search)
{
    struct gdb *gdb = search->gdb;
    struct journal_stamp wanted = gdb->hit_stamp, now;
    if (!seek(search, wanted.icount))
        return false;
    /* A seek to the tip's count ends at the tip itself. */
    now = here(gdb);
    if (is_earlier(&wanted, &now) && wanted.icount > search->history.oldest &&
        !seek(search, wanted.icount - 1))
        return false;
    step_up_to(search, &wanted);
    now = here(gdb);
    return !is_earlier(&now, &wanted);
}

/* The past can be long. */
static bool is_wanted_elsewhere(struct gdb *gdb)
{
    return debugger_wants_stop(gdb->debugger) || atomic_load(&gdb->machine->outside_status) >= 0;
}

static bool continue_back(struct search *search)
{
    uint64_t counts[CHECKPOINTS_MAX];
    uint64_t to = search->origin.icount;
    unsigned count = history_list(search->gdb->machine, counts, CHECKPOINTS_MAX);
    if (count > CHECKPOINTS_MAX)
        count = CHECKPOINTS_MAX;
    for (unsigned i = count; i-- > 0;) {
        if (counts[i] > to || (counts[i] == to && i > 0))
            continue;
        if (search_piece(search, counts[i], to))
            return go_to_hit(search);
        search->is_interrupted = is_wanted_elsewhere(search->gdb);
        if (search->is_interrupted)
            return seek(search, counts[i]);
        to = counts[i];
    }
    return false;
}

/* --- the packets --- */

/* A moment is before what came from outside then; the client stood behind that. */
static void deliver_present(struct machine *machine)
{
    if (machine->replay.is_on)
        replay_deliver(machine);
}

/* In front of a write that is taken back, a watchpoint is told as in the other direction. */
static void tell(const struct search *search, const struct point_hit *hit)
{
    struct gdb_stop stop = {.signal = search->is_interrupted ? GDB_SIGINT : GDB_SIGTRAP};
    stop.has_hit = hit != NULL;
    if (hit)
        stop.hit = *hit;
    gdb_stop(search->gdb, &stop);
    gdb_send_stop(search->gdb);
}

static void tell_beginning(struct search *search)
{
    const struct gdb_stop begins = {.signal = GDB_SIGTRAP, .log = LOG_BEGINS};
    if (search->history.is_kept)
        seek(search, search->history.oldest);
    gdb_stop(search->gdb, &begins);
    gdb_send_stop(search->gdb);
}

void gdb_go_back(struct gdb *gdb, bool is_step)
{
    struct search search = {.gdb = gdb, .origin = here(gdb)};
    history_get_info(gdb->machine, &search.history);
    gdb->before = search.origin;
    gdb->has_hit = false;
    gdb->is_searching = true;
    points_pass(gdb->points, false);
    bool found = search.history.is_kept && (is_step ? step_back(&search) : continue_back(&search));
    if (found)
        deliver_present(gdb->machine);
    gdb->is_searching = false;
    gdb->goal = GOAL_NONE;
    gdb->hits = HITS_STOP;
    bool is_hit = found && gdb->has_hit && gdb->hit.icount == machine_icount(gdb->machine) &&
                  (!is_step || gdb->hit.point.kind != POINT_EXECUTE);
    struct point_hit hit = gdb->hit;
    if (found)
        tell(&search, is_hit ? &hit : NULL);
    else
        tell_beginning(&search);
}
