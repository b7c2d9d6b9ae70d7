/* Logs: writing. See record/log_file.h. */
#include "base/bits.h"
#include "base/memory.h"
#include "record/log_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include <xxhash.h>

struct log_writer {
    char *path;
    int fd;
    uint64_t size;
    bool failed;
    struct error error;
};

uint64_t log_frame_hash(const uint8_t *head, const void *payload, size_t size)
{
    return XXH3_64bits_withSeed(payload, size, XXH3_64bits(head, LOG_HEAD_HASHED));
}

static void fail(struct log_writer *writer)
{
    writer->failed = true;
    error_set_errno(&writer->error,
                    "the record %s cannot be written any more, and ends after %llu bytes",
                    writer->path, (unsigned long long)writer->size);
}

static void write_all(struct log_writer *writer, struct iovec *part, int count)
{
    while (count && !writer->failed) {
        ssize_t done = writev(writer->fd, part, count);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0) {
            fail(writer);
            return;
        }
        writer->size += (uint64_t)done;
        for (; count && (size_t)done >= part->iov_len; part++, count--)
            done -= (ssize_t)part->iov_len;
        if (count) {
            part->iov_base = (uint8_t *)part->iov_base + done;
            part->iov_len -= (size_t)done;
        }
    }
}

static void write_frame(struct log_writer *writer, enum log_kind kind, const void *payload,
                        size_t size)
{
    uint8_t head[LOG_HEAD_SIZE];
    store_le32(head, kind);
    store_le32(head + 4, (uint32_t)size);
    store_le64(head + LOG_HEAD_HASHED, log_frame_hash(head, payload, size));
    struct iovec parts[2] = {
        {head,            sizeof head},
        {(void *)payload, size       }
    };
    write_all(writer, parts, 2);
}

struct log_writer *log_writer_open(const char *path, const char *config, struct error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_APPEND, 0666);
    if (fd < 0 && errno == EEXIST)
        error_set(err, "--record %s: the file exists already; remove it, or give another name",
                  path);
    else if (fd < 0)
        error_set_errno(err, "--record %s: cannot make the file", path);
    if (fd < 0)
        return NULL;
    struct log_writer *writer = mem_new(sizeof *writer);
    writer->path = mem_string_copy(path);
    writer->fd = fd;
    uint8_t head[LOG_FILE_HEAD_SIZE];
    memcpy(head, LOG_MAGIC, LOG_MAGIC_SIZE);
    store_le32(head + LOG_MAGIC_SIZE, LOG_VERSION);
    write_all(writer, &(struct iovec){head, sizeof head}, 1);
    write_frame(writer, LOG_CONFIG, config, strlen(config));
    return writer;
}

void log_writer_events(struct log_writer *writer, struct journal *journal)
{
    bool rewound;
    size_t size;
    struct journal_position from = journal_followed(journal, &rewound);
    const uint8_t *bytes = journal_bytes(journal, &from, &size);
    if (!size && !rewound)
        return;
    uint8_t *payload = mem_new(LOG_POSITION_SIZE + size);
    store_le64(payload, from.offset);
    store_le64(payload + 8, from.count);
    store_le64(payload + 16, from.stamp.icount);
    store_le64(payload + 24, from.stamp.time_ns);
    store_le64(payload + 32, from.stamp.order);
    memcpy(payload + LOG_POSITION_SIZE, bytes, size);
    write_frame(writer, LOG_EVENTS, payload, LOG_POSITION_SIZE + size);
    mem_free(payload);
    journal_follow(journal);
}

void log_writer_sectors(struct log_writer *writer, uint32_t place, uint64_t lba, uint32_t count,
                        const void *bytes)
{
    size_t size = (size_t)count * DISK_SECTOR_SIZE;
    uint8_t *payload = mem_new(LOG_SECTORS_HEAD + size);
    store_le32(payload, place);
    store_le64(payload + 4, lba);
    memcpy(payload + LOG_SECTORS_HEAD, bytes, size);
    write_frame(writer, LOG_SECTORS, payload, LOG_SECTORS_HEAD + size);
    mem_free(payload);
}

void log_writer_snapshot(struct log_writer *writer, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    for (size_t left = size, piece; left; at += piece, left -= piece) {
        piece = left < LOG_SNAPSHOT_PIECE ? left : LOG_SNAPSHOT_PIECE;
        write_frame(writer, LOG_SNAPSHOT, at, piece);
    }
}

void log_writer_end(struct log_writer *writer, const struct journal_stamp *stamp, int status,
                    const char *reason)
{
    uint8_t payload[LOG_END_HEAD + 64];
    size_t length = strnlen(reason, sizeof payload - LOG_END_HEAD);
    store_le64(payload, stamp->icount);
    store_le64(payload + 8, stamp->time_ns);
    store_le64(payload + 16, stamp->order);
    store_le32(payload + 24, (uint32_t)status);
    memcpy(payload + LOG_END_HEAD, reason, length);
    write_frame(writer, LOG_END, payload, LOG_END_HEAD + length);
}

const char *log_writer_path(const struct log_writer *writer)
{
    return writer->path;
}

uint64_t log_writer_size(const struct log_writer *writer)
{
    return writer->size;
}

bool log_writer_check(const struct log_writer *writer, struct error *err)
{
    if (writer->failed && err)
        *err = writer->error;
    return !writer->failed;
}

bool log_writer_close(struct log_writer *writer, struct error *err)
{
    if (!writer)
        return true;
    if (!writer->failed && (fsync(writer->fd) && errno != EINVAL && errno != EROFS))
        fail(writer);
    if (close(writer->fd) && !writer->failed)
        fail(writer);
    bool ok = log_writer_check(writer, err);
    mem_free(writer->path);
    mem_free(writer);
    return ok;
}
