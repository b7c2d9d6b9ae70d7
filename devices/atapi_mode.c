/* MODE SENSE (10) and MODE SELECT (10) of a CD-ROM drive (MMC-3, 5.5; SFF-8020i, 10.8.6). */
#include "devices/ide_private.h"

#include <string.h>

enum {
    PAGE_ERROR_RECOVERY = 0x01,
    PAGE_CD_PARAMETERS = 0x0D,
    PAGE_AUDIO_CONTROL = 0x0E,
    PAGE_POWER_CONDITION = 0x1A,
    PAGE_TIMEOUT = 0x1D,
    PAGE_CAPABILITIES = 0x2A,
    PAGE_ALL = 0x3F,

    CONTROL_CURRENT = 0,
    CONTROL_CHANGEABLE = 1,
    CONTROL_DEFAULT = 2,
    CONTROL_SAVED = 3,

    HEADER_SIZE = 8,
    MAX_SPEED = 5632, /* kB/s: 32 times the first drives */
};

static const uint8_t default_audio_ports[8] = {1, 255, 2, 255, 0, 0, 0, 0};

static uint8_t medium_type(const struct ide_drive *drive)
{
    if (drive->atapi.tray_open)
        return 0x71;                  /* door open */
    return drive->disk ? 0x01 : 0x70; /* 120 mm data disc; no disc */
}

static uint8_t *put_error_recovery(const struct ide_drive *drive, uint8_t *out, unsigned control)
{
    memset(out, 0, 8);
    out[0] = PAGE_ERROR_RECOVERY;
    out[1] = 6;
    if (control == CONTROL_CHANGEABLE) {
        out[2] = 0xFF;
    } else {
        out[2] = control == CONTROL_CURRENT ? drive->atapi.error_recovery : 0;
        out[3] = 5; /* retries */
    }
    return out + 8;
}

static uint8_t *put_cd_parameters(uint8_t *out, unsigned control)
{
    memset(out, 0, 8);
    out[0] = PAGE_CD_PARAMETERS;
    out[1] = 6;
    if (control != CONTROL_CHANGEABLE) {
        out[3] = 0x0D; /* inactivity: 16 minutes */
        out[5] = 60;   /* seconds a minute */
        out[7] = 75;   /* frames a second */
    }
    return out + 8;
}

static uint8_t *put_audio_control(const struct ide_drive *drive, uint8_t *out, unsigned control)
{
    memset(out, 0, 16);
    out[0] = PAGE_AUDIO_CONTROL;
    out[1] = 14;
    if (control == CONTROL_CHANGEABLE) {
        memset(out + 8, 0xFF, 8);
        return out + 16;
    }
    out[2] = 0x04; /* immediate */
    memcpy(out + 8, control == CONTROL_CURRENT ? drive->atapi.audio_ports : default_audio_ports, 8);
    return out + 16;
}

static uint8_t *put_zero_page(uint8_t *out, uint8_t page, uint8_t length)
{
    memset(out, 0, 2u + length);
    out[0] = page;
    out[1] = length;
    return out + 2 + length;
}

static uint8_t *put_capabilities(const struct ide_drive *drive, uint8_t *out, unsigned control)
{
    memset(out, 0, 22);
    out[0] = PAGE_CAPABILITIES;
    out[1] = 20;
    if (control == CONTROL_CHANGEABLE)
        return out + 22;
    unsigned speed = drive->atapi.speed < MAX_SPEED ? drive->atapi.speed : MAX_SPEED;
    out[2] = 0x0B; /* reads CD-R, CD-RW and DVD-ROM */
    out[4] = 0x70; /* mode 2 form 1 and 2, multi-session */
    out[5] = 0x00; /* no audio extraction */
    out[6] = (uint8_t)(0x29 | (drive->atapi.locked ? 0x02 : 0)); /* tray; can eject, can lock */
    put_be16(out + 8, MAX_SPEED);
    put_be16(out + 10, 256); /* volume levels */
    put_be16(out + 12, 512); /* buffer, KiB */
    put_be16(out + 14, speed);
    return out + 22;
}

static uint8_t *put_page(const struct ide_drive *drive, uint8_t *out, uint8_t page,
                         unsigned control)
{
    switch (page) {
    case PAGE_ERROR_RECOVERY:
        return put_error_recovery(drive, out, control);
    case PAGE_CD_PARAMETERS:
        return put_cd_parameters(out, control);
    case PAGE_AUDIO_CONTROL:
        return put_audio_control(drive, out, control);
    case PAGE_POWER_CONDITION:
        return put_zero_page(out, PAGE_POWER_CONDITION, 10);
    case PAGE_TIMEOUT:
        return put_zero_page(out, PAGE_TIMEOUT, 10);
    case PAGE_CAPABILITIES:
        return put_capabilities(drive, out, control);
    default:
        return out;
    }
}

void atapi_mode_sense(struct ide_drive *drive)
{
    static const uint8_t pages[] = {PAGE_ERROR_RECOVERY,  PAGE_CD_PARAMETERS, PAGE_AUDIO_CONTROL,
                                    PAGE_POWER_CONDITION, PAGE_TIMEOUT,       PAGE_CAPABILITIES};
    const uint8_t *packet = drive->atapi.packet;
    uint8_t *data = drive->channel->buffer, *out = data + HEADER_SIZE;
    uint8_t wanted = packet[2] & 0x3F;
    unsigned control = packet[2] >> 6;
    if (control == CONTROL_SAVED) {
        atapi_check(drive, SENSE_ILLEGAL, 0x39, 0x00); /* saving parameters not supported */
        return;
    }
    memset(data, 0, HEADER_SIZE);
    data[2] = medium_type(drive);
    for (size_t i = 0; i < ARRAY_LENGTH(pages); i++) {
        if (wanted == PAGE_ALL || wanted == pages[i])
            out = put_page(drive, out, pages[i], control);
    }
    if (out == data + HEADER_SIZE) {
        atapi_check(drive, SENSE_ILLEGAL, 0x24, 0x00);
        return;
    }
    uint32_t size = (uint32_t)(out - data);
    put_be16(data, size - 2);
    atapi_reply(drive, size, be16(packet + 7));
}

void atapi_mode_select(struct ide_drive *drive)
{
    const uint8_t *packet = drive->atapi.packet;
    if (!(packet[1] & 0x10) || (packet[1] & 0x01)) /* page format; saving is not supported */
        atapi_check(drive, SENSE_ILLEGAL, 0x24, 0x00);
    else
        atapi_receive(drive, be16(packet + 7));
}

/* Takes one page over. False: it may not be set like this. */
static bool set_page(struct ide_drive *drive, const uint8_t *page, uint32_t size)
{
    switch (page[0] & 0x3F) {
    case PAGE_ERROR_RECOVERY:
        if (size < 8)
            return false;
        drive->atapi.error_recovery = page[2];
        return true;
    case PAGE_AUDIO_CONTROL:
        if (size < 16)
            return false;
        memcpy(drive->atapi.audio_ports, page + 8, 8);
        return true;
    case PAGE_CD_PARAMETERS:
    case PAGE_POWER_CONDITION:
    case PAGE_TIMEOUT: /* accepted where nothing depends on them */
        return true;
    default:
        return false;
    }
}

void atapi_mode_select_data(struct ide_drive *drive, uint32_t size)
{
    const uint8_t *data = drive->channel->buffer;
    if (size == 0) {
        atapi_good(drive);
        return;
    }
    if (size < HEADER_SIZE) {
        atapi_check(drive, SENSE_ILLEGAL, 0x1A, 0x00); /* parameter list length error */
        return;
    }
    uint32_t position = HEADER_SIZE + be16(data + 6);
    while (position + 2 <= size) {
        uint32_t length = 2u + data[position + 1];
        if (length > size - position) {
            atapi_check(drive, SENSE_ILLEGAL, 0x1A, 0x00);
            return;
        }
        if (!set_page(drive, data + position, length)) {
            atapi_check(drive, SENSE_ILLEGAL, 0x26, 0x00); /* invalid field in parameter list */
            return;
        }
        position += length;
    }
    atapi_good(drive);
}
