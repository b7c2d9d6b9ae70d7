/* Bus master of the PIIX3 IDE function: sixteen ports at BAR 4, eight a channel. */
#include "devices/ide_private.h"

enum {
    BM_COMMAND = 0,
    BM_STATUS = 2,
    BM_TABLE = 4,

    COMMAND_START = 0x01,
    COMMAND_TO_MEMORY = 0x08, /* RWCON: the bus master writes memory */

    STATUS_ACTIVE = 0x01,
    STATUS_ERROR = 0x02,
    STATUS_INTERRUPT = 0x04,
    STATUS_CAPABLE = 0x60, /* software's notes: drive 0, 1 is set up for DMA */

    PRD_SIZE = 8,
    PRD_MOST = 0x10000, /* bytes of an entry */
    PRD_END_OF_TABLE = 0x80,
};

const struct field ide_bus_master_fields[] = {
    FIELD(struct ide_bus_master, command), FIELD(struct ide_bus_master, status),
    FIELD(struct ide_bus_master, table),   FIELD(struct ide_bus_master, next_entry),
    FIELD(struct ide_bus_master, address), FIELD_MOST(struct ide_bus_master, left, PRD_MOST),
    FIELD(struct ide_bus_master, last),    FIELD_END,
};

void ide_bus_master_reset(struct ide_channel *channel)
{
    channel->master = (struct ide_bus_master){0};
}

bool ide_bus_master_running(const struct ide_channel *channel)
{
    return channel->ide->function && pci_is_bus_master(channel->ide->function) &&
           (channel->master.command & COMMAND_START) && (channel->master.status & STATUS_ACTIVE);
}

/* Takes the next entry of the table. */
static void fetch_entry(struct ide_channel *channel)
{
    struct ide_bus_master *master = &channel->master;
    uint8_t entry[PRD_SIZE];
    bus_read_memory(channel->ide->bus, master->next_entry, entry, sizeof entry);
    master->next_entry += PRD_SIZE;
    master->address = load_le32(entry) & ~1u;
    master->left = load_le16(entry + 4) & ~1u;
    if (master->left == 0)
        master->left = PRD_MOST;
    master->last = entry[7] & PRD_END_OF_TABLE;
}

uint32_t ide_bus_master_move(struct ide_channel *channel, uint8_t *bytes, uint32_t size,
                             bool to_memory)
{
    struct ide_bus_master *master = &channel->master;
    if (to_memory != !!(master->command & COMMAND_TO_MEMORY))
        return 0;
    uint32_t moved = 0;
    while (moved < size && (master->status & STATUS_ACTIVE)) {
        if (master->left == 0)
            fetch_entry(channel);
        uint32_t part = size - moved < master->left ? size - moved : master->left;
        if (to_memory)
            bus_write_memory(channel->ide->bus, master->address, bytes + moved, part);
        else
            bus_read_memory(channel->ide->bus, master->address, bytes + moved, part);
        moved += part;
        master->address += part;
        master->left -= part;
        if (master->left == 0 && master->last)
            master->status &= (uint8_t)~STATUS_ACTIVE;
    }
    return moved;
}

static void write_command(struct ide_channel *channel, uint8_t value)
{
    struct ide_bus_master *master = &channel->master;
    bool started = (value & ~master->command) & COMMAND_START;
    master->command = value & (COMMAND_START | COMMAND_TO_MEMORY);
    if (started) {
        master->next_entry = master->table;
        master->left = 0;
        master->last = false;
        master->status |= STATUS_ACTIVE;
        if (channel->transfer == TRANSFER_DMA && channel->step == STEP_NONE &&
            ide_bus_master_running(channel))
            ide_schedule(&channel->drive[channel->transfer_unit], channel->dma_step,
                         IDE_NS_COMMAND);
    } else if (!(value & COMMAND_START)) {
        master->status &= (uint8_t)~STATUS_ACTIVE;
    }
}

static void write_byte(struct ide_channel *channel, uint32_t offset, uint8_t value)
{
    struct ide_bus_master *master = &channel->master;
    switch (offset) {
    case BM_COMMAND:
        write_command(channel, value);
        break;
    case BM_STATUS:
        master->status &= (uint8_t) ~(value & (STATUS_ERROR | STATUS_INTERRUPT));
        master->status = (uint8_t)((master->status & ~STATUS_CAPABLE) | (value & STATUS_CAPABLE));
        break;
    case BM_TABLE:
    case BM_TABLE + 1:
    case BM_TABLE + 2:
    case BM_TABLE + 3: {
        unsigned shift = 8 * (offset - BM_TABLE);
        master->table = (master->table & ~(0xFFu << shift)) | (uint32_t)value << shift;
        master->table &= ~3u;
        break;
    }
    default: /* reserved */
        break;
    }
}

static uint8_t read_byte(const struct ide_channel *channel, uint32_t offset)
{
    const struct ide_bus_master *master = &channel->master;
    switch (offset) {
    case BM_COMMAND:
        return master->command;
    case BM_STATUS:
        return master->status;
    case BM_TABLE:
    case BM_TABLE + 1:
    case BM_TABLE + 2:
    case BM_TABLE + 3:
        return (uint8_t)(master->table >> 8 * (offset - BM_TABLE));
    default: /* reserved */
        return 0;
    }
}

static uint32_t bus_master_read(void *device, uint32_t offset, unsigned size)
{
    struct ide *ide = device;
    return read_byte(&ide->channel[offset >> 3 & 1], offset & 7);
}

static void bus_master_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    struct ide *ide = device;
    write_byte(&ide->channel[offset >> 3 & 1], offset & 7, (uint8_t)value);
}

const struct io_ops ide_bus_master_ops = {bus_master_read, bus_master_write, .max_size = 1};
