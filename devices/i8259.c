/* Intel 8259A pair. One struct per chip; the wiring of master and slave is in update(). */
#include "devices/i8259.h"

#include "base/bits.h"
#include "base/memory.h"

enum {
    CASCADE_IR = 2,

    ICW1_IC4 = 0x01,
    ICW1_SNGL = 0x02,
    ICW1_LTIM = 0x08,
    ICW1_SELECT = 0x10, /* at A0 = 0: ICW1, not OCW2 or OCW3 */
    ICW4_AEOI = 0x02,
    ICW4_SFNM = 0x10,

    OCW2_EOI = 0x20,
    OCW2_SPECIFIC = 0x40,
    OCW2_ROTATE = 0x80,
    OCW3_SELECT = 0x08, /* at A0 = 0: OCW3, not OCW2 */
    OCW3_RIS = 0x01,
    OCW3_RR = 0x02,
    OCW3_POLL = 0x04,
    OCW3_SMM = 0x20,
    OCW3_ESMM = 0x40,

    POLL_INTERRUPT = 0x80,
    SPURIOUS_IR = 7,
    NO_LEVEL = -1,
};

enum init_step { INIT_DONE, INIT_ICW2, INIT_ICW3, INIT_ICW4 };

struct chip {
    uint8_t pins;  /* levels of IR0..IR7 */
    uint8_t edges; /* edge latches: a rising edge was seen and the line is still high */
    uint8_t isr, imr;
    uint8_t elcr;
    uint8_t vector_base; /* ICW2 */
    uint8_t icw1, icw3, icw4;
    uint8_t init_step;
    uint8_t lowest; /* level with the lowest priority */
    bool read_isr;
    bool poll; /* the next read is the poll's answer */
    bool special_mask;
    bool rotate_on_aeoi;
    bool int_output;
};

struct i8259 {
    struct chip chip[2]; /* master, slave */
    struct irq_line intr;
};

static const struct field chip_fields[] = {
    FIELD(struct chip, pins),
    FIELD(struct chip, edges),
    FIELD(struct chip, isr),
    FIELD(struct chip, imr),
    FIELD(struct chip, elcr),
    FIELD(struct chip, vector_base),
    FIELD(struct chip, icw1),
    FIELD(struct chip, icw3),
    FIELD(struct chip, icw4),
    FIELD_MOST(struct chip, init_step, INIT_ICW4),
    FIELD_MOST(struct chip, lowest, 7),
    FIELD(struct chip, read_isr),
    FIELD(struct chip, poll),
    FIELD(struct chip, special_mask),
    FIELD(struct chip, rotate_on_aeoi),
    FIELD(struct chip, int_output),
    FIELD_END,
};

static const struct field i8259_fields[] = {
    FIELD_STRUCTS(struct i8259, chip, chip_fields),
    FIELD_TRANSIENT(struct i8259, intr),
    FIELD_END,
};

/* The lines that a mode register cannot make level-triggered: IRQ 0, 1, 2, 8, 13. */
static const uint8_t elcr_writable[2] = {0xF8, 0xDE};

/* --- one chip --- */

static uint8_t chip_irr(const struct chip *chip)
{
    uint8_t level = chip->icw1 & ICW1_LTIM ? 0xFF : chip->elcr;
    return (chip->pins & level) | (chip->edges & ~level);
}

/* In-service levels that hold back others: in special mask mode, those that are not masked. */
static uint8_t chip_inhibiting(const struct chip *chip)
{
    return chip->special_mask ? chip->isr & ~chip->imr : chip->isr;
}

/* How far below the highest priority a level stands, 0..7. */
static unsigned chip_rank(const struct chip *chip, unsigned level)
{
    return (level - chip->lowest - 1) & 7;
}

static int chip_highest(const struct chip *chip, uint8_t levels)
{
    for (unsigned rank = 0; rank < 8; rank++) {
        unsigned level = (chip->lowest + 1 + rank) & 7;
        if (bit_is_set(levels, level))
            return (int)level;
    }
    return NO_LEVEL;
}

/* The request that the chip signals now, or NO_LEVEL. */
static int chip_pending(const struct chip *chip)
{
    if (chip->init_step != INIT_DONE)
        return NO_LEVEL;
    int request = chip_highest(chip, chip_irr(chip) & ~chip->imr);
    int service = chip_highest(chip, chip_inhibiting(chip));
    if (request == NO_LEVEL || service == NO_LEVEL)
        return request;
    unsigned request_rank = chip_rank(chip, (unsigned)request);
    unsigned service_rank = chip_rank(chip, (unsigned)service);
    if (request_rank < service_rank)
        return request;
    /* Special fully nested mode: a slave in service may interrupt again, with a higher level of
     * its own. */
    if (request == service && (chip->icw4 & ICW4_SFNM) && !(chip->icw1 & ICW1_SNGL) &&
        bit_is_set(chip->icw3, (unsigned)request))
        return request;
    return NO_LEVEL;
}

/* What INTA (or a poll) does to the registers. */
static void chip_take(struct chip *chip, unsigned level)
{
    chip->edges &= (uint8_t) ~(1u << level);
    if (!(chip->icw4 & ICW4_AEOI))
        chip->isr |= (uint8_t)(1u << level);
    else if (chip->rotate_on_aeoi)
        chip->lowest = (uint8_t)level;
}

static void chip_set_pin(struct chip *chip, unsigned pin, bool level)
{
    uint8_t mask = (uint8_t)(1u << pin);
    if (!level) {
        chip->pins &= (uint8_t)~mask;
        chip->edges &= (uint8_t)~mask;
    } else if (!(chip->pins & mask)) {
        chip->pins |= mask;
        chip->edges |= mask;
    }
}

static void chip_reset(struct chip *chip)
{
    *chip = (struct chip){.pins = chip->pins, .edges = chip->pins, .lowest = 7};
}

/* --- the pair --- */

/* Brings the INT outputs up to date: the slave's is the master's IR2, the master's goes out. */
static void update(struct i8259 *pic)
{
    struct chip *master = &pic->chip[0], *slave = &pic->chip[1];
    slave->int_output = chip_pending(slave) != NO_LEVEL;
    chip_set_pin(master, CASCADE_IR, slave->int_output);
    bool intr = chip_pending(master) != NO_LEVEL;
    if (intr != master->int_output) {
        master->int_output = intr;
        irq_set(&pic->intr, intr);
    }
}

/* INTA for the slave, with the master's cascade lines showing CASCADE_IR. */
static uint8_t acknowledge_slave(struct chip *slave)
{
    if ((slave->icw3 & 7) != CASCADE_IR)
        return 0xFF; /* nobody drives the data bus */
    int level = chip_pending(slave);
    if (level == NO_LEVEL)
        return slave->vector_base | SPURIOUS_IR;
    chip_take(slave, (unsigned)level);
    return (uint8_t)(slave->vector_base | (unsigned)level);
}

uint8_t i8259_acknowledge(struct i8259 *pic)
{
    struct chip *master = &pic->chip[0];
    int level = chip_pending(master);
    if (level == NO_LEVEL)
        return master->vector_base | SPURIOUS_IR;
    chip_take(master, (unsigned)level);
    uint8_t vector = (uint8_t)(master->vector_base | (unsigned)level);
    if (level == CASCADE_IR && !(master->icw1 & ICW1_SNGL) && bit_is_set(master->icw3, CASCADE_IR))
        vector = acknowledge_slave(&pic->chip[1]);
    update(pic);
    return vector;
}

static void set_irq(void *receiver, unsigned irq, bool level)
{
    struct i8259 *pic = receiver;
    if (irq == CASCADE_IR)
        return;
    chip_set_pin(&pic->chip[irq >> 3], irq & 7, level);
    update(pic);
}

struct irq_line i8259_irq(struct i8259 *pic, unsigned irq)
{
    return (struct irq_line){set_irq, pic, irq & 15};
}

/* --- registers --- */

static void write_icw1(struct chip *chip, uint8_t value)
{
    chip->icw1 = value;
    chip->icw4 = 0; /* stays so without IC4 */
    chip->edges = 0;
    chip->isr = 0;
    chip->imr = 0;
    chip->lowest = 7;
    chip->icw3 = 7; /* a slave's address; a master is told its own */
    chip->read_isr = false;
    chip->poll = false;
    chip->special_mask = false;
    chip->rotate_on_aeoi = false;
    chip->init_step = INIT_ICW2;
}

static void write_next_icw(struct chip *chip, uint8_t value)
{
    bool wants_icw3 = !(chip->icw1 & ICW1_SNGL);
    bool wants_icw4 = chip->icw1 & ICW1_IC4;
    switch ((enum init_step)chip->init_step) {
    case INIT_ICW2:
        chip->vector_base = value & 0xF8;
        chip->init_step = wants_icw3 ? INIT_ICW3 : wants_icw4 ? INIT_ICW4 : INIT_DONE;
        break;
    case INIT_ICW3:
        chip->icw3 = value;
        chip->init_step = wants_icw4 ? INIT_ICW4 : INIT_DONE;
        break;
    case INIT_ICW4:
        chip->icw4 = value;
        chip->init_step = INIT_DONE;
        break;
    case INIT_DONE:
        break;
    }
}

static void write_ocw2(struct chip *chip, uint8_t value)
{
    bool eoi = value & OCW2_EOI, specific = value & OCW2_SPECIFIC, rotate = value & OCW2_ROTATE;
    int level = specific ? value & 7 : chip_highest(chip, chip_inhibiting(chip));

    if (!eoi && !specific) {
        chip->rotate_on_aeoi = rotate;
        return;
    }
    if (!eoi && !rotate)
        return; /* the data sheet's "no operation" */
    if (level == NO_LEVEL)
        return;
    if (eoi)
        chip->isr &= (uint8_t) ~(1u << level);
    if (rotate)
        chip->lowest = (uint8_t)level;
}

static void write_ocw3(struct chip *chip, uint8_t value)
{
    if (value & OCW3_ESMM)
        chip->special_mask = value & OCW3_SMM;
    if (value & OCW3_POLL)
        chip->poll = true;
    else if (value & OCW3_RR)
        chip->read_isr = value & OCW3_RIS;
}

static void chip_write(struct chip *chip, uint32_t a0, uint8_t value)
{
    if (a0) {
        if (chip->init_step != INIT_DONE)
            write_next_icw(chip, value);
        else
            chip->imr = value;
    } else if (value & ICW1_SELECT) {
        write_icw1(chip, value);
    } else if (value & OCW3_SELECT) {
        write_ocw3(chip, value);
    } else {
        write_ocw2(chip, value);
    }
}

static uint8_t chip_read(struct chip *chip, uint32_t a0)
{
    if (chip->poll) {
        chip->poll = false;
        int level = chip_pending(chip);
        if (level == NO_LEVEL)
            return SPURIOUS_IR;
        chip_take(chip, (unsigned)level);
        return (uint8_t)(POLL_INTERRUPT | (unsigned)level);
    }
    if (a0)
        return chip->imr;
    return chip->read_isr ? chip->isr : chip_irr(chip);
}

static uint32_t pair_read(struct i8259 *pic, unsigned which, uint32_t a0)
{
    uint8_t value = chip_read(&pic->chip[which], a0);
    update(pic);
    return value;
}

static void pair_write(struct i8259 *pic, unsigned which, uint32_t a0, uint32_t value)
{
    chip_write(&pic->chip[which], a0, (uint8_t)value);
    update(pic);
}

static uint32_t master_read(void *device, uint32_t offset, unsigned size)
{
    return pair_read(device, 0, offset);
}

static void master_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    pair_write(device, 0, offset, value);
}

static uint32_t slave_read(void *device, uint32_t offset, unsigned size)
{
    return pair_read(device, 1, offset);
}

static void slave_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    pair_write(device, 1, offset, value);
}

static uint32_t elcr_read(void *device, uint32_t offset, unsigned size)
{
    struct i8259 *pic = device;
    return pic->chip[offset].elcr;
}

static void elcr_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    struct i8259 *pic = device;
    pic->chip[offset].elcr = (uint8_t)value & elcr_writable[offset];
    update(pic);
}

/* --- the device --- */

static void i8259_reset(void *device, enum reset_kind kind)
{
    struct i8259 *pic = device;
    bool was = pic->chip[0].int_output;
    chip_reset(&pic->chip[0]);
    chip_reset(&pic->chip[1]);
    pic->chip[0].int_output = was; /* so that update() sees the change */
    update(pic);
}

static const struct device_class i8259_class = {
    .name = "i8259",
    .size = sizeof(struct i8259),
    .fields = i8259_fields,
    .reset = i8259_reset,
};

static const struct io_ops master_ops = {master_read, master_write, .max_size = 1};
static const struct io_ops slave_ops = {slave_read, slave_write, .max_size = 1};
static const struct io_ops elcr_ops = {elcr_read, elcr_write, .max_size = 1};

struct i8259 *i8259_new(struct bus *bus, const struct irq_line *intr)
{
    struct i8259 *pic = mem_new(sizeof *pic);
    pic->intr = *intr;
    for (unsigned i = 0; i < 2; i++)
        chip_reset(&pic->chip[i]);
    /* PIIX3 decodes address lines 2..4 loosely: every fourth port pair is the same chip. */
    for (unsigned alias = 0; alias < 0x20; alias += 4) {
        bus_claim_ports(bus, (uint16_t)(0x20 + alias), 2, &master_ops, pic);
        bus_claim_ports(bus, (uint16_t)(0xA0 + alias), 2, &slave_ops, pic);
    }
    bus_claim_ports(bus, 0x4D0, 2, &elcr_ops, pic);
    bus_add_device(bus, &i8259_class, pic);
    return pic;
}
