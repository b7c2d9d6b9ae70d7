#include "host/image_identity.h"

#include "base/memory.h"
#include "base/time128.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

enum {
    BLOCK = 1 << 20,
    SAMPLES = 256, /* blocks of a file that has more than FULL_LIMIT bytes of data */
    /* Two changes within a tick of the host's file times cannot be told apart. */
    TICK_NS = 20 * 1000 * 1000,
};
#define FULL_LIMIT (UINT64_C(1) << 30)

struct image_file {
    const char *path;
    int fd;
    uint64_t size;
    int64_t modified_ns; /* 0: not to be relied on */
};

static int64_t in_ns(const struct timespec *time)
{
    return (int64_t)time->tv_sec * (int64_t)NS_PER_SECOND + time->tv_nsec;
}

static bool open_image_file(const char *path, struct image_file *file, struct error *err)
{
    struct stat status;
    *file =
        (struct image_file){path, open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), 0, 0};
    if (file->fd < 0)
        return error_set_errno(err, "cannot open the image %s, which the saved state needs", path);
    off_t size = fstat(file->fd, &status) == 0 ? lseek(file->fd, 0, SEEK_END) : -1;
    if (size < 0) {
        error_set_errno(err, "cannot examine the image %s", path);
        close(file->fd);
        return false;
    }
    file->size = (uint64_t)size;
    if (S_ISREG(status.st_mode))
        file->modified_ns = in_ns(&status.st_mtim);
    return true;
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

/* A sum over blocks, each hashed with its place: zeros add nothing, so holes can be left out. */
static bool add_block(const struct image_file *file, uint64_t at, uint8_t *buffer, uint64_t *hash,
                      struct error *err)
{
    size_t size = file->size - at < BLOCK ? (size_t)(file->size - at) : BLOCK;
    for (size_t done = 0; done < size;) {
        ssize_t part = pread(file->fd, buffer + done, size - done, (off_t)(at + done));
        if (part < 0 && errno == EINTR)
            continue;
        if (part <= 0)
            return error_set_errno(err, "cannot read the image %s", file->path);
        done += (size_t)part;
    }
    if (!is_zero(buffer, size))
        *hash += XXH3_64bits_withSeed(buffer, size, at);
    return true;
}

/* The first block at or after at that may hold data; the size of the file: there is none. */
static uint64_t next_data(const struct image_file *file, uint64_t at)
{
    off_t data = at < file->size ? lseek(file->fd, (off_t)at, SEEK_DATA) : -1;
    if (data < 0)
        return at < file->size && errno != ENXIO ? at : file->size;
    return (uint64_t)data / BLOCK * BLOCK > at ? (uint64_t)data / BLOCK * BLOCK : at;
}

static uint64_t count_data(const struct image_file *file)
{
    uint64_t data = 0;
    for (uint64_t at = 0; (at = next_data(file, at)) < file->size; at += BLOCK)
        data += BLOCK;
    return data;
}

static bool hash_file(const struct image_file *file, bool sampled, uint64_t *hash,
                      struct error *err)
{
    uint8_t *buffer = mem_new(BLOCK);
    bool ok = true;
    *hash = file->size;
    if (sampled) {
        uint64_t blocks = (file->size + BLOCK - 1) / BLOCK;
        for (uint64_t i = 0; ok && i < SAMPLES; i++)
            ok = add_block(file, i * (blocks - 1) / (SAMPLES - 1) * BLOCK, buffer, hash, err);
    } else {
        for (uint64_t at = 0; ok && (at = next_data(file, at)) < file->size; at += BLOCK)
            ok = add_block(file, at, buffer, hash, err);
    }
    mem_free(buffer);
    return ok;
}

/* A change right now gets another time than the last one. */
static void let_tick_pass(const struct image_file *file)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t age = in_ns(&now) - file->modified_ns;
    if (age >= 0 && age < TICK_NS)
        nanosleep(&(struct timespec){0, TICK_NS}, NULL);
}

bool image_identify(const char *path, struct disk_identity *identity, struct error *err)
{
    struct image_file file;
    if (!open_image_file(path, &file, err))
        return false;
    let_tick_pass(&file);
    identity->size = file.size;
    identity->modified_ns = file.modified_ns;
    identity->is_sampled = count_data(&file) > FULL_LIMIT;
    bool ok = hash_file(&file, identity->is_sampled, &identity->hash, err);
    close(file.fd);
    return ok;
}

static bool has_changed(const char *path, struct error *err)
{
    return error_set(err,
                     "image %s does not hold what it did when the state was saved; put the old one "
                     "back, or start without --load",
                     path);
}

bool image_is(const char *path, const struct disk_identity *identity, struct error *err)
{
    struct image_file file;
    if (!open_image_file(path, &file, err))
        return false;
    bool has_time = file.modified_ns && file.modified_ns == identity->modified_ns;
    bool ok = file.size == identity->size || has_changed(path, err);
    if (ok && !has_time && identity->is_sampled) {
        ok = error_set(err,
                       "image %s is not known to hold what it did when the state was saved: it is "
                       "too large for a look at all of it, and has another time of change; copy "
                       "it with its time (cp -p)",
                       path);
    } else if (ok && !has_time) {
        uint64_t hash;
        ok = hash_file(&file, false, &hash, err) &&
             (hash == identity->hash || has_changed(path, err));
    }
    close(file.fd);
    return ok;
}
