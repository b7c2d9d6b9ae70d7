#include "host/image_backends.h"

#include "base/memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* store is a sparse file with the layout of the disk; written has one bit a sector. */
struct overlay_image {
    struct disk_backend backend;
    struct disk_backend *base, *store;
    uint8_t *written;
};

static struct overlay_image *overlay_of(struct disk_backend *disk)
{
    return (struct overlay_image *)disk;
}

static bool is_written(const struct overlay_image *image, uint64_t lba)
{
    return image->written[lba / 8] >> (lba % 8) & 1;
}

static size_t written_size(uint64_t sector_count)
{
    return (size_t)(sector_count / 8 + 1);
}

/* How many of the count sectors at lba have the same origin as the first. */
static uint32_t run_length(const struct overlay_image *image, uint64_t lba, uint32_t count)
{
    uint32_t length = 1;
    while (length < count && is_written(image, lba + length) == is_written(image, lba))
        length++;
    return length;
}

static bool overlay_read(struct disk_backend *disk, uint64_t lba, uint32_t count, void *bytes,
                         struct error *err)
{
    struct overlay_image *image = overlay_of(disk);
    if (lba > disk->sector_count || count > disk->sector_count - lba)
        return image->base->ops->read(image->base, lba, count, bytes, err);
    uint8_t *to = bytes;
    while (count) {
        uint32_t length = run_length(image, lba, count);
        struct disk_backend *from = is_written(image, lba) ? image->store : image->base;
        if (!from->ops->read(from, lba, length, to, err))
            return false;
        to += (size_t)length * DISK_SECTOR_SIZE;
        lba += length;
        count -= length;
    }
    return true;
}

static bool overlay_write(struct disk_backend *disk, uint64_t lba, uint32_t count,
                          const void *bytes, struct error *err)
{
    struct overlay_image *image = overlay_of(disk);
    if (!image->store->ops->write(image->store, lba, count, bytes, err))
        return false;
    for (uint32_t i = 0; i < count; i++)
        image->written[(lba + i) / 8] |= (uint8_t)(1 << (lba + i) % 8);
    return true;
}

/* What is written lives no longer than the program, so there is nothing to make safe. */
static bool overlay_flush(struct disk_backend *disk, struct error *err)
{
    return true;
}

static void overlay_close(struct disk_backend *disk)
{
    struct overlay_image *image = overlay_of(disk);
    image->base->ops->close(image->base);
    image->store->ops->close(image->store);
    mem_free(image->written);
    mem_free(image);
}

static bool overlay_rest(struct disk_backend *disk, bool resting)
{
    struct disk_backend *base = overlay_of(disk)->base;
    return !base->ops->rest || base->ops->rest(base, resting);
}

static bool overlay_next_written(const struct disk_backend *disk, uint64_t *lba, uint64_t *count)
{
    const struct overlay_image *image = (const struct overlay_image *)disk;
    uint64_t first = *lba, end = disk->sector_count;
    while (first < end && !is_written(image, first))
        first += first % 8 || image->written[first / 8] ? 1 : 8;
    if (first >= end)
        return false;
    uint64_t last = first + 1;
    while (last < end && is_written(image, last))
        last++;
    *lba = first;
    *count = last - first;
    return true;
}

/* The store keeps its room, which the next writes take again. */
static void overlay_forget_written(struct disk_backend *disk)
{
    memset(overlay_of(disk)->written, 0, written_size(disk->sector_count));
}

static const struct disk_backend_ops overlay_ops = {.read = overlay_read,
                                                    .write = overlay_write,
                                                    .flush = overlay_flush,
                                                    .close = overlay_close,
                                                    .rest = overlay_rest,
                                                    .next_written = overlay_next_written,
                                                    .forget_written = overlay_forget_written,
                                                    .unshare = image_overlay_unshare};

static int open_temporary(const char *given, struct error *err)
{
    const char *temporary = getenv("TMPDIR");
    const char *directory = given ? given : temporary && *temporary ? temporary : "/tmp";
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/anachron-XXXXXX", directory);
    int fd = length < (int)sizeof path ? mkostemp(path, O_CLOEXEC) : -1;
    if (fd < 0) {
        error_set_errno(err,
                        "cannot make a snapshot overlay in '%s' (set TMPDIR to a directory that "
                        "can be written)",
                        directory);
        return -1;
    }
    unlink(path);
    return fd;
}

struct disk_backend *image_overlay_new(struct disk_backend *base, const char *directory,
                                       struct error *err)
{
    int fd = open_temporary(directory, err);
    if (fd < 0) {
        base->ops->close(base);
        return NULL;
    }
    struct overlay_image *image = mem_new(sizeof *image);
    image->backend = *base;
    image->backend.ops = &overlay_ops;
    image->backend.read_only = false;
    image->base = base;
    image->store = image_raw_new(fd, base->sector_count * DISK_SECTOR_SIZE, false, base->name);
    image->written = mem_new(written_size(base->sector_count));
    return &image->backend;
}

bool image_overlay_is(const struct disk_backend *disk)
{
    return disk->ops == &overlay_ops;
}

bool image_overlay_unshare(struct disk_backend *disk, struct error *err)
{
    enum { CHUNK_SECTORS = 256 };
    struct overlay_image *image = overlay_of(disk);
    int fd = open_temporary(NULL, err);
    if (fd < 0)
        return false;
    struct disk_backend *copy =
        image_raw_new(fd, disk->sector_count * DISK_SECTOR_SIZE, false, disk->name);
    uint8_t *chunk = mem_new(CHUNK_SECTORS * DISK_SECTOR_SIZE);
    bool ok = true;
    uint64_t lba = 0, count;
    for (; ok && overlay_next_written(disk, &lba, &count); lba += count) {
        count = count < CHUNK_SECTORS ? count : CHUNK_SECTORS;
        ok = image->store->ops->read(image->store, lba, (uint32_t)count, chunk, err) &&
             copy->ops->write(copy, lba, (uint32_t)count, chunk, err);
    }
    mem_free(chunk);
    struct disk_backend *old = ok ? image->store : copy;
    image->store = ok ? copy : image->store;
    old->ops->close(old);
    return ok;
}
