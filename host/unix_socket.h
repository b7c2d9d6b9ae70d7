/* Sockets in the file system. */
#ifndef HOST_UNIX_SOCKET_H
#define HOST_UNIX_SOCKET_H

#include "base/error.h"

#include <sys/stat.h>

struct unix_listener {
    int fd;
    char *path; /* owned */
    dev_t device;
    ino_t inode;
};

/* Listens at path, for this user only (mode 0600). A socket there that nobody listens at any more
 * is replaced; one that somebody does, and any other file, is an error. */
bool unix_listen(struct unix_listener *listener, const char *path, struct error *err);
/* Closes it, and removes the socket if it is still the same one. */
void unix_listener_close(struct unix_listener *listener);

/* Connects to path; -1: err says why. */
int unix_connect(const char *path, struct error *err);

#endif
