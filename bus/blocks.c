/* Guest memory as blocks, and the page that is written for the first time since the last
 * bus_arm_pages. */
#include "base/memory.h"
#include "bus/bus_private.h"

#include <assert.h>
#include <string.h>

void blocks_destroy(struct bus *bus)
{
    for (unsigned i = 0; i < bus->block_count; i++)
        mem_unmap(bus->blocks[i].armed, bus->blocks[i].size / BUS_BLOCK_PAGE);
}

unsigned bus_add_block(struct bus *bus, uint8_t *memory, size_t size)
{
    assert(bus->block_count < BUS_BLOCKS && size % BUS_BLOCK_PAGE == 0);
    bus->blocks[bus->block_count] = (struct memory_block){
        .memory = memory,
        .size = size,
        .armed = mem_map(size / BUS_BLOCK_PAGE),
    };
    return bus->block_count++;
}

unsigned bus_block_count(const struct bus *bus)
{
    return bus->block_count;
}

uint8_t *bus_block(const struct bus *bus, unsigned block, size_t *size)
{
    *size = bus->blocks[block].size;
    return bus->blocks[block].memory;
}

static void set_armed(struct bus *bus, bool armed)
{
    for (unsigned i = 0; i < bus->block_count; i++)
        memset(bus->blocks[i].armed, armed, bus->blocks[i].size / BUS_BLOCK_PAGE);
}

void bus_set_page_watcher(struct bus *bus, bus_page_watcher *watcher, void *opaque)
{
    bus->page_watcher = watcher;
    bus->page_watcher_opaque = opaque;
    if (!watcher)
        set_armed(bus, false);
}

void bus_arm_pages(struct bus *bus)
{
    assert(bus->page_watcher);
    set_armed(bus, true);
    if (bus->memory.dirty_cleared)
        bus->memory.dirty_cleared(bus->memory.opaque, 0, UINT32_MAX);
}

/* The block that holds host; NULL: it is not guest memory that changes. */
static const struct memory_block *find_block(const struct bus *bus, const uint8_t *host)
{
    for (unsigned i = 0; i < bus->block_count; i++) {
        const struct memory_block *block = &bus->blocks[i];
        if ((uintptr_t)host - (uintptr_t)block->memory < block->size)
            return block;
    }
    return NULL;
}

bool bus_page_is_armed(const struct bus *bus, const uint8_t *host)
{
    const struct memory_block *block = bus->page_watcher ? find_block(bus, host) : NULL;
    return block && block->armed[(size_t)(host - block->memory) / BUS_BLOCK_PAGE];
}

void bus_before_write(struct bus *bus, const uint8_t *host, size_t size)
{
    const struct memory_block *block = bus->page_watcher ? find_block(bus, host) : NULL;
    if (!block || size == 0)
        return;
    size_t first = (size_t)(host - block->memory) / BUS_BLOCK_PAGE;
    size_t last = ((size_t)(host - block->memory) + size - 1) / BUS_BLOCK_PAGE;
    for (size_t page = first; page <= last; page++) {
        if (!block->armed[page])
            continue;
        block->armed[page] = 0;
        bus->page_watcher(bus->page_watcher_opaque, (unsigned)(block - bus->blocks), page);
    }
}
