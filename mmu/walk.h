/* The page walk: paging structures in guest memory, Intel SDM 3A chapter 4. */
#ifndef MMU_WALK_H
#define MMU_WALK_H

#include "mmu/mmu.h"

enum walk_entry_bits {
    ENTRY_PRESENT = 1 << 0,
    ENTRY_WRITABLE = 1 << 1,
    ENTRY_USER = 1 << 2,
    ENTRY_WRITE_THROUGH = 1 << 3,
    ENTRY_CACHE_DISABLE = 1 << 4,
    ENTRY_ACCESSED = 1 << 5,
    ENTRY_DIRTY = 1 << 6,
    ENTRY_LARGE = 1 << 7,
    ENTRY_GLOBAL = 1 << 8,
};
#define ENTRY_NO_EXECUTE (UINT64_C(1) << 63)

/* Page-fault error codes (SDM 3A 4.7). */
enum page_fault_bits {
    FAULT_PROTECTION = 1 << 0,
    FAULT_WRITE = 1 << 1,
    FAULT_USER = 1 << 2,
    FAULT_RESERVED = 1 << 3,
    FAULT_FETCH = 1 << 4,
};

/* The entries that a translation goes through, at most a PDE and a PTE, and the address found. */
struct walk_path {
    uint64_t entry[2];
    uint32_t address[2]; /* physical addresses of the entries */
    unsigned levels;
    uint64_t physical; /* of the page */
    bool peek;         /* chips' registers are not read */
};

enum walk_status { WALK_COMPLETE, WALK_NOT_PRESENT, WALK_RESERVED };

/* The path of linear, as far as it goes; paging is on. Changes nothing. */
enum walk_status walk_find_path(const struct mmu *mmu, uint32_t linear, bool peek,
                                struct walk_path *path);
/* Bit per mmu_access that a complete path grants. */
uint8_t walk_rights(const struct mmu *mmu, const struct walk_path *path, bool user);

/* What a walk found. */
struct walk_result {
    uint64_t physical; /* page address; may exceed 4 GiB with PAE or PSE-36 */
    uint8_t allowed;   /* bit per mmu_access, for the privilege asked; write only when dirty */
    bool global, large;
};

/* Walks for one access. update: set accessed and dirty bits as the processor does, else a look that
 * nobody notices. False: *error has the page-fault error code. */
bool walk_page_tables(const struct mmu *mmu, uint32_t linear, enum mmu_access access, bool user,
                      bool update, struct walk_result *result, uint32_t *error) MUST_CHECK;

#endif
