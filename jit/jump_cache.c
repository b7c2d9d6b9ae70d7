/* See jit/jump_cache.h. */
#include "jit/jump_cache.h"

void jump_cache_clear(struct cpu *cpu)
{
    for (unsigned i = 0; i < JUMP_CACHE_SIZE; i++)
        cpu->jump_cache[i] = (struct jump_cache_entry){UINT64_MAX, NULL};
}

static void set_key(struct cpu *cpu)
{
    uint64_t mode = (uint64_t)cpu->code_mode << 32 | (uint64_t)cpu->mmu->is_user << JUMP_KEY_USER;
    uint64_t generation = cpu->frame.jump_generation;
    cpu->frame.jump_key = generation << (32 + JUMP_KEY_MODE_BITS) | mode;
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

void jump_cache_note_alone(struct cpu *cpu, const uint8_t *code)
{
    jump_key_update(cpu);
    uint64_t key = cpu->frame.jump_key | cpu->eip | 1ull << JUMP_KEY_ALONE;
    unsigned index = (cpu->eip & (JUMP_CACHE_SIZE - 1)) ^ JUMP_CACHE_ALONE;
    cpu->jump_cache[index] = (struct jump_cache_entry){key, code};
}
