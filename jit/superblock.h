/* Superblocks: blocks that usually run one after the other, translated as one.
 *
 * A superblock begins as its first block does, and goes on where each block's last branch has
 * usually led: behind an unlikely conditional branch, at the target of a likely one, of a jump or
 * of a call. Branches out of its middle are edges of their own. Inside there are no edges, the
 * budget is taken once, and accesses of several blocks are probed together.
 *
 * It is a struct block that nobody finds: its instructions are those of its parts, with their
 * offsets from the first one's address, before or behind it. All parts lie in one page. Where an
 * instruction is not followed by the one behind it, it is a branch that was taken for granted.
 *
 * The parts stay what they are, each with a translation of its own if it is entered from elsewhere.
 * When one of them goes, so does the superblock's translation. */
#ifndef JIT_SUPERBLOCK_H
#define JIT_SUPERBLOCK_H

#include "cpu/block_cache.h"
#include "jit/translation.h"

enum { SUPERBLOCK_MAX_PARTS = MAX_EDGES - 2 };

/* Membership of a block, in the list at its superblocks. */
struct superblock_part {
    struct block *block;
    struct translation *translation;
    struct superblock_part *next;
};

struct superblock_plan {
    struct block *parts[SUPERBLOCK_MAX_PARTS]; /* the first is the one it begins with */
    unsigned count;
    unsigned insns;
};

/* Which blocks follow head, by how often they were entered so far; threshold: head's entries.
 * False: none does for sure. */
bool superblock_find(const struct block_cache *cache, struct block *head, unsigned threshold,
                     struct superblock_plan *plan);
/* The superblock, in cache; NULL: no room. */
const struct block *superblock_make(struct block_cache *cache, const struct superblock_plan *plan);

/* Makes the plan's blocks, but for the first, know that they are part of translation. parts: room
 * for plan->count. */
void superblock_join(const struct superblock_plan *plan, struct translation *translation,
                     struct superblock_part *parts);
/* The blocks forget it. */
void superblock_leave(struct translation *translation);

#endif
