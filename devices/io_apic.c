/* 82093AA. */
#include "devices/io_apic.h"

#include "base/bits.h"
#include "base/memory.h"

enum {
    WINDOW_SIZE = 0x1000,
    SELECT = 0x00,
    WINDOW = 0x10,

    INDEX_ID = 0,
    INDEX_VERSION = 1,
    INDEX_ARBITRATION = 2,
    INDEX_TABLE = 0x10,

    ENTRY_LOGICAL = 1 << 11,
    ENTRY_REMOTE_IRR = 1 << 14,
    ENTRY_LEVEL = 1 << 15,
    ENTRY_MASKED = 1 << 16,
    ENTRY_WRITABLE = 0x1AFFF,
};

#define BASE_ADDRESS  0xFEC00000u
#define VERSION_VALUE (0x11u | (IO_APIC_PINS - 1) << 16)
#define ID_WRITABLE   0x0F000000u

struct io_apic {
    uint32_t select, id;
    uint32_t low[IO_APIC_PINS], high[IO_APIC_PINS]; /* the redirection table */
    bool pin[IO_APIC_PINS];                         /* levels */
    struct local_apic *apic;
    struct bus *bus;
};

static const struct field io_apic_fields[] = {
    FIELD_MOST(struct io_apic, select, UINT8_MAX), FIELD(struct io_apic, id),
    FIELD_ARRAY(struct io_apic, low, uint32_t),    FIELD_ARRAY(struct io_apic, high, uint32_t),
    FIELD_ARRAY(struct io_apic, pin, bool),        FIELD_TRANSIENT(struct io_apic, apic),
    FIELD_TRANSIENT(struct io_apic, bus),          FIELD_END,
};

/* --- messages --- */

static unsigned entry_delivery(uint32_t low)
{
    return low >> 8 & 7;
}

/* Only fixed and lowest-priority entries have a level-triggered protocol with EOI. */
static bool is_level(uint32_t low)
{
    return (low & ENTRY_LEVEL) && entry_delivery(low) <= APIC_LOWEST_PRIORITY;
}

static bool send(struct io_apic *io_apic, unsigned pin, bool assert)
{
    uint32_t low = io_apic->low[pin];
    struct apic_message message = {
        .vector = (uint8_t)low,
        .delivery = (uint8_t)entry_delivery(low),
        .logical = low & ENTRY_LOGICAL,
        .destination = (uint8_t)(io_apic->high[pin] >> 24),
        .level = is_level(low),
        .assert = assert,
    };
    return local_apic_deliver(io_apic->apic, &message);
}

/* A level-triggered input that is active, and not yet being served. */
static void serve_level(struct io_apic *io_apic, unsigned pin)
{
    uint32_t *low = &io_apic->low[pin];
    if (!is_level(*low) || (*low & (ENTRY_MASKED | ENTRY_REMOTE_IRR)) || !io_apic->pin[pin])
        return;
    if (send(io_apic, pin, true))
        *low |= ENTRY_REMOTE_IRR;
}

static void set_pin(void *receiver, unsigned pin, bool level)
{
    struct io_apic *io_apic = receiver;
    uint32_t low = io_apic->low[pin];
    if (level == io_apic->pin[pin])
        return;
    io_apic->pin[pin] = level;
    if (low & ENTRY_MASKED)
        return; /* an edge is lost, a level waits */
    if (entry_delivery(low) == APIC_EXTINT)
        send(io_apic, pin, level);
    else if (is_level(low))
        serve_level(io_apic, pin);
    else if (level)
        send(io_apic, pin, true);
}

struct irq_line io_apic_irq(struct io_apic *io_apic, unsigned pin)
{
    return (struct irq_line){set_pin, io_apic, pin % IO_APIC_PINS};
}

/* Also the moment to send again what the local APIC refused. */
static void end_of_interrupt(void *device, uint8_t vector)
{
    struct io_apic *io_apic = device;
    for (unsigned pin = 0; pin < IO_APIC_PINS; pin++) {
        uint32_t *low = &io_apic->low[pin];
        if ((*low & 0xFF) == vector)
            *low &= ~(uint32_t)ENTRY_REMOTE_IRR;
        serve_level(io_apic, pin);
    }
}

/* --- registers --- */

static bool extint_unmasked(uint32_t low)
{
    return entry_delivery(low) == APIC_EXTINT && !(low & ENTRY_MASKED);
}

/* Remote IRR is read-only, and only of level-triggered entries. */
static void write_low(struct io_apic *io_apic, unsigned pin, uint32_t value)
{
    uint32_t *low = &io_apic->low[pin];
    if (extint_unmasked(*low))
        send(io_apic, pin, false);
    *low = (value & ENTRY_WRITABLE) | (*low & ENTRY_REMOTE_IRR);
    if (!(value & ENTRY_LEVEL))
        *low &= ~(uint32_t)ENTRY_REMOTE_IRR;
    if (extint_unmasked(*low))
        send(io_apic, pin, io_apic->pin[pin]);
    serve_level(io_apic, pin);
}

static uint32_t read_index(const struct io_apic *io_apic)
{
    uint32_t index = io_apic->select;
    if (index == INDEX_ID || index == INDEX_ARBITRATION)
        return io_apic->id;
    if (index == INDEX_VERSION)
        return VERSION_VALUE;
    unsigned pin = (index - INDEX_TABLE) >> 1;
    if (index < INDEX_TABLE || pin >= IO_APIC_PINS)
        return 0;
    return index & 1 ? io_apic->high[pin] : io_apic->low[pin];
}

static void write_index(struct io_apic *io_apic, uint32_t value)
{
    uint32_t index = io_apic->select;
    unsigned pin = (index - INDEX_TABLE) >> 1;
    if (index == INDEX_ID)
        io_apic->id = value & ID_WRITABLE;
    else if (index < INDEX_TABLE || pin >= IO_APIC_PINS)
        log_line(bus_log(io_apic->bus), LOG_DEBUG, "I/O APIC: write of %Xh to register %02Xh",
                 value, index);
    else if (index & 1)
        io_apic->high[pin] = value & 0xFF000000;
    else
        write_low(io_apic, pin, value);
}

static uint32_t window_read(void *device, uint32_t offset, unsigned size)
{
    struct io_apic *io_apic = device;
    switch (offset) {
    case SELECT:
        return io_apic->select;
    case WINDOW:
        return read_index(io_apic);
    default:
        return 0xFFFFFFFF;
    }
}

static void window_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    struct io_apic *io_apic = device;
    if (offset == SELECT)
        io_apic->select = value & 0xFF;
    else if (offset == WINDOW)
        write_index(io_apic, value);
}

static const struct io_ops window_ops = {window_read, window_write, .max_size = 4, .min_size = 4};

/* --- the device --- */

static void io_apic_reset(void *device, enum reset_kind kind)
{
    struct io_apic *io_apic = device;
    io_apic->select = io_apic->id = 0;
    for (unsigned pin = 0; pin < IO_APIC_PINS; pin++) {
        io_apic->low[pin] = ENTRY_MASKED;
        io_apic->high[pin] = 0;
    }
}

static const struct device_class io_apic_class = {
    .name = "io-apic",
    .size = sizeof(struct io_apic),
    .fields = io_apic_fields,
    .reset = io_apic_reset,
};

struct io_apic *io_apic_new(struct bus *bus, struct local_apic *apic)
{
    struct io_apic *io_apic = mem_new(sizeof *io_apic);
    io_apic->bus = bus;
    io_apic->apic = apic;
    io_apic_reset(io_apic, RESET_POWER_ON);
    bus_add_range(bus, &(struct address_range){
                           .first = BASE_ADDRESS,
                           .last = BASE_ADDRESS + WINDOW_SIZE - 1,
                           .priority = 10,
                           .kind = RANGE_IO,
                           .enabled = true,
                           .ops = &window_ops,
                           .device = io_apic,
                       });
    local_apic_connect_eoi(apic, end_of_interrupt, io_apic);
    bus_add_device(bus, &io_apic_class, io_apic);
    return io_apic;
}
