/* Characters and pixels in extended graphics modes: display memory through the window at A000h,
 * bank by bank. The caller's bank is put back. */
#include "bios/video/vbe.h"

enum { CHUNK = 64 };

/* Colours 0 to 15 in direct colour: intensity, red, green, blue; brown is not dark yellow. */
static u32 direct_color(u8 bits, u8 color)
{
    u8 base = color & 8 ? 0x55 : 0, level[3];
    for (u8 i = 0; i < 3; i++)
        level[i] = (u8)(base + (color >> (2 - i) & 1 ? 0xAA : 0));
    if ((color & 15) == 6)
        level[1] = 0x55;
    if (bits == 15)
        return (u32)(level[0] >> 3) << 10 | (u32)(level[1] >> 3) << 5 | level[2] >> 3;
    if (bits == 16)
        return (u32)(level[0] >> 3) << 11 | (u32)(level[1] >> 2) << 5 | level[2] >> 3;
    return (u32)level[0] << 16 | (u32)level[1] << 8 | level[2];
}

static u32 pitch_of(const struct vbe_mode *m)
{
    return vbe_line_bytes(m, dispi_read(DISPI_VIRT_WIDTH));
}

/* Opens the bank of a byte of display memory; its offset in the window. */
static u16 open_bank(u32 address)
{
    dispi_write(DISPI_BANK, (u16)(address >> 16));
    return (u16)address;
}

static void write_planar(u32 address, u8 mask, u8 color)
{
    u16 offset = open_bank(address);
    reg_write(VGA_GFX, 8, mask);
    if (color & 0x80)
        reg_write(VGA_GFX, 3, 0x18);
    planar_fill_begin(color);
    far_read8(0xA000, offset);
    far_write8(0xA000, offset, 0xFF);
    planar_end();
}

static void write_packed(const struct vbe_mode *m, u32 address, u8 color)
{
    u8 bytes = (u8)((m->bits + 7) / 8);
    bool turn = color & 0x80 && m->bits > 8;
    u32 value = m->bits == 8 ? color : direct_color(m->bits, color);
    for (u8 i = 0; i < bytes; i++, address++, value >>= 8) {
        u16 offset = open_bank(address);
        far_write8(0xA000, offset, (u8)value ^ (turn ? far_read8(0xA000, offset) : 0));
    }
}

void vbe_pixel_write(u16 x, u16 y, u8 color)
{
    const struct vbe_mode *m = vbe_current_mode();
    u16 bank = dispi_read(DISPI_BANK);
    if (x >= m->width || y >= m->height)
        return;
    u32 line = y * pitch_of(m);
    if (m->bits == 4)
        write_planar(line + x / 8, (u8)(0x80 >> (x & 7)), color);
    else
        write_packed(m, line + (u32)x * ((m->bits + 7) / 8), color);
    dispi_write(DISPI_BANK, bank);
}

static u8 read_planar(u32 address, u8 shift)
{
    u16 offset = open_bank(address);
    u8 color = 0;
    for (u8 plane = 0; plane < 4; plane++) {
        reg_write(VGA_GFX, 4, plane);
        color |= (u8)((far_read8(0xA000, offset) >> shift & 1) << plane);
    }
    reg_write(VGA_GFX, 4, 0);
    return color;
}

/* In direct colour the number of the colour, 15 for one that has no number. */
static u8 read_packed(const struct vbe_mode *m, u32 address)
{
    u8 bytes = (u8)((m->bits + 7) / 8);
    u32 value = 0;
    for (u8 i = 0; i < bytes; i++)
        value |= (u32)far_read8(0xA000, open_bank(address + i)) << (8 * i);
    if (m->bits == 8)
        return (u8)value;
    value &= m->bits == 15 ? 0x7FFF : 0xFFFFFF;
    u8 color = 0;
    while (color < 15 && direct_color(m->bits, color) != value)
        color++;
    return color;
}

u8 vbe_pixel_read(u16 x, u16 y)
{
    const struct vbe_mode *m = vbe_current_mode();
    u16 bank = dispi_read(DISPI_BANK);
    if (x >= m->width || y >= m->height)
        return 0;
    u32 line = y * pitch_of(m);
    u8 color = m->bits == 4 ? read_planar(line + x / 8, 7 - (x & 7))
                            : read_packed(m, line + (u32)x * ((m->bits + 7) / 8));
    dispi_write(DISPI_BANK, bank);
    return color;
}

/* Through the stack, or, for planes, byte by byte through the latches. */
static void copy_line(const struct vbe_mode *m, u32 to, u32 from, u16 bytes)
{
    u8 chunk[CHUNK];
    if (m->bits == 4) {
        planar_copy_begin();
        for (; bytes; bytes--) {
            far_read8(0xA000, open_bank(from++));
            far_write8(0xA000, open_bank(to++), 0);
        }
        planar_end();
        return;
    }
    while (bytes) {
        u8 count = (u8)(bytes < CHUNK ? bytes : CHUNK);
        for (u8 i = 0; i < count; i++)
            chunk[i] = far_read8(0xA000, open_bank(from++));
        for (u8 i = 0; i < count; i++)
            far_write8(0xA000, open_bank(to++), chunk[i]);
        bytes = (u16)(bytes - count);
    }
}

void vbe_scroll(u16 top, u16 left, u16 width, u16 lines, u16 distance, bool down, u8 color)
{
    const struct vbe_mode *m = vbe_current_mode();
    u16 bank = dispi_read(DISPI_BANK), keep = (u16)(lines - distance);
    u32 pitch = pitch_of(m), first = top * pitch + vbe_line_bytes(m, left);
    u16 bytes = (u16)vbe_line_bytes(m, width);
    for (u16 i = 0; i < keep; i++) {
        u16 line = down ? (u16)(keep - 1 - i) : i;
        u32 upper = first + line * pitch, lower = upper + distance * pitch;
        copy_line(m, down ? lower : upper, down ? upper : lower, bytes);
        interrupt_window();
    }
    u16 blank = down ? top : (u16)(top + keep);
    for (u16 y = blank; y < blank + distance; y++) {
        for (u16 x = left; x < left + width; x++)
            vbe_pixel_write(x, y, color & 0x7F);
        interrupt_window();
    }
    dispi_write(DISPI_BANK, bank);
}
