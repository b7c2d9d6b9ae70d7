/* The data path between processor and planes: write modes, read modes, latches, logical functions.
 * Each strip of the picture is made another way. */
#include "tests/video/video.h"

enum { PITCH = 80 };

static void planes(const char *name)
{
    set_registers(&vga_mode_12);
    surface_set(LAYOUT_PLANAR, 640, 480, PITCH);
    label(12, 12, name, 15);
}

/* Eight lines of vertical stripes in all colours to work on. */
static void stripes(u16 y)
{
    for (u16 i = 0; i < 16; i++)
        bar((u16)(i * 40), y, 40, 8, i);
}

static void write_line(u16 y, u8 value)
{
    for (u16 line = y; line < y + 8; line++) {
        for (u16 i = 0; i < PITCH; i++) {
            u16 at = (u16)(line * PITCH + i);
            peek8(0xA000, at);
            poke8(0xA000, at, value);
        }
    }
}

static void plain(void)
{
    gc(0, 0x00);
    gc(1, 0x00);
    gc(3, 0x00);
    gc(5, 0x00);
    gc(8, 0xFF);
    seq(2, 0x0F);
}

static void write_mode_0(void)
{
    planes("write mode 0: map mask, rotate, set/reset, functions, bit mask");
    for (u8 i = 0; i < 16; i++) {
        u16 y = (u16)(40 + i * 10);
        plain();
        seq(2, i);
        write_line(y, 0xF1);
    }
    for (u8 i = 0; i < 8; i++) {
        plain();
        gc(3, i);
        write_line((u16)(210 + i * 10), 0x17);
    }
    for (u8 i = 0; i < 4; i++) {
        u16 y = (u16)(300 + i * 20);
        plain();
        stripes(y);
        gc(3, (u8)(i << 3));
        gc(0, 0x0A);
        gc(1, 0x0E);
        gc(8, 0x7E);
        write_line(y, 0x3C);
    }
    for (u8 i = 0; i < 8; i++) {
        u16 y = (u16)(390 + i * 10);
        plain();
        stripes(y);
        gc(8, (u8)(0x11 << (i & 3)));
        seq(2, i < 4 ? 0x0F : 0x05);
        write_line(y, i & 1 ? 0xFF : 0x00);
    }
    plain();
}

static void write_mode_1(void)
{
    planes("write mode 1: latches copied");
    bar(0, 40, 640, 100, 1);
    stripes(60);
    stripes(100);
    label(100, 80, "copied by the latches", 14);
    gc(5, 0x01);
    for (u16 line = 0; line < 100; line++) {
        for (u16 i = 0; i < PITCH; i++) {
            peek8(0xA000, (u16)((40 + line) * PITCH + i));
            poke8(0xA000, (u16)((200 + line) * PITCH + (PITCH - 1 - i)), 0x55);
        }
    }
    seq(2, 0x06);
    for (u16 i = 0; i < 100 * PITCH; i++) {
        peek8(0xA000, (u16)(40 * PITCH + i));
        poke8(0xA000, (u16)(340 * PITCH + i), 0);
    }
    plain();
}

static void write_mode_2(void)
{
    planes("write mode 2: the byte is a colour");
    for (u8 i = 0; i < 16; i++) {
        u16 y = (u16)(40 + i * 24);
        plain();
        stripes(y);
        gc(5, 0x02);
        gc(3, (u8)((i >> 2) << 3));
        gc(8, (u8)(0xFF >> (i & 7)));
        write_line(y, i);
    }
    plain();
}

static void write_mode_3(void)
{
    planes("write mode 3: the byte, rotated, is a mask");
    for (u8 i = 0; i < 16; i++) {
        u16 y = (u16)(40 + i * 24);
        plain();
        stripes(y);
        gc(5, 0x03);
        gc(0, i);
        gc(3, (u8)((i & 3) << 3 | (i & 7)));
        gc(8, i & 8 ? 0xF0 : 0xFF);
        write_line(y, 0x5D);
    }
    plain();
}

/* What a read gives is drawn below what was read. */
static void read_modes(void)
{
    planes("read mode 1: colour compare and don't care; read mode 0: planes");
    stripes(40);
    for (u8 i = 0; i < 20; i++) {
        u16 y = (u16)(60 + i * 18);
        for (u16 x = 0; x < PITCH; x++) {
            gc(5, i < 16 ? 0x08 : 0x00);
            gc(2, i);
            gc(7, i & 1 ? 0x0F : 0x0B);
            gc(4, i & 3);
            u8 value = peek8(0xA000, (u16)(44 * PITCH + x));
            plain();
            seq(2, 0x0E);
            for (u8 line = 0; line < 12; line++)
                poke8(0xA000, (u16)((y + line) * PITCH + x), value);
        }
    }
    plain();
}

/* Odd and even addresses in planes as text modes have them, in a graphics picture. */
static void odd_even(void)
{
    planes("odd/even addressing: even bytes to planes 0 and 2");
    seq(4, 0x02);
    gc(5, 0x10);
    for (u16 i = 0; i < 80 * 100; i++)
        poke8(0xA000, (u16)(80 * 40 + i), i & 1 ? 0xF0 : 0xCC);
    gc(6, 0x01); /* 128 KiB: the rest is at B0000h */
    for (u16 i = 0; i < 80 * 100; i++)
        poke8(0xB000, (u16)(80 * 100 + i), i & 1 ? 0x0F : 0x33);
    gc(6, 0x05);
    gc(5, 0x00);
    seq(4, 0x06);
    label(12, 200, "below: address A16 in the place of A0", 14);
}

const struct effect planar_effects[] = {
    {"planes: write mode 0", write_mode_0},
    {"planes: write mode 1", write_mode_1},
    {"planes: write mode 2", write_mode_2},
    {"planes: write mode 3", write_mode_3},
    {"planes: read modes",   read_modes  },
    {"planes: odd/even",     odd_even    },
    {NULL,                   NULL        },
};
