/* See machine/fork.h.
 *
 * Other threads of the process may hold any lock at the moment of the fork, and do not exist in the
 * copy. So the copy takes new objects wherever a lock is: gate, control, jobs, screen; the old ones
 * are never touched again, and not freed. It does not return through the functions that were
 * running either, but begins its run loop on top of them, and ends the process after it. */
#include "machine/fork.h"

#include "jit/jit.h"
#include "machine/disk_past.h"
#include "machine/gdb.h"
#include "machine/history.h"
#include "machine/internal.h"
#include "machine/meter.h"
#include "machine/pack.h"
#include "machine/saved.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the copy tells the first process once. */
struct report {
    bool ok;
    struct error err;
};

/* --- disks --- */

static bool may_be_copied(const struct disk_backend *disk, struct error *err)
{
    return !disk || disk->read_only || disk->ops->unshare ||
           error_set(err,
                     "%s is written directly, and two machines cannot both do that; start the "
                     "machine with the option snapshot after the image's name",
                     disk->name);
}

/* The image of a drive: under a meter and a layer of the past. */
static struct disk_backend *image_of(struct disk_backend *disk)
{
    return disk_past_image(meter_disk(disk));
}

static bool check_disks(const struct machine *machine, struct error *err)
{
    for (unsigned i = 0; i < MACHINE_DISKS; i++)
        if (!may_be_copied(image_of(machine->disk[i]), err))
            return false;
    for (unsigned i = 0; i < GATE_DRIVE_COUNT; i++)
        if (!may_be_copied(image_of(machine->medium[i]), err))
            return false;
    return true;
}

static void share_disk(struct disk_backend *disk)
{
    if (disk && disk->ops->share)
        disk->ops->share(disk);
}

static void share_disks(struct machine *machine)
{
    for (unsigned i = 0; i < MACHINE_DISKS; i++)
        share_disk(image_of(machine->disk[i]));
    for (unsigned i = 0; i < GATE_DRIVE_COUNT; i++)
        share_disk(image_of(machine->medium[i]));
}

static bool unshare_disk(struct disk_backend *disk, struct error *err)
{
    return !disk || !disk->ops->unshare || disk->ops->unshare(disk, err);
}

static bool unshare_disks(struct machine *machine, struct error *err)
{
    for (unsigned i = 0; i < MACHINE_DISKS; i++)
        if (!unshare_disk(image_of(machine->disk[i]), err))
            return false;
    for (unsigned i = 0; i < GATE_DRIVE_COUNT; i++)
        if (!unshare_disk(image_of(machine->medium[i]), err))
            return false;
    return true;
}

/* --- in the copy --- */

/* Sockets, terminals and pipes are the first machine's; images and logs are files, and overlays
 * know the folder of theirs. */
static void close_foreign_files(int keep)
{
    DIR *list = opendir("/proc/self/fd");
    for (struct dirent *entry; list && (entry = readdir(list));) {
        int fd = atoi(entry->d_name);
        struct stat info;
        if (fd > STDERR_FILENO && fd != keep && fd != dirfd(list) && fstat(fd, &info) == 0 &&
            !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode))
            close(fd);
    }
    if (list)
        closedir(list);
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing >= 0) {
        dup2(nothing, STDIN_FILENO);
        dup2(nothing, STDOUT_FILENO);
        close(nothing);
    }
}

static void leave_outside(struct machine *machine)
{
    struct machine_config *config = &machine->config;
    machine->gate = gate_new();
    input_connect(machine);
    gate_set_log(machine->gate, machine_record_event, machine);
    machine->control = control_new(machine_commands(), machine->gate);
    machine->jobs = jobs_new();
    machine->screen = screen_new();
    if (machine->gdb)
        gdb_abandon(machine->gdb);
    machine->gdb = NULL;
    machine->recorder.writer = NULL;
    config->script = NULL;
    config->controlled = true;
    config->interactive = config->debugged = false;
    config->stop_after = UINT64_MAX;
    for (unsigned i = 0; i < MACHINE_SERIALS; i++)
        machine->serial_capture[i].next = NULL;
    machine->debug_capture.next = NULL;
    machine->printer_outlet.next = machine->post_outlet.next = NULL;
    atomic_store(&machine->outside_status, -1);
}

static bool settle(struct machine *machine, const char *socket, struct error *err)
{
    struct machine_outside *outside = &machine->config.outside;
    bool is_kept;
    leave_outside(machine);
    if (!unshare_disks(machine, err) ||
        !outside->settle_copy(outside->opaque, socket, &is_kept, err))
        return false;
    if (!is_kept) {
        outside->keep = NULL;
        outside->fork = NULL;
    }
    return true;
}

/* The memory for translated code is still shared, and the first machine writes to it again: nothing
 * in it may be used any more. That takes longer than anybody would want to wait for. */
static void leave_code(struct machine *machine)
{
    struct error err;
    machine_forget_code(machine);
    if (!machine->jit || jit_unshare(machine->jit, &err))
        return;
    fprintf(stderr, "anachron: error: the copy of a machine: %s\n", err.text);
    _exit(EXIT_STATUS_HOST_ERROR);
}

static _Noreturn void live_on(struct machine *machine, const char *socket, bool paused, int answer)
{
    struct report report = {.ok = true};
    setsid();
    close_foreign_files(answer);
    report.ok = settle(machine, socket, &report.err);
    ssize_t written = write(answer, &report, sizeof report);
    close(answer);
    const struct machine_outside *outside = &machine->config.outside;
    if (!report.ok || written != (ssize_t)sizeof report || !outside->show_copy(outside->opaque))
        _exit(EXIT_STATUS_HOST_ERROR);
    leave_code(machine);
    machine_set_paused(machine, paused);
    int status = machine_run(machine);
    _exit(outside->end_copy(outside->opaque, status));
}

void machine_connect_serial(struct machine *machine, unsigned port, struct char_backend *chars)
{
    machine->serial_capture[port].next = chars;
}

/* --- in the first process --- */

static bool read_report(int answer, struct report *report)
{
    ssize_t size;
    do
        size = read(answer, report, sizeof *report);
    while (size < 0 && errno == EINTR);
    return size == (ssize_t)sizeof *report;
}

bool machine_may_fork(const struct machine *machine, struct error *err)
{
    if (!machine->config.outside.settle_copy || machine->config.trace)
        return error_set(err, "a machine that is traced, or has no control socket, is not copied");
    struct history_info info;
    history_get_info(machine, &info);
    if (info.in_past)
        return error_set(err, "the machine is in its past; go live first");
    return check_disks(machine, err);
}

bool machine_fork(struct machine *machine, const char *socket, bool paused, pid_t *pid,
                  struct error *err)
{
    int answer[2];
    struct report report;
    if (!machine_may_fork(machine, err))
        return false;
    if (pipe2(answer, O_CLOEXEC) != 0)
        return error_set_errno(err, "cannot make a pipe");
    machine_settle_memory(machine);
    share_disks(machine);
    signal(SIGCHLD, SIG_IGN); /* nobody waits for it */
    fflush(NULL);
    *pid = fork();
    if (*pid == 0) {
        close(answer[0]);
        live_on(machine, socket, paused, answer[1]);
    }
    close(answer[1]);
    if (*pid < 0)
        error_set_errno(err, "cannot fork a process for the copy");
    bool ok = *pid > 0 && read_report(answer[0], &report);
    close(answer[0]);
    if (*pid > 0 && !ok)
        error_set(err, "the copy has died at once");
    else if (ok && !report.ok)
        *err = report.err;
    return ok && report.ok;
}
