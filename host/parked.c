/* See host/parked.h. */
#include "host/parked.h"

#include "host/file.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Some file systems have no nameless files: there its name goes at once. */
static int open_nameless(void)
{
    const char *folder = getenv("TMPDIR");
    if (!folder || !*folder)
        folder = "/tmp";
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/anachron-XXXXXX", folder) >= (int)sizeof path)
        return -1;
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

uint8_t *parked_copy(const uint8_t *bytes, size_t size)
{
    int fd = open_nameless();
    if (fd < 0)
        return NULL;
    void *parked = MAP_FAILED;
    if (file_write_all(fd, bytes, size))
        parked = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    return parked == MAP_FAILED ? NULL : parked;
}

void parked_rest(uint8_t *parked, size_t size)
{
    madvise(parked, size, MADV_DONTNEED);
}

void parked_free(uint8_t *parked, size_t size)
{
    munmap(parked, size);
}
