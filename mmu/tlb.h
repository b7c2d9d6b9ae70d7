/* The shadow TLB: linear pages straight to host memory, for one of the two privileges.
 *
 * It forgets only when it is told to. An entry that another page's displaces (they share a slot)
 * is kept aside, without its way to host memory, and comes back when its page is used again. So
 * what a guest sees of the TLB, when it changes a page table and does not flush, depends on the
 * accesses it has made and not on how often an engine looks here, which is not the same for both.
 */
#ifndef MMU_TLB_H
#define MMU_TLB_H

#include "mmu/physmem.h"
#include "snapshot/serial.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    TLB_BITS = 16, /* a guest's programs hardly ever have two pages in one place */
    TLB_SIZE = 1 << TLB_BITS,
    TLB_NO_MATCH = 1, /* low bit of a tag: never equal to a page address */
    /* In allowed: the slow path must see every write. Without it and without a tag for writing, the
     * page is RAM with code, and only writes to bytes that physmem_is_code are slow. */
    TLB_TRAPS_WRITES = 1 << 3,
};

struct tlb_entry {
    uint32_t tag[3];   /* by mmu_access: linear page address, or with TLB_NO_MATCH set */
    uint32_t physical; /* physical page address, A20 applied */
    uintptr_t addend;  /* host address = addend + linear address */
    uint32_t page;     /* linear page address that was translated, or TLB_NO_MATCH */
    uint8_t allowed;   /* bit per mmu_access: proved by the walk, also where the tag says slow; and
                          TLB_TRAPS_WRITES */
    bool global;
    bool large;     /* part of a 2 or 4 MiB page */
    uint8_t listed; /* enum tlb_list */
};

enum tlb_list {
    TLB_LISTED = 1 << 0,       /* in tlb_table.filled */
    TLB_LISTED_LOCAL = 1 << 1, /* in tlb_table.local */
};

/* What a walk of the page tables has found: all of an entry that a guest can see. */
struct tlb_mapping {
    uint32_t page, physical; /* linear and physical page address */
    uint8_t allowed;         /* bit per mmu_access */
    bool global, large;
};

/* A list of linear page numbers, each once. */
struct tlb_pages {
    uint32_t *number;
    unsigned count, room;
};

/* TLB_SIZE entries, and which of them have been filled, so that a flush costs what it forgets. An
 * operating system switches from one address space to the next a thousand times a second, with some
 * ten pages filled between, and hundreds of global ones. */
struct tlb_table {
    struct tlb_entry *entries;
    uint16_t *filled; /* indices, each once; with some that have been forgotten since */
    unsigned filled_count, forgotten_count;
    uint16_t *local; /* indices, each once: all that are not global */
    unsigned local_count;
    /* What has been displaced, by linear page number: the physical page, and bits of tlb.c. */
    uint32_t *aside;
    struct tlb_pages aside_global, aside_local; /* with some that have come back since */
};

struct tlb_table tlb_new(void);
void tlb_free(struct tlb_table *table);

static inline struct tlb_entry *tlb_slot(const struct tlb_table *table, uint32_t linear)
{
    return &table->entries[linear >> PAGE_SHIFT & (TLB_SIZE - 1)];
}

/* Whether the mapping of this page is kept aside. */
bool tlb_find_aside(const struct tlb_table *table, uint32_t page, struct tlb_mapping *mapping);
/* Fills the slot of mapping's page and returns it, without tags. What was there for another page is
 * kept aside; what there was for this one, in either place, is not any more. */
struct tlb_entry *tlb_put(struct tlb_table *table, const struct tlb_mapping *mapping);

void tlb_forget_all(struct tlb_table *table);
/* All that are not global. */
void tlb_forget_local(struct tlb_table *table);
void tlb_forget_page(struct tlb_table *table, uint32_t page);
/* All pieces of the large page that linear may lie in; 4 MiB covers both sizes. */
void tlb_forget_large(struct tlb_table *table, uint32_t linear);

/* Appends all mappings in the order of their pages, and their number before them: for a saved
 * machine. */
void tlb_pack(const struct tlb_table *table, struct serial *out);
/* How many mappings come next. */
uint32_t tlb_take_count(struct serial_reader *reader);
/* One of them. False: these bytes are none. */
bool tlb_take_mapping(struct serial_reader *reader, struct tlb_mapping *mapping);

#endif
