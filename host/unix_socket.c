#include "host/unix_socket.h"

#include "base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 64 };

static bool fill_address(const char *path, struct sockaddr_un *address, struct error *err)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (!length || length >= sizeof address->sun_path)
        return error_set(err, "%s: the name of a socket has 1 to %zu characters", path,
                         sizeof address->sun_path - 1);
    memcpy(address->sun_path, path, length);
    return true;
}

static bool connect_to(int fd, const struct sockaddr_un *address)
{
    return connect(fd, (const struct sockaddr *)address, sizeof *address) == 0;
}

/* Whether the file is a socket that nobody listens at. */
static bool is_stale(const struct sockaddr_un *address)
{
    struct stat about;
    if (lstat(address->sun_path, &about) != 0 || !S_ISSOCK(about.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool refused = fd >= 0 && !connect_to(fd, address) && errno == ECONNREFUSED;
    if (fd >= 0)
        close(fd);
    return refused;
}

/* The file is created with the mode that the mask leaves. */
static bool bind_privately(int fd, const struct sockaddr_un *address)
{
    mode_t mask = umask(0177);
    bool ok = bind(fd, (const struct sockaddr *)address, sizeof *address) == 0;
    int reason = errno;
    umask(mask);
    errno = reason;
    return ok;
}

/* Gives the socket that is called from its own name, too. */
static bool publish(const char *from, const struct sockaddr_un *address)
{
    if (link(from, address->sun_path) == 0)
        return true;
    if (errno != EEXIST)
        return false;
    if (!is_stale(address)) {
        errno = EEXIST;
        return false;
    }
    unlink(address->sun_path);
    return link(from, address->sun_path) == 0;
}

/* It gets its name when it listens already, so that whoever sees the file can connect, and nobody
 * takes it for a stale one. */
static bool bind_and_listen(int fd, const struct sockaddr_un *address)
{
    struct sockaddr_un early = {.sun_family = AF_UNIX};
    int length =
        snprintf(early.sun_path, sizeof early.sun_path, "%s.%d", address->sun_path, getpid());
    if (length >= (int)sizeof early.sun_path) { /* there is no room for another name */
        if (is_stale(address))
            unlink(address->sun_path);
        return bind_privately(fd, address) && listen(fd, BACKLOG) == 0;
    }
    unlink(early.sun_path);
    bool ok =
        bind_privately(fd, &early) && listen(fd, BACKLOG) == 0 && publish(early.sun_path, address);
    int reason = errno;
    unlink(early.sun_path);
    errno = reason;
    return ok;
}

bool unix_listen(struct unix_listener *listener, const char *path, struct error *err)
{
    struct sockaddr_un address;
    struct stat about;
    *listener = (struct unix_listener){.fd = -1};
    if (!fill_address(path, &address, err))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_set_errno(err, "%s: the host has no socket to give", path);
    if (bind_and_listen(fd, &address) && lstat(path, &about) == 0) {
        *listener = (struct unix_listener){fd, mem_string_copy(path), about.st_dev, about.st_ino};
        return true;
    }
    if (errno == EADDRINUSE || errno == EEXIST)
        error_set(err, "%s: there is a file or another machine's socket already", path);
    else
        error_set_errno(err, "%s: cannot listen there", path);
    close(fd);
    return false;
}

void unix_listener_close(struct unix_listener *listener)
{
    struct stat about;
    if (listener->fd < 0)
        return;
    close(listener->fd);
    if (lstat(listener->path, &about) == 0 && about.st_dev == listener->device &&
        about.st_ino == listener->inode)
        unlink(listener->path);
    mem_free(listener->path);
    listener->fd = -1;
}

int unix_connect(const char *path, struct error *err)
{
    struct sockaddr_un address;
    if (!fill_address(path, &address, err))
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect_to(fd, &address))
        return fd;
    error_set_errno(err, "%s: no machine can be controlled there", path);
    if (fd >= 0)
        close(fd);
    return -1;
}
