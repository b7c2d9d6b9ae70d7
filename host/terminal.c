#include "host/terminal.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { ESCAPE_KEY = 1 /* Ctrl-A */ };

struct terminal {
    struct termios saved;
    pid_t guardian;
    int pipe; /* the guardian restores when this end is closed */
};

/* Waits until the other end of the pipe is gone, in whatever way, and restores. */
static _Noreturn void guard(int pipe_end, const struct termios *saved, const char *farewell)
{
    /* A background process may change the terminal only with SIGTTOU ignored; and what ends the
     * parent must not end the guardian first. */
    const int ignored[] = {SIGTTOU, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP};
    for (unsigned i = 0; i < sizeof ignored / sizeof *ignored; i++)
        signal(ignored[i], SIG_IGN);
    setpgid(0, 0);
    char byte;
    ssize_t size;
    while ((size = read(pipe_end, &byte, 1)) < 0 && errno == EINTR)
        ;
    if (size == 0) { /* no good-bye */
        tcsetattr(STDIN_FILENO, TCSANOW, saved);
        size = write(STDOUT_FILENO, farewell, strlen(farewell));
    }
    _exit(0);
}

static bool start_guardian(struct terminal *terminal, const char *farewell, struct error *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_set_errno(err, "cannot make a pipe");
    terminal->guardian = fork();
    if (terminal->guardian < 0) {
        close(ends[0]);
        close(ends[1]);
        return error_set_errno(err, "cannot start the process that restores the terminal");
    }
    if (terminal->guardian == 0) {
        close(ends[1]);
        guard(ends[0], &terminal->saved, farewell);
    }
    close(ends[0]);
    terminal->pipe = ends[1];
    return true;
}

struct terminal *terminal_open(const char *farewell, struct error *err)
{
    struct terminal *terminal = mem_new(sizeof *terminal);
    if (tcgetattr(STDIN_FILENO, &terminal->saved) < 0) {
        error_set_errno(err, "standard input is not a terminal");
        mem_free(terminal);
        return NULL;
    }
    if (!start_guardian(terminal, farewell, err)) {
        mem_free(terminal);
        return NULL;
    }
    struct termios raw = terminal->saved;
    cfmakeraw(&raw);
    /* Messages of our own still get their carriage returns; guests send both characters. */
    raw.c_oflag |= OPOST | ONLCR;
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    return terminal;
}

void terminal_close(struct terminal *terminal)
{
    if (!terminal)
        return;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal->saved);
    ssize_t written = write(terminal->pipe, "", 1);
    (void)written;
    close(terminal->pipe);
    waitpid(terminal->guardian, NULL, 0);
    mem_free(terminal);
}

bool terminal_is_there(void)
{
    return isatty(STDIN_FILENO);
}

enum terminal_action terminal_filter(struct terminal_escape *escape, uint8_t byte)
{
    if (!escape->pending) {
        escape->pending = byte == ESCAPE_KEY;
        return escape->pending ? TERMINAL_NOTHING : TERMINAL_BYTE;
    }
    escape->pending = false;
    switch (byte) {
    case 'x':
    case 'X':
        return TERMINAL_QUIT;
    case 'h':
    case '?':
        return TERMINAL_HELP;
    case ESCAPE_KEY:
        return TERMINAL_BYTE;
    default:
        return TERMINAL_NOTHING;
    }
}
