#include "store/delta.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { VERSION = 1, FLAG_STATE = 1, CHUNK_SECTORS = 2048 };

struct delta_header {
    char magic[8];
    uint32_t version, flags;
    uint64_t sectors, runs;
};

struct delta_run {
    uint64_t lba, count;
};

_Static_assert(sizeof(struct delta_header) == 32, "as in delta.h");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the file is little-endian");

static const char magic[8] = {'a', 'n', 'a', 'd', 'e', 'l', 't', 'a'};

/* --- writing --- */

struct writer {
    int fd;
    XXH3_state_t *hash;
};

static bool put(struct writer *writer, const void *bytes, size_t size)
{
    const char *from = bytes;
    XXH3_64bits_update(writer->hash, bytes, size);
    while (size) {
        ssize_t part = write(writer->fd, from, size);
        if (part < 0 && errno == EINTR)
            continue;
        if (part <= 0)
            return false;
        from += part;
        size -= (size_t)part;
    }
    return true;
}

static bool put_table(struct writer *writer, struct disk_backend *disk, bool has_state)
{
    struct delta_header header = {.version = VERSION, .flags = has_state ? FLAG_STATE : 0};
    struct delta_run run = {0};
    memcpy(header.magic, magic, sizeof magic);
    header.sectors = disk ? disk->sector_count : 0;
    for (; disk && disk->ops->next_written(disk, &run.lba, &run.count); run.lba += run.count)
        header.runs++;
    bool ok = put(writer, &header, sizeof header);
    run.lba = 0;
    for (; ok && disk && disk->ops->next_written(disk, &run.lba, &run.count); run.lba += run.count)
        ok = put(writer, &run, sizeof run);
    return ok;
}

/* *reported: err is set already. */
static bool put_sectors(struct writer *writer, struct disk_backend *disk, bool *reported,
                        struct error *err)
{
    struct delta_run run = {0};
    uint8_t *buffer = mem_new((size_t)CHUNK_SECTORS * DISK_SECTOR_SIZE);
    bool ok = true;
    for (; ok && disk->ops->next_written(disk, &run.lba, &run.count); run.lba += run.count) {
        if (run.count > CHUNK_SECTORS)
            run.count = CHUNK_SECTORS;
        ok = disk->ops->read(disk, run.lba, (uint32_t)run.count, buffer, err);
        *reported = !ok;
        ok = ok && put(writer, buffer, (size_t)run.count * DISK_SECTOR_SIZE);
    }
    mem_free(buffer);
    return ok;
}

bool delta_write(const char *path, struct disk_backend *disk, bool has_state, struct error *err)
{
    struct writer writer = {open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666), NULL};
    if (writer.fd < 0)
        return error_set_errno(err, "%s: cannot make the file", path);
    writer.hash = XXH3_createState();
    XXH3_64bits_reset(writer.hash);
    bool reported = false;
    bool ok = put_table(&writer, disk, has_state) &&
              (!disk || put_sectors(&writer, disk, &reported, err));
    uint64_t digest = XXH3_64bits_digest(writer.hash);
    ok = ok && put(&writer, &digest, sizeof digest) && fsync(writer.fd) == 0;
    if (!ok && !reported)
        error_set_errno(err, "%s: cannot write what the disk has got", path);
    XXH3_freeState(writer.hash);
    close(writer.fd);
    return ok;
}

/* --- applying --- */

struct reader {
    const char *path;
    int fd;
    uint64_t size;
    struct delta_header header;
    struct delta_run *runs; /* owned */
};

static bool damaged(const struct reader *reader, struct error *err)
{
    return error_set(err,
                     "%s: the save that was interrupted here is damaged; move the folder away "
                     "to go back to what was saved before",
                     reader->path);
}

static bool get(const struct reader *reader, void *bytes, size_t size, uint64_t at,
                struct error *err)
{
    char *to = bytes;
    while (size) {
        ssize_t part = pread(reader->fd, to, size, (off_t)at);
        if (part < 0 && errno == EINTR)
            continue;
        if (part == 0)
            return damaged(reader, err);
        if (part < 0)
            return error_set_errno(err, "%s: cannot read it", reader->path);
        to += part;
        at += (uint64_t)part;
        size -= (size_t)part;
    }
    return true;
}

static bool check_hash(const struct reader *reader, uint8_t *buffer, size_t room, struct error *err)
{
    XXH3_state_t *hash = XXH3_createState();
    XXH3_64bits_reset(hash);
    uint64_t at = 0, end = reader->size - sizeof(uint64_t), digest;
    bool ok = true;
    while (ok && at < end) {
        size_t size = end - at < room ? (size_t)(end - at) : room;
        ok = get(reader, buffer, size, at, err);
        if (ok)
            XXH3_64bits_update(hash, buffer, size);
        at += size;
    }
    ok = ok && get(reader, &digest, sizeof digest, end, err) &&
         (digest == XXH3_64bits_digest(hash) || damaged(reader, err));
    XXH3_freeState(hash);
    return ok;
}

/* All runs lie on the disk, and what follows the table is their sectors and the checksum. */
static bool runs_fit(const struct reader *reader)
{
    const struct delta_header *header = &reader->header;
    uint64_t left = reader->size - sizeof *header - sizeof(uint64_t);
    left -= header->runs * sizeof *reader->runs;
    for (uint64_t i = 0; i < header->runs; i++) {
        const struct delta_run *run = &reader->runs[i];
        if (run->lba > header->sectors || run->count > header->sectors - run->lba ||
            run->count > left / DISK_SECTOR_SIZE)
            return false;
        left -= run->count * DISK_SECTOR_SIZE;
    }
    return left == 0;
}

/* The checksum holds, so what does not fit was written by another version. */
static bool read_table(struct reader *reader, struct error *err)
{
    const struct delta_header *header = &reader->header;
    if (!get(reader, &reader->header, sizeof reader->header, 0, err))
        return false;
    if (memcmp(header->magic, magic, sizeof magic) != 0)
        return damaged(reader, err);
    if (header->version != VERSION)
        return error_set(err,
                         "%s: another version of anachron (%" PRIu32
                         ") has begun to save "
                         "this machine; let that one finish it",
                         reader->path, header->version);
    uint64_t size = header->runs * sizeof *reader->runs;
    uint64_t most = reader->size - sizeof *header - sizeof(uint64_t);
    if (header->runs > most || size > most)
        return damaged(reader, err);
    reader->runs = mem_new((size_t)size + 1);
    if (!get(reader, reader->runs, (size_t)size, sizeof *header, err))
        return false;
    return runs_fit(reader) || damaged(reader, err);
}

static bool put_all(int fd, const uint8_t *bytes, size_t size, uint64_t at)
{
    while (size) {
        ssize_t part = pwrite(fd, bytes, size, (off_t)at);
        if (part < 0 && errno == EINTR)
            continue;
        if (part <= 0)
            return false;
        bytes += part;
        at += (uint64_t)part;
        size -= (size_t)part;
    }
    return true;
}

/* Where the sectors go. */
struct target {
    int fd;                    /* an image's file */
    struct disk_backend *disk; /* or a disk, if this is not NULL */
    const char *path;          /* for messages */
};

static bool put_run(const struct target *target, const uint8_t *bytes, const struct delta_run *run,
                    struct error *err)
{
    if (target->disk)
        return target->disk->ops->write(target->disk, run->lba, (uint32_t)run->count, bytes, err);
    return put_all(target->fd, bytes, (size_t)run->count * DISK_SECTOR_SIZE,
                   run->lba * DISK_SECTOR_SIZE) ||
           error_set_errno(err, "%s: cannot write what was saved (free some room?)", target->path);
}

static bool copy_runs(const struct reader *reader, const struct target *target, uint8_t *buffer,
                      struct error *err)
{
    const struct delta_header *header = &reader->header;
    uint64_t at = sizeof *header + header->runs * sizeof *reader->runs;
    for (uint64_t i = 0; i < header->runs; i++) {
        uint64_t left = reader->runs[i].count;
        struct delta_run part = {reader->runs[i].lba, 0};
        for (; left; left -= part.count, part.lba += part.count) {
            part.count = left < CHUNK_SECTORS ? left : CHUNK_SECTORS;
            size_t size = (size_t)part.count * DISK_SECTOR_SIZE;
            if (!get(reader, buffer, size, at, err) || !put_run(target, buffer, &part, err))
                return false;
            at += size;
        }
    }
    return true;
}

/* Checks all of the file before anybody does something with it. */
static bool open_delta(struct reader *reader, uint8_t *buffer, struct error *err)
{
    struct stat about;
    reader->fd = open(reader->path, O_RDONLY | O_CLOEXEC);
    if (reader->fd < 0 || fstat(reader->fd, &about) != 0)
        return error_set_errno(err, "%s: cannot open it", reader->path);
    reader->size = (uint64_t)about.st_size;
    if (reader->size < sizeof reader->header + sizeof(uint64_t))
        return damaged(reader, err);
    return check_hash(reader, buffer, (size_t)CHUNK_SECTORS * DISK_SECTOR_SIZE, err) &&
           read_table(reader, err);
}

static void close_delta(struct reader *reader)
{
    if (reader->fd >= 0)
        close(reader->fd);
    mem_free(reader->runs);
}

static bool apply(struct reader *reader, const char *disk_path, uint8_t *buffer, struct error *err)
{
    struct stat about;
    if (!reader->header.runs)
        return true;
    int disk = open(disk_path, O_WRONLY | O_CLOEXEC);
    if (disk < 0)
        return error_set_errno(err, "%s: cannot open it to write what was saved", disk_path);
    struct target target = {disk, NULL, disk_path};
    bool ok = fstat(disk, &about) == 0 &&
              ((uint64_t)about.st_size == reader->header.sectors * DISK_SECTOR_SIZE ||
               error_set(err, "%s: it has another size than the disk that was saved", disk_path));
    ok = ok && copy_runs(reader, &target, buffer, err) &&
         (fdatasync(disk) == 0 ||
          error_set_errno(err, "%s: cannot make it safe on its medium", disk_path));
    close(disk);
    return ok;
}

bool delta_apply(const char *path, const char *disk_path, bool *has_state, struct error *err)
{
    struct reader reader = {.path = path, .fd = -1};
    uint8_t *buffer = mem_new((size_t)CHUNK_SECTORS * DISK_SECTOR_SIZE);
    bool ok = open_delta(&reader, buffer, err) && apply(&reader, disk_path, buffer, err);
    *has_state = reader.header.flags & FLAG_STATE;
    close_delta(&reader);
    mem_free(buffer);
    return ok;
}

bool delta_load(const char *path, struct disk_backend *disk, struct error *err)
{
    struct reader reader = {.path = path, .fd = -1};
    struct target target = {-1, disk, path};
    uint8_t *buffer = mem_new((size_t)CHUNK_SECTORS * DISK_SECTOR_SIZE);
    bool ok = open_delta(&reader, buffer, err);
    if (ok && reader.header.sectors != disk->sector_count)
        ok = error_set(err, "%s: it is of a disk of another size", path);
    ok = ok && copy_runs(&reader, &target, buffer, err);
    close_delta(&reader);
    mem_free(buffer);
    return ok;
}
