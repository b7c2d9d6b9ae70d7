/* The printer port at 378h. Whether a printer is connected depends on how the machine was started:
 * what needs one is checked only then.
 * Run alone: meson test -C build bare-parallel
 *
 * QEMU 7.2 (with -parallel null) fails the checks marked (QEMU): its printer stays busy until the
 * status has been read twice, and INIT does not stop it. */
#include "chips.h"

enum { DATA = 0x378, STATUS, CONTROL };
#define SHEET "PC/AT Technical Reference, printer port: "

static void print(uint8_t byte, uint8_t control)
{
    out8(DATA, byte);
    out8(CONTROL, control | 0x01);
    out8(CONTROL, control);
}

static void test_registers(void)
{
    for (unsigned value = 0; value < 256; value += 51) {
        out8(DATA, (uint8_t)value);
        CHECK_EQUAL(SHEET "data reads back", in8(DATA), value);
    }
    for (unsigned value = 0; value < 16; value += 5) {
        out8(CONTROL, (uint8_t)(value | 0x04));
        CHECK_EQUAL(SHEET "control reads back", in8(CONTROL) & 0x1F, value | 0x04);
    }
    out8(CONTROL, 0x0C);
    CHECK_EQUAL(SHEET "control bits 6 and 7 read as ones", in8(CONTROL) & 0xC0, 0xC0);
    uint8_t status = in8(STATUS);
    out8(STATUS, (uint8_t)~status);
    CHECK_EQUAL(SHEET "status is read-only (QEMU)", in8(STATUS), status);
}

static void test_direction(void)
{
    out8(DATA, 0x00);
    out8(CONTROL, 0x2C);
    CHECK_EQUAL("PS/2 port: direction bit", in8(CONTROL) & 0x20, 0x20);
    CHECK_EQUAL("PS/2 port: nobody drives the lines", in8(DATA), 0xFF);
    out8(CONTROL, 0x0C);
    CHECK_EQUAL("PS/2 port: output again", in8(DATA), 0x00);
}

static void test_printer(void)
{
    CHECK_EQUAL(SHEET "selected, no error, paper", in8(STATUS) & 0x38, 0x18);
    print('A', 0x0C);
    CHECK_EQUAL(SHEET "busy", in8(STATUS) & 0x80, 0x00);
    chips_delay_us(50);
    CHECK_EQUAL(SHEET "ready again (QEMU)", in8(STATUS) & 0xC0, 0xC0);
    chips_begin();
    out8(CONTROL, 0x1C);
    chips_unmask(7);
    chips_allow();
    CHECK_EQUAL(SHEET "no interrupt by itself", chips_count[7], 0);
    print('B', 0x1C);
    chips_delay_us(50);
    chips_allow();
    CHECK_EQUAL(SHEET "acknowledge interrupts", chips_count[7], 1);
    out8(CONTROL, 0x0C);
    print('C', 0x0C);
    chips_delay_us(50);
    chips_allow();
    CHECK_EQUAL(SHEET "only when enabled", chips_count[7], 1);
    out8(CONTROL, 0x08);
    CHECK_EQUAL(SHEET "INIT makes it busy (QEMU)", in8(STATUS) & 0x80, 0x00);
    out8(CONTROL, 0x0C);
    CHECK_EQUAL(SHEET "ready after INIT", in8(STATUS) & 0x80, 0x80);
    chips_mask_all();
}

static void test_absent(void)
{
    chips_begin();
    chips_unmask(7);
    print('A', 0x1C);
    chips_delay_us(50);
    chips_allow();
    CHECK_EQUAL(SHEET "no printer: no interrupt", chips_count[7], 0);
    CHECK_EQUAL(SHEET "no printer: BUSY floats high, so reads as 0", in8(STATUS) & 0x80, 0x00);
    CHECK_EQUAL(SHEET "no printer: the data register is there", in8(DATA), 'A');
    out8(CONTROL, 0x0C);
    chips_mask_all();
}

void bare_tests(void)
{
    chips_begin();
    out8(CONTROL, 0x0C);
    test_registers();
    test_direction();
    if (in8(STATUS) & 0x80)
        test_printer();
    else
        test_absent();
}
