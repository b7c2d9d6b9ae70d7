/* Extended modes: every depth, banks and the linear frame buffer, virtual screens, the DAC of eight
 * bits. Modes are looked for by their properties, so that any VBE will do. */
#include "tests/video/video.h"

static u8 information[512];

/* The number of a mode, or 0. */
static u16 find_mode(u16 width, u16 height, u8 bits)
{
    struct registers r = {.ax = 0x4F00, .di = (u16)(u32)information};
    information[0] = 'V', information[1] = 'B', information[2] = 'E', information[3] = '2';
    bios_call(&r, 0x10);
    u16 offset = peek16(0, (u16)((u32)information + 14));
    u16 segment = peek16(0, (u16)((u32)information + 16));
    static u16 numbers[200];
    u16 count = 0;
    for (; count < 199 && peek16(segment, offset) != 0xFFFF; offset += 2)
        numbers[count++] = peek16(segment, offset);
    for (u16 i = 0; i < count; i++) {
        r = (struct registers){.ax = 0x4F01, .cx = numbers[i], .di = (u16)(u32)information};
        bios_call(&r, 0x10);
        const u16 *words = (const u16 *)(const void *)information;
        if (r.ax == 0x004F && (information[0] & 0x11) == 0x11 && words[9] == width &&
            words[10] == height && information[25] == bits && information[27] != 3)
            return numbers[i];
    }
    return 0;
}

static void vbe_mode(u16 width, u16 height, u8 bits, u16 flags)
{
    u16 number = find_mode(width, height, bits);
    if (!number) {
        test_note("no such VBE mode", (u32)width << 16 | bits);
        return;
    }
    video_call(0x4F02, number | flags, 0, 0);
    if (bits == 8) {
        video_call(0x4F08, 0x0600, 0, 0);
        load_colors_256();
    }
}

static void vbe_card(u16 width, u16 height, u8 bits, const char *name)
{
    vbe_mode(width, height, bits, 0);
    surface_set(LAYOUT_VBE, width, height, (u16)(width * ((bits + 7) / 8)));
    surface.bits = bits;
    card(name, bits == 8 ? 256 : 1u << 15);
}

static void vbe_8(void)
{
    vbe_card(640, 480, 8, "640 x 480, 8 bits");
}

static void vbe_15(void)
{
    vbe_card(640, 480, 15, "640 x 480, 15 bits");
}

static void vbe_16(void)
{
    vbe_card(800, 600, 16, "800 x 600, 16 bits");
}

static void vbe_24(void)
{
    vbe_card(640, 480, 24, "640 x 480, 24 bits");
}

static void vbe_32(void)
{
    vbe_card(640, 480, 32, "640 x 480, 32 bits");
}

static void vbe_1024(void)
{
    vbe_card(1024, 768, 32, "1024 x 768, 32 bits");
}

static void vbe_1600(void)
{
    vbe_card(1600, 1200, 32, "1600 x 1200, 32 bits");
}

/* Through the linear frame buffer: stripes of 64 lines. */
static void vbe_linear(void)
{
    vbe_mode(1024, 768, 32, 0x4000);
    u32 base = pci_frame_buffer();
    for (u32 i = 0; i < 12; i++)
        far_memory_fill(base + i * 64 * 4096, i * 0x00151000 + i * 23, 64 * 1024);
}

/* Four planes of 60 KiB each. */
static void dispi_4(void)
{
    set_registers(&vga_mode_12);
    dispi(4, 0);
    dispi(1, 800);
    dispi(2, 600);
    dispi(3, 4);
    dispi(4, 1);
    surface_set(LAYOUT_PLANAR, 800, 600, 100);
    card("800 x 600, 4 bits", 16);
}

static void vbe_virtual(void)
{
    vbe_mode(640, 480, 8, 0x4000);
    far_memory_fill(pci_frame_buffer(), 0, 1024 * 768 / 4);
    video_call(0x4F06, 0x0000, 1024, 0);
    surface_set(LAYOUT_VBE, 1024, 768, 1024);
    surface.bits = 8;
    card("1024 x 768 in memory, start 104, 40", 256);
    video_call(0x4F07, 0x0000, 104, 40);
}

static void vbe_8_bit_dac(void)
{
    vbe_card(640, 480, 8, "DAC of eight bits");
    video_call(0x4F08, 0x0800, 0, 0);
    for (u16 i = 0; i < 256; i++)
        dac((u8)i, (u8)i, (u8)(255 - i), (u8)(i * 7));
}

static void vbe_palette(void)
{
    vbe_card(640, 480, 8, "palette by function 09h");
    static u32 colors[256];
    for (u32 i = 0; i < 256; i++)
        colors[i] = (i >> 2) << 16 | (i & 63) << 8 | (63 - (i >> 2));
    struct registers r = {.ax = 0x4F09, .bx = 0, .cx = 256, .dx = 0, .di = (u16)(u32)colors};
    bios_call(&r, 0x10);
}

/* Back to a standard mode: nothing of the extended one may stay. */
static void vbe_and_back(void)
{
    vbe_card(640, 480, 32, "");
    video_call(0x4F02, 0x0013, 0, 0);
    surface_set(LAYOUT_LINEAR, 320, 200, 320);
    surface.white = 15;
    card("mode 13h by VBE", 256);
}

/* VESA's own numbers. */
static void vbe_text(u16 number, u16 columns, const char *name)
{
    video_call(0x4F02, number, 0, 0);
    text_segment = 0xB800;
    font_load(0, 8);
    crtc(0x0A, 0x20);
    attr(0x10, 0x04);
    text_card(name, columns);
}

static void vbe_text_132(void)
{
    vbe_text(0x10A, 132, "132 columns, 43 rows by VBE");
    text_put(132 * 42 + 124, "the end", 0x1F);
}

static void vbe_text_80(void)
{
    vbe_text(0x108, 80, "80 columns, 60 rows by VBE");
    text_put(80 * 59 + 72, "the end", 0x1F);
}

static void vbe_planar(void)
{
    video_call(0x4F02, 0x0102, 0, 0);
    load_colors_64();
    surface_set(LAYOUT_PLANAR, 800, 600, 100);
    card("800 x 600, 4 bits by VBE", 16);
}

/* Text by the firmware in direct colour, scrolled. */
static void vbe_characters(void)
{
    vbe_mode(640, 480, 16, 0);
    struct registers r = {
        .ax = 0x1121, .bx = 0, .cx = 16, .dx = 30, .es = FAR_SEGMENT, .bp = FAR_FONT_16};
    bios_call(&r, 0x10);
    for (u8 i = 1; i < 16; i++) {
        video_call(0x0200, 0, 0, (u16)(i << 8 | i * 2));
        video_call(0x0900 | 'x', i, 30, 0);
    }
    video_call(0x0603, 0x0001, 0x0400, 0x0828);
}

const struct effect vbe_effects[] = {
    {"VBE 640 x 480 x 8",          vbe_8         },
    {"VBE 640 x 480 x 15",         vbe_15        },
    {"VBE 800 x 600 x 16",         vbe_16        },
    {"VBE 640 x 480 x 24",         vbe_24        },
    {"VBE 640 x 480 x 32",         vbe_32        },
    {"VBE 1024 x 768 x 32",        vbe_1024      },
    {"VBE 1600 x 1200 x 32",       vbe_1600      },
    {"VBE linear frame buffer",    vbe_linear    },
    {"DISPI 800 x 600 x 4",        dispi_4       },
    {"VBE virtual screen",         vbe_virtual   },
    {"VBE DAC of eight bits",      vbe_8_bit_dac },
    {"VBE palette",                vbe_palette   },
    {"VBE mode 13h after 32 bits", vbe_and_back  },
    {"VBE text, 132 x 43",         vbe_text_132  },
    {"VBE text, 80 x 60",          vbe_text_80   },
    {"VBE 800 x 600 x 4",          vbe_planar    },
    {"VBE characters in 16 bits",  vbe_characters},
    {NULL,                         NULL          },
};
