/* Code: from CS:EIP to a block of decoded instructions.
 *
 * A block is a run of instructions within one page, decoded once, and found by physical address and
 * mode. code_enter is the fast way: through the TLB and the last block's successors, so usually
 * without a search. What is rare is a block of a single instruction, the scratch block, which is
 * made anew each time: code that must not be cached (MMIO), an instruction at the edge of the CS
 * limit, one that a mode forbids. */
#ifndef CPU_CODE_H
#define CPU_CODE_H

#include "cpu/block_cache.h"
#include "cpu/insn.h"

struct decoder;

struct code {
    struct cpu *cpu;
    struct physmem *phys;
    struct decoder *decoder;
    struct block_cache *cache;
    struct block *scratch; /* the cache's first block: one instruction, key BLOCK_DEAD */
    unsigned limit;        /* instructions in a block; 0: as many as fit. Less finds mistakes */
};

/* Builds the decoder's tables for the CPU's model. Registers as code watcher of phys. */
struct code *code_new(struct cpu *cpu, struct physmem *phys);
void code_free(struct code *code);

/* Forgets all decoded blocks. Not from within an instruction. */
void code_flush(struct code *code);
/* Forgets those with a byte at this offset in a page. Not from within an instruction. */
void code_forget_place(struct code *code, uint32_t place);

/* Whether the mode permits instructions with these attributes (A_PROT, A_FPU, A_MMX, A_SSE): SDM 3A
 * table 13-1; SDM 2 (#UD in real-address and virtual-8086 mode). With BLOCK_MARKED also whether a
 * debugger's breakpoint lets it run. */
enum exec_result code_check_units(struct cpu *cpu, unsigned attributes) MUST_CHECK;

/* The long way to the block at CS:EIP, with every check. NULL: cpu->fault, or a debugger's
 * breakpoint; interp_deliver knows. */
struct block *code_find(struct code *code);

static inline bool cpu_code_is_32(const struct cpu *cpu)
{
    return cpu->code_mode & CODE_32;
}

/* The highest offset that an instruction byte may have. */
static inline uint32_t cpu_code_limit(const struct cpu *cpu)
{
    uint32_t limit = cpu->seg[SEG_CS].limit;
    return cpu_code_is_32(cpu) || limit < 0xFFFF ? limit : 0xFFFF;
}

/* Whether the second page of a page-crossing instruction is where it was. */
static inline bool code_second_page_matches(struct cpu *cpu, const struct block *block)
{
    uint32_t linear = cpu->seg[SEG_CS].base + cpu->eip;
    uint32_t second = (linear | PAGE_MASK) + 1;
    const struct tlb_entry *entry = mmu_slot(cpu->mmu, second);
    return entry->code == (block->second_physical | TLB_CODE);
}

/* Whether block, found by its key, may run as it is. */
static inline bool code_block_fits(struct cpu *cpu, const struct block *block)
{
    if (UNLIKELY((uint64_t)cpu->eip + block->bytes - 1 > cpu_code_limit(cpu)))
        return false;
    if (LIKELY(!block->checks))
        return true;
    if (block_crosses_page(block) && !code_second_page_matches(cpu, block))
        return false;
    /* How code is cut into blocks must not show: a fault of some later instruction is none yet. */
    const struct cpu_fault before = cpu->fault;
    if (code_check_units(cpu, block->checks) == EXEC_OK)
        return true;
    cpu->fault = before;
    return false;
}

/* One of two blocks that ran behind previous, if it has the key. NULL: it has not. */
static inline struct block *code_successor(const struct code *code, const struct block *previous,
                                           unsigned which, uint64_t key)
{
    uint32_t successor = previous->successor[which];
    if (((uint32_t)key ^ successor) & PAGE_MASK)
        return NULL;
    struct block *block = block_successor_at(code->scratch, successor);
    return block->key == key ? block : NULL;
}

/* While block runs, the one that ran behind it last may come into the host's cache. */
static inline void code_expect_successor(const struct code *code, const struct block *block)
{
    const struct block *next = block_successor_at(code->scratch, block->successor[0]);
    __builtin_prefetch(next);
    __builtin_prefetch(next->insns);
}

/* The block at CS:EIP; previous (any block, code->scratch at first) ran before it. NULL:
 * as code_find. */
static inline struct block *code_enter(struct code *code, struct cpu *cpu, struct block *previous)
{
    uint32_t linear = cpu->seg[SEG_CS].base + cpu->eip;
    const struct tlb_entry *entry = mmu_slot(cpu->mmu, linear);
    if (UNLIKELY(!entry->code))
        return code_find(code);
    uint64_t key = block_key(entry->physical | (linear & PAGE_MASK), cpu->code_mode);
    struct block *block = code_successor(code, previous, 0, key);
    if (UNLIKELY(!block)) {
        block = code_successor(code, previous, 1, key);
        if (!block) {
            block = block_cache_find(code->cache, key);
            if (!block)
                return code_find(code);
        }
        previous->successor[1] = previous->successor[0];
        previous->successor[0] = block_as_successor(code->scratch, block);
    }
    return LIKELY(code_block_fits(cpu, block)) ? block : code_find(code);
}

#endif
