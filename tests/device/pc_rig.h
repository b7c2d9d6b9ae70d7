/* A bare bus with a virtual clock and recorded outputs, for unit tests of the chipset, the keyboard
 * controller and the VGA. */
#ifndef TESTS_DEVICE_PC_RIG_H
#define TESTS_DEVICE_PC_RIG_H

#include "tests/harness/unit.h"

#include "base/memory.h"
#include "bus/bus.h"

#include <string.h>

enum { RIG_IRQS = 16 };

struct rig {
    struct log *log;
    struct bus *bus;
    struct clock *clock;
    bool irq[RIG_IRQS];
    unsigned rises[RIG_IRQS];
    bool a20;
    unsigned hard_resets, cpu_resets, power_offs, map_changes;
};

static inline void rig_set_irq(void *receiver, unsigned pin, bool level)
{
    struct rig *rig = receiver;
    rig->rises[pin] += level && !rig->irq[pin];
    rig->irq[pin] = level;
}

static inline struct irq_line rig_irq(struct rig *rig, unsigned pin)
{
    return (struct irq_line){.set = rig_set_irq, .receiver = rig, .pin = pin};
}

static inline void rig_set_a20(void *opaque, bool enabled)
{
    ((struct rig *)opaque)->a20 = enabled;
}

static inline void rig_map_changed(void *opaque)
{
    ((struct rig *)opaque)->map_changes++;
}

static inline void rig_request_reset(void *opaque, bool cpu_only, const char *cause)
{
    struct rig *rig = opaque;
    rig->cpu_resets += cpu_only;
    rig->hard_resets += !cpu_only;
}

static inline void rig_request_power_off(void *opaque)
{
    ((struct rig *)opaque)->power_offs++;
}

static inline struct rig *rig_new(void)
{
    struct rig *rig = mem_new(sizeof(*rig));
    rig->log = log_new(stderr, LOG_ERROR);
    rig->bus = bus_new(rig->log);
    rig->clock = bus_clock(rig->bus);
    rig->a20 = true;
    struct bus_memory memory = {
        .opaque = rig,
        .map_changed = rig_map_changed,
        .set_a20 = rig_set_a20,
    };
    bus_set_memory(rig->bus, &memory);
    struct bus_host host = {
        .opaque = rig,
        .request_reset = rig_request_reset,
        .request_power_off = rig_request_power_off,
    };
    bus_set_host(rig->bus, &host);
    return rig;
}

static inline void rig_free(struct rig *rig)
{
    bus_free(rig->bus);
    log_free(rig->log);
    mem_free(rig);
}

/* Lets ns pass, with every timer in its turn. */
static inline void rig_pass(struct rig *rig, uint64_t ns)
{
    uint64_t end = clock_now(rig->clock) + ns;
    while (clock_next_deadline(rig->clock) <= end) {
        clock_skip_to(rig->clock, clock_next_deadline(rig->clock));
        clock_expire(rig->clock);
    }
    clock_skip_to(rig->clock, end);
}

static inline uint32_t rig_in8(struct rig *rig, uint16_t port)
{
    return bus_port_read(rig->bus, port, 1);
}

static inline void rig_out8(struct rig *rig, uint16_t port, uint32_t value)
{
    bus_port_write(rig->bus, port, value, 1);
}

/* Guest memory, by physical address. */
static inline uint8_t rig_peek(struct rig *rig, uint32_t address)
{
    uint8_t byte;
    bus_read_memory(rig->bus, address, &byte, 1);
    return byte;
}

static inline void rig_poke(struct rig *rig, uint32_t address, uint8_t byte)
{
    bus_write_memory(rig->bus, address, &byte, 1);
}

/* Every device on the bus declares every byte of its state. */
static inline void rig_check_fields(struct rig *rig)
{
    assert_true(bus_device_count(rig->bus) > 0);
    for (unsigned i = 0; i < bus_device_count(rig->bus); i++) {
        void *device;
        const struct device_class *class = bus_device_at(rig->bus, i, &device);
        const char *hole = field_find_hole(class->fields, class->size);
        if (hole)
            fail_msg("%s: hole after %s", class->name, hole);
    }
}

#endif
