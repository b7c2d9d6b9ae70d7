/* The printer port.
 * Run alone: meson test -C build parallel */
#include "base/time128.h"
#include "devices/parallel.h"
#include "tests/device/rig.h"

enum { IRQ = 0, DATA = 0x378, STATUS, CONTROL };

static int set_up(void **state)
{
    struct rig *rig = rig_new();
    struct irq_line irq = rig_wire(rig, IRQ);
    rig->chip = parallel_new(rig->bus, DATA, &irq, &rig->sink);
    rig_reset(rig, RESET_POWER_ON);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    rig_free(*state);
    return 0;
}

/* As a BIOS prints: data, strobe up, strobe down. control holds the other bits. */
static void print(struct rig *rig, uint8_t byte, uint8_t control)
{
    rig_out(rig, DATA, byte);
    rig_out(rig, CONTROL, control | 0x01);
    rig_out(rig, CONTROL, control);
}

static void registers_after_reset(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(rig_in(rig, DATA), 0x00);
    assert_int_equal(rig_in(rig, STATUS), 0xDF); /* ready, selected, no error, paper */
    assert_int_equal(rig_in(rig, CONTROL), 0xCC);
    assert_int_equal(rig_in(rig, CONTROL + 1), 0xFF);
}

static void data_and_control_read_back(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, DATA, 0xA5);
    assert_int_equal(rig_in(rig, DATA), 0xA5);
    rig_out(rig, CONTROL, 0xFE);
    assert_int_equal(rig_in(rig, CONTROL), 0xFE);
    rig_out(rig, STATUS, 0x00);
    assert_int_equal(rig_in(rig, STATUS) & 0x78, 0x58); /* read-only */
}

static void a_strobe_prints_a_byte(void **state)
{
    struct rig *rig = *state;
    print(rig, 'A', 0x0C);
    assert_int_equal(rig->sunk_size, 1);
    assert_int_equal(rig->sunk[0], 'A');
    assert_int_equal(rig_in(rig, STATUS) & 0xC0, 0x40); /* busy */
    rig_pass(rig, 4500);
    assert_int_equal(rig_in(rig, STATUS) & 0xC0, 0x00); /* acknowledge pulse */
    rig_pass(rig, 1000);
    assert_int_equal(rig_in(rig, STATUS) & 0xC0, 0xC0);
}

static void only_a_rising_strobe_counts(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, CONTROL, 0x0D);
    rig_pass(rig, 100000);
    rig_out(rig, CONTROL, 0x0D);
    rig_pass(rig, 100000);
    assert_int_equal(rig->sunk_size, 1);
    rig_out(rig, CONTROL, 0x0C);
    assert_int_equal(rig->sunk_size, 1);
}

static void a_busy_printer_takes_nothing(void **state)
{
    struct rig *rig = *state;
    print(rig, 'A', 0x0C);
    print(rig, 'B', 0x0C);
    assert_int_equal(rig->sunk_size, 1);
    rig_pass(rig, 10000);
    print(rig, 'C', 0x0C);
    assert_memory_equal(rig->sunk, "AC", 2);
}

static void the_acknowledge_interrupts(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, CONTROL, 0x1C);
    assert_int_equal(rig->wire[IRQ].rises, 0); /* enabling alone is no event */
    print(rig, 'A', 0x1C);
    assert_int_equal(rig->wire[IRQ].rises, 0);
    rig_pass(rig, 10000);
    assert_int_equal(rig->wire[IRQ].rises, 1);
    print(rig, 'B', 0x1C);
    rig_pass(rig, 10000);
    assert_int_equal(rig->wire[IRQ].rises, 2);
    rig_out(rig, CONTROL, 0x0C);
    assert_false(rig->wire[IRQ].level);
    print(rig, 'C', 0x0C);
    rig_pass(rig, 10000);
    assert_int_equal(rig->wire[IRQ].rises, 2);
}

static void init_stops_the_printer(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, CONTROL, 0x08);
    assert_int_equal(rig_in(rig, STATUS) & 0x80, 0x00);
    print(rig, 'A', 0x08);
    assert_int_equal(rig->sunk_size, 0);
    rig_out(rig, CONTROL, 0x0C);
    assert_int_equal(rig_in(rig, STATUS) & 0x80, 0x80);
}

static void the_lines_turn_around(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, DATA, 0x00);
    rig_out(rig, CONTROL, 0x2C);
    assert_int_equal(rig_in(rig, DATA), 0xFF);
    print(rig, 'A', 0x2C);
    assert_int_equal(rig->sunk_size, 0);
    rig_out(rig, CONTROL, 0x0C);
    assert_int_equal(rig_in(rig, DATA), 'A');
}

static void without_a_printer_nothing_happens(void **state)
{
    struct rig *rig = *state;
    struct irq_line irq = rig_wire(rig, 1);
    parallel_new(rig->bus, 0x278, &irq, NULL);
    assert_int_equal(rig_in(rig, 0x279), 0x7F);
    rig_out(rig, 0x278, 0x5A);
    assert_int_equal(rig_in(rig, 0x278), 0x5A); /* how firmware finds the port */
    rig_out(rig, 0x27A, 0x1D);
    rig_pass(rig, 100000);
    assert_int_equal(rig->wire[1].rises, 0);
    assert_int_equal(rig_in(rig, 0x279), 0x7F);
}

static void reset_calms_the_printer(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, CONTROL, 0x1C);
    print(rig, 'A', 0x1C);
    rig_pass(rig, 10000);
    assert_true(rig->wire[IRQ].level);
    print(rig, 'B', 0x1C); /* the next byte takes the line down */
    assert_false(rig->wire[IRQ].level);
    rig_pass(rig, 10000);
    print(rig, 'C', 0x1C);
    rig_reset(rig, RESET_HARD);
    assert_false(rig->wire[IRQ].level);
    assert_int_equal(rig_in(rig, DATA), 0x00);
    assert_int_equal(rig_in(rig, STATUS), 0xDF);
    unsigned rises = rig->wire[IRQ].rises;
    rig_out(rig, CONTROL, 0x1C);
    rig_pass(rig, 10000);
    assert_int_equal(rig->wire[IRQ].rises, rises); /* the byte's end does not come any more */
    print(rig, 'D', 0x1C);
    rig_out(rig, CONTROL, 0x18); /* INIT in the middle of a byte */
    rig_pass(rig, 10000);
    assert_int_equal(rig->wire[IRQ].rises, rises);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(registers_after_reset),
        TEST(data_and_control_read_back),
        TEST(a_strobe_prints_a_byte),
        TEST(only_a_rising_strobe_counts),
        TEST(a_busy_printer_takes_nothing),
        TEST(the_acknowledge_interrupts),
        TEST(init_stops_the_printer),
        TEST(the_lines_turn_around),
        TEST(without_a_printer_nothing_happens),
        TEST(reset_calms_the_printer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
