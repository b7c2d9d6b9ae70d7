#include "host/image_backends.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct raw_image {
    struct disk_backend backend;
    char *path;
    int fd;
    struct timespec rested; /* time of the last change, when it was put to rest */
    bool is_resting;
};

static struct raw_image *raw_of(struct disk_backend *disk)
{
    return (struct raw_image *)disk;
}

static bool in_range(const struct disk_backend *disk, uint64_t lba, uint32_t count,
                     struct error *err)
{
    if (lba <= disk->sector_count && count <= disk->sector_count - lba)
        return true;
    return error_set(err, "%s: sectors %llu to %llu are beyond the end of the image", disk->name,
                     (unsigned long long)lba, (unsigned long long)(lba + count - 1));
}

static bool raw_read(struct disk_backend *disk, uint64_t lba, uint32_t count, void *bytes,
                     struct error *err)
{
    if (!in_range(disk, lba, count, err))
        return false;
    uint8_t *to = bytes;
    size_t left = (size_t)count * DISK_SECTOR_SIZE;
    off_t offset = (off_t)(lba * DISK_SECTOR_SIZE);
    while (left) {
        ssize_t got = pread(raw_of(disk)->fd, to, left, offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(err, "%s: cannot read sector %llu", disk->name,
                                   (unsigned long long)offset / DISK_SECTOR_SIZE);
        if (got == 0) {
            memset(to, 0, left);
            break;
        }
        to += got;
        left -= (size_t)got;
        offset += got;
    }
    return true;
}

static bool raw_write(struct disk_backend *disk, uint64_t lba, uint32_t count, const void *bytes,
                      struct error *err)
{
    if (disk->read_only)
        return error_set(err, "%s: the image is read-only", disk->name);
    if (!in_range(disk, lba, count, err))
        return false;
    const uint8_t *from = bytes;
    size_t left = (size_t)count * DISK_SECTOR_SIZE;
    off_t offset = (off_t)(lba * DISK_SECTOR_SIZE);
    while (left) {
        ssize_t put = pwrite(raw_of(disk)->fd, from, left, offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return error_set_errno(err, "%s: cannot write sector %llu", disk->name,
                                   (unsigned long long)offset / DISK_SECTOR_SIZE);
        from += put;
        left -= (size_t)put;
        offset += put;
    }
    return true;
}

static bool raw_flush(struct disk_backend *disk, struct error *err)
{
    if (!disk->read_only && fdatasync(raw_of(disk)->fd) != 0)
        return error_set_errno(err, "%s: cannot flush the image to storage", disk->name);
    return true;
}

static void raw_close(struct disk_backend *disk)
{
    close(raw_of(disk)->fd);
    free(raw_of(disk)->path);
    mem_free(disk);
}

static struct timespec time_of_change(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 ? status.st_mtim : (struct timespec){0};
}

/* The same kind of lock as host/image.c takes. */
static bool raw_rest(struct disk_backend *disk, bool resting)
{
    struct raw_image *image = raw_of(disk);
    int fd = image->fd;
    if (resting && !image->is_resting)
        image->rested = time_of_change(fd);
    image->is_resting = resting;
    bool is_writable = (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY;
    return flock(fd, (resting ? LOCK_UN : is_writable ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0;
}

static bool raw_has_changed(struct disk_backend *disk)
{
    const struct raw_image *image = raw_of(disk);
    struct timespec now = time_of_change(image->fd);
    return image->is_resting &&
           (now.tv_sec != image->rested.tv_sec || now.tv_nsec != image->rested.tv_nsec);
}

static const struct disk_backend_ops raw_ops = {.read = raw_read,
                                                .write = raw_write,
                                                .flush = raw_flush,
                                                .close = raw_close,
                                                .rest = raw_rest,
                                                .has_changed = raw_has_changed};

struct disk_backend *image_raw_new(int fd, uint64_t size, bool read_only, const char *name)
{
    struct raw_image *image = mem_new(sizeof *image);
    image->fd = fd;
    image->backend.ops = &raw_ops;
    image->backend.sector_count = (size + DISK_SECTOR_SIZE - 1) / DISK_SECTOR_SIZE;
    image->backend.read_only = read_only;
    snprintf(image->backend.name, sizeof image->backend.name, "%s", name);
    return &image->backend;
}

void image_raw_set_path(struct disk_backend *disk, const char *path)
{
    disk->path = raw_of(disk)->path = realpath(path, NULL);
}
