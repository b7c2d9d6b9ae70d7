/* See run_log.h. */
#include "cli/run_log.h"

#include "base/memory.h"
#include "cli/run_config.h"
#include "cli/run_private.h"
#include "host/image.h"
#include "host/image_preimages.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

/* --- writing --- */

/* A number that no other log has. */
static json_t *new_id(const char *path)
{
    struct timespec now;
    char text[4200];
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(text, sizeof text, "%lld.%09ld %ld %.4000s", (long long)now.tv_sec, now.tv_nsec,
             (long)getpid(), path);
    snprintf(text, sizeof text, "%016llx", (unsigned long long)XXH3_64bits(text, strlen(text)));
    return json_string(text);
}

json_t *run_log_describe_parent(const json_t *head, const char *path,
                                const struct journal_stamp *at)
{
    char *absolute = realpath(path, NULL);
    json_t *text = json_string(absolute);
    free(absolute);
    return json_pack("{s:O, s:o*, s:I, s:I}", "id", json_object_get(head, "id"), "path", text,
                     "icount", (json_int_t)at->icount, "nanoseconds", (json_int_t)at->time_ns);
}

bool run_log_open(struct run *run, const char *path, json_t *machine, json_t *parent,
                  struct error *err)
{
    struct run_log *log = &run->log;
    const char *engine = run->config.engine == ENGINE_INTERP ? "interp"
                         : run->config.engine == ENGINE_JIT  ? "jit"
                                                             : "default";
    json_t *head = json_pack("{s:o, s:I, s:s, s:s, s:O, s:o*}", "id", new_id(path), "recorded",
                             (json_int_t)time(NULL), "by", ANACHRON_VERSION, "engine", engine,
                             "machine", machine, "parent", parent);
    char *text = json_dumps(head, JSON_COMPACT | JSON_SORT_KEYS);
    struct log_writer *writer = log_writer_open(path, text, err);
    free(text);
    if (!writer) {
        json_decref(head);
        return false;
    }
    json_decref(log->written_head);
    free(log->written);
    log->written_head = head;
    log->written = realpath(path, NULL);
    if (!log->base)
        log->base = realpath(path, NULL);
    log->writer = writer;
    return true;
}

static void save_sectors(void *opaque, unsigned place, uint64_t lba, uint32_t count,
                         const void *bytes)
{
    struct run_log *log = opaque;
    if (log->writer)
        log_writer_sectors(log->writer, place, lba, count, bytes);
    else
        log->has_written = true;
    for (unsigned i = 0; i < log->ended_count; i++)
        log_writer_sectors(log->ended[i], place, lba, count, bytes);
}

/* Images whose files the guest writes to: whoever wants a log later wants to know. */
static void watch_writes(struct run *run)
{
    struct machine_config *config = &run->config;
    for (unsigned i = 0; i < MACHINE_FLOPPIES + MACHINE_DISKS; i++) {
        struct disk_backend **disk = i < MACHINE_FLOPPIES
                                         ? &config->floppy[i].disk
                                         : &config->drive[i - MACHINE_FLOPPIES].disk;
        bool is_written =
            *disk && !(*disk)->read_only && (!(*disk)->ops->next_written || (*disk)->kept_beside);
        run->log.is_watched[i] = is_written;
        if (is_written)
            *disk = image_preimages_new(*disk, i, save_sectors, &run->log);
    }
}

/* What a copy of a machine that is kept by name has got beside its disk's file. */
static bool write_overlay(struct run *run, struct error *err)
{
    enum { CHUNK_SECTORS = 512 };
    struct disk_backend *disk = run->kept_disk;
    uint8_t *chunk = mem_new(CHUNK_SECTORS * DISK_SECTOR_SIZE);
    uint64_t lba = 0, run_length;
    bool ok = true;
    while (ok && disk && disk->ops->next_written(disk, &lba, &run_length)) {
        uint32_t count = run_length < CHUNK_SECTORS ? (uint32_t)run_length : CHUNK_SECTORS;
        ok = disk->ops->read(disk, lba, count, chunk, err);
        if (ok)
            log_writer_sectors(run->log.writer, MACHINE_FLOPPIES, lba, count, chunk);
        lba += count;
    }
    mem_free(chunk);
    return ok;
}

static json_t *describe_moment(const struct machine *machine)
{
    struct journal_stamp now = machine_stamp(machine);
    return json_pack("{s:I, s:I, s:I}", "icount", (json_int_t)now.icount, "nanoseconds",
                     (json_int_t)now.time_ns, "order", (json_int_t)now.order);
}

static void take_moment(const json_t *machine, struct journal_stamp *moment)
{
    const json_t *begin = json_object_get(machine, "begin");
    *moment = (struct journal_stamp){
        (uint64_t)json_integer_value(json_object_get(begin, "icount")),
        (uint64_t)json_integer_value(json_object_get(begin, "nanoseconds")),
        (uint32_t)json_integer_value(json_object_get(begin, "order")),
    };
}

bool run_log_open_state(struct run *run, const char *path, const struct saved *saved, bool here,
                        json_t *parent, struct error *err)
{
    json_t *machine =
        saved ? run_config_describe_loaded(run, saved, err) : run_config_describe(run, err);
    if (!machine) {
        json_decref(parent);
        return false;
    }
    if (here)
        json_object_set_new(machine, "begin", describe_moment(run->machine));
    bool ok = run_log_open(run, path, machine, parent, err);
    json_decref(machine);
    if (!ok)
        return false;
    if (saved) {
        size_t size;
        const uint8_t *bytes = saved_bytes(saved, &size);
        log_writer_snapshot(run->log.writer, bytes, size);
    }
    return write_overlay(run, err);
}

static bool prepare_record(struct run *run, struct error *err)
{
    if (run->options.record &&
        !run_log_open_state(run, run->options.record, run->saved, false, NULL, err))
        return false;
    watch_writes(run);
    return true;
}

/* A replay has become a live machine: what it does from now on is a branch, which begins with
 * everything up to here. */
static void went_live(void *opaque)
{
    struct run *run = opaque;
    struct run_log *log = &run->log;
    struct error err;
    log->went_live = true;
    if (!run->options.record)
        return;
    struct journal_stamp at = {machine_icount(run->machine), machine_time(run->machine), 0};
    json_t *parent = run_log_describe_parent(log->head, log->path, &at);
    if (!run_log_open(run, run->options.record, json_object_get(log->head, "machine"), parent,
                      &err)) {
        fprintf(stderr, "anachron: error: %s\n", err.text);
        machine_stop(run->machine, EXIT_STATUS_HOST_ERROR);
        return;
    }
    if (log->file.snapshot)
        log_writer_snapshot(log->writer, log->file.snapshot, log->file.snapshot_size);
    for (size_t i = 0; i < log->file.sectors_count; i++) {
        const struct log_sectors *sectors = &log->file.sectors[i];
        log_writer_sectors(log->writer, sectors->place, sectors->lba, sectors->count,
                           sectors->bytes);
    }
    machine_record(run->machine, log->writer);
}

/* --- reading --- */

json_t *run_log_head(const struct log_file *file, const char *path, struct error *err)
{
    json_error_t reason;
    json_t *head = json_loadb(file->config, file->config_size, 0, &reason);
    if (head && json_is_string(json_object_get(head, "id")) &&
        json_is_object(json_object_get(head, "machine")))
        return head;
    json_decref(head);
    error_set(err, "log %s: its configuration is not in a form that this version knows", path);
    return NULL;
}

/* Those of a machine that was loaded. */
static bool read_state(struct run *run, json_t *machine, struct error *err)
{
    struct run_log *log = &run->log;
    struct error reason;
    const json_t *size = json_object_get(machine, "state");
    if (!log->file.snapshot || json_integer_value(size) != (json_int_t)log->file.snapshot_size)
        return error_set(
            err,
            "log %s: it ends before the saved state with which it begins is whole, and "
            "nothing of the run is in it",
            log->path);
    run->saved = saved_open_bytes(log->file.snapshot, log->file.snapshot_size, log->path, err);
    if (!run->saved)
        return false;
    return run_config_apply_loaded(machine, &run->options, log->medium, &reason) ||
           error_set(err, "log %s: %.400s", log->path, reason.text);
}

bool run_log_read(struct run *run, const char *path, struct error *err)
{
    struct run_log *log = &run->log;
    struct error reason;
    if (!log_file_read(path, &log->file, err))
        return false;
    log->path = path;
    log->head = run_log_head(&log->file, path, err);
    if (!log->head)
        return false;
    json_t *machine = json_object_get(log->head, "machine");
    if (json_object_get(machine, "state") || log->file.snapshot)
        return read_state(run, machine, err);
    return run_config_apply(machine, &run->options, &reason) ||
           error_set(err, "log %s: %.400s", path, reason.text);
}

static bool write_sectors(struct disk_backend *disk, const struct log_sectors *sectors,
                          struct error *err)
{
    if (!disk || disk->read_only || sectors->lba > disk->sector_count ||
        sectors->count > disk->sector_count - sectors->lba)
        return error_set(err, "the log has sectors of a disk that the machine does not have");
    return disk->ops->write(disk, sectors->lba, sectors->count, sectors->bytes, err);
}

/* Directly written disks are opened with an overlay; into that goes what they held. Of a sector
 * that is there more than once, the first is what it held at the beginning. */
static bool restore_sectors(struct run *run, struct error *err)
{
    const struct log_file *file = &run->log.file;
    const struct machine_config *config = &run->config;
    for (size_t i = file->sectors_count; i-- > 0;) {
        const struct log_sectors *sectors = &file->sectors[i];
        unsigned drive = sectors->place - MACHINE_FLOPPIES;
        struct disk_backend *disk = sectors->place < MACHINE_FLOPPIES
                                        ? config->floppy[sectors->place].disk
                                    : drive < MACHINE_DISKS ? config->drive[drive].disk
                                                            : NULL;
        if (sectors->place < RUN_LOG_FIRST_MEDIUM && !write_sectors(disk, sectors, err))
            return false;
    }
    return true;
}

/* --- media --- */

/* Diskettes are small. */
bool run_log_save_medium(struct run_log *log, unsigned place, struct disk_backend *disk,
                         struct error *err)
{
    enum { CHUNK_SECTORS = 18 };
    uint8_t chunk[CHUNK_SECTORS * DISK_SECTOR_SIZE];
    for (uint64_t lba = 0; lba < disk->sector_count; lba += CHUNK_SECTORS) {
        uint64_t left = disk->sector_count - lba;
        uint32_t count = left < CHUNK_SECTORS ? (uint32_t)left : CHUNK_SECTORS;
        if (!disk->ops->read(disk, lba, count, chunk, err))
            return false;
        log_writer_sectors(log->writer, place, lba, count, chunk);
    }
    return true;
}

static bool restore_medium(struct run_log *log, struct disk_backend *disk, struct error *err)
{
    for (size_t i = 0; i < log->file.sectors_count; i++) {
        const struct log_sectors *sectors = &log->file.sectors[i];
        if (sectors->place == RUN_LOG_FIRST_MEDIUM + log->media &&
            !write_sectors(disk, sectors, err))
            return false;
    }
    return true;
}

enum { MEDIUM_PATH_MAX = 4096 };

/* By its options; a path may have such words in it, too. */
static bool says_not_to_write(const char *specification)
{
    char path[MEDIUM_PATH_MAX];
    struct image_options options;
    return image_parse(specification, path, sizeof path, &options, NULL) &&
           (options.read_only || options.snapshot);
}

struct disk_backend *run_log_open_medium(void *opaque, const char *specification, bool is_cdrom,
                                         struct error *err)
{
    struct run_log *log = &((struct run *)opaque)->log;
    enum image_kind kind = is_cdrom ? IMAGE_CDROM : IMAGE_FLOPPY;
    bool plays = log->path && !log->went_live;
    bool is_protected = is_cdrom || says_not_to_write(specification);
    size_t size = strlen(specification) + sizeof ",snapshot";
    char *opened = mem_new(size);
    snprintf(opened, size, "%s%s", specification, plays && !is_protected ? ",snapshot" : "");
    struct disk_backend *disk = image_open(opened, kind, err);
    mem_free(opened);
    bool is_written = disk && !disk->read_only && !disk->ops->next_written;
    unsigned place = RUN_LOG_FIRST_MEDIUM + log->media;
    if (disk && ((log->writer && is_written && !run_log_save_medium(log, place, disk, err)) ||
                 (plays && !restore_medium(log, disk, err)))) {
        image_close(disk, NULL);
        return NULL;
    }
    log->media += disk != NULL;
    return disk;
}

/* --- both sides --- */

static bool prepare_replay(struct run *run, struct error *err)
{
    struct error reason;
    if (!restore_sectors(run, err))
        return false;
    json_t *machine = json_object_get(run->log.head, "machine");
    return (run->saved ? run_config_check_loaded(machine, run, &reason)
                       : run_config_check(machine, run, &reason)) ||
           error_set(err, "log %s: %.400s", run->log.path, reason.text);
}

bool run_log_prepare(struct run *run, struct error *err)
{
    if (run->log.path)
        return prepare_replay(run, err);
    return prepare_record(run, err);
}

bool run_log_start(struct run *run, struct error *err)
{
    struct run_log *log = &run->log;
    if (log->path && log->play.to < machine_icount(run->machine))
        return error_set(err, "--to %llu: the log %s begins at instruction %llu",
                         (unsigned long long)log->play.to, log->path,
                         (unsigned long long)machine_icount(run->machine));
    if (log->path) {
        log->play.went_live = went_live;
        log->play.opaque = run;
        take_moment(json_object_get(log->head, "machine"), &log->play.begin);
        machine_play(run->machine, log->file.journal, &log->play);
        log->file.journal = NULL;
    } else if (log->writer) {
        machine_record(run->machine, log->writer);
    }
    return true;
}

void run_log_leave(struct run *run)
{
    struct run_log *log = &run->log;
    /* The disk of a machine that is kept by name may get another image here. */
    log->has_written |= log->writer || run->kept_disk;
    log->writer = NULL;
    log->ended_count = 0;
}

void run_log_report(struct run *run)
{
    struct machine_play_result result;
    machine_play_result(run->machine, &result);
    const struct log_file *file = &run->log.file;
    if (file->used < file->size)
        fprintf(stderr, "anachron: warning: log %s is cut off after %zu of %zu bytes\n",
                run->log.path, file->used, file->size);
    printf("icount %llu state %016llx\n", (unsigned long long)machine_icount(run->machine),
           (unsigned long long)machine_state_hash(run->machine));
    if (!run->log.went_live && !result.is_lost)
        printf("%llu events, %llu check marks: all as recorded\n",
               (unsigned long long)result.events, (unsigned long long)result.marks);
}

bool run_log_close(struct run *run, struct error *err)
{
    struct run_log *log = &run->log;
    bool ok = log_writer_close(log->writer, err);
    log->writer = NULL;
    while (log->ended_count)
        ok = log_writer_close(log->ended[--log->ended_count], ok ? err : NULL) && ok;
    return ok;
}

void run_log_free(struct run *run)
{
    log_file_free(&run->log.file);
    json_decref(run->log.head);
    json_decref(run->log.written_head);
    mem_free(run->log.ended);
    free(run->log.written);
    free(run->log.base);
}
