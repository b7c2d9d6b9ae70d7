/* The floppy controller on a bare bus, with one diskette, and what a driver does with it. For
 * test_i82077*.c. */
#ifndef TESTS_DEVICE_FDC_RIG_H
#define TESTS_DEVICE_FDC_RIG_H

#include "tests/device/rig.h"

#include "devices/i82077.h"
#include "devices/i8237.h"
#include "tests/device/disk_rig.h"

enum {
    SRA = 0x3F0,
    SRB = 0x3F1,
    DOR = 0x3F2,
    TDR = 0x3F3,
    MSR = 0x3F4,
    FIFO = 0x3F5,
    DIR = 0x3F7,
    IRQ = 6,
    SECOND = 1000000000,
    DATA = 0x10000, /* DMA buffer */
};

struct world {
    struct rig *rig;
    struct i82077 *fdc;
    struct disk_backend *disk;
    uint8_t result[16];
    unsigned results;
};

static inline void wait(struct world *w)
{
    rig_pass(w->rig, SECOND);
}

static inline void insert(struct world *w, unsigned drive, enum floppy_drive_type type,
                          uint64_t sectors)
{
    if (w->disk)
        w->disk->ops->close(w->disk);
    w->disk = disk_rig_new(sectors);
    i82077_set_drive(w->fdc, drive, type);
    i82077_insert(w->fdc, drive, w->disk);
}

static inline int set_up(void **state)
{
    static struct world world;
    world = (struct world){.rig = rig_new()};
    struct rig *rig = world.rig;
    struct i8237 *dma = i8237_new(rig->bus);
    world.fdc = i82077_new(rig->bus, rig_wire(rig, IRQ), dma);
    insert(&world, 0, FLOPPY_DRIVE_1440K, 2880);
    rig_reset(rig, RESET_POWER_ON);
    rig_out(rig, 0xD6, 0xC0); /* channel 4: cascade */
    rig_out(rig, 0xD4, 0x00);
    *state = &world;
    return 0;
}

static inline int tear_down(void **state)
{
    struct world *w = *state;
    rig_free(w->rig);
    if (w->disk)
        w->disk->ops->close(w->disk);
    return 0;
}

/* --- what a driver does --- */

static inline void send(struct world *w, const uint8_t *bytes, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(rig_in(w->rig, MSR) & 0xC0, 0x80);
        rig_out(w->rig, FIFO, bytes[i]);
    }
}

static inline void take_results(struct world *w)
{
    for (w->results = 0; (rig_in(w->rig, MSR) & 0xD0) == 0xD0; w->results++) {
        assert_in_range(w->results, 0, 15);
        w->result[w->results] = rig_in(w->rig, FIFO);
    }
}

/* Sends a command, lets it run, reads the result. */
#define COMMAND(w, ...)                                                                            \
    do {                                                                                           \
        const uint8_t bytes_[] = {__VA_ARGS__};                                                    \
        send(w, bytes_, sizeof bytes_);                                                            \
        wait(w);                                                                                   \
        take_results(w);                                                                           \
    } while (0)

static inline void expect(struct world *w, unsigned st0, unsigned st1, unsigned st2)
{
    assert_int_equal(w->results, 7);
    assert_int_equal(w->result[0], st0);
    assert_int_equal(w->result[1], st1);
    assert_int_equal(w->result[2], st2);
}

static inline void expect_address(struct world *w, unsigned c, unsigned h, unsigned r)
{
    assert_int_equal(w->result[3], c);
    assert_int_equal(w->result[4], h);
    assert_int_equal(w->result[5], r);
    assert_int_equal(w->result[6], 2);
}

/* Out of reset with the motor of drive 0 on, at 500 kbit/s, DMA, the reset interrupt told. */
static inline void start(struct world *w)
{
    rig_out(w->rig, DOR, 0x1C);
    rig_out(w->rig, DIR, 0); /* CCR */
    wait(w);
    for (unsigned i = 0; i < 4; i++)
        COMMAND(w, 0x08);
    COMMAND(w, 0x03, 0xDF, 0x02);
}

static inline void seek(struct world *w, uint8_t track)
{
    COMMAND(w, 0x0F, 0x00, track);
    COMMAND(w, 0x08);
    assert_int_equal(w->result[0], 0x20);
    assert_int_equal(w->result[1], track);
}

/* Channel 2: mode 46h to memory, 4Ah from memory. */
static inline void program_dma(struct world *w, uint8_t mode, unsigned size)
{
    struct rig *rig = w->rig;
    rig_out(rig, 0x0A, 0x06);
    rig_out(rig, 0x0C, 0);
    rig_out(rig, 0x0B, mode);
    rig_out(rig, 0x04, (uint8_t)DATA);
    rig_out(rig, 0x04, (uint8_t)(DATA >> 8));
    rig_out(rig, 0x81, DATA >> 16);
    rig_out(rig, 0x05, (uint8_t)(size - 1));
    rig_out(rig, 0x05, (uint8_t)((size - 1) >> 8));
    rig_out(rig, 0x0A, 0x02);
}

static inline uint32_t word_at(const uint8_t *bytes)
{
    return load_le32(bytes);
}

static inline uint8_t *sector(struct world *w, unsigned lba)
{
    return disk_rig_of(w->disk)->bytes + 512 * lba;
}

#endif
