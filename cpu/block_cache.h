/* The cache of decoded blocks.
 *
 * Blocks are found by the physical address of their first byte and the mode. They are carved
 * from one arena; when it is full, everything is forgotten.
 *
 * Who changes code often changes it back, or changes only an operand. So an overwritten block is
 * first shown to the patcher, which may bring it up to date. Otherwise it is unlinked from the
 * tables, its key is made one that nobody looks for, and it goes to a shelf, from where it is taken
 * again, with its translation, when the same instructions are decoded at its address. Its memory
 * stays as it is meanwhile, since the running block may be among the overwritten. What later blocks
 * at the same address have pushed off the shelf is not running any more, and its memory is used
 * again.
 *
 * A block that lies in one page needs nothing but its key to be right. A single instruction that
 * reaches into a second page is a block, too, which remembers that page's physical address; whoever
 * enters it makes sure that the second page is still there. */
#ifndef CPU_BLOCK_CACHE_H
#define CPU_BLOCK_CACHE_H

#include "cpu/insn.h"

#include <stddef.h>

enum {
    BLOCK_MAX_INSNS = 32,
    BLOCK_SHELF_BITS = 16,
    BLOCK_MAX_SHELVED = 6, /* at one address and mode */
    BLOCK_HEAT_BITS = 18,
    BLOCK_ALIGNMENT = 64,        /* bytes: a line of the host's cache */
    BLOCK_WARM_AGAIN = 2,        /* entries, if it had a translation when the cache was emptied */
    BLOCK_ARENA_SIZE = 64 << 20, /* bytes, committed as used */
};

#define BLOCK_DEAD UINT64_MAX

/* In checks, beside attributes of rows. */
enum block_check {
    BLOCK_KEPT = 1 << 13,         /* see block_cache_keep */
    BLOCK_CROSSES_PAGE = 1 << 14, /* it has bytes in a second page */
    BLOCK_MARKED = 1 << 15,       /* a debugger's breakpoint may be at its first instruction */
};

/* What a search, the interpreter and the translator's loop look at when a block is entered is in
 * one line of the host's cache: most blocks run a few times only, and are not in the cache then.
 * Other blocks are distances in bytes from the first one. */
struct block {
    uint64_t key;          /* block_key, or BLOCK_DEAD */
    void *translation;     /* the translator's; NULL: none */
    void *superblocks;     /* the translator's; NULL: it is not part of any */
    uint32_t successor[2]; /* where control went last: block_as_successor, a hint; 0: none */
    uint16_t bytes;        /* length of the instructions */
    uint16_t checks; /* A_PROT, A_FPU, A_MMX, A_SSE of its rows, enum block_check: looked at on
                        entry */
    uint16_t heat;   /* how often it was entered, for the translator; stops at its threshold */
    uint8_t warm;    /* the translator's: its threshold; 0: the usual one. From what was at its
                        address before */
    uint8_t count;   /* of instructions */
    uint32_t code;   /* the translator's: where the translation begins; 0: ask that */
    uint32_t next_in_hash;
    union {
        uint32_t next_in_page[2]; /* block_in_page: the pages' lists of what has bytes in them */
        uint64_t shelf_key;       /* of a shelved block, which is in no page's list */
    };
    /* By instruction, a bit each: its immediate, or displacement, was patched. */
    uint32_t patched_immediates;
    union {
        uint32_t patched_displacements;
        uint32_t second_physical; /* crosses its page: address of the next one. Such a block is
                                     never patched, and the bit of its only instruction is 0 */
    };
    struct insn insns[];
};
_Static_assert(offsetof(struct block, insns) == BLOCK_ALIGNMENT, "a line of the host's cache");

static inline struct block *block_at(struct block *first, uint32_t distance)
{
    return (struct block *)((uint8_t *)first + distance);
}
static inline uint32_t block_distance(const struct block *first, const struct block *block)
{
    return (uint32_t)((const uint8_t *)block - (const uint8_t *)first);
}

/* A block's number in the arena, and its place in its page: so who wants another block sees that
 * mostly without a look at this one. */
static inline uint32_t block_as_successor(const struct block *first, const struct block *block)
{
    _Static_assert(BLOCK_ARENA_SIZE / BLOCK_ALIGNMENT <= 1 << (32 - PAGE_SHIFT), "it has 20 bits");
    return block_distance(first, block) / BLOCK_ALIGNMENT << PAGE_SHIFT |
           ((uint32_t)block->key & PAGE_MASK);
}
static inline struct block *block_successor_at(struct block *first, uint32_t successor)
{
    return block_at(first, (successor >> PAGE_SHIFT) * BLOCK_ALIGNMENT);
}

/* It has bytes in a second page. */
static inline bool block_crosses_page(const struct block *block)
{
    return block->checks & BLOCK_CROSSES_PAGE;
}

struct block_cache;

/* The translator, which keeps host code for blocks. */
struct block_listener {
    /* block, which has a translation or is part of a superblock, is forgotten, or shelved. It may
     * be running. */
    void (*removed)(void *opaque, struct block *block);
    /* It is taken from the shelf. */
    void (*restored)(void *opaque, struct block *block);
    /* The translation of a block that was removed will never be restored; key: the block's. */
    void (*discarded)(void *opaque, struct block *block, uint64_t key);
    /* All blocks are. */
    void (*emptied)(void *opaque);
    /* These instructions of block, which has a translation and is part of no superblock, have other
     * immediates or displacements now, a bit each. False: the translation does not fit any more. */
    bool (*patched)(void *opaque, const struct block *block, uint32_t immediates,
                    uint32_t displacements);
    void *opaque;
};

/* Brings a block, some of whose bytes [address, address + size) have been written, up to date.
 * False: it cannot be. */
typedef bool block_patcher(void *opaque, struct block *block, uint32_t address, uint32_t size);

struct block_cache *block_cache_new(struct physmem *phys);
void block_cache_free(struct block_cache *cache);
void block_cache_set_listener(struct block_cache *cache, const struct block_listener *listener);
void block_cache_set_patcher(struct block_cache *cache, block_patcher *patcher, void *opaque);

/* mode: enum code_mode. */
static inline uint64_t block_key(uint32_t physical, uint32_t mode)
{
    return physical | (uint64_t)mode << 32;
}
static inline uint32_t block_physical(const struct block *block)
{
    return (uint32_t)block->key;
}

/* A number of bits from a key. */
static inline uint32_t block_key_hash(uint64_t key, unsigned bits)
{
    return (uint32_t)(key ^ key >> 32) * 0x9E3779B1u >> (32 - bits);
}

/* The first of all blocks, which distances are from. It has room for one instruction, no
 * successors, the key BLOCK_DEAD, and is never forgotten. Others are less than BLOCK_ARENA_SIZE
 * from it. */
struct block *block_cache_first(const struct block_cache *cache);

/* NULL if there is none. */
struct block *block_cache_find(const struct block_cache *cache, uint64_t key);

/* Room for a block of BLOCK_MAX_INSNS instructions; the same room again at the next call. Empties
 * the cache when the arena is full. */
struct block *block_cache_reserve(struct block_cache *cache);
/* Makes a copy of the reserved block, now filled in, findable, and marks its bytes as code. Returns
 * the copy, or instead of it one of the same instructions from the shelf. */
struct block *block_cache_add(struct block_cache *cache, const struct block *block);
/* Room for a block of so many instructions that is never found, and goes when everything is
 * forgotten. NULL: there is none. */
struct block *block_cache_keep(struct block_cache *cache, unsigned count);
/* Instructions of the block, a bit each, have got other immediates or displacements. True: its
 * translation, or a superblock's that it is part of, has been dropped for that; it may be running.
 */
bool block_cache_note_patch(struct block_cache *cache, struct block *block, uint32_t immediates,
                            uint32_t displacements);

/* Forgets one block of the cache. */
void block_cache_remove(struct block_cache *cache, struct block *block);
/* [address, address + size) was written: forgets the blocks with bytes there that cannot be
 * patched; returns whether there were any. */
bool block_cache_invalidate(struct block_cache *cache, uint32_t address, uint32_t size);
/* Forgets the blocks with a byte at this offset in a page. Not while one of them runs. */
void block_cache_forget_place(struct block_cache *cache, uint32_t place);
/* Forgets everything, at the next block_cache_reserve; until then nothing is found. */
void block_cache_empty(struct block_cache *cache);

#endif
