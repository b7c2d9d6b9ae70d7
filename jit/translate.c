/* From blocks to translations, and the links between these. */
#include "base/memory.h"
#include "cpu/code.h"
#include "jit/emit.h"
#include "jit/jit_private.h"

enum {
    MAX_VARIANTS = 2, /* of a block */
    ROOM_FOR_BLOCK = 32 << 10,
};

static bool is_translatable(const struct block *block)
{
    const uint32_t mode = (uint32_t)(block->key >> 32), plain = CODE_32 | FLAT_CS;
    return block->key != BLOCK_DEAD && !(block->checks & BLOCK_MARKED) &&
           (!block_crosses_page(block) || (mode & plain) == plain);
}

void jit_lift(struct jit *jit, const struct block *block, bool alone)
{
    lift_block(jit->lifts, block, jit->cpu->code_mode, jit->ir);
    if (jit->options.spoil)
        lift_spoil(jit->ir, jit->options.spoil);
    if (!alone)
        ir_group_addresses(jit->ir, jit->cpu->code_mode);
    ir_find_live_flags(jit->ir);
    ir_fuse(jit->ir);
}

static struct jit_code code_of(const struct jit *jit, const uint8_t *written, size_t size)
{
    return (struct jit_code){written, code_cache_run(&jit->memory, written), size};
}

struct jit_view jit_view_of(const struct jit *jit, const struct translation *translation)
{
    return (struct jit_view){
        .block = translation->source,
        .ir = jit->ir,
        .mode = jit->cpu->code_mode,
        .linear = jit->cpu->seg[SEG_CS].base + jit->cpu->eip,
        .is_variant = translation->is_variant,
        .hot = code_of(jit, translation->entry, translation->size),
        .cold = code_of(jit, translation->cold, translation->cold_size),
    };
}

static void note_translation(struct jit *jit, const struct translation *translation)
{
    struct jit_stats *stats = &jit->stats;
    if (translation->is_variant)
        stats->variants++;
    else
        stats->translated++;
    stats->host_bytes += translation->size + translation->cold_size;
    for (unsigned i = 0; i < CODE_KIND_COUNT; i++)
        stats->code_bytes[i] += jit->emitter->code_bytes[i];
    stats->guest_bytes += translation->is_variant ? 0 : translation->source->bytes;
    struct jit_view view = jit_view_of(jit, translation);
    view.begin = jit->emitter->begin;
    for (unsigned i = 0; i < jit->listener_count; i++)
        jit->listeners[i].visit(jit->listeners[i].opaque, &view);
}

/* Of block, whose source is lifted, entered with the flags in begin, to hot and cold, into the
 * rooms that translation has. False: no room. */
static bool emit_to(struct jit *jit, struct translation *translation, struct block *block,
                    const struct flag_state *begin, struct x64 hot, struct x64 cold)
{
    struct emitter *e = jit->emitter;
    *translation = (struct translation){
        .thunks = &jit->thunks,
        .block = block,
        .source = jit->ir->block,
        .edges = translation->edges,
        .first_edge = (uint32_t)(translation->edges - jit->edges),
        .edge_room = translation->edge_room,
        .count = jit->ir->block->count,
        .begin = *begin,
        .room = translation->room,
        .cold_room = translation->cold_room,
    };
    translation->begin.recipe.slot_insn = BLOCK_MAX_INSNS; /* none of this block's */
    translation->is_variant = !begin->home;
    e->as = hot;
    e->cold = cold;
    e->thunks = &jit->thunks;
    e->cache = jit->cpu->code->cache;
    e->ir = jit->ir;
    e->mode = jit->cpu->code_mode;
    e->translation = translation;
    return emit_block(e);
}

/* To where the translation of an earlier block with the same key was. NULL: it does not fit. */
static struct translation *translate_again(struct jit *jit, struct block *block,
                                           const struct flag_state *begin)
{
    struct translation *hole = begin->home ? code_hole_take(&jit->holes, block->key) : NULL;
    if (!hole)
        return NULL;
    translation_isolate(hole);
    jit->stats.reused++;
    uint8_t *entry = hole->entry, *cold = hole->cold;
    if (emit_to(jit, hole, block, begin, (struct x64){.at = entry, .end = entry + hole->room},
                (struct x64){.at = cold, .end = cold + hole->cold_room}))
        return hole;
    hole->entry = entry;
    translation_redirect(hole, jit->thunks.lookup, jit->thunks.exit_run);
    return NULL;
}

static struct translation *translate_anew(struct jit *jit, struct block *block,
                                          const struct flag_state *begin)
{
    struct code_area *hot = &jit->memory.hot, *cold = &jit->memory.cold;
    struct translation *translation = &jit->translations[jit->count];
    mem_ahead_use(&jit->translations_ahead, (jit->count + 1) * sizeof *translation);
    mem_ahead_use(&jit->edges_ahead, (jit->edge_count + MAX_EDGES) * sizeof *jit->edges);
    code_cache_ahead(&jit->memory);
    translation->edges = &jit->edges[jit->edge_count];
    translation->edge_room = MAX_EDGES;
    if (!emit_to(jit, translation, block, begin, (struct x64){.at = hot->at, .end = hot->end},
                 (struct x64){.at = cold->at, .end = cold->end}))
        return NULL;
    translation->room = translation->size;
    translation->cold_room = translation->cold_size;
    translation->edge_room = translation->edge_count;
    jit->edge_count += translation->edge_count;
    hot->at = jit->emitter->as.at;
    cold->at = jit->emitter->cold.at;
    code_cache_trim(&jit->memory);
    jit->count++;
    return translation;
}

/* Of block, or of source, the superblock that begins with it, entered with the flags in begin.
 * NULL: no room. */
static struct translation *translate(struct jit *jit, struct block *block,
                                     const struct block *source, const struct flag_state *begin,
                                     bool alone)
{
    jit_lift(jit, source, alone);
    struct translation *translation =
        block->translation ? NULL : translate_again(jit, block, begin);
    if (!translation)
        translation = translate_anew(jit, block, begin);
    if (!translation)
        return NULL;
    translation->born = jit->cpu->icount;
    translation->probes_alone = alone;
    translation->live_immediates = source == block ? jit->ir->live_immediates : 0;
    translation->live_displacements = source == block ? jit->ir->live_displacements : 0;
    note_translation(jit, translation);
    return translation;
}

static bool is_area_full(const struct code_area *area)
{
    return area->end - area->at < ROOM_FOR_BLOCK;
}

static bool is_full(const struct jit *jit)
{
    return jit->count == jit->capacity || jit->edge_count + MAX_EDGES > jit->edge_capacity ||
           jit->part_count + SUPERBLOCK_MAX_PARTS > jit->edge_capacity ||
           is_area_full(&jit->memory.hot) || is_area_full(&jit->memory.cold);
}

static struct translation *translate_superblock(struct jit *jit, struct block *block,
                                                const struct flag_state *begin)
{
    struct superblock_plan plan;
    struct block_cache *cache = jit->cpu->code->cache;
    if (jit->options.plain || jit->cpu->code->limit ||
        !superblock_find(cache, block, block->heat, &plan))
        return NULL;
    const struct block *source = superblock_make(cache, &plan);
    struct translation *translation = source ? translate(jit, block, source, begin, false) : NULL;
    if (!translation)
        return NULL;
    superblock_join(&plan, translation, &jit->parts[jit->part_count]);
    jit->part_count += translation->part_count;
    jit->stats.superblocks++;
    return translation;
}

static const struct flag_state flags_at_home = {.home = true, .carry_home = true};

/* So that who enters a block need not look at its translation. */
static void note_entry(struct jit *jit, struct block *block)
{
    const struct translation *translation = block->translation;
    ptrdiff_t code = translation->probes_alone ? 0 : translation->entry - jit->memory.write;
    block->code = (uint32_t)code;
    jit->must_note = true;
}

/* Replaces one without runs, which becomes its variant. */
static struct translation *translate_first(struct jit *jit, struct block *block)
{
    struct translation *before = block->translation, *translation = NULL;
    uint64_t begin = jit_host_time(jit);
    if (!jit->must_be_alone)
        translation = translate_superblock(jit, block, &flags_at_home);
    if (!translation)
        translation = translate(jit, block, block, &flags_at_home, jit->must_be_alone);
    if (translation) {
        translation->variants = before;
        block->translation = translation;
        note_entry(jit, block);
    }
    jit->stats.ns_translating += jit_host_time(jit) - begin;
    return translation;
}

struct translation *jit_translation_of(struct jit *jit, struct block *block)
{
    struct translation *found = block->translation;
    if (found && (jit->must_be_alone || block->code))
        return found;
    if ((!found && ++block->heat < jit_threshold(jit, block)) || !is_translatable(block))
        return NULL;
    if (is_full(jit)) {
        block_cache_empty(jit->cpu->code->cache);
        return NULL;
    }
    return translate_first(jit, block);
}

struct translation *jit_without_runs(struct jit *jit, struct translation *translation)
{
    if (translation->probes_alone)
        return translation;
    for (struct translation *v = translation->variants; v; v = v->next_variant)
        if (v->probes_alone)
            return v;
    struct translation *alone = is_full(jit) ? NULL
                                             : translate(jit, translation->block,
                                                         translation->source, &flags_at_home, true);
    if (!alone)
        return NULL;
    alone->next_variant = translation->variants;
    return translation->variants = alone;
}

static bool is_same_state(const struct flag_state *a, const struct flag_state *b)
{
    return a->carry_home == b->carry_home && a->recipe.code == b->recipe.code &&
           a->recipe.size == b->recipe.size && a->recipe.dst == b->recipe.dst &&
           a->recipe.src == b->recipe.src && a->recipe.imm == b->recipe.imm &&
           a->recipe.moved == b->recipe.moved;
}

/* The variant of translation for being entered through edge; the translation itself if that has
 * too many already. */
static struct translation *variant_for(struct jit *jit, struct translation *translation,
                                       const struct edge *edge)
{
    unsigned count = 0;
    for (struct translation *v = translation->variants; v; v = v->next_variant) {
        if (v->is_variant && is_same_state(&v->begin, &edge->flags))
            return v;
        count += v->is_variant;
    }
    if (count == MAX_VARIANTS || is_full(jit))
        return translation;
    struct translation *variant =
        translate(jit, translation->block, translation->source, &edge->flags, false);
    if (!variant)
        return translation;
    variant->next_variant = translation->variants;
    return translation->variants = variant;
}

void jit_link(struct jit *jit, struct edge *edge, struct translation *target)
{
    if (edge_can_carry(edge, target))
        target = variant_for(jit, target, edge);
    edge_link(edge, target);
    jit->stats.links++;
}
