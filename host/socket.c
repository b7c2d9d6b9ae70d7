#include "host/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NAME_SIZE = 256 };

static bool split(const char *address, const char *option, char host[NAME_SIZE],
                  char port[NAME_SIZE], bool *connects, struct error *err)
{
    char copy[NAME_SIZE];
    *connects = false;
    if (strlen(address) < sizeof copy) {
        strcpy(copy, address);
        char *comma = strchr(copy, ',');
        char *colon = NULL;
        if (comma) {
            *comma = 0;
            *connects = strcmp(comma + 1, "connect") == 0;
        }
        colon = strrchr(copy, ':');
        if (colon && colon[1] && (!comma || *connects)) {
            *colon = 0;
            snprintf(host, NAME_SIZE, "%s", *copy ? copy : "localhost");
            snprintf(port, NAME_SIZE, "%s", colon + 1);
            return true;
        }
    }
    return error_set(err,
                     "%s tcp:%s: give tcp:HOST:PORT (waits for a connection) or "
                     "tcp:HOST:PORT,connect",
                     option, address);
}

static int try_address(const struct addrinfo *info, bool connects)
{
    int fd = socket(info->ai_family, info->ai_socktype | SOCK_CLOEXEC, info->ai_protocol);
    if (fd < 0)
        return -1;
    int one = 1;
    if (connects) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (connect(fd, info->ai_addr, info->ai_addrlen) == 0)
            return fd;
    } else {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, 1) == 0)
            return fd;
    }
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

int socket_open(const char *address, const char *option, bool *connects, struct error *err)
{
    char host[NAME_SIZE], port[NAME_SIZE];
    if (!split(address, option, host, port, connects, err))
        return -1;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
    int status = getaddrinfo(host, port, &hints, &list);
    if (status) {
        error_set(err, "%s tcp:%s: %s", option, address, gai_strerror(status));
        return -1;
    }
    int fd = -1;
    for (const struct addrinfo *info = list; info && fd < 0; info = info->ai_next)
        fd = try_address(info, *connects);
    if (fd < 0)
        error_set_errno(err, "%s tcp:%s: cannot %s", option, address,
                        *connects ? "connect" : "listen there");
    freeaddrinfo(list);
    return fd;
}

int socket_accept(int listener)
{
    int peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    int one = 1;
    if (peer >= 0)
        setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return peer;
}
