/* Serial ports of a machine's copy, and its log; a display it has none. Files, terminals and
 * sockets of the first machine stay the first one's; the copy gets others of the same kind, under
 * its own name:
 *
 *     file:F, stdio   serial1.log or serial2.log in the folder of a machine that is kept by name,
 *                     else SOCKET.serial1 or SOCKET.serial2
 *     pty             another one
 *     tcp:HOST:PORT   the next port that is free
 *
 * A connection to a server cannot be had twice, and leads nowhere. Where a port is now, the copy
 * says in its log: the console of a machine that is kept by name, else SOCKET.log. */
#include "base/memory.h"
#include "cli/run_private.h"
#include "machine/fork.h"
#include "store/files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PORTS_TRIED = 100, PORT_MAX = 65535, ADDRESS_SIZE = 512 };

static struct characters *open_file(const struct run *run, unsigned number, struct error *err)
{
    char name[32];
    snprintf(name, sizeof name, run->kept ? "serial%u.log" : ".serial%u", number + 1);
    char *path = NULL;
    if (run->kept) {
        path = files_path(instance_path(run->kept->instance), name);
    } else {
        size_t size = strlen(run->copy_socket) + sizeof name;
        path = mem_new(size);
        snprintf(path, size, "%s%s", run->copy_socket, name);
    }
    size_t size = strlen(path) + sizeof "file:";
    char *specification = mem_new(size);
    snprintf(specification, size, "file:%s", path);
    struct characters *characters = characters_open(specification, "--serial", err);
    mem_free(specification);
    mem_free(path);
    return characters;
}

/* given: HOST:PORT of the first machine. */
static struct characters *open_next_port(const char *given, unsigned number, struct error *err)
{
    char text[ADDRESS_SIZE];
    const char *colon = strrchr(given, ':');
    int first = colon ? atoi(colon + 1) : 0, length = colon ? (int)(colon - given) : 0;
    for (int port = first + 1; port <= first + PORTS_TRIED && port <= PORT_MAX; port++) {
        snprintf(text, sizeof text, "tcp:%.*s:%d", length, given, port);
        struct characters *characters = characters_open(text, "--serial", err);
        if (!characters)
            continue;
        fprintf(stderr, "anachron: serial port %u is %s\n", number + 1, text);
        return characters;
    }
    return NULL;
}

static struct characters *open_port(const struct run *run, const char *given, unsigned number,
                                    struct error *err)
{
    if (strcmp(given, "none") == 0 || strstr(given, ",connect"))
        return characters_open("none", "--serial", err);
    if (strncmp(given, "tcp:", 4) == 0)
        return open_next_port(given + 4, number, err);
    if (strcmp(given, "pty") == 0)
        return characters_open(given, "--serial", err);
    return open_file(run, number, err);
}

/* The first machine's standard error is its own. */
static void open_log(const char *socket)
{
    size_t size = strlen(socket) + sizeof ".log";
    char *path = mem_new(size);
    snprintf(path, size, "%s.log", socket);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd >= 0)
        dup2(fd, STDERR_FILENO);
    else
        fprintf(stderr, "anachron: warning: %s: cannot make it\n", path);
    if (fd >= 0)
        close(fd);
    mem_free(path);
}

/* The libraries of displays have locks and threads that do not outlive a fork. */
static void say_that_there_is_no_display(const struct run *run)
{
    fprintf(stderr,
            "anachron: this copy has no display (--display is the first machine's)%s; the command "
            "screenshot shows its screen\n",
            run->kept ? " until it is started again" : "");
}

void run_open_copy_ports(struct run *run)
{
    if (run->copy_socket)
        open_log(run->copy_socket);
    if (run->left_display)
        say_that_there_is_no_display(run);
    for (unsigned i = 0; i < run->options.serial_count; i++) {
        struct error err = {"no port is free"};
        run->serial[i] = open_port(run, run->options.serial[i], i, &err);
        if (!run->serial[i]) {
            fprintf(stderr, "anachron: warning: serial port %u leads nowhere: %s\n", i + 1,
                    err.text);
            continue;
        }
        machine_connect_serial(run->machine, i, characters_backend(run->serial[i]));
        characters_start(run->serial[i], machine_gate(run->machine), i, NULL, NULL);
    }
}

void run_close_copy_ports(struct run *run)
{
    for (unsigned i = 0; i < MACHINE_SERIALS; i++)
        characters_close(run->serial[i]);
}
