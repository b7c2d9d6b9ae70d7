/* READ and READ CD: which parts of a sector the host wants, and making them (MMC-3, 6.15, 6.19). */
#include "devices/cd_sector.h"
#include "devices/ide_private.h"

#include <string.h>

enum {
    FLAG_SYNC = 0x80,
    FLAG_SUB_HEADER = 0x40,
    FLAG_HEADER = 0x20,
    FLAG_USER_DATA = 0x10,
    FLAG_EDC_ECC = 0x08,
    ERROR_FIELD = 0x06,
    ERROR_C2 = 0x02,
    ERROR_C2_AND_BLOCK = 0x04,

    SECTOR_TYPE_ANY = 0,
    SECTOR_TYPE_MODE_1 = 2,

    SUBCHANNEL_NONE = 0,
    SUBCHANNEL_RAW = 1,
    SUBCHANNEL_Q = 2,
    SUBCHANNEL_RAW_SIZE = 96,
    SUBCHANNEL_Q_SIZE = 16,
    C2_SIZE = 294,
    C2_AND_BLOCK_SIZE = 296,
};

void atapi_read_blocks(struct ide_drive *drive, uint32_t lba, uint32_t count)
{
    drive->atapi.read_flags = FLAG_USER_DATA;
    drive->atapi.read_subchannel = SUBCHANNEL_NONE;
    atapi_send_sectors(drive, lba, count, CD_BLOCK_SIZE);
}

static uint32_t main_size(uint8_t flags)
{
    uint32_t size = 0;
    if (flags & FLAG_SYNC)
        size += CD_HEADER_OFFSET;
    if (flags & FLAG_HEADER)
        size += CD_DATA_OFFSET - CD_HEADER_OFFSET;
    if (flags & FLAG_USER_DATA)
        size += CD_BLOCK_SIZE;
    if (flags & FLAG_EDC_ECC)
        size += CD_SECTOR_RAW_SIZE - CD_EDC_OFFSET;
    return size;
}

static uint32_t error_size(uint8_t flags)
{
    if ((flags & ERROR_FIELD) == ERROR_C2)
        return C2_SIZE;
    return (flags & ERROR_FIELD) == ERROR_C2_AND_BLOCK ? C2_AND_BLOCK_SIZE : 0;
}

static uint32_t subchannel_size(uint8_t selection)
{
    if (selection == SUBCHANNEL_Q)
        return SUBCHANNEL_Q_SIZE;
    return selection == SUBCHANNEL_RAW ? SUBCHANNEL_RAW_SIZE : 0;
}

uint32_t atapi_sector_size(const struct atapi_state *atapi)
{
    return main_size(atapi->read_flags) + error_size(atapi->read_flags) +
           subchannel_size(atapi->read_subchannel);
}

void atapi_read_cd(struct ide_drive *drive, uint32_t lba, uint32_t count)
{
    struct atapi_state *atapi = &drive->atapi;
    unsigned type = atapi->packet[1] >> 2 & 7;
    uint8_t flags = atapi->packet[9], selection = atapi->packet[10] & 7;
    /* Mode 1 has no sub-header: asking for it too adds nothing. */
    bool gap = (flags & FLAG_SYNC) && (flags & FLAG_USER_DATA) && !(flags & FLAG_HEADER);
    if (gap || (flags & ERROR_FIELD) == ERROR_FIELD || selection > SUBCHANNEL_Q) {
        atapi_check(drive, SENSE_ILLEGAL, 0x24, 0x00);
        return;
    }
    if (type != SECTOR_TYPE_ANY && type != SECTOR_TYPE_MODE_1) {
        atapi_check(drive, SENSE_ILLEGAL, 0x64, 0x00); /* illegal mode for this track */
        return;
    }
    atapi->read_flags = flags;
    atapi->read_subchannel = selection;
    atapi_send_sectors(drive, lba, count, atapi_sector_size(atapi));
}

static bool read_user_data(struct ide_drive *drive, uint32_t lba, uint8_t *bytes)
{
    const uint32_t per_block = CD_BLOCK_SIZE / DISK_SECTOR_SIZE;
    struct disk_backend *disc = drive->disk;
    struct error err;
    if (!disc)
        return false; /* taken out in the middle of the command */
    if (disc->ops->read(disc, (uint64_t)lba * per_block, per_block, bytes, &err))
        return true;
    log_line(ide_log(drive), LOG_ERROR, "ide: %s", err.text);
    return false;
}

static uint8_t *copy_part(uint8_t *out, const uint8_t *raw, unsigned first, unsigned end)
{
    memcpy(out, raw + first, end - first);
    return out + (end - first);
}

/* Sub-channel Q of the position; formatted (16 bytes) or as bit 6 of 96 bytes. */
static void put_subchannel(uint8_t *out, uint32_t lba, uint8_t selection)
{
    uint8_t q[SUBCHANNEL_Q_SIZE] = {0x41, 0x01, 0x01};
    cd_sector_address(q + 3, lba - 150); /* relative to the track */
    cd_sector_address(q + 7, lba);
    uint16_t crc = 0;
    for (unsigned bit = 0; bit < 80; bit++) {
        unsigned feedback = (crc >> 15 ^ q[bit / 8] >> (7 - bit % 8)) & 1u;
        crc = (uint16_t)(crc << 1 ^ (feedback ? 0x1021 : 0));
    }
    put_be16(q + 10, (uint16_t)~crc);
    if (selection == SUBCHANNEL_Q) {
        memcpy(out, q, sizeof q);
        return;
    }
    for (unsigned bit = 0; bit < SUBCHANNEL_RAW_SIZE; bit++)
        out[bit] = q[bit / 8] & 0x80 >> bit % 8 ? 0x40 : 0;
}

bool atapi_fetch_sector(struct ide_drive *drive, uint32_t lba, uint8_t *bytes)
{
    uint8_t flags = drive->atapi.read_flags, selection = drive->atapi.read_subchannel;
    if (flags == FLAG_USER_DATA && selection == SUBCHANNEL_NONE)
        return read_user_data(drive, lba, bytes);
    uint8_t raw[CD_SECTOR_RAW_SIZE];
    if (!read_user_data(drive, lba, raw + CD_DATA_OFFSET))
        return false;
    cd_sector_encode(raw, lba);
    uint8_t *out = bytes;
    if (flags & FLAG_SYNC)
        out = copy_part(out, raw, CD_SYNC_OFFSET, CD_HEADER_OFFSET);
    if (flags & FLAG_HEADER)
        out = copy_part(out, raw, CD_HEADER_OFFSET, CD_DATA_OFFSET);
    if (flags & FLAG_USER_DATA)
        out = copy_part(out, raw, CD_DATA_OFFSET, CD_EDC_OFFSET);
    if (flags & FLAG_EDC_ECC)
        out = copy_part(out, raw, CD_EDC_OFFSET, CD_SECTOR_RAW_SIZE);
    memset(out, 0, error_size(flags));
    out += error_size(flags);
    if (selection != SUBCHANNEL_NONE)
        put_subchannel(out, lba, selection);
    return true;
}
