/* What a consumer of pictures is told: what has changed since it looked last, how pixels are
 * shaped, where the border is, and a hash.
 * Run alone: build/tests/device/test_vga_frame */
#include "tests/device/vga_rig.h"

static void draw(struct vga_rig *v)
{
    vga_render(v->vga, &v->frame);
}

static void assert_band(const struct frame *frame, unsigned x, unsigned y, unsigned width,
                        unsigned height)
{
    assert_false(frame->resized);
    assert_int_equal(frame->band_count, 1);
    assert_int_equal(frame->band[0].x, x);
    assert_int_equal(frame->band[0].y, y);
    assert_int_equal(frame->band[0].width, width);
    assert_int_equal(frame->band[0].height, height);
}

static void assert_unchanged(struct vga_rig *v)
{
    draw(v);
    assert_false(v->frame.resized);
    assert_int_equal(v->frame.band_count, 0);
}

static void first_picture_is_all_new(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_13);
    draw(v);
    assert_true(v->frame.resized);
    assert_int_equal(v->frame.band_count, 1);
    assert_int_equal(v->frame.band[0].width, 320);
    assert_int_equal(v->frame.band[0].height, 200);
    assert_unchanged(v);
}

static void one_pixel_is_one_band(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_13);
    draw(v);
    rig_poke(v->rig, 0xA0000 + 320 * 77 + 13, 5);
    draw(v);
    assert_band(&v->frame, 13, 77, 1, 1);
    rig_poke(v->rig, 0xA0000 + 320 * 77 + 13, 5);
    assert_unchanged(v); /* written, but the same */
    rig_poke(v->rig, 0xA0000 + 320 * 10 + 20, 5);
    rig_poke(v->rig, 0xA0000 + 320 * 12 + 10, 5);
    rig_poke(v->rig, 0xA0000 + 320 * 190 + 1, 5);
    draw(v);
    assert_int_equal(v->frame.band_count, 2);
    assert_int_equal(v->frame.band[0].x, 10);
    assert_int_equal(v->frame.band[0].width, 11);
    assert_int_equal(v->frame.band[0].y, 10);
    assert_int_equal(v->frame.band[0].height, 3);
    assert_int_equal(v->frame.band[1].y, 190);
}

static void each_consumer_has_its_own_view(void **state)
{
    struct vga_rig *v = *state;
    struct frame other = {0};
    vga_set_mode(v, &vga_mode_13);
    draw(v);
    vga_render(v->vga, &other);
    rig_poke(v->rig, 0xA0000, 5);
    draw(v);
    assert_band(&v->frame, 0, 0, 1, 1);
    rig_poke(v->rig, 0xA0000 + 320 * 199, 6);
    draw(v);
    assert_band(&v->frame, 0, 199, 1, 1);
    vga_render(v->vga, &other);
    assert_int_equal(other.band_count, 2);
    assert_memory_equal(other.pixels, v->frame.pixels, 320 * 200 * 4);
    frame_free(&other);
}

static void registers_count_as_changes(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_13);
    rig_poke(v->rig, 0xA0000 + 320 * 5, 7);
    draw(v);
    vga_dac(v, 7, 0x3F0000);
    draw(v);
    assert_band(&v->frame, 0, 5, 1, 1);
    vga_dac(v, 9, 0x3F0000); /* nothing has this colour */
    assert_unchanged(v);
    vga_attr(v, 0x11, 7);
    rig_out(v->rig, 0x3C0, 0x20);
    draw(v);
    assert_true(v->frame.resized);
    assert_int_equal(v->frame.border_color, 0xFF0000);
}

static void cursor_blinks_in_its_cell_only(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_3);
    for (unsigned cell = 0; cell < 80 * 25; cell++)
        rig_poke(v->rig, 0xB8001 + 2 * cell, 0x07);
    vga_crtc(v, 0x0F, 80 * 2 + 3);
    draw(v);
    rig_pass(v->rig, 8 * NS_PER_SECOND / 70);
    draw(v);
    assert_band(&v->frame, 27, 2 * 16 + 13, 9, 2);
    vga_crtc(v, 0x0F, 80 * 1 + 3);
    rig_pass(v->rig, 8 * NS_PER_SECOND / 70);
    draw(v);
    assert_band(&v->frame, 27, 1 * 16 + 13, 9, 2);
    vga_crtc(v, 0x0F, 80 * 2 + 3);
    draw(v);
    assert_int_equal(v->frame.band_count, 2);
}

static void frame_buffer_writes_leave_marks(void **state)
{
    struct vga_rig *v = *state;
    bus_port_write(v->rig->bus, 0xCF8, 0x80001010, 4);
    bus_port_write(v->rig->bus, 0xCFC, 0xE0000000, 4);
    bus_port_write(v->rig->bus, 0xCF8, 0x80001004, 4);
    bus_port_write(v->rig->bus, 0xCFC, 2, 4);
    rig_out(v->rig, 0x3C0, 0x20);
    vga_dispi(v, 1, 1024);
    vga_dispi(v, 2, 768);
    vga_dispi(v, 3, 32);
    vga_dispi(v, 4, 0x41);
    draw(v);
    assert_true(v->frame.resized);
    uint32_t color = 0x123456;
    bus_write_memory(v->rig->bus, 0xE0000000 + (1024 * 500 + 600) * 4, &color, 4);
    draw(v);
    assert_band(&v->frame, 600, 500, 1, 1);
    bus_write_memory(v->rig->bus, 0xE0000000 + (1024 * 700) * 4, &color, 4);
    draw(v);
    assert_band(&v->frame, 0, 700, 1, 1);
    /* What is not shown does not change the picture. */
    bus_write_memory(v->rig->bus, 0xE0000000 + (1024 * 900) * 4, &color, 4);
    assert_unchanged(v);
}

static void pixels_have_the_shape_of_the_mode(void **state)
{
    struct vga_rig *v = *state;
    static const struct {
        const struct vga_mode *mode;
        unsigned x, y;
    } cases[] = {
        {&vga_mode_3,  20, 27},
        {&vga_mode_5,  5,  6 },
        {&vga_mode_12, 1,  1 },
        {&vga_mode_13, 5,  6 },
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        vga_set_mode(v, cases[i].mode);
        draw(v);
        assert_int_equal(v->frame.aspect_x, cases[i].x);
        assert_int_equal(v->frame.aspect_y, cases[i].y);
        /* So that every one of them is 4:3 on the glass. */
        assert_int_equal(v->frame.width * cases[i].x * 3, v->frame.height * cases[i].y * 4);
    }
}

static void border_of_text(void **state)
{
    struct vga_rig *v = *state;
    vga_set_mode(v, &vga_mode_3);
    vga_attr(v, 0x11, 0x05);
    rig_out(v->rig, 0x3C0, 0x20);
    draw(v);
    assert_int_equal(v->frame.border_color, vga_blue(5));
    assert_int_equal(v->frame.border_left, 9);
    assert_int_equal(v->frame.border_right, 9);
    assert_int_equal(v->frame.border_top, 8);
    assert_int_equal(v->frame.border_bottom, 6);
}

static void hash_depends_on_pixels_and_size(void **state)
{
    uint32_t pixels[4] = {1, 2, 3, 4};
    struct frame wide = {.width = 4, .height = 1, .pixels = pixels};
    struct frame square = {.width = 2, .height = 2, .pixels = pixels};
    uint64_t hash = frame_hash(&wide);
    assert_true(hash != frame_hash(&square));
    pixels[3] = 5;
    assert_true(hash != frame_hash(&wide));
    pixels[3] = 4;
    assert_true(hash == frame_hash(&wide));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        VGA_CASE(first_picture_is_all_new),
        VGA_CASE(one_pixel_is_one_band),
        VGA_CASE(each_consumer_has_its_own_view),
        VGA_CASE(registers_count_as_changes),
        VGA_CASE(cursor_blinks_in_its_cell_only),
        VGA_CASE(frame_buffer_writes_leave_marks),
        VGA_CASE(pixels_have_the_shape_of_the_mode),
        VGA_CASE(border_of_text),
        cmocka_unit_test(hash_depends_on_pixels_and_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
