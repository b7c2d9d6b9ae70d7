/* One IDE cable: the command block registers of two drives, which both hear every write and of
 * which the selected one answers. Sources: ATA/ATAPI-6, clauses 5 (signals), 6.2 (registers), 9
 * (protocols).
 *
 * A cable without drives reads 7Fh: DD7 has a pull-down resistor (ATA/ATAPI-6, 5.2.6), so that BSY
 * is clear. Drive 0 answers for a drive 1 that is not there, with a status of 00h (6.2.4). */
#include "devices/ide_private.h"

#include <assert.h>
#include <string.h>

enum {
    REG_DATA = 0,
    REG_ERROR = 1, /* FEATURES in writing */
    REG_COUNT = 2,
    REG_LBA_LOW = 3,
    REG_LBA_MID = 4,
    REG_LBA_HIGH = 5,
    REG_DEVICE = 6,
    REG_STATUS = 7, /* COMMAND in writing */

    EMPTY_CABLE = 0x7F,
    BM_STATUS_INTERRUPT = 0x04,
};

static const struct field taskfile_fields[] = {
    FIELD_ARRAY(struct ide_taskfile, features, uint8_t),
    FIELD_ARRAY(struct ide_taskfile, count, uint8_t),
    FIELD_ARRAY(struct ide_taskfile, lba_low, uint8_t),
    FIELD_ARRAY(struct ide_taskfile, lba_mid, uint8_t),
    FIELD_ARRAY(struct ide_taskfile, lba_high, uint8_t),
    FIELD(struct ide_taskfile, device),
    FIELD_END,
};

static const struct field drive_fields[] = {
    FIELD_FIXED(struct ide_drive, kind),
    FIELD_FIXED(struct ide_drive, unit),
    FIELD(struct ide_drive, status),
    FIELD(struct ide_drive, error),
    FIELD(struct ide_drive, irq_pending),
    FIELD(struct ide_drive, command),
    FIELD_STRUCT(struct ide_drive, task, taskfile_fields),
    FIELD_STRUCT(struct ide_drive, ata, ata_fields),
    FIELD_STRUCT(struct ide_drive, atapi, atapi_fields),
    FIELD_TRANSIENT(struct ide_drive, disk),
    FIELD_TRANSIENT(struct ide_drive, channel),
    FIELD_END,
};

/* A command that is under way must have what it goes on with: the steps rely on it. */
static const char *packet_misfit(const struct ide_channel *channel, const struct ide_drive *drive)
{
    bool is_step = channel->step != STEP_NONE && channel->step_unit == drive->unit;
    bool is_open = channel->transfer_unit == drive->unit && drive->command == ATA_PACKET &&
                   !drive->atapi.awaits_packet;
    if (((is_step && channel->step == STEP_PACKET_OUT) ||
         (is_open && channel->transfer == TRANSFER_OUT)) &&
        channel->end > drive->atapi.out_expected)
        return "a packet command has got more data than it wants";
    if (is_open && channel->transfer == TRANSFER_IN && channel->end > drive->atapi.data_end)
        return "a packet command gives more data than it has";
    return NULL;
}

static const char *ide_channel_misfit(const void *base)
{
    const struct ide_channel *channel = base;
    if (channel->position > channel->end)
        return "the position is behind the end of the data";
    for (unsigned unit = 0; unit < IDE_UNITS; unit++) {
        const struct ide_drive *drive = &channel->drive[unit];
        const char *wrong = drive->kind == IDE_DISK    ? ata_misfit(drive)
                            : drive->kind == IDE_CDROM ? atapi_misfit(drive)
                                                       : NULL;
        if (!wrong && drive->kind == IDE_CDROM)
            wrong = packet_misfit(channel, drive);
        if (wrong)
            return wrong;
    }
    return NULL;
}

const struct field ide_channel_fields[] = {
    FIELD_STRUCTS(struct ide_channel, drive, drive_fields),
    FIELD_STRUCT(struct ide_channel, master, ide_bus_master_fields),
    FIELD_FIXED(struct ide_channel, number),
    FIELD_MOST(struct ide_channel, selected, IDE_UNITS - 1),
    FIELD(struct ide_channel, control),
    FIELD(struct ide_channel, irq_level),
    FIELD_MOST(struct ide_channel, step, STEP_PACKET_END),
    FIELD_MOST(struct ide_channel, step_unit, IDE_UNITS - 1),
    FIELD_MOST(struct ide_channel, transfer, TRANSFER_DMA),
    FIELD_MOST(struct ide_channel, transfer_unit, IDE_UNITS - 1),
    FIELD_MOST(struct ide_channel, dma_step, STEP_PACKET_END),
    FIELD_MOST(struct ide_channel, position, IDE_BUFFER_SIZE),
    FIELD_MOST(struct ide_channel, end, IDE_BUFFER_SIZE),
    FIELD_STRUCT(struct ide_channel, timer, timer_fields),
    FIELD_ARRAY(struct ide_channel, buffer, uint8_t),
    FIELD_CHECK(ide_channel_misfit),
    FIELD_TRANSIENT(struct ide_channel, irq),
    FIELD_TRANSIENT(struct ide_channel, ide),
    FIELD_END,
};

struct clock *ide_clock(const struct ide_drive *drive)
{
    return bus_clock(drive->channel->ide->bus);
}

struct log *ide_log(const struct ide_drive *drive)
{
    return bus_log(drive->channel->ide->bus);
}

/* --- INTRQ --- */

static void update_irq(struct ide_channel *channel)
{
    const struct ide_drive *drive = &channel->drive[channel->selected];
    bool level = ide_present(drive) && drive->irq_pending && !(channel->control & ATA_NIEN);
    if (level && !channel->irq_level)
        channel->master.status |= BM_STATUS_INTERRUPT;
    if (level != channel->irq_level) {
        channel->irq_level = level;
        irq_set(&channel->irq, level);
    }
}

void ide_set_irq(struct ide_drive *drive, bool pending)
{
    drive->irq_pending = pending;
    update_irq(drive->channel);
}

/* --- phases of a command, for the drives --- */

void ide_schedule(struct ide_drive *drive, enum ide_step step, uint64_t ns)
{
    struct ide_channel *channel = drive->channel;
    drive->status = (uint8_t)((drive->status & ~ATA_DRQ) | ATA_BSY);
    channel->step = (uint8_t)step;
    channel->step_unit = drive->unit;
    timer_arm(&channel->timer, clock_now(ide_clock(drive)) + ns);
}

void ide_open_port(struct ide_drive *drive, enum ide_transfer direction, uint32_t position,
                   uint32_t size)
{
    struct ide_channel *channel = drive->channel;
    assert(position + size <= IDE_BUFFER_SIZE);
    channel->transfer = (uint8_t)direction;
    channel->transfer_unit = drive->unit;
    channel->position = position;
    channel->end = position + size;
    drive->status = (uint8_t)((drive->status & ~ATA_BSY) | ATA_DRQ);
}

void ide_close_port(struct ide_drive *drive)
{
    drive->channel->transfer = TRANSFER_NONE;
    drive->status &= (uint8_t)~ATA_DRQ;
}

void ide_request_dma(struct ide_drive *drive, enum ide_step step)
{
    struct ide_channel *channel = drive->channel;
    channel->transfer = TRANSFER_DMA;
    channel->transfer_unit = drive->unit;
    channel->dma_step = (uint8_t)step;
    drive->status = (uint8_t)((drive->status & ~ATA_BSY) | ATA_DRQ);
    if (ide_bus_master_running(channel))
        ide_schedule(drive, step, IDE_NS_COMMAND);
}

void ide_complete(struct ide_drive *drive, uint8_t status, uint8_t error, bool interrupt)
{
    ide_close_port(drive);
    drive->status = status;
    drive->error = error;
    if (interrupt)
        ide_set_irq(drive, true);
}

void ide_set_signature(struct ide_drive *drive)
{
    struct ide_taskfile *task = &drive->task;
    bool packet = drive->kind == IDE_CDROM;
    task->count[0] = 1;
    task->lba_low[0] = 1;
    task->lba_mid[0] = packet ? 0x14 : 0;
    task->lba_high[0] = packet ? 0xEB : 0;
    task->device &= ATA_DEVICE_DEV;
}

/* --- resets --- */

/* The device halves of a reset are over: signature, diagnostic code, drive 0 selected. */
static void finish_reset(struct ide_channel *channel, bool interrupt)
{
    channel->selected = 0;
    for (unsigned unit = 0; unit < IDE_UNITS; unit++) {
        struct ide_drive *drive = &channel->drive[unit];
        drive->task.device = 0;
        if (!ide_present(drive))
            continue;
        ide_set_signature(drive);
        drive->task.device = 0;
        drive->error = 0x01; /* passed */
        drive->status = drive->kind == IDE_DISK ? ATA_DRDY | ATA_DSC : 0;
    }
    if (interrupt && ide_present(&channel->drive[0]))
        channel->drive[0].irq_pending = true;
    update_irq(channel);
}

static void begin_reset(struct ide_channel *channel, bool hardware, bool power_on)
{
    timer_cancel(&channel->timer);
    channel->step = STEP_NONE;
    channel->transfer = TRANSFER_NONE;
    channel->selected = 0;
    for (unsigned unit = 0; unit < IDE_UNITS; unit++) {
        struct ide_drive *drive = &channel->drive[unit];
        drive->irq_pending = false;
        if (drive->kind == IDE_DISK)
            ata_reset(drive, hardware, power_on);
        else if (drive->kind == IDE_CDROM)
            atapi_reset(drive, hardware, power_on);
        if (ide_present(drive))
            drive->status = ATA_BSY;
    }
    update_irq(channel);
}

static void schedule_reset_end(struct ide_channel *channel, enum ide_step step)
{
    channel->step = (uint8_t)step;
    timer_arm(&channel->timer, clock_now(bus_clock(channel->ide->bus)) + IDE_NS_RESET);
}

void ide_channel_reset(struct ide_channel *channel, enum reset_kind kind)
{
    channel->control = 0;
    ide_bus_master_reset(channel);
    for (unsigned unit = 0; unit < IDE_UNITS; unit++)
        channel->drive[unit].task = (struct ide_taskfile){0};
    begin_reset(channel, true, kind == RESET_POWER_ON);
    finish_reset(channel, false);
}

void ide_channel_control(struct ide_channel *channel, uint8_t value)
{
    uint8_t changed = channel->control ^ value;
    channel->control = value;
    if (changed & ATA_SRST) {
        if (value & ATA_SRST)
            begin_reset(channel, false, false);
        else
            schedule_reset_end(channel, STEP_RESET);
    }
    update_irq(channel);
}

/* --- the timer --- */

static void channel_expired(void *device)
{
    struct ide_channel *channel = device;
    enum ide_step step = channel->step;
    channel->step = STEP_NONE;
    struct ide_drive *drive = &channel->drive[channel->step_unit];
    if (step == STEP_RESET || step == STEP_DIAGNOSED)
        finish_reset(channel, step == STEP_DIAGNOSED);
    else if (drive->kind == IDE_DISK)
        ata_step(drive, step);
    else if (drive->kind == IDE_CDROM)
        atapi_step(drive, step);
}

void ide_channel_init(struct ide_channel *channel, struct ide *ide, unsigned number,
                      struct irq_line irq)
{
    channel->ide = ide;
    channel->number = (uint8_t)number;
    channel->irq = irq;
    timer_init(&channel->timer, bus_clock(ide->bus), channel_expired, channel);
    for (unsigned unit = 0; unit < IDE_UNITS; unit++) {
        channel->drive[unit].channel = channel;
        channel->drive[unit].unit = (uint8_t)unit;
    }
}

/* --- the data port --- */

static void port_done(struct ide_drive *drive, bool to_host)
{
    ide_close_port(drive);
    if (drive->kind == IDE_DISK)
        ata_port_done(drive, to_host);
    else
        atapi_port_done(drive, to_host);
}

/* The selected drive prepares another block of a transfer by PIO. */
static bool has_next_block(const struct ide_channel *channel, enum ide_transfer direction)
{
    const struct ata_state *ata = &channel->drive[channel->selected].ata;
    if (channel->step_unit != channel->selected)
        return false;
    if (direction == TRANSFER_IN)
        return channel->step == STEP_ATA_READ && ata->block;
    return channel->step == STEP_ATA_WRITE && ata->remaining > ata->block;
}

/* Many a boot loader waits for DRQ once and moves all sectors in one loop. That works where a bus
 * cycle takes 600 ns (PIO mode 0) and a drive has the next sector in its buffer; it may also hold
 * the cycle by IORDY (ATA/ATAPI-6, clause 5). Here a cycle takes 10 ns, so the next block comes
 * when it is asked for. */
static struct ide_drive *port_drive(struct ide_channel *channel, enum ide_transfer direction)
{
    if (channel->transfer == TRANSFER_NONE && has_next_block(channel, direction)) {
        timer_cancel(&channel->timer);
        channel_expired(channel);
    }
    if (channel->transfer != direction || channel->transfer_unit != channel->selected)
        return NULL;
    return &channel->drive[channel->selected];
}

static uint32_t read_data(struct ide_channel *channel, unsigned size)
{
    struct ide_drive *drive = port_drive(channel, TRANSFER_IN);
    if (!drive)
        return ide_present(&channel->drive[0]) || ide_present(&channel->drive[1]) ? 0 : 0xFF7FFF7F;
    uint32_t value = 0;
    for (unsigned i = 0; i < size && channel->position < channel->end; i++)
        value |= (uint32_t)channel->buffer[channel->position++] << (8 * i);
    if (channel->position == channel->end)
        port_done(drive, true);
    return value;
}

static void write_data(struct ide_channel *channel, uint32_t value, unsigned size)
{
    struct ide_drive *drive = port_drive(channel, TRANSFER_OUT);
    if (!drive)
        return;
    for (unsigned i = 0; i < size && channel->position < channel->end; i++)
        channel->buffer[channel->position++] = (uint8_t)(value >> (8 * i));
    if (channel->position == channel->end)
        port_done(drive, false);
}

/* --- the command block --- */

/* The drive whose registers are read, or NULL on an empty cable. */
static struct ide_drive *responder(struct ide_channel *channel)
{
    struct ide_drive *drive = &channel->drive[channel->selected];
    if (ide_present(drive))
        return drive;
    return channel->selected == 1 && ide_present(&channel->drive[0]) ? &channel->drive[0] : NULL;
}

static uint8_t read_status(struct ide_channel *channel)
{
    struct ide_drive *drive = responder(channel);
    if (!drive)
        return EMPTY_CABLE;
    return drive->unit == channel->selected ? drive->status : 0;
}

uint8_t ide_channel_alternate_status(struct ide_channel *channel)
{
    return read_status(channel);
}

static uint8_t read_register(struct ide_channel *channel, uint32_t offset)
{
    struct ide_drive *drive = responder(channel);
    if (!drive)
        return EMPTY_CABLE;
    const struct ide_taskfile *task = &drive->task;
    unsigned previous = channel->control & ATA_HOB ? 1 : 0;
    /* A lone packet device must not show its signature at the other place, too. */
    bool is_hidden = drive->unit != channel->selected && drive->kind == IDE_CDROM;
    if (is_hidden && offset >= REG_COUNT && offset <= REG_LBA_HIGH)
        return 0;
    switch (offset) {
    case REG_ERROR:
        return drive->unit == channel->selected ? drive->error : 0;
    case REG_COUNT:
        return task->count[previous];
    case REG_LBA_LOW:
        return task->lba_low[previous];
    case REG_LBA_MID:
        return task->lba_mid[previous];
    case REG_LBA_HIGH:
        return task->lba_high[previous];
    case REG_DEVICE:
        return (uint8_t)(task->device | 0xA0); /* obsolete bits, read as ones */
    default: {
        uint8_t status = read_status(channel);
        if (drive->unit == channel->selected)
            ide_set_irq(drive, false);
        return status;
    }
    }
}

static void push(uint8_t reg[2], uint8_t value)
{
    reg[1] = reg[0];
    reg[0] = value;
}

static void write_task_register(struct ide_taskfile *task, uint32_t offset, uint8_t value)
{
    switch (offset) {
    case REG_ERROR:
        push(task->features, value);
        break;
    case REG_COUNT:
        push(task->count, value);
        break;
    case REG_LBA_LOW:
        push(task->lba_low, value);
        break;
    case REG_LBA_MID:
        push(task->lba_mid, value);
        break;
    case REG_LBA_HIGH:
        push(task->lba_high, value);
        break;
    default:
        task->device = value;
        break;
    }
}

static void execute(struct ide_channel *channel, uint8_t command)
{
    if (command == ATA_EXECUTE_DIAGNOSTIC) {
        if (!responder(channel))
            return;
        begin_reset(channel, false, false);
        schedule_reset_end(channel, STEP_DIAGNOSED);
        return;
    }
    struct ide_drive *drive = &channel->drive[channel->selected];
    if (!ide_present(drive))
        return;
    bool sleeping = drive->kind == IDE_DISK ? drive->ata.power == ATA_POWER_SLEEP
                                            : drive->atapi.power == ATA_POWER_SLEEP;
    bool resets = drive->kind == IDE_CDROM && command == ATA_DEVICE_RESET;
    if (sleeping && !resets)
        return; /* only a reset wakes it */
    ide_set_irq(drive, false);
    drive->command = command;
    if (drive->kind == IDE_DISK)
        ata_command(drive, command);
    else
        atapi_command(drive, command);
}

static void write_register(struct ide_channel *channel, uint32_t offset, uint8_t value)
{
    channel->control &= (uint8_t)~ATA_HOB;
    const struct ide_drive *selected = &channel->drive[channel->selected];
    bool busy = ide_present(selected) && (selected->status & (ATA_BSY | ATA_DRQ));
    if (channel->control & ATA_SRST)
        busy = true;
    if (offset == REG_STATUS) {
        bool reset = value == ATA_DEVICE_RESET && selected->kind == IDE_CDROM &&
                     !(channel->control & ATA_SRST) && channel->step != STEP_RESET;
        if (!busy || reset)
            execute(channel, value);
        return;
    }
    if (busy)
        return;
    for (unsigned unit = 0; unit < IDE_UNITS; unit++)
        write_task_register(&channel->drive[unit].task, offset, value);
    if (offset == REG_DEVICE) {
        channel->selected = value & ATA_DEVICE_DEV ? 1 : 0;
        update_irq(channel);
    }
}

uint32_t ide_channel_read(struct ide_channel *channel, uint32_t offset, unsigned size)
{
    if (offset == REG_DATA) {
        uint32_t value = read_data(channel, size == 4 ? 2 : size);
        return size == 4 ? (value & 0xFFFF) | read_data(channel, 2) << 16 : value;
    }
    uint32_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint32_t)read_register(channel, offset + i) << (8 * i);
    return value;
}

void ide_channel_write(struct ide_channel *channel, uint32_t offset, uint32_t value, unsigned size)
{
    if (offset == REG_DATA) {
        write_data(channel, value, size == 4 ? 2 : size);
        if (size == 4)
            write_data(channel, value >> 16, 2);
        return;
    }
    for (unsigned i = 0; i < size; i++)
        write_register(channel, offset + i, (uint8_t)(value >> (8 * i)));
}
