/* See jit/superblock.h. */
#include "jit/superblock.h"

enum {
    LIKELY_FACTOR = 4,  /* times as often as the other way: a branch is taken for granted */
    ENTERED_FACTOR = 2, /* a part was entered at least every second time that the first one was */
};

/* --- where a block leads --- */

enum branch { BRANCH_NONE, BRANCH_CONDITIONAL, BRANCH_ALWAYS };

/* Relative branches of 32-bit code, which have lifts. */
static enum branch branch_of(const struct insn *insn)
{
    if (insn->row == INSN_ROW_NONE || !(insn->flags & INSN_OPERAND32))
        return BRANCH_NONE;
    const struct insn_row *row = insn_row(insn->row);
    bool is_conditional = (row->map == MAP_1 && (row->opcode & 0xF0) == 0x70) ||
                          (row->map == MAP_0F && (row->opcode & 0xF0) == 0x80);
    bool is_unconditional =
        row->map == MAP_1 && row->opcode >= 0xE8 && row->opcode <= 0xEB && row->opcode != 0xEA;
    return is_conditional ? BRANCH_CONDITIONAL : is_unconditional ? BRANCH_ALWAYS : BRANCH_NONE;
}

static bool is_in_page(uint32_t a, uint32_t b)
{
    return !((a ^ b) & ~(uint32_t)PAGE_MASK);
}

/* Code that is patched or rewritten is left alone: it would take the superblock with it. */
static bool is_steady(const struct block *block)
{
    return !block_crosses_page(block) && !(block->checks & BLOCK_MARKED) &&
           !block->patched_immediates && !block->patched_displacements &&
           block->warm <= BLOCK_WARM_AGAIN;
}

static unsigned heat_of(const struct block *block)
{
    return block ? block->heat : 0;
}

static struct block *likelier(struct block *a, struct block *b)
{
    unsigned heat_a = heat_of(a), heat_b = heat_of(b);
    if (heat_a >= heat_b * LIKELY_FACTOR)
        return a;
    return heat_b >= heat_a * LIKELY_FACTOR ? b : NULL;
}

/* Where block, whose key has this mode, usually leads; NULL: not known. */
static struct block *follower(const struct block_cache *cache, const struct block *block)
{
    const struct insn *last = &block->insns[block->count - 1];
    uint32_t begin = block_physical(block), mode = (uint32_t)(block->key >> 32);
    uint32_t next = begin + block->bytes, target = next + last->immediate;
    enum branch branch = branch_of(last);
    if (branch == BRANCH_NONE || !is_in_page(begin, target))
        return NULL;
    struct block *taken = block_cache_find(cache, block_key(target, mode));
    if (branch == BRANCH_ALWAYS)
        return taken;
    if (!is_in_page(begin, next))
        return NULL;
    return likelier(taken, block_cache_find(cache, block_key(next, mode)));
}

static bool has_part(const struct superblock_plan *plan, const struct block *block)
{
    for (unsigned i = 0; i < plan->count; i++)
        if (plan->parts[i] == block)
            return true;
    return false;
}

static bool may_join(const struct superblock_plan *plan, const struct block *block,
                     unsigned threshold)
{
    return block && is_steady(block) && !block->translation && !block->superblocks &&
           (unsigned)block->heat * ENTERED_FACTOR >= threshold &&
           plan->insns + block->count <= BLOCK_MAX_INSNS && !has_part(plan, block);
}

bool superblock_find(const struct block_cache *cache, struct block *head, unsigned threshold,
                     struct superblock_plan *plan)
{
    const uint32_t flat = CODE_32 | STACK_32 | FLAT_CS;
    *plan = (struct superblock_plan){.parts = {head}, .count = 1, .insns = head->count};
    if ((head->key >> 32 & flat) != flat || !is_steady(head))
        return false;
    while (plan->count < SUPERBLOCK_MAX_PARTS) {
        struct block *next = follower(cache, plan->parts[plan->count - 1]);
        if (!may_join(plan, next, threshold))
            break;
        plan->parts[plan->count++] = next;
        plan->insns += next->count;
    }
    return plan->count > 1;
}

/* --- making it --- */

/* To [at, ...) of the superblock's instructions. */
static void copy_part(struct block *to, unsigned at, const struct block *part)
{
    int32_t distance = (int32_t)(block_physical(part) - block_physical(to));
    for (unsigned i = 0; i < part->count; i++) {
        struct insn *insn = &to->insns[at + i];
        *insn = part->insns[i];
        insn->offset = (int16_t)(insn->offset + distance);
    }
    to->bytes += part->bytes;
    to->checks |= part->checks;
}

const struct block *superblock_make(struct block_cache *cache, const struct superblock_plan *plan)
{
    struct block *block = block_cache_keep(cache, plan->insns);
    if (!block)
        return NULL;
    block->key = plan->parts[0]->key;
    for (unsigned i = 0, at = 0; i < plan->count; at += plan->parts[i++]->count)
        copy_part(block, at, plan->parts[i]);
    return block;
}

/* --- membership --- */

void superblock_join(const struct superblock_plan *plan, struct translation *translation,
                     struct superblock_part *parts)
{
    translation->parts = parts;
    translation->part_count = (uint8_t)(plan->count - 1);
    for (unsigned i = 0; i < translation->part_count; i++) {
        struct block *block = plan->parts[i + 1];
        parts[i] = (struct superblock_part){block, translation, block->superblocks};
        block->superblocks = &parts[i];
    }
}

static void leave(struct superblock_part *part)
{
    struct superblock_part *first = part->block->superblocks;
    if (first == part) {
        part->block->superblocks = part->next;
        return;
    }
    while (first->next != part)
        first = first->next;
    first->next = part->next;
}

void superblock_leave(struct translation *translation)
{
    for (unsigned i = 0; i < translation->part_count; i++)
        leave(&translation->parts[i]);
    translation->part_count = 0;
}
