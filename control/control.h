/* Requests to a running machine, from any thread.
 *
 * Nobody but the machine's own thread touches the machine. A window, a socket or a remote screen
 * posts a call (control/command.h); the run loop takes it at an instruction boundary, also while
 * the machine is paused or halted, carries it out, in several steps if it takes virtual time, and
 * calls back with the answer. What such a call does to the guest goes through the gate.
 *
 * Keys and mouse movements need no answer: they may go straight to the gate (machine_gate). */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include "control/command.h"
#include "record/gate.h"

/* Of the protocol on the control socket, docs/control.md: raised when something that was there
 * changes. */
enum { CONTROL_PROTOCOL_VERSION = 1 };

struct control;

/* What came of a request. result is NULL when it failed; then err says why, and status is what a
 * script would have ended with. */
struct control_outcome {
    const struct command *command;
    json_t *result; /* an object */
    const struct error *err;
    int status;
};

/* All of it is borrowed. Called exactly once per request: on the machine's thread, or in
 * control_post itself when the machine has ended. It must not wait for anything and must not post.
 */
typedef void control_answer(void *opaque, const struct control_outcome *outcome);
/* What a connection can subscribe to; ends with NULL. The last one is not announced: whoever serves
 * connections watches the screen for it. */
extern const char *const control_event_names[];

/* Something happened: "paused", "resumed", "stopped", "reset", "media". details is borrowed. On the
 * machine's thread, or in control_announce's caller. */
typedef void control_event(void *opaque, const char *name, json_t *details);

struct control *control_new(const struct command_table *table, struct gate *gate);
/* Nobody may post or listen any more. */
void control_free(struct control *control);

const struct command_table *control_table(const struct control *control);

/* From any thread. Takes the call over and leaves it empty. answer may be NULL. */
void control_post(struct control *control, struct command_call *call, control_answer *answer,
                  void *opaque);
/* The same from a line of text. False: err says what is wrong with it; answer is not called. */
bool control_post_line(struct control *control, const char *line, control_answer *answer,
                       void *opaque, struct error *err);

/* Hears of events from now on, until control_unlisten returns. From any thread but from an answer
 * or event. */
void control_listen(struct control *control, control_event *event, void *opaque);
void control_unlisten(struct control *control, control_event *event, void *opaque);

/* --- for the run loop --- */

struct control_request {
    struct command_call call; /* owned by who took it */
    control_answer *answer;
    void *opaque;
};

/* One relaxed load. */
bool control_pending(const struct control *control);
bool control_take(struct control *control, struct control_request *request);
/* Answers, and frees the call. */
void control_finish(struct control_request *request, json_t *result, const struct error *err,
                    int status);
void control_announce(struct control *control, const char *name, json_t *details);
/* The machine has ended: what is still there, and whatever comes later, is answered with reason. */
void control_close(struct control *control, const char *reason);

#endif
