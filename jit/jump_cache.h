/* Where translated code begins, by EIP: what indirect jumps and returns look
 * into first. An entry holds as long as nothing has changed that the way from EIP to code depends
 * on: mappings, the base of CS, mode,
 * privilege and the code itself. They are one number, the jump key, which is
 * compared with EIP; so a change costs nothing but a new number. */
#ifndef JIT_JUMP_CACHE_H
#define JIT_JUMP_CACHE_H

#include "cpu/cpu.h"

enum {
    JUMP_KEY_MODE_BITS = 8, /* enum code_mode, CPL 3, JUMP_KEY_ALONE */
    JUMP_KEY_USER = 32 + 6, /* bits of the key */
    JUMP_KEY_ALONE = 32 + 7,
    JUMP_CACHE_ALONE = JUMP_CACHE_SIZE / 2, /* is flipped in the index */
    JUMP_KEY_GENERATIONS = 1 << (32 - JUMP_KEY_MODE_BITS),
};
_Static_assert((uint64_t)FLAT_ES << 32 < 1ull << JUMP_KEY_USER,
               "modes must fit below the privilege");

_Static_assert(sizeof(struct jump_cache_entry) == 16, "code multiplies by 16");

/* Forgets all entries. */
void jump_cache_clear(struct cpu *cpu);
/* The block at EIP begins there when its accesses are to be probed one by one (jit/groups.c). */
void jump_cache_note_alone(struct cpu *cpu, const uint8_t *code);
/* Translated code is going: entries that lead to it must not be found. */
void jump_key_new_generation(struct cpu *cpu);
/* To be called after whatever can change mappings, mode or privilege. */
void jump_key_update(struct cpu *cpu);

#endif
