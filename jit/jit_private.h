/* What the files of the translator's engine share: struct jit, and who forgets, translates and
 * links. */
#ifndef JIT_JIT_PRIVATE_H
#define JIT_JIT_PRIVATE_H

#include "base/memory.h"
#include "jit/code_cache.h"
#include "jit/code_holes.h"
#include "jit/code_map.h"
#include "jit/jit.h"
#include "jit/lift.h"
#include "jit/stats.h"
#include "jit/superblock.h"
#include "jit/thunks.h"

struct emitter; /* jit/emit.h */

struct jit {
    struct cpu *cpu;
    struct jit_options options;
    struct lifts *lifts;
    struct code_cache memory;
    struct thunks thunks;
    struct translation *translations;
    uint32_t count, capacity;
    struct edge *edges;
    struct superblock_part *parts; /* room for as many as there may be edges */
    uint32_t edge_count, part_count, edge_capacity;
    struct mem_ahead translations_ahead, edges_ahead;
    bool must_reset;
    struct code_holes holes;
    struct code_map_slot *map;
    struct emitter *emitter;
    struct ir *ir;
    bool must_interpret; /* the next block */
    bool must_be_alone;  /* the next block's translation: without runs */
    bool must_note;      /* the next block was not found in the code map */
    struct jit_stats stats;
    struct listener {
        jit_visitor *visit;
        void *opaque;
    } listeners[JIT_LISTENERS];
    unsigned listener_count;
};

static inline uint64_t jit_host_time(const struct jit *jit)
{
    return jit->options.host_time ? jit->options.host_time() : 0;
}

/* --- jit/forget.c --- */

/* Makes jit hear when blocks go. */
void jit_listen(struct jit *jit);
/* Nothing is found by its address. */
void jit_forget_code(struct jit *jit);
/* All blocks are gone: with their translations, now. */
void jit_reset(struct jit *jit);
/* Entries after which block is translated. */
unsigned jit_threshold(const struct jit *jit, const struct block *block);

/* --- jit/translate.c --- */

/* The block's translation, made now if it is warm; NULL: interpret it. One without runs, if that is
 * asked for and there is no other yet. */
struct translation *jit_translation_of(struct jit *jit, struct block *block);
/* The same without runs of accesses (jit/groups.c). NULL: no room, interpret it. */
struct translation *jit_without_runs(struct jit *jit, struct translation *translation);
/* Makes edge lead to target, or to a variant of it. */
void jit_link(struct jit *jit, struct edge *edge, struct translation *target);
/* Block's operations, to jit->ir; alone: without runs. */
void jit_lift(struct jit *jit, const struct block *block, bool alone);
/* For looking at; what was translated is lifted. */
struct jit_view jit_view_of(const struct jit *jit, const struct translation *translation);

#endif
