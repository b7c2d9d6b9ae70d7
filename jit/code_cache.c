/* See jit/code_cache.h. */
#include "jit/code_cache.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum { HOT_SHARE = 2 }; /* cold parts are a little larger than hot ones */

static bool fail(struct error *err, const char *what)
{
    return error_set(err, "no memory for translated code: %s: %s; use --engine interp", what,
                     strerror(errno));
}

/* NULL: failed. Shared anonymous memory, because that is what perf takes a map of symbols for. */
static uint8_t *map_shared(size_t size)
{
    void *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return block == MAP_FAILED ? NULL : block;
}

/* The same memory at a second address (at NULL: anywhere; else instead of what is there), to be
 * executed. */
static uint8_t *map_again(uint8_t *block, size_t size, uint8_t *at)
{
    uint8_t *again = mremap(block, 0, size, MREMAP_MAYMOVE | (at ? MREMAP_FIXED : 0), at);
    if (again == MAP_FAILED)
        return NULL;
    if (mprotect(again, size, PROT_READ | PROT_EXEC) == 0)
        return again;
    munmap(again, size);
    return NULL;
}

static struct code_area new_area(const struct code_cache *cache, uint8_t *begin, uint8_t *end)
{
    size_t size = (size_t)(end - begin);
    return (struct code_area){
        .begin = begin,
        .at = begin,
        .end = end,
        .trimmed = begin,
        .write = {.block = begin, .size = size   },
        .run = { .block = cache->run + (begin - cache->write),  .size = size, .is_read = true},
    };
}

bool code_cache_open(struct code_cache *cache, size_t size, struct error *err)
{
    *cache = (struct code_cache){.size = size};
    cache->write = map_shared(size);
    if (!cache->write)
        return fail(err, "mmap");
    cache->run = map_again(cache->write, size, NULL);
    if (cache->run) {
        uint8_t *middle = cache->write + size / HOT_SHARE;
        cache->hot = new_area(cache, cache->write, middle);
        cache->cold = new_area(cache, middle, cache->write + size);
        return true;
    }
    fail(err, "mremap, mprotect");
    code_cache_close(cache);
    return false;
}

static void reset_area(struct code_area *area)
{
    area->at = area->trimmed = area->begin;
    area->write.ready = area->run.ready = 0; /* it is there, but not in the page tables */
}

void code_cache_reset(struct code_cache *cache)
{
    reset_area(&cache->hot);
    reset_area(&cache->cold);
    cache->trimmed = 0;
}

static size_t filled(const struct code_area *area)
{
    return (size_t)(area->at - area->begin);
}

/* The memory is shared, so what is dropped here is only the way to it. What has been written since
 * the last time stays: its edges are still being linked. */
static void trim_area(struct code_area *area)
{
    enum { HOST_PAGE = 4096 };
    size_t size = (size_t)(area->trimmed - area->write.block) & ~(size_t)(HOST_PAGE - 1);
    if (size)
        madvise(area->write.block, size, MADV_DONTNEED);
    area->trimmed = area->at;
}

void code_cache_trim(struct code_cache *cache)
{
    enum { STEP = 2 << 20 };
    size_t now = filled(&cache->hot) + filled(&cache->cold);
    if (now < cache->trimmed + STEP)
        return;
    cache->trimmed = now;
    trim_area(&cache->hot);
    trim_area(&cache->cold);
}

static void get_ahead(struct code_area *area)
{
    enum { USUAL_PART = 1 << 10 }; /* bytes of most blocks */
    size_t used = (size_t)(area->at - area->write.block) + USUAL_PART;
    mem_ahead_use(&area->write, used);
    mem_ahead_use(&area->run, used);
}

void code_cache_ahead(struct code_cache *cache)
{
    get_ahead(&cache->hot);
    get_ahead(&cache->cold);
}

static void copy_area(const struct code_area *area, const struct code_cache *from, uint8_t *to)
{
    memcpy(to + (area->begin - from->write), area->begin, (size_t)(area->at - area->begin));
}

bool code_cache_unshare(struct code_cache *cache, struct error *err)
{
    uint8_t *block = map_shared(cache->size);
    if (!block)
        return fail(err, "mmap of a copy");
    memcpy(block, cache->write, (size_t)(cache->hot.begin - cache->write)); /* thunks */
    copy_area(&cache->hot, cache, block);
    copy_area(&cache->cold, cache, block);
    if (!map_again(block, cache->size, cache->run) ||
        mremap(block, cache->size, cache->size, MREMAP_MAYMOVE | MREMAP_FIXED, cache->write) ==
            MAP_FAILED)
        return fail(err, "mremap of a copy");
    return true;
}

void code_cache_close(struct code_cache *cache)
{
    if (cache->write)
        munmap(cache->write, cache->size);
    if (cache->run)
        munmap(cache->run, cache->size);
    *cache = (struct code_cache){0};
}
