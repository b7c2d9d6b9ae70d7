/* A question to a running machine, through its control socket. */
#ifndef HOST_CONTROL_ASK_H
#define HOST_CONTROL_ASK_H

#include "base/error.h"

#include <jansson.h>

enum control_asked {
    ASKED_OK,
    ASKED_REFUSED,     /* err is what the machine says */
    ASKED_NO_MACHINE,  /* nobody listens there */
    ASKED_INTERRUPTED, /* the machine ended before it answered */
    ASKED_LATE,        /* no answer in time */
};

/* Sends a request, an object on one line. False: it has ended. */
bool control_send(int fd, const json_t *request);

/* Asks for a command with arguments (an object, taken over; NULL: none), and waits for the answer
 * for at most timeout_s seconds (0: for ever). */
enum control_asked control_ask(const char *path, const char *command, json_t *arguments,
                               unsigned timeout_s, struct error *err);

#endif
