/* The attribute controller and the DAC. */
#include "bios/video/video.h"

/* Makes 3C0h expect an index. Works for both places of the status register. */
void actl_reset(void)
{
    inb((u16)(video_crtc() + 6));
}

void actl_write(u8 index, u8 value)
{
    actl_reset();
    outb(VGA_ACTL, index);
    outb(VGA_ACTL, value);
}

u8 actl_read(u8 index)
{
    actl_reset();
    outb(VGA_ACTL, index);
    u8 value = inb(VGA_ACTL + 1);
    actl_reset();
    return value;
}

/* Gives the palette back to the display after accesses without bit 5. */
void actl_enable(void)
{
    actl_reset();
    outb(VGA_ACTL, 0x20);
    actl_reset();
}

void dac_write(u8 index, u8 red, u8 green, u8 blue)
{
    outb(VGA_DAC_WRITE, index);
    outb(VGA_DAC_DATA, red);
    outb(VGA_DAC_DATA, green);
    outb(VGA_DAC_DATA, blue);
}

void dac_read(u8 index, u8 rgb[3])
{
    outb(VGA_DAC_READ, index);
    for (u8 i = 0; i < 3; i++)
        rgb[i] = inb(VGA_DAC_DATA);
}

/* Replaces colours by their brightness: 30 % red, 59 % green, 11 % blue. */
void dac_gray(u8 first, u16 count)
{
    for (u16 i = first; i < first + count && i < 256; i++) {
        u8 rgb[3];
        dac_read((u8)i, rgb);
        u16 sum = (u16)(rgb[0] * 77 + rgb[1] * 151 + rgb[2] * 28 + 128);
        u8 gray = (u8)(sum >> 8);
        if (gray > 63)
            gray = 63;
        dac_write((u8)i, gray, gray, gray);
    }
}

/* One of the three shades of a 256-colour group: hue 0 is blue, then by way of magenta, red,
 * yellow, green, cyan, four steps each. levels runs from the weakest to the strongest of five. */
static void dac_hues(u8 first, const u8 levels[5])
{
    static const u8 edges[6][3] = {
        {0, 0, 4},
        {4, 0, 4},
        {4, 0, 0},
        {4, 4, 0},
        {0, 4, 0},
        {0, 4, 4}
    };
    for (u8 hue = 0; hue < 24; hue++) {
        const u8 *from = edges[hue / 4], *to = edges[(hue / 4 + 1) % 6];
        u8 step = hue % 4, level[3];
        for (u8 c = 0; c < 3; c++)
            level[c] = levels[from[c] < to[c] ? step : from[c] > to[c] ? 4 - step : from[c]];
        dac_write((u8)(first + hue), level[0], level[1], level[2]);
    }
}

static void dac_256(void)
{
    static const u8 grays[16] = {0, 5, 8, 11, 14, 17, 20, 24, 28, 32, 36, 40, 45, 50, 56, 63};
    static const u8 levels[9][5] = {
        {0,  16, 31, 47, 63},
        {31, 39, 47, 55, 63},
        {45, 49, 54, 58, 63},
        {0,  7,  14, 21, 28},
        {14, 17, 21, 24, 28},
        {20, 22, 24, 26, 28},
        {0,  4,  8,  12, 16},
        {8,  10, 12, 14, 16},
        {11, 12, 13, 15, 16},
    };
    for (u8 i = 0; i < 16; i++) {
        u8 base = i & 8 ? 21 : 0;
        dac_write(i, (u8)(base + (i & 4 ? 42 : 0)),
                  (u8)(base + (i == 6  ? 21
                               : i & 2 ? 42
                                       : 0)),
                  (u8)(base + (i & 1 ? 42 : 0)));
        dac_write((u8)(16 + i), grays[i], grays[i], grays[i]);
    }
    for (u8 group = 0; group < 9; group++)
        dac_hues((u8)(32 + group * 24), levels[group]);
    for (u16 i = 248; i < 256; i++)
        dac_write((u8)i, 0, 0, 0);
}

/* The colour of DAC register i, 0 to 63, of the palettes that imitate older adapters. */
static void dac_64(u8 kind, u8 i)
{
    static const u8 mono[4] = {0, 42, 0, 63};
    if (kind == DAC_MONO) {
        u8 level = mono[i >> 3 & 3];
        dac_write(i, level, level, level);
    } else if (kind == DAC_CGA) {
        u8 base = i & 0x10 ? 21 : 0;
        bool brown = (i & 0x17) == 6;
        dac_write(i, (u8)(base + (i & 4 ? 42 : 0)),
                  (u8)(base + (brown   ? 21
                               : i & 2 ? 42
                                       : 0)),
                  (u8)(base + (i & 1 ? 42 : 0)));
    } else {
        dac_write(i, (u8)((i & 4 ? 42 : 0) + (i & 0x20 ? 21 : 0)),
                  (u8)((i & 2 ? 42 : 0) + (i & 0x10 ? 21 : 0)),
                  (u8)((i & 1 ? 42 : 0) + (i & 0x08 ? 21 : 0)));
    }
}

void video_load_default_dac(u8 kind)
{
    if (kind == DAC_256) {
        dac_256();
    } else {
        for (u8 i = 0; i < 64; i++)
            dac_64(kind, i);
        for (u16 i = 64; i < 256; i++)
            dac_write((u8)i, 0, 0, 0);
    }
    if (BDA->video_flags & 0x02)
        dac_gray(0, 256);
}
