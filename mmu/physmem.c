#include "mmu/physmem.h"

#include "base/bits.h"
#include "base/memory.h"

#include <assert.h>

enum { CODE_MAP_PAGE = PAGE_SIZE / 8 }; /* bytes of the map for a page */

/* Whether a page has marks in code_map. HAD_CODE: not any more, but its writes are still trapped.
 */
enum page_code { NO_CODE, HAS_CODE, HAD_CODE };

struct physmem {
    struct bus *bus;
    uint8_t *ram;
    uint64_t ram_size;
    uint32_t a20_mask;
    uint8_t *code_map; /* a bit for each byte of RAM; committed as used */
    uint8_t
        *has_code; /* by RAM page: 1 if anything in its part of code_map is or was set, else 0 */
    struct tlb_listener tlb;
    struct code_watcher watcher;
};

static void flush_translations(void *opaque)
{
    struct physmem *phys = opaque;
    if (phys->tlb.flush)
        phys->tlb.flush(phys->tlb.opaque);
    if (phys->watcher.map_changed)
        phys->watcher.map_changed(phys->watcher.opaque);
}

static void trap_writes(void *opaque, uint32_t first, uint32_t last)
{
    struct physmem *phys = opaque;
    if (phys->tlb.trap_writes)
        phys->tlb.trap_writes(phys->tlb.opaque, first, last);
}

static void memory_written(void *opaque, uint32_t address, size_t size)
{
    physmem_note_write(opaque, address, (uint32_t)size);
}

static void set_a20(void *opaque, bool enabled)
{
    physmem_set_a20(opaque, enabled);
}

struct physmem *physmem_new(struct bus *bus, uint64_t ram_size)
{
    assert(ram_size >= PHYSMEM_RAM_MIN && ram_size <= PHYSMEM_RAM_MAX);
    struct physmem *phys = mem_new(sizeof *phys);
    phys->bus = bus;
    phys->ram_size = ram_size;
    phys->ram = mem_map_large(ram_size);
    bus_add_block(bus, phys->ram, ram_size);
    phys->code_map = mem_map(ram_size / 8 + PHYSMEM_CODE_MAP_EXCESS);
    phys->has_code = mem_map(ram_size >> PAGE_SHIFT);
    phys->a20_mask = 0xFFFFFFFFu;
    bus_add_range(bus, &(struct address_range){
                           .last = (uint32_t)(ram_size - 1),
                           .kind = RANGE_MEMORY,
                           .enabled = true,
                           .memory = phys->ram,
                       });
    bus_set_memory(bus, &(struct bus_memory){
                            .opaque = phys,
                            .map_changed = flush_translations,
                            .memory_written = memory_written,
                            .dirty_cleared = trap_writes,
                            .set_a20 = set_a20,
                        });
    return phys;
}

void physmem_free(struct physmem *phys)
{
    mem_unmap(phys->ram, phys->ram_size);
    mem_unmap(phys->code_map, phys->ram_size / 8 + PHYSMEM_CODE_MAP_EXCESS);
    mem_unmap(phys->has_code, phys->ram_size >> PAGE_SHIFT);
    mem_free(phys);
}

void physmem_set_tlb(struct physmem *phys, const struct tlb_listener *tlb)
{
    phys->tlb = *tlb;
}

void physmem_set_watcher(struct physmem *phys, const struct code_watcher *watcher)
{
    phys->watcher = *watcher;
}

uint8_t *physmem_ram(struct physmem *phys)
{
    return phys->ram;
}

uint64_t physmem_ram_size(const struct physmem *phys)
{
    return phys->ram_size;
}

const uint8_t *physmem_ram_at(struct physmem *phys, uint32_t address)
{
    const struct address_range *range = bus_find_range(phys->bus, address);
    if (!range || range->kind != RANGE_MEMORY || address >= phys->ram_size)
        return NULL;
    const uint8_t *host = range->memory + (address - range->first);
    return host == phys->ram + address ? host : NULL;
}

uint32_t physmem_a20_mask(const struct physmem *phys)
{
    return phys->a20_mask;
}

void physmem_set_a20(struct physmem *phys, bool enabled)
{
    uint32_t mask = enabled ? 0xFFFFFFFFu : ~(1u << 20);
    if (mask == phys->a20_mask)
        return;
    phys->a20_mask = mask;
    flush_translations(phys);
}

static uint32_t read_memory(const struct address_range *range, uint32_t address, unsigned size)
{
    if (!range || range->kind == RANGE_IO)
        return 0xFFFFFFFFu >> (32 - 8 * size);
    uint32_t value = 0;
    memcpy(&value, range->memory + (address - range->first), size);
    return value;
}

uint32_t phys_read(struct physmem *phys, uint32_t address, unsigned size)
{
    address &= phys->a20_mask;
    const struct address_range *range = bus_find_range(phys->bus, address);
    if (range && range->kind == RANGE_IO)
        return bus_range_read(phys->bus, range, address, size);
    return read_memory(range, address, size);
}

uint32_t phys_peek(struct physmem *phys, uint32_t address, unsigned size)
{
    address &= phys->a20_mask;
    return read_memory(bus_find_range(phys->bus, address), address, size);
}

void phys_write(struct physmem *phys, uint32_t address, uint32_t value, unsigned size)
{
    address &= phys->a20_mask;
    const struct address_range *range = bus_find_range(phys->bus, address);
    if (!range)
        return;
    if (range->kind == RANGE_IO) {
        bus_range_write(phys->bus, range, address, value, size);
        return;
    }
    uint32_t offset = address - range->first;
    uint8_t *to = range->kind == RANGE_MEMORY ? range->memory : range->write_memory;
    if (!to)
        return;
    bus_before_write(phys->bus, to + offset, size);
    memcpy(to + offset, &value, size);
    if (range->dirty)
        range->dirty[offset >> PAGE_SHIFT] = 1;
    physmem_note_write(phys, address, size);
}

/* --- where code is --- */

const uint8_t *physmem_code_map(const struct physmem *phys)
{
    return phys->code_map;
}

const uint8_t *physmem_code_pages(const struct physmem *phys)
{
    return phys->has_code;
}

/* Of the size bits (at most 8) from address on, those in the map's byte for address. */
static uint8_t byte_mask(uint32_t address, uint32_t size)
{
    unsigned first = address & 7;
    return (uint8_t)((size < 8 ? (1u << size) - 1 : 0xFFu) << first);
}

/* How many of size bytes are in the same byte of the map as address. */
static uint32_t in_byte(uint32_t address, uint32_t size)
{
    uint32_t left = 8 - (address & 7);
    return size < left ? size : left;
}

void physmem_mark_code(struct physmem *phys, uint32_t address, uint32_t size)
{
    if (address >= phys->ram_size)
        return;
    uint8_t *has_code = &phys->has_code[address >> PAGE_SHIFT];
    if (*has_code == NO_CODE)
        trap_writes(phys, address & ~(uint32_t)PAGE_MASK, address | PAGE_MASK);
    *has_code = HAS_CODE;
    for (uint32_t step; size > 0; address += step, size -= step) {
        step = in_byte(address, size);
        phys->code_map[address >> 3] |= byte_mask(address, step);
    }
}

void physmem_unmark_code(struct physmem *phys, uint32_t address, uint32_t size)
{
    if (address >= phys->ram_size)
        return;
    for (uint32_t step; size > 0; address += step, size -= step) {
        step = in_byte(address, size);
        phys->code_map[address >> 3] &= (uint8_t)~byte_mask(address, step);
    }
}

void physmem_clear_code(struct physmem *phys, uint32_t address)
{
    if (address >= phys->ram_size)
        return;
    uint32_t page = address >> PAGE_SHIFT;
    phys->has_code[page] = NO_CODE;
    memset(phys->code_map + (size_t)page * CODE_MAP_PAGE, 0, CODE_MAP_PAGE);
}

void physmem_end_code(struct physmem *phys, uint32_t address)
{
    if (physmem_page_has_code(phys, address))
        phys->has_code[address >> PAGE_SHIFT] = HAD_CODE;
}

void physmem_settle_code(struct physmem *phys, uint32_t address)
{
    if (address < phys->ram_size && phys->has_code[address >> PAGE_SHIFT] == HAD_CODE)
        phys->has_code[address >> PAGE_SHIFT] = NO_CODE;
}

bool physmem_page_has_code(const struct physmem *phys, uint32_t address)
{
    return address < phys->ram_size && phys->has_code[address >> PAGE_SHIFT];
}

bool physmem_is_code(const struct physmem *phys, uint32_t address, uint32_t size)
{
    if (!physmem_page_has_code(phys, address))
        return false;
    for (uint32_t step; size > 0; address += step, size -= step) {
        step = in_byte(address, size);
        if (phys->code_map[address >> 3] & byte_mask(address, step))
            return true;
    }
    return false;
}

static void note_page_write(struct physmem *phys, uint32_t address, uint32_t size)
{
    if (physmem_is_code(phys, address, size))
        phys->watcher.written(phys->watcher.opaque, address, size);
}

void physmem_note_write(struct physmem *phys, uint32_t address, uint32_t size)
{
    if (!phys->watcher.written)
        return;
    while (size > 0 && address < phys->ram_size) {
        uint32_t chunk = PAGE_SIZE - (address & PAGE_MASK);
        if (chunk > size)
            chunk = size;
        note_page_write(phys, address, chunk);
        address += chunk;
        size -= chunk;
    }
}
