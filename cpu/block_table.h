/* Blocks by key.
 *
 * There are some hundred thousand blocks, and whoever looks for one has rarely seen it lately: what
 * counts is how many lines of the host's cache a search touches. A bucket is one line, with the
 * keys in it; the few blocks for which a bucket has no room hang on a chain. */
#ifndef CPU_BLOCK_TABLE_H
#define CPU_BLOCK_TABLE_H

#include <stdint.h>

struct block;

enum { BLOCK_BUCKET_BITS = 17, BLOCK_BUCKET_SIZE = 5 };

/* Blocks are distances in bytes from the first one; 0: none. */
struct block_bucket {
    uint64_t keys[BLOCK_BUCKET_SIZE]; /* block_key */
    uint32_t blocks[BLOCK_BUCKET_SIZE];
    uint32_t more; /* linked by next_in_hash */
};
_Static_assert(sizeof(struct block_bucket) == 64, "a line of the host's cache");

struct block_table {
    struct block *first; /* the caller's: what distances are from */
    struct block_bucket *buckets;
};

void block_table_open(struct block_table *table, struct block *first);
void block_table_close(struct block_table *table);

/* NULL: there is none. */
struct block *block_table_find(const struct block_table *table, uint64_t key);
/* There must be none with its key. */
void block_table_add(struct block_table *table, struct block *block);
/* It must be there. */
void block_table_remove(struct block_table *table, struct block *block);
void block_table_clear(struct block_table *table);

#endif
