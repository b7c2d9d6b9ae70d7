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

enum {
    BLOCK_MAX_INSNS = 32,
    BLOCK_SHELF_BITS = 12,
    BLOCK_MAX_SHELVED = 6, /* at one address and mode */
    BLOCK_HASH_BITS = 18,
    BLOCK_WARM_AGAIN = 2,        /* entries, if it had a translation when the cache was emptied */
    BLOCK_ARENA_SIZE = 64 << 20, /* bytes, committed as used */
};

#define BLOCK_DEAD UINT64_MAX

/* In checks, beside attributes of rows: a debugger's breakpoint may be at the block's first
 * instruction. */
enum { BLOCK_MARKED = 1 << 15 };

struct block;

/* Membership in the list of blocks that have bytes in one physical page. */
struct block_in_page {
    struct block *block;
    struct block_in_page *next;
};

struct block {
    uint64_t key; /* block_key, or BLOCK_DEAD */
    struct block *next_in_hash;
    struct block *successor[2]; /* where control went last: 0 jumped, 1 fell through; a hint */
    struct block_in_page in_page[2];
    uint32_t second_physical; /* crosses_page: address of the first byte in the second page */
    uint16_t bytes;           /* length of the instructions */
    uint8_t count;            /* of instructions */
    bool crosses_page;
    bool is_kept;    /* block_cache_keep */
    uint16_t checks; /* A_PROT, A_FPU, A_MMX, A_SSE of its rows, BLOCK_MARKED: looked at on entry */
    uint16_t heat;   /* how often it was entered, for the translator; stops at its threshold */
    uint16_t warm;   /* the translator's: its threshold; 0: the usual one. From what was at its
                        address before */
    void *translation;  /* the translator's; NULL: none */
    void *superblocks;  /* the translator's; NULL: it is not part of any */
    uint64_t shelf_key; /* of a shelved block */
    /* By instruction, a bit each: its immediate, or displacement, was patched; and the translation
     * looks at it, instead of knowing it. */
    uint32_t patched_immediates, patched_displacements;
    uint32_t live_immediates, live_displacements;
    struct insn insns[];
};

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

/* A block as its distance from the first possible one, a multiple of 8 below BLOCK_ARENA_SIZE. */
uint32_t block_cache_offset(const struct block_cache *cache, const struct block *block);
struct block *block_cache_at(const struct block_cache *cache, uint32_t offset);

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
/* The block's translation does not fit any more, nor those of superblocks that it is part of. */
void block_cache_drop_translation(struct block_cache *cache, struct block *block);

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
