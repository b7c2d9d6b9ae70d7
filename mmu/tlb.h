/* The shadow TLB: linear pages straight to host memory, for one of the two privileges.
 *
 * It has an entry for each linear page, and forgets only when it is told to. So what a guest sees
 * of the TLB, when it changes a page table and does not flush, depends on the accesses it has made
 * and not on how often an engine looks here, which is not the same for both. And an entry that can
 * be no other page's need not be asked whose it is. */
#ifndef MMU_TLB_H
#define MMU_TLB_H

#include "mmu/physmem.h"
#include "snapshot/serial.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    TLB_SIZE = 1 << (32 - PAGE_SHIFT),
    /* Empty entries before the first and behind the last one: translated code finds those for a
     * page that is not a 32-bit number, by as much as a small displacement can make of one. */
    TLB_MARGIN = 256,
    TLB_NO_PAGE = 1, /* no page address */
    TLB_CODE = 1,    /* in code, so that it is not 0 */
    /* In allowed: the slow path must see every write. Without it and without an end for writing,
     * the page is RAM with code, and only writes to bytes that physmem_is_code are slow. */
    TLB_TRAPS_WRITES = 1 << 3,
};

struct tlb_entry {
    /* MMU_READ, MMU_WRITE: the linear address behind the page, or 0 if the slow path must be taken:
     * as it is in the last page always. */
    uint32_t end[2];
    uint32_t code;     /* physical | TLB_CODE, if it may be executed, and cached; else 0 */
    uint32_t physical; /* physical page address, A20 applied */
    uintptr_t addend;  /* host address = addend + linear address */
    uint32_t page;     /* linear page address that was translated, or TLB_NO_PAGE */
    uint8_t allowed;   /* bit per mmu_access: proved by the walk, also where end says slow; and
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

/* TLB_SIZE entries, and which of them have been filled, so that a flush costs what it forgets. An
 * operating system switches from one address space to the next a thousand times a second, with some
 * ten pages filled between, and hundreds of global ones. */
struct tlb_table {
    struct tlb_entry *entries; /* with TLB_MARGIN more on either side */
    uint32_t *filled;          /* indices, each once; with some that have been forgotten since */
    unsigned filled_count, forgotten_count;
    uint32_t *local; /* indices, each once: all that are not global */
    unsigned local_count;
};

struct tlb_table tlb_new(void);
void tlb_free(struct tlb_table *table);

static inline struct tlb_entry *tlb_slot(const struct tlb_table *table, uint32_t linear)
{
    return &table->entries[linear >> PAGE_SHIFT];
}

/* Fills the entry of mapping's page and returns it; its code is 0, and its ends are. */
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
