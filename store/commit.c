#include "store/commit.h"

#include "base/bits.h"
#include "base/memory.h"
#include "store/delta.h"
#include "store/files.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The files that a commit is about; owned. */
struct paths {
    char *preparing, *prepared_delta, *prepared_state; /* commit.new */
    char *commit, *delta, *new_state;                  /* commit */
    char *disk, *state;
};

static void find_paths(struct paths *paths, const char *machine)
{
    paths->preparing = files_path(machine, "commit.new");
    paths->prepared_delta = files_path(paths->preparing, STORE_DELTA);
    paths->prepared_state = files_path(paths->preparing, STORE_STATE);
    paths->commit = files_path(machine, "commit");
    paths->delta = files_path(paths->commit, STORE_DELTA);
    paths->new_state = files_path(paths->commit, STORE_STATE);
    paths->disk = files_path(machine, STORE_DISK);
    paths->state = files_path(machine, STORE_STATE);
}

static void free_paths(struct paths *paths)
{
    char **all[] = {&paths->preparing, &paths->prepared_delta, &paths->prepared_state,
                    &paths->commit,    &paths->delta,          &paths->new_state,
                    &paths->disk,      &paths->state};
    for (size_t i = 0; i < ARRAY_LENGTH(all); i++)
        mem_free(*all[i]);
}

/* --- saving --- */

static bool sync_file(const char *path, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (!ok)
        error_set_errno(err, "%s: cannot make it safe on its medium", path);
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool prepare(const struct paths *paths, struct disk_backend *disk,
                    commit_write_state *write_state, void *opaque, struct error *err)
{
    if (mkdir(paths->preparing, 0777) != 0)
        return error_set_errno(err, "%s: cannot make the folder", paths->preparing);
    if (write_state && (!write_state(opaque, paths->prepared_state, err) ||
                        !sync_file(paths->prepared_state, err)))
        return false;
    return delta_write(paths->prepared_delta, disk, write_state != NULL, err) &&
           files_sync_directory(paths->preparing, err);
}

bool commit_save(const char *path, struct disk_backend *disk, commit_write_state *write_state,
                 void *opaque, struct error *err)
{
    struct paths paths;
    find_paths(&paths, path);
    bool ok = files_remove_tree(paths.preparing, err) &&
              prepare(&paths, disk, write_state, opaque, err) &&
              files_rename(paths.preparing, paths.commit, err);
    if (!ok)
        files_remove_tree(paths.preparing, NULL);
    ok = ok && files_sync_directory(path, err);
    free_paths(&paths);
    return ok;
}

/* --- putting it in place --- */

static bool place_state(const struct paths *paths, bool has_state, struct error *err)
{
    if (!has_state)
        return unlink(paths->state) == 0 || errno == ENOENT ||
               error_set_errno(err, "%s: cannot remove the old state", paths->state);
    /* It is in place already if this was interrupted later than here. */
    return rename(paths->new_state, paths->state) == 0 ||
           (errno == ENOENT && files_exists(paths->state)) ||
           error_set_errno(err, "%s: cannot put the new state in place", paths->state);
}

/* The disk gets the time of its state. */
static bool pair(const struct paths *paths, struct error *err)
{
    struct stat about;
    if (!files_exists(paths->disk))
        return true;
    if (stat(paths->state, &about) != 0)
        return error_set_errno(err, "%s: cannot look at it", paths->state);
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, about.st_mtim};
    if (utimensat(AT_FDCWD, paths->disk, times, 0) != 0)
        return error_set_errno(err, "%s: cannot set its time", paths->disk);
    return sync_file(paths->disk, err);
}

static bool put_in_place(const char *path, const struct paths *paths, struct error *err)
{
    bool has_state;
    if (!delta_apply(paths->delta, paths->disk, &has_state, err) ||
        !place_state(paths, has_state, err) || (has_state && !pair(paths, err)) ||
        !files_sync_directory(path, err))
        return false;
    kept_log(path, has_state ? "saved, with its state" : "saved, powered off");
    return true;
}

bool commit_recover(const char *path, struct error *err)
{
    struct paths paths;
    find_paths(&paths, path);
    bool ok = true;
    /* Without a delta it was being removed. */
    if (files_exists(paths.delta))
        ok =
            put_in_place(path, &paths, err) &&
            (unlink(paths.delta) == 0 || error_set_errno(err, "%s: cannot remove it", paths.delta));
    ok = ok && files_remove_tree(paths.commit, err) && files_remove_tree(paths.preparing, err);
    free_paths(&paths);
    return ok;
}

bool commit_state_fits(const char *path, bool *exists, struct error *err)
{
    struct paths paths;
    struct stat disk, state;
    find_paths(&paths, path);
    *exists = stat(paths.state, &state) == 0;
    bool has_disk = stat(paths.disk, &disk) == 0;
    bool fits = *exists && (!has_disk || (disk.st_mtim.tv_sec == state.st_mtim.tv_sec &&
                                          disk.st_mtim.tv_nsec == state.st_mtim.tv_nsec));
    if (*exists && !fits)
        error_set(err,
                  "%s was changed after its state was saved: start it with --cold to boot from the "
                  "disk without the state (or, if nothing in it has changed: touch -r %s %s)",
                  paths.disk, paths.state, paths.disk);
    free_paths(&paths);
    return fits;
}
