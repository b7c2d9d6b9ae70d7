/* The 82077AA floppy controller: commands that move data, by DMA and programmed I/O. Run alone:
 * meson test -C build i82077_data */
#include "tests/device/fdc_rig.h"

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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
