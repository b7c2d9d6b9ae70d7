/* Where translated code begins, by EIP: what indirect jumps, returns and jumps to other pages look
 * into first. An entry holds as long as nothing has changed that the way from EIP to code depends
 * on: mappings, the base of CS, mode,
 * privilege and the code itself. They are one number, the jump key, which is
 * compared with EIP; so a change costs nothing but a new number. */
#ifndef JIT_JUMP_CACHE_H
#define JIT_JUMP_CACHE_H

#include "cpu/cpu.h"

enum {
    JUMP_CACHE_SIZE = 1 << 14,
    JUMP_KEY_MODE_BITS = 7, /* enum code_mode, CPL 3 */
    JUMP_KEY_GENERATIONS = 1 << (32 - JUMP_KEY_MODE_BITS),
};
_Static_assert((FLAT_ES << 1) < 1 << JUMP_KEY_MODE_BITS, "modes must fit beside the privilege");

struct jump_cache_entry {
    uint64_t key;        /* cpu->frame.jump_key | EIP; UINT64_MAX: none */
    const uint8_t *code; /* as run */
};
_Static_assert(sizeof(struct jump_cache_entry) == 16, "code shifts by 4");

/* Forgets all entries. */
void jump_cache_clear(struct jump_cache_entry *cache);
/* Translated code is going: entries that lead to it must not be found. */
void jump_key_new_generation(struct cpu *cpu);
/* To be called after whatever can change mappings, mode or privilege. */
void jump_key_update(struct cpu *cpu);

#endif
