/* What a CD-ROM drive tells about the disc (MMC-3): every disc here is one session of one data
 * track (mode 1), from 00:02:00 on, and closed. */
#include "devices/ide_private.h"

#include <string.h>

enum {
    LEAD_OUT = 0xAA,
    CONTROL_DATA_TRACK = 0x14, /* ADR 1: position; control 4: data track, no copying */
    FRAMES_PER_SECOND = 75,
    PREGAP_FRAMES = 150,
    AUDIO_STATUS_NONE = 0x15,

    TOC_FORMATTED = 0,
    TOC_SESSIONS = 1,
    TOC_FULL = 2,
    TOC_PMA = 3,
    TOC_CD_TEXT = 5,
};

static void put_msf(uint8_t *bytes, uint32_t lba)
{
    uint32_t frame = lba + PREGAP_FRAMES;
    bytes[0] = (uint8_t)(frame / FRAMES_PER_SECOND / 60);
    bytes[1] = (uint8_t)(frame / FRAMES_PER_SECOND % 60);
    bytes[2] = (uint8_t)(frame % FRAMES_PER_SECOND);
}

/* An address field of four bytes, in the form that the command asked for. */
static void put_address(uint8_t *bytes, uint32_t lba, bool msf)
{
    if (!msf) {
        put_be32(bytes, lba);
        return;
    }
    bytes[0] = 0;
    put_msf(bytes + 1, lba);
}

static uint8_t *put_track(uint8_t *bytes, uint8_t track, uint32_t lba, bool msf)
{
    bytes[0] = 0;
    bytes[1] = CONTROL_DATA_TRACK;
    bytes[2] = track;
    bytes[3] = 0;
    put_address(bytes + 4, lba, msf);
    return bytes + 8;
}

/* One entry of the raw TOC, as it stands in the lead-in: point and its time. */
static uint8_t *put_point(uint8_t *bytes, uint8_t point, uint8_t m, uint8_t s, uint8_t f)
{
    memset(bytes, 0, 11);
    bytes[0] = 1; /* session */
    bytes[1] = CONTROL_DATA_TRACK;
    bytes[3] = point;
    bytes[8] = m;
    bytes[9] = s;
    bytes[10] = f;
    return bytes + 11;
}

static uint8_t *full_toc(const struct ide_drive *drive, uint8_t *out)
{
    uint8_t msf[3];
    out = put_point(out, 0xA0, 1, 0, 0); /* first track; disc type CD-ROM */
    out = put_point(out, 0xA1, 1, 0, 0); /* last track */
    put_msf(msf, atapi_block_count(drive));
    out = put_point(out, 0xA2, msf[0], msf[1], msf[2]);
    put_msf(msf, 0);
    return put_point(out, 1, msf[0], msf[1], msf[2]);
}

void atapi_read_toc(struct ide_drive *drive)
{
    const uint8_t *packet = drive->atapi.packet;
    uint8_t *data = drive->channel->buffer, *out = data + 4;
    bool msf = packet[1] & 2;
    uint8_t first = packet[6];
    unsigned format = packet[2] & 0x0F;
    if (format == TOC_FORMATTED)
        format = packet[9] >> 6; /* where SFF-8020i had it */
    data[2] = data[3] = 1;       /* first and last track, or session */
    switch (format) {
    case TOC_FORMATTED:
        if (first > 1 && first != LEAD_OUT) {
            atapi_check(drive, SENSE_ILLEGAL, 0x24, 0x00);
            return;
        }
        if (first <= 1)
            out = put_track(out, 1, 0, msf);
        out = put_track(out, LEAD_OUT, atapi_block_count(drive), msf);
        break;
    case TOC_SESSIONS:
        out = put_track(out, 1, 0, msf);
        break;
    case TOC_FULL:
        if (first <= 1)
            out = full_toc(drive, out);
        break;
    case TOC_PMA:
        data[2] = data[3] = 0;
        break;
    case TOC_CD_TEXT:
        data[2] = data[3] = 0;
        break;
    default: /* ATIP: only recordable discs have it */
        atapi_check(drive, SENSE_ILLEGAL, 0x24, 0x00);
        return;
    }
    uint32_t size = (uint32_t)(out - data);
    put_be16(data, size - 2);
    atapi_reply(drive, size, be16(packet + 7));
}

void atapi_read_subchannel(struct ide_drive *drive)
{
    const uint8_t *packet = drive->atapi.packet;
    uint8_t *data = drive->channel->buffer;
    bool msf = packet[1] & 2, wants_q = packet[2] & 0x40;
    uint32_t size = 4;
    memset(data, 0, 24);
    data[1] = AUDIO_STATUS_NONE;
    if (wants_q) {
        switch (packet[3]) {
        case 1: /* current position */
            size = 16;
            data[5] = CONTROL_DATA_TRACK;
            data[6] = 1; /* track */
            data[7] = 1; /* index */
            put_address(data + 8, drive->atapi.sector_lba, msf);
            put_address(data + 12, drive->atapi.sector_lba, false);
            if (msf)
                put_msf(data + 13, drive->atapi.sector_lba - PREGAP_FRAMES);
            break;
        case 2: /* media catalogue number: none */
        case 3: /* recording code: none */
            size = 24;
            data[5] = packet[3] == 3 ? CONTROL_DATA_TRACK : 0;
            data[6] = packet[3] == 3 ? packet[6] : 0;
            break;
        default:
            atapi_check(drive, SENSE_ILLEGAL, 0x24, 0x00);
            return;
        }
        data[4] = packet[3];
        put_be16(data + 2, size - 4);
    }
    atapi_reply(drive, size, be16(packet + 7));
}

void atapi_read_disc_information(struct ide_drive *drive)
{
    const uint8_t *packet = drive->atapi.packet;
    uint8_t *data = drive->channel->buffer;
    const uint32_t size = 34;
    memset(data, 0, size);
    put_be16(data, size - 2);
    data[2] = 0x0E;             /* last session complete, disc complete */
    data[3] = 1;                /* first track */
    data[4] = 1;                /* sessions */
    data[5] = data[6] = 1;      /* first and last track of the last session */
    data[7] = 0x20;             /* unrestricted use */
    data[8] = 0x00;             /* CD-ROM */
    memset(data + 16, 0xFF, 8); /* no more session can start, no lead-out can */
    atapi_reply(drive, size, be16(packet + 7));
}

void atapi_read_track_information(struct ide_drive *drive)
{
    const uint8_t *packet = drive->atapi.packet;
    uint8_t *data = drive->channel->buffer;
    const uint32_t size = 36;
    uint32_t blocks = atapi_block_count(drive), number = be32(packet + 2);
    bool found;
    switch (packet[1] & 3) {
    case 0:
        found = number < blocks;
        break;
    default: /* a track's number, or a session's */
        found = number == 1;
        break;
    }
    if (!found) {
        atapi_check(drive, SENSE_ILLEGAL, 0x24, 0x00);
        return;
    }
    memset(data, 0, size);
    put_be16(data, size - 2);
    data[2] = 1; /* track */
    data[3] = 1; /* session */
    data[5] = CONTROL_DATA_TRACK & 0x0F;
    data[6] = 0x01; /* mode 1 */
    put_be32(data + 24, blocks);
    atapi_reply(drive, size, be16(packet + 7));
}

void atapi_read_header(struct ide_drive *drive)
{
    const uint8_t *packet = drive->atapi.packet;
    uint8_t *data = drive->channel->buffer;
    uint32_t lba = be32(packet + 2);
    if (lba >= atapi_block_count(drive)) {
        atapi_check(drive, SENSE_ILLEGAL, 0x21, 0x00);
        return;
    }
    memset(data, 0, 8);
    data[0] = 1; /* mode 1 */
    put_address(data + 4, lba, packet[1] & 2);
    atapi_reply(drive, 8, be16(packet + 7));
}

static uint32_t dvd_physical_format(const struct ide_drive *drive, uint8_t *data)
{
    const uint32_t first_sector = 0x30000;
    memset(data, 0, 4 + 2048);
    data[4] = 0x01; /* DVD-ROM, version 1 */
    data[5] = 0x0F; /* 120 mm, rate not specified */
    data[6] = 0x01; /* one layer, embossed */
    put_be32(data + 8, first_sector);
    put_be32(data + 12, first_sector + atapi_block_count(drive) - 1);
    return 4 + 2048;
}

void atapi_read_dvd_structure(struct ide_drive *drive)
{
    const uint8_t *packet = drive->atapi.packet;
    uint8_t *data = drive->channel->buffer;
    uint32_t size;
    if (!atapi_disc_is_dvd(drive)) {
        atapi_check(drive, SENSE_ILLEGAL, 0x30, 0x02); /* cannot read medium: unknown format */
        return;
    }
    switch (packet[7]) {
    case 0x00:
        size = dvd_physical_format(drive, data);
        break;
    case 0x01: /* copyright: none */
        memset(data, 0, 8);
        size = 8;
        break;
    case 0x04: /* manufacturer: nothing */
        memset(data, 0, 4 + 2048);
        size = 4 + 2048;
        break;
    default:
        atapi_check(drive, SENSE_ILLEGAL, 0x24, 0x00);
        return;
    }
    put_be16(data, size - 2);
    data[2] = data[3] = 0;
    atapi_reply(drive, size, be16(packet + 8));
}
