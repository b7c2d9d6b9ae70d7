#include "bus/bus.h"

#include "base/memory.h"
#include "bus/bus_private.h"

#include <assert.h>

struct bus *bus_new(struct log *log)
{
    struct bus *bus = mem_new(sizeof *bus);
    bus->log = log;
    bus->clock = clock_new();
    ports_init(bus);
    ranges_init(bus);
    return bus;
}

void bus_free(struct bus *bus)
{
    while (bus->device_count > 0) {
        struct bus_device *device = &bus->devices[--bus->device_count];
        if (device->class->free)
            device->class->free(device->state);
        else
            mem_free(device->state);
    }
    ports_destroy(bus);
    ranges_destroy(bus);
    blocks_destroy(bus);
    clock_free(bus->clock);
    mem_free(bus);
}

struct clock *bus_clock(struct bus *bus)
{
    return bus->clock;
}

struct log *bus_log(struct bus *bus)
{
    return bus->log;
}

void bus_add_device(struct bus *bus, const struct device_class *class, void *device)
{
    assert(bus->device_count < MAX_DEVICES);
    bus->devices[bus->device_count++] = (struct bus_device){class, device};
}

void bus_reset_devices(struct bus *bus, enum reset_kind kind)
{
    for (unsigned i = 0; i < bus->device_count; i++) {
        const struct bus_device *device = &bus->devices[i];
        if (device->class->reset)
            device->class->reset(device->state, kind);
    }
}

unsigned bus_device_count(const struct bus *bus)
{
    return bus->device_count;
}

const struct device_class *bus_device_at(const struct bus *bus, unsigned index, void **device)
{
    *device = bus->devices[index].state;
    return bus->devices[index].class;
}

void bus_set_host(struct bus *bus, const struct bus_host *host)
{
    bus->host = *host;
}

void bus_set_memory(struct bus *bus, const struct bus_memory *memory)
{
    bus->memory = *memory;
}

void bus_set_a20(struct bus *bus, bool enabled)
{
    if (bus->memory.set_a20)
        bus->memory.set_a20(bus->memory.opaque, enabled);
}

void bus_request_reset(struct bus *bus, bool cpu_only, const char *cause)
{
    if (bus->host.request_reset)
        bus->host.request_reset(bus->host.opaque, cpu_only, cause);
}

void bus_request_power_off(struct bus *bus)
{
    if (bus->host.request_power_off)
        bus->host.request_power_off(bus->host.opaque);
}

void bus_request_exit(struct bus *bus, uint32_t value)
{
    if (bus->host.request_exit)
        bus->host.request_exit(bus->host.opaque, value);
}
