/* For LD_PRELOAD: kills the process (kill -9) before the n-th of its calls that change files or
 * speak to a socket. n is a number in the file $KILL_COUNTER (4 bytes of the host), which is shared
 * by all processes that have it, counts down with each call, and does nothing at 0. So a test can
 * name every moment at which a kill makes a difference, also in a process that runs already. A
 * second number there, if it is not 0, is the one process whose calls count: machines that were one
 * share the file. */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static _Atomic int32_t *counter; /* and the process */

__attribute__((constructor)) static void find_counter(void)
{
    const char *path = getenv("KILL_COUNTER");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *page = fd < 0 ? MAP_FAILED : mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page != MAP_FAILED)
        counter = page;
    if (fd >= 0)
        close(fd);
}

static void count(void)
{
    if (!counter || atomic_load(counter) <= 0)
        return;
    int32_t only = atomic_load(counter + 1);
    if (only && only != getpid())
        return;
    if (atomic_fetch_sub(counter, 1) == 1)
        kill(getpid(), SIGKILL);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* A function that is counted and then does what it always does. */
#define COUNTED(type, name, parameters, arguments)                                                 \
    type name parameters                                                                           \
    {                                                                                              \
        count();                                                                                   \
        return NEXT(name) arguments;                                                               \
    }

COUNTED(ssize_t, write, (int fd, const void *bytes, size_t size), (fd, bytes, size))
COUNTED(ssize_t, pwrite64, (int fd, const void *bytes, size_t size, off64_t at),
        (fd, bytes, size, at))
COUNTED(ssize_t, send, (int fd, const void *bytes, size_t size, int flags),
        (fd, bytes, size, flags))
COUNTED(int, rename, (const char *from, const char *to), (from, to))
COUNTED(int, unlink, (const char *path), (path))
COUNTED(int, remove, (const char *path), (path))
COUNTED(int, mkdir, (const char *path, mode_t mode), (path, mode))
COUNTED(int, fsync, (int fd), (fd))
COUNTED(int, fdatasync, (int fd), (fd))
COUNTED(int, ftruncate64, (int fd, off64_t size), (fd, size))
COUNTED(int, utimensat, (int fd, const char *path, const struct timespec times[2], int flags),
        (fd, path, times, flags))
COUNTED(int, futimens, (int fd, const struct timespec times[2]), (fd, times))
COUNTED(int, flock, (int fd, int operation), (fd, operation))
COUNTED(char *, mkdtemp, (char *pattern), (pattern))

int open64(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    if (flags & O_CREAT)
        count();
    return NEXT(open64)(path, flags, mode);
}
