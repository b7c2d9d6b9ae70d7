/* See cpu/block_cache.h. */
#include "cpu/block_cache.h"

#include "base/memory.h"

enum { PAGE_COUNT = 1 << (32 - PAGE_SHIFT) };

struct block_cache {
    struct physmem *phys;
    uint8_t *arena;
    size_t used;
    bool must_empty;
    struct block *reserved;
    uint8_t was_hot[(1 << BLOCK_HASH_BITS) / 8]; /* by hash slot, a bit each */
    struct block *unused[BLOCK_MAX_INSNS + 1];   /* room in the arena, by instructions */
    struct block_listener listener;
    block_patcher *patcher;
    void *patcher_opaque;
    struct block *hash[1 << BLOCK_HASH_BITS];
    struct block *shelf[1 << BLOCK_SHELF_BITS];
    struct block_in_page **pages; /* by physical page; committed as used */
};

static const size_t reserved_size = sizeof(struct block) + BLOCK_MAX_INSNS * sizeof(struct insn);

struct block_cache *block_cache_new(struct physmem *phys)
{
    struct block_cache *cache = mem_new(sizeof *cache);
    cache->phys = phys;
    cache->arena = mem_map(BLOCK_ARENA_SIZE);
    cache->reserved = mem_new(reserved_size);
    cache->pages = mem_map(PAGE_COUNT * sizeof *cache->pages);
    return cache;
}

void block_cache_free(struct block_cache *cache)
{
    if (!cache)
        return;
    mem_unmap(cache->arena, BLOCK_ARENA_SIZE);
    mem_free(cache->reserved);
    mem_unmap(cache->pages, PAGE_COUNT * sizeof *cache->pages);
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

uint32_t block_cache_offset(const struct block_cache *cache, const struct block *block)
{
    return (uint32_t)((const uint8_t *)block - cache->arena);
}

struct block *block_cache_at(const struct block_cache *cache, uint32_t offset)
{
    return (struct block *)(cache->arena + offset);
}

static uint32_t mix(uint64_t key)
{
    return (uint32_t)(key ^ key >> 32) * 0x9E3779B1u;
}

static struct block **hash_slot(const struct block_cache *cache, uint64_t key)
{
    return (struct block **)&cache->hash[mix(key) >> (32 - BLOCK_HASH_BITS)];
}

static struct block **shelf_slot(const struct block_cache *cache, uint64_t key)
{
    return (struct block **)&cache->shelf[mix(key) >> (32 - BLOCK_SHELF_BITS)];
}

struct block *block_cache_find(const struct block_cache *cache, uint64_t key)
{
    struct block *block = *hash_slot(cache, key);
    while (block && block->key != key)
        block = block->next_in_hash;
    return block;
}

static size_t block_size(const struct block *block)
{
    return sizeof *block + block->count * sizeof block->insns[0];
}

/* The pages that a block has bytes in: physical address of its first byte there, and how many. */
static unsigned block_pieces(const struct block *block, uint32_t address[2], uint32_t size[2])
{
    address[0] = block_physical(block);
    size[0] = block->bytes;
    if (!block->crosses_page)
        return 1;
    size[0] = PAGE_SIZE - (address[0] & PAGE_MASK);
    address[1] = block->second_physical;
    size[1] = block->bytes - size[0];
    return 2;
}

static void note_hot(struct block_cache *cache, uint64_t key)
{
    uint32_t slot = mix(key) >> (32 - BLOCK_HASH_BITS);
    cache->was_hot[slot / 8] |= (uint8_t)(1 << slot % 8);
}

static bool was_hot(const struct block_cache *cache, uint64_t key)
{
    uint32_t slot = mix(key) >> (32 - BLOCK_HASH_BITS);
    return cache->was_hot[slot / 8] >> slot % 8 & 1;
}

/* Unhooks every block; those that are reached through stale pointers do not match any key. */
static void empty_now(struct block_cache *cache)
{
    memset(cache->was_hot, 0, sizeof cache->was_hot);
    for (size_t at = 0; at < cache->used;) {
        struct block *block = (struct block *)(cache->arena + at);
        at += block_size(block);
        if (block->key == BLOCK_DEAD || block->is_kept)
            continue;
        uint32_t address[2], size[2];
        unsigned count = block_pieces(block, address, size);
        for (unsigned i = 0; i < count; i++) {
            struct block_in_page **page = &cache->pages[address[i] >> PAGE_SHIFT];
            if (*page)
                physmem_clear_code(cache->phys, address[i]);
            *page = NULL;
        }
        if (block->translation)
            note_hot(cache, block->key);
        block->key = BLOCK_DEAD;
    }
    memset(cache->hash, 0, sizeof cache->hash);
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
        cache->used = 0;
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

static void hook(struct block_cache *cache, struct block *block)
{
    uint32_t address[2], size[2];
    unsigned count = block_pieces(block, address, size);
    for (unsigned i = 0; i < count; i++) {
        struct block_in_page **page = &cache->pages[address[i] >> PAGE_SHIFT];
        block->in_page[i] = (struct block_in_page){block, *page};
        *page = &block->in_page[i];
    }
    mark(cache, block);
    struct block **slot = hash_slot(cache, block->key);
    block->next_in_hash = *slot;
    block->successor[0] = block->successor[1] = block;
    *slot = block;
}

/* --- the shelf --- */

static void discard(struct block_cache *cache, struct block *block)
{
    if (block->translation)
        cache->listener.discarded(cache->listener.opaque, block, block->shelf_key);
    block->next_in_hash = cache->unused[block->count];
    cache->unused[block->count] = block;
}

/* Over those at the same address: the newest first. */
static void shelve(struct block_cache *cache, struct block *block, uint64_t key)
{
    struct block **slot = shelf_slot(cache, key), **link = slot;
    unsigned count = 1;
    block->shelf_key = key;
    while (*link) {
        struct block *old = *link;
        if (old->shelf_key == key && ++count > BLOCK_MAX_SHELVED) {
            *link = old->next_in_hash;
            discard(cache, old);
        } else {
            link = &old->next_in_hash;
        }
    }
    block->next_in_hash = *slot;
    *slot = block;
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
    for (struct block **link = shelf_slot(cache, block->key); *link;
         link = &(*link)->next_in_hash) {
        struct block *shelved = *link;
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
    struct block *block = cache->unused[count];
    if (block) {
        cache->unused[count] = block->next_in_hash;
        return block;
    }
    block = (struct block *)(cache->arena + cache->used);
    block->count = (uint8_t)count;
    cache->used += block_size(block);
    return block;
}

struct block *block_cache_add(struct block_cache *cache, const struct block *reserved)
{
    unsigned warm = 0;
    struct block *block = reserved->crosses_page ? NULL : unshelve(cache, reserved, &warm);
    if (block) {
        hook(cache, block);
        if (block->translation)
            cache->listener.restored(cache->listener.opaque, block);
        return block;
    }
    block = allocate(cache, reserved->count);
    memcpy(block, reserved, block_size(reserved));
    block->warm = warm || !was_hot(cache, block->key) ? (uint16_t)warm : BLOCK_WARM_AGAIN;
    hook(cache, block);
    return block;
}

struct block *block_cache_keep(struct block_cache *cache, unsigned count)
{
    if (cache->used + 2 * reserved_size > BLOCK_ARENA_SIZE)
        return NULL;
    struct block *kept = allocate(cache, count);
    *kept = (struct block){.key = BLOCK_DEAD, .count = (uint8_t)count, .is_kept = true};
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
    struct block_in_page **link = &cache->pages[address >> PAGE_SHIFT];
    while (*link && (*link)->block != block)
        link = &(*link)->next;
    if (*link)
        *link = (*link)->next;
}

void block_cache_remove(struct block_cache *cache, struct block *block)
{
    uint32_t address[2], size[2];
    unsigned count = block_pieces(block, address, size);
    for (unsigned i = 0; i < count; i++)
        unlink_from_page(cache, block, address[i]);
    struct block **link = hash_slot(cache, block->key);
    while (*link != block)
        link = &(*link)->next_in_hash;
    *link = block->next_in_hash;
    if (block->translation || block->superblocks)
        cache->listener.removed(cache->listener.opaque, block);
    block->key = BLOCK_DEAD;
}

void block_cache_drop_translation(struct block_cache *cache, struct block *block)
{
    if (block->translation || block->superblocks)
        cache->listener.removed(cache->listener.opaque, block);
    if (block->translation)
        cache->listener.discarded(cache->listener.opaque, block, block->key);
    block->translation = NULL;
    block->heat = 0;
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
    for (struct block_in_page *in = cache->pages[page]; in; in = in->next)
        if (overlaps(in->block, span->first, span->end - span->first))
            mark(cache, in->block);
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
    for (struct block_in_page **link = &cache->pages[page]; *link;) {
        struct block *block = (*link)->block;
        if (!overlaps(block, address, size)) {
            link = &(*link)->next;
            continue;
        }
        if (cache->patcher && cache->patcher(cache->patcher_opaque, block, address, size)) {
            patched = true;
            link = &(*link)->next;
            continue;
        }
        unmark(cache, block, page, &span);
        uint64_t key = block->key;
        block_cache_remove(cache, block); /* *link is the next one now */
        if (!block->crosses_page)
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
    for (size_t at = 0; at < cache->used;) {
        struct block *block = (struct block *)(cache->arena + at);
        at += block_size(block);
        if (block->key != BLOCK_DEAD && !block->is_kept && covers_place(block, place))
            block_cache_remove(cache, block);
    }
}
