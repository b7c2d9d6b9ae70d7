/* See jit/code_cache.h. */
#include "jit/code_cache.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* at NULL: anywhere; else instead of what is there. */
static uint8_t *map(int file, size_t size, int protection, void *at)
{
    void *block = mmap(at, size, protection, MAP_SHARED | (at ? MAP_FIXED : 0), file, 0);
    return block == MAP_FAILED ? NULL : block;
}

static bool fail(struct error *err, const char *what)
{
    return error_set(err, "no memory for translated code: %s: %s; use --engine interp", what,
                     strerror(errno));
}

bool code_cache_open(struct code_cache *cache, size_t size, struct error *err)
{
    *cache = (struct code_cache){.size = size};
    int file = memfd_create("anachron-code", MFD_CLOEXEC);
    if (file < 0)
        return fail(err, "memfd_create");
    bool sized = ftruncate(file, (off_t)size) == 0;
    if (sized) {
        cache->write = map(file, size, PROT_READ | PROT_WRITE, NULL);
        cache->run = map(file, size, PROT_READ | PROT_EXEC, NULL);
    }
    if (!cache->write || !cache->run) {
        fail(err, sized ? "mmap" : "ftruncate");
        close(file);
        code_cache_close(cache);
        return false;
    }
    close(file);
    return true;
}

static bool copy(int file, const uint8_t *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t part = write(file, bytes + done, size - done);
        if (part <= 0)
            return false;
        done += (size_t)part;
    }
    return true;
}

bool code_cache_unshare(struct code_cache *cache, size_t used, struct error *err)
{
    int file = memfd_create("anachron-code", MFD_CLOEXEC);
    if (file < 0)
        return fail(err, "memfd_create");
    bool ok = copy(file, cache->write, used) && ftruncate(file, (off_t)cache->size) == 0 &&
              map(file, cache->size, PROT_READ | PROT_WRITE, cache->write) &&
              map(file, cache->size, PROT_READ | PROT_EXEC, cache->run);
    if (!ok)
        fail(err, "a copy for another process");
    close(file);
    return ok;
}

void code_cache_close(struct code_cache *cache)
{
    if (cache->write)
        munmap(cache->write, cache->size);
    if (cache->run)
        munmap(cache->run, cache->size);
    *cache = (struct code_cache){0};
}
