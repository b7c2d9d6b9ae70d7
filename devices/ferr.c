/* FERR#, IRQ 13 and IGNNE#. */
#include "devices/ferr.h"

#include "base/memory.h"

struct ferr {
    bool ferr;
    bool irq;   /* the latch */
    bool ignne; /* asserted while FERR# stays low after the latch was cleared */
    struct irq_line irq13;
};

static const struct field ferr_fields[] = {
    FIELD(struct ferr, ferr),
    FIELD(struct ferr, irq),
    FIELD(struct ferr, ignne),
    FIELD_TRANSIENT(struct ferr, irq13),
    FIELD_END,
};

static void set_latch(struct ferr *ferr, bool level)
{
    if (ferr->irq == level)
        return;
    ferr->irq = level;
    irq_set(&ferr->irq13, level);
}

void ferr_set(struct ferr *ferr, bool level)
{
    bool rose = level && !ferr->ferr;
    ferr->ferr = level;
    if (rose)
        set_latch(ferr, true);
    if (!level)
        ferr->ignne = false;
}

bool ferr_ignne(const struct ferr *ferr)
{
    return ferr->ignne;
}

/* The value does not matter. F1h, the AT's coprocessor reset, is decoded like F0h. */
static void ferr_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    struct ferr *ferr = device;
    if (ferr->irq)
        ferr->ignne = ferr->ferr;
    set_latch(ferr, false);
}

static uint32_t ferr_read(void *device, uint32_t offset, unsigned size)
{
    return 0xFF;
}

static void ferr_reset(void *device, enum reset_kind kind)
{
    struct ferr *ferr = device;
    ferr->ferr = false; /* the processor resets with the board, and its FERR# with it */
    ferr->ignne = false;
    set_latch(ferr, false);
}

static const struct device_class ferr_class = {
    .name = "ferr",
    .size = sizeof(struct ferr),
    .fields = ferr_fields,
    .reset = ferr_reset,
};

static const struct io_ops ferr_ops = {ferr_read, ferr_write, .max_size = 1};

struct ferr *ferr_new(struct bus *bus, const struct irq_line *irq13)
{
    struct ferr *ferr = mem_new(sizeof *ferr);
    ferr->irq13 = *irq13;
    bus_claim_ports(bus, 0xF0, 2, &ferr_ops, ferr);
    bus_add_device(bus, &ferr_class, ferr);
    return ferr;
}
