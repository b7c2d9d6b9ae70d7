/* A copy of a running machine that is kept by name itself. Who makes it (command_start.c) has
 * filled a draft of it with the files that are saved of the first one, and holds the draft's lock.
 * The order of what is done here makes a kill harmless, on either side:
 *
 *     running/pid is locked      from now on the draft is no rubbish, whoever dies
 *     the pipe is opened         somebody reads it, so the draft has been whole until now
 *     the first machine goes on
 *     the draft gets its name    this is the moment
 *     the pipe says so */
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/run_private.h"
#include "host/image.h"
#include "store/files.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct run_twin {
    struct run_kept kept;
    struct draft draft;
    char *folder;
    int done; /* the pipe */
};

static bool open_pipe(struct run_twin *made, struct error *err)
{
    char *path = files_path(made->folder, STORE_DONE);
    made->done = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    mem_free(path);
    return made->done >= 0 || error_set_errno(err, "nobody waits for the fork any more");
}

/* What it says is not the first machine's. */
static bool open_console(const struct run_twin *made, struct error *err)
{
    char *path = instance_file(made->kept.instance, INSTANCE_CONSOLE);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    bool ok = fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0 && dup2(fd, STDERR_FILENO) >= 0;
    if (!ok)
        error_set_errno(err, "%s: cannot make it", path);
    if (fd >= 0)
        close(fd);
    mem_free(path);
    return ok;
}

/* The disk's image is the draft's: the first machine's changes when that one is saved. */
static bool take_disk(struct run *run, const struct run_twin *made, struct error *err)
{
    if (!run->kept_disk)
        return true;
    char *path = files_path(made->draft.path, STORE_DISK);
    char *running = instance_file(made->kept.instance, "");
    bool ok = image_rebase(run->kept_disk, path, running, err);
    mem_free(running);
    mem_free(path);
    return ok;
}

bool run_twin_settle(struct run *run, struct error *err)
{
    const struct machine_twin *twin = run->twin;
    struct run_twin *made = mem_new(sizeof *made);
    made->folder = mem_string_copy(twin->folder);
    made->kept.discards = twin->discards;
    char *draft = mem_string_copy(twin->folder);
    char *slash = strrchr(draft, '/');
    if (slash)
        *slash = 0;
    bool ok = slash ? draft_take_over(draft, &made->draft, err)
                    : error_set(err, "%s: is not in a draft", twin->folder);
    mem_free(draft);
    if (!ok)
        return false;
    made->kept.instance = instance_begin_draft(&made->draft, twin->name, err);
    if (!made->kept.instance)
        return false;
    run->made = made;
    run->kept = &made->kept;
    run->settled = false;
    return open_pipe(made, err) && open_console(made, err) && take_disk(run, made, err);
}

bool run_twin_show(struct run *run)
{
    struct run_twin *made = run->made;
    struct error err = {""};
    bool ok = files_remove_tree(made->folder, &err) &&
              instance_publish(made->kept.instance, &made->draft, &err);
    /* One byte, 0, or what is wrong. */
    if (write(made->done, err.text, ok ? 1 : strlen(err.text)) < 0 && !ok)
        fprintf(stderr, "anachron: error: %s\n", err.text);
    close(made->done);
    return ok;
}

int run_twin_end(struct run *run, int status)
{
    struct error err;
    if (!run_kept_end(run, &err)) {
        fprintf(stderr, "anachron: error: %s\n", err.text);
        status = EXIT_STATUS_HOST_ERROR;
    }
    run_close_copy_ports(run);
    control_server_close(run->server);
    instance_end(run->made->kept.instance, "ended");
    return status;
}
