#include "host/characters.h"

#include "base/memory.h"
#include "host/socket.h"
#include "host/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { READ_SIZE = 256 };

struct characters {
    struct char_backend chars; /* first: the chip's pointer is this struct's */
    bool connected;            /* there is a backend at all */
    int out;                   /* -1: nobody is there */
    int in;                    /* -1: no input */
    int listener;              /* tcp: waits for a peer; -1 else */
    atomic_int peer;           /* tcp, listening: the peer's socket, or -1 */
    bool owns_fds;
    bool interactive, has_escape;
    struct terminal *terminal;
    struct terminal_escape escape;
    int wake[2]; /* a pipe that ends the reader */
    pthread_t reader;
    bool reading;
    struct gate *gate;
    unsigned port;
    void (*quit)(void *opaque);
    void *opaque;
};

/* --- output --- */

static void write_fd(int fd, const uint8_t *bytes, size_t size)
{
    while (size && fd >= 0) {
        ssize_t part = write(fd, bytes, size);
        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0)
            return; /* the reader is gone, or does not read: a serial line does not wait */
        bytes += part;
        size -= (size_t)part;
    }
}

static void characters_write(struct char_backend *chars, const uint8_t *bytes, size_t size)
{
    struct characters *characters = (struct characters *)chars;
    int fd = characters->listener >= 0 ? atomic_load(&characters->peer) : characters->out;
    write_fd(fd, bytes, size);
}

static void backend_close(struct char_backend *chars) {}

static struct characters *new_characters(int out, int in)
{
    static const struct char_backend_ops ops = {characters_write, backend_close};
    struct characters *characters = mem_new(sizeof *characters);
    characters->chars.ops = &ops;
    characters->connected = true;
    characters->out = out;
    characters->in = in;
    characters->listener = -1;
    atomic_init(&characters->peer, -1);
    characters->wake[0] = characters->wake[1] = -1;
    return characters;
}

/* --- opening --- */

static struct characters *open_stdio(struct error *err)
{
    struct terminal *terminal = NULL;
    bool is_terminal = terminal_is_there();
    if (is_terminal && !(terminal = terminal_open("", err)))
        return NULL;
    struct characters *characters = new_characters(STDOUT_FILENO, STDIN_FILENO);
    characters->terminal = terminal;
    characters->interactive = characters->has_escape = is_terminal;
    return characters;
}

static struct characters *open_file(const char *path, struct error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        error_set_errno(err, "%s: cannot write it", path);
        return NULL;
    }
    struct characters *characters = new_characters(fd, -1);
    characters->owns_fds = true;
    return characters;
}

static struct characters *open_pty(const char *option, struct error *err)
{
    int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios settings;
    if (fd < 0 || grantpt(fd) < 0 || unlockpt(fd) < 0 || tcgetattr(fd, &settings) < 0) {
        error_set_errno(err, "%s pty: the host has no pseudo-terminal to give", option);
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    cfmakeraw(&settings);
    tcsetattr(fd, TCSANOW, &settings);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    fprintf(stderr, "anachron: %s is at %s\n", option, ptsname(fd));
    struct characters *characters = new_characters(fd, fd);
    characters->owns_fds = characters->interactive = true;
    return characters;
}

static struct characters *open_tcp(const char *address, const char *option, struct error *err)
{
    bool connects;
    int fd = socket_open(address, option, &connects, err);
    if (fd < 0)
        return NULL;
    struct characters *characters = new_characters(connects ? fd : -1, fd);
    characters->owns_fds = characters->interactive = true;
    if (!connects)
        characters->listener = fd;
    return characters;
}

struct characters *characters_open(const char *specification, const char *option, struct error *err)
{
    if (strcmp(specification, "none") == 0) {
        struct characters *characters = new_characters(-1, -1);
        characters->connected = false;
        return characters;
    }
    if (strcmp(specification, "stdio") == 0)
        return open_stdio(err);
    if (strncmp(specification, "file:", 5) == 0 && specification[5])
        return open_file(specification + 5, err);
    if (strcmp(specification, "pty") == 0)
        return open_pty(option, err);
    if (strncmp(specification, "tcp:", 4) == 0)
        return open_tcp(specification + 4, option, err);
    error_set(err, "%s %s: give stdio, file:PATH, pty, tcp:HOST:PORT or none", option,
              specification);
    return NULL;
}

struct char_backend *characters_backend(struct characters *characters)
{
    return characters && characters->connected ? &characters->chars : NULL;
}

bool characters_interactive(const struct characters *characters)
{
    return characters && characters->interactive;
}

/* --- input --- */

static void pass_input(struct characters *characters, const uint8_t *bytes, size_t size)
{
    uint8_t out[READ_SIZE];
    size_t count = 0;
    if (!characters->has_escape) {
        gate_serial_wait(characters->gate, characters->port, bytes, size);
        return;
    }
    for (size_t i = 0; i < size; i++) {
        switch (terminal_filter(&characters->escape, bytes[i])) {
        case TERMINAL_BYTE:
            out[count++] = bytes[i];
            break;
        case TERMINAL_QUIT:
            if (characters->quit)
                characters->quit(characters->opaque);
            break;
        case TERMINAL_HELP:
            fprintf(stderr, "\nCtrl-A x ends the machine, Ctrl-A Ctrl-A types Ctrl-A\n");
            break;
        case TERMINAL_NOTHING:
            break;
        }
    }
    gate_serial_wait(characters->gate, characters->port, out, count);
}

/* Takes a new peer; the one before it, if any, has gone. */
static void accept_peer(struct characters *characters)
{
    int peer = socket_accept(characters->listener);
    if (peer >= 0)
        atomic_store(&characters->peer, peer);
}

static void drop_peer(struct characters *characters)
{
    int peer = atomic_exchange(&characters->peer, -1);
    if (peer >= 0)
        close(peer);
}

static void *read_input(void *argument)
{
    struct characters *characters = argument;
    for (;;) {
        bool listens = characters->listener >= 0;
        int peer = listens ? atomic_load(&characters->peer) : characters->in;
        struct pollfd fds[2] = {
            {.fd = characters->wake[0],                     .events = POLLIN},
            {.fd = peer >= 0 ? peer : characters->listener, .events = POLLIN}
        };
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return NULL;
        if (fds[0].revents)
            return NULL;
        if (!fds[1].revents)
            continue;
        if (peer < 0) {
            accept_peer(characters);
            continue;
        }
        uint8_t bytes[READ_SIZE];
        ssize_t size = read(peer, bytes, sizeof bytes);
        if (size > 0) {
            pass_input(characters, bytes, (size_t)size);
        } else if (listens && size <= 0 && errno != EINTR && errno != EAGAIN) {
            drop_peer(characters);
        } else if (size < 0 && errno == EIO) {
            /* A pseudo-terminal that nobody has open. */
            poll(fds, 1, 100);
        } else if (size == 0) {
            return NULL;
        }
    }
}

void characters_start(struct characters *characters, struct gate *gate, unsigned port,
                      void (*quit)(void *opaque), void *opaque)
{
    if (!characters || characters->in < 0)
        return;
    characters->gate = gate;
    characters->port = port;
    characters->quit = quit;
    characters->opaque = opaque;
    if (pipe2(characters->wake, O_CLOEXEC) < 0)
        return;
    characters->reading = pthread_create(&characters->reader, NULL, read_input, characters) == 0;
}

void characters_close(struct characters *characters)
{
    if (!characters)
        return;
    if (characters->reading) {
        write_fd(characters->wake[1], (const uint8_t *)"", 1);
        pthread_join(characters->reader, NULL);
    }
    for (unsigned i = 0; i < 2; i++) {
        if (characters->wake[i] >= 0)
            close(characters->wake[i]);
    }
    drop_peer(characters);
    if (characters->owns_fds) {
        if (characters->in >= 0)
            close(characters->in);
        if (characters->out >= 0 && characters->out != characters->in)
            close(characters->out);
    }
    terminal_close(characters->terminal);
    mem_free(characters);
}
