/* Ports E9h and 402h. */
#include "devices/debug_console.h"

#include "base/memory.h"

struct debug_console {
    struct char_backend *output;
};

static const struct field debug_console_fields[] = {
    FIELD_TRANSIENT(struct debug_console, output),
    FIELD_END,
};

static uint32_t debug_console_read(void *device, uint32_t offset, unsigned size)
{
    return 0xE9;
}

static void debug_console_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    struct debug_console *console = device;
    uint8_t byte = (uint8_t)value;
    if (console->output)
        console->output->ops->write(console->output, &byte, 1);
}

static const struct device_class debug_console_class = {
    .name = "debug-console",
    .size = sizeof(struct debug_console),
    .fields = debug_console_fields,
};

static const struct io_ops debug_console_ops = {
    debug_console_read,
    debug_console_write,
    .max_size = 1,
};

struct debug_console *debug_console_new(struct bus *bus, struct char_backend *output)
{
    struct debug_console *console = mem_new(sizeof *console);
    console->output = output;
    bus_claim_ports(bus, 0xE9, 1, &debug_console_ops, console);
    bus_claim_ports(bus, 0x402, 1, &debug_console_ops, console);
    bus_add_device(bus, &debug_console_class, console);
    return console;
}
