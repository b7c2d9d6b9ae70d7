#include "tests/device/rig.h"

#include "base/memory.h"

#include <string.h>

static uint64_t get_icount(void *opaque)
{
    return ((struct rig *)opaque)->icount;
}

static void set_wire(void *receiver, unsigned number, bool level)
{
    struct rig_wire *wire = &((struct rig *)receiver)->wire[number];
    if (level && !wire->level)
        wire->rises++;
    if (!level && wire->level)
        wire->falls++;
    wire->level = level;
}

static void sink_write(struct char_backend *chars, const uint8_t *bytes, size_t size)
{
    struct rig *rig = (struct rig *)((uint8_t *)chars - offsetof(struct rig, sink));
    assert_true(rig->sunk_size + size <= RIG_SINK);
    memcpy(rig->sunk + rig->sunk_size, bytes, size);
    rig->sunk_size += size;
}

static void request_exit(void *opaque, uint32_t value)
{
    struct rig *rig = opaque;
    rig->exits++;
    rig->exit_value = value;
}

static void request_reset(void *opaque, bool cpu_only, const char *cause)
{
    struct rig *rig = opaque;
    rig->cpu_resets += cpu_only;
    rig->hard_resets += !cpu_only;
}

static void request_power_off(void *opaque)
{
    ((struct rig *)opaque)->power_offs++;
}

static void set_a20(void *opaque, bool enabled)
{
    ((struct rig *)opaque)->a20 = enabled;
}

struct rig *rig_new_empty(void)
{
    static const struct char_backend_ops sink_ops = {.write = sink_write};
    struct rig *rig = mem_new(sizeof *rig);
    rig->log = log_new(stderr, LOG_WARNING);
    rig->bus = bus_new(rig->log);
    rig->a20 = true;
    rig->sink.ops = &sink_ops;
    clock_set_source(bus_clock(rig->bus), &(struct clock_source){get_icount, NULL, rig});
    clock_set_rate(bus_clock(rig->bus), 1000);
    bus_set_memory(rig->bus, &(struct bus_memory){.opaque = rig, .set_a20 = set_a20});
    bus_set_host(rig->bus, &(struct bus_host){.opaque = rig,
                                              .request_exit = request_exit,
                                              .request_reset = request_reset,
                                              .request_power_off = request_power_off});
    return rig;
}

struct rig *rig_new(void)
{
    struct rig *rig = rig_new_empty();
    rig->memory = mem_map(RIG_MEMORY);
    bus_add_range(rig->bus, &(struct address_range){.first = 0,
                                                    .last = RIG_MEMORY - 1,
                                                    .kind = RANGE_MEMORY,
                                                    .enabled = true,
                                                    .memory = rig->memory});
    return rig;
}

void rig_free(struct rig *rig)
{
    assert_true(bus_device_count(rig->bus) > 0);
    for (unsigned i = 0; i < bus_device_count(rig->bus); i++) {
        void *device;
        const struct device_class *class = bus_device_at(rig->bus, i, &device);
        const char *hole = field_find_hole(class->fields, class->size);
        if (hole)
            fail_msg("%s: the field table has a hole after %s", class->name, hole);
    }
    bus_free(rig->bus);
    log_free(rig->log);
    if (rig->memory)
        mem_unmap(rig->memory, RIG_MEMORY);
    mem_free(rig);
}

struct irq_line rig_wire(struct rig *rig, unsigned number)
{
    return (struct irq_line){set_wire, rig, number};
}

uint8_t rig_in(struct rig *rig, uint16_t port)
{
    return (uint8_t)bus_port_read(rig->bus, port, 1);
}

void rig_out(struct rig *rig, uint16_t port, uint8_t value)
{
    bus_port_write(rig->bus, port, value, 1);
}

uint8_t rig_peek(struct rig *rig, uint32_t address)
{
    uint8_t byte;
    bus_read_memory(rig->bus, address, &byte, 1);
    return byte;
}

void rig_poke(struct rig *rig, uint32_t address, uint8_t byte)
{
    bus_write_memory(rig->bus, address, &byte, 1);
}

uint32_t rig_load(struct rig *rig, uint32_t address)
{
    const struct address_range *range = bus_find_range(rig->bus, address);
    assert_non_null(range);
    return bus_range_read(rig->bus, range, address, 4);
}

void rig_store(struct rig *rig, uint32_t address, uint32_t value)
{
    const struct address_range *range = bus_find_range(rig->bus, address);
    assert_non_null(range);
    bus_range_write(rig->bus, range, address, value, 4);
}

void rig_pass_until(struct rig *rig, uint64_t ns)
{
    struct clock *clock = bus_clock(rig->bus);
    for (uint64_t deadline; (deadline = clock_next_deadline(clock)) <= ns;) {
        rig->icount += clock_insns_until(clock, deadline);
        clock_expire(clock);
    }
    rig->icount += clock_insns_until(clock, ns);
}

void rig_pass(struct rig *rig, uint64_t ns)
{
    rig_pass_until(rig, clock_now(bus_clock(rig->bus)) + ns);
}

void rig_reset(struct rig *rig, enum reset_kind kind)
{
    bus_reset_devices(rig->bus, kind);
}
