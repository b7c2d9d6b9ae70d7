/* The 82077AA floppy controller: registers, resets, heads, errors, formats and drives. Run alone:
 * meson test -C build i82077 */
#include "tests/device/fdc_rig.h"

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
