/* Where translated code begins, by physical address and mode; read by the lookup thunk. A slot
 * holds the last block that hashed to it. */
#ifndef JIT_CODE_MAP_H
#define JIT_CODE_MAP_H

#include "cpu/block_cache.h"

enum { CODE_MAP_BITS = 18, CODE_MAP_SIZE = 1 << CODE_MAP_BITS };

/* Code lies in clusters, some of them at the same place of their pages: all bits of the address
 * shall count. */
#define CODE_MAP_FACTOR 0x9E3779B1u

struct code_map_slot {
    uint64_t key;        /* block_key, or BLOCK_DEAD */
    const uint8_t *code; /* as run */
};
_Static_assert(sizeof(struct code_map_slot) == 16, "the thunk shifts by 4");

static inline struct code_map_slot *code_map_slot(struct code_map_slot *map, uint64_t key)
{
    return &map[(uint32_t)key * CODE_MAP_FACTOR >> (32 - CODE_MAP_BITS)];
}

#endif
