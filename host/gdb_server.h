/* Where gdb connects: `target remote ADDRESS`, docs/debugging.md. A thread of its own serves one
 * client at a time; what it asks for is answered by the machine, through its struct debugger. */
#ifndef HOST_GDB_SERVER_H
#define HOST_GDB_SERVER_H

#include "base/error.h"
#include "control/debugger.h"

struct gdb_server;

/* What --gdb takes: WHERE[,nowait][,anywhere]. */
struct gdb_address {
    char where[256]; /* unix:PATH or [HOST]:PORT */
    bool wait;       /* the machine stands still until a client lets it go on */
    bool anywhere;   /* HOST may be one that others can reach */
};
/* False: err says what is wrong. */
bool gdb_address_parse(const char *text, struct gdb_address *address, struct error *err);

/* Listens at address. NULL: err says why. */
struct gdb_server *gdb_server_open(const struct gdb_address *address, struct error *err);
/* Begins to serve. debugger must outlive the server. */
bool gdb_server_start(struct gdb_server *server, struct debugger *debugger, struct error *err);
/* After the machine has ended: passes on what is still to be said, and closes. server may be NULL.
 */
void gdb_server_close(struct gdb_server *server);

#endif
