#include "base/memory.h"
#include "bus/bus_private.h"

#include <assert.h>
#include <string.h>

enum { PAGE_SHIFT = 12, PAGE_BYTES = 1 << PAGE_SHIFT };

void ranges_init(struct bus *bus)
{
    bus->page_owner = mem_map(PAGE_COUNT);
}

void ranges_destroy(struct bus *bus)
{
    mem_unmap(bus->page_owner, PAGE_COUNT);
}

/* True when range a, added as number index_a, hides range b, number index_b. */
static bool is_above(const struct bus *bus, unsigned index_a, unsigned index_b)
{
    int a = bus->ranges[index_a].priority;
    int b = bus->ranges[index_b].priority;
    return a != b ? a > b : index_a > index_b;
}

static void show_range(struct bus *bus, unsigned index, uint32_t first_page, uint32_t last_page)
{
    const struct address_range *range = &bus->ranges[index];
    uint32_t first = range->first >> PAGE_SHIFT;
    uint32_t last = range->last >> PAGE_SHIFT;
    if (!range->enabled)
        return;
    if (first < first_page)
        first = first_page;
    if (last > last_page)
        last = last_page;
    for (uint32_t page = first; page <= last && page >= first; page++) {
        unsigned owner = bus->page_owner[page];
        if (!owner || is_above(bus, index, owner - 1))
            bus->page_owner[page] = (uint8_t)(index + 1);
    }
}

/* Recomputes the owners of the pages from first to last, addresses inclusive. */
static void remap(struct bus *bus, uint32_t first, uint32_t last)
{
    uint32_t first_page = first >> PAGE_SHIFT;
    uint32_t last_page = last >> PAGE_SHIFT;
    memset(bus->page_owner + first_page, 0, last_page - first_page + 1);
    for (unsigned i = 0; i < bus->range_count; i++)
        show_range(bus, i, first_page, last_page);
}

static void map_changed(struct bus *bus)
{
    if (bus->memory.map_changed)
        bus->memory.map_changed(bus->memory.opaque);
}

unsigned bus_add_range(struct bus *bus, const struct address_range *range)
{
    assert(bus->range_count < MAX_RANGES);
    unsigned handle = bus->range_count++;
    bus->ranges[handle] = *range;
    show_range(bus, handle, 0, PAGE_COUNT - 1);
    map_changed(bus);
    return handle;
}

static bool same_place(const struct address_range *a, const struct address_range *b)
{
    return a->first == b->first && a->last == b->last && a->priority == b->priority &&
           a->enabled == b->enabled;
}

static bool same_contents(const struct address_range *a, const struct address_range *b)
{
    return a->kind == b->kind && a->memory == b->memory && a->write_memory == b->write_memory &&
           a->ops == b->ops && a->device == b->device && a->dirty == b->dirty;
}

void bus_change_range(struct bus *bus, unsigned handle, const struct address_range *range)
{
    struct address_range old = bus->ranges[handle];
    if (same_place(&old, range) && same_contents(&old, range))
        return;
    bus->ranges[handle] = *range;
    if (!same_place(&old, range)) {
        if (old.enabled)
            remap(bus, old.first, old.last);
        if (range->enabled)
            remap(bus, range->first, range->last);
    }
    map_changed(bus);
}

const struct address_range *bus_range(const struct bus *bus, unsigned handle)
{
    return &bus->ranges[handle];
}

const struct address_range *bus_find_range(const struct bus *bus, uint32_t address)
{
    unsigned owner = bus->page_owner[address >> PAGE_SHIFT];
    if (!owner || bus->ranges[owner - 1].kind == RANGE_NONE)
        return NULL;
    return &bus->ranges[owner - 1];
}

uint32_t bus_range_read(struct bus *bus, const struct address_range *range, uint32_t address,
                        unsigned size)
{
    if (!range->ops->read)
        return 0xFFFFFFFFu >> (32 - 8 * size);
    return io_read(range->ops, range->device, address - range->first, size);
}

void bus_range_write(struct bus *bus, const struct address_range *range, uint32_t address,
                     uint32_t value, unsigned size)
{
    if (range->ops->write)
        io_write(range->ops, range->device, address - range->first, value, size);
}

void bus_clear_dirty(struct bus *bus, unsigned handle)
{
    const struct address_range *range = &bus->ranges[handle];
    bus_clear_dirty_pages(bus, handle, 0, (range->last - range->first) / PAGE_BYTES + 1);
}

void bus_clear_dirty_pages(struct bus *bus, unsigned handle, uint32_t first, uint32_t count)
{
    const struct address_range *range = &bus->ranges[handle];
    uint32_t from = range->first + first * PAGE_BYTES;
    memset(range->dirty + first, 0, count);
    if (bus->memory.dirty_cleared)
        bus->memory.dirty_cleared(bus->memory.opaque, from, from + count * PAGE_BYTES - 1);
}

/* Bytes from address to the end of its page, at most size. */
static size_t bytes_in_page(uint32_t address, size_t size)
{
    size_t left = PAGE_BYTES - (address & (PAGE_BYTES - 1));
    return left < size ? left : size;
}

static void read_page(struct bus *bus, uint32_t address, uint8_t *bytes, size_t size)
{
    const struct address_range *range = bus_find_range(bus, address);
    if (!range) {
        memset(bytes, 0xFF, size);
    } else if (range->kind == RANGE_IO) {
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)bus_range_read(bus, range, address + (uint32_t)i, 1);
    } else {
        memcpy(bytes, range->memory + (address - range->first), size);
    }
}

static void write_page(struct bus *bus, uint32_t address, const uint8_t *bytes, size_t size)
{
    const struct address_range *range = bus_find_range(bus, address);
    if (!range)
        return;
    if (range->kind == RANGE_IO) {
        for (size_t i = 0; i < size; i++)
            bus_range_write(bus, range, address + (uint32_t)i, bytes[i], 1);
        return;
    }
    uint32_t offset = address - range->first;
    uint8_t *to = range->kind == RANGE_MEMORY ? range->memory : range->write_memory;
    if (!to)
        return;
    bus_before_write(bus, to + offset, size);
    memcpy(to + offset, bytes, size);
    if (range->dirty)
        range->dirty[offset / PAGE_BYTES] = 1;
    if (bus->memory.memory_written)
        bus->memory.memory_written(bus->memory.opaque, address, size);
}

void bus_read_memory(struct bus *bus, uint32_t address, void *bytes, size_t size)
{
    for (uint8_t *to = bytes; size > 0;) {
        size_t chunk = bytes_in_page(address, size);
        read_page(bus, address, to, chunk);
        to += chunk;
        address += (uint32_t)chunk;
        size -= chunk;
    }
}

void bus_write_memory(struct bus *bus, uint32_t address, const void *bytes, size_t size)
{
    for (const uint8_t *from = bytes; size > 0;) {
        size_t chunk = bytes_in_page(address, size);
        write_page(bus, address, from, chunk);
        from += chunk;
        address += (uint32_t)chunk;
        size -= chunk;
    }
}
