/* The run loop: finds blocks, translates those that are warm, enters them, and links what led from
 * one to the next. */
#include "jit/jit.h"

#include "base/memory.h"
#include "cpu/interp.h"
#include "cpu/system.h"
#include "jit/code_cache.h"
#include "jit/code_holes.h"
#include "jit/code_map.h"
#include "jit/emit.h"
#include "jit/exec.h"
#include "jit/jump_cache.h"
#include "jit/lift.h"
#include "jit/stats.h"
#include "jit/thunks.h"
#include "jit/units.h"

enum {
    DEFAULT_WARM = 16,
    DEFAULT_CACHE = 48 << 20,
    MIN_CACHE = 128 << 10,
    MAX_BUDGET = 1 << 30,
    MAX_VARIANTS = 2,            /* of a block */
    BYTES_PER_TRANSLATION = 128, /* decides how many there can be */
    ROOM_FOR_BLOCK = 32 << 10,
    /* After code was overwritten, what is at its address warms up quicker or slower: by whether its
     * translation lived for so many times its length in instructions. */
    WORTHWHILE_LIFE = 64,
    MIN_WARM = 2,
    MAX_WARM = 128,
};

struct jit {
    struct cpu *cpu;
    struct jit_options options;
    struct lifts *lifts;
    struct code_cache memory;
    struct thunks thunks;
    struct translation *translations;
    uint32_t count, capacity;
    bool must_reset;
    struct code_holes holes;
    struct code_map_slot *map;
    struct emitter *emitter;
    struct ir *ir;
    bool must_interpret; /* the next block */
    bool must_note;      /* the next block was not found in the code map */
    struct jit_stats stats;
    struct listener {
        jit_visitor *visit;
        void *opaque;
    } listeners[JIT_LISTENERS];
    unsigned listener_count;
};

/* --- forgetting --- */

static void forget_code(struct jit *jit)
{
    for (unsigned i = 0; i < CODE_MAP_SIZE; i++)
        jit->map[i].key = BLOCK_DEAD;
}

static void on_emptied(void *opaque)
{
    struct jit *jit = opaque;
    jit->must_reset = true;
    jit->holes = (struct code_holes){0};
    forget_code(jit);
    jump_key_new_generation(jit->cpu);
}

static unsigned threshold(const struct jit *jit, const struct block *block)
{
    return block->warm && jit->options.warm > 1 ? block->warm : jit->options.warm;
}

static void learn_from(const struct jit *jit, struct block *block)
{
    const struct translation *translation = block->translation;
    uint64_t life = cpu_icount(jit->cpu) - translation->born;
    unsigned warm = threshold(jit, block);
    unsigned next = life < WORTHWHILE_LIFE * (uint64_t)block->count ? warm * 2 : warm / 2;
    block->warm = (uint8_t)(next < MIN_WARM ? MIN_WARM : next > MAX_WARM ? MAX_WARM : next);
}

static void on_restored(void *opaque, struct block *block)
{
    struct jit *jit = opaque;
    jit->stats.restored++;
    translation_restore(block->translation);
}

static void on_discarded(void *opaque, struct block *block, uint64_t key)
{
    struct jit *jit = opaque;
    code_hole_add(&jit->holes, key, block->translation);
}

static void on_removed(void *opaque, struct block *block)
{
    struct jit *jit = opaque;
    struct translation *translation = block->translation;
    jit->stats.removed++;
    learn_from(jit, block);
    translation_isolate(translation);
    translation_redirect(translation, jit->thunks.lookup);
    struct code_map_slot *slot = code_map_slot(jit->map, block->key);
    if (slot->key == block->key)
        slot->key = BLOCK_DEAD;
}

/* All blocks are gone, with their translations. */
static void reset(struct jit *jit)
{
    jit->must_reset = false;
    code_cache_reset(&jit->memory);
    jit->count = 0;
    jit->stats.resets++;
}

/* --- translating --- */

static bool is_translatable(const struct block *block)
{
    return !block_crosses_page(block) && block->key != BLOCK_DEAD &&
           !(block->checks & BLOCK_MARKED);
}

static void lift(struct jit *jit, const struct block *block)
{
    lift_block(jit->lifts, block, jit->cpu->code_mode, jit->ir);
    if (jit->options.spoil)
        lift_spoil(jit->ir, jit->options.spoil);
    ir_group_addresses(jit->ir, jit->cpu->code_mode);
    ir_find_live_flags(jit->ir);
}

static struct jit_code code_of(const struct jit *jit, const uint8_t *written, size_t size)
{
    return (struct jit_code){written, code_cache_run(&jit->memory, written), size};
}

static struct jit_view view_of(const struct jit *jit, const struct translation *translation)
{
    return (struct jit_view){
        .block = translation->block,
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
    stats->guest_bytes += translation->is_variant ? 0 : translation->block->bytes;
    struct jit_view view = view_of(jit, translation);
    view.begin = jit->emitter->begin;
    for (unsigned i = 0; i < jit->listener_count; i++)
        jit->listeners[i].visit(jit->listeners[i].opaque, &view);
}

static uint64_t host_time(const struct jit *jit)
{
    return jit->options.host_time ? jit->options.host_time() : 0;
}

/* Of block, which is lifted, entered with the flags in begin, to hot and cold. False: no room. */
static bool emit_to(struct jit *jit, struct translation *translation, struct block *block,
                    const struct flag_state *begin, struct x64 hot, struct x64 cold)
{
    struct emitter *e = jit->emitter;
    *translation = (struct translation){
        .block = block,
        .index = (uint32_t)(translation - jit->translations),
        .count = block->count,
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
    translation_redirect(hole, jit->thunks.lookup);
    return NULL;
}

static struct translation *translate_anew(struct jit *jit, struct block *block,
                                          const struct flag_state *begin)
{
    struct code_area *hot = &jit->memory.hot, *cold = &jit->memory.cold;
    struct translation *translation = &jit->translations[jit->count];
    if (!emit_to(jit, translation, block, begin, (struct x64){.at = hot->at, .end = hot->end},
                 (struct x64){.at = cold->at, .end = cold->end}))
        return NULL;
    translation->room = translation->size;
    translation->cold_room = translation->cold_size;
    hot->at = jit->emitter->as.at;
    cold->at = jit->emitter->cold.at;
    code_cache_trim(&jit->memory);
    jit->count++;
    return translation;
}

/* Of block, entered with the flags in begin. NULL: no room. */
static struct translation *translate(struct jit *jit, struct block *block,
                                     const struct flag_state *begin)
{
    lift(jit, block);
    struct translation *translation = translate_again(jit, block, begin);
    if (!translation)
        translation = translate_anew(jit, block, begin);
    if (!translation)
        return NULL;
    translation->born = jit->cpu->icount;
    block->live_immediates = jit->ir->live_immediates;
    block->live_displacements = jit->ir->live_displacements;
    note_translation(jit, translation);
    return translation;
}

static bool is_area_full(const struct code_area *area)
{
    return area->end - area->at < ROOM_FOR_BLOCK;
}

static bool is_full(const struct jit *jit)
{
    return jit->count == jit->capacity || is_area_full(&jit->memory.hot) ||
           is_area_full(&jit->memory.cold);
}

/* So that who enters a block need not look at its translation. */
static void note_entry(struct jit *jit, struct block *block)
{
    const struct translation *translation = block->translation;
    block->code = (uint32_t)(translation->entry - jit->memory.write);
    jit->must_note = true;
}

static const uint8_t *code_of_block(const struct jit *jit, const struct block *block)
{
    return jit->memory.run + block->code;
}

/* The block's translation, made now if it is warm; NULL: interpret it. */
static struct translation *translation_of(struct jit *jit, struct block *block)
{
    if (block->translation)
        return block->translation;
    if (++block->heat < threshold(jit, block) || !is_translatable(block))
        return NULL;
    if (is_full(jit)) {
        block_cache_empty(jit->cpu->code->cache);
        return NULL;
    }
    const struct flag_state home = {.home = true, .carry_home = true};
    uint64_t begin = host_time(jit);
    block->translation = translate(jit, block, &home);
    jit->stats.ns_translating += host_time(jit) - begin;
    if (block->translation)
        note_entry(jit, block);
    return block->translation;
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
    for (struct translation *v = translation->variants; v; v = v->next_variant, count++)
        if (is_same_state(&v->begin, &edge->flags))
            return v;
    if (count == MAX_VARIANTS || is_full(jit))
        return translation;
    struct translation *variant = translate(jit, translation->block, &edge->flags);
    if (!variant)
        return translation;
    variant->next_variant = translation->variants;
    return translation->variants = variant;
}

static void link(struct jit *jit, struct edge *edge, struct translation *target)
{
    if (edge_can_carry(edge, target))
        target = variant_for(jit, target, edge);
    edge_link(edge, target, jit->thunks.jump);
    jit->stats.links++;
}

/* --- running --- */

static void note_code(struct jit *jit, const struct block *block)
{
    struct code_map_slot *slot = code_map_slot(jit->map, block->key);
    slot->key = block->key;
    slot->code = code_of_block(jit, block);
}

/* The edge that left: its target's count was taken from the budget in vain, or it is not linked
 * yet. Most of those lead to a block that is not warm, and are not looked at. */
static struct edge *left_through(struct jit *jit)
{
    uint32_t id = jit->cpu->frame.payload, *budget = &jit->cpu->frame.budget;
    struct edge *edge = &jit->translations[id / 2].edges[id % 2];
    if (*budget <= MAX_BUDGET)
        return jit->options.unlinked ? NULL : edge;
    *budget += edge->to->count;
    return NULL;
}

static void at_boundary(struct jit *jit)
{
    struct cpu *cpu = jit->cpu;
    cpu->icount = cpu->frame.budget_end - cpu->frame.budget;
    cpu->current = cpu->block_first = jit->cpu->code->scratch->insns;
    exec_flags_from_home(cpu);
}

/* False: a fault was delivered. */
static bool left(struct jit *jit, enum jit_exit why, struct edge **edge)
{
    struct cpu *cpu = jit->cpu;
    switch (why) {
    case EXIT_EDGE:
        *edge = left_through(jit);
        at_boundary(jit);
        break;
    case EXIT_INTERPRET:
        jit->must_interpret = true;
        at_boundary(jit);
        break;
    case EXIT_BOUNDARY:
        jit->must_note = true;
        at_boundary(jit);
        break;
    case EXIT_FAULT:
        interp_leave_by_fault(cpu);
        return false;
    case EXIT_CONTINUE:
    case EXIT_DONE:
    case EXIT_COUNT:
        break;
    }
    return true;
}

/* Runs translated code. *edge: an edge to link to the next block, or NULL. False: a fault was
 * delivered. */
static bool enter(struct jit *jit, const struct block *block, struct edge **edge)
{
    struct cpu *cpu = jit->cpu;
    uint64_t budget = cpu->icount_limit - cpu->icount;
    cpu->frame.budget = budget < MAX_BUDGET ? (uint32_t)budget : MAX_BUDGET;
    cpu->frame.budget_end = cpu->icount + cpu->frame.budget;
    cpu->frame.host_mxcsr = MXCSR_DEFAULT;
    cpu->frame.tsc_is_quick =
        cpu_tsc_counts_insns(cpu, &cpu->frame.tsc_end) && !(cpu->cr4 & CR4_TSD);
    cpu->frame.tsc_end += cpu->frame.budget_end;
    if (jit->options.flush)
        mmu_flush_all(cpu->mmu);
    jump_key_update(cpu);
    exec_flags_to_home(cpu);
    jit->stats.entries++;
    uint64_t first = cpu->icount, begin = host_time(jit);
    thunks_enter *code = (thunks_enter *)(uintptr_t)code_cache_run(&jit->memory, jit->thunks.enter);
    enum jit_exit why = code(cpu, code_of_block(jit, block));
    units_leave(cpu);
    jit->stats.exits[why]++;
    jit->stats.ns_inside += host_time(jit) - begin;
    bool is_done = left(jit, why, edge);
    jit->stats.inside += cpu->icount - first;
    return is_done;
}

static bool has_budget(const struct cpu *cpu, const struct block *block)
{
    return cpu->icount_limit - cpu->icount >= block->count;
}

/* False: a fault was delivered. */
static bool interpret(struct jit *jit, const struct block *block)
{
    struct jit_stats *stats = &jit->stats;
    enum jit_cold why = jit->must_interpret  ? COLD_UNITS
                        : block->translation ? COLD_BUDGET
                                             : COLD_BLOCK;
    uint64_t first = jit->cpu->icount, begin = host_time(jit);
    jit->must_interpret = false;
    bool goes_on = interp_run_block(jit->cpu, block);
    stats->cold[why]++;
    stats->interpreted += jit->cpu->icount - first;
    stats->ns_interpreting += host_time(jit) - begin;
    return goes_on;
}

static void run(void *opaque)
{
    struct jit *jit = opaque;
    struct cpu *cpu = jit->cpu;
    struct block *block = cpu->code->scratch;
    struct edge *edge = NULL;
    do {
        block = code_enter(cpu->code, cpu, block);
        if (!block) {
            interp_deliver(cpu);
            return;
        }
        if (jit->must_reset) { /* block is none of those that were forgotten */
            reset(jit);
            edge = NULL;
        }
        uint64_t reused = jit->stats.reused;
        struct translation *translation = translation_of(jit, block);
        if (jit->must_reset) { /* block is forgotten, and would not notice that it is overwritten */
            block = cpu->code->scratch;
            continue;
        }
        if (edge && translation && reused == jit->stats.reused) /* the edge is what it was */
            link(jit, edge, translation);
        edge = NULL;
        if (translation && has_budget(cpu, block) && !jit->must_interpret) {
            if (jit->must_note)
                note_code(jit, block);
            jit->must_note = false;
            if (!enter(jit, block, &edge))
                return;
            block = cpu->code->scratch;
        } else if (!interpret(jit, block)) {
            return;
        }
    } while (!cpu->attention && cpu->icount < cpu->icount_limit);
}

/* --- construction --- */

static bool open_memory(struct jit *jit, struct error *err)
{
    size_t size = jit->options.cache_size < MIN_CACHE ? MIN_CACHE : jit->options.cache_size;
    if (!code_cache_open(&jit->memory, size, err))
        return false;
    struct x64 as = {.at = jit->memory.write, .end = jit->memory.hot.end};
    thunks_emit(&jit->thunks, &as);
    jit->memory.hot.begin = jit->memory.hot.at = as.at;
    jit->capacity = (uint32_t)(size / BYTES_PER_TRANSLATION);
    jit->translations = mem_map(jit->capacity * sizeof *jit->translations);
    return true;
}

struct jit *jit_new(struct cpu *cpu, const struct jit_options *options, struct error *err)
{
    if (!flags_host_is_known()) {
        error_set(err, "the translator does not know this host's processor; use --engine interp");
        return NULL;
    }
    struct jit *jit = mem_new(sizeof *jit);
    jit->cpu = cpu;
    jit->options = *options;
    if (!jit->options.warm)
        jit->options.warm = DEFAULT_WARM;
    if (!jit->options.cache_size)
        jit->options.cache_size = DEFAULT_CACHE;
    if (!open_memory(jit, err)) {
        mem_free(jit);
        return NULL;
    }
    jit->lifts = lifts_new(cpu->model);
    jit->emitter = mem_new(sizeof *jit->emitter);
    jit->ir = mem_new(sizeof *jit->ir);
    jit->map = mem_map(CODE_MAP_SIZE * sizeof *jit->map);
    forget_code(jit);
    jump_cache_clear(cpu);
    cpu->frame.code_map = jit->map;
    cpu->frame.code_bits = physmem_code_map(cpu->code->phys);
    cpu->frame.code_pages = physmem_code_pages(cpu->code->phys);
    block_cache_set_listener(
        cpu->code->cache,
        &(struct block_listener){on_removed, on_restored, on_discarded, on_emptied, jit});
    cpu->engine = (struct cpu_engine){jit, run};
    return jit;
}

void jit_free(struct jit *jit)
{
    if (!jit)
        return;
    jit->cpu->engine = (struct cpu_engine){0};
    block_cache_set_listener(jit->cpu->code->cache, &(struct block_listener){0});
    lifts_free(jit->lifts);
    mem_unmap(jit->translations, jit->capacity * sizeof *jit->translations);
    mem_unmap(jit->map, CODE_MAP_SIZE * sizeof *jit->map);
    mem_free(jit->emitter);
    mem_free(jit->ir);
    code_cache_close(&jit->memory);
    mem_free(jit);
}

/* --- looking at it --- */

bool jit_add_listener(struct jit *jit, jit_visitor *visit, void *opaque)
{
    if (jit->listener_count == JIT_LISTENERS)
        return false;
    jit->listeners[jit->listener_count++] = (struct listener){visit, opaque};
    return true;
}

static struct translation *next_translation(struct jit *jit)
{
    const struct cpu *cpu = jit->cpu;
    uint32_t linear = cpu->seg[SEG_CS].base + cpu->eip, physical;
    if (jit->must_reset || !mmu_peek(cpu->mmu, linear, &physical))
        return NULL;
    struct block *block = block_cache_find(cpu->code->cache, block_key(physical, cpu->code_mode));
    return block ? block->translation : NULL;
}

bool jit_visit_next(struct jit *jit, jit_visitor *visit, void *opaque)
{
    struct translation *translation = next_translation(jit);
    if (!translation)
        return false;
    lift(jit, translation->block);
    struct jit_view view = view_of(jit, translation);
    visit(opaque, &view);
    for (struct translation *v = translation->variants; v; v = v->next_variant) {
        view = view_of(jit, v);
        visit(opaque, &view);
    }
    return true;
}

void jit_start_anew(struct jit *jit)
{
    jit->options.warm = 1;
    code_flush(jit->cpu->code);
}

bool jit_unshare(struct jit *jit, struct error *err)
{
    if (jit->must_reset) /* then there is nothing to copy */
        code_cache_reset(&jit->memory);
    return code_cache_unshare(&jit->memory, err);
}

void jit_print_stats(const struct jit *jit, FILE *stream)
{
    jit_stats_print(&jit->stats, cpu_icount(jit->cpu), jit->cpu->frame.calls, stream);
}
