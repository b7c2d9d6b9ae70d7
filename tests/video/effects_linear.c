/* 256 colours in tweaked sizes, and what the shift registers and the attribute controller make of
 * the planes. */
#include "tests/video/video.h"

static void unchained(u16 width, u16 height, const char *name)
{
    surface_set(LAYOUT_UNCHAINED, width, height, width / 4);
    card(name, 256);
}

static void mode_x_320x240(void)
{
    set_registers(&vga_mode_13);
    unchain();
    set_480_lines();
    unchained(320, 240, "320 x 240");
}

static void mode_x_320x400(void)
{
    set_registers(&vga_mode_13);
    unchain();
    crtc(0x09, 0x40);
    unchained(320, 400, "320 x 400");
}

static void mode_x_320x480(void)
{
    set_registers(&vga_mode_13);
    unchain();
    set_480_lines();
    crtc(0x09, 0x40);
    unchained(320, 480, "320 x 480");
}

static void mode_x_360x480(void)
{
    set_registers(&vga_mode_13);
    unchain();
    set_480_lines();
    set_360_columns();
    crtc(0x09, 0x40);
    unchained(360, 480, "360 x 480");
}

static void mode_x_360x200(void)
{
    set_registers(&vga_mode_13);
    unchain();
    set_360_columns();
    unchained(360, 200, "360 x 200");
}

/* Chain-4 with 256 lines of 256 pixels: 64 KiB. */
static void linear_256x256(void)
{
    static const u8 horizontal[] = {0x5F, 0x3F, 0x40, 0x82, 0x4A, 0x9A};
    static const u8 vertical[][2] = {
        {0x06, 0x23},
        {0x07, 0xB2},
        {0x09, 0x61},
        {0x10, 0x0A},
        {0x11, 0x2C},
        {0x12, 0xFF},
        {0x15, 0x07},
        {0x16, 0x1A},
    };
    set_registers(&vga_mode_13);
    outb(0x3C2, 0xE3);
    for (u8 i = 0; i < sizeof horizontal; i++)
        crtc(i, horizontal[i]);
    for (u8 i = 0; i < sizeof vertical / sizeof vertical[0]; i++)
        crtc(vertical[i][0], vertical[i][1]);
    crtc(0x13, 0x20);
    surface_set(LAYOUT_LINEAR, 256, 256, 256);
    card("256 x 256", 256);
}

/* 80 lines of four each: 160 x 100 looks of old demonstrations, in 256 colours. */
static void tall_lines(void)
{
    set_registers(&vga_mode_13);
    crtc(0x09, 0x43);
    surface_set(LAYOUT_LINEAR, 320, 100, 320);
    card("four lines for each", 256);
}

static void pel_mask(void)
{
    set_registers(&vga_mode_13);
    surface_set(LAYOUT_LINEAR, 320, 200, 320);
    card("PEL mask E3h", 256);
    outb(0x3C6, 0xE3);
}

/* Chain-4 memory read as planes, where every fourth address is in use; the copy below is dense. */
static void chained_then_planes(void)
{
    set_registers(&vga_mode_13);
    surface_set(LAYOUT_LINEAR, 320, 50, 320);
    card("as", 256);
    unchain();
    for (u8 plane = 0; plane < 4; plane++) {
        seq(2, (u8)(1 << plane));
        gc(4, plane);
        for (u16 i = 0; i < 4000; i++)
            poke8(0xA000, (u16)(20000 + i), peek8(0xA000, (u16)(i * 4)));
    }
    gc(4, 0);
    crtc_word(0x0C, 12000);
}

/* Planes of four bits through the shifter of eight: pairs of pixels are one. */
static void planar_8_bit(void)
{
    set_registers(&vga_mode_12);
    surface_set(LAYOUT_PLANAR, 640, 480, 80);
    load_colors_256();
    for (u16 i = 0; i < 256; i++) {
        for (u16 y = 0; y < 16; y++) {
            for (u16 x = 0; x < 16; x++)
                pixel((u16)(64 + (i & 15) * 32 + x * 2), (u16)(100 + (i >> 4) * 20 + y), i >> 4),
                    pixel((u16)(65 + (i & 15) * 32 + x * 2), (u16)(100 + (i >> 4) * 20 + y),
                          i & 15);
        }
    }
    attr(0x10, 0x41);
}

/* Packed bytes shown as two pixels of four bits. */
static void packed_4_bit(void)
{
    set_registers(&vga_mode_13);
    load_colors_64();
    surface_set(LAYOUT_LINEAR, 320, 200, 320);
    for (u16 y = 0; y < 200; y++) {
        for (u16 x = 0; x < 320; x++)
            poke8(0xA000, (u16)(y * 320 + x), (u8)(y / 13 << 4 | x / 20));
    }
    attr(0x10, 0x01);
}

/* CGA's four colours with the banks of lines by the row scan counter. */
static void cga_banks(void)
{
    set_registers(&vga_mode_5);
    surface_set(LAYOUT_CGA4, 320, 200, 80);
    card("CGA, banks by row scan", 4);
}

/* Four banks of 8 KiB as on a Hercules card: row scan bits 0 and 1 are MA13 and MA14. */
static void four_banks(void)
{
    set_registers(&vga_mode_12);
    crtc(0x09, 0x43);
    crtc(0x17, 0xE0);
    crtc(0x13, 0x28);
    seq(2, 0x0F);
    for (u16 y = 0; y < 480; y++) {
        for (u16 x = 0; x < 80; x++)
            poke8(0xA000, (u16)((y & 3) << 13 | ((y >> 2) * 80 + x)),
                  (u8)(x == 0          ? 0x80
                       : x == 79       ? 0x01
                       : y / 6 == x    ? 0xFF
                       : (y & 31) == 0 ? 0x18
                                       : 0x00));
    }
    seq(2, 0x0F);
}

static void count_by_2(void)
{
    set_registers(&vga_mode_12);
    surface_set(LAYOUT_PLANAR, 640, 480, 80);
    card("each character twice: count by two", 16);
    crtc(0x17, 0xEB);
}

static void count_by_4(void)
{
    set_registers(&vga_mode_12);
    surface_set(LAYOUT_PLANAR, 640, 480, 80);
    card("each character four times: count by four", 16);
    crtc(0x14, 0x20);
}

static void word_addresses(void)
{
    set_registers(&vga_mode_12);
    surface_set(LAYOUT_PLANAR, 640, 480, 80);
    card("word addresses: every second byte", 16);
    crtc(0x17, 0xA3);
}

static void dword_addresses(void)
{
    set_registers(&vga_mode_12);
    surface_set(LAYOUT_PLANAR, 640, 480, 80);
    card("doubleword addresses: every fourth byte", 16);
    crtc(0x14, 0x40);
}

const struct effect linear_effects[] = {
    {"unchained 320 x 240",        mode_x_320x240     },
    {"unchained 320 x 400",        mode_x_320x400     },
    {"unchained 320 x 480",        mode_x_320x480     },
    {"unchained 360 x 480",        mode_x_360x480     },
    {"unchained 360 x 200",        mode_x_360x200     },
    {"chained 256 x 256",          linear_256x256     },
    {"four lines for each",        tall_lines         },
    {"PEL mask",                   pel_mask           },
    {"chained, then planes",       chained_then_planes},
    {"planes, eight bits a pixel", planar_8_bit       },
    {"packed, four bits a pixel",  packed_4_bit       },
    {"CGA banks",                  cga_banks          },
    {"four banks",                 four_banks         },
    {"count by two",               count_by_2         },
    {"count by four",              count_by_4         },
    {"word addresses",             word_addresses     },
    {"doubleword addresses",       dword_addresses    },
    {NULL,                         NULL               },
};
