/* `anachron start`, `stop`, `save`: machines that are kept by name, and run. */
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/kept_config.h"
#include "cli/run_kept.h"
#include "host/control_ask.h"
#include "host/image.h"
#include "store/commit.h"
#include "store/files.h"
#include "store/instance.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    DISCARD_TIMEOUT_S = 10, /* then it is killed, which comes to the same */
    POLL_NS = 1000 * 1000,
};

static int complain(const struct error *err, int status)
{
    fprintf(stderr, "anachron: error: %s\n", err->text);
    return status;
}

#define FORK_FOLDER "fork"

/* --- start --- */

static const char start_usage[] =
    "usage: anachron start NAME [--detach] [--cold] [--at-end save|discard]\n"
    "                           [OPTION OF anachron run]...\n\n"
    "Runs a machine on a working copy of its disk, and goes on from its saved state if it has "
    "one.\n"
    "--detach    return as soon as it runs; without a display, if none is named\n"
    "--cold      boot from the disk; the saved state is not used\n"
    "--at-end    what becomes of a run that is ended by a key or a signal: save (the "
    "configuration\n"
    "            may say otherwise) or discard\n"
    "Options replace those of the same name in the configuration. A guest that powers the machine\n"
    "off is saved (unless all is to be discarded), one that crashes is not. anachron stop ends "
    "it.\n";

struct start {
    const char *name;
    bool detach, cold;
    int discards;     /* -1: not said */
    int report;       /* the parent waits at the other end of this pipe; -1: there is none */
    struct words own; /* options of `anachron run`; word 0 is not looked at */
    struct instance *instance;
    char *disk, *state, *delta;
    struct kept_settings settings;
    /* Of a fork: the new machine, until it runs. */
    bool is_fork;
    struct draft draft;
    bool may_pause, paused;
    bool split; /* it runs already, and has its name */
};

/* Those from argv[first] on. */
static bool take_words(int argc, char **argv, int first, struct start *start, struct error *err)
{
    words_add(&start->own, "start");
    for (int i = first; i < argc; i++) {
        const char *word = argv[i];
        const char *value = strncmp(word, "--at-end=", 9) == 0              ? word + 9
                            : strcmp(word, "--at-end") == 0 && i + 1 < argc ? argv[++i]
                                                                            : NULL;
        if (strcmp(word, "--at-end") == 0 && !value)
            return error_set(err, "--at-end wants an argument: save or discard");
        if (strcmp(word, "--detach") == 0)
            start->detach = true;
        else if (start->may_pause && strcmp(word, "--paused") == 0)
            start->paused = true;
        else if (strcmp(word, "--cold") == 0)
            start->cold = true;
        else if (value && strcmp(value, "save") != 0 && strcmp(value, "discard") != 0)
            return error_set(err, "--at-end %s: give save or discard", value);
        else if (value)
            start->discards = strcmp(value, "discard") == 0;
        else
            words_add(&start->own, "%s", word);
    }
    return true;
}

/* "PATH,snapshot", with its geometry if the configuration has one. */
static char *disk_specification(const char *path, const char *geometry)
{
    size_t size = 2 * strlen(path) + (geometry ? strlen(geometry) : 0) + 32;
    char *text = mem_new(size), *end = image_put_path(text, path);
    snprintf(end, size - (size_t)(end - text), ",snapshot%s%s", geometry ? ",geometry=" : "",
             geometry ? geometry : "");
    return text;
}

/* folder: the machine's. */
static bool read_settings(const char *folder, struct start *start, struct error *err)
{
    struct config config;
    const char *guest_option;
    char *path = files_path(folder, STORE_CONFIG);
    bool ok = config_read(path, &config, err);
    if (ok) {
        ok = kept_config_settings(&config, path, folder, &start->own, start->state != NULL,
                                  &start->settings, &guest_option, err);
        config_free(&config);
    }
    mem_free(path);
    if (ok && guest_option && start->state)
        return error_set(err,
                         "--%s: %s goes on from a saved state, with the hardware that it had; "
                         "start it with --cold to change that",
                         guest_option, start->name);
    if (ok && start->detach && !words_have(&start->settings.options, "display"))
        words_add(&start->settings.options, "--display=none");
    return ok;
}

/* What is to be known before it runs. */
static bool prepare(struct kept *kept, struct start *start, struct error *err)
{
    bool has_state;
    char *disk = kept_file(kept, STORE_DISK);
    bool fits = commit_state_fits(kept->path, &has_state, err);
    bool ok = start->cold || !has_state || fits;
    if (ok && has_state && !start->cold)
        start->state = kept_file(kept, STORE_STATE);
    ok = ok && read_settings(kept->path, start, err);
    if (ok && files_exists(disk))
        start->disk = disk_specification(disk, start->settings.geometry);
    mem_free(disk);
    return ok;
}

static bool begin(struct start *start, struct error *err)
{
    struct store *store = store_open(err);
    struct kept *kept = store ? store_take(store, start->name, err) : NULL;
    if (kept && prepare(kept, start, err))
        start->instance = instance_begin(kept, err);
    if (start->instance)
        kept_log(kept->path, "started (process %d)%s", (int)getpid(),
                 start->state ? ", from its state" : "");
    kept_release(kept);
    store_close(store);
    return start->instance != NULL;
}

/* The terminal is the parent's from now on. */
static void let_go_of_terminal(struct start *start)
{
    char *path = instance_file(start->instance, INSTANCE_CONSOLE);
    int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int out = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (in >= 0)
        dup2(in, STDIN_FILENO);
    if (out >= 0 && dup2(out, STDOUT_FILENO) >= 0)
        dup2(out, STDERR_FILENO);
    close(in);
    close(out);
    mem_free(path);
}

/* The end of a fork: what the other machine has written is in use, and needs no name any more. */
static bool publish(struct start *start, struct error *err)
{
    char *folder = files_path(start->draft.path, FORK_FOLDER);
    bool ok =
        files_remove_tree(folder, err) && instance_publish(start->instance, &start->draft, err);
    mem_free(folder);
    return ok;
}

static bool on_ready(void *opaque, struct error *err)
{
    struct start *start = opaque;
    if (start->is_fork && !publish(start, err))
        return false;
    if (start->report < 0)
        return true;
    let_go_of_terminal(start);
    if (write(start->report, "", 1) != 1) {
        /* The parent was killed: nobody waits. */
    }
    close(start->report);
    start->report = -1;
    return true;
}

static int run(struct start *start)
{
    struct error err;
    struct run_options options;
    const struct kept_settings *settings = &start->settings;
    if (!run_options_parse(settings->options.count, settings->options.word, &options, &err))
        return complain(&err, EXIT_STATUS_USAGE);
    if (options.control) {
        error_set(&err, "--control: the socket of a machine that is kept by name is %s",
                  instance_control(start->instance));
        return complain(&err, EXIT_STATUS_USAGE);
    }
    if (options.load) {
        error_set(&err, "--load: %s has a state of its own, or none", start->name);
        return complain(&err, EXIT_STATUS_USAGE);
    }
    struct run_kept kept = {
        .instance = start->instance,
        .disk = start->disk,
        .state = start->state,
        .delta = start->delta,
        .discards = start->discards >= 0 ? start->discards : settings->discards,
        .ready = on_ready,
        .opaque = start,
    };
    return run_kept(&options, &kept);
}

static int start_here(struct start *start)
{
    struct error err = {""};
    if (start->is_fork)
        start->instance = instance_begin_draft(&start->draft, start->name, &err);
    bool ok = start->is_fork ? start->instance != NULL : begin(start, &err);
    int status = ok ? run(start) : complain(&err, EXIT_STATUS_HOST_ERROR);
    instance_end(start->instance, "ended");
    return status;
}

static void release(struct start *start)
{
    if (start->is_fork)
        draft_end(&start->draft);
    words_free(&start->own);
    kept_settings_free(&start->settings);
    mem_free(start->disk);
    mem_free(start->state);
    mem_free(start->delta);
}

/* The child runs the machine; the parent returns when it says that it does. */
static int start_detached(struct start *start)
{
    struct error err;
    int ends[2], status = 0;
    char byte;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        error_set_errno(&err, "the host has no pipe to give");
        return complain(&err, EXIT_STATUS_HOST_ERROR);
    }
    pid_t child = fork();
    if (child < 0) {
        error_set_errno(&err, "the host has no process to give");
        return complain(&err, EXIT_STATUS_HOST_ERROR);
    }
    if (child == 0) {
        close(ends[0]);
        setsid();
        start->report = ends[1];
        return start_here(start);
    }
    close(ends[1]);
    if (read(ends[0], &byte, 1) == 1)
        return EXIT_STATUS_OK;
    /* It has said why on standard error. */
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_STATUS_HOST_ERROR;
}

int command_start(int argc, char **argv)
{
    struct start start = {.discards = -1, .report = -1};
    struct error err = {""};
    bool wants_help = argc > 1 && strcmp(argv[1], "--help") == 0;
    if (argc < 2 || wants_help) {
        fputs(start_usage, wants_help ? stdout : stderr);
        return wants_help ? EXIT_STATUS_OK : EXIT_STATUS_USAGE;
    }
    start.name = argv[1];
    int status = EXIT_STATUS_USAGE;
    if (!take_words(argc, argv, 2, &start, &err))
        complain(&err, status);
    else
        status = start.detach ? start_detached(&start) : start_here(&start);
    release(&start);
    return status;
}

/* --- stop and save --- */

/* Waits until pid does not run the machine any more. */
static void wait_for_end(const char *path, pid_t pid)
{
    while (instance_pid(path) == pid)
        nanosleep(&(struct timespec){.tv_nsec = POLL_NS}, NULL);
}

/* The control socket of a machine that runs. It is not locked: who runs it must be able to save. */
static bool find_running(const char *name, char **path, pid_t *pid, struct error *err)
{
    struct store *store = store_open(err);
    struct kept *kept = store ? store_take(store, name, err) : NULL;
    if (kept) {
        *path = mem_string_copy(kept->path);
        *pid = instance_pid(kept->path);
        if (!*pid)
            error_set(err, "%s does not run; anachron start %s starts it", name, name);
    }
    bool ok = kept && *pid;
    kept_release(kept);
    store_close(store);
    return ok;
}

/* arguments: taken over; NULL: none. */
static enum control_asked ask(const char *path, const char *command, json_t *arguments,
                              unsigned timeout, struct error *err)
{
    int fd;
    char *control = instance_find_control(path, &fd);
    enum control_asked asked = control_ask(control, command, arguments, timeout, err);
    if (fd >= 0)
        close(fd);
    mem_free(control);
    return asked;
}

/* Finishes what the process may have left to do, which is nothing as a rule. */
static bool tidy_up(const char *name, struct error *err)
{
    struct store *store = store_open(err);
    struct kept *kept = store ? store_take(store, name, err) : NULL;
    bool ok = kept != NULL;
    kept_release(kept);
    store_close(store);
    return ok;
}

static bool stop_saving(const char *name, const char *path, pid_t pid, struct error *err)
{
    if (ask(path, "stop", json_pack("{s:s}", "state", "keep"), 0, err) != ASKED_OK)
        return false;
    wait_for_end(path, pid);
    return tidy_up(name, err);
}

/* Nobody else who has got its number meanwhile. */
static void kill_instance(const char *path, pid_t pid)
{
    int process = pidfd_open(pid, 0);
    if (process >= 0 && instance_pid(path) == pid)
        pidfd_send_signal(process, SIGKILL, NULL, 0);
    if (process >= 0)
        close(process);
}

/* One that does not listen is killed: nothing is lost that was not to be. */
static bool stop_discarding(const char *name, const char *path, pid_t pid, struct error *err)
{
    enum control_asked asked =
        ask(path, "stop", json_pack("{s:s}", "state", "drop"), DISCARD_TIMEOUT_S, err);
    if (asked == ASKED_REFUSED)
        return false;
    if (asked != ASKED_OK)
        kill_instance(path, pid);
    wait_for_end(path, pid);
    return tidy_up(name, err);
}

static const char stop_usage[] =
    "usage: anachron stop NAME --save|--discard\n\n"
    "Ends a running machine: its disk and its state are saved, or stay as they were saved last.\n";

int command_stop_machine(int argc, char **argv)
{
    struct error err = {""};
    char *path = NULL;
    pid_t pid;
    bool wants_help = argc == 2 && strcmp(argv[1], "--help") == 0;
    bool saves = argc == 3 && strcmp(argv[2], "--save") == 0;
    bool discards = argc == 3 && strcmp(argv[2], "--discard") == 0;
    if (!saves && !discards) {
        fputs(stop_usage, wants_help ? stdout : stderr);
        return wants_help ? EXIT_STATUS_OK : EXIT_STATUS_USAGE;
    }
    bool ok =
        find_running(argv[1], &path, &pid, &err) &&
        (saves ? stop_saving(argv[1], path, pid, &err) : stop_discarding(argv[1], path, pid, &err));
    mem_free(path);
    return ok ? EXIT_STATUS_OK : complain(&err, EXIT_STATUS_HOST_ERROR);
}

static const char save_usage[] =
    "usage: anachron save NAME\n\n"
    "Saves the disk and the state of a running machine, which goes on.\n";

int command_save(int argc, char **argv)
{
    struct error err = {""};
    char *path = NULL;
    pid_t pid;
    bool wants_help = argc == 2 && strcmp(argv[1], "--help") == 0;
    if (argc != 2 || wants_help) {
        fputs(save_usage, wants_help ? stdout : stderr);
        return wants_help ? EXIT_STATUS_OK : EXIT_STATUS_USAGE;
    }
    bool ok =
        find_running(argv[1], &path, &pid, &err) && ask(path, "keep", NULL, 0, &err) == ASKED_OK;
    mem_free(path);
    return ok ? EXIT_STATUS_OK : complain(&err, EXIT_STATUS_HOST_ERROR);
}

/* --- fork --- */

static const char fork_usage[] =
    "usage: anachron fork NAME NEW [--paused] [--at-end save|discard]\n"
    "                              [OPTION OF anachron start]...\n\n"
    "Makes two of a running machine: NEW goes on from where NAME is now, on its own, or is paused\n"
    "(anachron ctl lets it go on). NAME stands still for some milliseconds. NEW has no display; "
    "its\n"
    "serial ports are files in its folder, or the next free TCP port, as its console says. With\n"
    "options that say more (--display vnc:5902) it is loaded from a state, which NAME is stopped "
    "to\n"
    "write. What is saved of NEW is what was saved last of NAME.\n";

/* What the new machine says when it has its name, or cannot have it: cli/run_twin.c. */
static bool await_name(struct start *start, int pipe, struct error *err)
{
    char text[sizeof err->text] = "";
    ssize_t size;
    fcntl(pipe, F_SETFL, 0);
    do
        size = read(pipe, text, sizeof text - 1);
    while (size < 0 && errno == EINTR);
    start->split = size > 0 && !*text;
    if (start->split) {
        mem_free(start->draft.path);
        start->draft.path = NULL;
        return true;
    }
    return error_set(err, "%s", size > 0 ? text : "the new machine has ended at once");
}

/* The other machine becomes two, or writes what the second starts from. */
static bool ask_to_fork(const struct kept *from, struct start *start, const char *folder,
                        struct error *err)
{
    bool splits = start->own.count == 1, discards = start->settings.discards;
    char *path = files_path(folder, STORE_DONE);
    int pipe = mkfifo(path, 0600) == 0 ? open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1;
    if (pipe < 0)
        error_set_errno(err, "%s: cannot make it", path);
    mem_free(path);
    if (start->discards >= 0)
        discards = start->discards;
    json_t *how = json_array();
    if (start->paused)
        json_array_append_new(how, json_string("paused"));
    if (discards)
        json_array_append_new(how, json_string("discard"));
    json_t *arguments = json_pack("{s:s, s:o}", "file", folder, "how", how);
    if (splits)
        json_object_set_new(arguments, "name", json_string(start->name));
    bool ok = pipe >= 0 && ask(from->path, "fork", arguments, 0, err) == ASKED_OK;
    if (pipe < 0)
        json_decref(arguments);
    if (ok && !files_exists(start->state))
        ok = await_name(start, pipe, err);
    if (pipe >= 0)
        close(pipe);
    return ok;
}

/* The new machine with the files of the other one, whose folder is locked: so they do not change,
 * and what that one has written besides is in its overlay. */
static bool fill_fork(const struct kept *from, struct start *start, struct error *err)
{
    const char *path = start->draft.path;
    char *folder = files_path(path, FORK_FOLDER), *disk = files_path(path, STORE_DISK);
    start->state = files_path(folder, STORE_STATE);
    bool ok = mkdir(folder, 0777) == 0 || error_set_errno(err, "%s: cannot make it", folder);
    ok = ok && draft_copy(&start->draft, from, err) && read_settings(path, start, err);
    if (ok)
        kept_log(path, "forked from %s", from->name);
    ok = ok && ask_to_fork(from, start, folder, err);
    if (ok && !start->split && files_exists(disk)) {
        start->disk = disk_specification(disk, start->settings.geometry);
        start->delta = files_path(folder, STORE_DELTA);
    }
    mem_free(folder);
    mem_free(disk);
    return ok;
}

static bool prepare_fork(struct store *store, const char *name, struct start *start,
                         struct error *err)
{
    struct kept *kept = store_name_is_good(start->name, err) ? store_take(store, name, err) : NULL;
    bool ok = kept && (instance_pid(kept->path) ||
                       error_set(err, "%s does not run; anachron clone copies it", name));
    if (ok) {
        char *other = files_path(store_root(store), start->name);
        ok = !files_exists(other) ||
             error_set(err, "there is a machine called %s already; anachron rm removes it",
                       start->name);
        mem_free(other);
    }
    ok = ok && draft_begin(store, &start->draft, err);
    start->is_fork = ok;
    ok = ok && fill_fork(kept, start, err);
    kept_release(kept);
    return ok;
}

int command_fork_machine(int argc, char **argv)
{
    struct start start = {.discards = -1, .report = -1, .detach = true, .may_pause = true};
    struct error err = {""};
    bool wants_help = argc > 1 && strcmp(argv[1], "--help") == 0;
    if (argc < 3 || wants_help) {
        fputs(fork_usage, wants_help ? stdout : stderr);
        return wants_help ? EXIT_STATUS_OK : EXIT_STATUS_USAGE;
    }
    start.name = argv[2];
    int status = EXIT_STATUS_USAGE;
    struct store *store = NULL;
    bool ok = take_words(argc, argv, 3, &start, &err);
    if (ok && start.paused && start.own.count > 1)
        ok = error_set(&err, "--paused goes with no option but --at-end");
    if (!ok) {
        complain(&err, status);
    } else {
        store = store_open(&err);
        ok = store && prepare_fork(store, argv[1], &start, &err);
        status = !ok           ? complain(&err, EXIT_STATUS_HOST_ERROR)
                 : start.split ? EXIT_STATUS_OK
                               : start_detached(&start);
    }
    release(&start);
    store_close(store);
    return status;
}
