/* Text screens and fonts. */
#include "tests/video/video.h"

u16 text_segment = 0xB800;

void text_fill(u16 cell, u16 count, u8 character, u8 attribute)
{
    for (; count--; cell++)
        poke16(text_segment, (u16)(cell * 2), (u16)(attribute << 8 | character));
}

void text_put(u16 cell, const char *text, u8 attribute)
{
    for (; *text; text++)
        text_fill(cell++, 1, (u8)*text, attribute);
}

void text_card(const char *name, u16 columns)
{
    text_fill(0, (u16)(columns * 25), ' ', 0x07);
    text_put(2, name, 0x0F);
    /* A frame of line drawing characters. */
    for (u16 i = 0; i < 40; i++) {
        text_fill((u16)(columns + i), 1, i == 0 ? 0xC9 : i == 39 ? 0xBB : 0xCD, 0x0E);
        text_fill((u16)(columns * 10 + i), 1, i == 0 ? 0xC8 : i == 39 ? 0xBC : 0xCD, 0x0E);
    }
    for (u16 row = 2; row < 10; row++) {
        text_fill((u16)(columns * row), 1, 0xBA, 0x0E);
        text_fill((u16)(columns * row + 39), 1, 0xBA, 0x0E);
        for (u16 i = 0; i < 32; i++)
            text_fill((u16)(columns * row + 4 + i), 1, (u8)((row - 2) * 32 + i), 0x07);
    }
    for (u16 i = 0; i < 256; i++)
        text_fill((u16)(columns * (12 + i / 32) + 4 + i % 32), 1, (u8)('A' + i % 26), (u8)i);
    text_fill((u16)(columns * 21), columns, 0xDB, 0x0B);
    text_fill((u16)(columns * 22), columns, 0xC4, 0x0D);
    text_put((u16)(columns * 24), "last row", 0x0A);
}

static void font_open(void)
{
    seq(2, 4);
    seq(4, 7);
    gc(4, 2);
    gc(5, 0);
    gc(6, 4);
}

static void font_close(void)
{
    seq(2, 3);
    seq(4, 2);
    gc(4, 0);
    gc(5, 0x10);
    gc(6, text_segment == 0xB000 ? 0x0A : 0x0E);
}

static u16 block_offset(u8 block)
{
    return (u16)((block & 3) << 14 | (block & 4) << 11);
}

void font_glyph(u8 block, u8 character, const u8 *rows, u8 height)
{
    font_open();
    for (u8 row = 0; row < 32; row++)
        poke8(0xA000, (u16)(block_offset(block) + character * 32 + row),
              row < height ? rows[row] : 0);
    font_close();
}

u8 font_row(u8 character, u8 row, u8 height)
{
    return font_8x8[character][height == 8 ? row : row / 2];
}

void make_font_16(void)
{
    for (u16 i = 0; i < 256 * 16; i++)
        poke8(FAR_SEGMENT, (u16)(FAR_FONT_16 + i), font_row((u8)(i / 16), i % 16, 16));
}

void font_load(u8 block, u8 height)
{
    u8 rows[16];
    for (u16 c = 0; c < 256; c++) {
        for (u8 row = 0; row < height; row++)
            rows[row] = font_row((u8)c, row, height);
        font_glyph(block, (u8)c, rows, height);
    }
}

void set_text(const struct vga_mode *mode, u8 height)
{
    text_segment = mode->gc[6] == 0x0A ? 0xB000 : 0xB800;
    set_registers(mode);
    font_load(0, height);
    crtc(0x0A, 0x20);
    attr(0x10, mode->attr[0x10] & 0xF7);
}
