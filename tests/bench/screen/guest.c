/* An animation without end to the benchmark: every pixel of the screen changes in every frame, and
 * frames go by the vertical retrace, as games do it. SCREEN 13: 320 x 200 in 256 colours at 70 Hz,
 * waiting for the retrace by polling; 1024: 1024 x 768 in 32 bits, 30 frames a second. Says "frames
 * N" after each second of frames. */
#include "pci.h"
#include "tests/device/vga_modes.h"

enum { SECONDS = 5, WIDE = 1024, HIGH = 768 };

static void indexed(uint16_t port, unsigned index, uint8_t value)
{
    out16(port, (uint16_t)(value << 8 | index));
}

static void attribute(uint8_t index, uint8_t value)
{
    in8(0x3DA);
    out8(0x3C0, index);
    out8(0x3C0, value);
}

static void set_registers(const struct vga_mode *mode)
{
    out8(0x3C2, mode->misc);
    for (unsigned i = 0; i < 4; i++)
        indexed(0x3C4, i + 1, mode->seq[i]);
    indexed(0x3D4, 0x11, 0);
    for (unsigned i = 0; i < 25; i++)
        indexed(0x3D4, i, mode->crtc[i]);
    for (unsigned i = 0; i < 9; i++)
        indexed(0x3CE, i, mode->gc[i]);
    for (uint8_t i = 0; i < 20; i++)
        attribute(i, mode->attr[i]);
    in8(0x3DA);
    out8(0x3C0, 0x20);
    for (unsigned i = 0; i < 256; i++) {
        out8(0x3C8, (uint8_t)i);
        out8(0x3C9, (uint8_t)(i / 4));
        out8(0x3C9, (uint8_t)(i < 128 ? i / 2 : (255 - i) / 2));
        out8(0x3C9, (uint8_t)(63 - i / 4));
    }
}

static void wait_retrace(void)
{
    while (in8(0x3DA) & 8)
        ;
    while (!(in8(0x3DA) & 8))
        ;
}

/* Rings that grow, from a table of distances: a look-up and an addition a pixel. */
static uint8_t distance[200][320];

static void make_table(void)
{
    for (int y = 0; y < 200; y++) {
        for (int x = 0; x < 320; x++)
            distance[y][x] = (uint8_t)(((x - 160) * (x - 160) + (y - 100) * (y - 100)) / 64);
    }
}

static void draw_13(uint32_t frame)
{
    const uint32_t *from = (const uint32_t *)(const void *)distance;
    volatile uint32_t *to = (volatile uint32_t *)0xA0000;
    uint32_t add = (frame & 0x7F) * 0x01010101u;
    for (unsigned i = 0; i < 320 * 200 / 4; i++) {
        /* Four bytes are added at once, without a carry between them. */
        uint32_t value = from[i];
        to[i] = ((value & 0x7F7F7F7F) + add) ^ (value & 0x80808080);
    }
}

static volatile uint32_t *frame_buffer;

static void draw_1024(uint32_t frame)
{
    volatile uint32_t *to = frame_buffer;
    for (uint32_t y = 0; y < HIGH; y++) {
        uint32_t color = (y + frame * 3) << 16 | (frame * 5 & 0xFF) << 8;
        for (uint32_t x = 0; x < WIDE; x += 4, to += 4, color += 2) {
            to[0] = color;
            to[1] = color;
            to[2] = color + 1;
            to[3] = color + 1;
        }
    }
}

static void set_1024(void)
{
    static const uint16_t values[][2] = {
        {4, 0   },
        {1, WIDE},
        {2, HIGH},
        {3, 32  },
        {4, 0x41}
    };
    for (unsigned i = 0; i < sizeof values / sizeof values[0]; i++) {
        out16(0x1CE, values[i][0]);
        out16(0x1CF, values[i][1]);
    }
    pci_set32(2, 0, 0x10, 0xE0000000);
    pci_set16(2, 0, 0x04, 3);
    frame_buffer = (volatile uint32_t *)0xE0000000;
}

void bare_tests(void)
{
    uint32_t frame = 0;
    set_registers(&vga_mode_13);
    make_table();
    if (SCREEN == 1024)
        set_1024();
    for (unsigned second = 1; second <= SECONDS; second++) {
        for (unsigned i = 0; i < (SCREEN == 13 ? 70 : 30); i++) {
            if (SCREEN == 13)
                draw_13(frame++);
            else
                draw_1024(frame++);
            wait_retrace();
            if (SCREEN == 1024)
                wait_retrace();
        }
        bare_print("frames %u\n", frame);
    }
}
