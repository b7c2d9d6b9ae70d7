/* See mmu/tlb.h. */
#include "mmu/tlb.h"

#include "base/bits.h"
#include "base/memory.h"

#include <stdlib.h>

enum { LINEAR_PAGES = 1 << (32 - PAGE_SHIFT) };

/* Bits beside a page address, in tlb_table.aside and in what is packed. */
enum {
    ALLOWED = 7,
    GLOBAL = 1 << 3,
    LARGE = 1 << 4,
    PACKED = ALLOWED | GLOBAL | LARGE,
    ASIDE = 1 << 5,         /* there is something */
    LISTED_GLOBAL = 1 << 6, /* in tlb_table.aside_global */
    LISTED_LOCAL = 1 << 7,
    LISTED = LISTED_GLOBAL | LISTED_LOCAL,
};

enum { PACKED_SIZE = 8 };

static uint32_t page_number(uint32_t page)
{
    return page >> PAGE_SHIFT;
}

static uint32_t packed_bits(uint8_t allowed, bool global, bool large)
{
    return (allowed & ALLOWED) | (global ? GLOBAL : 0) | (large ? LARGE : 0);
}

static struct tlb_mapping mapping_of(uint32_t page, uint32_t physical, uint32_t bits)
{
    return (struct tlb_mapping){
        .page = page & ~(uint32_t)PAGE_MASK,
        .physical = physical & ~(uint32_t)PAGE_MASK,
        .allowed = bits & ALLOWED,
        .global = bits & GLOBAL,
        .large = bits & LARGE,
    };
}

/* --- a table --- */

static void forget(struct tlb_entry *entry)
{
    *entry = (struct tlb_entry){
        .tag = {TLB_NO_MATCH, TLB_NO_MATCH, TLB_NO_MATCH},
        .page = TLB_NO_MATCH,
        .listed = entry->listed,
    };
}

/* Zeros mean page 0. Only the first entry is looked at for that, and the last one, for an access
 * that wraps around: so the others need not be touched, and most never are. */
struct tlb_table tlb_new(void)
{
    struct tlb_table table = {
        .entries = mem_map(TLB_SIZE * sizeof *table.entries),
        .filled = mem_new(TLB_SIZE * sizeof *table.filled),
        .local = mem_new(TLB_SIZE * sizeof *table.local),
        .aside = mem_map(LINEAR_PAGES * sizeof *table.aside),
    };
    forget(&table.entries[0]);
    forget(&table.entries[TLB_SIZE - 1]);
    return table;
}

void tlb_free(struct tlb_table *table)
{
    mem_unmap(table->entries, TLB_SIZE * sizeof *table->entries);
    mem_unmap(table->aside, LINEAR_PAGES * sizeof *table->aside);
    mem_free(table->filled);
    mem_free(table->local);
    mem_free(table->aside_global.number);
    mem_free(table->aside_local.number);
}

/* --- kept aside --- */

static void add_page(struct tlb_pages *pages, uint32_t number)
{
    if (pages->count == pages->room) {
        pages->room = pages->room ? pages->room * 2 : 64;
        pages->number = mem_resize(pages->number, pages->room * sizeof *pages->number);
    }
    pages->number[pages->count++] = number;
}

static void put_aside(struct tlb_table *table, const struct tlb_entry *entry)
{
    uint32_t *aside = &table->aside[page_number(entry->page)];
    uint32_t listed = *aside & LISTED, list = entry->global ? LISTED_GLOBAL : LISTED_LOCAL;
    if (!(listed & list))
        add_page(entry->global ? &table->aside_global : &table->aside_local,
                 page_number(entry->page));
    *aside = entry->physical | packed_bits(entry->allowed, entry->global, entry->large) | ASIDE |
             listed | list;
}

/* Mostly nothing is, and then memory that is not in a cache need not be looked at. */
static bool is_aside(const struct tlb_table *table, uint32_t page)
{
    return (table->aside_global.count || table->aside_local.count) &&
           table->aside[page_number(page)] & ASIDE;
}

static void forget_aside(struct tlb_table *table, uint32_t page)
{
    if (is_aside(table, page))
        table->aside[page_number(page)] &= LISTED;
}

bool tlb_find_aside(const struct tlb_table *table, uint32_t page, struct tlb_mapping *mapping)
{
    if (!is_aside(table, page))
        return false;
    uint32_t aside = table->aside[page_number(page)];
    *mapping = mapping_of(page, aside, aside);
    return true;
}

/* Empties a list; of its pages, those are forgotten that are of its kind still. */
static void forget_pages(struct tlb_table *table, struct tlb_pages *pages, uint32_t list)
{
    for (unsigned i = 0; i < pages->count; i++) {
        uint32_t *aside = &table->aside[pages->number[i]];
        bool is_of_kind = !(*aside & GLOBAL) == (list == LISTED_LOCAL);
        *aside &= is_of_kind ? LISTED & ~list : ~list;
    }
    pages->count = 0;
}

static void forget_large_aside(struct tlb_table *table, const struct tlb_pages *pages,
                               uint32_t linear)
{
    for (unsigned i = 0; i < pages->count; i++) {
        uint32_t page = pages->number[i] << PAGE_SHIFT;
        if (table->aside[pages->number[i]] & LARGE && page >> 22 == linear >> 22)
            forget_aside(table, page);
    }
}

/* --- filling --- */

/* To be called when the entry has been filled. */
static void list(struct tlb_table *table, struct tlb_entry *entry)
{
    _Static_assert(TLB_BITS <= 16, "filled has indices of 16 bits");
    uint16_t index = (uint16_t)(entry - table->entries);
    if (!(entry->listed & TLB_LISTED))
        table->filled[table->filled_count++] = index;
    if (!(entry->listed & TLB_LISTED_LOCAL) && !entry->global)
        table->local[table->local_count++] = index;
    entry->listed |= entry->global ? TLB_LISTED : TLB_LISTED | TLB_LISTED_LOCAL;
}

/* An entry that has never been touched is all zeros, and not listed. */
static bool is_filled(const struct tlb_entry *entry)
{
    return entry->listed && entry->page != TLB_NO_MATCH;
}

struct tlb_entry *tlb_put(struct tlb_table *table, const struct tlb_mapping *mapping)
{
    struct tlb_entry *entry = tlb_slot(table, mapping->page);
    if (is_filled(entry) && entry->page != mapping->page)
        put_aside(table, entry);
    forget_aside(table, mapping->page);
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
    forget_pages(table, &table->aside_local, LISTED_LOCAL);
    forget_pages(table, &table->aside_global, LISTED_GLOBAL);
}

/* So that the list of what has been filled does not consist of what has been forgotten. */
static void shorten_filled(struct tlb_table *table)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < table->filled_count; i++) {
        struct tlb_entry *entry = &table->entries[table->filled[i]];
        if (entry->page == TLB_NO_MATCH)
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
    forget_pages(table, &table->aside_local, LISTED_LOCAL);
}

void tlb_forget_page(struct tlb_table *table, uint32_t page)
{
    struct tlb_entry *entry = tlb_slot(table, page);
    if (entry->page == page)
        forget(entry);
    forget_aside(table, page);
}

void tlb_forget_large(struct tlb_table *table, uint32_t linear)
{
    for (unsigned i = 0; i < table->filled_count; i++) {
        struct tlb_entry *entry = &table->entries[table->filled[i]];
        if (entry->large && entry->page >> 22 == linear >> 22)
            forget(entry);
    }
    forget_large_aside(table, &table->aside_local, linear);
    forget_large_aside(table, &table->aside_global, linear);
}

/* --- packed --- */

static void pack(const struct tlb_mapping *mapping, struct serial *out)
{
    serial_put_u32(out,
                   mapping->page | packed_bits(mapping->allowed, mapping->global, mapping->large));
    serial_put_u32(out, mapping->physical);
}

/* A page may be in both lists. */
static uint32_t pack_aside(const struct tlb_table *table, const struct tlb_pages *pages,
                           bool global, struct serial *out)
{
    struct tlb_mapping mapping;
    uint32_t count = 0;
    for (unsigned i = 0; i < pages->count; i++) {
        if (!tlb_find_aside(table, pages->number[i] << PAGE_SHIFT, &mapping) ||
            mapping.global != global)
            continue;
        pack(&mapping, out);
        count++;
    }
    return count;
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
    uint32_t count = pack_aside(table, &table->aside_global, true, out) +
                     pack_aside(table, &table->aside_local, false, out);
    for (unsigned i = 0; i < table->filled_count; i++) {
        const struct tlb_entry *entry = &table->entries[table->filled[i]];
        if (!is_filled(entry))
            continue;
        pack(&(struct tlb_mapping){entry->page, entry->physical, entry->allowed, entry->global,
                                   entry->large},
             out);
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
    *mapping = mapping_of(page, physical, page);
    return !reader->failed && !(page & PAGE_MASK & ~(uint32_t)PACKED) && !(physical & PAGE_MASK);
}
