/* VBE's text modes 108h to 10Ch: 80 x 60, and 132 columns with a dot clock of 40 MHz. */
#include "bios/video/vbe.h"

static void write_all(const u8 (*values)[2], u8 count)
{
    for (u8 i = 0; i < count; i++)
        reg_write(0x3D4, values[i][0], values[i][1]);
}

static void set_132_columns(void)
{
    static const u8 values[][2] = {
        {0x00, 0x9F},
        {0x01, 0x83},
        {0x02, 0x84},
        {0x03, 0x82},
        {0x04, 0x8A},
        {0x05, 0x9E},
        {0x13, 0x42}
    };
    /* Clock 2: the third oscillator. */
    outb(VGA_MISC_WRITE, (inb(VGA_MISC_READ) & (u8)~0x0C) | 0x08);
    reg_write(VGA_SEQ, 1, reg_read(VGA_SEQ, 1) | 0x01);
    write_all(values, sizeof values / sizeof values[0]);
}

/* Rows of eight lines: 43 in 344 lines, 50 in 400, 60 in 480. */
static void set_rows(u8 rows)
{
    static const u8 lines_480[][2] = {
        {0x06, 0x0B},
        {0x07, 0x3E},
        {0x10, 0xEA},
        {0x11, 0x0C},
        {0x12, 0xDF},
        {0x15, 0xE7},
        {0x16, 0x04},
    };
    u16 end = (u16)(rows * 8 - 1);
    reg_write(0x3D4, 0x09, (u8)((reg_read(0x3D4, 0x09) & 0xE0) | 7));
    if (rows == 60) {
        write_all(lines_480, sizeof lines_480 / sizeof lines_480[0]);
        outb(VGA_MISC_WRITE, inb(VGA_MISC_READ) | 0xC0);
        return;
    }
    reg_write(0x3D4, 0x12, (u8)end);
    u8 overflow = reg_read(0x3D4, 0x07) & (u8)~0x42;
    reg_write(0x3D4, 0x07, (u8)(overflow | (end >> 7 & 2) | (end >> 3 & 0x40)));
}

void vbe_set_text(const struct vbe_mode *m, bool keep)
{
    /* 400 lines to begin with, whatever function 1230h chose. */
    u8 flags = BDA->video_flags;
    BDA->video_flags = (flags & (u8)~0x90) | 0x10;
    video_set_mode(keep ? 0x83 : 0x03);
    BDA->video_flags = flags;
    reg_write(0x3D4, 0x11, reg_read(0x3D4, 0x11) & 0x7F);
    if (m->width == 132)
        set_132_columns();
    if (m->height > 25) {
        set_rows((u8)m->height);
        video_font_default(0, 8);
    }
    BDA->video_columns = m->width;
    BDA->video_rows = (u8)(m->height - 1);
    BDA->char_height = m->height > 25 ? 8 : 16;
    BDA->video_page_size = (u16)((m->width * m->height * 2 + 0xFF) & 0xFF00);
    cursor_set_shape(0x0607);
}
