/* System control port B. */
#include "devices/port61.h"

#include "base/memory.h"

enum {
    TIMER2_GATE = 0x01,
    SPEAKER_DATA = 0x02,
    SERR_DISABLE = 0x04,
    IOCHK_DISABLE = 0x08,
    REFRESH_TOGGLE = 0x10,
    TIMER2_OUTPUT = 0x20,
    IOCHK_STATUS = 0x40,
    SERR_STATUS = 0x80,
    WRITABLE = 0x0F,

    /* Memory refresh runs off the PIT's input clock: a row every 18 ticks, 15.085 microseconds. */
    REFRESH_TICKS = 18,
};

enum port61_pin { PIN_SERR, PIN_IOCHK, PIN_NMI_MASK };

struct port61 {
    uint8_t control; /* bits 0..3 */
    uint8_t status;  /* bits 6 and 7 */
    bool serr, iochk;
    bool masked; /* port 70h bit 7 */
    bool nmi_level;
    struct i8254 *pit;
    struct clock *clock;
    struct irq_line nmi;
};

static const struct field port61_fields[] = {
    FIELD(struct port61, control),       FIELD(struct port61, status),
    FIELD(struct port61, serr),          FIELD(struct port61, iochk),
    FIELD(struct port61, masked),        FIELD(struct port61, nmi_level),
    FIELD_TRANSIENT(struct port61, pit), FIELD_TRANSIENT(struct port61, clock),
    FIELD_TRANSIENT(struct port61, nmi), FIELD_END,
};

static void update_nmi(struct port61 *port)
{
    if (port->control & SERR_DISABLE)
        port->status &= (uint8_t)~SERR_STATUS;
    else if (port->serr)
        port->status |= SERR_STATUS;
    if (port->control & IOCHK_DISABLE)
        port->status &= (uint8_t)~IOCHK_STATUS;
    else if (port->iochk)
        port->status |= IOCHK_STATUS;

    bool level = port->status && !port->masked;
    if (level != port->nmi_level) {
        port->nmi_level = level;
        irq_set(&port->nmi, level);
    }
}

static void set_pin(void *receiver, unsigned pin, bool level)
{
    struct port61 *port = receiver;
    switch ((enum port61_pin)pin) {
    case PIN_SERR:
        port->serr = level;
        break;
    case PIN_IOCHK:
        port->iochk = level;
        break;
    case PIN_NMI_MASK:
        port->masked = level;
        break;
    }
    update_nmi(port);
}

struct irq_line port61_serr(struct port61 *port)
{
    return (struct irq_line){set_pin, port, PIN_SERR};
}

struct irq_line port61_iochk(struct port61 *port)
{
    return (struct irq_line){set_pin, port, PIN_IOCHK};
}

struct irq_line port61_nmi_mask(struct port61 *port)
{
    return (struct irq_line){set_pin, port, PIN_NMI_MASK};
}

bool port61_speaker(struct port61 *port)
{
    return (port->control & SPEAKER_DATA) && i8254_output(port->pit, 2);
}

static uint32_t port61_read(void *device, uint32_t offset, unsigned size)
{
    struct port61 *port = device;
    uint32_t value = port->control | port->status;
    if (clock_ticks(port->clock, I8254_HERTZ) / REFRESH_TICKS & 1)
        value |= REFRESH_TOGGLE;
    if (i8254_output(port->pit, 2))
        value |= TIMER2_OUTPUT;
    return value;
}

static void port61_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    struct port61 *port = device;
    port->control = value & WRITABLE;
    i8254_set_gate2(port->pit, value & TIMER2_GATE);
    update_nmi(port);
}

/* PIIX3: both NMI sources are enabled after reset, and the processor's own mask is in port 70h. */
static void port61_reset(void *device, enum reset_kind kind)
{
    struct port61 *port = device;
    port->control = 0;
    port->status = 0;
    i8254_set_gate2(port->pit, false);
    update_nmi(port);
}

static const struct device_class port61_class = {
    .name = "port61",
    .size = sizeof(struct port61),
    .fields = port61_fields,
    .reset = port61_reset,
};

static const struct io_ops port61_ops = {port61_read, port61_write, .max_size = 1};

struct port61 *port61_new(struct bus *bus, struct i8254 *pit, const struct irq_line *nmi)
{
    struct port61 *port = mem_new(sizeof *port);
    port->pit = pit;
    port->clock = bus_clock(bus);
    port->nmi = *nmi;
    for (uint16_t alias = 0x61; alias <= 0x67; alias += 2)
        bus_claim_ports(bus, alias, 1, &port61_ops, port);
    bus_add_device(bus, &port61_class, port);
    return port;
}
