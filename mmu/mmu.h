/* The memory management unit: linear to physical through the page tables, with a shadow TLB that
 * maps linear pages straight to host memory.
 *
 * The fast path is mmu_probe: one index, one compare. It answers only for plain memory with the
 * permission already proved; everything else (a miss, a page crossing, MMIO, ROM writes, pages that
 * hold code, alignment checks, data breakpoints) takes a slow path, which fills the TLB or faults.
 *
 * Source: Intel SDM volume 3, chapter 4 (Paging). */
#ifndef MMU_MMU_H
#define MMU_MMU_H

#include "base/bits.h"
#include "mmu/physmem.h"
#include "mmu/tlb.h"
#include "snapshot/state.h"

enum mmu_access { MMU_READ, MMU_WRITE, MMU_EXECUTE };

/* CR and MSR bits that paging depends on; the processor tells the MMU with mmu_set_paging. */
struct mmu_paging {
    uint32_t cr3;
    bool enabled;       /* CR0.PG */
    bool write_protect; /* CR0.WP */
    bool pse, pae, pge; /* CR4 */
    bool pse36;         /* CPU model */
    bool no_execute;    /* EFER.NXE */
};

/* Why a translation failed; the processor makes #PF of it. */
struct mmu_fault {
    uint32_t address; /* for CR2 */
    uint32_t error;   /* SDM 3A 4.7: P, W/R, U/S, RSVD, I/D */
};

struct mmu {
    /* What the fast path probes now: one of the tables below, or one that is always empty, which
     * sends every access to the slow path. */
    struct tlb_entry *active;
    struct tlb_table supervisor, user, empty;
    struct mmu_fault fault;
    struct mmu_paging paging;
    uint64_t pdpte[4]; /* PAE: loaded with CR3 */
    bool is_user;      /* accesses are made at CPL 3 */
    bool force_slow;
    /* A bit for each 4 MiB: an entry of a large page may be in the TLB. INVLPG then looks for its
     * other pieces. */
    uint32_t large_regions[32];
    uint8_t *watched; /* by linear page, bit per mmu_access: take the slow path; NULL: none ever */
    /* Physical pages that some entry may let be written to past the slow path, or beside code: who
     * traps writes to one page need not search the tables for the others. mmu/page_set.h */
    uint8_t *writable;
    struct physmem *phys;
    struct bus *bus;
    uint64_t misses, flushes; /* for --stats */
    uint64_t mapping_changes; /* flushes of any kind, so far */
};
extern const struct field mmu_fields[]; /* paging and pdpte */

/* Packs the TLBs: a guest that changes a page table without INVLPG sees the difference. */
extern const struct state_codec mmu_tlb_codec;
/* After the fields were loaded. The TLBs are empty then. */
void mmu_after_load(void *mmu);

struct mmu *mmu_new(struct physmem *phys, struct bus *bus);
void mmu_free(struct mmu *mmu);

/* Takes over new paging controls. Flushes as a MOV to CR3/CR0/CR4 does; keep_global for CR3 loads
 * with CR4.PGE. Does not load the PDPTEs. */
void mmu_set_paging(struct mmu *mmu, const struct mmu_paging *paging, bool keep_global);
/* PAE: reads the four PDPTEs at CR3. False (nothing changed) if a reserved bit is set: #GP(0). */
bool mmu_load_pdptes(struct mmu *mmu, uint32_t cr3) MUST_CHECK;
/* CPL 3 or not, for accesses from now on. */
void mmu_set_user(struct mmu *mmu, bool is_user);
/* Every access takes the slow path while set (alignment checks, data breakpoints). */
void mmu_force_slow(struct mmu *mmu, bool force);
/* These accesses (bit per mmu_access) to the linear page take the slow path from now on, the others
 * need not any more; but with reads all writes do, as an instruction that reads and writes asks
 * once, for writing. For a debugger: the guest sees no difference. */
void mmu_watch_page(struct mmu *mmu, uint32_t linear, unsigned slow);
void mmu_flush_all(struct mmu *mmu);
void mmu_flush_non_global(struct mmu *mmu);
void mmu_flush_page(struct mmu *mmu, uint32_t linear); /* INVLPG */

static inline struct tlb_entry *mmu_slot(const struct mmu *mmu, uint32_t linear)
{
    return &mmu->active[linear >> PAGE_SHIFT];
}

/* Host address for an access of size bytes at linear, to read or to write, or NULL: take the slow
 * path. */
static inline uint8_t *mmu_probe(const struct mmu *mmu, uint32_t linear, uint32_t size,
                                 enum mmu_access access)
{
    const struct tlb_entry *entry = mmu_slot(mmu, linear);
    if (UNLIKELY(linear + size - 1 >= entry->end[access]))
        return NULL;
    return (uint8_t *)(entry->addend + linear);
}

/* Slow path, for any linear address and size 1..16, page crossings included, with the privilege
 * given. On false mmu->fault is filled and nothing was written. Fills the TLB. */
bool mmu_read(struct mmu *mmu, uint32_t linear, void *bytes, unsigned size, bool user) MUST_CHECK;
bool mmu_write(struct mmu *mmu, uint32_t linear, const void *bytes, unsigned size,
               bool user) MUST_CHECK;
/* Checks that a write of size bytes would not fault (sets accessed and dirty bits as the write
 * does). For read-modify-write and for pushes of several words. */
bool mmu_probe_write(struct mmu *mmu, uint32_t linear, unsigned size, bool user) MUST_CHECK;

/* Physical address of one byte for access, walking (and caching) if need be. */
bool mmu_translate(struct mmu *mmu, uint32_t linear, enum mmu_access access, bool user,
                   uint32_t *physical) MUST_CHECK;
/* The same for a debugger: changes nothing, sees unmapped pages as false. */
bool mmu_peek(const struct mmu *mmu, uint32_t linear, uint32_t *physical) MUST_CHECK;

/* Instruction fetch: host address of the byte at linear with everything up to the end of its page
 * readable, and its physical address. NULL: mmu->fault is filled. Code outside RAM and ROM is read
 * byte by byte with mmu_fetch_byte (then *host is NULL, and the return value true). */
bool mmu_fetch_page(struct mmu *mmu, uint32_t linear, const uint8_t **host,
                    uint32_t *physical) MUST_CHECK;
bool mmu_fetch_byte(struct mmu *mmu, uint32_t linear, uint8_t *byte) MUST_CHECK;

#endif
