#include "mmu/walk.h"

/* Bits 51..12 of a PAE entry hold an address; beyond 36 of them are reserved (SDM 3A 4.4.2). */
#define PAE_ADDRESS  UINT64_C(0x0000000FFFFFF000)
#define PAE_RESERVED UINT64_C(0x7FFFFFF000000000)

static uint32_t read_word(const struct mmu *mmu, uint32_t address, const struct walk_path *path)
{
    return path->peek ? phys_peek(mmu->phys, address, 4) : phys_read(mmu->phys, address, 4);
}

static uint64_t read_entry(const struct mmu *mmu, uint32_t address, bool wide,
                           const struct walk_path *path)
{
    uint64_t low = read_word(mmu, address, path);
    return wide ? low | (uint64_t)read_word(mmu, address + 4, path) << 32 : low;
}

/* 4 MiB page of a PDE: PSE-36 puts physical bits 39..32 into bits 20..13. */
static enum walk_status large_page_32(const struct mmu *mmu, uint32_t linear, uint64_t pde,
                                      struct walk_path *path)
{
    uint64_t reserved = mmu->paging.pse36 ? UINT64_C(1) << 21 : UINT64_C(0x003FE000);
    if (pde & reserved)
        return WALK_RESERVED;
    uint64_t high = mmu->paging.pse36 ? (pde >> 13 & 0xFF) << 32 : 0;
    path->physical = high | (pde & 0xFFC00000u) | (linear & 0x003FF000u);
    return WALK_COMPLETE;
}

static enum walk_status find_path_32(const struct mmu *mmu, uint32_t linear, struct walk_path *path)
{
    path->address[0] = (mmu->paging.cr3 & ~0xFFFu) + (linear >> 22) * 4;
    uint64_t pde = path->entry[0] = read_entry(mmu, path->address[0], false, path);
    path->levels = 1;
    if (!(pde & ENTRY_PRESENT))
        return WALK_NOT_PRESENT;
    if (mmu->paging.pse && pde & ENTRY_LARGE)
        return large_page_32(mmu, linear, pde, path);
    path->address[1] = ((uint32_t)pde & ~0xFFFu) + (linear >> 12 & 0x3FF) * 4;
    uint64_t pte = path->entry[1] = read_entry(mmu, path->address[1], false, path);
    path->levels = 2;
    if (!(pte & ENTRY_PRESENT))
        return WALK_NOT_PRESENT;
    path->physical = pte & ~UINT64_C(0xFFF);
    return WALK_COMPLETE;
}

static bool pae_reserved(const struct mmu *mmu, uint64_t entry)
{
    return entry & PAE_RESERVED || (entry & ENTRY_NO_EXECUTE && !mmu->paging.no_execute);
}

static enum walk_status find_path_pae(const struct mmu *mmu, uint32_t linear,
                                      struct walk_path *path)
{
    uint64_t pdpte = mmu->pdpte[linear >> 30];
    path->levels = 0;
    if (!(pdpte & ENTRY_PRESENT))
        return WALK_NOT_PRESENT;
    path->address[0] = (uint32_t)(pdpte & PAE_ADDRESS) + (linear >> 21 & 0x1FF) * 8;
    uint64_t pde = path->entry[0] = read_entry(mmu, path->address[0], true, path);
    path->levels = 1;
    if (!(pde & ENTRY_PRESENT))
        return WALK_NOT_PRESENT;
    if (pae_reserved(mmu, pde))
        return WALK_RESERVED;
    if (pde & ENTRY_LARGE) {
        if (pde & 0x001FE000u)
            return WALK_RESERVED;
        path->physical = (pde & PAE_ADDRESS & ~UINT64_C(0x1FFFFF)) | (linear & 0x001FF000u);
        return WALK_COMPLETE;
    }
    path->address[1] = (uint32_t)(pde & PAE_ADDRESS) + (linear >> 12 & 0x1FF) * 8;
    uint64_t pte = path->entry[1] = read_entry(mmu, path->address[1], true, path);
    path->levels = 2;
    if (!(pte & ENTRY_PRESENT))
        return WALK_NOT_PRESENT;
    if (pae_reserved(mmu, pte))
        return WALK_RESERVED;
    path->physical = pte & PAE_ADDRESS;
    return WALK_COMPLETE;
}

/* SDM 3A 4.6. */
uint8_t walk_rights(const struct mmu *mmu, const struct walk_path *path, bool user)
{
    uint64_t all = path->entry[0];
    uint64_t any = path->entry[0];
    if (path->levels == 2) {
        all &= path->entry[1];
        any |= path->entry[1];
    }
    if (user && !(all & ENTRY_USER))
        return 0;
    uint8_t rights = 1 << MMU_READ;
    if (all & ENTRY_WRITABLE || (!user && !mmu->paging.write_protect))
        rights |= 1 << MMU_WRITE;
    if (!(mmu->paging.pae && mmu->paging.no_execute && any & ENTRY_NO_EXECUTE))
        rights |= 1 << MMU_EXECUTE;
    return rights;
}

static void set_entry_bits(const struct mmu *mmu, struct walk_path *path, unsigned level,
                           uint64_t bits)
{
    if ((path->entry[level] & bits) == bits)
        return;
    path->entry[level] |= bits;
    phys_write(mmu->phys, path->address[level], (uint32_t)path->entry[level], 4);
}

static void update_path(const struct mmu *mmu, struct walk_path *path, bool write)
{
    unsigned leaf = path->levels - 1;
    if (leaf == 1)
        set_entry_bits(mmu, path, 0, ENTRY_ACCESSED);
    set_entry_bits(mmu, path, leaf, ENTRY_ACCESSED | (write ? ENTRY_DIRTY : 0));
}

static uint32_t fault_code(const struct mmu *mmu, enum walk_status status, enum mmu_access access,
                           bool user)
{
    uint32_t error = status == WALK_NOT_PRESENT ? 0 : FAULT_PROTECTION;
    if (status == WALK_RESERVED)
        error |= FAULT_RESERVED;
    if (access == MMU_WRITE)
        error |= FAULT_WRITE;
    if (user)
        error |= FAULT_USER;
    if (access == MMU_EXECUTE && mmu->paging.pae && mmu->paging.no_execute)
        error |= FAULT_FETCH;
    return error;
}

enum walk_status walk_find_path(const struct mmu *mmu, uint32_t linear, bool peek,
                                struct walk_path *path)
{
    *path = (struct walk_path){.peek = peek};
    return mmu->paging.pae ? find_path_pae(mmu, linear, path) : find_path_32(mmu, linear, path);
}

bool walk_page_tables(const struct mmu *mmu, uint32_t linear, enum mmu_access access, bool user,
                      bool update, struct walk_result *result, uint32_t *error)
{
    struct walk_path path;
    enum walk_status status = walk_find_path(mmu, linear, !update, &path);
    uint8_t rights = status == WALK_COMPLETE ? walk_rights(mmu, &path, user) : 0;
    if (!(rights & 1 << access)) {
        *error = fault_code(mmu, status, access, user);
        return false;
    }
    if (update)
        update_path(mmu, &path, access == MMU_WRITE);
    uint64_t leaf = path.entry[path.levels - 1];
    if (!(leaf & ENTRY_DIRTY))
        rights &= (uint8_t) ~(1u << MMU_WRITE);
    *result = (struct walk_result){
        .physical = path.physical,
        .allowed = rights,
        .global = mmu->paging.pge && leaf & ENTRY_GLOBAL,
        .large = path.levels == 1,
    };
    return true;
}
