/* See cpu/block_table.h. */
#include "cpu/block_table.h"

#include "base/memory.h"
#include "cpu/block_cache.h"

enum { BUCKETS_OF_PAGE_BITS = 6 };

static const size_t table_size = sizeof(struct block_bucket) << BLOCK_BUCKET_BITS;

void block_table_open(struct block_table *table, struct block *first)
{
    *table = (struct block_table){first, mem_map(table_size)};
}

void block_table_close(struct block_table *table)
{
    mem_unmap(table->buckets, table_size);
}

/* What is near in the guest's memory is near here. */
static struct block_bucket *bucket_of(const struct block_table *table, uint64_t key)
{
    uint32_t page = block_key_hash(key >> PAGE_SHIFT, BLOCK_BUCKET_BITS - BUCKETS_OF_PAGE_BITS);
    uint32_t place = ((uint32_t)key & PAGE_MASK) >> (PAGE_SHIFT - BUCKETS_OF_PAGE_BITS);
    return &table->buckets[page << BUCKETS_OF_PAGE_BITS | place];
}

struct block *block_table_find(const struct block_table *table, uint64_t key)
{
    const struct block_bucket *bucket = bucket_of(table, key);
    for (unsigned i = 0; i < BLOCK_BUCKET_SIZE; i++)
        if (bucket->keys[i] == key && bucket->blocks[i])
            return block_at(table->first, bucket->blocks[i]);
    for (uint32_t at = bucket->more; at;) {
        struct block *block = block_at(table->first, at);
        if (block->key == key)
            return block;
        at = block->next_in_hash;
    }
    return NULL;
}

void block_table_add(struct block_table *table, struct block *block)
{
    struct block_bucket *bucket = bucket_of(table, block->key);
    uint32_t at = block_distance(table->first, block);
    for (unsigned i = 0; i < BLOCK_BUCKET_SIZE; i++)
        if (!bucket->blocks[i]) {
            bucket->keys[i] = block->key;
            bucket->blocks[i] = at;
            return;
        }
    block->next_in_hash = bucket->more;
    bucket->more = at;
}

static void remove_from_chain(struct block_table *table, struct block_bucket *bucket, uint32_t at)
{
    uint32_t *link = &bucket->more;
    while (*link != at)
        link = &block_at(table->first, *link)->next_in_hash;
    *link = block_at(table->first, at)->next_in_hash;
}

void block_table_remove(struct block_table *table, struct block *block)
{
    struct block_bucket *bucket = bucket_of(table, block->key);
    uint32_t at = block_distance(table->first, block);
    for (unsigned i = 0; i < BLOCK_BUCKET_SIZE; i++)
        if (bucket->blocks[i] == at) {
            bucket->blocks[i] = 0;
            return;
        }
    remove_from_chain(table, bucket, at);
}

void block_table_clear(struct block_table *table)
{
    mem_map_clear(table->buckets, table_size);
}
