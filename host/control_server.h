/* The control socket: JSON lines on a Unix socket, docs/control.md. A thread of its own serves all
 * connections; what they ask for goes through the machine's struct control. */
#ifndef HOST_CONTROL_SERVER_H
#define HOST_CONTROL_SERVER_H

#include "base/error.h"
#include "control/control.h"
#include "control/screen.h"

struct control_server;

/* Listens at path. NULL: err says why. */
struct control_server *control_server_open(const char *path, struct error *err);
/* Begins to serve. control and screen must outlive the server. */
bool control_server_start(struct control_server *server, struct control *control,
                          struct screen *screen, struct error *err);
/* After the machine has ended: passes on what is still to be said, and closes. server may be NULL.
 */
void control_server_close(struct control_server *server);

#endif
