/* Debug console, debug exit, and the numeric error port.
 * Run alone: meson test -C build small_ports */
#include "devices/debug_console.h"
#include "devices/debug_exit.h"
#include "devices/ferr.h"
#include "tests/device/rig.h"

enum { IRQ13 = 0 };

static int set_up(void **state)
{
    struct rig *rig = rig_new();
    struct irq_line irq13 = rig_wire(rig, IRQ13);
    debug_console_new(rig->bus, &rig->sink);
    debug_exit_new(rig->bus);
    rig->chip = ferr_new(rig->bus, &irq13);
    rig_reset(rig, RESET_POWER_ON);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    rig_free(*state);
    return 0;
}

static void the_debug_consoles_write_and_identify(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(rig_in(rig, 0xE9), 0xE9);
    assert_int_equal(rig_in(rig, 0x402), 0xE9);
    rig_out(rig, 0xE9, 'h');
    rig_out(rig, 0x402, 'i');
    assert_int_equal(rig->sunk_size, 2);
    assert_memory_equal(rig->sunk, "hi", 2);
}

static void debug_exit_asks_for_the_exit(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(rig_in(rig, 0xF4), 0);
    assert_int_equal(rig_in(rig, 0x501), 0);
    rig_out(rig, 0xF4, 0);
    assert_int_equal(rig->exits, 1);
    assert_int_equal(rig->exit_value, 0);
    rig_out(rig, 0x501, 3);
    assert_int_equal(rig->exits, 2);
    assert_int_equal(rig->exit_value, 3);
    bus_port_write(rig->bus, 0xF4, 0x31, 4);
    assert_int_equal(rig->exits, 3);
    assert_int_equal(rig->exit_value, 0x31);
}

static void ferr_raises_irq_13_until_f0_is_written(void **state)
{
    struct rig *rig = *state;
    ferr_set(rig->chip, true);
    assert_true(rig->wire[IRQ13].level);
    assert_false(ferr_ignne(rig->chip));
    rig_out(rig, 0xF0, 0);
    assert_false(rig->wire[IRQ13].level);
    assert_true(ferr_ignne(rig->chip)); /* FNSTSW, FNCLEX may run now */
    ferr_set(rig->chip, false);
    assert_false(ferr_ignne(rig->chip));
    ferr_set(rig->chip, true);
    assert_int_equal(rig->wire[IRQ13].rises, 2);
}

static void the_latch_outlives_ferr(void **state)
{
    struct rig *rig = *state;
    ferr_set(rig->chip, true);
    ferr_set(rig->chip, false);
    assert_true(rig->wire[IRQ13].level);
    rig_out(rig, 0xF1, 0);
    assert_false(rig->wire[IRQ13].level);
    assert_false(ferr_ignne(rig->chip)); /* nothing is pending */
}

static void f0_without_an_error_does_nothing(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, 0xF0, 0);
    assert_false(ferr_ignne(rig->chip));
    assert_int_equal(rig_in(rig, 0xF0), 0xFF);
    ferr_set(rig->chip, true);
    rig_reset(rig, RESET_HARD);
    assert_false(rig->wire[IRQ13].level);
}

static void reset_ends_ignne(void **state)
{
    struct rig *rig = *state;
    ferr_set(rig->chip, true);
    rig_out(rig, 0xF0, 0);
    assert_true(ferr_ignne(rig->chip));
    ferr_set(rig->chip, true); /* no edge: no second interrupt */
    assert_false(rig->wire[IRQ13].level);
    rig_reset(rig, RESET_HARD);
    assert_false(ferr_ignne(rig->chip));
    ferr_set(rig->chip, false);
    assert_int_equal(rig->wire[IRQ13].rises, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_debug_consoles_write_and_identify),  TEST(debug_exit_asks_for_the_exit),
        TEST(ferr_raises_irq_13_until_f0_is_written), TEST(the_latch_outlives_ferr),
        TEST(f0_without_an_error_does_nothing),       TEST(reset_ends_ignne),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
