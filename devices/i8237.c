/* Intel 8237A pair and page registers. A transfer takes no virtual time of its own: the chip that
 * requests it paces it. */
#include "devices/i8237.h"

#include "base/bits.h"
#include "base/memory.h"

enum {
    CHANNELS = 4,
    CASCADE_CHANNEL = 4,

    COMMAND_MEMORY_TO_MEMORY = 0x01,
    COMMAND_HOLD_CHANNEL_0 = 0x02,
    COMMAND_DISABLE = 0x04,

    MODE_TYPE = 0x0C,
    MODE_VERIFY = 0x00,
    MODE_WRITE = 0x04, /* to memory */
    MODE_READ = 0x08,  /* from memory */
    MODE_AUTOINITIALIZE = 0x10,
    MODE_DECREMENT = 0x20,
    MODE_SERVICE = 0xC0,
    MODE_BLOCK = 0x80,
    MODE_CASCADE = 0xC0,

    REGISTER_COMMAND = 8, /* read: status */
    REGISTER_REQUEST = 9,
    REGISTER_SINGLE_MASK = 10,
    REGISTER_MODE = 11,
    REGISTER_CLEAR_FLIP_FLOP = 12,
    REGISTER_MASTER_CLEAR = 13, /* read: temporary */
    REGISTER_CLEAR_MASK = 14,
    REGISTER_ALL_MASK = 15,

    SET_BIT = 0x04, /* request and single mask: set, not clear */
    FLOATING = 0xFF,
};

struct channel {
    uint16_t base_address, base_count;
    uint16_t address, count;
    uint8_t mode;
    bool acknowledged;
};

struct controller {
    struct channel channel[CHANNELS];
    uint8_t command;
    uint8_t terminal; /* channels that reached terminal count since the status was read */
    uint8_t software; /* software requests */
    uint8_t hardware; /* DREQ levels */
    uint8_t mask;
    uint8_t temporary;
    bool high_byte; /* the first/last flip-flop */
};

struct i8237 {
    struct controller controller[2];
    uint8_t page[16];
    struct bus *bus;
    struct irq_line acknowledge[2][CHANNELS];
};

static const struct field channel_fields[] = {
    FIELD(struct channel, base_address),
    FIELD(struct channel, base_count),
    FIELD(struct channel, address),
    FIELD(struct channel, count),
    FIELD(struct channel, mode),
    FIELD(struct channel, acknowledged),
    FIELD_END,
};

static const struct field controller_fields[] = {
    FIELD_STRUCTS(struct controller, channel, channel_fields),
    FIELD(struct controller, command),
    FIELD(struct controller, terminal),
    FIELD(struct controller, software),
    FIELD(struct controller, hardware),
    FIELD(struct controller, mask),
    FIELD(struct controller, temporary),
    FIELD(struct controller, high_byte),
    FIELD_END,
};

static const struct field i8237_fields[] = {
    FIELD_STRUCTS(struct i8237, controller, controller_fields),
    FIELD_ARRAY(struct i8237, page, uint8_t),
    FIELD_TRANSIENT(struct i8237, bus),
    FIELD_TRANSIENT(struct i8237, acknowledge),
    FIELD_END,
};

/* Which page register belongs to which channel: how the AT's designers wired it. */
static const uint8_t page_of_channel[8] = {0x7, 0x3, 0x1, 0x2, 0xF, 0xB, 0x9, 0xA};

/* --- requests --- */

static bool can_serve(const struct i8237 *dma, unsigned which, unsigned channel)
{
    const struct controller *c = &dma->controller[which];
    if ((c->command & COMMAND_DISABLE) || !bit_is_set(c->hardware & ~c->mask, channel))
        return false;
    if (which == 1)
        return true;
    const struct controller *second = &dma->controller[1];
    return !(second->command & COMMAND_DISABLE) && !bit_is_set(second->mask, 0) &&
           (second->channel[0].mode & MODE_SERVICE) == MODE_CASCADE;
}

/* Brings all acknowledge lines up to date. A chip may call back from its line. */
static void update(struct i8237 *dma)
{
    for (unsigned number = 0; number < 8; number++) {
        struct channel *channel = &dma->controller[number >> 2].channel[number & 3];
        bool level = number != CASCADE_CHANNEL && can_serve(dma, number >> 2, number & 3);
        if (level != channel->acknowledged) {
            channel->acknowledged = level;
            irq_set(&dma->acknowledge[number >> 2][number & 3], level);
        }
    }
}

void i8237_connect(struct i8237 *dma, unsigned channel, const struct irq_line *acknowledge)
{
    dma->acknowledge[channel >> 2 & 1][channel & 3] = *acknowledge;
}

static void set_request(void *receiver, unsigned channel, bool level)
{
    struct i8237 *dma = receiver;
    struct controller *c = &dma->controller[channel >> 2 & 1];
    uint8_t bit = (uint8_t)(1u << (channel & 3));
    c->hardware = (uint8_t)(level ? c->hardware | bit : c->hardware & ~bit);
    update(dma);
}

void i8237_set_request(struct i8237 *dma, unsigned channel, bool level)
{
    set_request(dma, channel, level);
}

struct irq_line i8237_request_line(struct i8237 *dma, unsigned channel)
{
    return (struct irq_line){set_request, dma, channel};
}

bool i8237_acknowledged(const struct i8237 *dma, unsigned channel)
{
    return dma->controller[channel >> 2 & 1].channel[channel & 3].acknowledged;
}

/* --- transfers --- */

static uint32_t memory_address(const struct i8237 *dma, unsigned number)
{
    uint32_t address = dma->controller[number >> 2].channel[number & 3].address;
    uint32_t page = dma->page[page_of_channel[number]];
    return number < 4 ? page << 16 | address : (page & 0xFE) << 16 | address << 1;
}

static void reinitialize(struct channel *channel)
{
    channel->address = channel->base_address;
    channel->count = channel->base_count;
}

static void terminal_count(struct controller *c, unsigned channel)
{
    uint8_t bit = (uint8_t)(1u << channel);
    c->terminal |= bit;
    c->software &= (uint8_t)~bit;
    if (c->channel[channel].mode & MODE_AUTOINITIALIZE)
        reinitialize(&c->channel[channel]);
    else
        c->mask |= bit;
}

/* How many units can go on at once: up to terminal count, and to where the 16-bit address wraps. */
static uint32_t run_length(const struct channel *channel, uint32_t wanted)
{
    uint32_t run = channel->count + 1u;
    uint32_t to_wrap = channel->mode & MODE_DECREMENT ? 1 : 0x10000u - channel->address;
    if (run > to_wrap)
        run = to_wrap;
    return run < wanted ? run : wanted;
}

/* Counts a run; true at terminal count. */
static bool advance(struct controller *c, unsigned number, uint32_t run)
{
    struct channel *channel = &c->channel[number];
    bool terminal = run == channel->count + 1u;
    channel->address = (uint16_t)(channel->mode & MODE_DECREMENT ? channel->address - run
                                                                 : channel->address + run);
    channel->count = (uint16_t)(channel->count - run);
    if (terminal)
        terminal_count(c, number);
    return terminal;
}

/* One of in and out is NULL. type is the transfer type that moves data; others only count. */
static size_t transfer(struct i8237 *dma, unsigned number, const uint8_t *in, uint8_t *out,
                       size_t size, bool *terminal)
{
    struct controller *c = &dma->controller[number >> 2 & 1];
    struct channel *channel = &c->channel[number & 3];
    unsigned unit = number < 4 ? 1 : 2;
    size_t done = 0;

    *terminal = false;
    if (!channel->acknowledged || (channel->mode & MODE_SERVICE) == MODE_CASCADE)
        return 0;
    bool moves = (channel->mode & MODE_TYPE) == (in ? MODE_WRITE : MODE_READ);
    if (!moves && (channel->mode & MODE_TYPE) != MODE_VERIFY)
        log_line(bus_log(dma->bus), LOG_DEBUG, "i8237: channel %u runs against its mode %02Xh",
                 number, channel->mode);
    while (size - done >= unit && !*terminal) {
        uint32_t run = run_length(channel, (uint32_t)((size - done) / unit));
        size_t bytes = (size_t)run * unit;
        if (in && moves)
            bus_write_memory(dma->bus, memory_address(dma, number), in + done, bytes);
        else if (out && moves)
            bus_read_memory(dma->bus, memory_address(dma, number), out + done, bytes);
        else if (out)
            memset(out + done, 0, bytes);
        done += bytes;
        *terminal = advance(c, number & 3, run);
    }
    if (*terminal)
        update(dma);
    return done;
}

size_t i8237_device_to_memory(struct i8237 *dma, unsigned channel, const void *bytes, size_t size,
                              bool *terminal)
{
    return transfer(dma, channel, bytes, NULL, size, terminal);
}

size_t i8237_memory_to_device(struct i8237 *dma, unsigned channel, void *bytes, size_t size,
                              bool *terminal)
{
    return transfer(dma, channel, NULL, bytes, size, terminal);
}

/* --- requests by software --- */

/* Channel 0 reads, channel 1 writes and counts. Runs to terminal count: block mode is the only one
 * that the data sheet allows here. */
static void memory_to_memory(struct i8237 *dma)
{
    struct controller *c = &dma->controller[0];
    struct channel *source = &c->channel[0];
    int step = source->mode & MODE_DECREMENT ? -1 : 1;
    do {
        bus_read_memory(dma->bus, memory_address(dma, 0), &c->temporary, 1);
        bus_write_memory(dma->bus, memory_address(dma, 1), &c->temporary, 1);
        if (!(c->command & COMMAND_HOLD_CHANNEL_0))
            source->address = (uint16_t)(source->address + step);
    } while (!advance(c, 1, 1));
    c->software &= (uint8_t)~1u;
    if (source->mode & MODE_AUTOINITIALIZE)
        reinitialize(source);
}

/* A block transfer that no chip takes part in: memory is written from a floating data bus. */
static void block_without_device(struct i8237 *dma, unsigned number)
{
    static const uint8_t floating[2] = {FLOATING, FLOATING};
    struct controller *c = &dma->controller[number >> 2];
    struct channel *channel = &c->channel[number & 3];
    do {
        if ((channel->mode & MODE_TYPE) == MODE_WRITE)
            bus_write_memory(dma->bus, memory_address(dma, number), floating, number < 4 ? 1 : 2);
    } while (!advance(c, number & 3, 1));
}

static void run_software_requests(struct i8237 *dma, unsigned which)
{
    struct controller *c = &dma->controller[which];
    if (c->command & COMMAND_DISABLE)
        return;
    if (c->command & COMMAND_MEMORY_TO_MEMORY) {
        if (which == 1)
            log_unimplemented(bus_log(dma->bus), "i8237", 0xD0,
                              "memory to memory on the word controller");
        else if (c->software & 1)
            memory_to_memory(dma);
    }
    for (unsigned i = 0; i < CHANNELS; i++) {
        if (bit_is_set(c->software, i) && (c->channel[i].mode & MODE_SERVICE) == MODE_BLOCK)
            block_without_device(dma, which * CHANNELS + i);
    }
}

/* --- registers --- */

static void write_half(uint16_t *word, bool high, uint8_t value)
{
    *word = (uint16_t)(high ? (*word & 0x00FF) | value << 8 : (*word & 0xFF00) | value);
}

static void write_counter(struct controller *c, unsigned offset, uint8_t value)
{
    struct channel *channel = &c->channel[offset >> 1];
    bool high = c->high_byte;
    c->high_byte = !high;
    write_half(offset & 1 ? &channel->base_count : &channel->base_address, high, value);
    write_half(offset & 1 ? &channel->count : &channel->address, high, value);
}

static uint8_t read_counter(struct controller *c, unsigned offset)
{
    const struct channel *channel = &c->channel[offset >> 1];
    uint16_t word = offset & 1 ? channel->count : channel->address;
    bool high = c->high_byte;
    c->high_byte = !high;
    return (uint8_t)(high ? word >> 8 : word);
}

static void master_clear(struct controller *c)
{
    c->command = c->terminal = c->software = c->temporary = 0;
    c->high_byte = false;
    c->mask = 0x0F;
}

static void write_bit(uint8_t *bits, uint8_t value)
{
    uint8_t bit = (uint8_t)(1u << (value & 3));
    *bits = (uint8_t)(value & SET_BIT ? *bits | bit : *bits & ~bit);
}

static void controller_write(struct i8237 *dma, unsigned which, unsigned offset, uint8_t value)
{
    struct controller *c = &dma->controller[which];
    switch (offset) {
    case REGISTER_COMMAND:
        c->command = value;
        break;
    case REGISTER_REQUEST:
        write_bit(&c->software, value);
        break;
    case REGISTER_SINGLE_MASK:
        write_bit(&c->mask, value);
        break;
    case REGISTER_MODE:
        c->channel[value & 3].mode = value & 0xFC;
        break;
    case REGISTER_CLEAR_FLIP_FLOP:
        c->high_byte = false;
        break;
    case REGISTER_MASTER_CLEAR:
        master_clear(c);
        break;
    case REGISTER_CLEAR_MASK:
        c->mask = 0;
        break;
    case REGISTER_ALL_MASK:
        c->mask = value & 0x0F;
        break;
    default:
        write_counter(c, offset, value);
        return;
    }
    run_software_requests(dma, which);
    update(dma);
}

static uint8_t controller_read(struct i8237 *dma, unsigned which, unsigned offset)
{
    struct controller *c = &dma->controller[which];
    uint8_t status = (uint8_t)(c->terminal | (c->hardware | c->software) << 4);
    switch (offset) {
    case REGISTER_COMMAND:
        c->terminal = 0;
        return status;
    case REGISTER_MASTER_CLEAR:
        return c->temporary;
    case REGISTER_ALL_MASK: /* readable in the chip sets */
        return c->mask | 0xF0;
    default:
        return offset < REGISTER_COMMAND ? read_counter(c, offset) : FLOATING;
    }
}

static uint32_t first_read(void *device, uint32_t offset, unsigned size)
{
    return controller_read(device, 0, offset & 15);
}

static void first_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    controller_write(device, 0, offset & 15, (uint8_t)value);
}

/* The word controller hangs on address lines 1 to 4. */
static uint32_t second_read(void *device, uint32_t offset, unsigned size)
{
    return controller_read(device, 1, offset >> 1);
}

static void second_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    controller_write(device, 1, offset >> 1, (uint8_t)value);
}

static uint32_t page_read(void *device, uint32_t offset, unsigned size)
{
    struct i8237 *dma = device;
    return dma->page[offset & 15];
}

static void page_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    struct i8237 *dma = device;
    dma->page[offset & 15] = (uint8_t)value;
    if (offset == 0)
        log_line(bus_log(dma->bus), LOG_DEBUG, "POST code %02Xh", value);
}

/* The window that starts at the alias 93h. */
static uint32_t page_high_read(void *device, uint32_t offset, unsigned size)
{
    return page_read(device, offset + 3, size);
}

static void page_high_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    page_write(device, offset + 3, value, size);
}

uint8_t i8237_post_code(const struct i8237 *dma)
{
    return dma->page[0];
}

/* --- the device --- */

static void i8237_reset(void *device, enum reset_kind kind)
{
    struct i8237 *dma = device;
    for (unsigned i = 0; i < 2; i++) {
        struct controller *c = &dma->controller[i];
        master_clear(c);
        for (unsigned j = 0; j < CHANNELS; j++)
            c->channel[j].mode = 0;
    }
    memset(dma->page, 0, sizeof dma->page);
    update(dma);
}

static const struct device_class i8237_class = {
    .name = "i8237",
    .size = sizeof(struct i8237),
    .fields = i8237_fields,
    .reset = i8237_reset,
};

static const struct io_ops first_ops = {first_read, first_write, .max_size = 1};
static const struct io_ops second_ops = {second_read, second_write, .max_size = 1};
static const struct io_ops page_high_ops = {page_high_read, page_high_write, .max_size = 1};
static const struct io_ops page_ops = {page_read, page_write, .max_size = 1};
struct i8237 *i8237_new(struct bus *bus)
{
    struct i8237 *dma = mem_new(sizeof *dma);
    dma->bus = bus;
    dma->controller[0].mask = dma->controller[1].mask = 0x0F;
    bus_claim_ports(bus, 0x00, 0x20, &first_ops, dma);
    bus_claim_ports(bus, 0xC0, 0x20, &second_ops, dma);
    bus_claim_ports(bus, 0x80, 0x12, &page_ops, dma);
    bus_claim_ports(bus, 0x93, 0x0D, &page_high_ops, dma); /* 92h is system control port A */
    bus_add_device(bus, &i8237_class, dma);
    return dma;
}
