/* VGA registers, memory and timing (IBM VGA/XGA technical reference), DISPI, PCI.
 * Run alone: build/tests/device/test_vga */
#include "tests/device/vga_rig.h"

static void pci_identity_and_bars(void **state)
{
    struct vga_rig *v = *state;
    assert_int_equal(pci_config_read(v->pci, 2, 0, 0, 4), 0x11111234);
    assert_int_equal(pci_config_read(v->pci, 2, 0, 8, 4) >> 8, 0x030000);
    pci_config_write(v->pci, 2, 0, 0x10, 0xFFFFFFFF, 4);
    assert_int_equal(pci_config_read(v->pci, 2, 0, 0x10, 4), 0xFF000008);
    pci_config_write(v->pci, 2, 0, 0x30, 0xC0000001, 4);
    pci_config_write(v->pci, 2, 0, 0x04, 3, 2);
    assert_int_equal(rig_peek(v->rig, 0xC0000000), 0x55);
}

static void sequencer_registers_have_masks(void **state)
{
    static const uint8_t masks[] = {0x03, 0x3D, 0x0F, 0x3F, 0x0E};
    struct vga_rig *v = *state;
    for (uint8_t i = 0; i < sizeof(masks); i++) {
        vga_seq(v, i, 0xFF);
        assert_int_equal(rig_in(v->rig, 0x3C4), i);
        assert_int_equal(rig_in(v->rig, 0x3C5), masks[i]);
    }
}

static void graphics_registers_have_masks(void **state)
{
    static const uint8_t masks[] = {0x0F, 0x0F, 0x0F, 0x1F, 0x03, 0x7B, 0x0F, 0x0F, 0xFF};
    struct vga_rig *v = *state;
    for (uint8_t i = 0; i < sizeof(masks); i++) {
        vga_gc(v, i, 0xFF);
        assert_int_equal(rig_in(v->rig, 0x3CF), masks[i]);
    }
}

static void word_write_sets_index_and_data(void **state)
{
    struct vga_rig *v = *state;
    bus_port_write(v->rig->bus, 0x3CE, 0x5508, 2);
    assert_int_equal(bus_port_read(v->rig->bus, 0x3CE, 2), 0x5508);
    rig_out(v->rig, 0x3C2, 0x01);
    bus_port_write(v->rig->bus, 0x3D4, 0x770F, 2);
    assert_int_equal(vga_crtc_get(v, 0x0F), 0x77);
}

static void crtc_protects_its_timing(void **state)
{
    struct vga_rig *v = *state;
    rig_out(v->rig, 0x3C2, 0x01);
    vga_crtc(v, 0x00, 0x5F);
    vga_crtc(v, 0x07, 0x00);
    vga_crtc(v, 0x11, 0x80);
    vga_crtc(v, 0x00, 0x11);
    vga_crtc(v, 0x07, 0xFF);
    assert_int_equal(vga_crtc_get(v, 0x00), 0x5F);
    assert_int_equal(vga_crtc_get(v, 0x07), 0x10);
    vga_crtc(v, 0x08, 0x12);
    assert_int_equal(vga_crtc_get(v, 0x08), 0x12);
    vga_crtc(v, 0x11, 0x00);
    vga_crtc(v, 0x00, 0x11);
    assert_int_equal(vga_crtc_get(v, 0x00), 0x11);
}

static void misc_output_moves_the_crtc(void **state)
{
    struct vga_rig *v = *state;
    rig_out(v->rig, 0x3C2, 0x00);
    rig_out(v->rig, 0x3B4, 0x0E);
    rig_out(v->rig, 0x3B5, 0x42);
    assert_int_equal(rig_in(v->rig, 0x3B5), 0x42);
    assert_int_equal(rig_in(v->rig, 0x3D5), 0xFF);
    assert_int_equal(rig_in(v->rig, 0x3DA), 0xFF);
    rig_out(v->rig, 0x3C2, 0x67);
    assert_int_equal(rig_in(v->rig, 0x3CC), 0x67);
    assert_int_equal(rig_in(v->rig, 0x3D5), 0x42);
    assert_int_equal(rig_in(v->rig, 0x3B5), 0xFF);
}

static void attribute_flip_flop(void **state)
{
    struct vga_rig *v = *state;
    rig_out(v->rig, 0x3C2, 0x01);
    vga_attr(v, 0x05, 0x2A);
    vga_attr(v, 0x11, 0x99);
    assert_int_equal(rig_in(v->rig, 0x3C0), 0x11);
    assert_int_equal(rig_in(v->rig, 0x3C1), 0x99);
    rig_out(v->rig, 0x3C0, 0x05);
    assert_int_equal(rig_in(v->rig, 0x3C1), 0x2A);
    assert_int_equal(vga_crtc_get(v, 0x24), 0x80);
    rig_in(v->rig, 0x3DA);
    assert_int_equal(vga_crtc_get(v, 0x24), 0x00);
}

static void dac_reads_and_writes_in_threes(void **state)
{
    struct vga_rig *v = *state;
    vga_dac(v, 10, 0x3F2001);
    rig_out(v->rig, 0x3C9, 0xFF); /* 11, unfinished */
    assert_int_equal(rig_in(v->rig, 0x3C8), 11);
    assert_int_equal(rig_in(v->rig, 0x3C7), 0x00);
    rig_out(v->rig, 0x3C7, 10);
    assert_int_equal(rig_in(v->rig, 0x3C7), 0x03);
    assert_int_equal(rig_in(v->rig, 0x3C9), 0x3F);
    assert_int_equal(rig_in(v->rig, 0x3C9), 0x20);
    assert_int_equal(rig_in(v->rig, 0x3C9), 0x01);
    assert_int_equal(rig_in(v->rig, 0x3C9), 0x00);
}

static void dac_mask_reads_back(void **state)
{
    struct vga_rig *v = *state;
    assert_int_equal(rig_in(v->rig, 0x3C6), 0xFF);
    rig_out(v->rig, 0x3C6, 0x0F);
    assert_int_equal(rig_in(v->rig, 0x3C6), 0x0F);
}

static void memory_map_select(void **state)
{
    static const struct {
        uint32_t inside, outside;
    } maps[] = {
        {0xBFFFF, 0xC0000},
        {0xAFFFF, 0xB0000},
        {0xB0000, 0xB8000},
        {0xBFFFF, 0xB7FFF}
    };
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_12);
    for (uint8_t i = 0; i < 4; i++) {
        vga_gc(v, 6, (uint8_t)(0x01 | i << 2));
        rig_poke(v->rig, maps[i].inside, 0x5A);
        assert_int_equal(rig_peek(v->rig, maps[i].inside), 0x5A);
        assert_int_equal(rig_peek(v->rig, maps[i].outside), 0xFF);
    }
    rig_out(v->rig, 0x3C2, 0xE1); /* RAM off */
    assert_int_equal(rig_peek(v->rig, 0xB8000), 0xFF);
}

static void write_mode_0_map_mask(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_12);
    vga_seq(v, 2, 0x05);
    rig_poke(v->rig, 0xA0000, 0xC3);
    for (uint8_t plane = 0; plane < 4; plane++) {
        vga_gc(v, 4, plane);
        assert_int_equal(rig_peek(v->rig, 0xA0000), plane & 1 ? 0x00 : 0xC3);
    }
}

static void write_mode_0_set_reset_rotate_mask(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_12);
    rig_poke(v->rig, 0xA0000, 0xFF);
    rig_peek(v->rig, 0xA0000);
    vga_gc(v, 0, 0x01);
    vga_gc(v, 1, 0x03);
    vga_gc(v, 3, 0x01); /* rotate right by one */
    vga_gc(v, 8, 0x0F);
    rig_poke(v->rig, 0xA0000, 0x12);
    static const uint8_t want[] = {0xFF, 0xF0, 0xF9, 0xF9};
    for (uint8_t plane = 0; plane < 4; plane++) {
        vga_gc(v, 4, plane);
        assert_int_equal(rig_peek(v->rig, 0xA0000), want[plane]);
    }
}

static void logical_functions(void **state)
{
    static const uint8_t want[] = {0x3C, 0x0C, 0xFC, 0xF0};
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_12);
    for (uint8_t function = 0; function < 4; function++) {
        vga_gc(v, 3, 0);
        rig_poke(v->rig, 0xA0000, 0xCC);
        vga_gc(v, 3, (uint8_t)(function << 3));
        rig_peek(v->rig, 0xA0000);
        rig_poke(v->rig, 0xA0000, 0x3C);
        assert_int_equal(rig_peek(v->rig, 0xA0000), want[function]);
    }
}

static void write_mode_1_copies_latches(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_12);
    for (uint8_t plane = 0; plane < 4; plane++) {
        vga_seq(v, 2, (uint8_t)(1 << plane));
        rig_poke(v->rig, 0xA0100, (uint8_t)(0x10 + plane));
    }
    vga_seq(v, 2, 0x0F);
    vga_gc(v, 5, 1);
    rig_peek(v->rig, 0xA0100);
    rig_poke(v->rig, 0xA0200, 0xFF);
    for (uint8_t plane = 0; plane < 4; plane++) {
        vga_gc(v, 4, plane);
        assert_int_equal(rig_peek(v->rig, 0xA0200), 0x10 + plane);
        assert_int_equal(vga_crtc_get(v, 0x22), 0x10 + plane);
    }
}

static void write_mode_2_expands_a_colour(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_12);
    vga_gc(v, 5, 2);
    vga_gc(v, 8, 0x18);
    rig_peek(v->rig, 0xA0000);
    rig_poke(v->rig, 0xA0000, 0x0A);
    for (uint8_t plane = 0; plane < 4; plane++) {
        vga_gc(v, 4, plane);
        assert_int_equal(rig_peek(v->rig, 0xA0000), plane & 1 ? 0x18 : 0x00);
    }
}

static void write_mode_3_masks_with_data(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_12);
    rig_poke(v->rig, 0xA0000, 0xFF);
    vga_gc(v, 5, 3);
    vga_gc(v, 0, 0x02);
    vga_gc(v, 8, 0xF0);
    rig_peek(v->rig, 0xA0000);
    rig_poke(v->rig, 0xA0000, 0x3C);
    vga_gc(v, 4, 0);
    assert_int_equal(rig_peek(v->rig, 0xA0000), 0xCF);
    vga_gc(v, 4, 1);
    assert_int_equal(rig_peek(v->rig, 0xA0000), 0xFF);
}

static void read_mode_1_compares(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_12);
    vga_seq(v, 2, 0x05);
    rig_poke(v->rig, 0xA0000, 0xF0);
    vga_gc(v, 5, 0x08);
    vga_gc(v, 2, 0x05);
    vga_gc(v, 7, 0x0F);
    assert_int_equal(rig_peek(v->rig, 0xA0000), 0xF0);
    vga_gc(v, 2, 0x00);
    assert_int_equal(rig_peek(v->rig, 0xA0000), 0x0F);
    vga_gc(v, 7, 0x0A);
    assert_int_equal(rig_peek(v->rig, 0xA0000), 0xFF);
}

static void odd_even_puts_text_into_two_planes(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_3);
    rig_poke(v->rig, 0xB8002, 'A');
    rig_poke(v->rig, 0xB8003, 0x1E);
    assert_int_equal(rig_peek(v->rig, 0xB8002), 'A');
    assert_int_equal(rig_peek(v->rig, 0xB8003), 0x1E);
    vga_seq(v, 4, 0x06);
    vga_gc(v, 5, 0x00);
    vga_gc(v, 6, 0x04);
    vga_gc(v, 4, 0);
    assert_int_equal(rig_peek(v->rig, 0xA0002), 'A');
    vga_gc(v, 4, 1);
    assert_int_equal(rig_peek(v->rig, 0xA0002), 0x1E);
    vga_gc(v, 4, 2);
    assert_int_equal(rig_peek(v->rig, 0xA0002), 0x00);
}

static void chain_4_spreads_over_planes(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_13);
    static const uint32_t offsets[] = {0x0000, 0x0005, 0x3FFE, 0x4001, 0xFFFF};
    for (unsigned i = 0; i < 5; i++)
        rig_poke(v->rig, 0xA0000 + offsets[i], (uint8_t)(0x81 + i));
    assert_int_equal(vga_memory(v->vga)[0x3FFE], 0x83); /* written directly */
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(rig_peek(v->rig, 0xA0000 + offsets[i]), 0x81 + i);
    vga_seq(v, 4, 0x06); /* the same through planes */
    for (unsigned i = 0; i < 5; i++) {
        vga_gc(v, 4, offsets[i] & 3);
        uint32_t plane_address = (offsets[i] & 0xFFFC) | offsets[i] >> 14;
        assert_int_equal(rig_peek(v->rig, 0xA0000 + plane_address), 0x81 + i);
    }
}

static void chain_4_with_functions_is_not_direct(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_13);
    rig_poke(v->rig, 0xA0000, 0xF0);
    vga_gc(v, 8, 0x0F);
    rig_peek(v->rig, 0xA0000);
    rig_poke(v->rig, 0xA0000, 0xFF);
    assert_int_equal(rig_peek(v->rig, 0xA0000), 0xFF);
    vga_seq(v, 2, 0x0E);
    vga_gc(v, 8, 0xFF);
    rig_poke(v->rig, 0xA0000, 0x00); /* plane 0 is masked */
    assert_int_equal(rig_peek(v->rig, 0xA0000), 0xFF);
}

static void retrace_follows_the_clock(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_3);
    unsigned retraces = 0, hidden = 0, samples = 100000;
    uint8_t last = 0;
    uint64_t start = clock_now(bus_clock(v->rig->bus));
    for (unsigned i = 0; i < samples; i++) {
        uint8_t status = (uint8_t)rig_in(v->rig, 0x3DA);
        retraces += (status & 8) && !(last & 8);
        hidden += status & 1;
        if (status & 8)
            assert_int_equal(status & 1, 1);
        last = status;
        /* The read itself takes a part of each ten microseconds. */
        assert_in_range(clock_now(bus_clock(v->rig->bus)), start + i * 10000 + 500,
                        start + i * 10000 + 1000);
        rig_pass(v->rig, start + (i + 1) * 10000 - clock_now(bus_clock(v->rig->bus)));
    }
    assert_in_range(retraces, 69, 71); /* 70.09 Hz */
    /* 80 of 100 characters in 400 of 449 lines are shown. */
    assert_in_range(hidden, samples * 28 / 100, samples * 29 / 100);
}

static void vertical_interrupt_is_pending_until_cleared(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_3);
    vga_crtc(v, 0x11, 0x0E);
    rig_pass(v->rig, 20 * NS_PER_MILLISECOND);
    assert_int_equal(rig_in(v->rig, 0x3C2) & 0x80, 0);
    vga_crtc(v, 0x11, 0x1E);
    assert_int_equal(rig_in(v->rig, 0x3C2) & 0x80, 0);
    rig_pass(v->rig, 20 * NS_PER_MILLISECOND);
    assert_int_equal(rig_in(v->rig, 0x3C2) & 0x80, 0x80);
}

static void video_subsystem_can_be_disabled(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_3);
    rig_poke(v->rig, 0xB8000, 'x');
    rig_out(v->rig, 0x3C3, 0);
    assert_int_equal(rig_in(v->rig, 0x3CC), 0xFF);
    assert_int_equal(rig_peek(v->rig, 0xB8000), 0xFF);
    rig_out(v->rig, 0x3C3, 1);
    assert_int_equal(rig_peek(v->rig, 0xB8000), 'x');
}

static void text_snapshot(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_3);
    rig_poke(v->rig, 0xB8000 + 2 * (80 * 24 + 79), 'Z');
    rig_poke(v->rig, 0xB8001 + 2 * (80 * 24 + 79), 0x9E);
    vga_crtc(v, 0x0E, 2);
    vga_crtc(v, 0x0F, 0x5B); /* 603: row 7, column 43 */
    vga_text(v->vga, &v->text);
    assert_int_equal(v->text.columns, 80);
    assert_int_equal(v->text.rows, 25);
    const struct screen_cell *cell = &v->text.cells[24][79];
    assert_int_equal(cell->character, 'Z');
    assert_int_equal(cell->foreground, 0x0E);
    assert_int_equal(cell->background, 1);
    assert_true(cell->blink);
    assert_true(v->text.cursor_visible);
    assert_int_equal(v->text.cursor_row, 7);
    assert_int_equal(v->text.cursor_column, 43);
    vga_crtc(v, 0x0A, 0x2D); /* cursor off */
    vga_attr(v, 0x10, 0x04); /* intensity instead of blinking */
    rig_out(v->rig, 0x3C0, 0x20);
    vga_text(v->vga, &v->text);
    assert_false(v->text.cursor_visible);
    assert_int_equal(v->text.cells[24][79].background, 9);
    assert_false(v->text.cells[24][79].blink);
}

static void text_start_address_scrolls(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_3);
    rig_poke(v->rig, 0xB8000 + 160 * 30, 'Q');
    vga_crtc(v, 0x0C, 80 * 30 >> 8);
    vga_crtc(v, 0x0D, 80 * 30 & 0xFF);
    rig_pass(v->rig, NS_PER_SECOND / 50); /* it takes effect at the retrace */
    vga_text(v->vga, &v->text);
    assert_int_equal(v->text.cells[0][0].character, 'Q');
}

static void graphics_and_blank_have_no_text(void **state)
{
    struct vga_rig *v = *state;
    vga_text(v->vga, &v->text);
    assert_int_equal(v->text.rows, 0);
    vga_set_mode(v, &vga_mode_13);
    vga_text(v->vga, &v->text);
    assert_int_equal(v->text.rows, 0);
    vga_set_mode(v, &vga_mode_3);
    vga_seq(v, 1, 0x20);
    vga_text(v->vga, &v->text);
    assert_int_equal(v->text.rows, 0);
}

static void dispi_identity(void **state)
{
    struct vga_rig *v = *state;
    assert_int_equal(vga_dispi_get(v, 0), 0xB0C5);
    vga_dispi(v, 0, 0xB0C0);
    assert_int_equal(vga_dispi_get(v, 0), 0xB0C0);
    vga_dispi(v, 0, 0x1234);
    assert_int_equal(vga_dispi_get(v, 0), 0xB0C0);
    assert_int_equal(vga_dispi_get(v, 10), 256);
    vga_dispi(v, 4, 2);
    assert_int_equal(vga_dispi_get(v, 1), 2560);
    assert_int_equal(vga_dispi_get(v, 3), 32);
    vga_dispi(v, 4, 0);
    assert_int_equal(vga_dispi_get(v, 3), 8);
}

static void set_dispi_mode(struct vga_rig *v, uint16_t x, uint16_t y, uint16_t bpp)
{
    vga_dispi(v, 4, 0);
    vga_dispi(v, 1, x);
    vga_dispi(v, 2, y);
    vga_dispi(v, 3, bpp);
    vga_dispi(v, 4, 0x41);
}

static void dispi_sets_geometry(void **state)
{
    struct vga_rig *v = *state;
    set_dispi_mode(v, 800, 600, 16);
    assert_int_equal(vga_dispi_get(v, 6), 800);
    assert_int_equal(vga_dispi_get(v, 7), (16 << 20) / 1600);
    vga_dispi(v, 1, 640); /* not while enabled */
    assert_int_equal(vga_dispi_get(v, 1), 800);
    vga_dispi(v, 6, 1024);
    vga_dispi(v, 8, 1000);
    assert_int_equal(vga_dispi_get(v, 8), 224);
    set_dispi_mode(v, 2560, 1600, 32); /* 16.4 million bytes fit */
    assert_int_equal(vga_dispi_get(v, 4) & 1, 1);
}

static void dispi_bank_moves_the_window(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_13);
    set_dispi_mode(v, 640, 480, 8);
    vga_dispi(v, 5, 3);
    rig_poke(v->rig, 0xA0010, 0x77);
    assert_int_equal(vga_memory(v->vga)[0x30010], 0x77);
    pci_config_write(v->pci, 2, 0, 0x10, 0xE0000000, 4);
    pci_config_write(v->pci, 2, 0, 0x04, 2, 2);
    assert_int_equal(rig_peek(v->rig, 0xE0030010), 0x77);
    vga_dispi(v, 4, 0xC1); /* stays on: memory is kept */
    assert_int_equal(rig_peek(v->rig, 0xE0030010), 0x77);
    vga_dispi(v, 4, 0);
    vga_dispi(v, 4, 1); /* on again: memory is cleared */
    assert_int_equal(rig_peek(v->rig, 0xE0030010), 0x00);
}

static void dispi_widens_the_dac(void **state)
{
    struct vga_rig *v = *state;
    vga_dac(v, 1, 0x3F0001);
    vga_dispi(v, 4, 0x20);
    rig_out(v->rig, 0x3C7, 1);
    assert_int_equal(rig_in(v->rig, 0x3C9), 0xFC);
    rig_out(v->rig, 0x3C8, 2);
    rig_out(v->rig, 0x3C9, 0xFF);
    rig_out(v->rig, 0x3C9, 0xFF);
    rig_out(v->rig, 0x3C9, 0xFF);
    rig_out(v->rig, 0x3C7, 2);
    assert_int_equal(rig_in(v->rig, 0x3C9), 0xFF);
}

static void reset_switches_off(void **state)
{
    struct vga_rig *v = *state;
    set_dispi_mode(v, 640, 480, 32);
    bus_reset_devices(v->rig->bus, RESET_HARD);
    assert_int_equal(vga_dispi_get(v, 4), 0);
    assert_int_equal(rig_in(v->rig, 0x3CC), 0);
    assert_int_equal(rig_peek(v->rig, 0xA0000), 0xFF);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        VGA_CASE(pci_identity_and_bars),
        VGA_CASE(sequencer_registers_have_masks),
        VGA_CASE(graphics_registers_have_masks),
        VGA_CASE(word_write_sets_index_and_data),
        VGA_CASE(crtc_protects_its_timing),
        VGA_CASE(misc_output_moves_the_crtc),
        VGA_CASE(attribute_flip_flop),
        VGA_CASE(dac_reads_and_writes_in_threes),
        VGA_CASE(dac_mask_reads_back),
        VGA_CASE(memory_map_select),
        VGA_CASE(write_mode_0_map_mask),
        VGA_CASE(write_mode_0_set_reset_rotate_mask),
        VGA_CASE(logical_functions),
        VGA_CASE(write_mode_1_copies_latches),
        VGA_CASE(write_mode_2_expands_a_colour),
        VGA_CASE(write_mode_3_masks_with_data),
        VGA_CASE(read_mode_1_compares),
        VGA_CASE(odd_even_puts_text_into_two_planes),
        VGA_CASE(chain_4_spreads_over_planes),
        VGA_CASE(chain_4_with_functions_is_not_direct),
        VGA_CASE(retrace_follows_the_clock),
        VGA_CASE(vertical_interrupt_is_pending_until_cleared),
        VGA_CASE(video_subsystem_can_be_disabled),
        VGA_CASE(text_snapshot),
        VGA_CASE(text_start_address_scrolls),
        VGA_CASE(graphics_and_blank_have_no_text),
        VGA_CASE(dispi_identity),
        VGA_CASE(dispi_sets_geometry),
        VGA_CASE(dispi_bank_moves_the_window),
        VGA_CASE(dispi_widens_the_dac),
        VGA_CASE(reset_switches_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
