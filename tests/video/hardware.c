/* Registers. */
#include "tests/video/video.h"

static void indexed(u16 port, u8 index, u8 value)
{
    outw(port, (u16)(value << 8 | index));
}

void seq(u8 index, u8 value)
{
    indexed(0x3C4, index, value);
}

void gc(u8 index, u8 value)
{
    indexed(0x3CE, index, value);
}

static u16 crtc_port(void)
{
    return inb(0x3CC) & 1 ? 0x3D4 : 0x3B4;
}

void crtc(u8 index, u8 value)
{
    indexed(crtc_port(), index, value);
}

u8 crtc_get(u8 index)
{
    u16 port = crtc_port();
    outb(port, index);
    return inb((u16)(port + 1));
}

void crtc_word(u8 index, u16 value)
{
    crtc(index, (u8)(value >> 8));
    crtc((u8)(index + 1), (u8)value);
}

/* Leaves the palette with the screen. */
void attr(u8 index, u8 value)
{
    inb((u16)(crtc_port() + 6));
    outb(0x3C0, index);
    outb(0x3C0, value);
    outb(0x3C0, 0x20);
}

void dac(u8 index, u8 red, u8 green, u8 blue)
{
    outb(0x3C8, index);
    outb(0x3C9, red);
    outb(0x3C9, green);
    outb(0x3C9, blue);
}

void dispi(u16 index, u16 value)
{
    outw(0x1CE, index);
    outw(0x1CF, value);
}

void set_line_compare(u16 line)
{
    crtc(0x18, (u8)line);
    crtc(0x07, (u8)((crtc_get(0x07) & ~0x10) | (line >> 4 & 0x10)));
    crtc(0x09, (u8)((crtc_get(0x09) & ~0x40) | (line >> 3 & 0x40)));
}

void wait_retraces(unsigned count)
{
    u16 status = (u16)(crtc_port() + 6);
    while (count--) {
        while (inb(status) & 8) {
        }
        while (!(inb(status) & 8)) {
        }
    }
}

struct registers video_call(u16 ax, u16 bx, u16 cx, u16 dx)
{
    struct registers r = {.ax = ax, .bx = bx, .cx = cx, .dx = dx};
    bios_call(&r, 0x10);
    return r;
}

static void fill(u16 segment, u16 value)
{
    u32 count = 0x8000, offset = 0;
    __asm__ volatile("pushw %%es\n\tmovw %w3, %%es\n\trep stosw\n\tpopw %%es"
                     : "+c"(count), "+D"(offset)
                     : "a"(value), "r"(segment)
                     : "memory");
}

static void clear_planes(void)
{
    seq(2, 0x0F);
    seq(4, 0x06);
    gc(5, 0x00);
    gc(6, 0x05);
    gc(8, 0xFF);
    gc(1, 0x00);
    gc(3, 0x00);
    fill(0xA000, 0);
}

void set_registers(const struct vga_mode *mode)
{
    outb(0x3C2, mode->misc);
    seq(0, 1);
    seq(1, mode->seq[0] | 0x20);
    clear_planes();
    for (u8 i = 1; i < 4; i++)
        seq((u8)(i + 1), mode->seq[i]);
    seq(0, 3);
    crtc(0x11, 0);
    for (u8 i = 0; i < 25; i++)
        crtc(i, mode->crtc[i]);
    crtc(0x11, mode->crtc[0x11] & 0x7F);
    for (u8 i = 0; i < 9; i++)
        gc(i, mode->gc[i]);
    for (u8 i = 0; i < 20; i++)
        attr(i, mode->attr[i]);
    attr(0x14, 0);
    outb(0x3C6, 0xFF);
    if (mode->attr[0x10] & 0x40)
        load_colors_256();
    else
        load_colors_64();
    seq(1, mode->seq[0]);
}

void load_colors_64(void)
{
    for (u16 i = 0; i < 256; i++)
        dac((u8)i, (u8)((i >> 2 & 1) * 42 + (i >> 5 & 1) * 21),
            (u8)((i >> 1 & 1) * 42 + (i >> 4 & 1) * 21), (u8)((i & 1) * 42 + (i >> 3 & 1) * 21));
}

void load_colors_256(void)
{
    for (u16 i = 0; i < 256; i++)
        dac((u8)i, (u8)((i >> 5) * 9), (u8)((i >> 2 & 7) * 9), (u8)((i & 3) * 21));
}

void unchain(void)
{
    seq(4, 0x06);
    crtc(0x14, 0x00);
    crtc(0x17, 0xE3);
}

/* The vertical figures of mode 12h, each line shown twice. */
void set_480_lines(void)
{
    static const u8 values[][2] = {
        {0x06, 0x0B},
        {0x07, 0x3E},
        {0x09, 0x41},
        {0x10, 0xEA},
        {0x11, 0x0C},
        {0x12, 0xDF},
        {0x15, 0xE7},
        {0x16, 0x04},
    };
    outb(0x3C2, 0xE3);
    for (u8 i = 0; i < sizeof values / sizeof values[0]; i++)
        crtc(values[i][0], values[i][1]);
}

/* 90 characters in a line, with the clock of 28 MHz. */
void set_360_columns(void)
{
    static const u8 values[] = {0x6B, 0x59, 0x5A, 0x8E, 0x5E, 0x8A};
    outb(0x3C2, inb(0x3CC) | 4);
    for (u8 i = 0; i < sizeof values; i++)
        crtc(i, values[i]);
    crtc(0x13, 0x2D);
}

u32 pci_frame_buffer(void)
{
    for (u32 device = 0; device < 32; device++) {
        u32 address = 0x80000000 | device << 11, value;
        __asm__ volatile("outl %0, %1" : : "a"(address | 8), "Nd"((u16)0xCF8));
        __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"((u16)0xCFC));
        if (value >> 16 != 0x0300)
            continue;
        __asm__ volatile("outl %0, %1" : : "a"(address | 0x10), "Nd"((u16)0xCF8));
        __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"((u16)0xCFC));
        return value & 0xFFFFFFF0;
    }
    return 0;
}
