/* The page walk: paging structures in guest memory, Intel SDM 3A chapter 4. */
#ifndef MMU_WALK_H
#define MMU_WALK_H

#include "mmu/mmu.h"

/* What a walk found. */
struct walk_result {
    uint64_t physical; /* page address; may exceed 4 GiB with PAE or PSE-36 */
    uint8_t allowed;   /* bit per mmu_access, for the privilege asked; write only when dirty */
    bool global, large;
};

/* Walks for one access. update: set accessed and dirty bits as the processor does. False: *error
 * has the page-fault error code. */
bool walk_page_tables(const struct mmu *mmu, uint32_t linear, enum mmu_access access, bool user,
                      bool update, struct walk_result *result, uint32_t *error) MUST_CHECK;

#endif
