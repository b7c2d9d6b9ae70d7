/* See snapshot/pages_lazy.h. userfaultfd(2), ioctl_userfaultfd(2). */
#include "snapshot/pages_lazy.h"

#include "base/memory.h"
#include "snapshot/pages_private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ZERO_RUN = 512 }; /* pages that are made zero at once */

struct pages_lazy {
    const struct container *container;
    struct pages_map map;
    uint32_t *next_equal; /* by page: the next one with the same contents, 0: none */
    uint64_t *offsets;    /* of chunks */
    size_t chunk_count;
    bool *is_loaded; /* by chunk */
    uint8_t *memory, *buffer;
    size_t size;
    struct chunk_scratch *scratch;
    int fd;
    atomic_bool ending;
    bool has_thread;
    pthread_t thread;
};

/* --- filling --- */

static _Noreturn void give_up(const struct pages_lazy *lazy, const char *what)
{
    fprintf(stderr, "anachron: error: %s: the saved memory cannot be loaded (%s)\n",
            container_path(lazy->container), what);
    _exit(EXIT_STATUS_HOST_ERROR);
}

/* Pages that are there already are left as they are; memory that is gone does not matter. */
static void copy_page(const struct pages_lazy *lazy, size_t page, const uint8_t *bytes)
{
    struct uffdio_copy copy = {.dst = (uintptr_t)(lazy->memory + page * SNAPSHOT_PAGE),
                               .src = (uintptr_t)bytes,
                               .len = SNAPSHOT_PAGE};
    while (ioctl(lazy->fd, UFFDIO_COPY, &copy) != 0) {
        if (errno == EEXIST || errno == ENOENT || errno == ESRCH)
            return;
        if (errno != EAGAIN)
            give_up(lazy, strerror(errno));
        copy.copy = 0;
    }
}

static void load_chunk(struct pages_lazy *lazy, size_t chunk)
{
    if (lazy->is_loaded[chunk])
        return;
    lazy->is_loaded[chunk] = true;
    size_t size = chunk_read(lazy->map.section, lazy->offsets[chunk], &lazy->scratch, lazy->buffer);
    size_t first = chunk * PAGES_IN_CHUNK, left = lazy->map.contents - first;
    if (size != (left < PAGES_IN_CHUNK ? left : PAGES_IN_CHUNK) * SNAPSHOT_PAGE)
        give_up(lazy, "a chunk makes no sense");
    for (size_t i = 0; i < size / SNAPSHOT_PAGE; i++) {
        const uint8_t *bytes = lazy->buffer + i * SNAPSHOT_PAGE;
        size_t page = lazy->map.first[first + i];
        do
            copy_page(lazy, page, bytes);
        while ((page = lazy->next_equal[page]) != 0);
    }
}

/* The page, and the zeros behind it. */
static void load_zeros(const struct pages_lazy *lazy, size_t page)
{
    size_t end = page + 1;
    while (end < lazy->map.pages && end - page < ZERO_RUN && !pages_map_at(&lazy->map, end))
        end++;
    struct uffdio_zeropage zero = {
        .range = {(uintptr_t)(lazy->memory + page * SNAPSHOT_PAGE), (end - page) * SNAPSHOT_PAGE}
    };
    /* Some page of the run may be there already: then the first one alone. */
    if (ioctl(lazy->fd, UFFDIO_ZEROPAGE, &zero) != 0) {
        zero.range.len = SNAPSHOT_PAGE;
        while (ioctl(lazy->fd, UFFDIO_ZEROPAGE, &zero) != 0 && errno == EAGAIN)
            continue;
    }
}

/* Fills what somebody waits for. False: nobody does. */
static bool serve(struct pages_lazy *lazy)
{
    struct uffd_msg message;
    if (read(lazy->fd, &message, sizeof message) != sizeof message)
        return false;
    if (message.event != UFFD_EVENT_PAGEFAULT)
        return true;
    size_t page = (message.arg.pagefault.address - (uintptr_t)lazy->memory) / SNAPSHOT_PAGE;
    uint32_t number = pages_map_at(&lazy->map, page);
    if (!number) {
        load_zeros(lazy, page);
        return true;
    }
    load_chunk(lazy, (number - 1) / PAGES_IN_CHUNK);
    /* It may have been filled before somebody came to wait. */
    struct uffdio_range range = {(uintptr_t)(lazy->memory + page * SNAPSHOT_PAGE), SNAPSHOT_PAGE};
    ioctl(lazy->fd, UFFDIO_WAKE, &range);
    return true;
}

/* When all contents are there, what is left is zero, as the host makes it by itself. */
static void *fill(void *argument)
{
    struct pages_lazy *lazy = argument;
    for (size_t chunk = 0; chunk < lazy->chunk_count && !atomic_load(&lazy->ending); chunk++) {
        while (serve(lazy))
            continue;
        load_chunk(lazy, chunk);
    }
    struct uffdio_range range = {(uintptr_t)lazy->memory, lazy->size};
    ioctl(lazy->fd, UFFDIO_UNREGISTER, &range); /* wakes all who wait */
    return NULL;
}

/* --- beginning and end --- */

static bool watch(struct pages_lazy *lazy)
{
    struct uffdio_api api = {.api = UFFD_API};
    struct uffdio_register whole = {
        .range = {(uintptr_t)lazy->memory, lazy->size},
          .mode = UFFDIO_REGISTER_MODE_MISSING
    };
    lazy->fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
    return lazy->fd >= 0 && ioctl(lazy->fd, UFFDIO_API, &api) == 0 &&
           ioctl(lazy->fd, UFFDIO_REGISTER, &whole) == 0;
}

static void prepare(struct pages_lazy *lazy)
{
    uint32_t *last = mem_new((lazy->map.contents + 1) * sizeof *last);
    lazy->next_equal = mem_map(lazy->map.pages * sizeof *lazy->next_equal);
    for (size_t i = 0; i < lazy->map.pages; i++) {
        uint32_t number = pages_map_at(&lazy->map, i);
        if (!number)
            continue;
        if (lazy->map.first[number - 1] != i)
            lazy->next_equal[last[number - 1]] = (uint32_t)i;
        last[number - 1] = (uint32_t)i;
    }
    mem_free(last);
    lazy->chunk_count = (lazy->map.contents + PAGES_IN_CHUNK - 1) / PAGES_IN_CHUNK;
    lazy->offsets = chunk_offsets(lazy->map.section, lazy->chunk_count);
    lazy->is_loaded = mem_new(lazy->chunk_count + 1);
    lazy->buffer = mem_map(CHUNK_SIZE);
}

bool pages_load_lazily(const struct container *container, const char *name, uint8_t *memory,
                       size_t size, struct pages_lazy **result, struct error *err)
{
    struct pages_lazy *lazy = mem_new(sizeof *lazy);
    *lazy = (struct pages_lazy){.container = container, .memory = memory, .size = size, .fd = -1};
    *result = NULL;
    if (!pages_map_read(container, name, size, &lazy->map, err)) {
        pages_lazy_end(lazy);
        return false;
    }
    prepare(lazy);
    lazy->has_thread = watch(lazy) && pthread_create(&lazy->thread, NULL, fill, lazy) == 0;
    if (lazy->has_thread) {
        *result = lazy;
        return true;
    }
    pages_lazy_end(lazy);
    return pages_load(container, name, memory, size, err);
}

void pages_lazy_wait(struct pages_lazy *lazy)
{
    if (!lazy || !lazy->has_thread)
        return;
    pthread_join(lazy->thread, NULL);
    lazy->has_thread = false;
}

void pages_lazy_end(struct pages_lazy *lazy)
{
    if (!lazy)
        return;
    atomic_store(&lazy->ending, true);
    pages_lazy_wait(lazy);
    if (lazy->fd >= 0)
        close(lazy->fd);
    if (lazy->next_equal)
        mem_unmap(lazy->next_equal, lazy->map.pages * sizeof *lazy->next_equal);
    if (lazy->buffer)
        mem_unmap(lazy->buffer, CHUNK_SIZE);
    pages_map_free(&lazy->map);
    chunk_scratch_free(lazy->scratch);
    mem_free(lazy->offsets);
    mem_free(lazy->is_loaded);
    mem_free(lazy);
}
