/* The run loop: finds blocks, has those translated that are warm, enters them, and has linked what
 * led from one to the next. */
#include "base/memory.h"
#include "cpu/interp.h"
#include "cpu/system.h"
#include "jit/emit.h"
#include "jit/exec.h"
#include "jit/jit_private.h"
#include "jit/jump_cache.h"
#include "jit/units.h"

enum {
    DEFAULT_WARM = 16,
    DEFAULT_CACHE = 44 << 20,
    MIN_CACHE = 128 << 10,
    MAX_BUDGET = 1 << 30,
    BYTES_PER_TRANSLATION = 128, /* decides how many there can be */
    EDGES_PER_TRANSLATION = 4,   /* the same, and how many parts of superblocks */
};

/* --- running --- */

/* Usually translation is block's own, with runs of accesses: then it need not be looked at. */
static bool is_known(const struct block *block, const struct translation *translation)
{
    return translation == block->translation && block->code;
}

static const uint8_t *code_of(const struct jit *jit, const struct block *block,
                              const struct translation *translation)
{
    return is_known(block, translation) ? jit->memory.run + block->code
                                        : code_cache_run(&jit->memory, translation->entry);
}

/* Translation is what is entered, of block. */
static void note_code(struct jit *jit, const struct block *block,
                      const struct translation *translation, const uint8_t *code)
{
    if (jit->must_be_alone)
        jump_cache_note_alone(jit->cpu, code);
    jit->must_be_alone = jit->must_note = false;
    if (!is_known(block, translation) && translation->probes_alone)
        return;
    struct code_map_slot *slot = code_map_slot(jit->map, block->key);
    slot->key = block->key;
    slot->code = code;
}

/* The edge that left: its target's count was taken from the budget in vain, or it is not linked
 * yet. Most of those lead to a block that is not warm, and are not looked at. */
static struct edge *left_through(struct jit *jit)
{
    uint32_t *budget = &jit->cpu->frame.budget;
    struct edge *edge = &jit->edges[jit->cpu->frame.payload];
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
    case EXIT_RUN:
        jit->must_be_alone = true;
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
static bool enter(struct jit *jit, const uint8_t *code, struct edge **edge)
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
    uint64_t first = cpu->icount, begin = jit_host_time(jit);
    thunks_enter *way = (thunks_enter *)(uintptr_t)code_cache_run(&jit->memory, jit->thunks.enter);
    enum jit_exit why = way(cpu, code);
    units_leave(cpu);
    jit->stats.exits[why]++;
    jit->stats.ns_inside += jit_host_time(jit) - begin;
    bool is_done = left(jit, why, edge);
    jit->stats.inside += cpu->icount - first;
    return is_done;
}

static bool has_budget(const struct cpu *cpu, const struct translation *translation)
{
    uint64_t left = cpu->icount_limit - cpu->icount;
    return left >= BLOCK_MAX_INSNS || left >= translation->count;
}

/* False: a fault was delivered. */
static bool interpret(struct jit *jit, const struct block *block)
{
    struct jit_stats *stats = &jit->stats;
    enum jit_cold why = jit->must_interpret  ? COLD_UNITS
                        : block->translation ? COLD_BUDGET
                                             : COLD_BLOCK;
    uint64_t first = jit->cpu->icount, begin = jit_host_time(jit);
    jit->must_interpret = jit->must_be_alone = false;
    code_expect_successor(jit->cpu->code, block);
    bool goes_on = interp_run_block(jit->cpu, block);
    stats->cold[why]++;
    stats->interpreted += jit->cpu->icount - first;
    stats->ns_interpreting += jit_host_time(jit) - begin;
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
            jit_reset(jit);
            edge = NULL;
        }
        uint64_t reused = jit->stats.reused;
        struct translation *translation = jit_translation_of(jit, block);
        if (jit->must_reset) { /* block is forgotten, and would not notice that it is overwritten */
            block = cpu->code->scratch;
            continue;
        }
        if (edge && translation && reused == jit->stats.reused) /* the edge is what it was */
            jit_link(jit, edge, translation);
        edge = NULL;
        if (jit->must_be_alone && translation)
            translation = jit_without_runs(jit, translation);
        if (translation && has_budget(cpu, translation) && !jit->must_interpret) {
            const uint8_t *code = code_of(jit, block, translation);
            if (jit->must_note || jit->must_be_alone)
                note_code(jit, block, translation, code);
            if (!enter(jit, code, &edge))
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
    jit->edge_capacity = jit->capacity * EDGES_PER_TRANSLATION;
    jit->translations = mem_map(jit->capacity * sizeof *jit->translations);
    jit->edges = mem_map(jit->edge_capacity * sizeof *jit->edges);
    jit->parts = mem_map(jit->edge_capacity * sizeof *jit->parts);
    jit->translations_ahead = (struct mem_ahead){
        .block = (uint8_t *)jit->translations,
        .size = jit->capacity * sizeof *jit->translations,
    };
    jit->edges_ahead = (struct mem_ahead){
        .block = (uint8_t *)jit->edges,
        .size = jit->edge_capacity * sizeof *jit->edges,
    };
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
    jit_forget_code(jit);
    jump_cache_clear(cpu);
    cpu->frame.code_map = jit->map;
    cpu->frame.code_bits = physmem_code_map(cpu->code->phys);
    cpu->frame.code_pages = physmem_code_pages(cpu->code->phys);
    jit_listen(jit);
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
    mem_unmap(jit->edges, jit->edge_capacity * sizeof *jit->edges);
    mem_unmap(jit->parts, jit->edge_capacity * sizeof *jit->parts);
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
    jit_lift(jit, translation->source, translation->probes_alone);
    struct jit_view view = jit_view_of(jit, translation);
    visit(opaque, &view);
    for (struct translation *v = translation->variants; v; v = v->next_variant) {
        view = jit_view_of(jit, v);
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
