/* See jit/jump_cache.h. */
#include "jit/jump_cache.h"

void jump_cache_clear(struct cpu *cpu)
{
    for (unsigned i = 0; i < JUMP_CACHE_SIZE; i++)
        cpu->jump_cache[i] = (struct jump_cache_entry){UINT64_MAX, NULL};
}

static void set_key(struct cpu *cpu)
{
    uint64_t mode = cpu->code_mode | (cpu->mmu->is_user ? 1u << (JUMP_KEY_MODE_BITS - 1) : 0);
    uint64_t generation = cpu->frame.jump_generation;
    cpu->frame.jump_key = (generation << JUMP_KEY_MODE_BITS | mode) << 32;
}

void jump_key_new_generation(struct cpu *cpu)
{
    if (++cpu->frame.jump_generation == JUMP_KEY_GENERATIONS - 1) {
        cpu->frame.jump_generation = 0;
        jump_cache_clear(cpu);
    }
    set_key(cpu);
}

void jump_key_update(struct cpu *cpu)
{
    uint32_t base = cpu->seg[SEG_CS].base;
    if (cpu->frame.mappings_seen != cpu->mmu->mapping_changes || cpu->frame.base_seen != base) {
        cpu->frame.mappings_seen = cpu->mmu->mapping_changes;
        cpu->frame.base_seen = base;
        jump_key_new_generation(cpu);
    } else {
        set_key(cpu);
    }
}
