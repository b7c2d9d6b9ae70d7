/* A translated block or superblock (jit/superblock.h), and how they lead to each other.
 *
 * A block ends in at most two edges; a superblock has one more for each branch that may leave it
 * before its end. An edge that is not linked leaves to the engine, which finds
 * the next block and links them. Within a page that holds whatever happens to the TLB. An edge to
 * another page has a guard: the TLB must have the page of EIP as executable, at the target's
 * physical address; where it has not, the jump is looked up. A linked edge is known to its target,
 * so that it can be unlinked when the target goes.
 *
 * Edges of the first kind jump to the target's entry. Those of the second kind have flags that are
 * not at home: they subtract the target's instructions from the budget themselves, and go to its
 * body, if it overwrites the flags before anybody can see them; otherwise, and when the budget is
 * used up, to the cold part, which stores the flags.
 *
 * A target that begins with a memory access shows the flags, though only if that access takes the
 * slow path. Loops are often like that. It gets a variant for such an edge: the same block,
 * translated for being entered with the flags in the edge's recipe. */
#ifndef JIT_TRANSLATION_H
#define JIT_TRANSLATION_H

#include "jit/flags.h"

struct translation;
struct thunks; /* jit/thunks.h */

struct edge {
    struct translation *from, *to; /* to NULL: not linked */
    struct edge *next_incoming;    /* of to */
    uint8_t *jump;                 /* the jump's offset */
    uint8_t *count;    /* second kind: the immediate that is taken from the budget, which then must
                          not be negative; else NULL */
    uint8_t *cold;     /* second kind: the cold part, which has the flags in the host, and exit */
    uint8_t *exit;     /* leaves to the engine; second kind: or jumps to the target's entry. Both
                          store the flags */
    uint8_t *guard;    /* to another page: what the guard expects in the TLB's code; else NULL */
    uint8_t *miss;     /* the same: the offset of the jump that is taken when it fails */
    uint8_t *missed;   /* the same, second kind: where it leads; stores the flags, and looks up */
    uint32_t distance; /* of the target from the block's EIP */
    uint8_t place;     /* enum flags_place, at exit */
    uint8_t left;      /* second kind: instructions of from that do not run, given back by count */
    struct flag_state flags; /* second kind: where they are */
};

enum { TRANSLATION_REDIRECT = 5 }; /* bytes of a jump */

enum { MAX_EDGES = 10 }; /* of a translation */

struct translation {
    const struct thunks *thunks;
    struct block *block; /* that is found at its address */
    const struct block
        *source;           /* what was translated: block, or a superblock that begins with it */
    uint8_t *entry, *body; /* as written, not as run */
    uint8_t *cold;         /* the cold part, the same */
    uint32_t size;         /* of the host code without the cold part, in bytes */
    uint32_t cold_size;
    uint32_t room, cold_room; /* what there is for them; more if the code before them was longer */
    uint32_t first_edge;      /* index of edges[0] of all edges */
    uint16_t count;           /* guest instructions */
    uint8_t edge_count;
    uint8_t edge_room;  /* edges that there can be */
    uint8_t part_count; /* 0: it is no superblock */
    bool kills_flags;
    bool is_variant;   /* entered at body only, with the flags as in begin */
    bool probes_alone; /* without runs of accesses (jit/groups.c): where a run has failed */
    uint64_t born;     /* icount */
    /* By instruction, a bit each: its immediate, or displacement, is looked at, not known. */
    uint32_t live_immediates, live_displacements;
    uint8_t first_bytes[TRANSLATION_REDIRECT]; /* of a redirected entry */
    struct flag_state begin;
    struct translation *variants; /* of a block's translation */
    struct translation *next_variant;
    struct edge *edges;
    struct edge *incoming;
    struct superblock_part *parts; /* of a superblock, without its first block */
};

/* Names an edge for frame.payload. */
static inline uint32_t translation_edge_id(const struct translation *translation, unsigned edge)
{
    return translation->first_edge + edge;
}

/* Code for edge->exit that leaves to the engine. */
void edge_emit_exit(struct x64 *as, const struct edge *edge);
void edge_link(struct edge *edge, struct translation *target);
/* Makes an edge that is linked to nothing lead to the engine. */
void edge_lead_out(struct edge *edge);
void edge_unlink(struct edge *edge);
/* Whether a variant of the target, the beginning of a loop, could take over the edge's flags as
 * they are. */
bool edge_can_carry(const struct edge *edge, const struct translation *target);
/* Unlinks all edges from and to it and its variants. */
void translation_isolate(struct translation *translation);
/* From now on, what enters it goes to look_up: the jump cache still leads here. The block may be
 * running, behind its entry. What enters a variant without runs goes to leave: what is looked up
 * may lead here again. */
void translation_redirect(struct translation *translation, const uint8_t *look_up,
                          const uint8_t *leave);
/* It may be entered again. */
void translation_restore(struct translation *translation);

#endif
