/* GET CONFIGURATION, GET EVENT STATUS NOTIFICATION and MECHANISM STATUS (MMC-3, 5.2, 6.6, 6.7). */
#include "devices/ide_private.h"

#include <string.h>

enum {
    PROFILE_CD_ROM = 0x0008,
    PROFILE_DVD_ROM = 0x0010,

    REQUEST_ALL = 0,
    REQUEST_CURRENT = 1,
    REQUEST_ONE = 2,

    EVENT_CLASS_MEDIA = 4,
    EVENT_NONE_AVAILABLE = 0x80,
    POLLED = 0x01,
};

struct feature {
    uint16_t code;
    uint8_t flags; /* version << 2 | persistent << 1; bit 0 (current) is worked out */
    uint8_t kind;  /* enum feature_kind: when it is current */
    uint8_t length;
    uint8_t data[8];
};

enum feature_kind { CURRENT_ALWAYS, CURRENT_ANY_DISC, CURRENT_CD, CURRENT_DVD };

static const struct feature features[] = {
    {0x0000, 0x02, CURRENT_ALWAYS,   8, {0x00, 0x10, 0, 0, 0x00, 0x08, 0, 0}}, /* profiles */
    {0x0001, 0x06, CURRENT_ALWAYS,   4, {0, 0, 0, 2}                        }, /* core: ATAPI */
    {0x0002, 0x02, CURRENT_ALWAYS,   4, {0}                                 }, /* morphing */
    {0x0003, 0x02, CURRENT_ALWAYS,   4, {0x29, 0, 0, 0}                     }, /* removable */
    {0x0010, 0x00, CURRENT_ANY_DISC, 8, {0, 0, 0x08, 0x00, 0x00, 0x01, 0, 0}}, /* readable */
    {0x001D, 0x00, CURRENT_CD,       0, {0}                                 }, /* multi-read */
    {0x001E, 0x08, CURRENT_CD,       4, {0}                                 }, /* CD read */
    {0x001F, 0x00, CURRENT_DVD,      0, {0}                                 }, /* DVD read */
    {0x0100, 0x02, CURRENT_ALWAYS,   0, {0}                                 }, /* power */
    {0x0105, 0x02, CURRENT_ALWAYS,   0, {0}                                 }, /* time-out */
};

static uint16_t current_profile(const struct ide_drive *drive)
{
    if (!drive->disk || drive->atapi.tray_open)
        return 0;
    return atapi_disc_is_dvd(drive) ? PROFILE_DVD_ROM : PROFILE_CD_ROM;
}

static bool is_current(const struct feature *feature, uint16_t profile)
{
    switch ((enum feature_kind)feature->kind) {
    case CURRENT_ANY_DISC:
        return profile != 0;
    case CURRENT_CD:
        return profile == PROFILE_CD_ROM;
    case CURRENT_DVD:
        return profile == PROFILE_DVD_ROM;
    default:
        return true;
    }
}

static uint8_t *put_feature(uint8_t *out, const struct feature *feature, uint16_t profile)
{
    put_be16(out, feature->code);
    out[2] = (uint8_t)(feature->flags | (is_current(feature, profile) ? 1 : 0));
    out[3] = feature->length;
    memcpy(out + 4, feature->data, feature->length);
    if (feature->code == 0) {
        out[4 + 2] = profile == PROFILE_DVD_ROM;
        out[4 + 6] = profile == PROFILE_CD_ROM;
    }
    return out + 4 + feature->length;
}

void atapi_get_configuration(struct ide_drive *drive)
{
    const uint8_t *packet = drive->atapi.packet;
    uint8_t *data = drive->channel->buffer, *out = data + 8;
    unsigned request = packet[1] & 3;
    uint32_t start = be16(packet + 2);
    uint16_t profile = current_profile(drive);
    if (request > REQUEST_ONE) {
        atapi_check(drive, SENSE_ILLEGAL, 0x24, 0x00);
        return;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(features); i++) {
        const struct feature *feature = &features[i];
        bool wanted = request == REQUEST_ONE ? feature->code == start : feature->code >= start;
        if (request == REQUEST_CURRENT && !is_current(feature, profile))
            wanted = false;
        if (wanted)
            out = put_feature(out, feature, profile);
    }
    memset(data, 0, 8);
    put_be32(data, (uint32_t)(out - data) - 4);
    put_be16(data + 6, profile);
    atapi_reply(drive, (uint32_t)(out - data), be16(packet + 7));
}

void atapi_get_event_status(struct ide_drive *drive)
{
    struct atapi_state *atapi = &drive->atapi;
    uint8_t *data = drive->channel->buffer;
    uint32_t size = 4;
    if (!(atapi->packet[1] & POLLED)) {
        atapi_check(drive, SENSE_ILLEGAL, 0x24, 0x00); /* asynchronous notification */
        return;
    }
    memset(data, 0, 8);
    data[3] = 1 << EVENT_CLASS_MEDIA;
    if (atapi->packet[4] & (1 << EVENT_CLASS_MEDIA)) {
        size = 8;
        data[2] = EVENT_CLASS_MEDIA;
        data[4] = atapi->event;
        data[5] =
            (uint8_t)((atapi->tray_open ? 1 : 0) | (drive->disk && !atapi->tray_open ? 2 : 0));
        if (be16(atapi->packet + 7) > 4)
            atapi->event = MEDIA_NO_CHANGE;
    } else {
        data[2] = EVENT_NONE_AVAILABLE;
    }
    put_be16(data, size - 2);
    atapi_reply(drive, size, be16(atapi->packet + 7));
}

void atapi_mechanism_status(struct ide_drive *drive)
{
    uint8_t *data = drive->channel->buffer;
    memset(data, 0, 8);
    data[1] = drive->atapi.tray_open ? 0x10 : 0;
    data[2] = (uint8_t)(drive->atapi.sector_lba >> 16);
    put_be16(data + 3, drive->atapi.sector_lba);
    data[5] = 1; /* slots; none has a table */
    atapi_reply(drive, 8, be16(drive->atapi.packet + 8));
}
