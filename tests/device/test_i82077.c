/* The 82077AA floppy controller: registers, every command, DMA and programmed I/O, errors, formats.
 * Run alone: meson test -C build i82077 */
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

static void wait(struct world *w)
{
    rig_pass(w->rig, SECOND);
}

static void insert(struct world *w, unsigned drive, enum floppy_drive_type type, uint64_t sectors)
{
    if (w->disk)
        w->disk->ops->close(w->disk);
    w->disk = disk_rig_new(sectors);
    i82077_set_drive(w->fdc, drive, type);
    i82077_insert(w->fdc, drive, w->disk);
}

static int set_up(void **state)
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

static int tear_down(void **state)
{
    struct world *w = *state;
    rig_free(w->rig);
    if (w->disk)
        w->disk->ops->close(w->disk);
    return 0;
}

/* --- what a driver does --- */

static void send(struct world *w, const uint8_t *bytes, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(rig_in(w->rig, MSR) & 0xC0, 0x80);
        rig_out(w->rig, FIFO, bytes[i]);
    }
}

static void take_results(struct world *w)
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

static void expect(struct world *w, unsigned st0, unsigned st1, unsigned st2)
{
    assert_int_equal(w->results, 7);
    assert_int_equal(w->result[0], st0);
    assert_int_equal(w->result[1], st1);
    assert_int_equal(w->result[2], st2);
}

static void expect_address(struct world *w, unsigned c, unsigned h, unsigned r)
{
    assert_int_equal(w->result[3], c);
    assert_int_equal(w->result[4], h);
    assert_int_equal(w->result[5], r);
    assert_int_equal(w->result[6], 2);
}

/* Out of reset with the motor of drive 0 on, at 500 kbit/s, DMA, the reset interrupt told. */
static void start(struct world *w)
{
    rig_out(w->rig, DOR, 0x1C);
    rig_out(w->rig, DIR, 0); /* CCR */
    wait(w);
    for (unsigned i = 0; i < 4; i++)
        COMMAND(w, 0x08);
    COMMAND(w, 0x03, 0xDF, 0x02);
}

static void seek(struct world *w, uint8_t track)
{
    COMMAND(w, 0x0F, 0x00, track);
    COMMAND(w, 0x08);
    assert_int_equal(w->result[0], 0x20);
    assert_int_equal(w->result[1], track);
}

/* Channel 2: mode 46h to memory, 4Ah from memory. */
static void program_dma(struct world *w, uint8_t mode, unsigned size)
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

static uint32_t word_at(const uint8_t *bytes)
{
    return load_le32(bytes);
}

static uint8_t *sector(struct world *w, unsigned lba)
{
    return disk_rig_of(w->disk)->bytes + 512 * lba;
}

/* --- registers and reset --- */

static void reset_interrupts_and_tells_four_drives(void **state)
{
    struct world *w = *state;
    assert_int_equal(rig_in(w->rig, MSR), 0x00); /* held in reset */
    rig_out(w->rig, DOR, 0x0C);
    assert_int_equal(rig_in(w->rig, MSR), 0x00);
    wait(w);
    assert_true(w->rig->wire[IRQ].level);
    assert_int_equal(rig_in(w->rig, MSR), 0x80);
    for (unsigned i = 0; i < 4; i++) {
        COMMAND(w, 0x08);
        assert_int_equal(w->results, 2);
        assert_int_equal(w->result[0], 0xC0 | i);
        assert_int_equal(w->result[1], 0);
        assert_false(w->rig->wire[IRQ].level);
    }
    COMMAND(w, 0x08);
    assert_int_equal(w->results, 1);
    assert_int_equal(w->result[0], 0x80);
}

static void polling_off_means_a_silent_reset(void **state)
{
    struct world *w = *state;
    start(w);
    COMMAND(w, 0x13, 0, 0x1F, 0);
    COMMAND(w, 0x94); /* lock it over the reset */
    assert_int_equal(w->result[0], 0x10);
    unsigned rises = w->rig->wire[IRQ].rises;
    rig_out(w->rig, MSR, 0x80); /* DSR */
    wait(w);
    assert_int_equal(w->rig->wire[IRQ].rises, rises);
    assert_int_equal(rig_in(w->rig, MSR), 0x80);
}

static void the_gate_holds_the_interrupt_back(void **state)
{
    struct world *w = *state;
    rig_out(w->rig, DOR, 0x04);
    wait(w);
    assert_false(w->rig->wire[IRQ].level);
    rig_out(w->rig, DOR, 0x0C);
    assert_true(w->rig->wire[IRQ].level);
}

static void registers_read_back(void **state)
{
    struct world *w = *state;
    rig_out(w->rig, DOR, 0x1C);
    assert_int_equal(rig_in(w->rig, DOR), 0x1C);
    rig_out(w->rig, TDR, 0x02);
    assert_int_equal(rig_in(w->rig, TDR) & 3, 2);
    assert_int_equal(rig_in(w->rig, SRA), 0xFF); /* PC/AT: not decoded */
    i82077_set_interface(w->fdc, I82077_PS2);
    assert_int_equal(rig_in(w->rig, SRA) & 0x52, 0x42); /* no second drive, track 0, writable */
    assert_int_equal(rig_in(w->rig, SRB) & 0xE3, 0xC1); /* motor 0 */
    i82077_set_interface(w->fdc, I82077_MODEL_30);
    assert_int_equal(rig_in(w->rig, SRA) & 0x12, 0x10);
    assert_int_equal(rig_in(w->rig, SRB) & 0x60, 0x40);
}

static void version_lock_dump_and_configure(void **state)
{
    struct world *w = *state;
    start(w);
    COMMAND(w, 0x10);
    assert_int_equal(w->result[0], 0x90);
    COMMAND(w, 0x12, 0x80 | 0x04 | 0x02);
    COMMAND(w, 0x13, 0, 0x57, 0x20);
    COMMAND(w, 0x94);
    COMMAND(w, 0x0E);
    assert_int_equal(w->results, 10);
    assert_int_equal(w->result[4], 0xDF);
    assert_int_equal(w->result[5], 0x02);
    assert_int_equal(w->result[7], 0x86);
    assert_int_equal(w->result[8], 0x57);
    assert_int_equal(w->result[9], 0x20);
    rig_out(w->rig, MSR, 0x80); /* software reset: locked settings stay, GAP goes */
    wait(w);
    COMMAND(w, 0x0E);
    assert_int_equal(w->result[7], 0x84);
    assert_int_equal(w->result[8], 0x57);
    COMMAND(w, 0x14);
    assert_int_equal(w->result[0], 0x00);
    rig_out(w->rig, MSR, 0x80);
    wait(w);
    COMMAND(w, 0x0E);
    assert_int_equal(w->result[8], 0x20);
    assert_int_equal(w->result[4], 0xDF); /* SPECIFY outlives a reset */
}

static void unknown_commands_are_invalid(void **state)
{
    static const uint8_t codes[] = {0x00, 0x01, 0x0B, 0x15, 0x17, 0x18, 0x1F, 0x33, 0x4E, 0x8E};
    struct world *w = *state;
    start(w);
    for (size_t i = 0; i < ARRAY_LENGTH(codes); i++) {
        COMMAND(w, codes[i]);
        assert_int_equal(w->results, 1);
        assert_int_equal(w->result[0], 0x80);
    }
}

static void main_status_follows_the_phases(void **state)
{
    struct world *w = *state;
    start(w);
    assert_int_equal(rig_in(w->rig, MSR), 0x80);
    rig_out(w->rig, FIFO, 0x0F);
    assert_int_equal(rig_in(w->rig, MSR), 0x90);
    rig_out(w->rig, FIFO, 0x00);
    rig_out(w->rig, FIFO, 5);
    assert_int_equal(rig_in(w->rig, MSR), 0x81); /* drive 0 seeks; ready for a command */
    wait(w);
    assert_int_equal(rig_in(w->rig, MSR), 0x80);
    rig_out(w->rig, FIFO, 0x08);
    assert_int_equal(rig_in(w->rig, MSR), 0xD0);
    assert_int_equal(rig_in(w->rig, FIFO), 0x20);
    assert_int_equal(rig_in(w->rig, MSR), 0xD0);
    assert_int_equal(rig_in(w->rig, FIFO), 5);
    assert_int_equal(rig_in(w->rig, MSR), 0x80);
}

/* --- heads --- */

static void recalibrate_and_seek(void **state)
{
    struct world *w = *state;
    start(w);
    seek(w, 40);
    COMMAND(w, 0x04, 0x04); /* SENSE DRIVE, head 1 */
    assert_int_equal(w->result[0], 0x2C);
    rig_out(w->rig, FIFO, 0x07);
    rig_out(w->rig, FIFO, 0x00);
    assert_false(w->rig->wire[IRQ].level);
    wait(w);
    assert_true(w->rig->wire[IRQ].level);
    COMMAND(w, 0x08);
    assert_int_equal(w->result[0], 0x20);
    assert_int_equal(w->result[1], 0);
    COMMAND(w, 0x04, 0x00);
    assert_int_equal(w->result[0], 0x38); /* track 0 */
}

static void relative_seeks_move_from_here(void **state)
{
    struct world *w = *state;
    start(w);
    seek(w, 10);
    COMMAND(w, 0xCF, 0x00, 5); /* in */
    COMMAND(w, 0x08);
    assert_int_equal(w->result[1], 15);
    COMMAND(w, 0x8F, 0x00, 3); /* out */
    COMMAND(w, 0x08);
    assert_int_equal(w->result[1], 12);
    COMMAND(w, 0x4A, 0x00);
    assert_int_equal(w->result[3], 12);
}

static void recalibrate_gives_up_after_79_steps(void **state)
{
    struct world *w = *state;
    start(w);
    seek(w, 82);
    COMMAND(w, 0x07, 0x00);
    COMMAND(w, 0x08);
    assert_int_equal(w->result[0], 0x70);
    COMMAND(w, 0x07, 0x00);
    COMMAND(w, 0x08);
    assert_int_equal(w->result[0], 0x20);
    COMMAND(w, 0x07, 0x01); /* there is no drive 1 */
    COMMAND(w, 0x08);
    assert_int_equal(w->result[0], 0x71);
}

static void two_seeks_overlap(void **state)
{
    struct world *w = *state;
    start(w);
    i82077_set_drive(w->fdc, 1, FLOPPY_DRIVE_1440K);
    send(w, (const uint8_t[]){0x0F, 0x00, 10}, 3);
    send(w, (const uint8_t[]){0x0F, 0x01, 20}, 3);
    assert_int_equal(rig_in(w->rig, MSR), 0x83);
    wait(w);
    COMMAND(w, 0x08);
    assert_int_equal(w->result[0], 0x20);
    assert_int_equal(w->result[1], 10);
    assert_true(w->rig->wire[IRQ].level);
    COMMAND(w, 0x08);
    assert_int_equal(w->result[0], 0x21);
    assert_int_equal(w->result[1], 20);
}

static void the_change_line_goes_with_a_step(void **state)
{
    struct world *w = *state;
    start(w);
    assert_int_equal(rig_in(w->rig, DIR) & 0x80, 0x80);
    COMMAND(w, 0x07, 0x00); /* at track 0 already: no step pulse */
    COMMAND(w, 0x08);
    assert_int_equal(rig_in(w->rig, DIR) & 0x80, 0x80);
    seek(w, 1);
    assert_int_equal(rig_in(w->rig, DIR) & 0x80, 0x00);
    i82077_insert(w->fdc, 0, NULL);
    assert_int_equal(rig_in(w->rig, DIR) & 0x80, 0x80);
    seek(w, 0);
    assert_int_equal(rig_in(w->rig, DIR) & 0x80, 0x80); /* no diskette, no reset of the line */
    i82077_insert(w->fdc, 0, w->disk);
    seek(w, 1);
    assert_int_equal(rig_in(w->rig, DIR) & 0x80, 0x00);
    rig_out(w->rig, DOR, 0x0C); /* motor off: the drive does not drive the line */
    assert_int_equal(rig_in(w->rig, DIR) & 0x80, 0x00);
}

/* --- DMA --- */

static void read_by_dma_until_terminal_count(void **state)
{
    struct world *w = *state;
    start(w);
    seek(w, 3);
    program_dma(w, 0x46, 3 * 512);
    unsigned rises = w->rig->wire[IRQ].rises;
    COMMAND(w, 0x66, 0x04, 3, 1, 4, 2, 18, 0x1B, 0xFF);
    assert_int_equal(w->rig->wire[IRQ].rises, rises + 1);
    assert_false(w->rig->wire[IRQ].level); /* gone with the first result byte */
    expect(w, 0x04, 0, 0);
    expect_address(w, 3, 1, 7);
    unsigned lba = (3 * 2 + 1) * 18 + 3;
    for (unsigned i = 0; i < 3; i++)
        assert_memory_equal(w->rig->memory + DATA + 512 * i, sector(w, lba + i), 512);
    assert_int_equal(w->rig->memory[DATA + 3 * 512], 0);
}

static void multi_track_goes_on_to_side_1(void **state)
{
    struct world *w = *state;
    start(w);
    program_dma(w, 0x46, 36 * 512);
    COMMAND(w, 0xE6, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF);
    expect(w, 0x04, 0, 0);
    expect_address(w, 1, 0, 1);
    assert_memory_equal(w->rig->memory + DATA, sector(w, 0), 36 * 512);
    program_dma(w, 0x46, 18 * 512);
    COMMAND(w, 0xE6, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF);
    expect(w, 0x00, 0, 0);
    expect_address(w, 0, 1, 1); /* table 5-6: the other side is next */
}

static void the_end_of_the_track_without_terminal_count(void **state)
{
    struct world *w = *state;
    start(w);
    program_dma(w, 0x46, 19 * 512);
    COMMAND(w, 0x66, 0x00, 0, 0, 17, 2, 18, 0x1B, 0xFF);
    expect(w, 0x40, 0x80, 0);
    expect_address(w, 1, 0, 1);
}

static void a_masked_channel_overruns(void **state)
{
    struct world *w = *state;
    start(w);
    rig_out(w->rig, 0x0A, 0x06);
    COMMAND(w, 0x66, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF);
    expect(w, 0x40, 0x10, 0);
}

static void write_by_dma_pads_the_last_sector(void **state)
{
    struct world *w = *state;
    start(w);
    memset(w->rig->memory + DATA, 0xA5, 2048);
    program_dma(w, 0x4A, 700);
    COMMAND(w, 0x45, 0x00, 0, 0, 2, 2, 18, 0x1B, 0xFF);
    expect(w, 0x00, 0, 0);
    expect_address(w, 0, 0, 4);
    assert_int_equal(sector(w, 1)[511], 0xA5);
    assert_int_equal(sector(w, 2)[187], 0xA5);
    assert_int_equal(sector(w, 2)[188], 0x00);
    assert_int_equal(sector(w, 2)[511], 0x00);
    assert_int_equal(word_at(sector(w, 3)), 3);
}

static void implied_seek(void **state)
{
    struct world *w = *state;
    start(w);
    COMMAND(w, 0x13, 0, 0x60, 0);
    program_dma(w, 0x46, 512);
    COMMAND(w, 0x66, 0x00, 79, 0, 1, 2, 18, 0x1B, 0xFF);
    expect(w, 0x00, 0, 0);
    assert_int_equal(word_at(w->rig->memory + DATA), 79 * 36);
}

/* --- programmed I/O --- */

static void read_without_dma_ends_at_eot(void **state)
{
    struct world *w = *state;
    start(w);
    COMMAND(w, 0x03, 0xDF, 0x03);
    send(w, (const uint8_t[]){0x46, 0x00, 0, 0, 17, 2, 18, 0x1B, 0xFF}, 9);
    assert_int_equal(rig_in(w->rig, MSR), 0x30); /* executing, non-DMA */
    for (unsigned r = 17; r <= 18; r++) {
        wait(w);
        assert_int_equal(rig_in(w->rig, MSR), 0xF0);
        assert_true(w->rig->wire[IRQ].level);
        for (unsigned i = 0; i < 512; i++)
            assert_int_equal(rig_in(w->rig, FIFO), sector(w, r - 1)[i]);
        assert_int_not_equal(rig_in(w->rig, MSR), 0xF0);
    }
    take_results(w);
    expect(w, 0x40, 0x80, 0);
    expect_address(w, 1, 0, 1);
}

static void write_without_dma(void **state)
{
    struct world *w = *state;
    start(w);
    COMMAND(w, 0x03, 0xDF, 0x03);
    send(w, (const uint8_t[]){0x45, 0x00, 0, 0, 18, 2, 18, 0x1B, 0xFF}, 9);
    wait(w);
    assert_int_equal(rig_in(w->rig, MSR), 0xB0);
    for (unsigned i = 0; i < 512; i++)
        rig_out(w->rig, FIFO, 0x3C);
    wait(w);
    take_results(w);
    expect(w, 0x40, 0x80, 0);
    assert_int_equal(sector(w, 17)[0], 0x3C);
    assert_int_equal(sector(w, 17)[511], 0x3C);
}

/* --- the other data commands --- */

static void read_track_reads_from_the_index(void **state)
{
    struct world *w = *state;
    start(w);
    program_dma(w, 0x46, 18 * 512);
    COMMAND(w, 0x42, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF);
    expect(w, 0x00, 0, 0);
    assert_memory_equal(w->rig->memory + DATA, sector(w, 0), 18 * 512);
    program_dma(w, 0x46, 4 * 512);
    COMMAND(w, 0x42, 0x00, 0, 0, 5, 2, 4, 0x1B, 0xFF); /* IDs differ from the command's */
    expect(w, 0x40, 0x04, 0);
    assert_memory_equal(w->rig->memory + DATA, sector(w, 0), 4 * 512);
}

static void verify_counts_or_runs_to_the_end(void **state)
{
    struct world *w = *state;
    start(w);
    COMMAND(w, 0x56, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF);
    expect(w, 0x00, 0, 0);
    COMMAND(w, 0xD6, 0x80, 0, 0, 1, 2, 18, 0x1B, 36);
    expect(w, 0x04, 0, 0);
    COMMAND(w, 0x56, 0x80, 0, 0, 1, 2, 18, 0x1B, 20); /* more than there are */
    expect(w, 0x40, 0x80, 0);
    COMMAND(w, 0x56, 0x00, 0, 0, 1, 2, 19, 0x1B, 0xFF); /* EOT beyond the track */
    expect(w, 0x40, 0x04, 0);
    disk_rig_of(w->disk)->bad_sector = 4;
    COMMAND(w, 0x56, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF);
    expect(w, 0x40, 0x20, 0x20);
    expect_address(w, 0, 0, 5);
}

static void deleted_marks_are_seen(void **state)
{
    struct world *w = *state;
    start(w);
    memset(w->rig->memory + DATA, 0x77, 512);
    program_dma(w, 0x4A, 512);
    COMMAND(w, 0x49, 0x00, 0, 0, 3, 2, 18, 0x1B, 0xFF); /* WRITE DELETED */
    expect(w, 0x00, 0, 0);
    program_dma(w, 0x46, 4 * 512);
    COMMAND(w, 0x46, 0x00, 0, 0, 2, 2, 18, 0x1B, 0xFF); /* stops after the marked sector */
    expect(w, 0x00, 0, 0x40);
    expect_address(w, 0, 0, 3);
    assert_int_equal(w->rig->memory[DATA + 512], 0x77);
    program_dma(w, 0x46, 2 * 512);
    COMMAND(w, 0x66, 0x00, 0, 0, 2, 2, 18, 0x1B, 0xFF); /* skips it */
    expect(w, 0x00, 0, 0x40);
    assert_int_equal(word_at(w->rig->memory + DATA), 1);
    assert_int_equal(word_at(w->rig->memory + DATA + 512), 3);
    program_dma(w, 0x46, 512);
    COMMAND(w, 0x4C, 0x00, 0, 0, 3, 2, 18, 0x1B, 0xFF); /* READ DELETED */
    expect(w, 0x00, 0, 0);
}

static void scans_compare(void **state)
{
    struct world *w = *state;
    start(w);
    memcpy(w->rig->memory + DATA, sector(w, 4), 512);
    memcpy(w->rig->memory + DATA + 512, sector(w, 5), 512);
    program_dma(w, 0x4A, 1024);
    COMMAND(w, 0x51, 0x00, 0, 0, 5, 2, 18, 0x1B, 1);
    expect(w, 0x00, 0, 0x08); /* equal at once */
    expect_address(w, 0, 0, 5);
    program_dma(w, 0x4A, 512);
    COMMAND(w, 0x51, 0x00, 0, 0, 6, 2, 6, 0x1B, 1);
    expect(w, 0x00, 0, 0x04); /* not satisfied */
    memset(w->rig->memory + DATA, 0x06, 512);
    program_dma(w, 0x4A, 512);
    COMMAND(w, 0x59, 0x00, 0, 0, 6, 2, 6, 0x1B, 1); /* disk low or equal */
    expect(w, 0x00, 0, 0x00);
    program_dma(w, 0x4A, 512);
    COMMAND(w, 0x5D, 0x00, 0, 0, 6, 2, 6, 0x1B, 1); /* disk high or equal */
    expect(w, 0x00, 0, 0x04);
}

static void format_fills_the_track(void **state)
{
    struct world *w = *state;
    start(w);
    seek(w, 2);
    for (unsigned i = 0; i < 18; i++) {
        uint8_t *id = w->rig->memory + DATA + 4 * i;
        id[0] = 2, id[1] = 1, id[2] = (uint8_t)(i * 5 % 18 + 1), id[3] = 2;
    }
    program_dma(w, 0x4A, 72);
    COMMAND(w, 0x4D, 0x04, 2, 18, 0x6C, 0xF6);
    assert_int_equal(w->result[0], 0x04);
    for (unsigned i = 0; i < 18 * 512; i++)
        assert_int_equal(sector(w, (2 * 2 + 1) * 18)[i], 0xF6);
    assert_int_equal(word_at(sector(w, (2 * 2 + 2) * 18)), 108);
    assert_int_equal(word_at(sector(w, (2 * 2 + 1) * 18 - 1)), 89);
}

static void format_without_dma(void **state)
{
    struct world *w = *state;
    start(w);
    COMMAND(w, 0x03, 0xDF, 0x03);
    send(w, (const uint8_t[]){0x4D, 0x00, 2, 18, 0x6C, 0x11}, 6);
    for (uint8_t r = 1; r <= 18; r++) {
        const uint8_t id[] = {0, 0, r, 2};
        wait(w);
        for (unsigned i = 0; i < 4; i++)
            rig_out(w->rig, FIFO, id[i]);
    }
    wait(w);
    take_results(w);
    expect(w, 0x00, 0, 0);
    assert_int_equal(sector(w, 17)[300], 0x11);
}

static void read_id_turns_with_the_disk(void **state)
{
    struct world *w = *state;
    uint32_t seen = 0;
    start(w);
    seek(w, 7);
    for (unsigned i = 0; i < 60; i++) {
        send(w, (const uint8_t[]){0x4A, 0x04}, 2);
        rig_pass(w->rig, 2000000 + i * 100003);
        take_results(w);
        expect(w, 0x04, 0, 0);
        assert_int_equal(w->result[3], 7);
        assert_int_equal(w->result[4], 1);
        assert_in_range(w->result[5], 1, 18);
        seen |= 1u << w->result[5];
    }
    assert_int_equal(seen, 0x7FFFE);
}

/* --- errors --- */

static void wrong_addresses(void **state)
{
    struct world *w = *state;
    start(w);
    program_dma(w, 0x46, 512);
    COMMAND(w, 0x46, 0x00, 0, 0, 19, 2, 19, 0x1B, 0xFF);
    expect(w, 0x40, 0x04, 0);
    expect_address(w, 0, 0, 19);
    COMMAND(w, 0x46, 0x00, 1, 0, 1, 2, 18, 0x1B, 0xFF); /* the heads are at 0 */
    expect(w, 0x40, 0x04, 0x10);
    COMMAND(w, 0x46, 0x00, 0, 1, 1, 2, 18, 0x1B, 0xFF);
    expect(w, 0x40, 0x04, 0);
    COMMAND(w, 0x46, 0x00, 0, 0, 1, 3, 18, 0x1B, 0xFF); /* 1024-byte sectors */
    expect(w, 0x40, 0x04, 0);
    seek(w, 81); /* unformatted */
    COMMAND(w, 0x46, 0x00, 81, 0, 1, 2, 18, 0x1B, 0xFF);
    expect(w, 0x40, 0x01, 0);
}

static void the_wrong_data_rate_or_modulation_finds_nothing(void **state)
{
    struct world *w = *state;
    start(w);
    COMMAND(w, 0x0A, 0x00); /* FM */
    expect(w, 0x40, 0x01, 0);
    rig_out(w->rig, DIR, 2);
    COMMAND(w, 0x4A, 0x00);
    expect(w, 0x40, 0x01, 0);
    rig_out(w->rig, MSR, 0); /* DSR sets it too */
    COMMAND(w, 0x4A, 0x00);
    expect(w, 0x00, 0, 0);
}

static void write_protection(void **state)
{
    struct world *w = *state;
    start(w);
    w->disk->read_only = true;
    program_dma(w, 0x4A, 512);
    COMMAND(w, 0x45, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF);
    expect(w, 0x40, 0x02, 0);
    COMMAND(w, 0x4D, 0x00, 2, 18, 0x6C, 0xF6);
    expect(w, 0x40, 0x02, 0);
    COMMAND(w, 0x04, 0x00);
    assert_int_equal(w->result[0], 0x78);
    assert_int_equal(word_at(sector(w, 1)), 1);
}

static void without_index_pulses_a_command_waits(void **state)
{
    struct world *w = *state;
    start(w);
    i82077_insert(w->fdc, 0, NULL);
    program_dma(w, 0x46, 512);
    COMMAND(w, 0x46, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF);
    assert_int_equal(w->results, 0);
    assert_int_equal(rig_in(w->rig, MSR), 0x10);
    i82077_insert(w->fdc, 0, w->disk);
    wait(w);
    take_results(w);
    expect(w, 0x00, 0, 0);
    rig_out(w->rig, DOR, 0x0C); /* motor off */
    COMMAND(w, 0x4A, 0x00);
    assert_int_equal(w->results, 0);
    rig_out(w->rig, DOR, 0x00); /* reset is the way out */
    rig_out(w->rig, DOR, 0x1C);
    wait(w);
    assert_int_equal(rig_in(w->rig, MSR), 0x80);
}

/* --- formats and drives --- */

static void all_formats_read_in_their_drives(void **state)
{
    static const struct {
        unsigned sectors, cylinders, heads, per_track;
        enum floppy_drive_type drive;
        uint8_t rate;
    } formats[] = {
        {320,  40, 1, 8,  FLOPPY_DRIVE_360K,  2},
        {360,  40, 1, 9,  FLOPPY_DRIVE_360K,  2},
        {640,  40, 2, 8,  FLOPPY_DRIVE_360K,  2},
        {720,  40, 2, 9,  FLOPPY_DRIVE_360K,  2},
        {1440, 80, 2, 9,  FLOPPY_DRIVE_1440K, 2},
        {1640, 82, 2, 10, FLOPPY_DRIVE_1440K, 2},
        {2400, 80, 2, 15, FLOPPY_DRIVE_1200K, 0},
        {2880, 80, 2, 18, FLOPPY_DRIVE_1440K, 0},
        {3360, 80, 2, 21, FLOPPY_DRIVE_1440K, 0},
        {3444, 82, 2, 21, FLOPPY_DRIVE_1440K, 0},
        {5760, 80, 2, 36, FLOPPY_DRIVE_2880K, 3},
    };
    struct world *w = *state;
    start(w);
    for (size_t i = 0; i < ARRAY_LENGTH(formats); i++) {
        uint8_t last_c = (uint8_t)(formats[i].cylinders - 1), n = (uint8_t)formats[i].per_track;
        uint8_t h = (uint8_t)(formats[i].heads - 1);
        assert_int_equal(i82077_drive_for(formats[i].sectors), formats[i].drive);
        insert(w, 0, formats[i].drive, formats[i].sectors);
        rig_out(w->rig, DIR, formats[i].rate);
        seek(w, last_c);
        program_dma(w, 0x46, 512);
        COMMAND(w, 0x46, (uint8_t)(h << 2), last_c, h, n, 2, n, 0x1B, 0xFF);
        expect(w, (unsigned)h << 2, 0, 0);
        assert_int_equal(word_at(w->rig->memory + DATA), formats[i].sectors - 1);
    }
}

static void a_360k_diskette_in_a_high_density_drive(void **state)
{
    struct world *w = *state;
    start(w);
    insert(w, 0, FLOPPY_DRIVE_1200K, 720);
    rig_out(w->rig, DIR, 1); /* 300 kbit/s */
    seek(w, 20);
    COMMAND(w, 0x4A, 0x00);
    expect(w, 0x00, 0, 0);
    assert_int_equal(w->result[3], 10);
    seek(w, 21); /* between two tracks */
    COMMAND(w, 0x4A, 0x00);
    expect(w, 0x40, 0x01, 0);
    insert(w, 0, FLOPPY_DRIVE_720K, 2880); /* high density is beyond this drive */
    rig_out(w->rig, DIR, 0);
    COMMAND(w, 0x4A, 0x00);
    expect(w, 0x40, 0x01, 0);
}

static void a_geometry_that_is_given_counts(void **state)
{
    struct world *w = *state;
    start(w);
    i82077_insert(w->fdc, 0, NULL);
    w->disk->geometry = (struct disk_geometry){80, 2, 15};
    i82077_insert(w->fdc, 0, w->disk);
    seek(w, 1);
    program_dma(w, 0x46, 512);
    COMMAND(w, 0x46, 0x00, 1, 0, 1, 2, 15, 0x1B, 0xFF);
    expect(w, 0x00, 0, 0);
    assert_int_equal(word_at(w->rig->memory + DATA), 30);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(reset_interrupts_and_tells_four_drives),
        TEST(polling_off_means_a_silent_reset),
        TEST(the_gate_holds_the_interrupt_back),
        TEST(registers_read_back),
        TEST(version_lock_dump_and_configure),
        TEST(unknown_commands_are_invalid),
        TEST(main_status_follows_the_phases),
        TEST(recalibrate_and_seek),
        TEST(relative_seeks_move_from_here),
        TEST(recalibrate_gives_up_after_79_steps),
        TEST(two_seeks_overlap),
        TEST(the_change_line_goes_with_a_step),
        TEST(read_by_dma_until_terminal_count),
        TEST(multi_track_goes_on_to_side_1),
        TEST(the_end_of_the_track_without_terminal_count),
        TEST(a_masked_channel_overruns),
        TEST(write_by_dma_pads_the_last_sector),
        TEST(implied_seek),
        TEST(read_without_dma_ends_at_eot),
        TEST(write_without_dma),
        TEST(read_track_reads_from_the_index),
        TEST(verify_counts_or_runs_to_the_end),
        TEST(deleted_marks_are_seen),
        TEST(scans_compare),
        TEST(format_fills_the_track),
        TEST(format_without_dma),
        TEST(read_id_turns_with_the_disk),
        TEST(wrong_addresses),
        TEST(the_wrong_data_rate_or_modulation_finds_nothing),
        TEST(write_protection),
        TEST(without_index_pulses_a_command_waits),
        TEST(all_formats_read_in_their_drives),
        TEST(a_360k_diskette_in_a_high_density_drive),
        TEST(a_geometry_that_is_given_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
