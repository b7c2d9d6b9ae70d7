/* Printer port. Offset 0 data, 1 status, 2 control; 3 is not decoded by the PC's card and floats.
 */
#include "devices/parallel.h"

#include "base/memory.h"
#include "base/time128.h"

enum {
    STATUS_ERROR = 0x08,    /* 1: no error (nFault) */
    STATUS_SELECTED = 0x10, /* printer is on line */
    STATUS_ACK = 0x40,      /* nAck: 0 while the printer acknowledges */
    STATUS_BUSY = 0x80,     /* inverted: 1 is ready */
    STATUS_FLOATING = 0x07,

    CONTROL_STROBE = 0x01,
    CONTROL_INIT = 0x04, /* nInit: 0 resets the printer */
    CONTROL_SELECT = 0x08,
    CONTROL_IRQ = 0x10,
    CONTROL_INPUT = 0x20, /* data lines are driven by the other end */
    CONTROL_WRITABLE = 0x3F,
    CONTROL_FLOATING = 0xC0,
};

/* How long a fast printer is busy with a byte, and how long its acknowledge pulse lasts. */
#define BUSY_NS (4 * NS_PER_MICROSECOND)
#define ACK_NS  (1 * NS_PER_MICROSECOND)

enum phase { PHASE_READY, PHASE_BUSY, PHASE_ACK };

struct parallel {
    uint8_t data, control;
    uint8_t phase;
    bool irq_level;
    struct timer timer; /* the phase's end */
    struct clock *clock;
    struct irq_line irq;
    struct char_backend *output;
};

static const struct field parallel_fields[] = {
    FIELD(struct parallel, data),
    FIELD(struct parallel, control),
    FIELD_MOST(struct parallel, phase, PHASE_ACK),
    FIELD(struct parallel, irq_level),
    FIELD_STRUCT(struct parallel, timer, timer_fields),
    FIELD_TRANSIENT(struct parallel, clock),
    FIELD_TRANSIENT(struct parallel, irq),
    FIELD_TRANSIENT(struct parallel, output),
    FIELD_END,
};

/* nAck's trailing edge interrupts; the line stays up until the next byte or until it is disabled.
 */
static void set_irq(struct parallel *port, bool level)
{
    if (level != port->irq_level) {
        port->irq_level = level;
        irq_set(&port->irq, level);
    }
}

static void set_phase(struct parallel *port, enum phase phase, uint64_t ns)
{
    port->phase = (uint8_t)phase;
    if (ns)
        timer_arm(&port->timer, clock_now(port->clock) + ns);
    else
        timer_cancel(&port->timer);
    if (phase != PHASE_READY)
        set_irq(port, false);
}

static void timer_expired(void *device)
{
    struct parallel *port = device;
    if (port->phase == PHASE_BUSY) {
        set_phase(port, PHASE_ACK, ACK_NS);
    } else {
        set_phase(port, PHASE_READY, 0);
        set_irq(port, port->control & CONTROL_IRQ);
    }
}

static uint8_t read_status(const struct parallel *port)
{
    if (!port->output) /* pull-ups, and BUSY's inverter */
        return STATUS_FLOATING | STATUS_ERROR | STATUS_SELECTED | 0x20 | STATUS_ACK;
    uint8_t status = STATUS_FLOATING | STATUS_ERROR | STATUS_SELECTED;
    if (port->phase == PHASE_READY && (port->control & CONTROL_INIT))
        status |= STATUS_BUSY;
    if (port->phase != PHASE_ACK)
        status |= STATUS_ACK;
    return status;
}

static void write_control(struct parallel *port, uint8_t value)
{
    bool strobe = (value & ~port->control) & CONTROL_STROBE;
    port->control = value & CONTROL_WRITABLE;
    if (!(value & CONTROL_IRQ))
        set_irq(port, false);
    if (!port->output)
        return;
    if (!(value & CONTROL_INIT)) {
        set_phase(port, PHASE_READY, 0);
    } else if (strobe && port->phase == PHASE_READY && !(value & CONTROL_INPUT)) {
        port->output->ops->write(port->output, &port->data, 1);
        set_phase(port, PHASE_BUSY, BUSY_NS);
    }
}

static uint32_t parallel_read(void *device, uint32_t offset, unsigned size)
{
    struct parallel *port = device;
    switch (offset) {
    case 0: /* a printer drives nothing when the lines are turned around */
        return port->control & CONTROL_INPUT ? 0xFF : port->data;
    case 1:
        return read_status(port);
    case 2:
        return port->control | CONTROL_FLOATING;
    default:
        return 0xFF;
    }
}

static void parallel_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    struct parallel *port = device;
    if (offset == 0)
        port->data = (uint8_t)value;
    else if (offset == 2)
        write_control(port, (uint8_t)value);
}

static void parallel_reset(void *device, enum reset_kind kind)
{
    struct parallel *port = device;
    port->data = 0;
    port->control = CONTROL_INIT | CONTROL_SELECT;
    set_phase(port, PHASE_READY, 0);
    set_irq(port, false);
}

static const struct device_class parallel_class = {
    .name = "parallel",
    .size = sizeof(struct parallel),
    .fields = parallel_fields,
    .reset = parallel_reset,
};

static const struct io_ops parallel_ops = {parallel_read, parallel_write, .max_size = 1};

struct parallel *parallel_new(struct bus *bus, uint16_t base_port, const struct irq_line *irq,
                              struct char_backend *output)
{
    struct parallel *port = mem_new(sizeof *port);
    port->clock = bus_clock(bus);
    port->irq = *irq;
    port->output = output;
    timer_init(&port->timer, port->clock, timer_expired, port);
    parallel_reset(port, RESET_POWER_ON);
    bus_claim_ports(bus, base_port, 4, &parallel_ops, port);
    bus_add_device(bus, &parallel_class, port);
    return port;
}
