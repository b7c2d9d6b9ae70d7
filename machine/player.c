/* See machine/player.h. */
#include "machine/player.h"

#include "machine/internal.h"

void machine_play(struct machine *machine, struct journal *journal, const struct machine_play *play)
{
    struct journal_position begin = journal_begin(journal);
    journal_free(machine->journal);
    machine->journal = journal;
    machine->player = (struct player){true, *play};
    machine->replay.verifies = !play->ignores_marks;
    if (play->begin.time_ns)
        machine_set_stamp(machine, &play->begin);
    replay_begin(machine, journal, &begin);
}

static void go_live(struct machine *machine)
{
    struct journal_position here = replay_position(machine);
    replay_end(machine);
    journal_truncate(machine->journal, &here);
    machine->player.is_on = false;
    machine_set_paused(machine, false);
    if (machine->player.play.went_live)
        machine->player.play.went_live(machine->player.play.opaque);
}

static void arrive(struct machine *machine)
{
    switch (machine->player.play.at_end) {
    case PLAY_STOPS:
        machine_request_stop(machine, STOP_PLAYED, EXIT_STATUS_OK);
        break;
    case PLAY_PAUSES:
        machine_set_paused(machine, true);
        break;
    case PLAY_GOES_LIVE:
        go_live(machine);
        break;
    }
}

bool player_turn(struct machine *machine)
{
    if (machine->replay.has_record && machine_icount(machine) < machine->player.play.to)
        return false;
    arrive(machine);
    return true;
}

uint64_t player_budget(const struct machine *machine, uint64_t budget)
{
    uint64_t left = machine->player.play.to - machine_icount(machine);
    return left < budget ? left : budget;
}

void player_finish(struct machine *machine)
{
    struct replay *replay = &machine->replay;
    if (!machine->player.is_on || machine->stop == STOP_PLAYED || machine->stop == STOP_OUTSIDE ||
        machine->stop == STOP_AFTER)
        return;
    /* The last marks stand where the machine has ended. */
    replay_deliver(machine);
    if (replay->has_record && !replay->is_lost)
        replay_lose(machine, "the machine has ended before its record does");
    if (replay->is_lost) {
        machine->stop = STOP_LOST;
        machine->stop_status = EXIT_STATUS_HOST_ERROR;
    }
}

void machine_play_result(const struct machine *machine, struct machine_play_result *result)
{
    const struct replay *replay = &machine->replay;
    *result = (struct machine_play_result){
        .events = replay->events,
        .marks = replay->marks,
        .good = replay->last_good,
        .is_lost = replay->is_lost,
        .error = replay->error,
    };
}
