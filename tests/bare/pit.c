/* The 8254 and port 61h. Counter 2 is the one whose gate and output software can reach.
 * Run alone: meson test -C build bare-pit
 *
 * QEMU 7.2 fails the checks marked (QEMU): it has no null count and no BCD, a gate does not stop a
 * counter, mode 1's output is upside down, and OUT is not set by the control word alone.
 * Bochs 2.7 passes all. */
#include "chips.h"

enum { CONTROL = 0x43, COUNTER0 = 0x40, COUNTER2 = 0x42, PORT_61 = 0x61 };
#define SHEET "8254 data sheet: "

static void gate(bool level)
{
    out8(PORT_61, level);
}

static bool output(void)
{
    return in8(PORT_61) & 0x20;
}

static void program(uint8_t control, uint16_t count)
{
    out8(CONTROL, 0x80 | control);
    out8(COUNTER2, (uint8_t)count);
    out8(COUNTER2, (uint8_t)(count >> 8));
}

static uint16_t read_word(uint16_t port)
{
    uint8_t low = in8(port);
    return (uint16_t)(low | in8(port) << 8);
}

static uint16_t latch(void)
{
    out8(CONTROL, 0x80);
    return read_word(COUNTER2);
}

static uint8_t status(void)
{
    out8(CONTROL, 0xE8);
    return in8(COUNTER2);
}

/* Waits until the output is level; false when it takes longer than about a second. */
static bool wait_output(bool level)
{
    for (unsigned i = 0; i < 3000000; i++) {
        if (output() == level)
            return true;
    }
    return false;
}

static void test_mode_0(void)
{
    gate(true);
    program(0x30, 60000);
    CHECK(SHEET "mode 0: OUT low", !output());
    uint16_t first = latch(), second = latch();
    CHECK(SHEET "counting", first <= 60000 && first > 50000);
    CHECK(SHEET "down", second <= first);
    CHECK(SHEET "mode 0: OUT high at terminal count", wait_output(true));
    latch();
    CHECK(SHEET "mode 0: wraps", (uint16_t)(latch() - 1) > 40000);
    CHECK_EQUAL(SHEET "status: OUT, word, mode 0", status(), 0xB0);
    program(0x30, 60000);
    CHECK(SHEET "mode 0: a new count lowers OUT", !output());
}

static void test_latch(void)
{
    gate(true);
    program(0x34, 0xF000);
    out8(CONTROL, 0x80);
    for (volatile unsigned i = 0; i < 10000; i++)
        ;
    out8(CONTROL, 0x80); /* ignored: the first one stands */
    uint16_t held = read_word(COUNTER2), now = latch();
    CHECK(SHEET "counter latch command", held > 60000);
    CHECK(SHEET "time went on", now < held);
    out8(CONTROL, 0xC8); /* read-back: count and status */
    CHECK_EQUAL(SHEET "read-back: status first", in8(COUNTER2) & 0x3F, 0x34);
    now = read_word(COUNTER2);
    CHECK(SHEET "read-back: then the count", now < held);
    out8(CONTROL, 0xD8); /* count only */
    CHECK(SHEET "read-back: count", read_word(COUNTER2) < now);
}

static void test_status(void)
{
    static const uint8_t control[] = {0x30, 0x32, 0x34, 0x36, 0x38, 0x3A, 0x35, 0x14, 0x24};
    for (unsigned i = 0; i < sizeof control; i++) {
        out8(CONTROL, 0x80 | control[i]);
        CHECK_EQUAL(SHEET "status shows the control word", status() & 0x3F, control[i]);
    }
    out8(CONTROL, 0xB0);
    CHECK_EQUAL(SHEET "null count until a count is loaded (QEMU)", status() & 0x40, 0x40);
    out8(CONTROL, 0xB0);
    CHECK_EQUAL(SHEET "OUT is low after a mode 0 control word", status() & 0x80, 0x00);
    out8(CONTROL, 0xB4);
    CHECK_EQUAL(SHEET "and high after the others (QEMU)", status() & 0x80, 0x80);
}

static void test_one_byte_counts(void)
{
    gate(true);
    out8(CONTROL, 0x90); /* LSB, mode 0 */
    out8(COUNTER2, 200);
    CHECK(SHEET "LSB only", in8(COUNTER2) <= 200);
    CHECK(SHEET "LSB only: soon over", wait_output(true));
    out8(CONTROL, 0xA0); /* MSB */
    out8(COUNTER2, 0x80);
    uint8_t high = in8(COUNTER2);
    CHECK(SHEET "MSB only", high == 0x7F || high == 0x80);
}

static void test_mode_1(void)
{
    gate(false);
    program(0x32, 20000);
    chips_allow();
    CHECK(SHEET "mode 1: OUT high before the trigger", output());
    gate(true);
    CHECK(SHEET "mode 1: low after it", wait_output(false));
    CHECK(SHEET "mode 1: high at terminal count (QEMU)", wait_output(true));
    gate(false);
    CHECK(SHEET "mode 1: stays high (QEMU)", output());
    gate(true);
    CHECK(SHEET "mode 1: retriggers", wait_output(false));
}

static void test_mode_2(void)
{
    gate(true);
    program(0x34, 1000);
    bool in_range = true;
    for (unsigned i = 0; i < 2000; i++) {
        uint16_t count = latch();
        in_range = in_range && count >= 1 && count <= 1000;
    }
    CHECK(SHEET "mode 2: N to 1", in_range);
    gate(false);
    uint16_t stopped = latch();
    chips_allow();
    CHECK_EQUAL(SHEET "mode 2: gate low stops (QEMU)", latch(), stopped);
    CHECK(SHEET "mode 2: and OUT is high (QEMU)", output());
}

static void test_mode_3(void)
{
    gate(true);
    program(0x36, 20000);
    CHECK(SHEET "mode 3: high half", wait_output(true));
    CHECK(SHEET "mode 3: low half", wait_output(false));
    CHECK(SHEET "mode 3: high again", wait_output(true));
    bool even = true;
    for (unsigned i = 0; i < 2000; i++)
        even = even && latch() % 2 == 0;
    CHECK(SHEET "mode 3: counts by two", even);
}

static void test_bcd(void)
{
    gate(true);
    program(0x35, 0x9999);
    bool decimal = true;
    for (unsigned i = 0; i < 2000; i++) {
        uint16_t count = latch();
        for (unsigned digit = 0; digit < 16; digit += 4)
            decimal = decimal && (count >> digit & 15) < 10;
    }
    CHECK(SHEET "BCD digits (QEMU)", decimal);
}

static void test_gate_mode_0(void)
{
    gate(false);
    program(0x30, 1000);
    for (volatile unsigned i = 0; i < 200000; i++)
        ;
    CHECK(SHEET "mode 0: gate low holds the count (QEMU)", !output());
    gate(true);
    CHECK(SHEET "mode 0: and lets it go", wait_output(true));
}

/* IRQ 0 and counter 2 run off one clock. */
static void test_irq0(void)
{
    out8(CONTROL, 0x34);
    out8(COUNTER0, (uint8_t)11932);
    out8(COUNTER0, 11932 >> 8); /* 100 Hz */
    chips_begin();
    chips_unmask(0);
    for (unsigned i = 0; i < 10 && !chips_count[0]; i++) {
        chips_delay_us(5000);
        chips_allow();
    }
    CHECK_EQUAL(SHEET "mode 2 interrupts", chips_count[0], 1);
    chips_forget();
    for (unsigned i = 0; i < 10; i++) {
        chips_delay_us(20000);
        chips_allow();
    }
    /* Twenty periods, seen ten times: each look takes at least one. */
    CHECK(SHEET "mode 2 goes on", chips_count[0] >= 9 && chips_count[0] <= 21);
    chips_mask_all();
    out8(CONTROL, 0x30); /* mode 0: OUT low, the line falls */
    chips_begin();
    out8(COUNTER0, 100);
    out8(COUNTER0, 0);
    chips_unmask(0);
    chips_delay_us(40000);
    chips_allow();
    chips_delay_us(40000);
    chips_allow();
    CHECK_EQUAL(SHEET "mode 0: once", chips_count[0], 1);
    chips_mask_all();
}

static void test_port_61(void)
{
    out8(PORT_61, 0x03);
    CHECK_EQUAL("PIIX3: port 61h bits 0 and 1", in8(PORT_61) & 0x03, 0x03);
    out8(PORT_61, 0x00);
    CHECK_EQUAL("PIIX3: port 61h bits 0 and 1", in8(PORT_61) & 0x03, 0x00);
    CHECK_EQUAL("PIIX3: port 61h: no NMI source active", in8(PORT_61) & 0xC0, 0x00);
    unsigned toggles = 0;
    uint8_t last = in8(PORT_61) & 0x10;
    for (unsigned i = 0; i < 100000; i++) {
        uint8_t bit = in8(PORT_61) & 0x10;
        toggles += bit != last;
        last = bit;
    }
    CHECK("PIIX3: port 61h bit 4 toggles with refresh", toggles > 10);
}

void bare_tests(void)
{
    chips_begin();
    test_mode_0();
    test_latch();
    test_status();
    test_one_byte_counts();
    test_mode_1();
    test_mode_2();
    test_mode_3();
    test_bcd();
    test_gate_mode_0();
    test_irq0();
    test_port_61();
}
