/* TCP sockets. */
#ifndef HOST_SOCKET_H
#define HOST_SOCKET_H

#include "base/error.h"

/* address is HOST:PORT (listens; HOST empty: the loopback address) or HOST:PORT,connect. Returns a
 * socket, or -1: err says why. option is for messages. */
int socket_open(const char *address, const char *option, bool *connects, struct error *err);
/* The next peer of a listening socket, or -1. */
int socket_accept(int listener);

#endif
