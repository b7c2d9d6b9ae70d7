/* See host/gdb_server.h. */
#include "host/gdb_server.h"

#include "base/memory.h"
#include "control/gdb_packet.h"
#include "host/server_thread.h"
#include "host/socket.h"
#include "host/unix_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    INPUT_SIZE = 4096,
    OUTPUT_MAX = 4 << 20, /* bytes for a client that does not read */
    FAREWELL_MS = 1000,
};

struct gdb_server {
    int listener;
    struct unix_listener unix_listener; /* fd -1: TCP */
    struct debugger *debugger;
    struct server_thread thread;
    /* The connection's own. */
    int client; /* -1: none */
    struct gdb_decoder decoder;
    bool acknowledges;
    /* Under the lock: answers come from the machine's thread. */
    pthread_mutex_t lock;
    bool broken; /* the client does not read */
    char *out;
    size_t out_size, out_room;
    char last[GDB_FRAME_MAX]; /* the last frame, for a client that asks for it again */
    size_t last_size;
};

/* --- the address --- */

static bool take_option(const char *text, size_t length, struct gdb_address *address)
{
    if (length == 6 && strncmp(text, "nowait", length) == 0)
        address->wait = false;
    else if (length == 8 && strncmp(text, "anywhere", length) == 0)
        address->anywhere = true;
    else
        return false;
    return true;
}

bool gdb_address_parse(const char *text, struct gdb_address *address, struct error *err)
{
    const char *options = text + strcspn(text, ",");
    size_t length = (size_t)(options - text);
    *address = (struct gdb_address){.wait = true};
    bool ok = length && length < sizeof address->where && memchr(text, ':', length);
    while (ok && *options == ',') {
        size_t size = strcspn(++options, ",");
        ok = take_option(options, size, address);
        options += size;
    }
    if (!ok)
        return error_set(err,
                         "--gdb %s: give unix:PATH or [HOST]:PORT, and behind it, with commas, "
                         "nowait or anywhere",
                         text);
    memcpy(address->where, text, length);
    return true;
}

static bool is_loopback(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } name = {0};
    socklen_t size = sizeof name;
    if (getsockname(fd, &name.any, &size) != 0)
        return false;
    if (name.any.sa_family == AF_INET)
        return ntohl(name.v4.sin_addr.s_addr) >> 24 == 127;
    return name.any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&name.v6.sin6_addr);
}

static bool open_listener(struct gdb_server *server, const struct gdb_address *address,
                          struct error *err)
{
    bool connects;
    if (strncmp(address->where, "unix:", 5) == 0) {
        if (!unix_listen(&server->unix_listener, address->where + 5, err))
            return false;
        server->listener = server->unix_listener.fd;
        return true;
    }
    server->listener = socket_open(address->where, "--gdb", &connects, err);
    if (server->listener < 0)
        return false;
    if (address->anywhere || is_loopback(server->listener))
        return true;
    close(server->listener);
    return error_set(err,
                     "--gdb %s: whoever reaches that address would own the machine; use "
                     "localhost, or say %s,anywhere",
                     address->where, address->where);
}

/* --- answers --- */

static void queue_locked(struct gdb_server *server, const char *bytes, size_t size)
{
    if (server->out_size + size > OUTPUT_MAX) {
        server->broken = true;
        return;
    }
    if (server->out_size + size > server->out_room) {
        server->out_room = (server->out_size + size) * 2;
        server->out = mem_resize(server->out, server->out_room);
    }
    memcpy(server->out + server->out_size, bytes, size);
    server->out_size += size;
}

static void queue(struct gdb_server *server, const char *bytes, size_t size)
{
    pthread_mutex_lock(&server->lock);
    queue_locked(server, bytes, size);
    pthread_mutex_unlock(&server->lock);
}

static void queue_packet(struct gdb_server *server, const char *payload, size_t size)
{
    pthread_mutex_lock(&server->lock);
    server->last_size = gdb_encode(payload, size, server->last);
    queue_locked(server, server->last, server->last_size);
    pthread_mutex_unlock(&server->lock);
}

/* On the machine's thread. */
static void on_answer(void *opaque, const char *payload, size_t size)
{
    struct gdb_server *server = opaque;
    queue_packet(server, payload, size);
    server_thread_wake(&server->thread);
}

/* False: the connection is lost. */
static bool flush(struct gdb_server *server)
{
    pthread_mutex_lock(&server->lock);
    bool ok = !server->broken;
    while (ok && server->out_size) {
        ssize_t sent = send(server->client, server->out, server->out_size, MSG_NOSIGNAL);
        if (sent < 0) {
            ok = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
            break;
        }
        server->out_size -= (size_t)sent;
        memmove(server->out, server->out + sent, server->out_size);
    }
    pthread_mutex_unlock(&server->lock);
    return ok;
}

/* --- the connection --- */

static void drop_client(struct gdb_server *server)
{
    debugger_set_answer(server->debugger, NULL, NULL);
    debugger_post(server->debugger, DEBUGGER_LEFT, NULL, 0);
    close(server->client);
    server->client = -1;
}

/* Also while there is something left to read. */
static bool has_hung_up(int fd)
{
    struct pollfd client = {.fd = fd, .events = POLLRDHUP};
    return poll(&client, 1, 0) > 0 && client.revents & (POLLRDHUP | POLLHUP | POLLERR);
}

static void take_client(struct gdb_server *server)
{
    int fd = socket_accept(server->listener);
    if (fd < 0)
        return;
    if (server->client >= 0 && has_hung_up(server->client))
        drop_client(server);
    if (server->client >= 0) { /* one debugger at a time */
        close(fd);
        return;
    }
    server->client = fd;
    server->decoder = (struct gdb_decoder){0};
    server->acknowledges = true;
    server->broken = false;
    server->out_size = server->last_size = 0;
    debugger_set_answer(server->debugger, on_answer, server);
    debugger_post(server->debugger, DEBUGGER_CAME, NULL, 0);
}

/* False: the client sends without waiting for answers. */
static bool take_packet(struct gdb_server *server)
{
    const struct gdb_decoder *decoder = &server->decoder;
    if (server->acknowledges)
        queue(server, "+", 1);
    if (decoder->size == 15 && memcmp(decoder->payload, "QStartNoAckMode", 15) == 0) {
        queue_packet(server, "OK", 2);
        server->acknowledges = false;
        return true;
    }
    return debugger_post(server->debugger, DEBUGGER_PACKET, decoder->payload, decoder->size);
}

static bool take_item(struct gdb_server *server, enum gdb_item item)
{
    switch (item) {
    case GDB_PACKET:
        return take_packet(server);
    case GDB_INTERRUPT:
        return debugger_post(server->debugger, DEBUGGER_INTERRUPT, NULL, 0);
    case GDB_BAD:
        if (server->acknowledges)
            queue(server, "-", 1);
        return true;
    case GDB_NAK:
        pthread_mutex_lock(&server->lock);
        queue_locked(server, server->last, server->last_size);
        pthread_mutex_unlock(&server->lock);
        return true;
    default:
        return true;
    }
}

static bool read_client(struct gdb_server *server)
{
    uint8_t bytes[INPUT_SIZE];
    ssize_t got = read(server->client, bytes, sizeof bytes);
    if (got < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    for (ssize_t i = 0; i < got; i++) {
        enum gdb_item item = gdb_decode(&server->decoder, bytes[i]);
        if (item != GDB_NOTHING && !take_item(server, item))
            return false;
    }
    return got > 0;
}

static void serve_once(void *opaque)
{
    struct gdb_server *server = opaque;
    pthread_mutex_lock(&server->lock);
    bool has_output = server->out_size;
    pthread_mutex_unlock(&server->lock);
    struct pollfd fds[] = {
        {.fd = server->thread.wake, .events = POLLIN                             },
        {.fd = server->listener,    .events = POLLIN                             },
        {.fd = server->client,      .events = POLLIN | (has_output ? POLLOUT : 0)},
    };
    if (poll(fds, 3, -1) < 0 && errno != EINTR)
        return;
    server_thread_noticed(&server->thread);
    bool ok = server->client < 0 || !(fds[2].revents & (POLLIN | POLLHUP | POLLERR)) ||
              read_client(server);
    if (server->client >= 0 && (!flush(server) || !ok))
        drop_client(server);
    if (fds[1].revents)
        take_client(server);
}

/* --- construction --- */

static void close_listener(struct gdb_server *server)
{
    if (server->unix_listener.fd >= 0)
        unix_listener_close(&server->unix_listener);
    else if (server->listener >= 0)
        close(server->listener);
}

struct gdb_server *gdb_server_open(const struct gdb_address *address, struct error *err)
{
    struct gdb_server *server = mem_new(sizeof *server);
    server->client = server->listener = server->unix_listener.fd = -1;
    if (!open_listener(server, address, err)) {
        mem_free(server);
        return NULL;
    }
    if (!server_thread_open(&server->thread, "the debugger's socket", err)) {
        close_listener(server);
        mem_free(server);
        return NULL;
    }
    pthread_mutex_init(&server->lock, NULL);
    return server;
}

bool gdb_server_start(struct gdb_server *server, struct debugger *debugger, struct error *err)
{
    server->debugger = debugger;
    return server_thread_start(&server->thread, serve_once, server, err);
}

static void say_farewell(struct gdb_server *server)
{
    for (unsigned waited = 0; waited < FAREWELL_MS && flush(server) && server->out_size;
         waited += 10)
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
}

void gdb_server_close(struct gdb_server *server)
{
    if (!server)
        return;
    if (server_thread_end(&server->thread))
        debugger_set_answer(server->debugger, NULL, NULL);
    if (server->client >= 0) {
        say_farewell(server);
        close(server->client);
    }
    server_thread_close(&server->thread);
    close_listener(server);
    pthread_mutex_destroy(&server->lock);
    mem_free(server->out);
    mem_free(server);
}
