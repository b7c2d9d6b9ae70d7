/* See mmu/tlb.h. */
#include "mmu/tlb.h"

#include "base/bits.h"
#include "base/memory.h"

#include <stdlib.h>

/* Bits beside a page address in what is packed. */
enum {
    ALLOWED = 7,
    GLOBAL = 1 << 3,
    LARGE = 1 << 4,
    PACKED = ALLOWED | GLOBAL | LARGE,
};

enum { PACKED_SIZE = 8 };

/* --- a table --- */

static void forget(struct tlb_entry *entry)
{
    *entry = (struct tlb_entry){
        .page = TLB_NO_PAGE,
        .listed = entry->listed,
    };
}

enum { TABLE_BYTES = (TLB_SIZE + 2 * TLB_MARGIN) * sizeof(struct tlb_entry) };

/* Zeros are an empty entry, but that they mean page 0. Only the first entry is looked at for that,
 * and the last one, for an access that wraps around: so the others need not be touched, and most
 * never are. */
struct tlb_table tlb_new(void)
{
    struct tlb_table table = {
        .entries = (struct tlb_entry *)mem_map(TABLE_BYTES) + TLB_MARGIN,
        .filled = mem_map(TLB_SIZE * sizeof *table.filled),
        .local = mem_map(TLB_SIZE * sizeof *table.local),
    };
    forget(&table.entries[0]);
    forget(&table.entries[TLB_SIZE - 1]);
    return table;
}

void tlb_free(struct tlb_table *table)
{
    mem_unmap(table->entries - TLB_MARGIN, TABLE_BYTES);
    mem_unmap(table->filled, TLB_SIZE * sizeof *table->filled);
    mem_unmap(table->local, TLB_SIZE * sizeof *table->local);
}

/* --- filling --- */

/* To be called when the entry has been filled. */
static void list(struct tlb_table *table, struct tlb_entry *entry)
{
    uint32_t index = (uint32_t)(entry - table->entries);
    if (!(entry->listed & TLB_LISTED))
        table->filled[table->filled_count++] = index;
    if (!(entry->listed & TLB_LISTED_LOCAL) && !entry->global)
        table->local[table->local_count++] = index;
    entry->listed |= entry->global ? TLB_LISTED : TLB_LISTED | TLB_LISTED_LOCAL;
}

struct tlb_entry *tlb_put(struct tlb_table *table, const struct tlb_mapping *mapping)
{
    struct tlb_entry *entry = tlb_slot(table, mapping->page);
    forget(entry);
    entry->page = mapping->page;
    entry->physical = mapping->physical;
    entry->allowed = mapping->allowed;
    entry->global = mapping->global;
    entry->large = mapping->large;
    list(table, entry);
    return entry;
}

/* --- forgetting --- */

void tlb_forget_all(struct tlb_table *table)
{
    for (unsigned i = 0; i < table->filled_count; i++) {
        struct tlb_entry *entry = &table->entries[table->filled[i]];
        entry->listed = 0;
        forget(entry);
    }
    table->filled_count = table->forgotten_count = table->local_count = 0;
}

/* So that the list of what has been filled does not consist of what has been forgotten. */
static void shorten_filled(struct tlb_table *table)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < table->filled_count; i++) {
        struct tlb_entry *entry = &table->entries[table->filled[i]];
        if (entry->page == TLB_NO_PAGE)
            entry->listed = 0;
        else
            table->filled[kept++] = table->filled[i];
    }
    table->filled_count = kept;
    table->forgotten_count = 0;
}

void tlb_forget_local(struct tlb_table *table)
{
    for (unsigned i = 0; i < table->local_count; i++) {
        struct tlb_entry *entry = &table->entries[table->local[i]];
        entry->listed &= (uint8_t)~TLB_LISTED_LOCAL;
        if (!entry->global) /* it may have become that */
            forget(entry);
    }
    table->forgotten_count += table->local_count;
    table->local_count = 0;
    if (table->forgotten_count > table->filled_count / 2)
        shorten_filled(table);
}

void tlb_forget_page(struct tlb_table *table, uint32_t page)
{
    struct tlb_entry *entry = tlb_slot(table, page);
    if (entry->page == page)
        forget(entry);
}

void tlb_forget_large(struct tlb_table *table, uint32_t linear)
{
    for (unsigned i = 0; i < table->filled_count; i++) {
        struct tlb_entry *entry = &table->entries[table->filled[i]];
        if (entry->large && entry->page >> 22 == linear >> 22)
            forget(entry);
    }
}

/* --- packed --- */

static void pack(const struct tlb_entry *entry, struct serial *out)
{
    uint32_t bits =
        (entry->allowed & ALLOWED) | (entry->global ? GLOBAL : 0) | (entry->large ? LARGE : 0);
    serial_put_u32(out, entry->page | bits);
    serial_put_u32(out, entry->physical);
}

/* By linear page, so that tables with the same mappings are the same bytes. */
static int compare_packed(const void *left, const void *right)
{
    uint32_t pages[2] = {load_le32(left), load_le32(right)};
    return (pages[0] > pages[1]) - (pages[0] < pages[1]);
}

void tlb_pack(const struct tlb_table *table, struct serial *out)
{
    size_t at = out->size;
    serial_put_u32(out, 0);
    uint32_t count = 0;
    for (unsigned i = 0; i < table->filled_count; i++) {
        const struct tlb_entry *entry = &table->entries[table->filled[i]];
        if (entry->page == TLB_NO_PAGE)
            continue;
        pack(entry, out);
        count++;
    }
    store_le32(out->bytes + at, count);
    qsort(out->bytes + at + 4, count, PACKED_SIZE, compare_packed);
}

uint32_t tlb_take_count(struct serial_reader *reader)
{
    return serial_take_u32(reader);
}

bool tlb_take_mapping(struct serial_reader *reader, struct tlb_mapping *mapping)
{
    uint32_t page = serial_take_u32(reader), physical = serial_take_u32(reader);
    *mapping = (struct tlb_mapping){
        .page = page & ~(uint32_t)PAGE_MASK,
        .physical = physical & ~(uint32_t)PAGE_MASK,
        .allowed = page & ALLOWED,
        .global = page & GLOBAL,
        .large = page & LARGE,
    };
    return !reader->failed && !(page & PAGE_MASK & ~(uint32_t)PACKED) && !(physical & PAGE_MASK);
}
