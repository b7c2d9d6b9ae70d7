#include "base/memory.h"
#include "bus/bus_private.h"

#include <assert.h>
#include <string.h>

void ports_init(struct bus *bus)
{
    bus->readers = mem_new(PORT_COUNT * sizeof *bus->readers);
    bus->writers = mem_new(PORT_COUNT * sizeof *bus->writers);
}

void ports_destroy(struct bus *bus)
{
    mem_free(bus->claims);
    mem_free(bus->readers);
    mem_free(bus->writers);
}

static uint32_t size_mask(unsigned size)
{
    return size >= 4 ? 0xFFFFFFFFu : (1u << (8 * size)) - 1;
}

static unsigned max_size(const struct io_ops *ops)
{
    return ops->max_size ? ops->max_size : 4;
}

uint32_t io_read(const struct io_ops *ops, void *device, uint32_t offset, unsigned size)
{
    unsigned widest = max_size(ops);
    if (size < ops->min_size) {
        uint32_t aligned = offset & ~(uint32_t)(ops->min_size - 1);
        uint32_t whole = ops->read(device, aligned, ops->min_size);
        return whole >> (8 * (offset - aligned)) & size_mask(size);
    }
    if (size <= widest)
        return ops->read(device, offset, size) & size_mask(size);
    uint32_t value = 0;
    for (unsigned done = 0; done < size; done += widest)
        value |= (ops->read(device, offset + done, widest) & size_mask(widest)) << (8 * done);
    return value;
}

void io_write(const struct io_ops *ops, void *device, uint32_t offset, uint32_t value,
              unsigned size)
{
    unsigned widest = max_size(ops);
    if (size < ops->min_size) {
        uint32_t aligned = offset & ~(uint32_t)(ops->min_size - 1);
        ops->write(device, aligned, value << (8 * (offset - aligned)), ops->min_size);
        return;
    }
    if (size <= widest) {
        ops->write(device, offset, value & size_mask(size), size);
        return;
    }
    for (unsigned done = 0; done < size; done += widest)
        ops->write(device, offset + done, value >> (8 * done) & size_mask(widest), widest);
}

/* Puts claim number index on top of its ports. */
static void show_claim(struct bus *bus, unsigned index)
{
    struct port_claim *claim = &bus->claims[index];
    claim->below = bus->writers[claim->first];
    for (uint32_t port = claim->first; port < claim->first + claim->count; port++) {
        if (claim->ops->read)
            bus->readers[port] = (uint16_t)(index + 1);
        if (claim->ops->write)
            bus->writers[port] = (uint16_t)(index + 1);
    }
}

void bus_claim_ports(struct bus *bus, uint16_t first, uint32_t count, const struct io_ops *ops,
                     void *device)
{
    assert(first + count <= PORT_COUNT);
    if (bus->claim_count == bus->claim_capacity) {
        bus->claim_capacity = bus->claim_capacity ? 2 * bus->claim_capacity : 64;
        bus->claims = mem_resize(bus->claims, bus->claim_capacity * sizeof *bus->claims);
    }
    assert(!ops->snoops || count == 1);
    bus->claims[bus->claim_count] = (struct port_claim){ops, device, first, count, 0};
    show_claim(bus, bus->claim_count++);
}

void bus_release_ports(struct bus *bus, uint16_t first, const struct io_ops *ops, void *device)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < bus->claim_count; i++) {
        const struct port_claim *claim = &bus->claims[i];
        if (claim->first != first || claim->ops != ops || claim->device != device)
            bus->claims[kept++] = *claim;
    }
    bus->claim_count = kept;
    memset(bus->readers, 0, PORT_COUNT * sizeof *bus->readers);
    memset(bus->writers, 0, PORT_COUNT * sizeof *bus->writers);
    for (unsigned i = 0; i < kept; i++)
        show_claim(bus, i);
}

/* True when one claim answers all bytes of the access. */
static bool one_owner(const uint16_t *owners, uint16_t port, unsigned size)
{
    if (port + size > PORT_COUNT)
        return size == 1;
    for (unsigned i = 1; i < size; i++) {
        if (owners[port + i] != owners[port])
            return false;
    }
    return true;
}

uint32_t bus_port_read(struct bus *bus, uint16_t port, unsigned size)
{
    if (!one_owner(bus->readers, port, size)) {
        unsigned half = size / 2;
        uint32_t low = bus_port_read(bus, port, half);
        return low | bus_port_read(bus, (uint16_t)(port + half), half) << (8 * half);
    }
    unsigned owner = bus->readers[port];
    if (!owner) {
        log_line(bus->log, LOG_DEBUG, "bus: read of unclaimed port %04Xh", port);
        return size_mask(size);
    }
    const struct port_claim *claim = &bus->claims[owner - 1];
    return io_read(claim->ops, claim->device, (uint32_t)port - claim->first, size);
}

void bus_port_write(struct bus *bus, uint16_t port, uint32_t value, unsigned size)
{
    if (!one_owner(bus->writers, port, size)) {
        unsigned half = size / 2;
        bus_port_write(bus, port, value & size_mask(half), half);
        bus_port_write(bus, (uint16_t)(port + half), value >> (8 * half), half);
        return;
    }
    unsigned owner = bus->writers[port];
    if (!owner) {
        log_line(bus->log, LOG_DEBUG, "bus: write of %Xh to unclaimed port %04Xh", value, port);
        return;
    }
    struct port_claim claim = bus->claims[owner - 1];
    io_write(claim.ops, claim.device, (uint32_t)port - claim.first, value, size);
    while (claim.ops->snoops && claim.below) {
        claim = bus->claims[claim.below - 1];
        io_write(claim.ops, claim.device, (uint32_t)port - claim.first, value, size);
    }
}
