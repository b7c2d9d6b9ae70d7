/* Pixels, bars, labels and test cards in every layout of memory. */
#include "tests/video/video.h"

struct surface surface;

void surface_set(enum layout layout, u16 width, u16 height, u16 pitch)
{
    surface = (struct surface){
        .layout = layout, .width = width, .height = height, .pitch = pitch, .bank = 0xFFFF};
}

static u16 cga_offset(u16 y)
{
    return (u16)((y >> 1) * 80 + (y & 1) * 0x2000);
}

static void pixel_cga(u16 x, u16 y, u8 color)
{
    u8 bits = surface.layout == LAYOUT_CGA4 ? 2 : 1, per_byte = (u8)(8 / bits);
    u8 shift = (u8)((per_byte - 1 - x % per_byte) * bits), mask = (u8)((1 << bits) - 1);
    u16 at = (u16)(cga_offset(y) + x / per_byte);
    poke8(0xB800, at, (u8)((peek8(0xB800, at) & ~(mask << shift)) | (color & mask) << shift));
}

static void pixel_planar(u16 x, u16 y, u8 color)
{
    u16 at = (u16)(surface.start + y * surface.pitch + x / 8);
    gc(8, (u8)(0x80 >> (x & 7)));
    gc(0, color);
    gc(1, 0x0F);
    peek8(0xA000, at);
    poke8(0xA000, at, 0);
    gc(1, 0x00);
    gc(8, 0xFF);
}

static void set_bank(u16 bank)
{
    if (bank == surface.bank)
        return;
    surface.bank = bank;
    dispi(5, bank);
}

static void pixel_vbe(u16 x, u16 y, u32 color)
{
    u8 bytes = (u8)((surface.bits + 7) / 8);
    u32 at = (u32)y * surface.pitch + x * bytes;
    for (u8 i = 0; i < bytes; i++, at++) {
        set_bank((u16)(at >> 16));
        poke8(0xA000, (u16)at, (u8)(color >> 8 * i));
    }
}

void pixel(u16 x, u16 y, u32 color)
{
    if (x >= surface.width || y >= surface.height)
        return;
    switch (surface.layout) {
    case LAYOUT_CGA4:
    case LAYOUT_CGA2:
        pixel_cga(x, y, (u8)color);
        break;
    case LAYOUT_PLANAR:
        pixel_planar(x, y, (u8)color);
        break;
    case LAYOUT_LINEAR:
        poke8(0xA000, (u16)(surface.start + y * surface.pitch + x), (u8)color);
        break;
    case LAYOUT_UNCHAINED:
        seq(2, (u8)(1 << (x & 3)));
        poke8(0xA000, (u16)(surface.start + y * surface.pitch + x / 4), (u8)color);
        break;
    default:
        pixel_vbe(x, y, color);
    }
}

/* Whole bytes of planes at a time. */
static void bar_planar(u16 x, u16 y, u16 width, u16 height, u8 color)
{
    for (u16 line = y; line < y + height; line++) {
        u16 at = x;
        for (; at < x + width && (at & 7); at++)
            pixel(at, line, color);
        gc(0, color);
        gc(1, 0x0F);
        for (; at + 8 <= x + width; at += 8)
            poke8(0xA000, (u16)(surface.start + line * surface.pitch + at / 8), 0);
        gc(1, 0x00);
        for (; at < x + width; at++)
            pixel(at, line, color);
    }
}

void bar(u16 x, u16 y, u16 width, u16 height, u32 color)
{
    if (surface.layout == LAYOUT_PLANAR) {
        bar_planar(x, y, width, height, (u8)color);
        return;
    }
    for (u16 line = y; line < y + height; line++) {
        for (u16 at = x; at < x + width; at++)
            pixel(at, line, color);
    }
}

void label(u16 x, u16 y, const char *text, u32 color)
{
    for (; *text; text++, x += 8) {
        for (u8 row = 0; row < 8; row++) {
            u8 bits = font_8x8[(u8)*text][row];
            for (u8 i = 0; i < 8; i++) {
                if (bits >> (7 - i) & 1)
                    pixel((u16)(x + i), (u16)(y + row), color);
            }
        }
    }
}

u32 direct_color(u8 bits, u8 red, u8 green, u8 blue)
{
    if (bits == 15)
        return (u32)(red >> 3) << 10 | (u32)(green >> 3) << 5 | blue >> 3;
    if (bits == 16)
        return (u32)(red >> 3) << 11 | (u32)(green >> 2) << 5 | blue >> 3;
    return (u32)red << 16 | (u32)green << 8 | blue;
}

/* Red, green, blue and gray from dark to light. */
static void gradients(u16 x, u16 y, u16 width, u16 height)
{
    for (u8 i = 0; i < 32; i++) {
        u8 level = (u8)(i * 8 + i / 4);
        for (u8 row = 0; row < 4; row++)
            bar((u16)(x + i * (width / 32)), (u16)(y + row * (height / 4)), width / 32, height / 4,
                direct_color(surface.bits, row == 0 || row == 3 ? level : 0,
                             row == 1 || row == 3 ? level : 0, row >= 2 ? level : 0));
    }
}

static void swatches(u16 x, u16 y, u16 width, u16 height, u32 colors)
{
    u16 columns = colors < 16 ? (u16)colors : 16, rows = colors > 16 ? 16 : 1;
    for (u16 i = 0; i < colors; i++)
        bar((u16)(x + i % columns * (width / columns)), (u16)(y + i / columns * (height / rows)),
            width / columns, height / rows, i);
}

void card(const char *name, u32 colors)
{
    u16 width = surface.width, height = surface.height;
    u32 white = surface.white   ? surface.white
                : colors == 256 ? 0xFF
                : colors > 256  ? direct_color(surface.bits, 255, 255, 255)
                                : colors - 1;
    u32 dim = surface.white   ? 1
              : colors == 256 ? 0x12
              : colors > 256  ? direct_color(surface.bits, 0, 128, 255)
                              : 1;
    for (u16 y = 0; y < height; y++) {
        u16 x = (u16)((u32)y * width / height);
        pixel(x, y, dim);
        pixel((u16)(width - 1 - x), y, dim);
    }
    if (colors > 256)
        gradients(width / 8, height / 4, (u16)(width - width / 4), height / 2);
    else
        swatches(width / 8, height / 4, (u16)(width - width / 4), height / 2, colors);
    bar(0, 0, width, 1, white);
    bar(0, (u16)(height - 1), width, 1, white);
    bar(0, 0, 1, height, white);
    bar((u16)(width - 1), 0, 1, height, white);
    label(12, 12, name, white);
}
