#include "devices/a20_gate.h"

#include "base/memory.h"

struct a20_gate {
    bool enabled;

    struct bus *bus;
};

static const struct field a20_gate_fields[] = {
    FIELD(struct a20_gate, enabled),
    FIELD_TRANSIENT(struct a20_gate, bus),
    FIELD_END,
};

void a20_gate_set(struct a20_gate *gate, bool enabled)
{
    if (gate->enabled == enabled)
        return;
    gate->enabled = enabled;
    bus_set_a20(gate->bus, enabled);
}

bool a20_gate_enabled(const struct a20_gate *gate)
{
    return gate->enabled;
}

static void a20_gate_reset(void *device, enum reset_kind kind)
{
    a20_gate_set(device, true);
}

static void a20_gate_after_load(void *device)
{
    struct a20_gate *gate = device;
    bus_set_a20(gate->bus, gate->enabled);
}

static const struct device_class a20_gate_class = {
    .name = "a20_gate",
    .size = sizeof(struct a20_gate),
    .fields = a20_gate_fields,
    .reset = a20_gate_reset,
    .after_load = a20_gate_after_load,
};

struct a20_gate *a20_gate_new(struct bus *bus)
{
    struct a20_gate *gate = mem_new(sizeof(*gate));
    gate->bus = bus;
    gate->enabled = true;
    bus_add_device(bus, &a20_gate_class, gate);
    return gate;
}
