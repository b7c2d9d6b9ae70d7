/* Inside machine/: the moment at which the machine stands, and running from the journal instead of
 * the gate.
 *
 * While a replay is on, the run loop takes events from a cursor into a journal, each at its very
 * moment; what comes through the gate is dropped, the script stands still, and commands that change
 * the guest fail. Everything else goes on as ever. */
#ifndef MACHINE_REPLAY_H
#define MACHINE_REPLAY_H

#include "machine/machine.h"
#include "record/journal.h"

struct replay {
    bool is_on;
    bool verifies; /* check marks are compared; they cost a hash of the state each */
    const struct journal *journal;
    struct journal_position position, after; /* before and behind the next record */
    bool has_record;
    struct journal_record record; /* the next one */
    bool has_until;
    struct journal_stamp until; /* replay_to ends there */
    unsigned idle_turns;        /* in which nothing happened, since last */
    struct journal_stamp last;
    bool is_lost; /* error says why */
    struct error error;
    uint64_t events, marks;         /* played, compared; each once */
    uint64_t furthest;              /* records of the journal that are counted in these */
    struct journal_stamp last_good; /* of the last mark that was right */
};

/* --- the moment --- */

/* After the state has been replaced by one that was kept at stamp. */
void machine_set_stamp(struct machine *machine, const struct journal_stamp *stamp);
/* Something was done to the guest between two instructions: a timer expired, an interrupt was
 * taken, the board was reset. */
void machine_note_order(struct machine *machine);
/* The gate's log: everything from outside goes into the machine's journal. */
void machine_record_event(void *opaque, const struct gate_event *event);

/* --- replay --- */

/* From now on, events are those of journal behind from, which must be the machine's past or
 * future: the state is that of the moment from. The journal outlives the replay. */
void replay_begin(struct machine *machine, const struct journal *journal,
                  const struct journal_position *from);
/* The machine is live again where it is. */
void replay_end(struct machine *machine);
/* The replay shall not go beyond the moment: replay_deliver says when it is reached. */
void replay_set_until(struct machine *machine, const struct journal_stamp *until);
/* Where in the journal it is: before the next record. */
struct journal_position replay_position(const struct machine *machine);
/* Runs until the moment `to`, all its events delivered. Neither script nor requests are looked at.
 * False: the machine has ended or was paused before (err is empty), or has left the recorded way
 * (err says where). */
bool replay_to(struct machine *machine, const struct journal_stamp *to, struct error *err);

/* The machine is not where the record says: ends the run, and keeps the reason. Returns true. */
bool replay_lose(struct machine *machine, const char *what);

/* --- for the run loop --- */

/* Delivers what is due at this moment. True: replay_to's end is reached, or the way is lost. */
bool replay_deliver(struct machine *machine);
/* At most budget instructions, so that the next moment of interest is not passed. */
uint64_t replay_budget(struct machine *machine, uint64_t budget);
/* Virtual time to which a halted processor may sleep; CLOCK_NEVER: no limit. */
uint64_t replay_due_time(const struct machine *machine);

#endif
