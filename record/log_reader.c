/* Logs: reading. See record/log_file.h. */
#include "base/bits.h"
#include "base/memory.h"
#include "record/log_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct log_frame {
    size_t at; /* in the file */
    uint32_t kind;
    const uint8_t *payload;
    size_t size;
};

enum { PLACES_APART = 4096 }; /* bytes: read again for each time that a machine was taken back */

enum framing { FRAME_WHOLE, FRAME_TORN, FRAME_DAMAGED };

static bool is_zero_to_end(const struct log_file *log, size_t at)
{
    while (at < log->size && !log->bytes[at])
        at++;
    return at == log->size;
}

/* A frame that is damaged at the very end, or nothing but zeros from there on, was being written
 * when the recorder was killed or the host went down. */
static enum framing take_frame(const struct log_file *log, size_t at, struct log_frame *frame)
{
    size_t left = log->size - at;
    if (left < LOG_HEAD_SIZE)
        return FRAME_TORN;
    const uint8_t *head = log->bytes + at;
    *frame = (struct log_frame){at, load_le32(head), head + LOG_HEAD_SIZE, load_le32(head + 4)};
    if (frame->size > left - LOG_HEAD_SIZE)
        return FRAME_TORN;
    if (log_frame_hash(head, frame->payload, frame->size) == load_le64(head + LOG_HEAD_HASHED))
        return FRAME_WHOLE;
    bool is_last = frame->size == left - LOG_HEAD_SIZE;
    return is_last || is_zero_to_end(log, at) ? FRAME_TORN : FRAME_DAMAGED;
}

static void note_place(struct log_file *log, const struct journal_position *place)
{
    if (log->place_count == log->place_room) {
        log->place_room = log->place_room ? 2 * log->place_room : 64;
        log->places = mem_resize(log->places, log->place_room * sizeof *log->places);
    }
    log->places[log->place_count++] = *place;
}

/* The place at offset, which is between two records and before the end, or the next one behind it.
 * What has been read on the way to one place is not read again for one before it. */
static struct journal_position find_place(struct log_file *log, uint64_t offset)
{
    struct journal_record record;
    while (log->place_count && log->places[log->place_count - 1].offset > offset)
        log->place_count--;
    if (!log->place_count) {
        struct journal_position begin = journal_begin(log->journal);
        note_place(log, &begin);
    }
    struct journal_position last = log->places[log->place_count - 1], at = last;
    while (at.offset < offset && journal_read(log->journal, &at, &record)) {
        if (record.kind == JOURNAL_EVENT)
            gate_event_free(&record.event);
        if (at.offset - last.offset < PLACES_APART || at.offset > offset)
            continue;
        last = at;
        note_place(log, &at);
    }
    return at;
}

static bool take_events(struct log_file *log, const struct log_frame *frame, struct error *err)
{
    if (frame->size < LOG_POSITION_SIZE)
        return error_set(err, "a frame of events is too short");
    const uint8_t *head = frame->payload;
    struct journal_position from = {
        load_le64(head), load_le64(head + 8), {load_le64(head + 16), load_le64(head + 24), 0}
    };
    from.stamp.order = load_le32(head + 32);
    /* A log that begins with a saved state may begin in the middle of the machine's journal. */
    if (!log->has_events && log->snapshot)
        journal_start_at(log->journal, &from);
    log->has_events = true;
    struct journal_position end = journal_end(log->journal);
    if (from.offset < end.offset) {
        /* Back in time: to a place between two records, which the log has had before. */
        end = find_place(log, from.offset);
        log->rewinds++;
    }
    if (from.offset != end.offset || from.count != end.count ||
        journal_stamp_compare(&from.stamp, &end.stamp) != 0)
        return error_set(err, "a frame of events does not follow those before it");
    journal_truncate(log->journal, &end);
    return journal_append_bytes(log->journal, head + LOG_POSITION_SIZE,
                                frame->size - LOG_POSITION_SIZE, err);
}

static bool take_sectors(struct log_file *log, const struct log_frame *frame, struct error *err)
{
    if (frame->size <= LOG_SECTORS_HEAD || (frame->size - LOG_SECTORS_HEAD) % DISK_SECTOR_SIZE)
        return error_set(err, "a frame of sectors has a wrong size");
    if ((log->sectors_count & (log->sectors_count - 1)) == 0)
        log->sectors = mem_resize(log->sectors, (log->sectors_count ? log->sectors_count * 2 : 1) *
                                                    sizeof *log->sectors);
    log->sectors[log->sectors_count++] = (struct log_sectors){
        .place = load_le32(frame->payload),
        .lba = load_le64(frame->payload + 4),
        .count = (uint32_t)((frame->size - LOG_SECTORS_HEAD) / DISK_SECTOR_SIZE),
        .bytes = frame->payload + LOG_SECTORS_HEAD,
    };
    return true;
}

static bool take_snapshot(struct log_file *log, const struct log_frame *frame, struct error *err)
{
    if (log->has_events || log->sectors_count || log->has_end)
        return error_set(err, "a piece of its saved state is not at its beginning");
    if (!log->snapshot)
        log->snapshot = mem_new(log->size); /* more than all pieces */
    memcpy(log->snapshot + log->snapshot_size, frame->payload, frame->size);
    log->snapshot_size += frame->size;
    return true;
}

static bool take_end(struct log_file *log, const struct log_frame *frame, struct error *err)
{
    if (frame->size < LOG_END_HEAD)
        return error_set(err, "its last frame is too short");
    const uint8_t *head = frame->payload;
    log->has_end = true;
    log->end = (struct journal_stamp){load_le64(head), load_le64(head + 8), load_le32(head + 16)};
    log->status = (int)load_le32(head + 24);
    size_t length = frame->size - LOG_END_HEAD;
    snprintf(log->reason, sizeof log->reason, "%.*s",
             (int)(length < sizeof log->reason ? length : sizeof log->reason),
             (const char *)head + LOG_END_HEAD);
    return true;
}

static bool take_payload(struct log_file *log, const struct log_frame *frame, struct error *err)
{
    bool is_first = frame->at == LOG_FILE_HEAD_SIZE;
    if (is_first != (frame->kind == LOG_CONFIG))
        return error_set(err, "its configuration is not where it should be");
    switch (frame->kind) {
    case LOG_CONFIG:
        log->config = (const char *)frame->payload;
        log->config_size = frame->size;
        return true;
    case LOG_EVENTS:
        return take_events(log, frame, err);
    case LOG_SECTORS:
        return take_sectors(log, frame, err);
    case LOG_SNAPSHOT:
        return take_snapshot(log, frame, err);
    case LOG_END:
        return take_end(log, frame, err);
    default:
        return error_set(err, "it has a frame of kind %u, which this version does not know",
                         frame->kind);
    }
}

static bool check_head(const struct log_file *log, const char *name, struct error *err)
{
    if (log->size < LOG_FILE_HEAD_SIZE || memcmp(log->bytes, LOG_MAGIC, LOG_MAGIC_SIZE) != 0)
        return error_set(err, "%s is not a log of `anachron run --record`", name);
    uint32_t version = load_le32(log->bytes + LOG_MAGIC_SIZE);
    return version == LOG_VERSION ||
           error_set(err,
                     "log %s is of version %u, this program reads version %d; replay it with "
                     "the program that recorded it",
                     name, version, LOG_VERSION);
}

static bool take_frames(struct log_file *log, const char *name, struct error *err)
{
    struct error reason;
    struct log_frame frame;
    log->used = LOG_FILE_HEAD_SIZE;
    while (log->used < log->size) {
        enum framing framing = take_frame(log, log->used, &frame);
        if (framing == FRAME_TORN)
            break;
        if (framing == FRAME_DAMAGED)
            return error_set(err,
                             "log %s is damaged at byte %zu: the checksum is wrong there; use "
                             "another copy of it",
                             name, log->used);
        if (!take_payload(log, &frame, &reason))
            return error_set(err, "log %s is wrong at byte %zu: %.300s", name, log->used,
                             reason.text);
        log->used += LOG_HEAD_SIZE + frame.size;
    }
    return log->config || error_set(err,
                                    "log %s ends before its configuration: nothing of the "
                                    "run is in it",
                                    name);
}

bool log_file_parse(uint8_t *bytes, size_t size, const char *name, struct log_file *log,
                    struct error *err)
{
    *log = (struct log_file){.bytes = bytes, .size = size, .journal = journal_new()};
    if (check_head(log, name, err) && take_frames(log, name, err))
        return true;
    log_file_free(log);
    return false;
}

bool log_file_read(const char *path, struct log_file *log, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        error_set_errno(err, "cannot open log %s", path);
        if (fd >= 0)
            close(fd);
        return false;
    }
    size_t size = S_ISREG(status.st_mode) ? (size_t)status.st_size : 0, done = 0;
    uint8_t *bytes = mem_new(size + 1);
    while (done < size) {
        ssize_t part = read(fd, bytes + done, size - done);
        if (part <= 0 && errno != EINTR)
            break;
        done += part > 0 ? (size_t)part : 0;
    }
    close(fd);
    return log_file_parse(bytes, done, path, log, err);
}

void log_file_free(struct log_file *log)
{
    mem_free(log->bytes);
    mem_free(log->sectors);
    mem_free(log->snapshot);
    mem_free(log->places);
    journal_free(log->journal);
    *log = (struct log_file){0};
}
