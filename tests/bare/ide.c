/* Hard disks on the PIIX3's IDE channels: task file, addressing, all transfer protocols, bus master
 * (ATA/ATAPI-6, T13/1410D; Intel 290550 for the PCI function).
 *
 * Primary master: 20000 sectors that hold their numbers; slave: 4000. Secondary: a CD-ROM drive.
 * On QEMU 7.2 six checks differ: it leaves the address after the last sector in the registers, does
 * not show INITIALIZE DEVICE PARAMETERS in IDENTIFY, verifies beyond the end, and always decodes.
 * Bochs 2.7 differs in the same and in six more (no translation, no LBA in SEEK).
 * Run alone: meson test -C build bare-ide */
#include "ata.h"

enum { SECTORS = 20000, SLAVE_SECTORS = 4000, BUFFER = 0x400000 };

static uint8_t *const buffer = (uint8_t *)BUFFER;
static const struct ata_channel *const ide = &ata_primary;

static uint32_t dword(const void *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static unsigned word(unsigned number)
{
    return dword(buffer + 2 * number) & 0xFFFF;
}

/* A command without data ends well, or with these error bits. */
static void expect_command(const char *where, uint8_t command, uint8_t error)
{
    unsigned status = ata_command(ide, command);
    CHECK_EQUAL(where, status & 0x1C9, error ? 0x41u : 0x40u);
    if (error)
        CHECK_EQUAL(where, ata_in(ide, 1), error);
}

static void identify(void)
{
    unsigned status = ata_command(ide, 0xEC);
    CHECK_EQUAL("ATA/ATAPI-6, 8.15: IDENTIFY DEVICE", status & 0x189, ATA_DRQ);
    ata_read_data(ide, buffer, 512);
    CHECK_EQUAL("ATA/ATAPI-6, 9.5: PIO data-in", ata_in(ide, 7) & 0x89, 0);
}

/* Reads count sectors at lba by READ SECTORS into the buffer. */
static void read_sectors(const char *where, uint32_t lba, unsigned count)
{
    ata_task(ide, (uint8_t)count, lba, (uint8_t)(0xE0 | lba >> 24));
    unsigned status = ata_command(ide, 0x20);
    for (unsigned i = 0; i < count; i++) {
        CHECK_EQUAL(where, status & 0x1C9, 0x48);
        ata_read_data(ide, buffer + 512 * i, 512);
        if (i + 1 < count)
            status = ata_next(ide);
    }
    CHECK_EQUAL(where, ata_idle(ide) & 0xC9, 0x40);
}

static void test_reset(void)
{
    const char *where = "ATA/ATAPI-6, 9.2: software reset";
    ata_task(ide, 7, 0x123456, 0xE0);
    ata_software_reset(ide);
    CHECK_EQUAL(where, ata_in(ide, 1), 0x01);
    CHECK_EQUAL("ATA/ATAPI-6, 9.12: signature", ata_in(ide, 2), 1);
    CHECK_EQUAL("ATA/ATAPI-6, 9.12: signature", ata_in(ide, 3), 1);
    CHECK_EQUAL("ATA/ATAPI-6, 9.12: signature", ata_in(ide, 4), 0);
    CHECK_EQUAL("ATA/ATAPI-6, 9.12: signature", ata_in(ide, 5), 0);
    CHECK_EQUAL(where, ata_in(ide, 6) & 0x10, 0);
    CHECK_EQUAL(where, ata_in(ide, 7) & 0xC9, 0x40);
}

static void test_identify(void)
{
    const char *where = "ATA/ATAPI-6, 8.15: IDENTIFY DEVICE";
    ata_out(ide, 6, 0xE0);
    identify();
    CHECK_EQUAL(where, word(0) & 0x8000, 0);
    CHECK_EQUAL(where, word(1), SECTORS / (16 * 63));
    CHECK_EQUAL(where, word(3), 16);
    CHECK_EQUAL(where, word(6), 63);
    CHECK_EQUAL(where, word(49) & 0x0300, 0x0300);
    CHECK_EQUAL(where, dword(buffer + 120), SECTORS);
    CHECK_EQUAL(where, word(83) & 0xC400, 0x4400);
    CHECK_EQUAL(where, dword(buffer + 200), SECTORS);
    CHECK_EQUAL(where, word(47) & 0xFF, 16);
    uint8_t sum = 0;
    for (unsigned i = 0; i < 512; i++)
        sum = (uint8_t)(sum + buffer[i]);
    CHECK_EQUAL("ATA/ATAPI-6, 8.15.61: checksum", word(255) & 0xFF ? sum : 0, 0);
}

static void test_pio_read(void)
{
    const char *where = "ATA/ATAPI-6, 8.34: READ SECTOR(S)";
    read_sectors(where, 1000, 4);
    for (unsigned i = 0; i < 4; i++)
        CHECK_EQUAL(where, dword(buffer + 512 * i), 1000 + i);
    CHECK_EQUAL(where, ata_in(ide, 3), (1003 & 0xFF));
    read_sectors(where, SECTORS - 1, 1);
    CHECK_EQUAL(where, dword(buffer), SECTORS - 1);
}

static void test_data_port(void)
{
    const char *where = "290550, 2.6: 32-bit data port";
    ata_task(ide, 1, 300, 0xE0);
    CHECK_EQUAL(where, ata_command(ide, 0x20) & 0x189, ATA_DRQ);
    CHECK_EQUAL(where, in32(ide->command), 300);
    for (unsigned i = 1; i < 128; i++)
        CHECK_EQUAL(where, in32(ide->command), 0x2C2C2C2C);
    CHECK_EQUAL(where, ata_idle(ide) & ATA_DRQ, 0);
    ata_task(ide, 1, 301, 0xE0);
    ata_command(ide, 0x20);
    __asm__ volatile("rep insw" : : "d"(ide->command), "D"(buffer), "c"(256) : "memory", "cc");
    CHECK_EQUAL("SDM 2A: REP INSW", dword(buffer), 301);
}

static void test_polling(void)
{
    const char *where = "ATA/ATAPI-6, 7.9: nIEN";
    out8(ide->control, 0x02);
    ata_task(ide, 1, 77, 0xE0);
    chips_forget();
    ata_out(ide, 7, 0x20);
    CHECK_EQUAL(where, ata_idle(ide) & ATA_DRQ, ATA_DRQ);
    ata_read_data(ide, buffer, 512);
    CHECK_EQUAL(where, dword(buffer), 77);
    chips_sleep_ms(2);
    CHECK_EQUAL(where, chips_count[14], 0);
    ata_in(ide, 7);
    out8(ide->control, 0x00);
    chips_allow();
    CHECK_EQUAL("ATA/ATAPI-6, 7.15: reading status clears INTRQ", chips_count[14], 0);
}

static void test_pio_write(void)
{
    const char *where = "ATA/ATAPI-6, 8.62: WRITE SECTOR(S)";
    for (unsigned i = 0; i < 1024; i++)
        buffer[i] = (uint8_t)(i * 3 + 5);
    ata_task(ide, 2, 5000, 0xE0);
    chips_forget();
    ata_out(ide, 7, 0x30);
    CHECK_EQUAL(where, ata_idle(ide) & 0x89, ATA_DRQ);
    chips_allow();
    CHECK_EQUAL("ATA/ATAPI-6, 9.6: no interrupt before the first block", chips_count[14], 0);
    ata_write_data(ide, buffer, 512);
    CHECK_EQUAL(where, ata_next(ide) & 0x189, ATA_DRQ);
    ata_write_data(ide, buffer + 512, 512);
    CHECK_EQUAL(where, ata_next(ide) & 0x1C9, 0x40);
    expect_command("ATA/ATAPI-6, 8.12: FLUSH CACHE", 0xE7, 0);
    memset(buffer, 0, 2048);
    read_sectors(where, 4999, 4);
    CHECK_EQUAL(where, dword(buffer), 4999);
    bool same = true;
    for (unsigned i = 0; i < 1024; i++)
        same = same && buffer[512 + i] == (uint8_t)(i * 3 + 5);
    CHECK(where, same);
    CHECK_EQUAL(where, dword(buffer + 1536), 5002);
}

static void test_multiple(void)
{
    const char *where = "ATA/ATAPI-6, 8.31: READ MULTIPLE";
    ata_out(ide, 2, 8);
    expect_command("ATA/ATAPI-6, 8.51: SET MULTIPLE MODE", 0xC6, 0);
    ata_task(ide, 20, 2000, 0xE0);
    unsigned status = ata_command(ide, 0xC4);
    for (unsigned done = 0; done < 20; done += 8) {
        CHECK_EQUAL(where, status & 0x189, ATA_DRQ);
        ata_read_data(ide, buffer + 512 * done, 512 * (done < 16 ? 8 : 4));
        if (done < 16)
            status = ata_next(ide);
    }
    CHECK_EQUAL(where, ata_idle(ide) & 0x89, 0);
    for (unsigned i = 0; i < 20; i++)
        CHECK_EQUAL(where, dword(buffer + 512 * i), 2000 + i);
    where = "ATA/ATAPI-6, 8.60: WRITE MULTIPLE";
    ata_task(ide, 12, 6000, 0xE0);
    ata_out(ide, 7, 0xC5);
    CHECK_EQUAL(where, ata_idle(ide) & 0x89, ATA_DRQ);
    chips_forget();
    ata_write_data(ide, buffer, 8 * 512);
    CHECK_EQUAL(where, ata_next(ide) & 0x189, ATA_DRQ);
    ata_write_data(ide, buffer + 8 * 512, 4 * 512);
    CHECK_EQUAL(where, ata_next(ide) & 0x1C9, 0x40);
    read_sectors(where, 6011, 2);
    CHECK_EQUAL(where, dword(buffer), 2011);
    CHECK_EQUAL(where, dword(buffer + 512), 6012);
}

static void test_chs(void)
{
    const char *where = "ATA-5, 8.16: INITIALIZE DEVICE PARAMETERS";
    ata_task(ide, 17, 0, 0xA3); /* 4 heads, 17 sectors */
    expect_command(where, 0x91, 0);
    identify();
    CHECK_EQUAL(where, word(55), 4);
    CHECK_EQUAL(where, word(56), 17);
    CHECK_EQUAL(where, word(3), 16);
    ata_task(ide, 1, 10 << 8 | 5, 0xA2); /* 10/2/5 */
    CHECK_EQUAL(where, ata_command(ide, 0x20) & 0x189, ATA_DRQ);
    ata_read_data(ide, buffer, 512);
    CHECK_EQUAL("ATA-5, 6.2: CHS", dword(buffer), (10 * 4 + 2) * 17 + 4);
    ata_task(ide, 63, 0, 0xAF);
    expect_command(where, 0x91, 0);
    ata_task(ide, 1, 63, 0xAF);
    CHECK_EQUAL(where, ata_command(ide, 0x20) & 0x189, ATA_DRQ);
    ata_read_data(ide, buffer, 512);
    CHECK_EQUAL("ATA-5, 6.2: CHS", dword(buffer), 16 * 63 - 1);
}

static void test_end_of_disk(void)
{
    const char *where = "ATA/ATAPI-6, 8.34: IDNF";
    ata_task(ide, 1, SECTORS, 0xE0);
    CHECK_EQUAL(where, ata_command(ide, 0x20) & 0x89, 0x01);
    ata_task(ide, 2, SECTORS - 1, 0xE0);
    CHECK_EQUAL("ATA/ATAPI-6, 8.38: READ VERIFY", ata_command(ide, 0x40) & 0x89, 0x01);
    ata_task(ide, 1, SECTORS - 1, 0xE0);
    expect_command("ATA/ATAPI-6, 8.38: READ VERIFY", 0x40, 0);
}

static void test_lba48(void)
{
    const char *where = "ATA/ATAPI-6, 8.36: READ SECTOR(S) EXT";
    ata_out(ide, 6, 0x40);
    for (unsigned reg = 2; reg <= 5; reg++)
        ata_out(ide, reg, 0);
    ata_out(ide, 2, 2);
    ata_out(ide, 3, (uint8_t)9000);
    ata_out(ide, 4, 9000 >> 8);
    ata_out(ide, 5, 0);
    CHECK_EQUAL(where, ata_command(ide, 0x24) & 0x189, ATA_DRQ);
    ata_read_data(ide, buffer, 512);
    CHECK_EQUAL(where, ata_next(ide) & 0x189, ATA_DRQ);
    ata_read_data(ide, buffer + 512, 512);
    CHECK_EQUAL(where, dword(buffer), 9000);
    CHECK_EQUAL(where, dword(buffer + 512), 9001);
    where = "ATA/ATAPI-6, 6.20: previous content";
    ata_out(ide, 3, 0x12);
    ata_out(ide, 3, 0x34);
    CHECK_EQUAL(where, ata_in(ide, 3), 0x34);
    out8(ide->control, 0x80);
    CHECK_EQUAL(where, ata_in(ide, 3), 0x12);
    out8(ide->control, 0x00);
}

static void test_without_data(void)
{
    ata_task(ide, 0, 3000, 0xE0);
    expect_command("ATA/ATAPI-6, 8.45: SEEK", 0x70, 0);
    expect_command("ATA-3, 7.18: RECALIBRATE", 0x10, 0);
    ata_out(ide, 1, 0x03);
    ata_out(ide, 2, 0x0C);
    expect_command("ATA/ATAPI-6, 8.46: PIO mode 4", 0xEF, 0);
    ata_out(ide, 1, 0x02);
    expect_command("ATA/ATAPI-6, 8.46: write cache on", 0xEF, 0);
    ata_out(ide, 1, 0x03);
    ata_out(ide, 2, 0x22);
    expect_command("ATA/ATAPI-6, 8.46: multiword DMA mode 2", 0xEF, 0);
    identify();
    CHECK_EQUAL("ATA/ATAPI-6, 8.15.36: word 63", word(63) & 0x0707, 0x0407);
    ata_out(ide, 1, 0xF1);
    expect_command("ATA/ATAPI-6, 8.46: unknown feature", 0xEF, ATA_ABRT);
    expect_command("ATA/ATAPI-6, 8.11: FLUSH CACHE EXT", 0xEA, 0);
    CHECK_EQUAL("ATA/ATAPI-6, 8.5: CHECK POWER MODE", ata_command(ide, 0xE5) & 0x1C9, 0x40);
    CHECK_EQUAL("ATA/ATAPI-6, 8.5: CHECK POWER MODE", ata_in(ide, 2), 0xFF);
    expect_command("ATA/ATAPI-6, 8.54: STANDBY IMMEDIATE", 0xE0, 0);
    expect_command("ATA/ATAPI-6, 8.18: IDLE IMMEDIATE", 0xE1, 0);
    read_sectors("ATA/ATAPI-6, 6.9: idle ends with an access", 5, 1);
}

static void test_aborted_commands(void)
{
    expect_command("ATA/ATAPI-6, 8.21: NOP", 0x00, ATA_ABRT);
    expect_command("ATA/ATAPI-6, 8.23: PACKET", 0xA0, ATA_ABRT);
    expect_command("ATA/ATAPI-6, 4.2: unknown command", 0xFF, ATA_ABRT);
    ata_task(ide, 0, 0, 0xE0);
    CHECK_EQUAL("ATA/ATAPI-6, 8.33: READ NATIVE MAX ADDRESS", ata_command(ide, 0xF8) & 0x1C9, 0x40);
    CHECK_EQUAL("ATA/ATAPI-6, 8.33: READ NATIVE MAX ADDRESS",
                ata_in(ide, 3) | (unsigned)ata_in(ide, 4) << 8, SECTORS - 1);
}

static void test_two_drives(void)
{
    const char *where = "ATA/ATAPI-6, 7.10: device register";
    ata_out(ide, 6, 0xF0);
    identify();
    CHECK_EQUAL(where, dword(buffer + 120), SLAVE_SECTORS);
    ata_task(ide, 1, 3999, 0xF0);
    CHECK_EQUAL(where, ata_command(ide, 0x20) & 0x189, ATA_DRQ);
    ata_read_data(ide, buffer, 512);
    CHECK_EQUAL(where, dword(buffer), 3999);
    ata_out(ide, 6, 0xE0);
    identify();
    CHECK_EQUAL(where, dword(buffer + 120), SECTORS);
    ata_out(&ata_secondary, 6, 0xB0); /* there is no secondary slave */
    CHECK_EQUAL("ATA/ATAPI-6, 9.16.1: drive 0 answers", in8(ata_secondary.control), 0);
    ata_out(&ata_secondary, 6, 0xA0);
}

static void test_diagnostic(void)
{
    const char *where = "ATA/ATAPI-6, 8.9: EXECUTE DEVICE DIAGNOSTIC";
    ata_out(ide, 6, 0xF0);
    chips_forget();
    ata_out(ide, 7, 0x90);
    CHECK(where, chips_wait(14, 1, ATA_TIMEOUT));
    CHECK_EQUAL(where, ata_in(ide, 6) & 0x10, 0);
    CHECK_EQUAL(where, ata_in(ide, 1), 0x01);
    CHECK_EQUAL(where, ata_in(ide, 2), 0x01);
    ata_in(ide, 7);
}

/* Runs a DMA command of count sectors; the status of the bus master when the interrupt came. */
static unsigned run_dma(uint8_t command, uint32_t lba, uint8_t count, bool to_memory)
{
    uint8_t direction = to_memory ? BM_TO_MEMORY : 0;
    out8((uint16_t)(ide->master + BM_COMMAND), direction);
    ata_task(ide, count, lba, 0xE0);
    chips_forget();
    ata_out(ide, 7, command);
    out8((uint16_t)(ide->master + BM_COMMAND), (uint8_t)(direction | BM_START));
    bool came = chips_wait(14, 1, ATA_TIMEOUT);
    unsigned status = in8((uint16_t)(ide->master + BM_STATUS)) & 7;
    out8((uint16_t)(ide->master + BM_COMMAND), direction);
    return status | (came ? 0 : 0x100);
}

static void test_read_dma(void)
{
    const char *where = "290550, 3.5: bus master, READ DMA";
    memset(buffer, 0, 0x20000);
    ata_put_table(ide,
                  (const struct ata_prd[]){
                      {BUFFER,          1000},
                      {BUFFER + 0x8000, 1048}
    },
                  2);
    CHECK_EQUAL(where, run_dma(0xC8, 1500, 4, true), BM_INTERRUPT);
    CHECK_EQUAL(where, ata_in(ide, 7) & 0xC9, 0x40);
    CHECK_EQUAL(where, dword(buffer), 1500);
    CHECK_EQUAL(where, dword(buffer + 512), 1501);
    CHECK_EQUAL(where, buffer[999], 1501 & 0xFF);
    CHECK_EQUAL(where, buffer[1000], 0);
    CHECK_EQUAL(where, dword(buffer + 0x8000 + 24), 1502);
    ata_put_table(ide,
                  (const struct ata_prd[]){
                      {BUFFER,           0x10000},
                      {BUFFER + 0x10000, 0x10000}
    },
                  2);
    CHECK_EQUAL("290550, 3.5.1: 64 KiB entries", run_dma(0xC8, 7000, 0, true), BM_INTERRUPT);
    ata_in(ide, 7);
    CHECK_EQUAL(where, dword(buffer), 7000);
    CHECK_EQUAL(where, dword(buffer + 255 * 512), 7255);
}

static void test_write_dma(void)
{
    const char *where = "290550, 3.5: bus master, WRITE DMA";
    memset(buffer, 0x66, 1024);
    ata_put_table(ide,
                  (const struct ata_prd[]){
                      {BUFFER, 1024}
    },
                  1);
    CHECK_EQUAL(where, run_dma(0xCA, 8000, 2, false), BM_INTERRUPT);
    ata_in(ide, 7);
    read_sectors(where, 8000, 3);
    CHECK_EQUAL(where, dword(buffer), 0x66666666);
    CHECK_EQUAL(where, dword(buffer + 1020), 0x66666666);
    CHECK_EQUAL(where, dword(buffer + 1024), 8002);
}

static void test_dma_sizes(void)
{
    const char *where = "290550, 2.6.2: BMISX, table longer than the transfer";
    ata_put_table(ide,
                  (const struct ata_prd[]){
                      {BUFFER, 4096}
    },
                  1);
    CHECK_EQUAL(where, run_dma(0xC8, 10, 1, true), BM_INTERRUPT | BM_ACTIVE);
    ata_in(ide, 7);
    where = "290550, 2.6.2: BMISX, table shorter than the transfer";
    ata_put_table(ide,
                  (const struct ata_prd[]){
                      {BUFFER, 256}
    },
                  1);
    unsigned status = run_dma(0xC8, 10, 1, true);
    CHECK_EQUAL(where, status & 0x105, 0x100); /* no interrupt, not active */
    ata_software_reset(ide);
    CHECK_EQUAL(where, ata_in(ide, 7) & 0xC9, 0x40);
}

static void test_bus_master_registers(void)
{
    const char *where = "290550, 2.6: bus-master registers";
    out8((uint16_t)(ide->master + BM_COMMAND), 0);
    out32((uint16_t)(ide->master + BM_TABLE), 0x12345678);
    CHECK_EQUAL(where, in32((uint16_t)(ide->master + BM_TABLE)), 0x12345678);
    out8((uint16_t)(ide->master + BM_STATUS), 0x66);
    CHECK_EQUAL(where, in8((uint16_t)(ide->master + BM_STATUS)), 0x60);
    CHECK_EQUAL(where, in8((uint16_t)(ata_secondary.master + BM_COMMAND)) & BM_START, 0);
    CHECK_EQUAL("290550, 2.4: function 1", pci_get32(1, 1, 0x00), 0x70108086);
    CHECK_EQUAL("290550, 2.4: function 1", pci_get32(1, 1, 0x08) >> 8, 0x010180);
}

static void test_decoding(void)
{
    const char *where = "290550, 2.4.9: IDETIM, decode enable";
    pci_set16(1, 1, 0x40, 0x0000);
    CHECK_EQUAL(where, ata_in(ide, 7), 0xFF);
    pci_set16(1, 1, 0x40, 0x8000);
    CHECK_EQUAL(where, ata_in(ide, 7) & 0xC0, 0x40);
    pci_set16(1, 1, 0x04, 0x0004);
    CHECK_EQUAL("PCI 2.1, 6.2.2: I/O space", ata_in(ide, 7), 0xFF);
    pci_set16(1, 1, 0x04, 0x0005);
    CHECK_EQUAL("PCI 2.1, 6.2.2: I/O space", ata_in(ide, 7) & 0xC0, 0x40);
}

void bare_tests(void)
{
    ata_begin();
    test_reset();
    test_identify();
    test_pio_read();
    test_data_port();
    test_polling();
    test_pio_write();
    test_multiple();
    test_chs();
    test_end_of_disk();
    test_lba48();
    test_without_data();
    test_aborted_commands();
    test_two_drives();
    test_diagnostic();
    ata_out(ide, 6, 0xE0);
    test_read_dma();
    test_write_dma();
    test_dma_sizes();
    test_bus_master_registers();
    test_decoding();
}
