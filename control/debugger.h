/* Between a debugger's connection and the machine.
 *
 * The connection (host/gdb_server.h) has a thread and speaks packets; the machine (machine/gdb.h)
 * answers them on its own thread, between two instructions, also while it is paused. What stands
 * here is only the hand-over: messages to the machine, answers back. */
#ifndef CONTROL_DEBUGGER_H
#define CONTROL_DEBUGGER_H

#include "record/gate.h"

#include <stdbool.h>
#include <stddef.h>

struct debugger;

enum debugger_event {
    DEBUGGER_CAME,      /* a client has connected: the machine stops for it */
    DEBUGGER_PACKET,    /* it wants something: payload of a packet */
    DEBUGGER_INTERRUPT, /* it wants the machine to stop */
    DEBUGGER_LEFT,      /* the connection is gone */
};

struct debugger_message {
    enum debugger_event event;
    size_t size;
    unsigned connection; /* debugger_set_answer counts */
    struct debugger_message *next;
    char payload[]; /* terminated, but may hold any byte */
};

/* An answer, or word that the machine has stopped: the payload of a packet, borrowed. On the
 * machine's thread; must not wait. */
typedef void debugger_answer(void *opaque, const char *payload, size_t size);

struct debugger *debugger_new(struct gate *gate);
/* Nobody may post any more. */
void debugger_free(struct debugger *debugger);

/* --- for the connection --- */

/* Who gets the answers from now on; NULL: nobody. What was posted and not taken is forgotten, and
 * what is answered to it goes nowhere. Does not return while an answer is being given. */
void debugger_set_answer(struct debugger *debugger, debugger_answer *answer, void *opaque);
/* False: the machine has not taken the last ones yet, and there are too many, or it has ended.
 * DEBUGGER_CAME and DEBUGGER_LEFT are always taken. */
bool debugger_post(struct debugger *debugger, enum debugger_event event, const char *payload,
                   size_t size);

/* --- for the machine --- */

/* One relaxed load. */
bool debugger_pending(const struct debugger *debugger);
/* NULL: there is none. The caller frees with mem_free. */
struct debugger_message *debugger_take(struct debugger *debugger);
/* Whether a DEBUGGER_INTERRUPT is waiting, for what takes long. */
bool debugger_wants_stop(struct debugger *debugger);
void debugger_send(struct debugger *debugger, const char *payload, size_t size);
/* The machine has ended: takes no more. */
void debugger_close(struct debugger *debugger);

#endif
