/* Memory for translated code: one memory object, mapped twice, writable here and executable there,
 * never both at one address. */
#ifndef JIT_CODE_CACHE_H
#define JIT_CODE_CACHE_H

#include "base/error.h"
#include "base/memory.h"

#include <stddef.h>
#include <stdint.h>

/* A part of the memory, as written, that is filled from begin to at. */
struct code_area {
    uint8_t *begin, *at, *end;
    struct mem_ahead write, run; /* its memory, as written and as run */
    uint8_t *trimmed;            /* at, at the last trim */
};

struct code_cache {
    uint8_t *write; /* where code is written */
    uint8_t *run;   /* where the same bytes are executed */
    size_t size;
    /* What blocks do nearly always, and what they nearly never do: so the host's caches hold more
     * of the first. */
    struct code_area hot, cold;
    size_t trimmed; /* bytes in both areas at the last trim */
};

/* size in bytes, a multiple of the page size. False: the host permits no executable memory; err
 * says why. */
bool code_cache_open(struct code_cache *cache, size_t size, struct error *err);
void code_cache_close(struct code_cache *cache);
/* After fork, whose two processes share the memory: replaces it, at the same addresses, by a copy
 * of what has been filled. */
bool code_cache_unshare(struct code_cache *cache, struct error *err);
/* To be called now and then: the host keeps what was written in its page tables twice, and need not
 * do so for what is only run. */
void code_cache_trim(struct code_cache *cache);
/* Before a block is written. */
void code_cache_ahead(struct code_cache *cache);
/* Both areas are empty. */
void code_cache_reset(struct code_cache *cache);

static inline const uint8_t *code_cache_run(const struct code_cache *cache, const uint8_t *written)
{
    return cache->run + (written - cache->write);
}

#endif
