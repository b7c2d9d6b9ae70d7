/* What the VGA draws: text with the guest's font, planar, CGA, 256-colour and DISPI modes.
 * Run alone: build/tests/device/test_vga_render */
#include "tests/device/vga_rig.h"

#include <string.h>

/* From one vertical retrace to the next, in which a start address takes effect. */
static void pass_a_frame(struct vga_rig *v)
{
    rig_pass(v->rig, NS_PER_SECOND / 50);
}

static void draw(struct vga_rig *v)
{
    vga_render(v->vga, &v->frame);
}

static void load_glyph(struct vga_rig *v, uint8_t character, uint8_t row, uint8_t dots)
{
    vga_seq(v, 2, 0x04);
    vga_seq(v, 4, 0x07);
    vga_gc(v, 5, 0x00);
    vga_gc(v, 6, 0x04);
    rig_poke(v->rig, 0xA0000u + character * 32u + row, dots);
    vga_seq(v, 2, 0x03);
    vga_seq(v, 4, 0x02);
    vga_gc(v, 5, 0x10);
    vga_gc(v, 6, 0x0E);
}

static void put(struct vga_rig *v, unsigned row, unsigned column, uint8_t character, uint8_t color)
{
    uint32_t address = 0xB8000 + 2 * (80 * row + column);
    rig_poke(v->rig, address, character);
    rig_poke(v->rig, address + 1, color);
}

static void text_frame_size(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_3);
    draw(v);
    assert_int_equal(v->frame.width, 720);
    assert_int_equal(v->frame.height, 400);
    vga_seq(v, 1, 0x01);
    draw(v);
    assert_int_equal(v->frame.width, 640);
}

static void text_uses_the_loaded_font(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_3);
    load_glyph(v, 'A', 5, 0x81);
    put(v, 2, 3, 'A', 0x12);
    draw(v);
    unsigned y = 2 * 16 + 5;
    assert_int_equal(vga_pixel(v, 27, y), vga_blue(2));
    assert_int_equal(vga_pixel(v, 28, y), vga_blue(1));
    assert_int_equal(vga_pixel(v, 34, y), vga_blue(2));
    assert_int_equal(vga_pixel(v, 35, y), vga_blue(1)); /* ninth dot is background */
    assert_int_equal(vga_pixel(v, 27, y + 1), vga_blue(1));
}

static void line_graphics_extend_to_the_ninth_dot(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_3);
    load_glyph(v, 0xC4, 0, 0xFF);
    put(v, 0, 0, 0xC4, 0x07);
    draw(v);
    assert_int_equal(vga_pixel(v, 8, 0), vga_blue(7));
    vga_attr(v, 0x10, 0x08);
    rig_out(v->rig, 0x3C0, 0x20);
    draw(v);
    assert_int_equal(vga_pixel(v, 8, 0), vga_blue(0));
}

static void attribute_palette_is_applied(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_3);
    put(v, 0, 1, ' ', 0x60);
    draw(v);
    assert_int_equal(vga_pixel(v, 9, 0), vga_blue(0x14)); /* brown */
    vga_attr(v, 0x12, 0x03);
    rig_out(v->rig, 0x3C0, 0x20);
    draw(v);
    assert_int_equal(vga_pixel(v, 9, 0), vga_blue(2)); /* plane 2 is off */
}

static void cursor_is_drawn_and_blinks(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_3);
    put(v, 0, 0, ' ', 0x07);
    draw(v);
    assert_int_equal(vga_pixel(v, 0, 13), vga_blue(7));
    assert_int_equal(vga_pixel(v, 0, 12), vga_blue(0));
    rig_pass(v->rig, 8 * NS_PER_SECOND / 70);
    draw(v);
    assert_int_equal(vga_pixel(v, 0, 13), vga_blue(0));
}

static void blinking_text_vanishes(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_3);
    load_glyph(v, 'B', 0, 0xFF);
    put(v, 1, 1, 'B', 0x87);
    draw(v);
    assert_int_equal(vga_pixel(v, 9, 16), vga_blue(7));
    rig_pass(v->rig, 17 * NS_PER_SECOND / 70);
    draw(v);
    assert_int_equal(vga_pixel(v, 9, 16), vga_blue(0));
}

static void second_font_by_attribute_bit_3(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_3);
    load_glyph(v, 'C', 0, 0xFF);
    put(v, 1, 0, 'C', 0x0F);
    vga_seq(v, 3, 0x04); /* map A (bit 3 set) is 1, map B is 0 */
    draw(v);
    assert_int_equal(vga_pixel(v, 0, 16), vga_blue(0));
    put(v, 1, 0, 'C', 0x07);
    draw(v);
    assert_int_equal(vga_pixel(v, 0, 16), vga_blue(7));
}

static void line_compare_splits_the_screen(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_3);
    put(v, 0, 0, ' ', 0x10);
    put(v, 30, 0, ' ', 0x20);
    vga_crtc(v, 0x0C, 80 * 30 >> 8);
    vga_crtc(v, 0x0D, 80 * 30 & 0xFF);
    vga_crtc(v, 0x11, 0x0E);
    vga_crtc(v, 0x07, 0x0F);
    vga_crtc(v, 0x09, 0x0F);
    vga_crtc(v, 0x18, 199);
    pass_a_frame(v);
    draw(v);
    assert_int_equal(vga_pixel(v, 0, 0), vga_blue(2));
    assert_int_equal(vga_pixel(v, 0, 199), vga_blue(0));
    assert_int_equal(vga_pixel(v, 0, 200), vga_blue(1));
}

static void panning_shifts_left(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_3);
    put(v, 0, 1, ' ', 0x30);
    vga_attr(v, 0x13, 2); /* three dots */
    rig_out(v->rig, 0x3C0, 0x20);
    draw(v);
    assert_int_equal(vga_pixel(v, 5, 0), vga_blue(0));
    assert_int_equal(vga_pixel(v, 6, 0), vga_blue(3));
    assert_int_equal(vga_pixel(v, 14, 0), vga_blue(3));
    assert_int_equal(vga_pixel(v, 15, 0), vga_blue(0));
}

static void planar_16_colours(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_12);
    vga_gc(v, 5, 2);
    vga_gc(v, 8, 0x10);
    rig_peek(v->rig, 0xA0000 + 80 * 100 + 2);
    rig_poke(v->rig, 0xA0000 + 80 * 100 + 2, 0x09);
    draw(v);
    assert_int_equal(v->frame.width, 640);
    assert_int_equal(v->frame.height, 480);
    assert_int_equal(vga_pixel(v, 19, 100), vga_blue(0x39));
    assert_int_equal(vga_pixel(v, 18, 100), 0);
    assert_int_equal(vga_pixel(v, 20, 100), 0);
}

static void cga_4_colours_in_two_banks(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_5);
    rig_poke(v->rig, 0xB8000, 0x1B);          /* 0 1 2 3 */
    rig_poke(v->rig, 0xB8001, 0xC0);          /* 3 0 0 0 */
    rig_poke(v->rig, 0xB8000 + 0x2000, 0x80); /* second line: 2 */
    rig_poke(v->rig, 0xB8000 + 80, 0x40);     /* third line: 1 */
    draw(v);
    assert_int_equal(v->frame.width, 320);
    assert_int_equal(v->frame.height, 200);
    static const uint8_t colors[] = {0x00, 0x13, 0x15, 0x17, 0x17};
    for (unsigned x = 0; x < 5; x++)
        assert_int_equal(vga_pixel(v, x, 0), vga_blue(colors[x]));
    assert_int_equal(vga_pixel(v, 0, 1), vga_blue(0x15));
    assert_int_equal(vga_pixel(v, 0, 2), vga_blue(0x13));
}

static void mode_13h(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_13);
    rig_poke(v->rig, 0xA0000 + 320 * 199 + 319, 0x2A);
    rig_poke(v->rig, 0xA0000 + 320 * 52, 0x15); /* beyond 16 KiB */
    draw(v);
    assert_int_equal(v->frame.width, 320);
    assert_int_equal(v->frame.height, 200);
    assert_int_equal(vga_pixel(v, 319, 199), vga_blue(0x2A));
    assert_int_equal(vga_pixel(v, 0, 52), vga_blue(0x15));
    rig_out(v->rig, 0x3C6, 0x0F);
    draw(v);
    assert_int_equal(vga_pixel(v, 319, 199), vga_blue(0x0A));
}

static void mode_x(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_13);
    vga_seq(v, 4, 0x06);
    vga_crtc(v, 0x14, 0x00);
    vga_crtc(v, 0x17, 0xE3);
    vga_seq(v, 2, 0x02);
    rig_poke(v->rig, 0xA0000 + 80 * 10 + 5, 0x33);
    vga_seq(v, 2, 0x01);
    rig_poke(v->rig, 0xA0000 + 80 * 210, 0x34); /* second page */
    draw(v);
    assert_int_equal(vga_pixel(v, 21, 10), vga_blue(0x33));
    vga_crtc(v, 0x0C, 80 * 200 >> 8);
    vga_crtc(v, 0x0D, 80 * 200 & 0xFF);
    draw(v);
    assert_int_equal(vga_pixel(v, 0, 10), 0); /* the picture that is being shown stays */
    pass_a_frame(v);
    draw(v);
    assert_int_equal(vga_pixel(v, 0, 10), vga_blue(0x34));
}

static void set_dispi_mode(struct vga_rig *v, uint16_t x, uint16_t y, uint16_t bpp)
{
    vga_dispi(v, 4, 0);
    vga_dispi(v, 1, x);
    vga_dispi(v, 2, y);
    vga_dispi(v, 3, bpp);
    vga_dispi(v, 4, 0x41);
    rig_in(v->rig, 0x3DA);
    rig_out(v->rig, 0x3C0, 0x20);
}

static void direct_colour_modes(void **state)
{
    static const struct {
        uint16_t bpp;
        uint32_t value, color;
    } cases[] = {
        {15, 0x7C00,     0xFF0000},
        {15, 0x03E1,     0x00FF08},
        {16, 0xF800,     0xFF0000},
        {16, 0x07E0,     0x00FF00},
        {16, 0x001F,     0x0000FF},
        {24, 0x123456,   0x123456},
        {32, 0xFF123456, 0x123456},
    };
    struct vga_rig *v = *state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned size = (cases[i].bpp + 7u) / 8;
        set_dispi_mode(v, 640, 480, cases[i].bpp);
        memcpy(vga_memory(v->vga) + (640 * 7 + 9) * size, &cases[i].value, size);
        draw(v);
        assert_int_equal(v->frame.width, 640);
        assert_int_equal(v->frame.height, 480);
        assert_int_equal(vga_pixel(v, 9, 7), cases[i].color);
        assert_int_equal(vga_pixel(v, 10, 7), 0);
    }
}

static void dispi_offsets_move_the_picture(void **state)
{
    struct vga_rig *v = *state;
    set_dispi_mode(v, 640, 480, 32);
    vga_dispi(v, 6, 1024);
    vga_dispi(v, 8, 100);
    vga_dispi(v, 9, 50);
    memset(vga_memory(v->vga) + (1024 * 50 + 100) * 4, 0x7F, 4);
    draw(v);
    assert_int_equal(vga_pixel(v, 0, 0), 0x7F7F7F);
}

static void dispi_planar_and_paletted(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_12);
    set_dispi_mode(v, 800, 600, 4);
    rig_poke(v->rig, 0xA0000 + 100 * 599, 0x80);
    draw(v);
    assert_int_equal(v->frame.width, 800);
    assert_int_equal(vga_pixel(v, 0, 599), vga_blue(0x3F));
    set_dispi_mode(v, 640, 400, 8);
    vga_memory(v->vga)[640] = 0x21;
    draw(v);
    assert_int_equal(v->frame.height, 400);
    assert_int_equal(vga_pixel(v, 0, 1), vga_blue(0x21));
}

static void blank_is_black(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_13);
    memset(vga_memory(v->vga), 0x3F, 0x10000);
    vga_seq(v, 1, 0x21);
    draw(v);
    assert_int_equal(v->frame.width, 320);
    for (unsigned i = 0; i < 320 * 200; i++)
        assert_int_equal(v->frame.pixels[i], 0);
}

static void any_register_contents_can_be_drawn(void **state)
{
    struct vga_rig *v = *state;
    uint32_t seed = 1;
    for (unsigned round = 0; round < 60; round++) {
        for (uint8_t i = 0; i < 0x19; i++) {
            seed = seed * 1664525 + 1013904223;
            vga_crtc(v, i == 0x11 ? 0 : i, (uint8_t)(seed >> 24));
            vga_seq(v, i & 7, (uint8_t)(seed >> 16) & 0xDF);
            vga_gc(v, i % 9, (uint8_t)(seed >> 8));
            vga_attr(v, i, (uint8_t)(seed >> 12));
        }
        rig_out(v->rig, 0x3C0, 0x20);
        rig_out(v->rig, 0x3C2, 3 | (seed & 0xEC));
        draw(v);
        vga_text(v->vga, &v->text);
        assert_true(v->frame.width > 0 && v->frame.height > 0);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        VGA_CASE(text_frame_size),
        VGA_CASE(text_uses_the_loaded_font),
        VGA_CASE(line_graphics_extend_to_the_ninth_dot),
        VGA_CASE(attribute_palette_is_applied),
        VGA_CASE(cursor_is_drawn_and_blinks),
        VGA_CASE(blinking_text_vanishes),
        VGA_CASE(second_font_by_attribute_bit_3),
        VGA_CASE(line_compare_splits_the_screen),
        VGA_CASE(panning_shifts_left),
        VGA_CASE(planar_16_colours),
        VGA_CASE(cga_4_colours_in_two_banks),
        VGA_CASE(mode_13h),
        VGA_CASE(mode_x),
        VGA_CASE(direct_colour_modes),
        VGA_CASE(dispi_offsets_move_the_picture),
        VGA_CASE(dispi_planar_and_paletted),
        VGA_CASE(blank_is_black),
        VGA_CASE(any_register_contents_can_be_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
