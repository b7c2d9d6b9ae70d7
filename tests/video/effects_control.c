/* Screen off, palette sources, blinking in graphics, line doubling, odd registers. */
#include "tests/video/video.h"

static void planes(const char *name)
{
    set_registers(&vga_mode_12);
    surface_set(LAYOUT_PLANAR, 640, 480, 80);
    card(name, 16);
}

static void screen_off(void)
{
    planes("not to be seen");
    seq(1, 0x21);
}

static void palette_source(void)
{
    planes("not to be seen");
    inb(0x3DA);
    outb(0x3C0, 0x00);
}

static void graphics_blink(void)
{
    planes("blinking in graphics: bit 3 turns over");
    attr(0x10, 0x09);
}

static void graphics_plane_enable(void)
{
    planes("color plane enable 05h");
    attr(0x12, 0x05);
}

static void graphics_color_select(void)
{
    planes("P5 and P4 from the colour select register");
    for (u16 i = 0; i < 256; i++)
        dac((u8)i, (u8)(i & 0x3F), (u8)(i >> 2), (u8)(63 - (i & 0x3F)));
    attr(0x10, 0x81);
    attr(0x14, 0x09);
}

/* Half the lines, each twice by the counter of line pairs. */
static void line_pairs(void)
{
    planes("figures count pairs of lines");
    crtc(0x12, 0xEF);
    crtc(0x07, (u8)(crtc_get(7) & ~0x42));
    crtc(0x17, 0xE7);
}

static void row_of_two(void)
{
    planes("rows of two lines by the maximum scan line");
    crtc(0x09, 0x41);
}

static void border_in_graphics(void)
{
    planes("border of colour 2");
    attr(0x11, 0x02);
}

/* The write protection of the CRTC lets only line compare bit 8 through. */
static void protected_crtc(void)
{
    planes("CRTC 0 to 7 are protected: no change, but split after line 255");
    crtc(0x11, (u8)(crtc_get(0x11) | 0x80));
    for (u8 i = 0; i < 7; i++)
        crtc(i, 0x20);
    crtc(0x18, 0xFF);
    crtc(0x09, 0x00);
    crtc(0x07, 0x00);
    crtc(0x11, (u8)(crtc_get(0x11) & 0x7F));
}

/* 3D4h is not there while miscellaneous output says 3B4h. */
static void mono_ports(void)
{
    planes("monochrome addresses: start 100 lines on by 3B4h");
    outb(0x3C2, 0xE2);
    outw(0x3D4, 0x120C);
    outw(0x3D4, 0x340D);
    crtc_word(0x0C, 80 * 100);
    wait_retraces(2);
    outb(0x3C2, 0xE3);
}

/* Half the dot clock in planes: 320 pixels. */
static void half_clock(void)
{
    static const u8 horizontal[] = {0x2D, 0x27, 0x28, 0x90, 0x2B, 0x80};
    set_registers(&vga_mode_12);
    seq(1, 0x09);
    for (u8 i = 0; i < sizeof horizontal; i++)
        crtc(i, horizontal[i]);
    crtc(0x13, 0x14);
    surface_set(LAYOUT_PLANAR, 320, 480, 40);
    card("320 x 480 in planes", 16);
}

const struct effect control_effects[] = {
    {"screen off",                screen_off           },
    {"palette address source",    palette_source       },
    {"blinking in graphics",      graphics_blink       },
    {"plane enable in graphics",  graphics_plane_enable},
    {"colour select in graphics", graphics_color_select},
    {"line pairs",                line_pairs           },
    {"rows of two lines",         row_of_two           },
    {"border in graphics",        border_in_graphics   },
    {"CRTC protection",           protected_crtc       },
    {"monochrome addresses",      mono_ports           },
    {"half the dot clock",        half_clock           },
    {NULL,                        NULL                 },
};
