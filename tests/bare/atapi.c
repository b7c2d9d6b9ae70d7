/* A CD-ROM on the secondary IDE channel: packet protocol by PIO and DMA, MMC commands, tray
 * (ATA/ATAPI-6, T13/1410D; MMC-3; SFF-8020i). The disc has 1000 blocks; each quarter of a block
 * holds its number. Run alone: meson test -C build bare-atapi */
#include "ata.h"

enum { BLOCKS = 1000, BUFFER = 0x400000 };

static uint8_t *const buffer = (uint8_t *)BUFFER;
static const struct ata_channel *const cd = &ata_secondary;
static unsigned received, drq_blocks, byte_limit = 0xFFFE;

static uint32_t dword(const void *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static uint32_t big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void send_packet(const uint8_t packet[12], bool dma)
{
    ata_out(cd, 1, dma ? 1 : 0);
    ata_out(cd, 4, (uint8_t)byte_limit);
    ata_out(cd, 5, (uint8_t)(byte_limit >> 8));
    ata_out(cd, 7, 0xA0);
    CHECK_EQUAL("ATA/ATAPI-6, 9.8: awaiting the packet", ata_idle(cd) & 0x89, ATA_DRQ);
    CHECK_EQUAL("ATA/ATAPI-6, 9.8: interrupt reason C/D", ata_in(cd, 2) & 3, 1);
    ata_in(cd, 7);
    chips_forget();
    ata_write_data(cd, packet, 12);
}

/* Runs a packet command by PIO; data go to the buffer. True: it ended well. */
static bool run(const uint8_t packet[12])
{
    received = drq_blocks = 0;
    send_packet(packet, false);
    for (;;) {
        unsigned status = ata_next(cd);
        CHECK_EQUAL("ATA/ATAPI-6, 9.8: interrupt", status & 0x180, 0);
        if (!(status & ATA_DRQ)) {
            CHECK_EQUAL("ATA/ATAPI-6, 9.8: interrupt reason, status", ata_in(cd, 2) & 3, 3);
            return !(status & 1);
        }
        CHECK_EQUAL("ATA/ATAPI-6, 9.8: interrupt reason, data", ata_in(cd, 2) & 3, 2);
        unsigned size = ata_in(cd, 4) | (unsigned)ata_in(cd, 5) << 8;
        CHECK("ATA/ATAPI-6, 7.5: byte count", size >= 1 && size <= byte_limit);
        if (size == 0 || size > byte_limit || received > 0x100000)
            bare_fail("the byte count leads nowhere");
        ata_read_data(cd, buffer + received, size);
        received += size;
        drq_blocks++;
    }
}

#define PACKET(...) ((const uint8_t[12]){__VA_ARGS__})

/* The last command failed with this sense. */
static void expect_sense(const char *where, unsigned key, unsigned asc)
{
    CHECK_EQUAL(where, ata_in(cd, 1) >> 4, key);
    CHECK(where, run(PACKET(0x03, 0, 0, 0, 18)));
    CHECK_EQUAL(where, buffer[0] & 0x7F, 0x70);
    CHECK_EQUAL(where, buffer[2] & 0xF, key);
    CHECK_EQUAL(where, buffer[12], asc);
}

static void test_identity(void)
{
    const char *where = "ATA/ATAPI-6, 9.12: signature";
    ata_software_reset(cd);
    CHECK_EQUAL(where, ata_in(cd, 4), 0x14);
    CHECK_EQUAL(where, ata_in(cd, 5), 0xEB);
    ata_out(cd, 4, 0);
    CHECK_EQUAL("ATA/ATAPI-6, 8.15: not for packet devices", ata_command(cd, 0xEC) & 0x189, 1);
    CHECK_EQUAL(where, ata_in(cd, 4), 0x14);
    CHECK_EQUAL("ATA/ATAPI-6, 8.16: IDENTIFY PACKET DEVICE", ata_command(cd, 0xA1) & 0x189,
                ATA_DRQ);
    ata_read_data(cd, buffer, 512);
    CHECK_EQUAL("ATA/ATAPI-6, 8.16: IDENTIFY PACKET DEVICE", buffer[1] & 0xDF, 0x85);
    CHECK_EQUAL("ATA/ATAPI-6, 8.16: IDENTIFY PACKET DEVICE", buffer[0] & 3, 0);
}

static void test_unit_attention(void)
{
    const char *where = "SPC-2, 5.8: unit attention";
    if (!run(PACKET(0x00)))
        expect_sense(where, 6, 0x29);
    CHECK("MMC-3, 6: TEST UNIT READY", run(PACKET(0x00)));
}

static void test_inquiry(void)
{
    const char *where = "SPC-2, 7.3: INQUIRY";
    CHECK(where, run(PACKET(0x12, 0, 0, 0, 36)));
    CHECK_EQUAL(where, received, 36);
    CHECK_EQUAL(where, buffer[0], 0x05);
    CHECK_EQUAL(where, buffer[1], 0x80);
    CHECK_EQUAL(where, buffer[4], 31);
    CHECK("SPC-2, 4.3.4.6: allocation length", run(PACKET(0x12, 0, 0, 0, 8)));
    CHECK_EQUAL("SPC-2, 4.3.4.6: allocation length", received, 8);
}

static void test_read(void)
{
    const char *where = "MMC-3, 6.16: READ (10)";
    CHECK("MMC-3, 6.17: READ CAPACITY", run(PACKET(0x25)));
    CHECK_EQUAL("MMC-3, 6.17: READ CAPACITY", big_endian(buffer), BLOCKS - 1);
    CHECK_EQUAL("MMC-3, 6.17: READ CAPACITY", big_endian(buffer + 4), 2048);
    CHECK(where, run(PACKET(0x28, 0, 0, 0, 1, 0, 0, 0, 3)));
    CHECK_EQUAL(where, received, 3 * 2048);
    for (unsigned i = 0; i < 12; i++)
        CHECK_EQUAL(where, dword(buffer + 512 * i), 1024 + i);
    byte_limit = 2048;
    CHECK("ATA/ATAPI-6, 9.8: byte count limit", run(PACKET(0xA8, 0, 0, 0, 0, 9, 0, 0, 0, 4)));
    CHECK_EQUAL("ATA/ATAPI-6, 9.8: byte count limit", drq_blocks, 4);
    CHECK_EQUAL("MMC-3, 6.18: READ (12)", dword(buffer + 3 * 2048), 48);
    byte_limit = 0xFFFE;
    CHECK("MMC-3, 6.16: no blocks", run(PACKET(0x28, 0, 0, 0, 0, 1, 0, 0, 0)));
    CHECK_EQUAL("MMC-3, 6.16: no blocks", received, 0);
    CHECK("MMC-3, 6.16: beyond the end",
          !run(PACKET(0x28, 0, 0, 0, BLOCKS >> 8, BLOCKS & 0xFF, 0, 0, 1)));
    expect_sense("MMC-3, 6.16: beyond the end", 5, 0x21);
}

static void test_read_cd(void)
{
    const char *where = "MMC-3, 6.19: READ CD";
    CHECK(where, run(PACKET(0xBE, 0, 0, 0, 0, 7, 0, 0, 1, 0x10)));
    CHECK_EQUAL(where, received, 2048);
    CHECK_EQUAL(where, dword(buffer), 28);
    CHECK(where, run(PACKET(0xBE, 0, 0, 0, 0, 7, 0, 0, 1, 0xF8)));
    CHECK_EQUAL("ECMA-130, 14: sector of 2352 bytes", received, 2352);
    CHECK_EQUAL("ECMA-130, 14: sync", dword(buffer), 0xFFFFFF00);
    CHECK_EQUAL("ECMA-130, 14: header", dword(buffer + 12), 0x01070200);
    CHECK_EQUAL(where, dword(buffer + 16), 28);
}

static void test_read_toc(void)
{
    const char *where = "MMC-3, 6.25: READ TOC";
    CHECK(where, run(PACKET(0x43, 0, 0, 0, 0, 0, 0, 0, 100)));
    CHECK_EQUAL(where, received, 20);
    CHECK_EQUAL(where, buffer[2], 1);
    CHECK_EQUAL(where, buffer[3], 1);
    CHECK_EQUAL(where, buffer[5], 0x14);
    CHECK_EQUAL(where, big_endian(buffer + 8), 0);
    CHECK_EQUAL(where, buffer[14], 0xAA);
    CHECK_EQUAL(where, big_endian(buffer + 16), BLOCKS);
    CHECK("MMC-3, 6.25: MSF", run(PACKET(0x43, 2, 0, 0, 0, 0, 0, 0, 100)));
    CHECK_EQUAL("MMC-3, 6.25: MSF", big_endian(buffer + 8), 0x0200);
    CHECK_EQUAL("MMC-3, 6.25: MSF", big_endian(buffer + 16), 15 << 8 | 25);
    CHECK("MMC-3, 6.25.3: sessions", run(PACKET(0x43, 0, 1, 0, 0, 0, 0, 0, 12)));
    CHECK_EQUAL("MMC-3, 6.25.3: sessions", received, 12);
}

static void test_information(void)
{
    CHECK("MMC-3, 5.5: MODE SENSE", run(PACKET(0x5A, 0, 0x2A, 0, 0, 0, 0, 0, 128)));
    CHECK_EQUAL("MMC-3, 5.5: MODE SENSE", buffer[8] & 0x3F, 0x2A);
    CHECK("MMC-3, 5.5: saved pages", !run(PACKET(0x5A, 0, 0xEA, 0, 0, 0, 0, 0, 128)));
    expect_sense("MMC-3, 5.5: saved pages", 5, 0x39);
    CHECK("MMC-3, 6.6: GET CONFIGURATION", run(PACKET(0x46, 0, 0, 0, 0, 0, 0, 0, 8)));
    CHECK_EQUAL("MMC-3, 6.6: profile", buffer[7], 0x08);
    CHECK("MMC-3, 6.7: GET EVENT STATUS", run(PACKET(0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8)));
    CHECK_EQUAL("MMC-3, 6.7: media event", buffer[2] & 7, 4);
    CHECK_EQUAL("MMC-3, 6.7: media event", buffer[5] & 3, 2);
    CHECK("MMC-3, 6.9: MECHANISM STATUS", run(PACKET(0xBD, 0, 0, 0, 0, 0, 0, 0, 0, 8)));
    CHECK_EQUAL("MMC-3, 6.9: MECHANISM STATUS", received, 8);
    CHECK("MMC-3, 6.20: READ DISC INFORMATION", run(PACKET(0x51, 0, 0, 0, 0, 0, 0, 0, 34)));
    CHECK_EQUAL("MMC-3, 6.20: READ DISC INFORMATION", buffer[2] & 0x0F, 0x0E);
    CHECK("SBC, 6.1.16: SEEK", run(PACKET(0x2B, 0, 0, 0, 0, 50)));
    CHECK("SPC-2: unknown command", !run(PACKET(0xFF)));
    expect_sense("SPC-2: unknown command", 5, 0x20);
}

static void test_tray(void)
{
    const char *where = "MMC-3, 6.10: PREVENT ALLOW MEDIUM REMOVAL";
    CHECK(where, run(PACKET(0x1E, 0, 0, 0, 1)));
    CHECK(where, !run(PACKET(0x1B, 0, 0, 0, 2)));
    CHECK(where, run(PACKET(0x1E, 0, 0, 0, 0)));
    where = "MMC-3, 6.40: START STOP UNIT";
    CHECK(where, run(PACKET(0x1B, 0, 0, 0, 2)));
    CHECK(where, !run(PACKET(0x00)));
    expect_sense(where, 2, 0x3A);
    CHECK("MMC-3, 6.9: door open", run(PACKET(0xBD, 0, 0, 0, 0, 0, 0, 0, 0, 8)));
    CHECK_EQUAL("MMC-3, 6.9: door open", buffer[1] & 0x10, 0x10);
    CHECK(where, run(PACKET(0x1B, 0, 0, 0, 3)));
    CHECK(where, !run(PACKET(0x00)));
    expect_sense("SPC-2, 5.8: medium may have changed", 6, 0x28);
    CHECK(where, run(PACKET(0x00)));
}

static void test_dma(void)
{
    const char *where = "ATA/ATAPI-6, 9.9: packet command by DMA";
    memset(buffer, 0, 0x20000);
    ata_put_table(cd,
                  (const struct ata_prd[]){
                      {BUFFER,           0x10000},
                      {BUFFER + 0x10000, 0x4000 }
    },
                  2);
    out8((uint16_t)(cd->master + BM_COMMAND), BM_TO_MEMORY);
    send_packet(PACKET(0x28, 0, 0, 0, 0, 100, 0, 0, 40), true);
    out8((uint16_t)(cd->master + BM_COMMAND), BM_TO_MEMORY | BM_START);
    CHECK(where, chips_wait(15, 1, ATA_TIMEOUT));
    CHECK_EQUAL(where, in8((uint16_t)(cd->master + BM_STATUS)) & 7, BM_INTERRUPT);
    out8((uint16_t)(cd->master + BM_COMMAND), BM_TO_MEMORY);
    CHECK_EQUAL(where, ata_in(cd, 2) & 3, 3);
    CHECK_EQUAL(where, ata_in(cd, 7) & 0x89, 0);
    CHECK_EQUAL(where, dword(buffer), 400);
    CHECK_EQUAL(where, dword(buffer + 40 * 2048 - 512), 559);
}

static void test_device_reset(void)
{
    const char *where = "ATA/ATAPI-6, 8.7: DEVICE RESET";
    send_packet(PACKET(0x28, 0, 0, 0, 0, 1, 0, 0, 1), false);
    ata_next(cd);
    ata_out(cd, 7, 0x08);
    CHECK_EQUAL(where, ata_idle(cd) & 0x89, 0);
    CHECK_EQUAL(where, ata_in(cd, 4), 0x14);
    CHECK_EQUAL(where, ata_in(cd, 5), 0xEB);
    CHECK(where, run(PACKET(0x00)));
}

void bare_tests(void)
{
    ata_begin();
    ata_out(cd, 6, 0xA0);
    test_identity();
    test_unit_attention();
    test_inquiry();
    test_read();
    test_read_cd();
    test_read_toc();
    test_information();
    test_tray();
    test_dma();
    test_device_reset();
}
