/* A CD-ROM drive: the PACKET protocol by PIO and DMA, and the ATA commands of packet devices
 * (ATA/ATAPI-6, 9.8 to 9.10; SFF-8020i). What the packets mean is in atapi_*.c. */
#include "devices/ide_private.h"

#include <string.h>

enum {
    ATAPI_NOP = 0x00,
    ATAPI_STANDBY_IMMEDIATE = 0xE0,
    ATAPI_IDLE_IMMEDIATE = 0xE1,
    ATAPI_CHECK_POWER = 0xE5,
    ATAPI_SLEEP = 0xE6,
    ATAPI_FLUSH_CACHE = 0xE7,
    ATAPI_SET_FEATURES = 0xEF,
    FEATURE_TRANSFER_MODE = 0x03,
    FEATURE_KEEP_OVER_RESET = 0x66,
    FEATURE_REVERT_AT_RESET = 0xCC,

    PACKET_DMA = 0x01, /* features of PACKET */
    PACKET_OVERLAP = 0x02,
    MAX_BYTE_LIMIT = 0xFFFE,
    PIO_NS_PER_BYTE = 8,
};

const struct field atapi_fields[] = {
    FIELD_ARRAY(struct atapi_state, packet, uint8_t),
    FIELD(struct atapi_state, awaits_packet),
    FIELD(struct atapi_state, uses_dma),
    FIELD_MOST(struct atapi_state, byte_limit, MAX_BYTE_LIMIT),
    FIELD(struct atapi_state, sector_lba),
    FIELD(struct atapi_state, sectors_left),
    FIELD_MOST(struct atapi_state, sector_size, CD_SECTOR_MAX),
    FIELD(struct atapi_state, read_flags),
    FIELD(struct atapi_state, read_subchannel),
    FIELD_MOST(struct atapi_state, out_expected, IDE_BLOCK_MAX),
    FIELD_MOST(struct atapi_state, data_end, IDE_BUFFER_SIZE),
    FIELD(struct atapi_state, sense_key),
    FIELD(struct atapi_state, asc),
    FIELD(struct atapi_state, ascq),
    FIELD(struct atapi_state, attention_asc),
    FIELD(struct atapi_state, attention_ascq),
    FIELD(struct atapi_state, attention),
    FIELD(struct atapi_state, tray_open),
    FIELD(struct atapi_state, locked),
    FIELD_MOST(struct atapi_state, event, MEDIA_REMOVAL),
    FIELD(struct atapi_state, pio_mode),
    FIELD(struct atapi_state, dma_mode),
    FIELD_MOST(struct atapi_state, power, ATA_POWER_SLEEP),
    FIELD(struct atapi_state, speed),
    FIELD(struct atapi_state, error_recovery),
    FIELD_ARRAY(struct atapi_state, audio_ports, uint8_t),
    FIELD_END,
};

const char *atapi_misfit(const struct ide_drive *drive)
{
    const struct atapi_state *atapi = &drive->atapi;
    uint32_t blocks = atapi_block_count(drive);
    if (!atapi->sectors_left)
        return NULL;
    if (atapi->sector_size == 0 || atapi->sector_size != atapi_sector_size(atapi))
        return "sectors that are being read have another size than they are read with";
    if (atapi->sector_lba > blocks || atapi->sectors_left > blocks - atapi->sector_lba)
        return "sectors that are being read lie beyond the end of the disc";
    return NULL;
}

/* --- phases --- */

static void set_reason(struct ide_drive *drive, uint8_t reason)
{
    drive->task.count[0] = (uint8_t)((drive->task.count[0] & ~7) | reason);
}

void atapi_good(struct ide_drive *drive)
{
    struct atapi_state *atapi = &drive->atapi;
    atapi->sense_key = atapi->asc = atapi->ascq = 0;
    atapi->sectors_left = 0;
    set_reason(drive, ATAPI_IO | ATAPI_CD);
    ide_complete(drive, ATA_DRDY | ATA_DSC, 0, true);
}

void atapi_check(struct ide_drive *drive, uint8_t key, uint8_t asc, uint8_t ascq)
{
    struct atapi_state *atapi = &drive->atapi;
    atapi->sense_key = key;
    atapi->asc = asc;
    atapi->ascq = ascq;
    atapi->sectors_left = 0;
    set_reason(drive, ATAPI_IO | ATAPI_CD);
    ide_complete(drive, ATA_DRDY | ATA_DSC | ATA_ERR, (uint8_t)(key << 4 | ATA_ABRT), true);
}

/* Data in, from the start of the buffer. */
static void begin_data_in(struct ide_drive *drive, uint32_t size)
{
    struct ide_channel *channel = drive->channel;
    channel->position = 0;
    channel->end = size;
    if (drive->atapi.uses_dma)
        ide_request_dma(drive, STEP_PACKET_DMA);
    else
        ide_schedule(drive, STEP_PACKET_IN, IDE_NS_COMMAND);
}

void atapi_reply(struct ide_drive *drive, uint32_t size, uint32_t allocation)
{
    if (size > allocation)
        size = allocation;
    drive->atapi.sectors_left = 0;
    if (size == 0)
        atapi_good(drive);
    else
        begin_data_in(drive, size);
}

void atapi_send_sectors(struct ide_drive *drive, uint32_t lba, uint32_t count, uint32_t size)
{
    struct atapi_state *atapi = &drive->atapi;
    if (count == 0 || size == 0) {
        atapi_good(drive);
        return;
    }
    atapi->sector_lba = lba;
    atapi->sectors_left = count;
    atapi->sector_size = size;
    begin_data_in(drive, 0);
}

void atapi_receive(struct ide_drive *drive, uint32_t size)
{
    struct atapi_state *atapi = &drive->atapi;
    if (size > IDE_BLOCK_MAX)
        size = IDE_BLOCK_MAX;
    atapi->out_expected = size;
    if (size == 0) {
        atapi_digest(drive, 0);
        return;
    }
    drive->channel->position = 0;
    drive->channel->end = 0;
    if (atapi->uses_dma)
        ide_request_dma(drive, STEP_PACKET_DMA);
    else
        ide_schedule(drive, STEP_PACKET_OUT, IDE_NS_COMMAND);
}

/* Brings at least wanted bytes into the buffer, if the command has as many. False: failed. */
static bool fill_buffer(struct ide_drive *drive, uint32_t wanted)
{
    struct ide_channel *channel = drive->channel;
    struct atapi_state *atapi = &drive->atapi;
    uint32_t held = channel->end - channel->position;
    if (held >= wanted || atapi->sectors_left == 0)
        return true;
    memmove(channel->buffer, channel->buffer + channel->position, held);
    channel->position = 0;
    channel->end = held;
    while (channel->end < wanted && atapi->sectors_left) {
        if (!atapi_fetch_sector(drive, atapi->sector_lba, channel->buffer + channel->end)) {
            atapi_check(drive, SENSE_MEDIUM, 0x11, 0x00); /* unrecovered read error */
            return false;
        }
        channel->end += atapi->sector_size;
        atapi->sector_lba++;
        atapi->sectors_left--;
    }
    return true;
}

/* Offers the next block of data to the host, or ends the command. */
static void packet_in_step(struct ide_drive *drive)
{
    struct ide_channel *channel = drive->channel;
    if (!fill_buffer(drive, drive->atapi.byte_limit))
        return;
    uint32_t size = channel->end - channel->position;
    if (size == 0) {
        atapi_good(drive);
        return;
    }
    if (size > drive->atapi.byte_limit)
        size = drive->atapi.byte_limit;
    drive->task.lba_mid[0] = (uint8_t)size;
    drive->task.lba_high[0] = (uint8_t)(size >> 8);
    set_reason(drive, ATAPI_IO);
    uint32_t end = channel->end;
    ide_open_port(drive, TRANSFER_IN, channel->position, size);
    drive->atapi.data_end = end;
    ide_set_irq(drive, true);
}

/* Asks the host for the next block of its data. */
static void packet_out_step(struct ide_drive *drive)
{
    struct ide_channel *channel = drive->channel;
    uint32_t left = drive->atapi.out_expected - channel->end;
    if (left == 0) {
        atapi_digest(drive, drive->atapi.out_expected);
        return;
    }
    if (left > drive->atapi.byte_limit)
        left = drive->atapi.byte_limit;
    drive->task.lba_mid[0] = (uint8_t)left;
    drive->task.lba_high[0] = (uint8_t)(left >> 8);
    set_reason(drive, 0);
    ide_open_port(drive, TRANSFER_OUT, channel->end, left);
    ide_set_irq(drive, true);
}

static void dma_out(struct ide_drive *drive)
{
    struct ide_channel *channel = drive->channel;
    uint32_t size = drive->atapi.out_expected;
    if (ide_bus_master_move(channel, channel->buffer, size, false) < size)
        return;
    ide_close_port(drive);
    drive->atapi.out_expected = 0;
    atapi_digest(drive, size);
}

static void dma_in(struct ide_drive *drive)
{
    struct ide_channel *channel = drive->channel;
    if (!fill_buffer(drive, IDE_BLOCK_MAX))
        return;
    uint32_t size = channel->end - channel->position;
    drive->status |= ATA_DRQ;
    uint32_t moved = ide_bus_master_move(channel, channel->buffer + channel->position, size, true);
    channel->position += moved;
    if (moved < size)
        return;
    bool more = drive->atapi.sectors_left > 0;
    ide_schedule(drive, more ? STEP_PACKET_DMA : STEP_PACKET_END, (uint64_t)size * IDE_NS_PER_BYTE);
}

void atapi_step(struct ide_drive *drive, enum ide_step step)
{
    drive->status = ATA_DRDY | ATA_DSC;
    switch (step) {
    case STEP_ATA_FINISH:
        ide_complete(drive, ATA_DRDY | ATA_DSC, 0, true);
        break;
    case STEP_ATA_IDENTIFY:
        ide_open_port(drive, TRANSFER_IN, 0, DISK_SECTOR_SIZE);
        ide_set_irq(drive, true);
        break;
    case STEP_PACKET:
        if (drive->atapi.awaits_packet) {
            set_reason(drive, ATAPI_CD);
            ide_open_port(drive, TRANSFER_OUT, 0, ATAPI_PACKET_SIZE);
        } else {
            atapi_execute(drive);
        }
        break;
    case STEP_PACKET_IN:
        packet_in_step(drive);
        break;
    case STEP_PACKET_OUT:
        packet_out_step(drive);
        break;
    case STEP_PACKET_DMA:
        if (drive->atapi.out_expected)
            dma_out(drive);
        else
            dma_in(drive);
        break;
    case STEP_PACKET_END:
        atapi_good(drive);
        break;
    default:
        break;
    }
}

void atapi_port_done(struct ide_drive *drive, bool to_host)
{
    struct ide_channel *channel = drive->channel;
    struct atapi_state *atapi = &drive->atapi;
    if (drive->command != ATA_PACKET)
        return; /* IDENTIFY PACKET DEVICE */
    if (atapi->awaits_packet) {
        atapi->awaits_packet = false;
        memcpy(atapi->packet, channel->buffer, ATAPI_PACKET_SIZE);
        ide_schedule(drive, STEP_PACKET, IDE_NS_BLOCK);
        return;
    }
    uint64_t ns = IDE_NS_COMMAND + (uint64_t)atapi->byte_limit * PIO_NS_PER_BYTE / 4;
    if (to_host) {
        channel->end = atapi->data_end;
        ide_schedule(drive, STEP_PACKET_IN, ns);
    } else {
        ide_schedule(drive, STEP_PACKET_OUT, ns);
    }
}

/* --- ATA commands --- */

static void identify_packet(struct ide_drive *drive)
{
    const struct atapi_state *atapi = &drive->atapi;
    uint8_t *data = drive->channel->buffer;
    char serial[21] = "ANACHRON-CD";
    size_t length = strlen(serial);
    serial[length] = (char)('0' + drive->channel->number);
    serial[length + 1] = (char)('0' + drive->unit);
    unsigned chosen = 1u << (atapi->dma_mode & 7) << 8;
    memset(data, 0, DISK_SECTOR_SIZE);
    ide_put_word(data, 0, 0x85C0); /* packet device, CD-ROM, removable, DRQ in 50 us, 12 bytes */
    ide_put_text(data + 2 * 10, serial, 20);
    ide_put_text(data + 2 * 23, "1.0", 8);
    ide_put_text(data + 2 * 27, "Anachron CD-ROM", 40);
    ide_put_word(data, 49, 0x0F00); /* DMA, LBA, IORDY */
    ide_put_word(data, 50, 0x4000);
    ide_put_word(data, 51, 0x0200);
    ide_put_word(data, 53, 0x0006);
    ide_put_word(data, 63, (uint16_t)(0x0007 | (atapi->dma_mode >> 3 == 4 ? chosen : 0)));
    ide_put_word(data, 64, 0x0003);
    for (unsigned word = 65; word <= 68; word++)
        ide_put_word(data, word, 120);
    ide_put_word(data, 80, 0x007E);
    ide_put_word(data, 81, 0x0022);
    ide_put_word(data, 82, 0x4218); /* NOP, DEVICE RESET, PACKET, power management */
    ide_put_word(data, 83, 0x4000);
    ide_put_word(data, 84, 0x4000);
    ide_put_word(data, 85, 0x4218);
    ide_put_word(data, 86, 0x0000);
    ide_put_word(data, 87, 0x4000);
    ide_put_word(data, 88, (uint16_t)(0x003F | (atapi->dma_mode >> 3 == 8 ? chosen : 0)));
    ide_put_word(data, 93, drive->unit == 0 ? 0x600B : 0x6B00);
    ide_seal_identify(data);
    ide_schedule(drive, STEP_ATA_IDENTIFY, IDE_NS_COMMAND);
}

static void abort_command(struct ide_drive *drive)
{
    ide_complete(drive, ATA_DRDY | ATA_DSC | ATA_ERR, ATA_ABRT, true);
}

static void begin_packet(struct ide_drive *drive)
{
    struct atapi_state *atapi = &drive->atapi;
    const struct ide_taskfile *task = &drive->task;
    if (task->features[0] & PACKET_OVERLAP) {
        abort_command(drive);
        return;
    }
    uint32_t limit = task->lba_mid[0] | (uint32_t)task->lba_high[0] << 8;
    if (limit == 0 || limit > MAX_BYTE_LIMIT)
        limit = MAX_BYTE_LIMIT; /* 0 means nothing sensible; drives take it as 64 KiB */
    if (limit & 1 && limit > 1)
        limit--;
    atapi->byte_limit = (uint16_t)(limit > 1 ? limit : 2);
    atapi->uses_dma = task->features[0] & PACKET_DMA;
    atapi->awaits_packet = true;
    atapi->out_expected = 0;
    atapi->sectors_left = 0;
    drive->status = ATA_DRDY;
    ide_schedule(drive, STEP_PACKET, IDE_NS_COMMAND);
}

static void set_features(struct ide_drive *drive)
{
    uint8_t mode = drive->task.count[0], number = mode & 7;
    bool known = false;
    switch (drive->task.features[0]) {
    case FEATURE_TRANSFER_MODE:
        if (mode >> 3 == 0 ? number <= 1 : mode >> 3 == 1 && number <= 4) {
            drive->atapi.pio_mode = mode >> 3 ? number : 0;
            known = true;
        } else if ((mode >> 3 == 4 && number <= 2) || (mode >> 3 == 8 && number <= 5)) {
            drive->atapi.dma_mode = mode;
            known = true;
        }
        break;
    case FEATURE_KEEP_OVER_RESET:
    case FEATURE_REVERT_AT_RESET: /* a reset changes none of the settings */
        known = true;
        break;
    default:
        break;
    }
    if (known)
        ide_schedule(drive, STEP_ATA_FINISH, IDE_NS_COMMAND);
    else
        abort_command(drive);
}

/* DEVICE RESET: like a software reset of this drive alone, and silent. */
static void device_reset(struct ide_drive *drive)
{
    struct ide_channel *channel = drive->channel;
    if (channel->step_unit == drive->unit && channel->step != STEP_NONE) {
        timer_cancel(&channel->timer);
        channel->step = STEP_NONE;
    }
    atapi_reset(drive, false, false);
    ide_set_signature(drive);
    ide_complete(drive, 0, 0x01, false);
}

void atapi_command(struct ide_drive *drive, uint8_t command)
{
    drive->error = 0;
    drive->status = ATA_DRDY | ATA_DSC;
    switch (command) {
    case ATA_PACKET:
        begin_packet(drive);
        break;
    case ATA_IDENTIFY_PACKET:
        identify_packet(drive);
        break;
    case ATA_DEVICE_RESET:
        device_reset(drive);
        break;
    case ATAPI_SET_FEATURES:
        set_features(drive);
        break;
    case ATAPI_CHECK_POWER:
        drive->task.count[0] = drive->atapi.power == ATA_POWER_STANDBY ? 0x00 : 0xFF;
        ide_schedule(drive, STEP_ATA_FINISH, IDE_NS_COMMAND);
        break;
    case ATAPI_STANDBY_IMMEDIATE:
    case ATAPI_IDLE_IMMEDIATE:
    case ATAPI_SLEEP:
        drive->atapi.power = command == ATAPI_SLEEP            ? ATA_POWER_SLEEP
                             : command == ATAPI_IDLE_IMMEDIATE ? ATA_POWER_IDLE
                                                               : ATA_POWER_STANDBY;
        ide_schedule(drive, STEP_ATA_FINISH, IDE_NS_COMMAND);
        break;
    case ATAPI_FLUSH_CACHE:
        ide_schedule(drive, STEP_ATA_FINISH, IDE_NS_COMMAND);
        break;
    case ATAPI_NOP:
        abort_command(drive);
        break;
    default: /* disk commands show the signature, by which hosts tell the devices apart */
        ide_set_signature(drive);
        abort_command(drive);
        break;
    }
}

/* --- reset, and the person at the drive --- */

void atapi_reset(struct ide_drive *drive, bool hardware, bool power_on)
{
    struct atapi_state *atapi = &drive->atapi;
    drive->channel->transfer =
        drive->channel->transfer_unit == drive->unit ? TRANSFER_NONE : drive->channel->transfer;
    atapi->awaits_packet = false;
    atapi->sectors_left = 0;
    atapi->out_expected = 0;
    atapi->power = ATA_POWER_ACTIVE;
    if (!hardware)
        return;
    atapi->sense_key = atapi->asc = atapi->ascq = 0;
    atapi->locked = false;
    atapi->pio_mode = 0;
    atapi->dma_mode = 0x22;
    atapi->speed = 0xFFFF;
    atapi->error_recovery = 0;
    static const uint8_t ports[8] = {1, 255, 2, 255, 0, 0, 0, 0};
    memcpy(atapi->audio_ports, ports, sizeof ports);
    atapi->attention = true; /* power on, reset */
    atapi->attention_asc = 0x29;
    atapi->attention_ascq = 0x00;
    if (power_on)
        atapi->event = drive->disk ? MEDIA_NEW : MEDIA_NO_CHANGE;
}

bool atapi_insert(struct ide_drive *drive, struct disk_backend *disc, bool force)
{
    struct atapi_state *atapi = &drive->atapi;
    if (atapi->locked && !force && drive->disk) {
        atapi->event = MEDIA_EJECT_REQUEST;
        return false;
    }
    drive->disk = disc;
    atapi->tray_open = !disc;
    atapi->sectors_left = 0;
    atapi->event = disc ? MEDIA_NEW : MEDIA_REMOVAL;
    if (disc) {
        atapi->attention = true; /* medium may have changed */
        atapi->attention_asc = 0x28;
        atapi->attention_ascq = 0x00;
    }
    return true;
}
