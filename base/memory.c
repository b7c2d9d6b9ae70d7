#include "base/memory.h"

#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static _Noreturn void out_of_memory(size_t size)
{
    fprintf(stderr,
            "anachron: error: the host has no memory left (%zu bytes wanted); try a smaller "
            "--memory\n",
            size);
    exit(EXIT_STATUS_HOST_ERROR);
}

void *mem_new(size_t size)
{
    void *block = calloc(1, size ? size : 1);
    if (!block)
        out_of_memory(size);
    return block;
}

void *mem_resize(void *block, size_t size)
{
    void *resized = realloc(block, size ? size : 1);
    if (!resized)
        out_of_memory(size);
    return resized;
}

char *mem_string_copy(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(mem_new(size), text, size);
}

void mem_free(void *block)
{
    free(block);
}

void *mem_map(size_t size)
{
    void *block = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (block == MAP_FAILED)
        out_of_memory(size);
    return block;
}

void *mem_map_large(size_t size)
{
    void *block = mem_map(size);
#ifdef MADV_HUGEPAGE
    madvise(block, size, MADV_HUGEPAGE); /* a wish; without it all is the same, but for time */
#endif
    return block;
}

void mem_map_clear(void *block, size_t size)
{
    if (madvise(block, size, MADV_DONTNEED) != 0)
        memset(block, 0, size);
}

void mem_unmap(void *block, size_t size)
{
    if (block)
        munmap(block, size);
}

void mem_ahead_more(struct mem_ahead *ahead, size_t used)
{
    /* Few pages are got in vain, and they still are in the host's caches when they are used. */
    enum { STEP = 64 << 10 };
    size_t end = (used + STEP - 1) / STEP * STEP;
    if (end > ahead->size)
        end = ahead->size;
    if (end <= ahead->ready)
        return;
#ifdef MADV_POPULATE_WRITE
    /* A wish: older hosts do not know it, and pages come when they are touched. */
    madvise(ahead->block + ahead->ready, end - ahead->ready,
            ahead->is_read ? MADV_POPULATE_READ : MADV_POPULATE_WRITE);
#endif
    ahead->ready = end;
}
