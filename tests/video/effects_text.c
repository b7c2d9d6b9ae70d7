/* Text: fonts, attributes, cursors, cells. */
#include "tests/video/video.h"

static void text_9_dots(void)
{
    set_text(&vga_mode_3, 16);
    text_card("cells of 9 dots, line graphics joined", 80);
}

static void text_no_line_graphics(void)
{
    set_text(&vga_mode_3, 16);
    text_card("cells of 9 dots, line graphics not joined", 80);
    attr(0x10, 0x00);
}

static void text_8_dots(void)
{
    set_text(&vga_mode_3, 16);
    text_card("cells of 8 dots", 80);
    outb(0x3C2, 0x63);
    seq(1, 0x01);
}

/* The second font is the first upside down. */
static void load_upside_down(u8 block)
{
    u8 rows[16];
    for (u16 c = 0; c < 256; c++) {
        for (u8 i = 0; i < 16; i++)
            rows[i] = font_row((u8)c, 15 - i, 16);
        font_glyph(block, (u8)c, rows, 16);
    }
}

static void text_512_characters(void)
{
    set_text(&vga_mode_3, 16);
    load_upside_down(1);
    seq(3, 0x04); /* attribute bit 3 set: block 1; clear: block 0 */
    attr(0x12, 0x07);
    text_card("512 characters: bright ones upside down", 80);
}

static void text_font_blocks(void)
{
    set_text(&vga_mode_3, 16);
    text_card("one glyph from each of eight blocks by the map select", 80);
    for (u8 block = 0; block < 8; block++) {
        u8 rows[16];
        for (u8 i = 0; i < 16; i++)
            rows[i] = (u8)(i < 2 * block + 2 ? 0xFF : 0x81);
        font_glyph(block, 'A', rows, 16);
    }
    seq(3, 0x2D); /* A: block 7, bits 5 and 3-2; B: block 1, bits 4 and 1-0 */
}

static void text_intensity(void)
{
    set_text(&vga_mode_3, 16);
    text_card("sixteen backgrounds", 80);
}

static void text_blink(void)
{
    set_text(&vga_mode_3, 16);
    text_card("attribute bit 7 blinks", 80);
    attr(0x10, 0x0C);
}

static void cursor_at(u16 cell, u8 first, u8 last)
{
    crtc_word(0x0E, cell);
    crtc(0x0A, first);
    crtc(0x0B, last);
}

static void text_cursor(void)
{
    set_text(&vga_mode_3, 16);
    text_card("cursor of two lines", 80);
    cursor_at(80 * 11 + 20, 13, 14);
}

static void text_cursor_block(void)
{
    set_text(&vga_mode_3, 16);
    text_card("cursor of the whole cell", 80);
    cursor_at(80 * 11 + 20, 0, 15);
}

static void text_cursor_inverted(void)
{
    set_text(&vga_mode_3, 16);
    text_card("cursor that starts below its end: none", 80);
    cursor_at(80 * 11 + 20, 12, 3);
}

static void text_cursor_skew(void)
{
    set_text(&vga_mode_3, 16);
    text_card("cursor with a skew of two", 80);
    cursor_at(80 * 11 + 20, 4, 11 | 2 << 5);
}

static void text_mono(void)
{
    static const struct vga_mode mode_7 = {
        0x66,
        {0x00,  0x03, 0x00, 0x02},
        {     0x5F, 0x4F, 0x50, 0x82, 0x55, 0x81, 0xBF, 0x1F, 0x00, 0x4F, 0x0D, 0x0E, 0x00,
          0x00, 0x00, 0x00, 0x9C, 0x8E, 0x8F, 0x28, 0x0F, 0x96, 0xB9, 0xA3, 0xFF},
        { 0x00, 0x08, 0x08, 0x08,                                                  0x08, 0x08, 0x08, 0x08, 0x10, 0x18,
          0x18, 0x18, 0x18, 0x18, 0x18, 0x18, 0x0E, 0x00, 0x0F, 0x08},
        { 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0A, 0x00, 0xFF},
    };
    set_text(&mode_7, 16);
    for (u8 i = 0; i < 64; i++)
        dac(i, i >> 3 & 3 ? (u8)((i >> 3 & 3) * 21) : 0, i >> 3 & 3 ? (u8)((i >> 3 & 3) * 21) : 0,
            i >> 3 & 3 ? (u8)((i >> 3 & 3) * 21) : 0);
    text_card("monochrome: attribute 1 is underlined", 80);
}

static void text_132_columns(void)
{
    static const u8 horizontal[] = {0x9F, 0x83, 0x84, 0x82, 0x8A, 0x9E};
    set_text(&vga_mode_3, 16);
    outb(0x3C2, 0x67);
    seq(1, 0x01);
    for (u8 i = 0; i < sizeof horizontal; i++)
        crtc(i, horizontal[i]);
    crtc(0x13, 66);
    text_card("132 columns", 132);
    for (u16 i = 0; i < 132; i++)
        text_fill((u16)(132 * 23 + i), 1, (u8)('0' + i % 10), 0x0A);
}

static void text_40_columns(void)
{
    static const u8 horizontal[] = {0x2D, 0x27, 0x28, 0x90, 0x2B, 0xA0};
    set_text(&vga_mode_3, 16);
    seq(1, 0x08);
    for (u8 i = 0; i < sizeof horizontal; i++)
        crtc(i, horizontal[i]);
    crtc(0x13, 20);
    text_card("40 columns, half the dot clock", 40);
}

static void text_double_scan(void)
{
    set_text(&vga_mode_3, 8);
    crtc(0x09, 0xC7);
    text_card("200 lines, each twice", 80);
}

static void text_60_rows(void)
{
    set_text(&vga_mode_3, 8);
    set_480_lines();
    outb(0x3C2, 0xE7);
    crtc(0x09, 0x47);
    text_card("480 lines, 60 rows", 80);
    text_put(80 * 59, "row 60", 0x1F);
}

static void text_tall_cells(void)
{
    set_text(&vga_mode_3, 16);
    crtc(0x09, 0x5F);
    text_card("cells of 32 lines", 80);
}

static void text_plane_enable(void)
{
    set_text(&vga_mode_3, 16);
    text_card("color plane enable 0Bh: no plane 2", 80);
    attr(0x12, 0x0B);
}

static void text_color_select(void)
{
    set_text(&vga_mode_3, 16);
    text_card("colour select: DAC 80h on by bits 7-4", 80);
    for (u16 i = 0; i < 16; i++)
        dac((u8)(0xB0 + i), (u8)(i * 4), (u8)(i & 8 ? 63 : 0), (u8)(60 - i * 4));
    attr(0x10, 0x84);
    attr(0x14, 0x0B);
}

static void text_internal_palette(void)
{
    set_text(&vga_mode_3, 16);
    text_card("internal palette reversed", 80);
    for (u8 i = 0; i < 16; i++)
        attr(i, (u8)(i < 8 ? 0x3F - i : 15 - i));
}

static void text_border(void)
{
    set_text(&vga_mode_3, 16);
    text_card("border of colour 4", 80);
    attr(0x11, 0x04);
}

static void text_address_map(void)
{
    set_text(&vga_mode_3, 16);
    text_card("byte mode: memory address counts single", 80);
    crtc(0x17, 0xE3);
}

const struct effect text_effects[] = {
    {"text: 9 dots",                     text_9_dots          },
    {"text: 9 dots, no line graphics",   text_no_line_graphics},
    {"text: 8 dots",                     text_8_dots          },
    {"text: 512 characters",             text_512_characters  },
    {"text: font blocks",                text_font_blocks     },
    {"text: sixteen backgrounds",        text_intensity       },
    {"text: blinking",                   text_blink           },
    {"text: cursor",                     text_cursor          },
    {"text: block cursor",               text_cursor_block    },
    {"text: inverted cursor",            text_cursor_inverted },
    {"text: cursor skew",                text_cursor_skew     },
    {"text: monochrome with underlines", text_mono            },
    {"text: 132 columns",                text_132_columns     },
    {"text: 40 columns",                 text_40_columns      },
    {"text: double scan",                text_double_scan     },
    {"text: 60 rows",                    text_60_rows         },
    {"text: cells of 32 lines",          text_tall_cells      },
    {"text: plane enable",               text_plane_enable    },
    {"text: colour select",              text_color_select    },
    {"text: internal palette",           text_internal_palette},
    {"text: border",                     text_border          },
    {"text: byte mode",                  text_address_map     },
    {NULL,                               NULL                 },
};
