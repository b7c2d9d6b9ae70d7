#include "machine/wiring.h"

#include "base/memory.h"
#include "devices/i8259.h"
#include "devices/io_apic.h"

enum { IRQS = 16, DRIVERS = 2 };

struct wiring {
    uint8_t levels[DRIVERS][IRQS];
    struct irq_line pic[IRQS], io_apic[IRQS];
    struct irq_line lint0, io_apic_extint;
};

static const struct field wiring_fields[] = {
    FIELD_ARRAY_MOST(struct wiring, levels, uint8_t, 1),
    FIELD_TRANSIENT(struct wiring, pic),
    FIELD_TRANSIENT(struct wiring, io_apic),
    FIELD_TRANSIENT(struct wiring, lint0),
    FIELD_TRANSIENT(struct wiring, io_apic_extint),
    FIELD_END,
};

static const struct device_class wiring_class = {
    .name = "wiring",
    .size = sizeof(struct wiring),
    .fields = wiring_fields,
};

struct wiring *wiring_new(struct bus *bus)
{
    struct wiring *wiring = mem_new(sizeof *wiring);
    bus_add_device(bus, &wiring_class, wiring);
    return wiring;
}

void wiring_connect(struct wiring *wiring, struct i8259 *pic, struct io_apic *io_apic)
{
    for (unsigned irq = 0; irq < IRQS; irq++) {
        wiring->pic[irq] = i8259_irq(pic, irq);
        /* Input 0 is taken by the PIC itself; the timer comes in at input 2, where the PIC has its
         * cascade. */
        if (irq != 2)
            wiring->io_apic[irq] = io_apic_irq(io_apic, irq ? irq : 2);
    }
    wiring->io_apic_extint = io_apic_irq(io_apic, 0);
}

void wiring_connect_intr(struct wiring *wiring, const struct irq_line *lint0)
{
    wiring->lint0 = *lint0;
}

static void set_driver(struct wiring *wiring, unsigned irq, enum wiring_driver driver, bool level)
{
    wiring->levels[driver][irq] = level;
    bool wire = wiring->levels[WIRING_ISA][irq] || wiring->levels[WIRING_PIRQ][irq];
    irq_set(&wiring->pic[irq], wire);
    irq_set(&wiring->io_apic[irq], wire);
}

static void set_isa(void *receiver, unsigned pin, bool level)
{
    set_driver(receiver, pin, WIRING_ISA, level);
}

static void set_pirq(void *receiver, unsigned pin, bool level)
{
    set_driver(receiver, pin, WIRING_PIRQ, level);
}

static void set_intr(void *receiver, unsigned pin, bool level)
{
    struct wiring *wiring = receiver;
    irq_set(&wiring->lint0, level);
    irq_set(&wiring->io_apic_extint, level);
}

struct irq_line wiring_irq(struct wiring *wiring, unsigned irq, enum wiring_driver driver)
{
    return (struct irq_line){driver == WIRING_ISA ? set_isa : set_pirq, wiring, irq};
}

struct irq_line wiring_pic_intr(struct wiring *wiring)
{
    return (struct irq_line){set_intr, wiring, 0};
}
