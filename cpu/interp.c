/* The interpreter's loop.
 *
 * run_blocks goes from block to block: it finds the block at CS:EIP (through the TLB and the last
 * block's successors, so usually without a search), and calls the instructions' functions one after
 * the other. It returns to cpu_run when something wants attention, the budget is used up, or a
 * fault was delivered.
 *
 * What is rare is done on a block of a single instruction, the scratch block, which is made anew
 * each time: code that must not be cached (MMIO), an instruction at the edge of the CS limit, one
 * that a mode forbids. */
#include "cpu/interp.h"

#include "base/memory.h"
#include "cpu/block_cache.h"
#include "cpu/debug.h"
#include "cpu/decode.h"
#include "cpu/fault.h"

struct interp {
    struct cpu *cpu;
    struct physmem *phys;
    struct decoder *decoder;
    struct block_cache *cache;
    struct block *scratch; /* one instruction, key BLOCK_DEAD */
};

enum { CHECKED_ATTRIBUTES = A_PROT | A_FPU | A_MMX | A_SSE };

/* --- what the mode forbids --- */

/* SDM 3A table 13-1 (x87, MMX, SSE); SDM 2 (#UD in real-address and virtual-8086 mode). */
static enum exec_result check_units(struct cpu *cpu, unsigned attributes)
{
    if (attributes & A_PROT && (!(cpu->cr0 & CR0_PE) || cpu->eflags & FLAG_VM))
        return fault_ud(cpu);
    if (attributes & (A_MMX | A_SSE) && cpu->cr0 & CR0_EM)
        return fault_ud(cpu);
    if (attributes & A_SSE && !(cpu->cr4 & CR4_OSFXSR))
        return fault_ud(cpu);
    if (attributes & A_FPU && cpu->cr0 & (CR0_EM | CR0_TS))
        return fault_raise(cpu, VECTOR_NM);
    if (attributes & (A_MMX | A_SSE) && cpu->cr0 & CR0_TS)
        return fault_raise(cpu, VECTOR_NM);
    return EXEC_OK;
}

static enum exec_result raise_undefined(struct cpu *cpu, const struct insn *insn)
{
    return fault_ud(cpu);
}

static enum exec_result raise_too_long(struct cpu *cpu, const struct insn *insn)
{
    return fault_gp(cpu, 0);
}

/* --- fetching and decoding --- */

static bool code_is_32(const struct cpu *cpu)
{
    return cpu->seg[SEG_CS].access & SEGMENT_BIG;
}

/* The highest offset that an instruction byte may have. */
static uint32_t code_limit(const struct cpu *cpu)
{
    uint32_t limit = cpu->seg[SEG_CS].limit;
    return code_is_32(cpu) || limit < 0xFFFF ? limit : 0xFFFF;
}

/* Decodes at bytes and turns what cannot be decoded into an instruction that raises the fault.
 * False: more bytes are needed. */
static bool decode_or_raise(const struct interp *interp, const uint8_t *bytes, unsigned available,
                            struct insn *insn)
{
    switch (decode_insn(interp->decoder, bytes, available, code_is_32(interp->cpu), insn)) {
    case DECODE_OK:
        return true;
    case DECODE_UNDEFINED:
        insn->exec = raise_undefined;
        return true;
    case DECODE_TOO_LONG:
        insn->exec = raise_too_long;
        return true;
    case DECODE_SHORT:
        return false;
    }
    return false;
}

static unsigned insn_attributes(const struct insn *insn)
{
    return insn->row == INSN_ROW_NONE ? A_END : insn_row(insn->row)->attributes;
}

static void block_begin(struct block *block, uint64_t key)
{
    block->key = key;
    block->successor[0] = block->successor[1] = block;
    block->bytes = 0;
    block->count = 0;
    block->crosses_page = false;
    block->checks = 0;
}

/* Appends the instruction that was decoded in place; returns whether the block may go on. */
static bool block_append(struct block *block)
{
    struct insn *insn = &block->insns[block->count];
    unsigned attributes = insn_attributes(insn);
    insn->offset = block->bytes;
    block->bytes += insn->length;
    block->count++;
    block->checks |= attributes & CHECKED_ATTRIBUTES;
    return !(attributes & A_END) && !(insn->flags & INSN_JUMP) && block->count < BLOCK_MAX_INSNS;
}

/* Bytes of one instruction as the processor fetches them, across a page boundary. */
struct fetched {
    uint8_t bytes[INSN_MAX_LENGTH];
    unsigned available;
    unsigned first_size;  /* bytes before the page boundary, if crosses */
    uint32_t physical[2]; /* of the first byte in each page */
    bool cacheable, crosses;
};

/* Fetches at least one byte more. */
static enum exec_result fetch_more(struct interp *interp, struct fetched *fetched)
{
    struct cpu *cpu = interp->cpu;
    uint64_t offset = (uint64_t)cpu->eip + fetched->available;
    if (offset > code_limit(cpu))
        return fault_gp(cpu, 0);
    uint32_t linear = cpu->seg[SEG_CS].base + (uint32_t)offset, physical;
    const uint8_t *host;
    if (!mmu_fetch_page(cpu->mmu, linear, &host, &physical))
        return fault_page(cpu);
    if (fetched->available == 0)
        fetched->physical[0] = physical;
    else if (!(linear & PAGE_MASK)) {
        fetched->crosses = true;
        fetched->first_size = fetched->available;
        fetched->physical[1] = physical;
    }
    fetched->cacheable &= host != NULL;
    uint8_t *to = fetched->bytes + fetched->available;
    if (!host) {
        fetched->available++;
        return mmu_fetch_byte(cpu->mmu, linear, to) ? EXEC_OK : fault_page(cpu);
    }
    uint64_t size = PAGE_SIZE - (linear & PAGE_MASK);
    if (size > code_limit(cpu) - offset + 1)
        size = code_limit(cpu) - offset + 1;
    if (size > INSN_MAX_LENGTH - fetched->available)
        size = INSN_MAX_LENGTH - fetched->available;
    memcpy(to, host, size);
    fetched->available += (unsigned)size;
    return EXEC_OK;
}

/* Room for a new block. It may have emptied the cache: nothing may point to old blocks. */
static struct block *reserve_block(struct interp *interp)
{
    struct block *block = block_cache_reserve(interp->cache);
    interp->scratch->successor[0] = interp->scratch->successor[1] = interp->scratch;
    return block;
}

/* Makes the instruction at CS:EIP, byte by byte with all checks, a block: a cached one if it
 * crosses two plain pages, else the scratch block. NULL: cpu->fault. */
static struct block *fetch_single(struct interp *interp)
{
    struct block *block = interp->scratch;
    struct fetched fetched = {.cacheable = true};
    block_begin(block, BLOCK_DEAD);
    do {
        if (fetch_more(interp, &fetched))
            return NULL;
    } while (!decode_or_raise(interp, fetched.bytes, fetched.available, &block->insns[0]));
    block_append(block);
    if (!fetched.cacheable || !fetched.crosses || block->bytes <= fetched.first_size)
        return block;

    uint64_t key = block_key(fetched.physical[0], code_is_32(interp->cpu));
    struct block *stale = block_cache_find(interp->cache, key);
    if (stale)
        block_cache_remove(interp->cache, stale);
    struct block *cached = reserve_block(interp);
    block_begin(cached, key);
    cached->insns[0] = block->insns[0];
    block_append(cached);
    cached->crosses_page = true;
    cached->second_physical = fetched.physical[1];
    block_cache_add(interp->cache, cached);
    return cached;
}

/* Decodes a block from the page at host. NULL: not even one instruction ends in the page and within
 * the limit. */
static struct block *build_block(struct interp *interp, const uint8_t *host, uint32_t physical)
{
    struct cpu *cpu = interp->cpu;
    struct block *block = reserve_block(interp);
    uint32_t available = PAGE_SIZE - (physical & PAGE_MASK);
    if (available - 1 > code_limit(cpu) - cpu->eip)
        available = code_limit(cpu) - cpu->eip + 1;
    block_begin(block, block_key(physical, code_is_32(cpu)));
    while (decode_or_raise(interp, host + block->bytes, available - block->bytes,
                           &block->insns[block->count]))
        if (!block_append(block))
            break;
    if (block->count == 0)
        return NULL;
    block_cache_add(interp->cache, block);
    return block;
}

/* --- entering a block --- */

/* Whether the second page of a page-crossing instruction is where it was. */
static bool second_page_matches(struct cpu *cpu, const struct block *block)
{
    uint32_t linear = cpu->seg[SEG_CS].base + cpu->eip;
    uint32_t second = (linear | PAGE_MASK) + 1;
    const struct tlb_entry *entry = mmu_slot(cpu->mmu, second);
    return entry->tag[MMU_EXECUTE] == second && entry->physical == block->second_physical;
}

/* Whether block, found by its key, may run as it is. */
static inline bool block_fits(struct cpu *cpu, const struct block *block)
{
    if (UNLIKELY((uint64_t)cpu->eip + block->bytes - 1 > code_limit(cpu)))
        return false;
    if (LIKELY(!block->crosses_page && !block->checks))
        return true;
    if (block->crosses_page && !second_page_matches(cpu, block))
        return false;
    return check_units(cpu, block->checks) == EXEC_OK;
}

/* The long way to the block at CS:EIP, with every check. NULL: cpu->fault. */
static struct block *find_or_build(struct interp *interp)
{
    struct cpu *cpu = interp->cpu;
    const uint8_t *host;
    uint32_t physical;
    if (cpu->eip > code_limit(cpu)) {
        (void)!fault_gp(cpu, 0);
        return NULL;
    }
    if (!mmu_fetch_page(cpu->mmu, cpu->seg[SEG_CS].base + cpu->eip, &host, &physical)) {
        (void)!fault_page(cpu);
        return NULL;
    }
    struct block *block = NULL;
    if (host) {
        block = block_cache_find(interp->cache, block_key(physical, code_is_32(cpu)));
        if (!block)
            block = build_block(interp, host, physical);
        if (block && block_fits(cpu, block))
            return block;
    }
    block = fetch_single(interp);
    if (!block || check_units(cpu, block->checks))
        return NULL;
    return block;
}

/* The block at CS:EIP; previous ran before it. NULL: cpu->fault. */
static inline struct block *enter_block(struct interp *interp, struct cpu *cpu,
                                        struct block *previous)
{
    uint32_t linear = cpu->seg[SEG_CS].base + cpu->eip;
    const struct tlb_entry *entry = mmu_slot(cpu->mmu, linear);
    if (UNLIKELY(entry->tag[MMU_EXECUTE] != (linear & ~(uint32_t)PAGE_MASK)))
        return find_or_build(interp);
    uint64_t key = block_key(entry->physical | (linear & PAGE_MASK), code_is_32(cpu));
    struct block *block = previous->successor[0];
    if (UNLIKELY(block->key != key)) {
        block = previous->successor[1];
        if (block->key != key) {
            block = block_cache_find(interp->cache, key);
            if (!block)
                return find_or_build(interp);
        }
        previous->successor[1] = previous->successor[0];
        previous->successor[0] = block;
    }
    return LIKELY(block_fits(cpu, block)) ? block : find_or_build(interp);
}

/* --- running --- */

/* At the boundary where cpu->fault happened; nothing of a block is in flight. */
static void deliver(struct cpu *cpu)
{
    if (cpu->icount == cpu->fault_icount)
        cpu->icount++;
    cpu->fault_icount = cpu->icount;
    cpu_deliver_fault(cpu);
}

/* The current instruction faulted: the ones before it in the block have retired. */
static void leave_by_fault(struct cpu *cpu)
{
    cpu->icount += (uint64_t)(cpu->current - cpu->block_first);
    cpu->eip = cpu_insn_eip(cpu);
    cpu->block_first = cpu->current;
    deliver(cpu);
}

/* The current instruction has retired, and control leaves the block. */
static inline void leave(struct cpu *cpu)
{
    const struct insn *last = cpu->current;
    cpu->icount += (uint64_t)(last + 1 - cpu->block_first);
    if (!(last->flags & INSN_JUMP))
        cpu->eip = cpu_next_eip(cpu);
    cpu->block_first = last;
}

static void run_blocks(struct interp *interp, struct cpu *cpu)
{
    struct block *block = interp->scratch;
    do {
        block = enter_block(interp, cpu, block);
        if (UNLIKELY(!block)) {
            deliver(cpu);
            return;
        }
        const struct insn *insn = block->insns;
        uint64_t left = cpu->icount_limit - cpu->icount;
        const struct insn *end = insn + (LIKELY(left > block->count) ? block->count : left);
        cpu->block_first = insn;
        do {
            cpu->current = insn;
            if (UNLIKELY(insn->exec(cpu, insn) != EXEC_OK)) {
                leave_by_fault(cpu);
                return;
            }
            insn++;
        } while (insn != end && LIKELY(!cpu->attention));
        leave(cpu);
    } while (LIKELY(!cpu->attention) && LIKELY(cpu->icount < cpu->icount_limit));
}

/* One instruction, with what the processor looks at before and after each. */
static void step_insn(struct interp *interp, struct cpu *cpu)
{
    if (cpu->tracing && cpu->host.trace)
        cpu->host.trace(cpu->host.opaque);
    bool is_stepping = cpu->step != 0;
    if (is_stepping && debug_check_fetch(cpu)) {
        deliver(cpu);
        return;
    }
    struct block *block = enter_block(interp, cpu, interp->scratch);
    if (!block) {
        deliver(cpu);
        return;
    }
    cpu->current = cpu->block_first = block->insns;
    if (cpu->current->exec(cpu, cpu->current) != EXEC_OK) {
        leave_by_fault(cpu);
        return;
    }
    leave(cpu);
    if (is_stepping)
        debug_after_insn(cpu);
}

void cpu_run(struct cpu *cpu, uint64_t limit)
{
    cpu->icount_limit = limit;
    while (cpu->icount < limit && cpu->activity == CPU_RUNNING) {
        cpu->attention &= ~(uint32_t)ATTENTION_MODE;
        if (cpu->attention)
            return;
        if (cpu->step || cpu->tracing)
            step_insn(cpu->interp, cpu);
        else
            run_blocks(cpu->interp, cpu);
    }
}

uint64_t cpu_icount(const struct cpu *cpu)
{
    return cpu->icount + (uint64_t)(cpu->current - cpu->block_first);
}

/* --- code watching --- */

static void code_written(void *opaque, uint32_t address, uint32_t size)
{
    struct interp *interp = opaque;
    if (block_cache_invalidate(interp->cache, address, size))
        interp->cpu->attention |= ATTENTION_MODE;
}

static void map_changed(void *opaque)
{
    struct interp *interp = opaque;
    block_cache_empty(interp->cache);
    interp->cpu->attention |= ATTENTION_MODE;
}

struct interp *interp_new(struct cpu *cpu, struct physmem *phys)
{
    struct interp *interp = mem_new(sizeof *interp);
    interp->cpu = cpu;
    interp->phys = phys;
    interp->decoder = decoder_new(cpu->model);
    interp->cache = block_cache_new(phys);
    interp->scratch = mem_new(sizeof(struct block) + sizeof(struct insn));
    block_begin(interp->scratch, BLOCK_DEAD);
    cpu->current = cpu->block_first = interp->scratch->insns;
    physmem_set_watcher(phys, &(struct code_watcher){code_written, map_changed, interp});
    return interp;
}

void interp_free(struct interp *interp)
{
    if (!interp)
        return;
    physmem_set_watcher(interp->phys, &(struct code_watcher){0});
    decoder_free(interp->decoder);
    block_cache_free(interp->cache);
    mem_free(interp->scratch);
    mem_free(interp);
}

void interp_flush(struct interp *interp)
{
    block_cache_empty(interp->cache);
    interp->cpu->attention |= ATTENTION_MODE;
}
