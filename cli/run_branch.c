/* Logs that are begun while the machine runs: at the command record, and when a machine that is
 * recorded goes live in its past. See run_log.h. */
#include "base/memory.h"
#include "cli/run_config.h"
#include "cli/run_private.h"
#include "host/image_preimages.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BRANCHES_MAX = 1000000, SUFFIX_SIZE = 16 };

/* --- from this moment on --- */

/* Media that were put in while the machine ran, and are written directly: nothing tells of what
 * they hold before it is overwritten. */
static bool save_inserted(struct run *run, struct error *err)
{
    for (unsigned i = 0; i < SAVED_PLACES; i++) {
        struct disk_backend *disk = saved_medium(run->machine, i);
        struct disk_backend *given = i < MACHINE_FLOPPIES
                                         ? run->config.floppy[i].disk
                                         : run->config.drive[i - MACHINE_FLOPPIES].disk;
        bool is_written = disk && disk != given && !disk->read_only && !disk->ops->next_written;
        if (is_written && !run_log_save_medium(&run->log, i, disk, err))
            return false;
    }
    return true;
}

static void watch_anew(struct run *run)
{
    for (unsigned i = 0; i < MACHINE_FLOPPIES + MACHINE_DISKS; i++) {
        struct disk_backend *disk = i < MACHINE_FLOPPIES
                                        ? run->config.floppy[i].disk
                                        : run->config.drive[i - MACHINE_FLOPPIES].disk;
        if (disk && run->log.is_watched[i])
            image_preimages_forget(disk);
    }
}

/* The state is a file for a moment, beside the log. */
static bool open_here(struct run *run, const char *path, json_t *parent, struct error *err)
{
    static const char suffix[] = ".state";
    size_t length = strlen(path);
    char *file = mem_new(length + sizeof suffix);
    memcpy(file, path, length);
    memcpy(file + length, suffix, sizeof suffix);
    struct saved *saved = NULL;
    bool ok = access(path, F_OK) != 0 ||
              error_set(err, "%s: the file exists already; remove it, or give another name", path);
    ok = ok && machine_save(run->machine, file, err);
    if (ok) {
        saved = saved_open(file, err);
        unlink(file);
    }
    mem_free(file);
    if (!saved) {
        json_decref(parent);
        return false;
    }
    ok = run_log_open_state(run, path, saved, true, parent, err) && save_inserted(run, err);
    saved_close(saved);
    return ok;
}

static bool begin_here(struct run *run, const char *path, json_t *parent, struct error *err)
{
    struct run_log *log = &run->log;
    watch_anew(run);
    if (!open_here(run, path, parent, err))
        return false;
    log->media = 0;
    machine_record_from_here(run->machine, log->writer);
    return true;
}

/* --- branches --- */

/* The first name beside the first log that is free. The caller frees. */
static char *name_branch(const struct run_log *log)
{
    size_t size = strlen(log->base) + SUFFIX_SIZE;
    char *path = mem_new(size);
    unsigned number = 0;
    do
        snprintf(path, size, "%s.%u", log->base, ++number);
    while (access(path, F_OK) == 0 && number < BRANCHES_MAX);
    return path;
}

static json_t *describe_parent(const struct run_log *log, const struct journal_stamp *at)
{
    return run_log_describe_parent(log->written_head, log->written, at);
}

/* What the log says of the machine's beginning. Sectors of media that are put in later are not that
 * of the branch, which may put in others. */
static void copy_beginning(const struct log_file *file, unsigned media, struct log_writer *writer)
{
    if (file->snapshot)
        log_writer_snapshot(writer, file->snapshot, file->snapshot_size);
    for (size_t i = 0; i < file->sectors_count; i++) {
        const struct log_sectors *sectors = &file->sectors[i];
        if (sectors->place < RUN_LOG_FIRST_MEDIUM + media)
            log_writer_sectors(writer, sectors->place, sectors->lba, sectors->count,
                               sectors->bytes);
    }
}

static bool open_branch(struct run *run, const struct machine_branch *branch, struct error *err)
{
    struct run_log *log = &run->log;
    struct log_file file;
    if (!log_file_read(log->written, &file, err))
        return false;
    char *path = name_branch(log);
    json_t *machine = json_incref(json_object_get(log->written_head, "machine"));
    bool ok = run_log_open(run, path, machine, describe_parent(log, &branch->at), err);
    if (ok)
        copy_beginning(&file, branch->media, log->writer);
    json_decref(machine);
    mem_free(path);
    log_file_free(&file);
    return ok;
}

bool run_log_branch(void *opaque, const struct machine_branch *branch, struct log_writer **writer,
                    struct error *err)
{
    struct run *run = opaque;
    struct run_log *log = &run->log;
    struct log_writer *old = log->writer;
    log->left = branch->at;
    if (branch->is_shared && !open_branch(run, branch, err))
        return false;
    log_writer_end(old, &branch->tip, EXIT_STATUS_OK, "left for a branch");
    log->ended = mem_resize(log->ended, (log->ended_count + 1) * sizeof *log->ended);
    log->ended[log->ended_count++] = old;
    log->media = branch->media;
    *writer = log->writer = branch->is_shared ? log->writer : NULL;
    return true;
}

static bool begin_branch_here(struct run *run, struct error *err)
{
    struct run_log *log = &run->log;
    char *path = name_branch(log);
    bool ok = begin_here(run, path, describe_parent(log, &log->left), err);
    mem_free(path);
    return ok;
}

/* --- the command --- */

/* Whether a log can begin where the run has. */
static bool knows_all(const struct run *run)
{
    const struct run_log *log = &run->log;
    return !log->path && machine_remembers_all(run->machine) && !log->has_written &&
           !log->has_released && !log->media;
}

bool run_log_begin(void *opaque, const char *path, struct error *err)
{
    struct run *run = opaque;
    struct run_log *log = &run->log;
    if (!path)
        return begin_branch_here(run, err);
    if (log->path && !log->went_live)
        return error_set(err, "this is a replay: its record is %s, and --record makes a branch",
                         log->path);
    if (log->writer)
        return error_set(err, "the machine is recorded already, in %s", log->written);
    if (!knows_all(run))
        return begin_here(run, path, NULL, err);
    if (!run_log_open_state(run, path, run->saved, false, NULL, err))
        return false;
    machine_record(run->machine, log->writer);
    return true;
}
