#include "snapshot/undo.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK_PIECES = 1024 };

/* A free piece begins with a pointer to the next. */
struct free_piece {
    struct free_piece *next;
};

struct undo_pool {
    struct free_piece *free;
    void **chunks;
    size_t chunk_count, used;
};

struct undo_pool *undo_pool_new(void)
{
    return mem_new(sizeof(struct undo_pool));
}

void undo_pool_free(struct undo_pool *pool)
{
    if (!pool)
        return;
    for (size_t i = 0; i < pool->chunk_count; i++)
        mem_unmap(pool->chunks[i], (size_t)CHUNK_PIECES * UNDO_PIECE);
    mem_free(pool->chunks);
    mem_free(pool);
}

uint64_t undo_pool_used(const struct undo_pool *pool)
{
    return (uint64_t)pool->used * UNDO_PIECE;
}

static void give(struct undo_pool *pool, uint8_t *bytes)
{
    struct free_piece *piece = (struct free_piece *)bytes;
    piece->next = pool->free;
    pool->free = piece;
}

static uint8_t *take(struct undo_pool *pool)
{
    if (!pool->free) {
        uint8_t *chunk = mem_map_large((size_t)CHUNK_PIECES * UNDO_PIECE);
        pool->chunks = mem_resize(pool->chunks, (pool->chunk_count + 1) * sizeof *pool->chunks);
        pool->chunks[pool->chunk_count++] = chunk;
        for (size_t i = CHUNK_PIECES; i-- > 0;)
            give(pool, chunk + i * UNDO_PIECE);
    }
    struct free_piece *piece = pool->free;
    pool->free = piece->next;
    pool->used++;
    return (uint8_t *)piece;
}

static void drop(struct undo_pool *pool, uint8_t *bytes)
{
    if (!bytes)
        return;
    give(pool, bytes);
    pool->used--;
}

static bool is_zero(const uint8_t *bytes)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, UNDO_PIECE - 1) == 0;
}

static void append(struct undo_log *log, uint64_t place, uint8_t *bytes)
{
    if (log->count == log->capacity) {
        log->capacity = log->capacity ? 2 * log->capacity : 256;
        log->items = mem_resize(log->items, log->capacity * sizeof *log->items);
    }
    log->is_sorted = false;
    log->items[log->count++] = (struct undo_item){place, bytes};
}

void undo_add(struct undo_log *log, struct undo_pool *pool, uint64_t place, const uint8_t *bytes)
{
    uint8_t *copy = NULL;
    if (!is_zero(bytes)) {
        copy = take(pool);
        memcpy(copy, bytes, UNDO_PIECE);
    }
    append(log, place, copy);
}

void undo_exchange(struct undo_log *log, struct undo_pool *pool, undo_swap *swap, void *context)
{
    for (size_t i = 0; i < log->count; i++) {
        struct undo_item *item = &log->items[i];
        if (!item->bytes) {
            item->bytes = take(pool);
            memset(item->bytes, 0, UNDO_PIECE);
        }
        swap(context, item->place, item->bytes);
        if (is_zero(item->bytes)) {
            drop(pool, item->bytes);
            item->bytes = NULL;
        }
    }
}

static int compare_places(const void *a, const void *b)
{
    uint64_t first = ((const struct undo_item *)a)->place;
    uint64_t second = ((const struct undo_item *)b)->place;
    return (first > second) - (first < second);
}

static void sort(struct undo_log *log)
{
    if (!log->is_sorted && log->count)
        qsort(log->items, log->count, sizeof *log->items, compare_places);
    log->is_sorted = true;
}

void undo_merge(struct undo_log *older, struct undo_log *newer, struct undo_pool *pool)
{
    struct undo_log merged = {.capacity = older->count + newer->count};
    merged.items = mem_resize(NULL, merged.capacity * sizeof *merged.items);
    merged.is_sorted = true;
    sort(older);
    sort(newer);
    size_t a = 0, b = 0;
    while (a < older->count || b < newer->count) {
        bool has_older = a < older->count &&
                         (b == newer->count || older->items[a].place <= newer->items[b].place);
        bool has_newer = b < newer->count &&
                         (a == older->count || newer->items[b].place <= older->items[a].place);
        if (has_older && has_newer)
            drop(pool, newer->items[b].bytes);
        merged.items[merged.count++] = has_older ? older->items[a] : newer->items[b];
        a += has_older;
        b += has_newer;
    }
    mem_free(older->items);
    mem_free(newer->items);
    *older = merged;
    *newer = (struct undo_log){0};
}

void undo_clear(struct undo_log *log, struct undo_pool *pool)
{
    for (size_t i = 0; i < log->count; i++)
        drop(pool, log->items[i].bytes);
    mem_free(log->items);
    *log = (struct undo_log){0};
}

uint64_t undo_bytes(const struct undo_log *log)
{
    uint64_t bytes = log->capacity * sizeof *log->items;
    for (size_t i = 0; i < log->count; i++)
        bytes += log->items[i].bytes ? UNDO_PIECE : 0;
    return bytes;
}
