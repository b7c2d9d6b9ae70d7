/* CD-ROMs on the IDE controller: the packet protocol, the MMC commands, disc changes; raw sectors.
 * Run alone: meson test -C build atapi */
#include "tests/device/ide_rig.h"

#include "devices/cd_sector.h"

enum {
    READY = 0x50,
    CHECK = 0x51,
    BLOCKS = 500,
    SENSE_NOT_READY = 2,
    SENSE_ILLEGAL = 5,
    SENSE_ATTENTION = 6,
};

struct world {
    struct rig *rig;
    struct ide *ide;
    struct disk_backend *disc;
    uint8_t data[300000];
    unsigned size, blocks; /* received, in so many DRQ blocks */
    unsigned limit;
};

static int set_up(void **state)
{
    static struct world world;
    world = (struct world){.rig = rig_new(), .disc = disk_rig_new(BLOCKS * 4), .limit = 0xFFFE};
    world.ide = ide_new(world.rig->bus, NULL, 0, rig_wire(world.rig, 14), rig_wire(world.rig, 15));
    ide_attach_cdrom(world.ide, 0, 0, world.disc);
    rig_reset(world.rig, RESET_POWER_ON);
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    rig_free(w->rig);
    w->disc->ops->close(w->disc);
    return 0;
}

/* --- what a driver does --- */

static void send_packet(struct world *w, const uint8_t packet[12])
{
    rig_out(w->rig, IDE_ERROR, 0);
    rig_out(w->rig, IDE_MID, (uint8_t)w->limit);
    rig_out(w->rig, IDE_HIGH, (uint8_t)(w->limit >> 8));
    ide_command(w->rig, 0xA0);
    assert_int_equal(rig_in(w->rig, IDE_STATUS) & 0x89, 0x08);
    assert_int_equal(rig_in(w->rig, IDE_COUNT) & 3, 1); /* C/D: it wants the packet */
    ide_write_data(w->rig, packet, 12);
    ide_wait(w->rig);
}

/* Runs a packet command to its end; data in goes to w->data. Returns the status. */
static uint8_t run(struct world *w, const uint8_t packet[12])
{
    w->size = w->blocks = 0;
    send_packet(w, packet);
    for (;;) {
        assert_true(w->rig->wire[IDE_IRQ].level);
        uint8_t status = rig_in(w->rig, IDE_STATUS);
        assert_int_equal(status & 0x80, 0);
        if (!(status & 0x08)) {
            assert_int_equal(rig_in(w->rig, IDE_COUNT) & 3, 3);
            return status;
        }
        assert_int_equal(rig_in(w->rig, IDE_COUNT) & 3, 2);
        unsigned size = rig_in(w->rig, IDE_MID) | (unsigned)rig_in(w->rig, IDE_HIGH) << 8;
        assert_in_range(size, 1, w->limit);
        assert_in_range(w->size + size, 1, sizeof w->data - 1);
        ide_read_data(w->rig, w->data + w->size, size);
        w->size += size;
        w->blocks++;
        ide_wait(w->rig);
    }
}

#define PACKET(...)  ((const uint8_t[12]){__VA_ARGS__})
#define GOOD(w, ...) assert_int_equal(run(w, PACKET(__VA_ARGS__)), READY)
#define BAD(w, key, asc, ...)                                                                      \
    do {                                                                                           \
        assert_int_equal(run(w, PACKET(__VA_ARGS__)), CHECK);                                      \
        expect_sense(w, key, asc);                                                                 \
    } while (0)

static void expect_sense(struct world *w, unsigned key, unsigned asc)
{
    assert_int_equal(rig_in(w->rig, IDE_ERROR) >> 4, key);
    GOOD(w, 0x03, 0, 0, 0, 18);
    assert_int_equal(w->size, 18);
    assert_int_equal(w->data[0], 0x70);
    assert_int_equal(w->data[2], key);
    assert_int_equal(w->data[12], asc);
}

/* Past the unit attention of power-on. */
static void start(struct world *w)
{
    BAD(w, SENSE_ATTENTION, 0x29, 0x00);
    GOOD(w, 0x00);
}

static uint32_t be32_at(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static const uint8_t *block(struct world *w, unsigned lba)
{
    return disk_rig_of(w->disc)->bytes + 2048 * lba;
}

/* --- protocol --- */

static void the_signature_tells_it_from_a_disk(void **state)
{
    struct world *w = *state;
    assert_int_equal(rig_in(w->rig, IDE_STATUS), 0x00);
    assert_int_equal(rig_in(w->rig, IDE_MID), 0x14);
    assert_int_equal(rig_in(w->rig, IDE_HIGH), 0xEB);
    rig_out(w->rig, IDE_MID, 0);
    ide_command(w->rig, 0xEC);
    ide_expect(w->rig, CHECK, 0x04);
    assert_int_equal(rig_in(w->rig, IDE_MID), 0x14);
    ide_command(w->rig, 0x20);
    ide_expect(w->rig, CHECK, 0x04);
    rig_out(w->rig, IDE_CONTROL, 0x04);
    rig_out(w->rig, IDE_CONTROL, 0x00);
    ide_wait(w->rig);
    assert_int_equal(rig_in(w->rig, IDE_HIGH), 0xEB);
    assert_int_equal(rig_in(w->rig, IDE_STATUS), 0x00);
}

static void identify_packet_device(void **state)
{
    struct world *w = *state;
    ide_command(w->rig, 0xA1);
    assert_int_equal(rig_in(w->rig, IDE_STATUS), 0x58);
    ide_read_data(w->rig, w->data, 512);
    assert_int_equal(load_le16(w->data), 0x85C0);
    assert_int_equal(load_le16(w->data + 98) & 0x0300, 0x0300);
    uint8_t sum = 0;
    for (unsigned i = 0; i < 512; i++)
        sum = (uint8_t)(sum + w->data[i]);
    assert_int_equal(sum, 0);
}

static void device_reset_ends_a_command(void **state)
{
    struct world *w = *state;
    start(w);
    send_packet(w, PACKET(0x28, 0, 0, 0, 0, 0, 0, 0, 1));
    assert_int_equal(rig_in(w->rig, IDE_STATUS) & 0x08, 0x08);
    rig_out(w->rig, IDE_STATUS, 0x08);
    assert_int_equal(rig_in(w->rig, IDE_STATUS), 0x00);
    assert_int_equal(rig_in(w->rig, IDE_MID), 0x14);
    GOOD(w, 0x00);
}

static void reads_in_blocks_of_the_byte_limit(void **state)
{
    struct world *w = *state;
    start(w);
    GOOD(w, 0x28, 0, 0, 0, 0, 10, 0, 0, 5);
    assert_int_equal(w->size, 5 * 2048);
    assert_int_equal(w->blocks, 1);
    assert_memory_equal(w->data, block(w, 10), 5 * 2048);
    w->limit = 2048;
    GOOD(w, 0x28, 0, 0, 0, 0, 10, 0, 0, 5);
    assert_int_equal(w->blocks, 5);
    assert_memory_equal(w->data, block(w, 10), 5 * 2048);
    w->limit = 3001; /* odd: 3000 */
    GOOD(w, 0xA8, 0, 0, 0, 0, 20, 0, 0, 0, 4);
    assert_int_equal(w->blocks, 3);
    assert_memory_equal(w->data, block(w, 20), 4 * 2048);
    w->limit = 0xFFFE;
    GOOD(w, 0x28, 0, 0, 0, 0, 0, 0, 0, 100);
    assert_int_equal(w->size, 204800);
    assert_int_equal(w->blocks, 4);
    assert_memory_equal(w->data, block(w, 0), 204800);
}

static void an_odd_reply_ends_with_half_a_word(void **state)
{
    struct world *w = *state;
    GOOD(w, 0x12, 0, 0, 0, 5); /* INQUIRY with room for 5 bytes; allowed under unit attention */
    assert_int_equal(w->size, 5);
    assert_int_equal(w->data[0], 0x05);
    assert_int_equal(w->data[4], 31);
    GOOD(w, 0x12, 0, 0, 0, 0); /* no room: no data phase */
    assert_int_equal(w->size, 0);
    BAD(w, SENSE_ATTENTION, 0x29, 0x00);
}

/* --- commands --- */

static void inquiry_and_capacity(void **state)
{
    struct world *w = *state;
    start(w);
    GOOD(w, 0x12, 0, 0, 0, 36);
    assert_int_equal(w->data[1], 0x80);
    assert_memory_equal(w->data + 8, "ANACHRONCD-ROM", 14);
    BAD(w, SENSE_ILLEGAL, 0x24, 0x12, 1, 0x80, 0, 36);
    GOOD(w, 0x25);
    assert_int_equal(be32_at(w->data), BLOCKS - 1);
    assert_int_equal(be32_at(w->data + 4), 2048);
}

static void addresses_beyond_the_disc(void **state)
{
    struct world *w = *state;
    start(w);
    BAD(w, SENSE_ILLEGAL, 0x21, 0x28, 0, 0, 0, BLOCKS >> 8, BLOCKS & 0xFF, 0, 0, 1);
    BAD(w, SENSE_ILLEGAL, 0x21, 0x28, 0, 0, 0, 0, 0, 0, 2, 0);
    BAD(w, SENSE_ILLEGAL, 0x21, 0xA8, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 1);
    BAD(w, SENSE_ILLEGAL, 0x21, 0x2B, 0, 0, 1, 0, 0);
    GOOD(w, 0x2B, 0, 0, 0, 0, 100);
    GOOD(w, 0x28, 0, 0, 0, 0, 1, 0, 0, 0); /* nothing */
    assert_int_equal(w->size, 0);
}

static void unknown_commands(void **state)
{
    static const uint8_t codes[] = {0x01, 0x04, 0x2A, 0x5D, 0xA1, 0xA4, 0xFF};
    struct world *w = *state;
    start(w);
    for (size_t i = 0; i < ARRAY_LENGTH(codes); i++)
        BAD(w, SENSE_ILLEGAL, 0x20, codes[i]);
}

static void media_errors(void **state)
{
    struct world *w = *state;
    start(w);
    disk_rig_of(w->disc)->bad_sector = 41;
    BAD(w, 3, 0x11, 0x28, 0, 0, 0, 0, 10, 0, 0, 1);
    GOOD(w, 0x28, 0, 0, 0, 0, 11, 0, 0, 1);
}

static void read_toc(void **state)
{
    struct world *w = *state;
    start(w);
    GOOD(w, 0x43, 0, 0, 0, 0, 0, 0, 0, 100);
    assert_int_equal(w->size, 20);
    assert_int_equal(w->data[1], 18);
    assert_int_equal(w->data[5], 0x14);
    assert_int_equal(w->data[6], 1);
    assert_int_equal(be32_at(w->data + 8), 0);
    assert_int_equal(w->data[14], 0xAA);
    assert_int_equal(be32_at(w->data + 16), BLOCKS);
    GOOD(w, 0x43, 2, 0, 0, 0, 0, 0xAA, 0, 100); /* MSF, lead-out only */
    assert_int_equal(w->size, 12);
    assert_int_equal(be32_at(w->data + 8), 8 << 8 | 50); /* 650 frames: 0:08:50 */
    GOOD(w, 0x43, 0, 0, 0, 0, 0, 0, 0, 12, 0x40);        /* SFF-8020i: sessions */
    assert_int_equal(w->size, 12);
    assert_int_equal(w->data[6], 1);
    GOOD(w, 0x43, 2, 2, 0, 0, 0, 0, 0, 100); /* raw TOC */
    assert_int_equal(w->size, 4 + 4 * 11);
    assert_int_equal(w->data[4 + 3], 0xA0);
    assert_int_equal(w->data[4 + 22 + 3], 0xA2);
    assert_int_equal(w->data[4 + 22 + 9], 8);
    GOOD(w, 0x43, 0, 5, 0, 0, 0, 0, 0, 100); /* no CD-TEXT */
    assert_int_equal(w->size, 4);
    BAD(w, SENSE_ILLEGAL, 0x24, 0x43, 0, 4, 0, 0, 0, 0, 0, 100);
    BAD(w, SENSE_ILLEGAL, 0x24, 0x43, 0, 0, 0, 0, 0, 2, 0, 100);
}

static void mode_sense_and_select(void **state)
{
    struct world *w = *state;
    start(w);
    GOOD(w, 0x5A, 0, 0x2A, 0, 0, 0, 0, 0, 128);
    assert_int_equal(w->data[1], w->size - 2);
    assert_int_equal(w->data[2], 0x01);
    assert_int_equal(w->data[8], 0x2A);
    GOOD(w, 0x5A, 0, 0x3F, 0, 0, 0, 0, 1, 0);
    assert_int_equal(w->data[8], 0x01);
    assert_int_equal(w->size, 8 + 8 + 8 + 16 + 12 + 12 + 22);
    BAD(w, SENSE_ILLEGAL, 0x39, 0x5A, 0, 0xC1, 0, 0, 0, 0, 0, 128);
    BAD(w, SENSE_ILLEGAL, 0x24, 0x5A, 0, 0x05, 0, 0, 0, 0, 0, 128);
    send_packet(w, PACKET(0x55, 0x10, 0, 0, 0, 0, 0, 0, 16));
    assert_int_equal(rig_in(w->rig, IDE_STATUS) & 0x08, 0x08);
    assert_int_equal(rig_in(w->rig, IDE_COUNT) & 3, 0);
    assert_int_equal(rig_in(w->rig, IDE_MID), 16);
    const uint8_t page[16] = {[8] = 0x01, [9] = 6, [10] = 0x20, [11] = 5};
    ide_write_data(w->rig, page, 16);
    ide_wait(w->rig);
    ide_expect(w->rig, READY, 0);
    GOOD(w, 0x5A, 0, 0x01, 0, 0, 0, 0, 0, 128);
    assert_int_equal(w->data[10], 0x20);
    GOOD(w, 0x5A, 0, 0x81, 0, 0, 0, 0, 0, 128); /* default */
    assert_int_equal(w->data[10], 0x00);
    send_packet(w, PACKET(0x55, 0x10, 0, 0, 0, 0, 0, 0, 10));
    const uint8_t bad[10] = {[8] = 0x2A, [9] = 0};
    ide_write_data(w->rig, bad, 10);
    ide_wait(w->rig);
    ide_expect(w->rig, CHECK, 0x54);
}

static void configuration(void **state)
{
    struct world *w = *state;
    GOOD(w, 0x46, 0, 0, 0, 0, 0, 0, 1, 0);
    assert_int_equal(be32_at(w->data), w->size - 4);
    assert_int_equal(w->data[7], 0x08); /* CD-ROM profile */
    unsigned features = 0, last = 0;
    for (unsigned at = 8; at < w->size; at += 4u + w->data[at + 3], features++) {
        unsigned code = (unsigned)w->data[at] << 8 | w->data[at + 1];
        assert_true(features == 0 || code > last);
        last = code;
    }
    assert_int_equal(features, 10);
    GOOD(w, 0x46, 2, 0, 0x1E, 0, 0, 0, 1, 0);
    assert_int_equal(w->size, 16);
    assert_int_equal(w->data[10], 0x09); /* version 2, current */
    GOOD(w, 0x46, 1, 0, 0, 0, 0, 0, 1, 0);
    for (unsigned at = 8; at < w->size; at += 4u + w->data[at + 3])
        assert_int_equal(w->data[at + 2] & 1, 1);
}

static void small_commands(void **state)
{
    struct world *w = *state;
    start(w);
    GOOD(w, 0x51, 0, 0, 0, 0, 0, 0, 0, 34);
    assert_int_equal(w->data[2], 0x0E);
    GOOD(w, 0x52, 1, 0, 0, 0, 1, 0, 0, 36);
    assert_int_equal(be32_at(w->data + 24), BLOCKS);
    BAD(w, SENSE_ILLEGAL, 0x24, 0x52, 1, 0, 0, 0, 2, 0, 0, 36);
    GOOD(w, 0x44, 0, 0, 0, 0, 5, 0, 0, 8);
    assert_int_equal(w->data[0], 1);
    assert_int_equal(be32_at(w->data + 4), 5);
    GOOD(w, 0x42, 2, 0x40, 1, 0, 0, 0, 0, 16);
    assert_int_equal(w->size, 16);
    assert_int_equal(w->data[1], 0x15);
    GOOD(w, 0xBD, 0, 0, 0, 0, 0, 0, 0, 0, 8);
    assert_int_equal(w->size, 8);
    GOOD(w, 0xBB, 0, 0x02, 0xC2);
    GOOD(w, 0x2F, 0, 0, 0, 0, 0, 0, 0, 9);
    BAD(w, SENSE_ILLEGAL, 0x64, 0x45, 0, 0, 0, 0, 0, 0, 0, 1);       /* audio on a data track */
    BAD(w, SENSE_ILLEGAL, 0x30, 0xAD, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0); /* not a DVD */
}

static void read_cd_makes_raw_sectors(void **state)
{
    struct world *w = *state;
    start(w);
    GOOD(w, 0xBE, 0, 0, 0, 0, 7, 0, 0, 2, 0x10); /* user data */
    assert_int_equal(w->size, 4096);
    assert_memory_equal(w->data, block(w, 7), 4096);
    GOOD(w, 0xBE, 0, 0, 0, 0, 7, 0, 0, 2, 0xF8);
    assert_int_equal(w->size, 2 * 2352);
    assert_memory_equal(w->data, "\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\x00\x02\x07\x01",
                        16);
    assert_memory_equal(w->data + 16, block(w, 7), 2048);
    GOOD(w, 0xBE, 0, 0, 0, 0, 7, 0, 0, 1, 0xF8, 0x02); /* and sub-channel Q */
    assert_int_equal(w->size, 2352 + 16);
    assert_int_equal(w->data[2352], 0x41);
    assert_int_equal(w->data[2352 + 9], 0x07);
    GOOD(w, 0xB9, 0, 0, 0, 2, 3, 0, 2, 5, 0x10); /* 0:02:03 to 0:02:05 */
    assert_int_equal(w->size, 4096);
    assert_memory_equal(w->data, block(w, 3), 4096);
    GOOD(w, 0xBE, 0, 0, 0, 0, 7, 0, 0, 1, 0x00); /* nothing wanted */
    assert_int_equal(w->size, 0);
    BAD(w, SENSE_ILLEGAL, 0x64, 0xBE, 0x04, 0, 0, 0, 7, 0, 0, 1, 0x10); /* CD-DA */
}

/* Each code word of the product code has both syndromes zero (ECMA-130, annex A). */
static uint8_t times_alpha(uint8_t value)
{
    return (uint8_t)(value << 1 ^ (value & 0x80 ? 0x1D : 0));
}

static void expect_code_word(const uint8_t *from, const unsigned *at, unsigned count)
{
    uint8_t sum = 0, weighted = 0;
    for (unsigned i = 0; i < count; i++) {
        sum ^= from[at[i]];
        weighted = (uint8_t)(times_alpha(weighted) ^ from[at[i]]);
    }
    assert_int_equal(sum, 0);
    assert_int_equal(weighted, 0);
}

static void raw_sectors_are_error_protected(void **state)
{
    uint8_t raw[CD_SECTOR_RAW_SIZE];
    unsigned at[45];
    for (unsigned i = 0; i < 2048; i++)
        raw[CD_DATA_OFFSET + i] = (uint8_t)(i * i + 3 * i);
    cd_sector_encode(raw, 123456);
    assert_int_equal(raw[12], 0x27); /* 123606 frames: 27:28:06 */
    assert_int_equal(raw[13], 0x28);
    assert_int_equal(raw[14], 0x06);
    for (unsigned plane = 0; plane < 2; plane++) {
        for (unsigned column = 0; column < 43; column++) { /* P: bytes 2 * (43 * row + column) */
            for (unsigned row = 0; row < 26; row++)
                at[row] = 2 * (43 * row + column) + plane;
            expect_code_word(raw + 12, at, 26);
        }
        for (unsigned diagonal = 0; diagonal < 26; diagonal++) {
            for (unsigned i = 0; i < 43; i++)
                at[i] = 2 * ((44 * i + 43 * diagonal) % 1118) + plane;
            at[43] = 2 * (1118 + diagonal) + plane;
            at[44] = 2 * (1118 + 26 + diagonal) + plane;
            expect_code_word(raw + 12, at, 45);
        }
    }
}

/* --- the disc as a thing that comes and goes --- */

static void eject_and_load(void **state)
{
    struct world *w = *state;
    start(w);
    GOOD(w, 0x1E, 0, 0, 0, 1); /* locked */
    BAD(w, SENSE_ILLEGAL, 0x53, 0x1B, 0, 0, 0, 2);
    GOOD(w, 0x1E);
    GOOD(w, 0x1B, 0, 0, 0, 2);
    BAD(w, SENSE_NOT_READY, 0x3A, 0x00);
    GOOD(w, 0xBD, 0, 0, 0, 0, 0, 0, 0, 0, 8);
    assert_int_equal(w->data[1] & 0x10, 0x10); /* door open */
    GOOD(w, 0x1B, 0, 0, 0, 3);
    BAD(w, SENSE_ATTENTION, 0x28, 0x00);
    GOOD(w, 0x00);
}

static void a_person_changes_the_disc(void **state)
{
    struct world *w = *state;
    struct disk_backend *second = disk_rig_new(40);
    start(w);
    GOOD(w, 0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8);
    GOOD(w, 0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8);
    assert_int_equal(w->data[2], 4);
    assert_int_equal(w->data[4], 0);
    assert_int_equal(w->data[5], 2);
    assert_true(ide_insert_disc(w->ide, 0, 0, NULL, false));
    GOOD(w, 0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8);
    assert_int_equal(w->data[4], 3); /* removal */
    assert_int_equal(w->data[5], 1);
    BAD(w, SENSE_NOT_READY, 0x3A, 0x25);
    assert_true(ide_insert_disc(w->ide, 0, 0, second, false));
    BAD(w, SENSE_ATTENTION, 0x28, 0x25);
    GOOD(w, 0x25);
    assert_int_equal(be32_at(w->data), 9);
    GOOD(w, 0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8);
    assert_int_equal(w->data[4], 2); /* new media */
    GOOD(w, 0x1E, 0, 0, 0, 1);
    assert_false(ide_insert_disc(w->ide, 0, 0, NULL, false));
    GOOD(w, 0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8);
    assert_int_equal(w->data[4], 1); /* eject request */
    assert_true(ide_insert_disc(w->ide, 0, 0, w->disc, true));
    second->ops->close(second);
    BAD(w, SENSE_ATTENTION, 0x28, 0x00);
    GOOD(w, 0x28, 0, 0, 0, 0, 99, 0, 0, 1);
    assert_memory_equal(w->data, block(w, 99), 2048);
    BAD(w, SENSE_ILLEGAL, 0x24, 0x4A, 0, 0, 0, 0x10, 0, 0, 0, 8); /* not polled */
}

static void a_drive_without_a_disc(void **state)
{
    struct world *w = *state;
    ide_insert_disc(w->ide, 0, 0, NULL, true);
    run(w, PACKET(0x00)); /* unit attention */
    GOOD(w, 0x1B, 0, 0, 0, 3);
    BAD(w, SENSE_NOT_READY, 0x3A, 0x00);
    BAD(w, SENSE_NOT_READY, 0x3A, 0x28, 0, 0, 0, 0, 0, 0, 0, 1);
    BAD(w, SENSE_NOT_READY, 0x3A, 0x43, 0, 0, 0, 0, 0, 0, 0, 12);
    GOOD(w, 0x5A, 0, 0x2A, 0, 0, 0, 0, 0, 128);
    assert_int_equal(w->data[2], 0x70);
    GOOD(w, 0x46, 0, 0, 0, 0, 0, 0, 0, 8);
    assert_int_equal(w->data[7], 0);
}

static void a_large_disc_is_a_dvd(void **state)
{
    struct world *w = *state;
    struct disk_backend *dvd = disk_rig_new(UINT64_C(2300000) * 4);
    start(w);
    ide_insert_disc(w->ide, 0, 0, dvd, true);
    run(w, PACKET(0x00));
    GOOD(w, 0x46, 0, 0, 0, 0, 0, 0, 0, 8);
    assert_int_equal(w->data[7], 0x10);
    GOOD(w, 0xAD, 0, 0, 0, 0, 0, 0, 0, 8, 4);
    assert_int_equal(be32_at(w->data + 12) - be32_at(w->data + 8) + 1, 2300000);
    ide_insert_disc(w->ide, 0, 0, w->disc, true);
    dvd->ops->close(dvd);
}

static void settings_of_the_drive(void **state)
{
    struct world *w = *state;
    rig_out(w->rig, IDE_ERROR, 0x03);
    rig_out(w->rig, IDE_COUNT, 0x42);
    ide_command(w->rig, 0xEF);
    ide_expect(w->rig, READY, 0);
    ide_command(w->rig, 0xA1);
    ide_read_data(w->rig, w->data, 512);
    assert_int_equal(load_le16(w->data + 176), 0x043F);
    rig_out(w->rig, IDE_ERROR, 0x02);
    ide_command(w->rig, 0xA0); /* overlapped */
    ide_expect(w->rig, CHECK, 0x04);
    ide_command(w->rig, 0xE5);
    assert_int_equal(rig_in(w->rig, IDE_COUNT), 0xFF);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_signature_tells_it_from_a_disk),
        TEST(identify_packet_device),
        TEST(device_reset_ends_a_command),
        TEST(reads_in_blocks_of_the_byte_limit),
        TEST(an_odd_reply_ends_with_half_a_word),
        TEST(inquiry_and_capacity),
        TEST(addresses_beyond_the_disc),
        TEST(unknown_commands),
        TEST(media_errors),
        TEST(read_toc),
        TEST(mode_sense_and_select),
        TEST(configuration),
        TEST(small_commands),
        TEST(read_cd_makes_raw_sectors),
        TEST(raw_sectors_are_error_protected),
        TEST(eject_and_load),
        TEST(a_person_changes_the_disc),
        TEST(a_drive_without_a_disc),
        TEST(a_large_disc_is_a_dvd),
        TEST(settings_of_the_drive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
