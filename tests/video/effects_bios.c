/* The firmware's modes, as INT 10h sets them: every register and colour is the firmware's. Only the
 * fonts are ours. */
#include "tests/video/video.h"

/* A text mode with our font of that height, without cursor and blinking. */
static void text_mode(u8 mode, u8 height, u16 columns, const char *name)
{
    video_call(mode, 0, 0, 0);
    text_segment = mode == 7 ? 0xB000 : 0xB800;
    struct registers r = {.ax = 0x1100, .bx = (u16)(height << 8), .cx = 256};
    r.es = height == 8 ? 0 : FAR_SEGMENT;
    r.bp = height == 8 ? (u16)(u32)font_8x8 : FAR_FONT_16;
    bios_call(&r, 0x10);
    video_call(0x0100, 0, 0x2000, 0);
    video_call(0x1003, 0, 0, 0);
    text_card(name, columns);
}

static void graphics_mode(u8 mode, enum layout layout, u16 width, u16 height, u32 colors,
                          const char *name)
{
    video_call(mode, 0, 0, 0);
    surface_set(layout, width, height, layout == LAYOUT_LINEAR ? 320 : width / 8);
    surface.white = colors == 256 ? 15 : 0;
    card(name, colors);
}

static void scan_lines(u8 which)
{
    video_call((u16)(0x1200 | which), 0x30, 0, 0);
}

static void mode_0(void)
{
    text_mode(0, 16, 40, "mode 0");
}

static void mode_1(void)
{
    text_mode(1, 16, 40, "mode 1");
}

static void mode_2(void)
{
    text_mode(2, 16, 80, "mode 2");
}

static void mode_3(void)
{
    text_mode(3, 16, 80, "mode 3");
}

static void mode_3_200_lines(void)
{
    scan_lines(0);
    text_mode(3, 8, 80, "mode 3, 200 lines");
    scan_lines(2);
}

static void mode_3_350_lines(void)
{
    scan_lines(1);
    text_mode(3, 8, 80, "mode 3, 350 lines, our font of 8 in cells of 14");
    scan_lines(2);
}

static void mode_1_200_lines(void)
{
    scan_lines(0);
    text_mode(1, 8, 40, "mode 1, 200 lines");
    scan_lines(2);
}

static void mode_3_50_rows(void)
{
    video_call(3, 0, 0, 0);
    struct registers r = {.ax = 0x1110, .bx = 0x0800, .cx = 256};
    r.bp = (u16)(u32)font_8x8;
    text_segment = 0xB800;
    bios_call(&r, 0x10);
    video_call(0x0100, 0, 0x2000, 0);
    video_call(0x1003, 0, 0, 0);
    text_card("mode 3, 50 rows by function 1110h", 80);
    text_put(80 * 49, "row 50", 0x1F);
}

static void mode_4(void)
{
    graphics_mode(4, LAYOUT_CGA4, 320, 200, 4, "mode 4");
}

static void mode_5(void)
{
    graphics_mode(5, LAYOUT_CGA4, 320, 200, 4, "mode 5");
}

static void mode_4_palette(void)
{
    graphics_mode(4, LAYOUT_CGA4, 320, 200, 4, "mode 4, palette 0");
    video_call(0x0B00, 0x0100, 0, 0);
}

static void mode_6(void)
{
    graphics_mode(6, LAYOUT_CGA2, 640, 200, 2, "mode 6");
}

static void mode_7(void)
{
    text_mode(7, 16, 80, "mode 7");
}

static void mode_d(void)
{
    graphics_mode(0x0D, LAYOUT_PLANAR, 320, 200, 16, "mode 0Dh");
}

static void mode_e(void)
{
    graphics_mode(0x0E, LAYOUT_PLANAR, 640, 200, 16, "mode 0Eh");
}

/* Four levels of gray in planes 0 and 2; no pixel blinks. */
static void mode_f(void)
{
    video_call(0x0F, 0, 0, 0);
    surface_set(LAYOUT_PLANAR, 640, 350, 80);
    bar(0, 0, 640, 350, 1);
    bar(1, 1, 638, 348, 0);
    bar(80, 80, 200, 200, 1);
    bar(360, 80, 200, 200, 5);
    label(12, 12, "mode 0Fh", 1);
}

static void mode_10(void)
{
    graphics_mode(0x10, LAYOUT_PLANAR, 640, 350, 16, "mode 10h");
}

static void mode_11(void)
{
    graphics_mode(0x11, LAYOUT_PLANAR, 640, 480, 2, "mode 11h");
}

static void mode_12(void)
{
    graphics_mode(0x12, LAYOUT_PLANAR, 640, 480, 16, "mode 12h");
}

static void mode_13(void)
{
    graphics_mode(0x13, LAYOUT_LINEAR, 320, 200, 256, "mode 13h");
}

/* Characters in graphics by the firmware, with the pointer at INT 43h ours; gray by summing. */
static void teletype(void)
{
    video_call(0x12, 0, 0, 0);
    struct registers r = {.ax = 0x1121, .bx = 0, .cx = 16, .dx = 30};
    r.es = FAR_SEGMENT;
    r.bp = FAR_FONT_16;
    bios_call(&r, 0x10);
    for (const char *c = "teletype in mode 12h"; *c; c++)
        video_call((u16)(0x0E00 | (u8)*c), 0x000E, 0, 0);
    video_call(0x0200, 0, 0, 0x0505);
    video_call(0x0900 | 'X', 0x000A, 20, 0);
    video_call(0x0200, 0, 0, 0x0605);
    video_call(0x0900 | 'o', 0x008C, 20, 0);
    video_call(0x0600, 0x0300, 0x0A0A, 0x0E1E);
    video_call(0x101B, 0, 64, 0);
}

const struct effect bios_effects[] = {
    {"BIOS mode 00h",                      mode_0          },
    {"BIOS mode 01h",                      mode_1          },
    {"BIOS mode 02h",                      mode_2          },
    {"BIOS mode 03h",                      mode_3          },
    {"BIOS mode 03h, 200 lines",           mode_3_200_lines},
    {"BIOS mode 03h, 350 lines",           mode_3_350_lines},
    {"BIOS mode 01h, 200 lines",           mode_1_200_lines},
    {"BIOS mode 03h, 50 rows",             mode_3_50_rows  },
    {"BIOS mode 04h",                      mode_4          },
    {"BIOS mode 05h",                      mode_5          },
    {"BIOS mode 04h, palette 0",           mode_4_palette  },
    {"BIOS mode 06h",                      mode_6          },
    {"BIOS mode 07h",                      mode_7          },
    {"BIOS mode 0Dh",                      mode_d          },
    {"BIOS mode 0Eh",                      mode_e          },
    {"BIOS mode 0Fh",                      mode_f          },
    {"BIOS mode 10h",                      mode_10         },
    {"BIOS mode 11h",                      mode_11         },
    {"BIOS mode 12h",                      mode_12         },
    {"BIOS mode 13h",                      mode_13         },
    {"BIOS characters in graphics, grays", teletype        },
    {NULL,                                 NULL            },
};
