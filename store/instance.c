#include "store/instance.h"

#include "base/memory.h"
#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define FOLDER  "running"
#define CONTROL "control"

struct instance {
    char *name, *path; /* of the machine */
    char *folder, *control;
    int folder_fd;
    int pid_fd;    /* holds the lock */
    bool is_draft; /* nobody else sees it yet; who makes it holds the folder's lock */
};

/* --- the pid file --- */

static char *pid_path(const char *machine)
{
    char *folder = files_path(machine, FOLDER);
    char *path = files_path(folder, "pid");
    mem_free(folder);
    return path;
}

/* A lock of the open file, which ends with the last process that has it open. */
static struct flock whole_file(void)
{
    return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
}

static bool is_locked(int fd)
{
    struct flock lock = whole_file();
    return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

pid_t instance_pid(const char *path)
{
    char text[32] = "";
    char *file = pid_path(path);
    int fd = open(file, O_RDWR | O_CLOEXEC);
    mem_free(file);
    if (fd < 0)
        return 0;
    bool running = is_locked(fd);
    ssize_t size = pread(fd, text, sizeof text - 1, 0);
    close(fd);
    return running && size > 0 ? (pid_t)atol(text) : 0;
}

bool instance_clear(const char *path, struct error *err)
{
    char *folder = files_path(path, FOLDER);
    bool ok = true;
    if (files_exists(folder) && !instance_pid(path)) {
        ok = files_remove_tree(folder, err);
        if (ok)
            kept_log(path, "found killed: as it was saved last");
    }
    mem_free(folder);
    return ok;
}

/* The number is there before the lock, so that who sees the lock sees it. */
static int make_pid_file(const char *machine, struct error *err)
{
    char text[32];
    char *path = pid_path(machine);
    struct flock lock = whole_file();
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    int size = snprintf(text, sizeof text, "%d\n", (int)getpid());
    bool ok =
        fd >= 0 && write(fd, text, (size_t)size) == size && fcntl(fd, F_OFD_SETLK, &lock) == 0;
    if (!ok) {
        error_set_errno(err, "%s: cannot make and lock the file", path);
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    mem_free(path);
    return fd;
}

/* --- the control socket --- */

/* A socket's name is at most some hundred characters; a descriptor of the folder is a short way. */
static char *control_path(const char *folder, int folder_fd)
{
    static const struct sockaddr_un address;
    char text[64];
    char *path = files_path(folder, CONTROL);
    if (strlen(path) < sizeof address.sun_path)
        return path;
    mem_free(path);
    snprintf(text, sizeof text, "/proc/self/fd/%d/" CONTROL, folder_fd);
    return mem_string_copy(text);
}

char *instance_find_control(const char *machine_path, int *fd)
{
    char *folder = files_path(machine_path, FOLDER);
    *fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char *path = control_path(folder, *fd);
    mem_free(folder);
    return path;
}

/* --- the instance --- */

static void release(struct instance *instance)
{
    if (instance->folder_fd >= 0)
        close(instance->folder_fd);
    if (instance->pid_fd >= 0)
        close(instance->pid_fd);
    mem_free(instance->control);
    mem_free(instance->folder);
    mem_free(instance->path);
    mem_free(instance->name);
    mem_free(instance);
}

static bool set_up(struct instance *instance, struct error *err)
{
    if (mkdir(instance->folder, 0777) != 0)
        return error_set_errno(err, "%s: cannot make the folder", instance->folder);
    instance->folder_fd = open(instance->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (instance->folder_fd < 0)
        return error_set_errno(err, "%s: cannot open the folder", instance->folder);
    instance->pid_fd = make_pid_file(instance->path, err);
    if (instance->pid_fd < 0)
        return false;
    instance->control = control_path(instance->folder, instance->folder_fd);
    return true;
}

static struct instance *begin(const char *name, const char *path, struct error *err)
{
    struct instance *instance = mem_new(sizeof *instance);
    instance->name = mem_string_copy(name);
    instance->path = mem_string_copy(path);
    instance->folder = files_path(path, FOLDER);
    instance->folder_fd = instance->pid_fd = -1;
    if (set_up(instance, err))
        return instance;
    files_remove_tree(instance->folder, NULL);
    release(instance);
    return NULL;
}

struct instance *instance_begin(struct kept *kept, struct error *err)
{
    pid_t pid = instance_pid(kept->path);
    if (!pid)
        return begin(kept->name, kept->path, err);
    error_set(err, "%s runs already (process %d); anachron stop %s --save or --discard ends it",
              kept->name, (int)pid, kept->name);
    return NULL;
}

struct instance *instance_begin_draft(const struct draft *draft, const char *name,
                                      struct error *err)
{
    struct instance *instance = begin(name, draft->path, err);
    if (instance)
        instance->is_draft = true;
    return instance;
}

bool instance_publish(struct instance *instance, struct draft *draft, struct error *err)
{
    if (!draft_publish(draft, instance->name, err))
        return false;
    instance->is_draft = false;
    mem_free(instance->path);
    mem_free(instance->folder);
    instance->path = files_path(store_root(draft->store), instance->name);
    instance->folder = files_path(instance->path, FOLDER);
    return true;
}

void instance_abandon(struct instance *instance)
{
    release(instance);
}

const char *instance_control(const struct instance *instance)
{
    return instance->control;
}

const char *instance_name(const struct instance *instance)
{
    return instance->name;
}

const char *instance_path(const struct instance *instance)
{
    return instance->path;
}

char *instance_file(const struct instance *instance, const char *file)
{
    return files_path(instance->folder, file);
}

/* The folder, locked; -1: err says why. */
static int lock_machine(const struct instance *instance, struct error *err)
{
    int fd = open(instance->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int locked = -1;
    do
        locked = fd < 0 ? -1 : flock(fd, LOCK_EX);
    while (fd >= 0 && locked < 0 && errno == EINTR);
    if (locked == 0)
        return fd;
    error_set_errno(err, "%s: cannot lock the machine's folder", instance->path);
    if (fd >= 0)
        close(fd);
    return -1;
}

bool instance_save(struct instance *instance, struct disk_backend *disk,
                   commit_write_state *write_state, void *opaque, struct error *err)
{
    struct error later;
    int fd = lock_machine(instance, err);
    if (fd < 0)
        return false;
    /* An earlier one may have had to wait for room. */
    bool ok = commit_recover(instance->path, err) &&
              commit_save(instance->path, disk, write_state, opaque, err);
    if (ok && !commit_recover(instance->path, &later))
        fprintf(stderr,
                "anachron: warning: %s is saved, but not in place yet (the next command will try "
                "again): %s\n",
                instance->name, later.text);
    else if (ok && disk)
        disk->ops->forget_written(disk);
    close(fd);
    return ok;
}

/* What it has said is still to be read when it has ended, if it has said anything. */
static void keep_console(const struct instance *instance)
{
    struct stat about;
    char *from = files_path(instance->folder, INSTANCE_CONSOLE);
    char *to = files_path(instance->path, INSTANCE_CONSOLE);
    if (stat(from, &about) == 0 && about.st_size && rename(from, to) != 0)
        fprintf(stderr, "anachron: warning: %s: cannot be kept\n", from);
    mem_free(from);
    mem_free(to);
}

void instance_end(struct instance *instance, const char *how)
{
    if (!instance)
        return;
    struct error err;
    int fd = instance->is_draft ? -1 : lock_machine(instance, &err);
    if (how && !instance->is_draft)
        kept_log(instance->path, "%s", how);
    keep_console(instance);
    if (!files_remove_tree(instance->folder, &err))
        fprintf(stderr, "anachron: warning: %s\n", err.text);
    if (fd >= 0)
        close(fd);
    release(instance);
}
