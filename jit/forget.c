/* What happens to translations when the blocks that they are of change or go. */
#include "cpu/code.h"
#include "jit/emit.h"
#include "jit/jit_private.h"
#include "jit/jump_cache.h"

enum {
    /* After code was overwritten, what is at its address warms up quicker or slower: by whether its
     * translation lived for so many times its length in instructions. */
    WORTHWHILE_LIFE = 64,
    MIN_WARM = 2,
    MAX_WARM = 128,
};

void jit_forget_code(struct jit *jit)
{
    for (unsigned i = 0; i < CODE_MAP_SIZE; i++)
        jit->map[i].key = BLOCK_DEAD;
}

static void on_emptied(void *opaque)
{
    struct jit *jit = opaque;
    jit->must_reset = true;
    jit->holes = (struct code_holes){0};
    jit_forget_code(jit);
    jump_key_new_generation(jit->cpu);
}

unsigned jit_threshold(const struct jit *jit, const struct block *block)
{
    return block->warm && jit->options.warm > 1 ? block->warm : jit->options.warm;
}

static void learn_from(const struct jit *jit, struct block *block)
{
    const struct translation *translation = block->translation;
    uint64_t life = cpu_icount(jit->cpu) - translation->born;
    unsigned warm = jit_threshold(jit, block);
    unsigned next = life < WORTHWHILE_LIFE * (uint64_t)block->count ? warm * 2 : warm / 2;
    block->warm = (uint8_t)(next < MIN_WARM ? MIN_WARM : next > MAX_WARM ? MAX_WARM : next);
}

static void retire(struct jit *jit, struct block *block)
{
    struct translation *translation = block->translation;
    translation_isolate(translation);
    translation_redirect(translation, jit->thunks.lookup, jit->thunks.exit_run);
    struct code_map_slot *slot = code_map_slot(jit->map, block->key);
    if (slot->key == block->key)
        slot->key = BLOCK_DEAD;
}

/* The superblock will not be back: its parts may be others then. */
static void retire_superblock(struct jit *jit, struct translation *translation)
{
    struct block *first = translation->block;
    superblock_leave(translation);
    retire(jit, first);
    code_hole_add(&jit->holes, first->key, translation);
    first->translation = NULL;
    first->heat = 0;
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
    struct translation *translation = block->translation;
    if (!translation->probes_alone) /* the jump cache may lead there, as to code without runs */
        code_hole_add(&jit->holes, key, translation);
}

static void on_removed(void *opaque, struct block *block)
{
    struct jit *jit = opaque;
    struct translation *translation = block->translation;
    jit->stats.removed++;
    for (struct superblock_part *part; (part = block->superblocks);)
        retire_superblock(jit, part->translation);
    if (!translation)
        return;
    learn_from(jit, block);
    if (translation->part_count)
        retire_superblock(jit, translation);
    else
        retire(jit, block);
}

static bool on_patched(void *opaque, const struct block *block, uint32_t immediates,
                       uint32_t displacements)
{
    const struct translation *translation = block->translation;
    return !(immediates & ~translation->live_immediates) &&
           !(displacements & ~translation->live_displacements);
}

void jit_reset(struct jit *jit)
{
    jit->must_reset = false;
    code_cache_reset(&jit->memory);
    jit->count = jit->edge_count = jit->part_count = 0;
    jit->stats.resets++;
}

void jit_listen(struct jit *jit)
{
    block_cache_set_listener(jit->cpu->code->cache,
                             &(struct block_listener){on_removed, on_restored, on_discarded,
                                                      on_emptied, on_patched, jit});
}
