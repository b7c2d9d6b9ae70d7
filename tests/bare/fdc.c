/* The floppy controller, used without the BIOS, as drivers of old systems do: DMA channel 2,
 * programmed I/O, IRQ 6, every command, errors (Intel 290166, 82077AA data sheet).
 *
 * Drive A is a 1.44M diskette whose sectors hold their numbers; drive B a 720K one that is
 * write-protected.
 * QEMU 7.2 and Bochs 2.7 have only parts of the chip (neither knows the end of a cylinder; QEMU's
 * reset is silent, Bochs has neither DUMPREG, LOCK nor programmed I/O): each confirms what it has.
 * Run alone: meson test -C build bare-fdc */
#include "chips.h"

enum {
    DOR = 0x3F2,
    TDR = 0x3F3,
    MSR = 0x3F4, /* DSR */
    FIFO = 0x3F5,
    DIR = 0x3F7, /* CCR */
    IRQ = 6,
    RATE_500K = 0,
    RATE_250K = 2,
    TO_MEMORY = 0x46,
    FROM_MEMORY = 0x4A,
    BUFFER = 0x80000, /* DMA cannot cross a boundary of 64 KiB */
    SECTOR = 512,
    TIMEOUT = 3000,
};

static uint8_t *const buffer = (uint8_t *)BUFFER;
static uint8_t results[16];
static unsigned result_count;

static uint32_t number_at(const void *sector)
{
    uint32_t number;
    memcpy(&number, sector, sizeof number);
    return number;
}

/* --- a small driver --- */

/* Waits until the main status register, masked, has the value. */
static bool wait_status(uint8_t mask, uint8_t value, unsigned ms)
{
    for (unsigned i = 0; i < ms * 10; i++) {
        if ((in8(MSR) & mask) == value)
            return true;
        chips_delay_us(100);
    }
    return false;
}

static void send(uint8_t byte)
{
    if (!wait_status(0xC0, 0x80, 100))
        bare_fail("the controller takes no command byte");
    out8(FIFO, byte);
}

static void send_all(const uint8_t *bytes, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        send(bytes[i]);
}

static void take_results(void)
{
    result_count = 0;
    while (wait_status(0xD0, 0xD0, 1) && result_count < sizeof results)
        results[result_count++] = in8(FIFO);
}

/* A command without an execution phase. */
#define IMMEDIATE(...)                                                                             \
    do {                                                                                           \
        static const uint8_t bytes_[] = {__VA_ARGS__};                                             \
        send_all(bytes_, sizeof bytes_);                                                           \
        take_results();                                                                            \
    } while (0)

/* A command that ends with an interrupt and a result phase. False: it did not end. */
static bool execute(const uint8_t *bytes, unsigned count)
{
    chips_forget();
    send_all(bytes, count);
    bool interrupted = chips_wait(IRQ, 1, TIMEOUT);
    take_results();
    return interrupted;
}

#define EXECUTE(where, ...)                                                                        \
    do {                                                                                           \
        const uint8_t bytes_[] = {__VA_ARGS__};                                                    \
        CHECK(where, execute(bytes_, sizeof bytes_));                                              \
        CHECK_EQUAL(where, result_count, 7);                                                       \
    } while (0)

static void expect(const char *where, unsigned st0, unsigned st1, unsigned st2)
{
    CHECK_EQUAL(where, results[0], st0);
    CHECK_EQUAL(where, results[1], st1);
    CHECK_EQUAL(where, results[2], st2);
}

static void expect_address(const char *where, unsigned c, unsigned h, unsigned r)
{
    CHECK_EQUAL(where, results[3], c);
    CHECK_EQUAL(where, results[4], h);
    CHECK_EQUAL(where, results[5], r);
    CHECK_EQUAL(where, results[6], 2);
}

static void program_dma(uint8_t mode, unsigned size)
{
    out8(0xD6, 0xC0); /* channel 4: cascade */
    out8(0xD4, 0x00);
    out8(0x0A, 0x06);
    out8(0x0C, 0);
    out8(0x0B, mode);
    out8(0x04, (uint8_t)BUFFER);
    out8(0x04, (uint8_t)(BUFFER >> 8));
    out8(0x81, BUFFER >> 16);
    out8(0x05, (uint8_t)(size - 1));
    out8(0x05, (uint8_t)((size - 1) >> 8));
    out8(0x0A, 0x02);
}

static void specify(bool non_dma)
{
    send(0x03);
    send(0xDF);
    send(non_dma ? 0x03 : 0x02);
}

/* SEEK or RECALIBRATE to the end; st0 and the cylinder are in results. */
static bool seek(uint8_t drive, uint8_t cylinder)
{
    chips_forget();
    send(0x0F);
    send(drive);
    send(cylinder);
    bool done = chips_wait(IRQ, 1, TIMEOUT);
    IMMEDIATE(0x08);
    return done && (results[0] & 0xF8) == 0x20 && results[1] == cylinder;
}

static bool recalibrate(uint8_t drive)
{
    chips_forget();
    send(0x07);
    send(drive);
    bool done = chips_wait(IRQ, 1, TIMEOUT);
    IMMEDIATE(0x08);
    return done;
}

static bool reset(void)
{
    chips_forget();
    out8(DOR, 0x00);
    chips_delay_us(100);
    out8(DOR, 0x1C);
    bool interrupted = chips_wait(IRQ, 1, 500);
    for (unsigned i = 0; i < 4; i++)
        IMMEDIATE(0x08);
    specify(false);
    return interrupted;
}

/* --- tests --- */

static void test_reset(void)
{
    const char *where = "290166, 4.0: reset";
    out8(DOR, 0x00);
    CHECK_EQUAL(where, in8(MSR) & 0x80, 0);
    chips_delay_us(100);
    chips_forget();
    out8(DOR, 0x0C);
    CHECK(where, chips_wait(IRQ, 1, 500));
    CHECK_EQUAL(where, in8(MSR), 0x80);
    for (unsigned i = 0; i < 4; i++) {
        IMMEDIATE(0x08);
        CHECK_EQUAL("290166, 5.2.4: SENSE INTERRUPT after reset", result_count, 2);
        CHECK_EQUAL(where, results[0], 0xC0 | i);
    }
    IMMEDIATE(0x08);
    CHECK_EQUAL("290166, 5.2.4: nothing to sense", result_count, 1);
    CHECK_EQUAL("290166, 5.2.4: nothing to sense", results[0], 0x80);
    chips_forget();
    out8(MSR, 0x80); /* DSR software reset */
    CHECK("290166, 2.1.4: DSR S/W RESET", chips_wait(IRQ, 1, 500));
    CHECK("290166, 2.1.4: DSR S/W RESET", reset());
}

static void test_simple_commands(void)
{
    IMMEDIATE(0x10);
    CHECK_EQUAL("290166, 5.2.9: VERSION", results[0], 0x90);
    IMMEDIATE(0x01);
    CHECK_EQUAL("290166, 5.1.10: invalid command", result_count, 1);
    CHECK_EQUAL("290166, 5.1.10: invalid command", results[0], 0x80);
    IMMEDIATE(0x13, 0x00, 0x57, 0x10);
    IMMEDIATE(0x94);
    CHECK_EQUAL("290166, 5.2.10: LOCK", results[0], 0x10);
    IMMEDIATE(0x0E);
    CHECK_EQUAL("290166, 5.2.8: DUMPREG", result_count, 10);
    CHECK_EQUAL("290166, 5.2.8: DUMPREG", results[4], 0xDF);
    CHECK_EQUAL("290166, 5.2.8: DUMPREG", results[5], 0x02);
    CHECK_EQUAL("290166, 5.2.8: DUMPREG", results[7] & 0x80, 0x80);
    CHECK_EQUAL("290166, 5.2.8: DUMPREG", results[8], 0x57);
    CHECK_EQUAL("290166, 5.2.8: DUMPREG", results[9], 0x10);
    reset();
    IMMEDIATE(0x0E);
    CHECK_EQUAL("290166, 5.2.10: locked settings survive", results[8], 0x57);
    IMMEDIATE(0x14);
    CHECK_EQUAL("290166, 5.2.10: unlock", results[0], 0x00);
    reset();
    IMMEDIATE(0x0E);
    CHECK_EQUAL("290166, 5.2.7: CONFIGURE defaults", results[8], 0x20);
}

static void test_status_register(void)
{
    const char *where = "290166, 2.1.5: MSR";
    CHECK_EQUAL(where, in8(MSR), 0x80);
    out8(FIFO, 0x04);
    CHECK_EQUAL(where, in8(MSR), 0x90);
    out8(FIFO, 0x00);
    CHECK_EQUAL(where, in8(MSR), 0xD0);
    in8(FIFO);
    CHECK_EQUAL(where, in8(MSR), 0x80);
    out8(TDR, 0x01);
    CHECK_EQUAL("290166, 2.1.3: TDR", in8(TDR) & 3, 1);
    out8(TDR, 0x00);
}

static void test_heads(void)
{
    CHECK("290166, 5.2.1: SEEK", seek(0, 40));
    IMMEDIATE(0x04, 0x00);
    CHECK_EQUAL("290166, 5.2.5: SENSE DRIVE", results[0] & 0x7B, 0x28);
    CHECK("290166, 5.2.2: RECALIBRATE", recalibrate(0));
    CHECK_EQUAL("290166, 5.2.2: RECALIBRATE", results[0], 0x20);
    CHECK_EQUAL("290166, 5.2.2: RECALIBRATE", results[1], 0);
    IMMEDIATE(0x04, 0x04);
    CHECK_EQUAL("290166, 5.2.5: SENSE DRIVE", results[0] & 0x7F, 0x3C);
    chips_forget();
    send(0xCF); /* RELATIVE SEEK, inwards */
    send(0x00);
    send(5);
    CHECK("290166, 5.2.11: RELATIVE SEEK", chips_wait(IRQ, 1, TIMEOUT));
    IMMEDIATE(0x08);
    CHECK_EQUAL("290166, 5.2.11: RELATIVE SEEK", results[1], 5);
    CHECK("290166, 5.2.1: SEEK", seek(0, 0));
}

static void test_change_line(void)
{
    const char *where = "290166, 2.1.7: DIR, disk change";
    CHECK("290166, 5.2.1: SEEK", seek(0, 1)); /* a step with a diskette in resets it */
    CHECK_EQUAL(where, in8(DIR) & 0x80, 0);
    CHECK("290166, 5.2.1: SEEK", seek(0, 0));
}

static void test_read_dma(void)
{
    const char *where = "290166, 5.1.1: READ DATA";
    CHECK(where, seek(0, 3));
    program_dma(TO_MEMORY, 3 * SECTOR);
    EXECUTE(where, 0x66, 0x04, 3, 1, 4, 2, 18, 0x1B, 0xFF);
    expect(where, 0x04, 0, 0);
    expect_address("290166, table 5-6", 3, 1, 7);
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQUAL(where, number_at(buffer + i * SECTOR), (3 * 2 + 1) * 18 + 3 + i);
    CHECK_EQUAL("terminal count", in8(0x08) & 4, 4);
    CHECK_EQUAL("290166, 4.2: INT is withdrawn", chips_irr(PIC1) & 0x40, 0);
}

static void test_multi_track(void)
{
    const char *where = "290166, 5.1.1: multi-track";
    CHECK(where, seek(0, 2));
    memset(buffer, 0, 37 * SECTOR);
    program_dma(TO_MEMORY, 36 * SECTOR);
    EXECUTE(where, 0xE6, 0x00, 2, 0, 1, 2, 18, 0x1B, 0xFF);
    expect(where, 0x04, 0, 0);
    expect_address("290166, table 5-6", 3, 0, 1);
    for (unsigned i = 0; i < 36; i++)
        CHECK_EQUAL(where, number_at(buffer + i * SECTOR), 72 + i);
}

static void test_end_of_cylinder(void)
{
    const char *where = "290166, 5.1.1: end of cylinder";
    CHECK(where, seek(0, 0));
    program_dma(TO_MEMORY, 3 * SECTOR);
    EXECUTE(where, 0x46, 0x00, 0, 0, 17, 2, 18, 0x1B, 0xFF);
    expect(where, 0x40, 0x80, 0);
    CHECK_EQUAL(where, number_at(buffer + SECTOR), 17);
}

static void test_write_dma(void)
{
    const char *where = "290166, 5.1.3: WRITE DATA";
    CHECK(where, seek(0, 10));
    for (unsigned i = 0; i < 2 * SECTOR; i++)
        buffer[i] = (uint8_t)(i * 7 + 1);
    program_dma(FROM_MEMORY, 2 * SECTOR);
    EXECUTE(where, 0x45, 0x00, 10, 0, 5, 2, 18, 0x1B, 0xFF);
    expect(where, 0x00, 0, 0);
    expect_address(where, 10, 0, 7);
    memset(buffer, 0, 4 * SECTOR);
    program_dma(TO_MEMORY, 4 * SECTOR);
    EXECUTE(where, 0x66, 0x00, 10, 0, 4, 2, 18, 0x1B, 0xFF);
    CHECK_EQUAL(where, number_at(buffer), 10 * 36 + 3);
    bool same = true;
    for (unsigned i = 0; i < 2 * SECTOR; i++)
        same = same && buffer[SECTOR + i] == (uint8_t)(i * 7 + 1);
    CHECK(where, same);
    CHECK_EQUAL(where, number_at(buffer + 3 * SECTOR), 10 * 36 + 6);
}

static void test_read_pio(void)
{
    const char *where = "290166, 5.1.1: non-DMA mode";
    static const uint8_t read[] = {0x46, 0x00, 0, 0, 17, 2, 18, 0x1B, 0xFF};
    CHECK(where, recalibrate(0));
    specify(true);
    chips_forget();
    send_all(read, sizeof read);
    for (unsigned i = 0; i < 2 * SECTOR; i++) {
        if (!wait_status(0xF0, 0xF0, 500))
            bare_fail("no data in non-DMA mode");
        buffer[i] = in8(FIFO);
    }
    CHECK(where, wait_status(0xF0, 0xD0, 500));
    chips_allow();
    CHECK_EQUAL("290166, 5.1.1: an interrupt for the result", chips_count[IRQ], 1);
    take_results();
    CHECK_EQUAL(where, result_count, 7);
    expect(where, 0x40, 0x80, 0); /* no terminal count: it ends at the end of the track */
    CHECK_EQUAL(where, number_at(buffer), 16);
    CHECK_EQUAL(where, number_at(buffer + SECTOR), 17);
}

static void test_write_pio(void)
{
    const char *where = "290166, 5.1.3: non-DMA mode";
    static const uint8_t write[] = {0x45, 0x00, 0, 0, 18, 2, 18, 0x1B, 0xFF};
    chips_forget();
    send_all(write, sizeof write);
    for (unsigned i = 0; i < SECTOR; i++) {
        if (!wait_status(0xF0, 0xB0, 500))
            bare_fail("no request for data in non-DMA mode");
        out8(FIFO, 0x3C);
    }
    CHECK(where, wait_status(0xF0, 0xD0, 500));
    take_results();
    expect(where, 0x40, 0x80, 0);
    chips_allow();
    specify(false);
    program_dma(TO_MEMORY, SECTOR);
    EXECUTE(where, 0x46, 0x00, 0, 0, 18, 2, 18, 0x1B, 0xFF);
    CHECK_EQUAL(where, number_at(buffer), 0x3C3C3C3C);
    CHECK_EQUAL(where, buffer[SECTOR - 1], 0x3C);
}

static void test_read_id(void)
{
    const char *where = "290166, 5.1.6: READ ID";
    CHECK(where, seek(0, 7));
    EXECUTE(where, 0x4A, 0x04);
    expect(where, 0x04, 0, 0);
    CHECK_EQUAL(where, results[3], 7);
    CHECK_EQUAL(where, results[4], 1);
    CHECK(where, results[5] >= 1 && results[5] <= 18);
    CHECK_EQUAL(where, results[6], 2);
}

static void test_read_track(void)
{
    const char *where = "290166, 5.1.5: READ TRACK";
    CHECK(where, seek(0, 20));
    program_dma(TO_MEMORY, 18 * SECTOR);
    EXECUTE(where, 0x42, 0x00, 20, 0, 1, 2, 18, 0x1B, 0xFF);
    CHECK_EQUAL(where, results[0] & 0xC0, 0);
    for (unsigned i = 0; i < 18; i++)
        CHECK_EQUAL(where, number_at(buffer + i * SECTOR), 720 + i);
}

static void test_verify(void)
{
    const char *where = "290166, 5.1.7: VERIFY";
    CHECK(where, seek(0, 20));
    EXECUTE(where, 0x56, 0x80, 20, 0, 3, 2, 18, 0x1B, 5); /* EC: five sectors */
    expect(where, 0x00, 0, 0);
    EXECUTE(where, 0x56, 0x80, 20, 0, 3, 2, 30, 0x1B, 20); /* the track has 18 */
    CHECK_EQUAL(where, results[0] & 0xC0, 0x40);
}

static void test_deleted_data(void)
{
    const char *where = "290166, 5.1.2 and 5.1.4: deleted data";
    CHECK(where, seek(0, 30));
    memset(buffer, 0x77, SECTOR);
    program_dma(FROM_MEMORY, SECTOR);
    EXECUTE(where, 0x49, 0x00, 30, 0, 3, 2, 18, 0x1B, 0xFF);
    expect(where, 0x00, 0, 0);
    program_dma(TO_MEMORY, 4 * SECTOR);
    EXECUTE(where, 0x46, 0x00, 30, 0, 2, 2, 18, 0x1B, 0xFF);
    expect(where, 0x00, 0, 0x40); /* control mark: it ends there */
    CHECK_EQUAL(where, buffer[SECTOR], 0x77);
    program_dma(TO_MEMORY, 2 * SECTOR);
    EXECUTE(where, 0x66, 0x00, 30, 0, 2, 2, 18, 0x1B, 0xFF); /* SK: not transferred */
    expect(where, 0x00, 0, 0x40);
    CHECK_EQUAL(where, number_at(buffer + SECTOR), 30 * 36 + 3);
    program_dma(TO_MEMORY, SECTOR);
    EXECUTE(where, 0x4C, 0x00, 30, 0, 3, 2, 18, 0x1B, 0xFF);
    expect(where, 0x00, 0, 0);
}

static void test_scan(void)
{
    const char *where = "uPD765A: SCAN";
    CHECK(where, seek(0, 20));
    program_dma(TO_MEMORY, SECTOR);
    EXECUTE(where, 0x46, 0x00, 20, 0, 5, 2, 18, 0x1B, 0xFF);
    program_dma(FROM_MEMORY, SECTOR);
    EXECUTE(where, 0x51, 0x00, 20, 0, 5, 2, 5, 0x1B, 1);
    expect(where, 0x00, 0, 0x08); /* equal */
    program_dma(FROM_MEMORY, SECTOR);
    EXECUTE(where, 0x51, 0x00, 20, 0, 6, 2, 6, 0x1B, 1);
    expect(where, 0x00, 0, 0x04); /* not satisfied */
}

static void test_format(void)
{
    const char *where = "290166, 5.1.8: FORMAT TRACK";
    CHECK(where, seek(0, 50));
    for (unsigned i = 0; i < 18; i++) {
        const uint8_t id[4] = {50, 1, (uint8_t)(i * 5 % 18 + 1), 2};
        memcpy(buffer + 4 * i, id, sizeof id);
    }
    program_dma(FROM_MEMORY, 72);
    EXECUTE(where, 0x4D, 0x04, 2, 18, 0x6C, 0xF6);
    expect(where, 0x04, 0, 0);
    memset(buffer, 0, 19 * SECTOR);
    program_dma(TO_MEMORY, 18 * SECTOR);
    EXECUTE(where, 0x66, 0x04, 50, 1, 1, 2, 18, 0x1B, 0xFF);
    expect(where, 0x04, 0, 0);
    bool filled = true;
    for (unsigned i = 0; i < 18 * SECTOR; i++)
        filled = filled && buffer[i] == 0xF6;
    CHECK(where, filled);
    program_dma(TO_MEMORY, SECTOR); /* the other side is untouched */
    EXECUTE(where, 0x66, 0x00, 50, 0, 18, 2, 18, 0x1B, 0xFF);
    CHECK_EQUAL(where, number_at(buffer), 50 * 36 + 17);
}

static void test_implied_seek(void)
{
    const char *where = "290166, 5.2.7: implied seek";
    CHECK(where, recalibrate(0));
    IMMEDIATE(0x13, 0x00, 0x67, 0x00);
    program_dma(TO_MEMORY, SECTOR);
    EXECUTE(where, 0x46, 0x00, 79, 1, 18, 2, 18, 0x1B, 0xFF);
    CHECK_EQUAL(where, results[0] & 0xC0, 0x40); /* H differs from the side that is selected */
    program_dma(TO_MEMORY, SECTOR);
    EXECUTE(where, 0x46, 0x04, 79, 1, 18, 2, 18, 0x1B, 0xFF);
    CHECK_EQUAL(where, results[0] & 0xC0, 0x00);
    CHECK_EQUAL(where, number_at(buffer), 2879);
    IMMEDIATE(0x13, 0x00, 0x27, 0x00);
}

static void test_errors(void)
{
    CHECK("290166, 5.2.1: SEEK", seek(0, 4));
    program_dma(TO_MEMORY, SECTOR);
    EXECUTE("290166, 3.2.2: no data", 0x46, 0x00, 4, 0, 19, 2, 19, 0x1B, 0xFF);
    expect("290166, 3.2.2: no data", 0x40, 0x04, 0x00);
    EXECUTE("290166, 3.2.3: wrong cylinder", 0x46, 0x00, 5, 0, 1, 2, 18, 0x1B, 0xFF);
    expect("290166, 3.2.3: wrong cylinder", 0x40, 0x04, 0x10);
    out8(DIR, RATE_250K);
    EXECUTE("290166, 3.2.2: missing address mark", 0x46, 0x00, 4, 0, 1, 2, 18, 0x1B, 0xFF);
    expect("290166, 3.2.2: missing address mark", 0x40, 0x01, 0x00);
    out8(DIR, RATE_500K);
    EXECUTE("290166, 3.2.2: FM", 0x0A, 0x00);
    expect("290166, 3.2.2: FM", 0x40, 0x01, 0x00);
    out8(0x0A, 0x06); /* DMA channel 2 masked */
    EXECUTE("290166, 3.2.2: overrun", 0x46, 0x00, 4, 0, 1, 2, 18, 0x1B, 0xFF);
    expect("290166, 3.2.2: overrun", 0x40, 0x10, 0x00);
}

static void test_drive_b(void)
{
    const char *where = "290166, 2.1.6: CCR, 250 kbit/s";
    out8(DOR, 0x2D);
    out8(DIR, RATE_250K);
    CHECK(where, recalibrate(1));
    CHECK_EQUAL(where, results[0], 0x21);
    CHECK(where, seek(1, 79));
    program_dma(TO_MEMORY, SECTOR);
    EXECUTE(where, 0x46, 0x05, 79, 1, 9, 2, 9, 0x2A, 0xFF);
    expect(where, 0x05, 0, 0);
    CHECK_EQUAL(where, number_at(buffer), 1439);
    IMMEDIATE(0x04, 0x01);
    CHECK_EQUAL("290166, 3.2.4: write protected", results[0] & 0x40, 0x40);
    program_dma(FROM_MEMORY, SECTOR);
    EXECUTE("290166, 3.2.2: not writable", 0x45, 0x05, 79, 1, 9, 2, 9, 0x2A, 0xFF);
    expect("290166, 3.2.2: not writable", 0x45, 0x02, 0);
    EXECUTE("290166, 3.2.2: not writable", 0x4D, 0x05, 2, 9, 0x50, 0xF6);
    expect("290166, 3.2.2: not writable", 0x45, 0x02, 0);
    out8(DOR, 0x1C);
    out8(DIR, RATE_500K);
}

static void test_no_index_pulses(void)
{
    const char *where = "290166, 5.1.1: without index pulses only a reset ends the command";
    static const uint8_t read[] = {0x46, 0x00, 4, 0, 1, 2, 18, 0x1B, 0xFF};
    out8(DOR, 0x0C); /* motor off */
    program_dma(TO_MEMORY, SECTOR);
    CHECK(where, !execute(read, sizeof read));
    CHECK_EQUAL(where, in8(MSR), 0x10);
    CHECK(where, reset());
    CHECK(where, recalibrate(0));
    program_dma(TO_MEMORY, SECTOR);
    EXECUTE(where, 0x46, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF);
    CHECK_EQUAL(where, number_at(buffer), 0);
}

static void test_gate(void)
{
    const char *where = "290166, 2.1.2: DOR, DMAGATE#";
    chips_forget();
    out8(DOR, 0x14);
    send(0x07);
    send(0x00);
    CHECK(where, !chips_wait(IRQ, 1, 200));
    out8(DOR, 0x1C);
    CHECK(where, chips_wait(IRQ, 1, 200));
    IMMEDIATE(0x08);
    CHECK_EQUAL(where, results[0], 0x20);
}

void bare_tests(void)
{
    chips_begin();
    chips_unmask(IRQ);
    test_reset();
    out8(DIR, RATE_500K);
    test_simple_commands();
    test_status_register();
    test_heads();
    test_change_line();
    test_read_dma();
    test_multi_track();
    test_end_of_cylinder();
    test_write_dma();
    test_read_pio();
    test_write_pio();
    test_read_id();
    test_read_track();
    test_verify();
    test_deleted_data();
    test_scan();
    test_format();
    test_implied_seek();
    test_errors();
    test_drive_b();
    test_no_index_pulses();
    test_gate();
    out8(DOR, 0x0C);
}
