/* See cpu/code.h. */
#include "cpu/code.h"

#include "base/memory.h"
#include "cpu/decode.h"
#include "cpu/fault.h"
#include "cpu/points.h"
#include "cpu/system.h"

enum { CHECKED_ATTRIBUTES = A_PROT | A_FPU | A_MMX | A_SSE };

/* --- what the mode forbids --- */

enum exec_result code_check_units(struct cpu *cpu, unsigned attributes)
{
    if (attributes & BLOCK_MARKED && cpu->points && points_stop_here(cpu->points))
        return EXEC_FAULT;
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

/* Decodes at bytes and turns what cannot be decoded into an instruction that raises the fault.
 * False: more bytes are needed. */
static bool decode_or_raise(const struct code *code, const uint8_t *bytes, unsigned available,
                            struct insn *insn)
{
    switch (decode_insn(code->decoder, bytes, available, cpu_code_is_32(code->cpu), insn)) {
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

static void block_begin(struct block *block, uint64_t key, bool is_marked)
{
    block->key = key;
    block->successor[0] = block->successor[1] = 0;
    block->bytes = 0;
    block->count = 0;
    block->checks = is_marked ? BLOCK_MARKED : 0;
    block->heat = block->warm = 0;
    block->translation = block->superblocks = NULL;
    block->patched_immediates = block->patched_displacements = 0;
}

/* Appends the instruction that was decoded in place; returns whether the block may go on. */
static bool block_append(struct block *block)
{
    struct insn *insn = &block->insns[block->count];
    unsigned attributes = insn_attributes(insn);
    insn->offset = (int16_t)block->bytes;
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
static enum exec_result fetch_more(struct code *code, struct fetched *fetched)
{
    struct cpu *cpu = code->cpu;
    uint64_t offset = (uint64_t)cpu->eip + fetched->available;
    if (offset > cpu_code_limit(cpu))
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
    if (size > cpu_code_limit(cpu) - offset + 1)
        size = cpu_code_limit(cpu) - offset + 1;
    if (size > INSN_MAX_LENGTH - fetched->available)
        size = INSN_MAX_LENGTH - fetched->available;
    memcpy(to, host, size);
    fetched->available += (unsigned)size;
    return EXEC_OK;
}

/* Room for a new block. It may have emptied the cache: nothing may point to old blocks. */
static struct block *reserve_block(struct code *code)
{
    struct block *block = block_cache_reserve(code->cache);
    code->scratch->successor[0] = code->scratch->successor[1] = 0;
    return block;
}

/* Makes the instruction at CS:EIP, byte by byte with all checks, a block: a cached one if it
 * crosses two plain pages, else the scratch block. NULL: cpu->fault. */
static struct block *fetch_single(struct code *code)
{
    struct block *block = code->scratch;
    struct fetched fetched = {.cacheable = true};
    block_begin(block, BLOCK_DEAD, false); /* code_find has looked for a breakpoint */
    do {
        if (fetch_more(code, &fetched))
            return NULL;
    } while (!decode_or_raise(code, fetched.bytes, fetched.available, &block->insns[0]));
    block_append(block);
    if (!fetched.cacheable || !fetched.crosses || block->bytes <= fetched.first_size)
        return block;

    uint64_t key = block_key(fetched.physical[0], code->cpu->code_mode);
    struct block *known = block_cache_find(code->cache, key);
    if (known && block_crosses_page(known) && known->second_physical == fetched.physical[1])
        return known;
    if (known)
        block_cache_remove(code->cache, known);
    struct block *cached = reserve_block(code);
    block_begin(cached, key, points_cut(code->cpu->points, fetched.physical[0]));
    cached->insns[0] = block->insns[0];
    block_append(cached);
    cached->checks |= BLOCK_CROSSES_PAGE;
    cached->second_physical = fetched.physical[1];
    return block_cache_add(code->cache, cached);
}

/* Decodes a block from the page at host. NULL: not even one instruction ends in the page and within
 * the limit. */
static struct block *build_block(struct code *code, const uint8_t *host, uint32_t physical)
{
    struct cpu *cpu = code->cpu;
    struct block *block = reserve_block(code);
    uint32_t available = PAGE_SIZE - (physical & PAGE_MASK);
    if (available - 1 > cpu_code_limit(cpu) - cpu->eip)
        available = cpu_code_limit(cpu) - cpu->eip + 1;
    block_begin(block, block_key(physical, cpu->code_mode), points_cut(cpu->points, physical));
    while (decode_or_raise(code, host + block->bytes, available - block->bytes,
                           &block->insns[block->count]))
        if (!block_append(block) || block->count == code->limit ||
            points_cut(cpu->points, physical + block->bytes))
            break;
    if (block->count == 0)
        return NULL;
    return block_cache_add(code->cache, block);
}

/* --- entering a block --- */

/* The block there is never cached, so that every arrival is seen. */
static bool is_reset_vector(const struct cpu *cpu, uint32_t physical)
{
    enum { BELOW_1M = 0x000FFFF0u };
    return (physical == BELOW_1M || physical == ~UINT32_C(15)) && !cpu_is_protected(cpu);
}

/* The long way to the block at CS:EIP, with every check. NULL: cpu->fault. */
struct block *code_find(struct code *code)
{
    struct cpu *cpu = code->cpu;
    const uint8_t *host;
    uint32_t physical;
    /* Before anything that the fetch changes. */
    if (UNLIKELY(cpu->points) && points_stop_here(cpu->points))
        return NULL;
    if (cpu->eip > cpu_code_limit(cpu)) {
        (void)!fault_gp(cpu, 0);
        return NULL;
    }
    if (!mmu_fetch_page(cpu->mmu, cpu->seg[SEG_CS].base + cpu->eip, &host, &physical)) {
        (void)!fault_page(cpu);
        return NULL;
    }
    struct block *block = NULL;
    if (UNLIKELY(is_reset_vector(cpu, physical))) {
        host = NULL;
        if (cpu->host.reset_vector)
            cpu->host.reset_vector(cpu->host.opaque);
    }
    if (host) {
        block = block_cache_find(code->cache, block_key(physical, cpu->code_mode));
        if (!block)
            block = build_block(code, host, physical);
        if (block && code_block_fits(cpu, block))
            return block;
    }
    block = fetch_single(code);
    if (!block || code_check_units(cpu, block->checks))
        return NULL;
    return block;
}

/* --- patched instructions --- */

enum { MAX_PATCH = 16 }; /* bytes written, and so instructions, at once */

struct patch {
    struct block *block;
    const uint8_t *bytes; /* of the block, as they are now */
    unsigned first, count;
    struct insn insns[MAX_PATCH];
};

/* Whether the instruction is what it was but for the value of an immediate or displacement. */
static bool decode_patched(const struct code *code, struct patch *patch, const struct insn *old)
{
    struct insn *now = &patch->insns[patch->count++];
    bool is_32 = patch->block->key >> 32 & CODE_32;
    if (decode_insn(code->decoder, patch->bytes + old->offset, patch->block->bytes - old->offset,
                    is_32, now) != DECODE_OK)
        return false;
    struct insn same = *now;
    same.offset = old->offset;
    same.immediate = old->immediate;
    same.displacement = old->displacement;
    return !memcmp(&same, old, sizeof same);
}

/* False: some instruction has become another one. [first, end): written, from the block's begin. */
static bool decode_patch(const struct code *code, struct patch *patch, uint32_t first, uint32_t end)
{
    const struct block *block = patch->block;
    unsigned i = 0;
    while ((uint32_t)block->insns[i].offset + block->insns[i].length <= first)
        i++;
    for (patch->first = i; i < block->count && (uint32_t)block->insns[i].offset < end; i++)
        if (!decode_patched(code, patch, &block->insns[i]))
            return false;
    return true;
}

static void apply_patch(struct code *code, const struct patch *patch)
{
    struct block *block = patch->block;
    uint32_t immediates = 0, displacements = 0;
    for (unsigned i = 0; i < patch->count; i++) {
        struct insn *insn = &block->insns[patch->first + i];
        uint32_t bit = 1u << (patch->first + i);
        if (insn->immediate != patch->insns[i].immediate)
            immediates |= bit;
        if (insn->displacement != patch->insns[i].displacement)
            displacements |= bit;
        insn->immediate = patch->insns[i].immediate;
        insn->displacement = patch->insns[i].displacement;
    }
    if (block_cache_note_patch(code->cache, block, immediates, displacements))
        code->cpu->attention |= ATTENTION_MODE;
}

/* A block_patcher. */
static bool patch_block(void *opaque, struct block *block, uint32_t address, uint32_t size)
{
    struct code *code = opaque;
    uint32_t begin = block_physical(block);
    struct patch patch = {.block = block, .bytes = physmem_ram_at(code->phys, begin)};
    if (block_crosses_page(block) || size > MAX_PATCH || !patch.bytes)
        return false;
    uint32_t first = address > begin ? address - begin : 0;
    if (!decode_patch(code, &patch, first, address + size - begin))
        return false;
    apply_patch(code, &patch);
    return true;
}

/* --- code watching --- */

static void code_written(void *opaque, uint32_t address, uint32_t size)
{
    struct code *code = opaque;
    if (block_cache_invalidate(code->cache, address, size))
        code->cpu->attention |= ATTENTION_MODE;
}

static void map_changed(void *opaque)
{
    struct code *code = opaque;
    block_cache_empty(code->cache);
    code->cpu->attention |= ATTENTION_MODE;
}

struct code *code_new(struct cpu *cpu, struct physmem *phys)
{
    struct code *code = mem_new(sizeof *code);
    code->cpu = cpu;
    code->phys = phys;
    code->decoder = decoder_new(cpu->model);
    code->cache = block_cache_new(phys);
    block_cache_set_patcher(code->cache, patch_block, code);
    code->scratch = block_cache_first(code->cache);
    block_begin(code->scratch, BLOCK_DEAD, false);
    cpu->current = cpu->block_first = code->scratch->insns;
    physmem_set_watcher(phys, &(struct code_watcher){code_written, map_changed, code});
    return code;
}

void code_free(struct code *code)
{
    if (!code)
        return;
    physmem_set_watcher(code->phys, &(struct code_watcher){0});
    decoder_free(code->decoder);
    block_cache_free(code->cache);
    mem_free(code);
}

void code_flush(struct code *code)
{
    block_cache_empty(code->cache);
    code->cpu->attention |= ATTENTION_MODE;
}

void code_forget_place(struct code *code, uint32_t place)
{
    block_cache_forget_place(code->cache, place);
    code->cpu->attention |= ATTENTION_MODE;
}
