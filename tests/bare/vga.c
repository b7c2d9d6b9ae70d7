/* VGA registers, planes, latches, write modes, timing, DISPI (IBM VGA/XGA technical reference).
 * Run alone: meson test -C build bare-vga */
#include "pci.h"

static volatile uint8_t *const a0000 = (volatile uint8_t *)0xA0000;
static volatile uint8_t *const b8000 = (volatile uint8_t *)0xB8000;

static void seq(uint8_t index, uint8_t value)
{
    out16(0x3C4, (uint16_t)(value << 8 | index));
}

static void gc(uint8_t index, uint8_t value)
{
    out16(0x3CE, (uint16_t)(value << 8 | index));
}

static void crtc(uint8_t index, uint8_t value)
{
    out16(0x3D4, (uint16_t)(value << 8 | index));
}

static uint8_t get(uint16_t port, uint8_t index)
{
    out8(port, index);
    return in8((uint16_t)(port + 1));
}

static void attr(uint8_t index, uint8_t value)
{
    in8(0x3DA);
    out8(0x3C0, index);
    out8(0x3C0, value);
}

static void dispi(uint16_t index, uint16_t value)
{
    out16(0x1CE, index);
    out16(0x1CF, value);
}

static uint16_t get_dispi(uint16_t index)
{
    out16(0x1CE, index);
    return in16(0x1CF);
}

static uint8_t plane_byte(uint8_t plane, uint32_t offset)
{
    gc(4, plane);
    return a0000[offset];
}

/* The registers of the IBM mode tables that matter here. */
static void set_mode(uint8_t misc, const uint8_t sequencer[4], const uint8_t crtc_values[25],
                     const uint8_t graphics[9])
{
    out8(0x3C2, misc);
    for (uint8_t i = 0; i < 4; i++)
        seq((uint8_t)(i + 1), sequencer[i]);
    crtc(0x11, 0);
    for (uint8_t i = 0; i < 25; i++)
        crtc(i, crtc_values[i]);
    for (uint8_t i = 0; i < 9; i++)
        gc(i, graphics[i]);
}

static void set_mode_12(void)
{
    static const uint8_t sequencer[] = {0x01, 0x0F, 0x00, 0x06};
    static const uint8_t values[] = {
        0x5F, 0x4F, 0x50, 0x82, 0x54, 0x80, 0x0B, 0x3E, 0x00, 0x40, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0xEA, 0x8C, 0xDF, 0x28, 0x00, 0xE7, 0x04, 0xE3, 0xFF,
    };
    static const uint8_t graphics[] = {0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x0F, 0xFF};
    set_mode(0xE3, sequencer, values, graphics);
}

static void set_mode_3(void)
{
    static const uint8_t sequencer[] = {0x00, 0x03, 0x00, 0x02};
    static const uint8_t values[] = {
        0x5F, 0x4F, 0x50, 0x82, 0x55, 0x81, 0xBF, 0x1F, 0x00, 0x4F, 0x0D, 0x0E, 0x00,
        0x00, 0x00, 0x00, 0x9C, 0x8E, 0x8F, 0x28, 0x1F, 0x96, 0xB9, 0xA3, 0xFF,
    };
    static const uint8_t graphics[] = {0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0E, 0x00, 0xFF};
    set_mode(0x67, sequencer, values, graphics);
}

static void test_registers(void)
{
    set_mode_12();
    seq(2, 0x0A);
    CHECK_EQUAL("sequencer 02h", get(0x3C4, 2), 0x0A);
    gc(8, 0x5A);
    CHECK_EQUAL("graphics controller 08h", get(0x3CE, 8), 0x5A);
    gc(4, 0x03);
    CHECK_EQUAL("graphics controller 04h", get(0x3CE, 4), 0x03);
    CHECK_EQUAL("miscellaneous output", in8(0x3CC), 0xE3);
    crtc(0x0F, 0x42);
    CHECK_EQUAL("CRTC 0Fh", get(0x3D4, 0x0F), 0x42);
    crtc(0x00, 0x11);
    CHECK_EQUAL("CRTC 11h: protect", get(0x3D4, 0x00), 0x5F);
    uint8_t overflow = get(0x3D4, 0x07);
    crtc(0x07, (uint8_t)(overflow ^ 0x10));
    CHECK_EQUAL("CRTC 11h: line compare is not protected", get(0x3D4, 0x07), overflow ^ 0x10);
    attr(0x05, 0x2A);
    attr(0x11, 0x15);
    in8(0x3DA);
    out8(0x3C0, 0x05);
    CHECK_EQUAL("attribute controller", in8(0x3C1), 0x2A);
    in8(0x3DA);
    out8(0x3C0, 0x20 | 0x11);
    CHECK_EQUAL("attribute controller", in8(0x3C1), 0x15);
}

static void test_dac(void)
{
    out8(0x3C6, 0x0F); /* not in QEMU */
    CHECK_EQUAL("DAC: mask", in8(0x3C6), 0x0F);
    out8(0x3C6, 0xFF);
    out8(0x3C8, 0x40);
    for (uint8_t i = 1; i <= 6; i++)
        out8(0x3C9, i);
    CHECK_EQUAL("DAC: write address counts", in8(0x3C8), 0x42);
    CHECK_EQUAL("DAC: state", in8(0x3C7) & 3, 0);
    out8(0x3C7, 0x40);
    CHECK_EQUAL("DAC: state", in8(0x3C7) & 3, 3);
    for (uint8_t i = 1; i <= 6; i++)
        CHECK_EQUAL("DAC: data", in8(0x3C9), i);
}

static void test_planes(void)
{
    set_mode_12();
    for (uint8_t plane = 0; plane < 4; plane++) {
        seq(2, (uint8_t)(1 << plane));
        a0000[0x100] = (uint8_t)(0x10 + plane);
    }
    seq(2, 0x0F);
    for (uint8_t plane = 0; plane < 4; plane++)
        CHECK_EQUAL("map mask, read map select", plane_byte(plane, 0x100), 0x10u + plane);
    gc(5, 1);
    (void)a0000[0x100];
    a0000[0x200] = 0xFF;
    gc(5, 0);
    for (uint8_t plane = 0; plane < 4; plane++)
        CHECK_EQUAL("write mode 1", plane_byte(plane, 0x200), 0x10u + plane);
}

static void test_write_mode_0(void)
{
    static const uint8_t results[] = {0x3C, 0x0C, 0xFC, 0xF0};
    gc(4, 0);
    for (uint8_t function = 0; function < 4; function++) {
        gc(3, 0);
        a0000[0] = 0xCC;
        gc(3, (uint8_t)(function << 3));
        (void)a0000[0];
        a0000[0] = 0x3C;
        CHECK_EQUAL("data rotate: function", a0000[0], results[function]);
    }
    gc(3, 3); /* rotate by three */
    a0000[0] = 0x81;
    CHECK_EQUAL("data rotate: count", a0000[0], 0x30);
    gc(3, 0);
    a0000[0] = 0x00;
    gc(8, 0x0F);
    (void)a0000[0];
    a0000[0] = 0xFF;
    CHECK_EQUAL("bit mask", a0000[0], 0x0F);
    gc(8, 0xFF);
    gc(0, 0x01);
    gc(1, 0x03);
    a0000[0] = 0x5A;
    CHECK_EQUAL("set/reset", plane_byte(0, 0), 0xFF);
    CHECK_EQUAL("set/reset", plane_byte(1, 0), 0x00);
    CHECK_EQUAL("set/reset", plane_byte(2, 0), 0x5A);
    gc(1, 0);
}

static void test_other_write_modes(void)
{
    a0000[0] = 0x00;
    gc(5, 2);
    gc(8, 0x18);
    (void)a0000[0];
    a0000[0] = 0x0A;
    gc(5, 0);
    CHECK_EQUAL("write mode 2", plane_byte(0, 0), 0x00);
    CHECK_EQUAL("write mode 2", plane_byte(1, 0), 0x18);
    CHECK_EQUAL("write mode 2", plane_byte(3, 0), 0x18);
    gc(8, 0xFF);
    a0000[0] = 0xFF;
    gc(5, 3);
    gc(0, 0x02);
    gc(8, 0xF0);
    (void)a0000[0];
    a0000[0] = 0x3C;
    gc(5, 0);
    gc(8, 0xFF);
    CHECK_EQUAL("write mode 3", plane_byte(0, 0), 0xCF);
    CHECK_EQUAL("write mode 3", plane_byte(1, 0), 0xFF);
    gc(0, 0x00);
}

static void test_read_mode_1(void)
{
    seq(2, 0x0F);
    a0000[0] = 0x00;
    seq(2, 0x05);
    a0000[0] = 0xF0;
    seq(2, 0x0F);
    gc(5, 8);
    gc(2, 0x05);
    gc(7, 0x0F);
    CHECK_EQUAL("read mode 1", a0000[0], 0xF0);
    gc(7, 0x0A);
    CHECK_EQUAL("read mode 1: don't care", a0000[0], 0xFF);
    gc(5, 0);
}

static void test_text_memory(void)
{
    set_mode_3();
    b8000[2] = 'A';
    b8000[3] = 0x1E;
    CHECK_EQUAL("odd/even", *(volatile uint16_t *)(b8000 + 2), 0x1E41);
    CHECK_EQUAL("memory map select", a0000[2], 0xFF);
    seq(4, 0x06);
    gc(5, 0x00);
    gc(6, 0x04);
    /* QEMU leaves no gaps between the characters of a plane. */
    CHECK_EQUAL("odd/even: attribute in plane 1", plane_byte(1, 2), 0x1E);
    CHECK_EQUAL("odd/even: character in plane 0", plane_byte(0, 2), 'A');
}

static void test_chain_4(void)
{
    set_mode_12();
    seq(4, 0x0E);
    for (unsigned i = 0; i < 8; i++)
        a0000[i] = (uint8_t)(0x80 + i);
    CHECK_EQUAL("chain 4", *(volatile uint32_t *)a0000, 0x83828180);
    CHECK_EQUAL("chain 4", *(volatile uint32_t *)(a0000 + 4), 0x87868584);
    seq(2, 0x0E);
    *(volatile uint32_t *)a0000 = 0;
    CHECK_EQUAL("chain 4: map mask", *(volatile uint32_t *)a0000, 0x00000080);
    seq(2, 0x0F);
    seq(4, 0x06);
    CHECK_EQUAL("chain 4 seen by planes", plane_byte(0, 0), 0x80);
}

static bool wait_for(uint8_t mask, uint8_t value)
{
    for (unsigned i = 0; i < 10000000; i++) {
        if ((in8(0x3DA) & mask) == value)
            return true;
    }
    return false;
}

static void test_timing(void)
{
    set_mode_3();
    CHECK("input status 1: retrace begins", wait_for(0x08, 0x08));
    CHECK("input status 1: retrace ends", wait_for(0x08, 0x00));
    CHECK("input status 1: display off", wait_for(0x01, 0x01));
    CHECK("input status 1: display on", wait_for(0x01, 0x00));
}

static void test_dispi(void)
{
    const char *where = "Bochs VBE DISPI";
    pci_set32(2, 0, 0x10, 0xE0000000);
    pci_set16(2, 0, 0x04, 3);
    CHECK_EQUAL(where, get_dispi(0), 0xB0C5);
    dispi(4, 2);
    CHECK("Bochs VBE DISPI: GETCAPS", get_dispi(1) >= 1600 && get_dispi(3) == 32);
    dispi(4, 0);
    dispi(1, 800);
    dispi(2, 600);
    dispi(3, 32);
    dispi(4, 0x41);
    CHECK_EQUAL(where, get_dispi(1), 800);
    CHECK_EQUAL(where, get_dispi(6), 800);
    volatile uint32_t *pixels = (volatile uint32_t *)0xE0000000;
    CHECK_EQUAL("Bochs VBE DISPI: cleared", pixels[100], 0);
    pixels[0x4000 + 5] = 0x00123456;
    dispi(5, 1);
    CHECK_EQUAL("Bochs VBE DISPI: bank", ((volatile uint32_t *)a0000)[5], 0x00123456);
    ((volatile uint32_t *)a0000)[6] = 0x00654321;
    CHECK_EQUAL("Bochs VBE DISPI: bank", pixels[0x4000 + 6], 0x00654321);
    dispi(6, 1024);
    CHECK_EQUAL("Bochs VBE DISPI: virtual width", get_dispi(6), 1024);
    dispi(9, 100);
    CHECK_EQUAL("Bochs VBE DISPI: offset", get_dispi(9), 100);
    dispi(4, 0);
}

void bare_tests(void)
{
    test_registers();
    test_dac();
    test_planes();
    test_write_mode_0();
    test_other_write_modes();
    test_read_mode_1();
    test_text_memory();
    test_chain_4();
    test_timing();
    test_dispi();
    set_mode_3();
}
