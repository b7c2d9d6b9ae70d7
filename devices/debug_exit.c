/* Ports F4h..F7h and 501h. */
#include "devices/debug_exit.h"

#include "base/memory.h"

struct debug_exit {
    struct bus *bus;
};

static const struct field debug_exit_fields[] = {
    FIELD_TRANSIENT(struct debug_exit, bus),
    FIELD_END,
};

static uint32_t debug_exit_read(void *device, uint32_t offset, unsigned size)
{
    return 0;
}

static void debug_exit_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    struct debug_exit *exit_port = device;
    bus_request_exit(exit_port->bus, value);
}

static const struct device_class debug_exit_class = {
    .name = "debug-exit",
    .size = sizeof(struct debug_exit),
    .fields = debug_exit_fields,
};

static const struct io_ops debug_exit_ops = {debug_exit_read, debug_exit_write, .max_size = 4};

struct debug_exit *debug_exit_new(struct bus *bus)
{
    struct debug_exit *exit_port = mem_new(sizeof *exit_port);
    exit_port->bus = bus;
    bus_claim_ports(bus, 0xF4, 4, &debug_exit_ops, exit_port);
    bus_claim_ports(bus, 0x501, 1, &debug_exit_ops, exit_port);
    bus_add_device(bus, &debug_exit_class, exit_port);
    return exit_port;
}
