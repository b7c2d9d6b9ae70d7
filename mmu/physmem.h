/* Physical memory: RAM and ROM blocks of the host, access by physical address, gate A20, and the
 * record of which bytes hold decoded or translated code.
 *
 * Addresses above 4 GiB (reachable through PAE page tables) hold nothing: reads give all ones. */
#ifndef MMU_PHYSMEM_H
#define MMU_PHYSMEM_H

#include "bus/bus.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PAGE_SHIFT = 12, PAGE_SIZE = 1 << PAGE_SHIFT, PAGE_MASK = PAGE_SIZE - 1 };

#define PHYSMEM_RAM_MIN (UINT64_C(1) << 20)
#define PHYSMEM_RAM_MAX (UINT64_C(3584) << 20) /* 3.5 GiB: chips live above */
/* A page that the chipset decodes to nothing; stands for every address above 4 GiB. */
#define PHYSMEM_UNMAPPED_PAGE 0xFEFFF000u

enum { PHYSMEM_CODE_MAP_EXCESS = 8 };

struct physmem;

/* Who keeps decoded code, and must forget it. */
struct code_watcher {
    /* Bytes [address, address + size) of RAM, some of which hold code, have been written. Must not
     * free a block that is running. */
    void (*written)(void *opaque, uint32_t address, uint32_t size);
    /* The physical map or A20 changed: all blocks are void (the MMU has flushed its TLB). */
    void (*map_changed)(void *opaque);
    void *opaque;
};

/* The TLB, which must follow; set by mmu_new. */
struct tlb_listener {
    /* The next write to a physical page in [first, last] must reach the slow path. */
    void (*trap_writes)(void *opaque, uint32_t first, uint32_t last);
    void (*flush)(void *opaque);
    void *opaque;
};

/* ram_size in bytes, a multiple of 1 MiB (at least PHYSMEM_RAM_MIN). Adds the RAM range to the bus
 * and becomes its bus_memory.
 * The bus stays owned by the caller and must outlive the physmem. */
struct physmem *physmem_new(struct bus *bus, uint64_t ram_size);
void physmem_free(struct physmem *phys);
void physmem_set_tlb(struct physmem *phys, const struct tlb_listener *tlb);
void physmem_set_watcher(struct physmem *phys, const struct code_watcher *watcher);

/* Host address of guest RAM, physmem_ram_size bytes; RAM is one block, physical 0 first. */
uint8_t *physmem_ram(struct physmem *phys);
uint64_t physmem_ram_size(const struct physmem *phys);

/* Host address of what the processor sees at address, if that is RAM; NULL: something else is
 * there, such as ROM, which may hide RAM. */
const uint8_t *physmem_ram_at(struct physmem *phys, uint32_t address);

/* 0xFFFFFFFF, or ~(1 << 20) with gate A20 closed. */
uint32_t physmem_a20_mask(const struct physmem *phys);
void physmem_set_a20(struct physmem *phys, bool enabled);

/* Access by physical address as the processor makes it (A20 applied). size 1, 2, 4 and inside one
 * page; any range. Writes honour ROM, dirty marks, and code watching. */
uint32_t phys_read(struct physmem *phys, uint32_t address, unsigned size);
void phys_write(struct physmem *phys, uint32_t address, uint32_t value, unsigned size);

/* The same for a debugger: chips' registers are not touched, and read as all ones. */
uint32_t phys_peek(struct physmem *phys, uint32_t address, unsigned size);

/* Code tracking, byte by byte. Marks [address, address + size), within one page, as holding code,
 * so that a write to any of them reaches the watcher. */
void physmem_mark_code(struct physmem *phys, uint32_t address, uint32_t size);
/* Takes the marks of the bytes away. */
void physmem_unmark_code(struct physmem *phys, uint32_t address, uint32_t size);
/* No marks are left in the page that holds address. It still counts as one with code until it is
 * settled, since what was rewritten is often rewritten again. */
void physmem_end_code(struct physmem *phys, uint32_t address);
void physmem_settle_code(struct physmem *phys, uint32_t address);
/* Forgets all marks of the page that holds address; the page is no longer write-trapped for code.
 */
void physmem_clear_code(struct physmem *phys, uint32_t address);
bool physmem_page_has_code(const struct physmem *phys, uint32_t address);
/* Whether any of the bytes, within one page, is marked. */
bool physmem_is_code(const struct physmem *phys, uint32_t address, uint32_t size);
/* The marks, for translated code that looks for itself: a bit for each byte of RAM, the lowest of
 * each byte first. Any mark of an address in RAM can be read with the PHYSMEM_CODE_MAP_EXCESS bytes
 * behind it. */
const uint8_t *physmem_code_map(const struct physmem *phys);
/* A byte for each page of RAM: 0 if it does not count as one with code. */
const uint8_t *physmem_code_pages(const struct physmem *phys);
/* After a write: tells the watcher when it has touched marked bytes. For every path that writes
 * RAM. */
void physmem_note_write(struct physmem *phys, uint32_t address, uint32_t size);

#endif
