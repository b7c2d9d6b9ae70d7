/* Start address, panning, row scan, split screen: in text, planes, 256 colours. */
#include "tests/video/video.h"

static void start(u16 value)
{
    crtc_word(0x0C, value);
}

static void text_scrolled(const char *name, u16 first)
{
    set_text(&vga_mode_3, 16);
    for (u16 row = 0; row < 50; row++) {
        text_fill((u16)(row * 80), 80, (u8)('A' + row % 26), (u8)(row % 15 + 1));
        text_put((u16)(row * 80), name, (u8)(row % 15 + 1));
    }
    start(first);
}

static void text_start(void)
{
    text_scrolled("start address 7 rows and 5 characters down", 7 * 80 + 5);
}

static void text_row_scan(void)
{
    text_scrolled("preset row scan of 5", 0);
    crtc(0x08, 0x05);
}

static void text_byte_panning(void)
{
    text_scrolled("byte panning of 3", 0);
    crtc(0x08, 0x60);
}

static void text_panning_9(void)
{
    text_scrolled("panned by 4 of 9 dots", 0);
    attr(0x13, 3);
}

static void text_panning_8(void)
{
    text_scrolled("panned by 3 of 8 dots", 0);
    seq(1, 0x01);
    attr(0x13, 3);
}

static void text_wide(void)
{
    text_scrolled("rows of 100 characters in memory", 0);
    crtc(0x13, 50);
}

static void text_split(void)
{
    text_scrolled("start at row 20, split after line 199", 20 * 80);
    set_line_compare(199);
}

static void text_split_panned(void)
{
    text_scrolled("all panned by 5, lower part too", 20 * 80);
    set_line_compare(203);
    attr(0x13, 4);
    crtc(0x08, 0x03);
}

static void text_split_fixed(void)
{
    text_scrolled("panned by 5, lower part not", 20 * 80);
    set_line_compare(203);
    attr(0x10, 0x24);
    attr(0x13, 4);
    crtc(0x08, 0x03);
}

static void planar_wide(const char *name)
{
    set_registers(&vga_mode_12);
    crtc(0x13, 0x40);
    surface_set(LAYOUT_PLANAR, 1024, 511, 128);
    card(name, 16);
}

static void planar_start(void)
{
    planar_wide("1024 pixels wide, start 10 lines and 160 pixels on");
    start(10 * 128 + 20);
}

static void planar_panned(void)
{
    planar_wide("panned by 5 pixels, start 8 pixels on");
    start(1);
    attr(0x13, 5);
}

static void planar_split(void)
{
    planar_wide("split after line 299, panned by 3, lower part not");
    start(100 * 128 + 30);
    set_line_compare(299);
    attr(0x10, 0x21);
    attr(0x13, 3);
}

static void linear_split(void)
{
    set_registers(&vga_mode_13);
    surface_set(LAYOUT_LINEAR, 320, 204, 320);
    card("mode 13h, split after line 239", 256);
    start(320 / 4 * 50);
    set_line_compare(239);
}

static void linear_split_odd(void)
{
    set_registers(&vga_mode_13);
    surface_set(LAYOUT_LINEAR, 320, 204, 320);
    card("mode 13h, split inside a doubled line", 256);
    start(320 / 4 * 50);
    set_line_compare(240);
}

static void linear_row_scan(void)
{
    set_registers(&vga_mode_13);
    surface_set(LAYOUT_LINEAR, 320, 204, 320);
    card("mode 13h by row scan, preset 1", 256);
    crtc(0x08, 0x01);
}

static void unchained_panned(void)
{
    set_registers(&vga_mode_13);
    unchain();
    crtc(0x13, 60);
    surface_set(LAYOUT_UNCHAINED, 480, 300, 120);
    card("mode X, 480 x 300 in memory, panned by 3 pixels", 256);
    start(40 * 120 + 12);
    attr(0x13, 6);
}

static void unchained_pages(void)
{
    set_registers(&vga_mode_13);
    unchain();
    surface_set(LAYOUT_UNCHAINED, 320, 200, 80);
    card("page 0", 256);
    surface.start = 16000;
    card("page 1 of four", 256);
    start(16000);
}

/* From one retrace to the next the old start address is shown: this ends with the new one. */
static void smooth_scroll(void)
{
    planar_wide("scrolled smoothly by 37 pixels and 23 lines");
    for (u16 i = 1; i <= 37; i++) {
        while (inb(0x3DA) & 8) {
        }
        start((u16)(i * 23 / 37 * 128 + i / 8));
        while (!(inb(0x3DA) & 8)) {
        }
        attr(0x13, i & 7);
    }
}

const struct effect scroll_effects[] = {
    {"scroll: text start address",        text_start       },
    {"scroll: text preset row scan",      text_row_scan    },
    {"scroll: text byte panning",         text_byte_panning},
    {"scroll: text panning, 9 dots",      text_panning_9   },
    {"scroll: text panning, 8 dots",      text_panning_8   },
    {"scroll: text rows of 100",          text_wide        },
    {"split: text",                       text_split       },
    {"split: text, all panned",           text_split_panned},
    {"split: text, upper part panned",    text_split_fixed },
    {"scroll: planar start address",      planar_start     },
    {"scroll: planar panning",            planar_panned    },
    {"split: planar, upper part panned",  planar_split     },
    {"split: mode 13h",                   linear_split     },
    {"split: mode 13h in a doubled line", linear_split_odd },
    {"scroll: mode 13h preset row scan",  linear_row_scan  },
    {"scroll: unchained, panned",         unchained_panned },
    {"scroll: unchained pages",           unchained_pages  },
    {"scroll: smooth",                    smooth_scroll    },
    {NULL,                                NULL             },
};
