/* Undo logs: what has to be put back to come from one moment to an earlier one.
 *
 * The machine's memory and disks are spaces of pieces of UNDO_PIECE bytes each. While a log is
 * open, every piece is added to it before its first change; putting all of them back gives the
 * earlier moment. undo_exchange swaps instead, so that the log then leads from the earlier moment
 * to the later one, and swapping again leads back. */
#ifndef SNAPSHOT_UNDO_H
#define SNAPSHOT_UNDO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { UNDO_PIECE = 4096 };

/* Where pieces are kept. Freed ones are used again, and given back to the host only at the end. */
struct undo_pool;
struct undo_pool *undo_pool_new(void);
void undo_pool_free(struct undo_pool *pool);
/* Host memory of the pieces in use. */
uint64_t undo_pool_used(const struct undo_pool *pool);

struct undo_item {
    uint64_t place; /* undo_place */
    uint8_t *bytes; /* owned by the pool; NULL: all zero */
};

static inline uint64_t undo_place(unsigned space, uint64_t index)
{
    return (uint64_t)space << 48 | index;
}
static inline unsigned undo_space(uint64_t place)
{
    return (unsigned)(place >> 48);
}
static inline uint64_t undo_index(uint64_t place)
{
    return place & ~(UINT64_C(0xFFFF) << 48);
}

/* All zero is an empty one. */
struct undo_log {
    struct undo_item *items; /* owned */
    size_t count, capacity;
    bool is_sorted;
};

/* Adds a copy of a piece that is not in the log yet. */
void undo_add(struct undo_log *log, struct undo_pool *pool, uint64_t place, const uint8_t *bytes);
/* Makes bytes (UNDO_PIECE) the contents of place, and gives what was there before in bytes. */
typedef void undo_swap(void *context, uint64_t place, uint8_t *bytes);
void undo_exchange(struct undo_log *log, struct undo_pool *pool, undo_swap *swap, void *context);
/* For two logs that follow each other and have not been exchanged (or both have been twice): older
 * becomes one that leads back over both, newer becomes empty. */
void undo_merge(struct undo_log *older, struct undo_log *newer, struct undo_pool *pool);
void undo_clear(struct undo_log *log, struct undo_pool *pool);
/* Host memory of the log, pieces included. */
uint64_t undo_bytes(const struct undo_log *log);

#endif
