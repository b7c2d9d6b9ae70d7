/* A machine that plays a log from its beginning to its end, as `anachron replay` runs it. */
#ifndef MACHINE_PLAYER_H
#define MACHINE_PLAYER_H

#include "machine/machine.h"

struct player {
    bool is_on;
    struct machine_play play;
};

/* For the run loop, once a turn. True: the turn ends here. */
bool player_turn(struct machine *machine);
/* At most budget instructions. */
uint64_t player_budget(const struct machine *machine, uint64_t budget);
/* The machine has ended. */
void player_finish(struct machine *machine);

#endif
