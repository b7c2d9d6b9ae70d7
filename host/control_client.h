/* One connection to the control socket: bytes in and out, and lines in them. */
#ifndef HOST_CONTROL_CLIENT_H
#define HOST_CONTROL_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    CLIENT_LINE_MAX = 1 << 20,    /* bytes in a request */
    CLIENT_OUTPUT_MAX = 16 << 20, /* answers that nobody reads */
    CLIENT_REQUESTS_MAX = 256,    /* without an answer yet */
};

struct control_client {
    int fd;
    unsigned number; /* never the same again */
    bool ending;     /* closed as soon as everything is sent */
    bool broken;     /* closed now */
    unsigned requests;
    unsigned events; /* subscribed to: bits in the order of control_event_names */
    char *in;
    size_t in_size, in_room;
    char *out;
    size_t out_size, out_room;
};

/* Takes over fd, which does not block. */
struct control_client *client_new(int fd, unsigned number);
void client_free(struct control_client *client);

/* Reads what there is. False: the other side has closed, or there is an error. */
bool client_read(struct control_client *client);
/* Takes the next whole line out of what was read, without its newline; the caller frees. NULL:
 * there is none; *too_long: and there will be none. */
char *client_next_line(struct control_client *client, size_t *size, bool *too_long);
/* Queues message as a line, and takes it over. A client that does not read is given up. */
void client_send(struct control_client *client, json_t *message);
/* Writes as much as goes without waiting. */
void client_flush(struct control_client *client);

#endif
