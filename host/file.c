#include "host/file.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static bool read_all(int fd, uint8_t *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t part = read(fd, bytes + done, size - done);
        if (part < 0 && errno == EINTR)
            continue;
        if (part == 0)
            errno = EIO; /* it has become shorter meanwhile */
        if (part <= 0)
            return false;
        done += (size_t)part;
    }
    return true;
}

static bool check(const char *path, const char *purpose, size_t limit, const struct stat *status,
                  struct error *err)
{
    if (S_ISDIR(status->st_mode))
        return error_set(err, "%s: is a directory; give %s", path, purpose);
    if (!S_ISREG(status->st_mode))
        return error_set(err, "%s: is not a regular file; give %s", path, purpose);
    if (status->st_size == 0)
        return error_set(err, "%s: the file is empty; give %s", path, purpose);
    if ((uint64_t)status->st_size > limit)
        return error_set(err, "%s: %llu bytes are too many for %s (at most %zu)", path,
                         (unsigned long long)status->st_size, purpose, limit);
    return true;
}

bool file_read(const char *path, const char *purpose, size_t limit, uint8_t **bytes, size_t *size,
               struct error *err)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) < 0) {
        error_set_errno(err, "%s: cannot open %s", path, purpose);
        if (fd >= 0)
            close(fd);
        return false;
    }
    if (!check(path, purpose, limit, &status, err)) {
        close(fd);
        return false;
    }
    *size = (size_t)status.st_size;
    *bytes = mem_new(*size + 1);
    bool ok = read_all(fd, *bytes, *size);
    if (!ok) {
        error_set_errno(err, "%s: cannot read %s", path, purpose);
        mem_free(*bytes);
    }
    close(fd);
    return ok;
}

bool file_write_all(int fd, const void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t part = write(fd, (const uint8_t *)bytes + done, size - done);
        if (part < 0 && errno == EINTR)
            continue;
        if (part <= 0)
            return false;
        done += (size_t)part;
    }
    return true;
}
