/* See cpu/block_cache.h. */
#include "cpu/block_cache.h"

#include "base/memory.h"
#include "cpu/block_table.h"

enum { PAGE_COUNT = 1 << (32 - PAGE_SHIFT) };

struct block_cache {
    struct physmem *phys;
    struct block *first; /* the arena's begin */
    size_t used;         /* bytes of the arena */
    struct mem_ahead arena;
    bool must_empty;
    struct block *reserved;
    struct block_table table;
    struct block_listener listener;
    block_patcher *patcher;
    void *patcher_opaque;
    /* Blocks are distances from the first one; 0: none. */
    uint32_t unused[BLOCK_MAX_INSNS + 1]; /* room in the arena, by instructions */
    uint32_t shelf[1 << BLOCK_SHELF_BITS];
    uint8_t was_hot[(1 << BLOCK_HEAT_BITS) / 8]; /* by hash of the key, a bit each */
    uint32_t *pages; /* by physical page: a block_in_page; committed as used */
};

static const size_t reserved_size = sizeof(struct block) + BLOCK_MAX_INSNS * sizeof(struct insn);

static size_t size_of(unsigned count)
{
    size_t size = sizeof(struct block) + count * sizeof(struct insn);
    return (size + BLOCK_ALIGNMENT - 1) & ~(size_t)(BLOCK_ALIGNMENT - 1);
}

static size_t block_size(const struct block *block)
{
    return size_of(block->count);
}

struct block_cache *block_cache_new(struct physmem *phys)
{
    struct block_cache *cache = mem_new(sizeof *cache);
    cache->phys = phys;
    cache->first = mem_map(BLOCK_ARENA_SIZE);
    cache->arena = (struct mem_ahead){.block = (uint8_t *)cache->first, .size = BLOCK_ARENA_SIZE};
    cache->first->key = BLOCK_DEAD;
    cache->used = size_of(1);
    cache->reserved = mem_new(reserved_size);
    cache->pages = mem_map(PAGE_COUNT * sizeof *cache->pages);
    block_table_open(&cache->table, cache->first);
    return cache;
}

void block_cache_free(struct block_cache *cache)
{
    if (!cache)
        return;
    mem_unmap(cache->first, BLOCK_ARENA_SIZE);
    mem_free(cache->reserved);
    mem_unmap(cache->pages, PAGE_COUNT * sizeof *cache->pages);
    block_table_close(&cache->table);
    mem_free(cache);
}

void block_cache_set_listener(struct block_cache *cache, const struct block_listener *listener)
{
    cache->listener = *listener;
}

void block_cache_set_patcher(struct block_cache *cache, block_patcher *patcher, void *opaque)
{
    cache->patcher = patcher;
    cache->patcher_opaque = opaque;
}

struct block *block_cache_first(const struct block_cache *cache)
{
    return cache->first;
}

static struct block *at(const struct block_cache *cache, uint32_t distance)
{
    return block_at(cache->first, distance);
}

static uint32_t distance(const struct block_cache *cache, const struct block *block)
{
    return block_distance(cache->first, block);
}

static uint32_t *shelf_slot(struct block_cache *cache, uint64_t key)
{
    return &cache->shelf[block_key_hash(key, BLOCK_SHELF_BITS)];
}

struct block *block_cache_find(const struct block_cache *cache, uint64_t key)
{
    return block_table_find(&cache->table, key);
}

/* The pages that a block has bytes in: physical address of its first byte there, and how many. */
static unsigned block_pieces(const struct block *block, uint32_t address[2], uint32_t size[2])
{
    address[0] = block_physical(block);
    size[0] = block->bytes;
    if (!block_crosses_page(block))
        return 1;
    size[0] = PAGE_SIZE - (address[0] & PAGE_MASK);
    address[1] = block->second_physical;
    size[1] = block->bytes - size[0];
    return 2;
}

static void note_hot(struct block_cache *cache, uint64_t key)
{
    uint32_t slot = block_key_hash(key, BLOCK_HEAT_BITS);
    cache->was_hot[slot / 8] |= (uint8_t)(1 << slot % 8);
}

static bool was_hot(const struct block_cache *cache, uint64_t key)
{
    uint32_t slot = block_key_hash(key, BLOCK_HEAT_BITS);
    return cache->was_hot[slot / 8] >> slot % 8 & 1;
}

static void forget_pages(struct block_cache *cache, const struct block *block)
{
    uint32_t address[2], size[2];
    unsigned count = block_pieces(block, address, size);
    for (unsigned i = 0; i < count; i++) {
        uint32_t *page = &cache->pages[address[i] >> PAGE_SHIFT];
        if (*page)
            physmem_clear_code(cache->phys, address[i]);
        *page = 0;
    }
}

/* Unhooks every block; those that are reached through stale pointers do not match any key. */
static void empty_now(struct block_cache *cache)
{
    memset(cache->was_hot, 0, sizeof cache->was_hot);
    for (size_t where = size_of(1); where < cache->used;) {
        struct block *block = at(cache, (uint32_t)where);
        where += block_size(block);
        if (block->key == BLOCK_DEAD || block->checks & BLOCK_KEPT)
            continue;
        forget_pages(cache, block);
        if (block->translation)
            note_hot(cache, block->key);
        block->key = BLOCK_DEAD;
    }
    block_table_clear(&cache->table);
    memset(cache->shelf, 0, sizeof cache->shelf);
    memset(cache->unused, 0, sizeof cache->unused);
}

void block_cache_empty(struct block_cache *cache)
{
    if (cache->must_empty)
        return;
    empty_now(cache);
    cache->must_empty = true;
    if (cache->listener.emptied)
        cache->listener.emptied(cache->listener.opaque);
}

struct block *block_cache_reserve(struct block_cache *cache)
{
    if (cache->used + reserved_size > BLOCK_ARENA_SIZE)
        block_cache_empty(cache);
    if (cache->must_empty) {
        cache->must_empty = false;
        cache->used = size_of(1);
    }
    return cache->reserved;
}

static void mark(struct block_cache *cache, const struct block *block)
{
    uint32_t address[2], size[2];
    unsigned count = block_pieces(block, address, size);
    for (unsigned i = 0; i < count; i++)
        physmem_mark_code(cache->phys, address[i], size[i]);
}

/* --- the lists of the pages --- */

/* A member of a page's list: a block, and which of its pieces is in the page, in the bits that are
 * 0 in a block's distance. */
typedef uint32_t block_in_page;

static struct block *member_block(const struct block_cache *cache, block_in_page member)
{
    return at(cache, member & ~(uint32_t)(BLOCK_ALIGNMENT - 1));
}

static block_in_page *next_member(const struct block_cache *cache, block_in_page member)
{
    return &member_block(cache, member)->next_in_page[member & (BLOCK_ALIGNMENT - 1)];
}

static void hook(struct block_cache *cache, struct block *block)
{
    uint32_t address[2], size[2];
    unsigned count = block_pieces(block, address, size);
    for (unsigned i = 0; i < count; i++) {
        block_in_page *page = &cache->pages[address[i] >> PAGE_SHIFT];
        block->next_in_page[i] = *page;
        *page = distance(cache, block) | i;
    }
    mark(cache, block);
    block->successor[0] = block->successor[1] = 0;
    block_table_add(&cache->table, block);
}

/* --- the shelf --- */

static void discard(struct block_cache *cache, struct block *block)
{
    if (block->translation)
        cache->listener.discarded(cache->listener.opaque, block, block->shelf_key);
    block->next_in_hash = cache->unused[block->count];
    cache->unused[block->count] = distance(cache, block);
}

/* Over those at the same address: the newest first. */
static void shelve(struct block_cache *cache, struct block *block, uint64_t key)
{
    uint32_t *slot = shelf_slot(cache, key), *link = slot;
    unsigned count = 1;
    block->shelf_key = key;
    while (*link) {
        struct block *old = at(cache, *link);
        if (old->shelf_key == key && ++count > BLOCK_MAX_SHELVED) {
            *link = old->next_in_hash;
            discard(cache, old);
        } else {
            link = &old->next_in_hash;
        }
    }
    block->next_in_hash = *slot;
    *slot = distance(cache, block);
}

static bool has_same_insns(const struct block *a, const struct block *b)
{
    return a->count == b->count && a->bytes == b->bytes && a->checks == b->checks &&
           !memcmp(a->insns, b->insns, a->count * sizeof a->insns[0]);
}

/* One with block's key and instructions, or NULL; then block learns from the newest with its key.
 */
static struct block *unshelve(struct block_cache *cache, const struct block *block, unsigned *warm)
{
    bool is_newest = true;
    struct block *shelved;
    for (uint32_t *link = shelf_slot(cache, block->key); *link; link = &shelved->next_in_hash) {
        shelved = at(cache, *link);
        if (shelved->shelf_key != block->key)
            continue;
        if (has_same_insns(shelved, block)) {
            *link = shelved->next_in_hash;
            shelved->key = block->key;
            return shelved;
        }
        if (is_newest)
            *warm = shelved->warm;
        is_newest = false;
    }
    return NULL;
}

static struct block *allocate(struct block_cache *cache, unsigned count)
{
    uint32_t unused = cache->unused[count];
    if (unused) {
        cache->unused[count] = at(cache, unused)->next_in_hash;
        return at(cache, unused);
    }
    struct block *block = at(cache, (uint32_t)cache->used);
    cache->used += size_of(count);
    mem_ahead_use(&cache->arena, cache->used);
    return block;
}

struct block *block_cache_add(struct block_cache *cache, const struct block *reserved)
{
    unsigned warm = 0;
    struct block *block = block_crosses_page(reserved) ? NULL : unshelve(cache, reserved, &warm);
    if (block) {
        hook(cache, block);
        if (block->translation)
            cache->listener.restored(cache->listener.opaque, block);
        return block;
    }
    block = allocate(cache, reserved->count);
    memcpy(block, reserved, sizeof *reserved + reserved->count * sizeof reserved->insns[0]);
    block->warm = warm || !was_hot(cache, block->key) ? (uint8_t)warm : BLOCK_WARM_AGAIN;
    hook(cache, block);
    return block;
}

struct block *block_cache_keep(struct block_cache *cache, unsigned count)
{
    if (cache->used + 2 * reserved_size > BLOCK_ARENA_SIZE)
        return NULL;
    struct block *kept = allocate(cache, count);
    *kept = (struct block){.key = BLOCK_DEAD, .count = (uint8_t)count, .checks = BLOCK_KEPT};
    return kept;
}

static bool overlaps(const struct block *block, uint32_t address, uint32_t size)
{
    uint32_t from[2], bytes[2];
    unsigned count = block_pieces(block, from, bytes);
    for (unsigned i = 0; i < count; i++)
        if ((uint64_t)from[i] < (uint64_t)address + size &&
            (uint64_t)address < (uint64_t)from[i] + bytes[i])
            return true;
    return false;
}

static void unlink_from_page(struct block_cache *cache, struct block *block, uint32_t address)
{
    block_in_page *link = &cache->pages[address >> PAGE_SHIFT];
    while (*link && member_block(cache, *link) != block)
        link = next_member(cache, *link);
    if (*link)
        *link = *next_member(cache, *link);
}

void block_cache_remove(struct block_cache *cache, struct block *block)
{
    uint32_t address[2], size[2];
    unsigned count = block_pieces(block, address, size);
    for (unsigned i = 0; i < count; i++)
        unlink_from_page(cache, block, address[i]);
    block_table_remove(&cache->table, block);
    if (block->translation || block->superblocks)
        cache->listener.removed(cache->listener.opaque, block);
    block->key = BLOCK_DEAD;
}

bool block_cache_note_patch(struct block_cache *cache, struct block *block, uint32_t immediates,
                            uint32_t displacements)
{
    const struct block_listener *listener = &cache->listener;
    block->patched_immediates |= immediates;
    block->patched_displacements |= displacements;
    bool fits = !block->translation ||
                listener->patched(listener->opaque, block, immediates, displacements);
    if (!block->superblocks && fits)
        return false;
    listener->removed(listener->opaque, block);
    if (block->translation)
        listener->discarded(listener->opaque, block, block->key);
    block->translation = NULL;
    block->heat = 0;
    return true;
}

/* Bytes of one page that removed blocks had. */
struct span {
    uint32_t first, end; /* physical; first == end: none */
};

/* Takes the block's marks in the page away. */
static void unmark(struct block_cache *cache, const struct block *block, uint32_t page,
                   struct span *span)
{
    uint32_t from[2], size[2];
    unsigned count = block_pieces(block, from, size);
    for (unsigned i = 0; i < count; i++) {
        if (from[i] >> PAGE_SHIFT != page)
            continue;
        physmem_unmark_code(cache->phys, from[i], size[i]);
        bool is_first = span->first == span->end;
        if (is_first || from[i] < span->first)
            span->first = from[i];
        if (is_first || from[i] + size[i] > span->end)
            span->end = from[i] + size[i];
    }
}

/* Marks again the blocks that share bytes with removed ones. */
static void remark(struct block_cache *cache, uint32_t page, const struct span *span)
{
    if (!cache->pages[page])
        physmem_end_code(cache->phys, page << PAGE_SHIFT);
    for (block_in_page in = cache->pages[page]; in; in = *next_member(cache, in))
        if (overlaps(member_block(cache, in), span->first, span->end - span->first))
            mark(cache, member_block(cache, in));
}

static void unmark_range(struct block_cache *cache, uint32_t page, uint32_t address, uint32_t size)
{
    uint32_t begin = page << PAGE_SHIFT, end = begin + (PAGE_SIZE - 1), last = address + size - 1;
    uint32_t first = address > begin ? address : begin;
    physmem_unmark_code(cache->phys, first, (last < end ? last : end) - first + 1);
}

static bool invalidate_in_page(struct block_cache *cache, uint32_t page, uint32_t address,
                               uint32_t size)
{
    struct span span = {0};
    bool patched = false;
    for (block_in_page *link = &cache->pages[page]; *link;) {
        struct block *block = member_block(cache, *link);
        if (!overlaps(block, address, size)) {
            link = next_member(cache, *link);
            continue;
        }
        if (cache->patcher && cache->patcher(cache->patcher_opaque, block, address, size)) {
            patched = true;
            link = next_member(cache, *link);
            continue;
        }
        unmark(cache, block, page, &span);
        uint64_t key = block->key;
        block_cache_remove(cache, block); /* *link is the next one now */
        if (!block_crosses_page(block))
            shelve(cache, block, key);
    }
    if (span.first == span.end) {
        if (!patched) /* marks of a block that went another way */
            unmark_range(cache, page, address, size);
        return false;
    }
    remark(cache, page, &span);
    return true;
}

bool block_cache_invalidate(struct block_cache *cache, uint32_t address, uint32_t size)
{
    bool any = false;
    uint32_t last = address + size - 1;
    for (uint32_t page = address >> PAGE_SHIFT; page <= last >> PAGE_SHIFT; page++)
        any |= invalidate_in_page(cache, page, address, size);
    return any;
}

static bool covers_place(const struct block *block, uint32_t place)
{
    uint32_t from[2], bytes[2];
    unsigned count = block_pieces(block, from, bytes);
    for (unsigned i = 0; i < count; i++)
        if (place - (from[i] & PAGE_MASK) < bytes[i])
            return true;
    return false;
}

void block_cache_forget_place(struct block_cache *cache, uint32_t place)
{
    if (cache->must_empty)
        return;
    for (size_t where = size_of(1); where < cache->used;) {
        struct block *block = at(cache, (uint32_t)where);
        where += block_size(block);
        if (block->key != BLOCK_DEAD && !(block->checks & BLOCK_KEPT) && covers_place(block, place))
            block_cache_remove(cache, block);
    }
}
