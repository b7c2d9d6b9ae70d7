/* Packet commands: dispatch, sense data, and the commands that move no disc data (MMC-3, SPC-2,
 * SFF-8020i). */
#include "devices/ide_private.h"

#include <string.h>

enum {
    TEST_UNIT_READY = 0x00,
    REQUEST_SENSE = 0x03,
    INQUIRY = 0x12,
    START_STOP_UNIT = 0x1B,
    PREVENT_ALLOW = 0x1E,
    READ_CAPACITY = 0x25,
    READ_10 = 0x28,
    SEEK_10 = 0x2B,
    VERIFY_10 = 0x2F,
    SYNCHRONIZE_CACHE = 0x35,
    READ_SUBCHANNEL = 0x42,
    READ_TOC = 0x43,
    READ_HEADER = 0x44,
    PLAY_AUDIO_10 = 0x45,
    GET_CONFIGURATION = 0x46,
    PLAY_AUDIO_MSF = 0x47,
    GET_EVENT_STATUS = 0x4A,
    PAUSE_RESUME = 0x4B,
    STOP_PLAY_SCAN = 0x4E,
    READ_DISC_INFORMATION = 0x51,
    READ_TRACK_INFORMATION = 0x52,
    MODE_SELECT_10 = 0x55,
    MODE_SENSE_10 = 0x5A,
    PLAY_AUDIO_12 = 0xA5,
    READ_12 = 0xA8,
    READ_DVD_STRUCTURE = 0xAD,
    READ_CD_MSF = 0xB9,
    SCAN = 0xBA,
    SET_CD_SPEED = 0xBB,
    MECHANISM_STATUS = 0xBD,
    READ_CD = 0xBE,

    DVD_MIN_BLOCKS = 449850, /* 99 minutes 58 seconds: more than any CD holds */
    SENSE_SIZE = 18,
    INQUIRY_SIZE = 36,
};

/* What the dispatcher checks before a command runs. */
enum { NEEDS_DISC = 1, SKIPS_ATTENTION = 2 };

struct packet_command {
    uint8_t opcode;
    uint8_t flags;
    void (*execute)(struct ide_drive *drive);
};

static void illegal_field(struct ide_drive *drive)
{
    atapi_check(drive, SENSE_ILLEGAL, 0x24, 0x00);
}

static void out_of_range(struct ide_drive *drive)
{
    atapi_check(drive, SENSE_ILLEGAL, 0x21, 0x00);
}

uint32_t atapi_block_count(const struct ide_drive *drive)
{
    if (!drive->disk)
        return 0;
    uint64_t blocks = drive->disk->sector_count / (CD_BLOCK_SIZE / DISK_SECTOR_SIZE);
    return blocks > UINT32_MAX ? UINT32_MAX : (uint32_t)blocks;
}

bool atapi_disc_is_dvd(const struct ide_drive *drive)
{
    return atapi_block_count(drive) >= DVD_MIN_BLOCKS;
}

/* --- commands --- */

static void test_unit_ready(struct ide_drive *drive)
{
    atapi_good(drive);
}

static void request_sense(struct ide_drive *drive)
{
    struct atapi_state *atapi = &drive->atapi;
    uint8_t *data = drive->channel->buffer;
    memset(data, 0, SENSE_SIZE);
    data[0] = 0xF0 & ~0x80; /* current error; the information field is not used */
    data[7] = SENSE_SIZE - 8;
    if (atapi->sense_key == 0 && atapi->attention) {
        data[2] = SENSE_ATTENTION;
        data[12] = atapi->attention_asc;
        data[13] = atapi->attention_ascq;
        atapi->attention = false;
    } else {
        data[2] = atapi->sense_key;
        data[12] = atapi->asc;
        data[13] = atapi->ascq;
    }
    atapi_reply(drive, SENSE_SIZE, atapi->packet[4]);
}

static void inquiry(struct ide_drive *drive)
{
    const uint8_t *packet = drive->atapi.packet;
    uint8_t *data = drive->channel->buffer;
    if ((packet[1] & 3) || packet[2]) {
        illegal_field(drive);
        return;
    }
    memset(data, 0, INQUIRY_SIZE);
    data[0] = 0x05; /* CD-ROM */
    data[1] = 0x80; /* removable */
    data[3] = 0x21; /* ATAPI version 2, response format 1 */
    data[4] = INQUIRY_SIZE - 5;
    memcpy(data + 8, "ANACHRONCD-ROM          1.0 ", 28);
    atapi_reply(drive, INQUIRY_SIZE, packet[4]);
}

static void start_stop_unit(struct ide_drive *drive)
{
    struct atapi_state *atapi = &drive->atapi;
    unsigned action = atapi->packet[4] & 3; /* LoEj, Start */
    if (atapi->packet[4] >> 4) {            /* power condition */
        atapi_good(drive);
        return;
    }
    if (action == 2 && atapi->locked && !atapi->tray_open) {
        atapi_check(drive, atapi_block_count(drive) ? SENSE_ILLEGAL : SENSE_NOT_READY, 0x53, 0x02);
        return;
    }
    if (action == 2 && !atapi->tray_open) {
        atapi->tray_open = true;
        atapi->event = MEDIA_REMOVAL;
    } else if (action == 3 && atapi->tray_open) {
        atapi->tray_open = false;
        if (drive->disk) {
            atapi->event = MEDIA_NEW;
            atapi->attention = true;
            atapi->attention_asc = 0x28;
            atapi->attention_ascq = 0x00;
        }
    }
    atapi_good(drive);
}

static void prevent_allow(struct ide_drive *drive)
{
    drive->atapi.locked = drive->atapi.packet[4] & 1;
    atapi_good(drive);
}

static void read_capacity(struct ide_drive *drive)
{
    uint8_t *data = drive->channel->buffer;
    put_be32(data, atapi_block_count(drive) - 1);
    put_be32(data + 4, CD_BLOCK_SIZE);
    atapi_reply(drive, 8, 8);
}

static bool check_range(struct ide_drive *drive, uint32_t lba, uint32_t count)
{
    uint32_t blocks = atapi_block_count(drive);
    if (lba < blocks && count <= blocks - lba)
        return true;
    if (count == 0 && lba == blocks)
        return true;
    out_of_range(drive);
    return false;
}

static void read_10(struct ide_drive *drive)
{
    const uint8_t *packet = drive->atapi.packet;
    if (check_range(drive, be32(packet + 2), be16(packet + 7)))
        atapi_read_blocks(drive, be32(packet + 2), be16(packet + 7));
}

static void read_12(struct ide_drive *drive)
{
    const uint8_t *packet = drive->atapi.packet;
    if (check_range(drive, be32(packet + 2), be32(packet + 6)))
        atapi_read_blocks(drive, be32(packet + 2), be32(packet + 6));
}

static void read_cd(struct ide_drive *drive)
{
    const uint8_t *packet = drive->atapi.packet;
    if (check_range(drive, be32(packet + 2), be24(packet + 6)))
        atapi_read_cd(drive, be32(packet + 2), be24(packet + 6));
}

static uint32_t msf_to_lba(const uint8_t *msf)
{
    return ((uint32_t)msf[0] * 60 + msf[1]) * 75 + msf[2] - 150;
}

static void read_cd_msf(struct ide_drive *drive)
{
    const uint8_t *packet = drive->atapi.packet;
    uint32_t first = msf_to_lba(packet + 3), end = msf_to_lba(packet + 6);
    if (end < first)
        illegal_field(drive);
    else if (check_range(drive, first, end - first))
        atapi_read_cd(drive, first, end - first);
}

static void seek_10(struct ide_drive *drive)
{
    if (check_range(drive, be32(drive->atapi.packet + 2), 1))
        atapi_good(drive);
}

static void verify_10(struct ide_drive *drive)
{
    const uint8_t *packet = drive->atapi.packet;
    if (check_range(drive, be32(packet + 2), be16(packet + 7)))
        atapi_good(drive);
}

/* The only track is a data track. */
static void play_audio(struct ide_drive *drive)
{
    atapi_check(drive, SENSE_ILLEGAL, 0x64, 0x00); /* illegal mode for this track */
}

static void pause_resume(struct ide_drive *drive)
{
    atapi_check(drive, SENSE_ILLEGAL, 0x2C, 0x00); /* command sequence error: nothing plays */
}

static void succeed(struct ide_drive *drive)
{
    atapi_good(drive);
}

static void set_cd_speed(struct ide_drive *drive)
{
    drive->atapi.speed = (uint16_t)be16(drive->atapi.packet + 2);
    atapi_good(drive);
}

/* --- dispatch --- */

static const struct packet_command commands[] = {
    {TEST_UNIT_READY,        NEEDS_DISC,      test_unit_ready             },
    {REQUEST_SENSE,          SKIPS_ATTENTION, request_sense               },
    {INQUIRY,                SKIPS_ATTENTION, inquiry                     },
    {START_STOP_UNIT,        0,               start_stop_unit             },
    {PREVENT_ALLOW,          0,               prevent_allow               },
    {READ_CAPACITY,          NEEDS_DISC,      read_capacity               },
    {READ_10,                NEEDS_DISC,      read_10                     },
    {SEEK_10,                NEEDS_DISC,      seek_10                     },
    {VERIFY_10,              NEEDS_DISC,      verify_10                   },
    {SYNCHRONIZE_CACHE,      0,               succeed                     },
    {READ_SUBCHANNEL,        NEEDS_DISC,      atapi_read_subchannel       },
    {READ_TOC,               NEEDS_DISC,      atapi_read_toc              },
    {READ_HEADER,            NEEDS_DISC,      atapi_read_header           },
    {PLAY_AUDIO_10,          NEEDS_DISC,      play_audio                  },
    {GET_CONFIGURATION,      SKIPS_ATTENTION, atapi_get_configuration     },
    {PLAY_AUDIO_MSF,         NEEDS_DISC,      play_audio                  },
    {GET_EVENT_STATUS,       SKIPS_ATTENTION, atapi_get_event_status      },
    {PAUSE_RESUME,           NEEDS_DISC,      pause_resume                },
    {STOP_PLAY_SCAN,         NEEDS_DISC,      succeed                     },
    {READ_DISC_INFORMATION,  NEEDS_DISC,      atapi_read_disc_information },
    {READ_TRACK_INFORMATION, NEEDS_DISC,      atapi_read_track_information},
    {MODE_SELECT_10,         0,               atapi_mode_select           },
    {MODE_SENSE_10,          0,               atapi_mode_sense            },
    {PLAY_AUDIO_12,          NEEDS_DISC,      play_audio                  },
    {READ_12,                NEEDS_DISC,      read_12                     },
    {READ_DVD_STRUCTURE,     NEEDS_DISC,      atapi_read_dvd_structure    },
    {READ_CD_MSF,            NEEDS_DISC,      read_cd_msf                 },
    {SCAN,                   NEEDS_DISC,      play_audio                  },
    {SET_CD_SPEED,           0,               set_cd_speed                },
    {MECHANISM_STATUS,       0,               atapi_mechanism_status      },
    {READ_CD,                NEEDS_DISC,      read_cd                     },
};

static const struct packet_command *find_command(uint8_t opcode)
{
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
        if (commands[i].opcode == opcode)
            return &commands[i];
    }
    return NULL;
}

void atapi_execute(struct ide_drive *drive)
{
    struct atapi_state *atapi = &drive->atapi;
    const struct packet_command *command = find_command(atapi->packet[0]);
    if (atapi->attention && !(command && command->flags & SKIPS_ATTENTION)) {
        atapi->attention = false;
        atapi_check(drive, SENSE_ATTENTION, atapi->attention_asc, atapi->attention_ascq);
        return;
    }
    if (!command) {
        log_line(ide_log(drive), LOG_DEBUG, "ide: packet command %02Xh is not one of a CD-ROM",
                 atapi->packet[0]);
        atapi_check(drive, SENSE_ILLEGAL, 0x20, 0x00); /* invalid command operation code */
        return;
    }
    atapi->power = ATA_POWER_ACTIVE;
    if (command->flags & NEEDS_DISC && (!drive->disk || atapi->tray_open)) {
        /* Medium not present; tray closed or open. */
        atapi_check(drive, SENSE_NOT_READY, 0x3A, atapi->tray_open ? 0x02 : 0x01);
        return;
    }
    command->execute(drive);
}

void atapi_digest(struct ide_drive *drive, uint32_t size)
{
    drive->atapi.out_expected = 0;
    if (drive->atapi.packet[0] == MODE_SELECT_10)
        atapi_mode_select_data(drive, size);
    else
        atapi_good(drive);
}
