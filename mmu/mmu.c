#include "mmu/mmu.h"

#include "base/memory.h"
#include "mmu/page_set.h"
#include "mmu/walk.h"
#include "snapshot/serial.h"

enum { LINEAR_PAGES = 1 << (32 - PAGE_SHIFT) };

static const struct field paging_fields[] = {
    FIELD(struct mmu_paging, cr3),
    FIELD(struct mmu_paging, enabled),
    FIELD(struct mmu_paging, write_protect),
    FIELD(struct mmu_paging, pse),
    FIELD(struct mmu_paging, pae),
    FIELD(struct mmu_paging, pge),
    FIELD(struct mmu_paging, pse36),
    FIELD(struct mmu_paging, no_execute),
    FIELD_END,
};

const struct field mmu_fields[] = {
    FIELD_TRANSIENT(struct mmu, active),
    FIELD_TRANSIENT(struct mmu, supervisor),
    FIELD_TRANSIENT(struct mmu, user),
    FIELD_TRANSIENT(struct mmu, empty),
    FIELD_TRANSIENT(struct mmu, fault),
    FIELD_STRUCT(struct mmu, paging, paging_fields),
    FIELD_ARRAY(struct mmu, pdpte, uint64_t),
    FIELD(struct mmu, is_user),
    FIELD(struct mmu, force_slow),
    FIELD_TRANSIENT(struct mmu, large_regions),
    FIELD_TRANSIENT(struct mmu, watched),
    FIELD_TRANSIENT(struct mmu, writable),
    FIELD_TRANSIENT(struct mmu, phys),
    FIELD_TRANSIENT(struct mmu, bus),
    FIELD_TRANSIENT(struct mmu, misses),
    FIELD_TRANSIENT(struct mmu, flushes),
    FIELD_TRANSIENT(struct mmu, mapping_changes),
    FIELD_END,
};

/* --- the TLB --- */

static void choose_table(struct mmu *mmu)
{
    if (mmu->force_slow)
        mmu->active = mmu->empty.entries;
    else
        mmu->active = mmu->is_user ? mmu->user.entries : mmu->supervisor.entries;
}

static void trap_entry(struct tlb_entry *entry)
{
    entry->end[MMU_WRITE] = 0;
    entry->allowed |= TLB_TRAPS_WRITES;
}

static void trap_in_table(struct tlb_table *table, uint32_t first, uint32_t last)
{
    for (unsigned i = 0; i < table->filled_count; i++) {
        struct tlb_entry *entry = &table->entries[table->filled[i]];
        if (entry->physical >= first && entry->physical <= last)
            trap_entry(entry);
    }
}

static void trap_writes(void *opaque, uint32_t first, uint32_t last)
{
    struct mmu *mmu = opaque;
    if (!page_set_take(mmu->writable, first, last))
        return;
    trap_in_table(&mmu->supervisor, first, last);
    trap_in_table(&mmu->user, first, last);
}

static void flush_listener(void *opaque)
{
    mmu_flush_all(opaque);
}

struct mmu *mmu_new(struct physmem *phys, struct bus *bus)
{
    struct mmu *mmu = mem_new(sizeof *mmu);
    mmu->phys = phys;
    mmu->bus = bus;
    mmu->writable = mem_map(PAGE_SET_SIZE);
    mmu->supervisor = tlb_new();
    mmu->user = tlb_new();
    mmu->empty = tlb_new();
    choose_table(mmu);
    physmem_set_tlb(phys, &(struct tlb_listener){trap_writes, flush_listener, mmu});
    return mmu;
}

void mmu_free(struct mmu *mmu)
{
    physmem_set_tlb(mmu->phys, &(struct tlb_listener){0});
    tlb_free(&mmu->supervisor);
    tlb_free(&mmu->user);
    tlb_free(&mmu->empty);
    if (mmu->watched)
        mem_unmap(mmu->watched, LINEAR_PAGES);
    mem_unmap(mmu->writable, PAGE_SET_SIZE);
    mem_free(mmu);
}

void mmu_set_paging(struct mmu *mmu, const struct mmu_paging *paging, bool keep_global)
{
    mmu->paging = *paging;
    if (keep_global)
        mmu_flush_non_global(mmu);
    else
        mmu_flush_all(mmu);
}

bool mmu_load_pdptes(struct mmu *mmu, uint32_t cr3)
{
    const uint64_t reserved = UINT64_C(0xFFFFFFF0000001E6); /* SDM 3A table 4-8 */
    uint64_t loaded[4];
    for (unsigned i = 0; i < 4; i++) {
        uint32_t address = (cr3 & ~31u) + i * 8;
        loaded[i] =
            phys_read(mmu->phys, address, 4) | (uint64_t)phys_read(mmu->phys, address + 4, 4) << 32;
        if (loaded[i] & 1 && loaded[i] & reserved)
            return false;
    }
    memcpy(mmu->pdpte, loaded, sizeof loaded);
    return true;
}

void mmu_set_user(struct mmu *mmu, bool is_user)
{
    mmu->is_user = is_user;
    choose_table(mmu);
}

void mmu_force_slow(struct mmu *mmu, bool force)
{
    mmu->force_slow = force;
    choose_table(mmu);
}

void mmu_flush_all(struct mmu *mmu)
{
    tlb_forget_all(&mmu->supervisor);
    tlb_forget_all(&mmu->user);
    memset(mmu->large_regions, 0, sizeof mmu->large_regions);
    mmu->flushes++;
    mmu->mapping_changes++;
}

void mmu_flush_non_global(struct mmu *mmu)
{
    tlb_forget_local(&mmu->supervisor);
    tlb_forget_local(&mmu->user);
    mmu->flushes++;
    mmu->mapping_changes++;
}

void mmu_flush_page(struct mmu *mmu, uint32_t linear)
{
    uint32_t page = linear & ~(uint32_t)PAGE_MASK;
    mmu->mapping_changes++;
    tlb_forget_page(&mmu->supervisor, page);
    tlb_forget_page(&mmu->user, page);
    if (mmu->large_regions[page >> 27] >> (page >> 22 & 31) & 1) {
        tlb_forget_large(&mmu->supervisor, linear);
        tlb_forget_large(&mmu->user, linear);
    }
}

/* Code can be cached where writes to it are seen (RAM) or cannot happen (ROM). */
static bool holds_cacheable_code(const struct mmu *mmu, const struct address_range *range,
                                 uint32_t physical)
{
    return range->kind == RANGE_ROM || physmem_ram_at(mmu->phys, physical);
}

/* Some of these accesses are (bit per mmu_access). */
static bool is_watched(const struct mmu *mmu, uint32_t page, unsigned accesses)
{
    return UNLIKELY(mmu->watched) && mmu->watched[page >> PAGE_SHIFT] & accesses;
}

/* Writes bypass the slow path where nothing waits for them, and in pages with code beside it. */
static void set_write_end(struct mmu *mmu, struct tlb_entry *entry,
                          const struct address_range *range)
{
    uint32_t offset = entry->physical - range->first;
    /* What reads and writes asks once, for writing. */
    if (!(entry->allowed & 1 << MMU_WRITE) ||
        is_watched(mmu, entry->page, 1 << MMU_WRITE | 1 << MMU_READ) ||
        range->kind != RANGE_MEMORY || (range->dirty && !range->dirty[offset >> PAGE_SHIFT]) ||
        bus_page_is_armed(mmu->bus, range->memory + offset))
        return;
    page_set_add(mmu->writable, entry->physical);
    if (!physmem_page_has_code(mmu->phys, entry->physical))
        entry->end[MMU_WRITE] = entry->page + PAGE_SIZE;
    else if (physmem_ram_at(mmu->phys, entry->physical))
        entry->allowed &= (uint8_t)~TLB_TRAPS_WRITES;
}

/* Decides which accesses to a translated page may bypass the slow path. */
static void set_ends(struct mmu *mmu, struct tlb_entry *entry, const struct address_range *range)
{
    entry->allowed |= TLB_TRAPS_WRITES;
    if (!range || range->kind == RANGE_IO)
        return;
    entry->addend = (uintptr_t)(range->memory + (entry->physical - range->first)) - entry->page;
    if (entry->allowed & 1 << MMU_READ && !is_watched(mmu, entry->page, 1 << MMU_READ))
        entry->end[MMU_READ] = entry->page + PAGE_SIZE;
    set_write_end(mmu, entry, range);
    if (entry->allowed & 1 << MMU_EXECUTE && holds_cacheable_code(mmu, range, entry->physical))
        entry->code = entry->physical | TLB_CODE;
}

static void watch_in_table(struct mmu *mmu, struct tlb_table *table, uint32_t page)
{
    struct tlb_entry *entry = tlb_slot(table, page);
    if (entry->page != page)
        return;
    entry->end[MMU_READ] = entry->end[MMU_WRITE] = 0;
    set_ends(mmu, entry, bus_find_range(mmu->bus, entry->physical));
}

void mmu_watch_page(struct mmu *mmu, uint32_t linear, unsigned slow)
{
    uint32_t page = linear & ~(uint32_t)PAGE_MASK;
    if (!mmu->watched)
        mmu->watched = mem_map(LINEAR_PAGES);
    mmu->watched[page >> PAGE_SHIFT] = (uint8_t)slow;
    watch_in_table(mmu, &mmu->supervisor, page);
    watch_in_table(mmu, &mmu->user, page);
}

static struct tlb_table *table_for(struct mmu *mmu, bool user)
{
    return user ? &mmu->user : &mmu->supervisor;
}

/* A translation that is known: into the TLB. */
static struct tlb_entry *install(struct mmu *mmu, bool user, const struct tlb_mapping *mapping)
{
    struct tlb_entry *entry = tlb_put(table_for(mmu, user), mapping);
    mmu->large_regions[entry->page >> 27] |= (uint32_t)entry->large << (entry->page >> 22 & 31);
    set_ends(mmu, entry, bus_find_range(mmu->bus, entry->physical));
    return entry;
}

static bool walk(struct mmu *mmu, uint32_t linear, enum mmu_access access, bool user,
                 struct tlb_mapping *mapping)
{
    struct walk_result walk = {.physical = linear & ~(uint32_t)PAGE_MASK, .allowed = 7};
    if (mmu->paging.enabled) {
        uint32_t error;
        if (!walk_page_tables(mmu, linear, access, user, true, &walk, &error)) {
            mmu->fault = (struct mmu_fault){linear, error};
            return false;
        }
    }
    if (walk.physical >> 32)
        walk.physical = PHYSMEM_UNMAPPED_PAGE;
    *mapping = (struct tlb_mapping){
        .page = linear & ~(uint32_t)PAGE_MASK,
        .physical = (uint32_t)walk.physical & physmem_a20_mask(mmu->phys),
        .allowed = walk.allowed,
        .global = walk.global,
        .large = walk.large,
    };
    return true;
}

/* The entry for linear, which is empty, or not for such an access; NULL: a fault. */
static struct tlb_entry *fill(struct mmu *mmu, uint32_t linear, enum mmu_access access, bool user)
{
    struct tlb_mapping mapping;
    mmu->misses++;
    if (!walk(mmu, linear, access, user, &mapping))
        return NULL;
    physmem_settle_code(mmu->phys, mapping.physical);
    return install(mmu, user, &mapping);
}

/* --- packed --- */

static void pack_tlb(const void *base, struct serial *out)
{
    const struct mmu *mmu = base;
    tlb_pack(&mmu->supervisor, out);
    tlb_pack(&mmu->user, out);
}

static bool check_tlb(const void *base, const uint8_t *bytes, size_t size, struct error *err)
{
    struct serial_reader reader = {.at = bytes, .left = size};
    struct tlb_mapping mapping;
    bool ok = true;
    for (unsigned table = 0; ok && table < 2; table++)
        for (uint32_t left = tlb_take_count(&reader); ok && left; left--)
            ok = tlb_take_mapping(&reader, &mapping);
    if (!ok)
        return error_set(err, "the saved TLB is none");
    return serial_is_done(&reader) || error_set(err, "the saved TLB has another size");
}

static void unpack_table(struct mmu *mmu, bool user, struct serial_reader *reader)
{
    struct tlb_mapping mapping;
    for (uint32_t left = tlb_take_count(reader); left; left--)
        if (tlb_take_mapping(reader, &mapping))
            install(mmu, user, &mapping);
}

static void unpack_tlb(void *base, const uint8_t *bytes, size_t size)
{
    struct serial_reader reader = {.at = bytes, .left = size};
    mmu_flush_all(base);
    unpack_table(base, false, &reader);
    unpack_table(base, true, &reader);
}

const struct state_codec mmu_tlb_codec = {pack_tlb, check_tlb, unpack_tlb};

void mmu_after_load(void *mmu)
{
    choose_table(mmu);
    mmu_flush_all(mmu);
}

/* --- translation --- */

static struct tlb_entry *lookup(struct mmu *mmu, uint32_t linear, enum mmu_access access, bool user)
{
    struct tlb_entry *entry = tlb_slot(table_for(mmu, user), linear);
    bool hit = entry->page == (linear & ~(uint32_t)PAGE_MASK) && entry->allowed & 1 << access;
    return hit ? entry : fill(mmu, linear, access, user);
}

bool mmu_translate(struct mmu *mmu, uint32_t linear, enum mmu_access access, bool user,
                   uint32_t *physical)
{
    const struct tlb_entry *entry = lookup(mmu, linear, access, user);
    if (!entry)
        return false;
    *physical = entry->physical | (linear & PAGE_MASK);
    return true;
}

bool mmu_peek(const struct mmu *mmu, uint32_t linear, uint32_t *physical)
{
    struct walk_result walk = {.physical = linear & ~(uint32_t)PAGE_MASK};
    uint32_t error;
    if (mmu->paging.enabled &&
        !walk_page_tables(mmu, linear, MMU_READ, false, false, &walk, &error))
        return false;
    if (walk.physical >> 32)
        return false;
    *physical = ((uint32_t)walk.physical | (linear & PAGE_MASK)) & physmem_a20_mask(mmu->phys);
    return true;
}

/* --- slow-path access --- */

/* The largest bus access at address that stays inside a doubleword and within size bytes. */
static unsigned bus_chunk(uint32_t address, unsigned size)
{
    unsigned left = 4 - (address & 3);
    if (left > size)
        left = size;
    return left == 3 ? 2 : left;
}

static void read_physical(struct mmu *mmu, uint32_t address, uint8_t *bytes, unsigned size)
{
    const struct address_range *range = bus_find_range(mmu->bus, address);
    if (range && range->kind != RANGE_IO) {
        memcpy(bytes, range->memory + (address - range->first), size);
        return;
    }
    while (size > 0) {
        unsigned chunk = bus_chunk(address, size);
        uint32_t value = phys_read(mmu->phys, address, chunk);
        memcpy(bytes, &value, chunk);
        address += chunk;
        bytes += chunk;
        size -= chunk;
    }
}

static void write_physical(struct mmu *mmu, uint32_t address, const uint8_t *bytes, unsigned size)
{
    while (size > 0) {
        unsigned chunk = bus_chunk(address, size);
        uint32_t value = 0;
        memcpy(&value, bytes, chunk);
        phys_write(mmu->phys, address, value, chunk);
        address += chunk;
        bytes += chunk;
        size -= chunk;
    }
}

/* An access cut at the page boundary. */
struct pieces {
    uint32_t physical[2];
    unsigned size[2];
};

static bool translate_pieces(struct mmu *mmu, uint32_t linear, unsigned size,
                             enum mmu_access access, bool user, struct pieces *pieces)
{
    unsigned left = PAGE_SIZE - (linear & PAGE_MASK);
    pieces->size[0] = size < left ? size : left;
    pieces->size[1] = size - pieces->size[0];
    if (!mmu_translate(mmu, linear, access, user, &pieces->physical[0]))
        return false;
    return pieces->size[1] == 0 ||
           mmu_translate(mmu, linear + pieces->size[0], access, user, &pieces->physical[1]);
}

/* After a write through the slow path, the page may have become plain (marked dirty, saved for a
 * checkpoint, or free of code): the next write can be fast. */
static void refresh_ends(struct mmu *mmu, uint32_t linear, bool user)
{
    struct tlb_entry *entry = tlb_slot(table_for(mmu, user), linear);
    if (entry->page == (linear & ~(uint32_t)PAGE_MASK))
        set_ends(mmu, entry, bus_find_range(mmu->bus, entry->physical));
}

/* What the fast path would find with this privilege, and without a reason to look at every access:
 * both are the callers' business. */
static uint8_t *plain_memory(const struct mmu *mmu, uint32_t linear, unsigned size,
                             enum mmu_access access, bool user)
{
    const struct tlb_table *table = user ? &mmu->user : &mmu->supervisor;
    const struct tlb_entry *entry = tlb_slot(table, linear);
    return linear + size - 1 < entry->end[access] ? (uint8_t *)(entry->addend + linear) : NULL;
}

bool mmu_read(struct mmu *mmu, uint32_t linear, void *bytes, unsigned size, bool user)
{
    struct pieces pieces;
    const uint8_t *plain = plain_memory(mmu, linear, size, MMU_READ, user);
    if (plain) {
        memcpy(bytes, plain, size);
        return true;
    }
    if (!translate_pieces(mmu, linear, size, MMU_READ, user, &pieces))
        return false;
    read_physical(mmu, pieces.physical[0], bytes, pieces.size[0]);
    read_physical(mmu, pieces.physical[1], (uint8_t *)bytes + pieces.size[0], pieces.size[1]);
    return true;
}

/* The quick way into a page with code, for bytes that are none. */
static bool write_beside_code(struct mmu *mmu, uint32_t linear, const void *bytes, unsigned size,
                              bool user)
{
    const struct tlb_table *table = user ? &mmu->user : &mmu->supervisor;
    const struct tlb_entry *entry = tlb_slot(table, linear);
    uint32_t page = (linear + size - 1) & ~(uint32_t)PAGE_MASK;
    if (entry->page != page || entry->allowed & TLB_TRAPS_WRITES)
        return false;
    physmem_settle_code(mmu->phys, entry->physical);
    if (!physmem_page_has_code(mmu->phys, entry->physical) ||
        physmem_is_code(mmu->phys, entry->physical | (linear & PAGE_MASK), size))
        return false;
    memcpy((uint8_t *)(entry->addend + linear), bytes, size);
    return true;
}

bool mmu_write(struct mmu *mmu, uint32_t linear, const void *bytes, unsigned size, bool user)
{
    struct pieces pieces;
    uint8_t *plain = plain_memory(mmu, linear, size, MMU_WRITE, user);
    if (plain) {
        memcpy(plain, bytes, size);
        return true;
    }
    if (write_beside_code(mmu, linear, bytes, size, user))
        return true;
    if (!translate_pieces(mmu, linear, size, MMU_WRITE, user, &pieces))
        return false;
    write_physical(mmu, pieces.physical[0], bytes, pieces.size[0]);
    write_physical(mmu, pieces.physical[1], (const uint8_t *)bytes + pieces.size[0],
                   pieces.size[1]);
    refresh_ends(mmu, linear, user);
    return true;
}

bool mmu_probe_write(struct mmu *mmu, uint32_t linear, unsigned size, bool user)
{
    struct pieces pieces;
    return plain_memory(mmu, linear, size, MMU_WRITE, user) ||
           translate_pieces(mmu, linear, size, MMU_WRITE, user, &pieces);
}

/* --- instruction fetch --- */

bool mmu_fetch_page(struct mmu *mmu, uint32_t linear, const uint8_t **host, uint32_t *physical)
{
    const struct tlb_entry *entry = lookup(mmu, linear, MMU_EXECUTE, mmu->is_user);
    if (!entry)
        return false;
    *physical = entry->physical | (linear & PAGE_MASK);
    const struct address_range *range = bus_find_range(mmu->bus, *physical);
    bool cacheable = range && holds_cacheable_code(mmu, range, *physical);
    *host = cacheable ? range->memory + (*physical - range->first) : NULL;
    return true;
}

bool mmu_fetch_byte(struct mmu *mmu, uint32_t linear, uint8_t *byte)
{
    uint32_t physical;
    if (!mmu_translate(mmu, linear, MMU_EXECUTE, mmu->is_user, &physical))
        return false;
    read_physical(mmu, physical, byte, 1);
    return true;
}
