#include "devices/piix3.h"

#include "base/bits.h"
#include "base/memory.h"

enum {
    PORT92 = 0x92,
    RCR_OFFSET = 1, /* from CF8h */
    PIRQRC = 0x60,
    PIRQ_DISABLED = 0x80,
    SCI_IRQ = 9,
    RCR_HARD = 1 << 1,
    RCR_CPU = 1 << 2,
    PORT92_INIT = 1 << 0,
    PORT92_A20 = 1 << 1,
    /* IRQs that a PIRQ may be steered to; 0, 1, 2, 8 and 13 are reserved. */
    ROUTABLE = 0xDEF8,
};

struct piix3 {
    uint8_t rcr;
    uint8_t init; /* port 92h bit 0 */
    uint8_t pirq; /* asserted PIRQ wires */
    bool sci;
    uint16_t driven; /* ISA IRQ levels as last driven by this chip */

    struct bus *bus;
    struct a20_gate *a20;
    struct pci_function *function;
    struct irq_line isa_irq[PIIX3_ISA_IRQ_COUNT];
};

static const struct field piix3_fields[] = {
    FIELD(struct piix3, rcr),
    FIELD(struct piix3, init),
    FIELD(struct piix3, pirq),
    FIELD(struct piix3, sci),
    FIELD(struct piix3, driven),
    FIELD_TRANSIENT(struct piix3, bus),
    FIELD_TRANSIENT(struct piix3, a20),
    FIELD_TRANSIENT(struct piix3, function),
    FIELD_TRANSIENT(struct piix3, isa_irq),
    FIELD_END,
};

/* --- interrupt steering --- */

static void update_irqs(struct piix3 *chip)
{
    uint16_t wanted = chip->sci ? 1u << SCI_IRQ : 0;
    for (unsigned wire = 0; wire < PCI_PIRQ_COUNT; wire++) {
        uint32_t route = pci_config_get(chip->function, PIRQRC + wire, 1);
        uint16_t irq = (uint16_t)(1u << (route & 0xF));
        if ((chip->pirq >> wire & 1) && !(route & PIRQ_DISABLED))
            wanted |= irq & ROUTABLE;
    }
    uint16_t changed = wanted ^ chip->driven;
    chip->driven = wanted;
    for (unsigned irq = 0; irq < PIIX3_ISA_IRQ_COUNT; irq++) {
        if (changed >> irq & 1)
            irq_set(&chip->isa_irq[irq], wanted >> irq & 1);
    }
}

static void set_pirq(void *receiver, unsigned pin, bool level)
{
    struct piix3 *chip = receiver;
    uint8_t wire = (uint8_t)(1u << pin);
    chip->pirq = level ? chip->pirq | wire : chip->pirq & (uint8_t)~wire;
    update_irqs(chip);
}

static void set_sci(void *receiver, unsigned pin, bool level)
{
    struct piix3 *chip = receiver;
    chip->sci = level;
    update_irqs(chip);
}

struct irq_line piix3_sci_line(struct piix3 *chip)
{
    return (struct irq_line){.set = set_sci, .receiver = chip, .pin = 0};
}

/* --- reset control register, CF9h --- */

static uint32_t rcr_read(void *device, uint32_t offset, unsigned size)
{
    const struct piix3 *chip = device;
    return offset == RCR_OFFSET ? chip->rcr : 0xFF;
}

static void rcr_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    struct piix3 *chip = device;
    if (offset != RCR_OFFSET)
        return;
    bool start = (value & RCR_CPU) && !(chip->rcr & RCR_CPU);
    chip->rcr = value & (RCR_CPU | RCR_HARD);
    if (start)
        bus_request_reset(chip->bus, !(value & RCR_HARD), "port CF9h");
}

static const struct io_ops rcr_ops = {.read = rcr_read, .write = rcr_write, .max_size = 1};

/* --- port 92h --- */

static uint32_t port92_read(void *device, uint32_t offset, unsigned size)
{
    const struct piix3 *chip = device;
    return (uint32_t)chip->init | (a20_gate_enabled(chip->a20) ? PORT92_A20 : 0);
}

static void port92_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    struct piix3 *chip = device;
    bool start = (value & PORT92_INIT) && !chip->init;
    chip->init = value & PORT92_INIT;
    a20_gate_set(chip->a20, value & PORT92_A20);
    if (start)
        bus_request_reset(chip->bus, true, "port 92h");
}

static const struct io_ops port92_ops = {.read = port92_read, .write = port92_write, .max_size = 1};

/* --- configuration space --- */

/* Registers with their value after reset and writable bits, section 2.2. */
static const struct {
    uint8_t offset, value, mask;
} piix3_registers[] = {
    {0x4C, 0x4D, 0x7F}, /* IORT */
    {0x4E, 0x03, 0xFF}, /* XBCS */
    {0x4F, 0x00, 0x01},
    {0x60, 0x80, 0x8F}, /* PIRQRCA..D */
    {0x61, 0x80, 0x8F},
    {0x62, 0x80, 0x8F},
    {0x63, 0x80, 0x8F},
    {0x69, 0x02, 0xFE}, /* TOM */
    {0x6A, 0x00, 0x92}, /* MSTAT */
    {0x6B, 0x00, 0x80},
    {0x70, 0x80, 0xEF}, /* MBIRQ0, MBIRQ1 */
    {0x71, 0x80, 0xEF},
    {0x76, 0x0C, 0x8F}, /* MBDMA */
    {0x77, 0x0C, 0x8F},
    {0x78, 0x02, 0xFF}, /* PCSC */
    {0x79, 0x00, 0xFF},
    {0x80, 0x00, 0x7F}, /* APICBASE */
    {0x82, 0x00, 0x0F}, /* DLC */
    {0xA0, 0x08, 0x1F}, /* SMICNTL */
    {0xA2, 0x00, 0xFF}, /* SMIEN */
    {0xA3, 0x00, 0x01},
    {0xA4, 0x00, 0xFF}, /* SEE */
    {0xA5, 0x00, 0xFF},
    {0xA6, 0x00, 0xFF},
    {0xA7, 0x00, 0xE0},
    {0xA8, 0x0F, 0xFF}, /* FTMR */
    {0xAA, 0x00, 0xFF}, /* SMIREQ */
    {0xAB, 0x00, 0x01},
    {0xAC, 0x00, 0xFF}, /* CTLTMR */
    {0xAE, 0x00, 0xFF}, /* CTHTMR */
};

static void config_reset(void *device, struct pci_function *function)
{
    struct piix3 *chip = device;
    chip->function = function;
    for (unsigned i = 0; i < ARRAY_LENGTH(piix3_registers); i++)
        pci_config_set(function, piix3_registers[i].offset, 1, piix3_registers[i].value);
    update_irqs(chip);
}

static void config_written(void *device, struct pci_function *function, unsigned offset,
                           unsigned size, const uint8_t *old)
{
    if (offset + size > PIRQRC && offset < PIRQRC + PCI_PIRQ_COUNT)
        update_irqs(device);
}

static const struct pci_function_config piix3_function = {
    .vendor_id = 0x8086,
    .device_id = 0x7000,
    .base_class = 0x06, /* bridge, ISA */
    .subclass = 0x01,
    .multifunction = true,
    .command = PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER,
    .command_mask = 0x0008, /* special cycles */
    .status = 0x0200,       /* medium DEVSEL# */
    .reset = config_reset,
    .written = config_written,
};

static void piix3_reset(void *device, enum reset_kind kind)
{
    struct piix3 *chip = device;
    chip->rcr = 0;
    chip->init = 0;
}

static const struct device_class piix3_class = {
    .name = "piix3",
    .size = sizeof(struct piix3),
    .fields = piix3_fields,
    .reset = piix3_reset,
};

struct piix3 *piix3_new(struct bus *bus, struct pci *pci, struct a20_gate *a20,
                        const struct irq_line isa_irq[PIIX3_ISA_IRQ_COUNT])
{
    struct piix3 *chip = mem_new(sizeof(*chip));
    chip->bus = bus;
    chip->a20 = a20;
    memcpy(chip->isa_irq, isa_irq, sizeof(chip->isa_irq));
    bus_claim_ports(bus, PORT92, 1, &port92_ops, chip);
    pci_set_isa_ports(pci, &rcr_ops, chip);
    bus_add_device(bus, &piix3_class, chip);
    chip->function = pci_add_function(pci, 1, 0, &piix3_function, chip);
    for (unsigned i = 0; i < ARRAY_LENGTH(piix3_registers); i++)
        pci_config_set_mask(chip->function, piix3_registers[i].offset, 1, piix3_registers[i].mask);
    for (unsigned wire = 0; wire < PCI_PIRQ_COUNT; wire++) {
        struct irq_line line = {.set = set_pirq, .receiver = chip, .pin = wire};
        pci_connect_pirq(pci, wire, &line);
    }
    return chip;
}
