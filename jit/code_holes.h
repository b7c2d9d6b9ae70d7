/* Translations whose blocks have been rewritten, by the blocks' key: the next translation with that
 * key goes to the same place if it fits. What may still lead there (the jump cache) means this key,
 * so it is right again then. */
#ifndef JIT_CODE_HOLES_H
#define JIT_CODE_HOLES_H

#include "jit/translation.h"

enum { CODE_HOLES = 256 };

struct code_holes {
    struct code_hole {
        uint64_t key;                    /* block_key */
        struct translation *translation; /* nobody's any more; NULL: none */
    } slots[CODE_HOLES];
};

static inline struct code_hole *code_hole_slot(struct code_holes *holes, uint64_t key)
{
    return &holes->slots[(uint32_t)((key ^ key >> 32) * 0x9E3779B1u) /
                         (UINT32_MAX / CODE_HOLES + 1)];
}

static inline void code_hole_add(struct code_holes *holes, uint64_t key,
                                 struct translation *translation)
{
    *code_hole_slot(holes, key) = (struct code_hole){key, translation};
}

/* Takes it out; NULL: there is none. */
static inline struct translation *code_hole_take(struct code_holes *holes, uint64_t key)
{
    struct code_hole *slot = code_hole_slot(holes, key);
    struct translation *translation = slot->key == key ? slot->translation : NULL;
    if (translation)
        slot->translation = NULL;
    return translation;
}

#endif
