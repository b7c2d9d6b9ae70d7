#include "store/files.h"

#include "base/memory.h"
#include "host/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_CHUNK = 1 << 20, TREE_DESCRIPTORS = 16 };

char *files_path(const char *directory, const char *name)
{
    size_t size = strlen(directory) + strlen(name) + 2;
    char *path = mem_new(size);
    snprintf(path, size, "%s/%s", directory, name);
    return path;
}

bool files_exists(const char *path)
{
    struct stat about;
    return lstat(path, &about) == 0;
}

bool files_sync_directory(const char *path, struct error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (!ok)
        error_set_errno(err, "%s: cannot make the directory safe on its medium", path);
    if (fd >= 0)
        close(fd);
    return ok;
}

static int create(const char *path, struct error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        error_set_errno(err, "%s: cannot make the file", path);
    return fd;
}

/* Closes fd; ok so far, or errno says why not. */
static bool finish(int fd, const char *path, bool ok, struct error *err)
{
    ok = ok && fsync(fd) == 0;
    if (!ok)
        error_set_errno(err, "%s: cannot write", path);
    close(fd);
    return ok;
}

bool files_write(const char *path, const void *bytes, size_t size, struct error *err)
{
    int fd = create(path, err);
    return fd >= 0 && finish(fd, path, file_write_all(fd, bytes, size), err);
}

bool files_make_sparse(const char *path, unsigned long long size, struct error *err)
{
    int fd = create(path, err);
    return fd >= 0 && finish(fd, path, ftruncate(fd, (off_t)size) == 0, err);
}

/* Copies [from, to) between two files of the same layout. */
static bool copy_range(int in, int out, off_t from, off_t to)
{
    char *buffer = mem_new(COPY_CHUNK);
    bool ok = true;
    while (ok && from < to) {
        size_t size = to - from < COPY_CHUNK ? (size_t)(to - from) : COPY_CHUNK;
        ssize_t got = pread(in, buffer, size, from);
        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0)
            errno = EIO; /* it has become shorter meanwhile */
        ok = got > 0 && lseek(out, from, SEEK_SET) == from &&
             file_write_all(out, buffer, (size_t)got);
        from += got;
    }
    mem_free(buffer);
    return ok;
}

static bool copy_data(int in, int out, off_t size)
{
    if (ioctl(out, FICLONE, in) == 0)
        return true;
    if (ftruncate(out, size) != 0)
        return false;
    for (off_t at = 0; at < size;) {
        off_t data = lseek(in, at, SEEK_DATA);
        if (data < 0 && errno == ENXIO)
            return true; /* only a hole is left */
        if (data < 0)
            data = at; /* a file system without holes */
        off_t hole = lseek(in, data, SEEK_HOLE);
        if (hole <= data)
            hole = size;
        if (!copy_range(in, out, data, hole))
            return false;
        at = hole;
    }
    return true;
}

bool files_copy(const char *from, const char *to, struct error *err)
{
    struct stat about;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0 || fstat(in, &about) != 0) {
        error_set_errno(err, "%s: cannot open it to copy it", from);
        if (in >= 0)
            close(in);
        return false;
    }
    int out = create(to, err);
    bool ok = out >= 0;
    if (ok) {
        const struct timespec times[2] = {about.st_atim, about.st_mtim};
        ok = finish(out, to, copy_data(in, out, about.st_size) && futimens(out, times) == 0, err);
    }
    close(in);
    return ok;
}

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    /* Somebody else may be clearing the same rubbish. */
    return remove(path) == 0 || errno == ENOENT ? 0 : -1;
}

bool files_remove_tree(const char *path, struct error *err)
{
    if (nftw(path, remove_entry, TREE_DESCRIPTORS, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT)
        return true;
    return error_set_errno(err, "%s: cannot remove it", path);
}

bool files_rename(const char *from, const char *to, struct error *err)
{
    return rename(from, to) == 0 || error_set_errno(err, "cannot rename %s to %s", from, to);
}
