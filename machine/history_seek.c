/* Going back and forth: from checkpoint to checkpoint by exchanging what has changed between them,
 * and from there by running the machine again. */
#include "base/memory.h"
#include "machine/history_private.h"

#include <string.h>

static struct checkpoint *tip(const struct history *history)
{
    return history->list[history->count - 1];
}

/* --- to a checkpoint --- */

static void swap_piece(void *context, uint64_t place, uint8_t *bytes)
{
    struct machine *machine = context;
    unsigned space = undo_space(place);
    if (space >= DISK_PAST_FIRST_SPACE) {
        disk_past_swap(machine->disk_past, place, bytes);
        return;
    }
    uint8_t present[UNDO_PIECE];
    size_t size;
    uint8_t *memory = bus_block(machine->bus, space, &size) + undo_index(place) * UNDO_PIECE;
    size_t address = (size_t)(memory - physmem_ram(machine->phys));
    if (memcmp(memory, bytes, UNDO_PIECE) == 0)
        return;
    if (address < physmem_ram_size(machine->phys))
        physmem_note_write(machine->phys, (uint32_t)address, UNDO_PIECE);
    memcpy(present, memory, UNDO_PIECE);
    memcpy(memory, bytes, UNDO_PIECE);
    memcpy(bytes, present, UNDO_PIECE);
}

static void exchange(struct machine *machine, struct undo_log *log)
{
    undo_exchange(log, machine->history->pool, swap_piece, machine);
}

static void place_media(struct machine *machine, const struct checkpoint *checkpoint)
{
    for (unsigned i = 0; i < GATE_DRIVE_COUNT; i++) {
        bool inserted = checkpoint->inserted[i];
        if (machine->medium[i] == checkpoint->medium[i])
            continue;
        struct disk_backend *old =
            machine_place_medium(machine, i, checkpoint->medium[i], &inserted);
        if (old)
            history_keep_medium(machine, old, inserted);
    }
}

static void set_past(struct machine *machine, const struct checkpoint *checkpoint)
{
    struct history *history = machine->history;
    history->in_past = checkpoint != tip(history);
    machine->muted = history->in_past;
    disk_past_set(machine->disk_past, history->in_past);
    if (history->in_past || history->is_replay)
        replay_begin(machine, history->journal, &checkpoint->journal);
    else
        replay_end(machine);
    if (history->in_past)
        replay_set_until(machine, &tip(history)->at);
    else
        disk_past_forget(machine->disk_past);
}

static void go_to(struct machine *machine, size_t target)
{
    struct history *history = machine->history;
    struct checkpoint *checkpoint = history->list[target];
    struct error err;
    disk_past_begin(machine->disk_past, NULL, NULL);
    exchange(machine, &history->open);
    undo_clear(&history->open, history->pool);
    while (history->base > target)
        exchange(machine, &history->list[--history->base]->changes);
    while (history->base < target)
        exchange(machine, &history->list[history->base++]->changes);
    place_media(machine, checkpoint);
    if (!machine_unpack(machine, checkpoint->state.bytes, checkpoint->state.size, &err)) {
        fprintf(stderr, "anachron: error: a checkpoint cannot be restored: %s\n", err.text);
        exit(EXIT_STATUS_HOST_ERROR);
    }
    machine_set_stamp(machine, &checkpoint->at);
    machine->turn_icount = checkpoint->is_first ? UINT64_MAX : checkpoint->at.icount;
    set_past(machine, checkpoint);
    history_begin_epoch(machine);
}

/* The present becomes the tip that the past leads to. */
static void leave_present(struct machine *machine)
{
    struct history *history = machine->history;
    struct journal_stamp now = machine_stamp(machine);
    recorder_leave(machine);
    if (journal_stamp_compare(&now, &tip(history)->at) != 0)
        history_add_checkpoint(machine, false);
}

void history_arrive(struct machine *machine)
{
    if (machine->history && machine->history->in_past && !machine->replay.is_lost)
        go_to(machine, machine->history->count - 1);
}

/* --- from there --- */

/* The last checkpoint from which the moment can be reached by running. */
static size_t find_start(const struct history *history, uint64_t icount)
{
    size_t found = 0;
    for (size_t i = 1; i < history->count; i++) {
        const struct checkpoint *checkpoint = history->list[i];
        if (checkpoint->at.icount < icount ||
            (checkpoint->at.icount == icount && checkpoint->is_first))
            found = i;
    }
    return found;
}

/* Whether the machine stands where it can run to the moment as soon as checkpoint start can. */
static bool is_on_the_way(const struct machine *machine, size_t start, uint64_t icount)
{
    const struct journal_stamp *at = &machine->history->list[start]->at;
    struct journal_stamp now = machine_stamp(machine);
    return machine->history->in_past && now.icount < icount && journal_stamp_compare(&now, at) >= 0;
}

/* A piece of the way to icount. */
static void run_leg(struct machine *machine, uint64_t icount)
{
    uint64_t limit = machine->config.stop_after, began = machine_icount(machine);
    machine->config.stop_after = icount;
    while (!machine->stop && !machine->paused && machine->history->in_past)
        machine_turn(machine);
    machine->config.stop_after = limit;
    machine->history->replayed += machine_icount(machine) - began;
}

/* Runs to the first moment of icount. False: it was paused before. */
static bool run_forward(struct machine *machine, uint64_t icount)
{
    uint64_t from = machine_icount(machine), leg;
    uint64_t last = machine->history->list[machine->history->base]->at.icount;
    bool was_seeking = machine->is_seeking;
    machine->is_seeking = true;
    machine->paused = false;
    for (;;) {
        leg = history_next_mark(machine->history, last, from, icount);
        run_leg(machine, leg);
        if (machine->stop != STOP_AFTER || leg == icount)
            break;
        machine->stop = STOP_NONE;
        machine->cpu->attention &= ~(uint32_t)ATTENTION_STOP;
        if (machine->cpu->activity == CPU_RUNNING)
            history_make_mark(machine);
        last = machine_icount(machine);
    }
    machine->is_seeking = was_seeking;
    bool arrived = !machine->paused && (machine->stop == STOP_AFTER || !machine->history->in_past);
    if (machine->stop == STOP_AFTER || machine->stop == STOP_LOST) {
        machine->stop = STOP_NONE;
        machine->cpu->attention &= ~(uint32_t)ATTENTION_STOP;
    }
    machine->paused = true;
    return arrived;
}

static bool cannot_reach(struct error *err, const struct history_info *info, uint64_t icount)
{
    return error_set(err,
                     "instruction %llu is not in the past that is kept, which is from %llu to %llu",
                     (unsigned long long)icount, (unsigned long long)info->oldest,
                     (unsigned long long)info->newest);
}

static bool seek_inside(struct machine *machine, uint64_t icount, struct error *err)
{
    struct history *history = machine->history;
    if (!machine->history->in_past)
        leave_present(machine);
    if (icount == tip(history)->at.icount) {
        go_to(machine, history->count - 1);
        return true;
    }
    size_t start = find_start(history, icount);
    if (!is_on_the_way(machine, start, icount))
        go_to(machine, start);
    if (history->list[start]->is_first && history->list[start]->at.icount == icount)
        return true;
    if (run_forward(machine, icount))
        return true;
    if (machine->replay.is_lost)
        error_set(err, "the machine did not come to instruction %llu again: %.300s",
                  (unsigned long long)icount, machine->replay.error.text);
    else
        error_set(err, "the machine stopped at instruction %llu on its way to %llu",
                  (unsigned long long)machine_icount(machine), (unsigned long long)icount);
    go_to(machine, history->count - 1);
    return false;
}

bool machine_seek(struct machine *machine, uint64_t icount, struct error *err)
{
    struct history_info info;
    history_check_media(machine);
    history_get_info(machine, &info);
    if (!info.is_kept)
        return error_set(err, "the past of this machine is not kept (see --history)");
    if (icount < info.oldest || icount > info.newest)
        return cannot_reach(err, &info, icount);
    bool ok = seek_inside(machine, icount, err);
    machine_set_paused(machine, true);
    machine_restart_pacing(machine);
    return ok;
}

/* Runs from the checkpoint before to the moment at which virtual time is ns. True: it is there.
 * False: the processor slept then, since *icount. */
static bool run_to_time(struct machine *machine, uint64_t ns, uint64_t *icount)
{
    struct history *history = machine->history;
    uint64_t limit = machine->config.stop_after;
    size_t start = 0;
    for (size_t i = 1; i < history->count; i++)
        if (history->list[i]->at.time_ns <= ns)
            start = i;
    go_to(machine, start);
    machine->is_seeking = true;
    machine->paused = false;
    *icount = machine_icount(machine);
    bool is_there = history->list[start]->at.time_ns == ns;
    while (!machine->stop && !machine->paused && history->in_past && !is_there &&
           machine_time(machine) <= ns) {
        *icount = machine_icount(machine);
        machine->config.stop_after = *icount + clock_insns_until(bus_clock(machine->bus), ns);
        machine_turn(machine);
        is_there = machine->stop == STOP_AFTER;
    }
    machine->config.stop_after = limit;
    machine->is_seeking = false;
    if (machine->stop == STOP_AFTER)
        machine->stop = STOP_NONE;
    return is_there;
}

bool machine_seek_time(struct machine *machine, uint64_t ns, struct error *err)
{
    struct history_info info;
    history_check_media(machine);
    history_get_info(machine, &info);
    if (!info.is_kept)
        return error_set(err, "the past of this machine is not kept (see --history)");
    if (ns < info.oldest_ns || ns > info.newest_ns)
        return error_set(
            err, "%.6f s is not in the past that is kept, which is from %.6f to %.6f s",
            (double)ns / 1e9, (double)info.oldest_ns / 1e9, (double)info.newest_ns / 1e9);
    if (!machine->history->in_past)
        leave_present(machine);
    uint64_t icount;
    if (ns == info.newest_ns)
        return machine_seek(machine, info.newest, err);
    if (!run_to_time(machine, ns, &icount))
        return machine_seek(machine, icount, err);
    machine_set_paused(machine, true);
    machine_restart_pacing(machine);
    return true;
}

bool history_run_to(struct machine *machine, uint64_t icount)
{
    if (!machine->history || !machine->history->in_past)
        return true;
    bool arrived = machine_icount(machine) >= icount || run_forward(machine, icount);
    machine_set_paused(machine, true);
    machine_restart_pacing(machine);
    return arrived;
}

/* A disk that cannot be written keeps its contents of this moment in memory. */
static void commit_disks(struct machine *machine)
{
    struct error err;
    if (disk_past_commit(machine->disk_past, &err))
        disk_past_set(machine->disk_past, false);
    else
        log_line(machine->log, LOG_WARNING,
                 "what the guest writes to a disk stays in memory from now on: %s", err.text);
}

bool history_go_live(struct machine *machine, struct error *err)
{
    struct history *history = machine->history;
    if (!history || !history->in_past)
        return true;
    struct journal_position position = replay_position(machine);
    struct journal_stamp now = machine_stamp(machine);
    if (!recorder_branch(machine, &now, &position, &tip(history)->at, err))
        return false;
    replay_end(machine);
    history_drop_from(history, history->base + 1);
    undo_clear(&history->list[history->base]->changes, history->pool);
    commit_disks(machine);
    history->in_past = machine->muted = false;
    if (history->is_replay) {
        history_forget(machine);
        history_add_checkpoint(machine, false);
    } else {
        journal_truncate(machine->journal, &position);
        history_forget_insertions(history, position.offset);
    }
    machine->checkpoint_due = false;
    recorder_go_on(machine);
    return true;
}
