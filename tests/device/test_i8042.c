/* 8042 keyboard controller (IBM PS/2 technical reference).
 * Run alone: build/tests/device/test_i8042 */
#include "tests/device/ps2_rig.h"

static void self_test_passes(void **state)
{
    ps2_command(*state, 0xAA);
    EXPECT_ONLY(*state, 0x55);
}

static void interface_tests_pass(void **state)
{
    ps2_command(*state, 0xA9);
    EXPECT(*state, 0x00);
    ps2_command(*state, 0xAB);
    EXPECT_ONLY(*state, 0x00);
}

static void command_byte_reads_back(void **state)
{
    ps2_set_command_byte(*state, 0x65);
    ps2_command(*state, 0x20);
    EXPECT(*state, 0x65);
    assert_int_equal(rig_in(((struct ps2_rig *)*state)->rig, 0x64) & 0x04, 0x04);
}

static void ram_reads_back(void **state)
{
    struct ps2_rig *ps2 = *state;
    for (uint8_t i = 1; i < 32; i++) {
        ps2_command(ps2, 0x60 + i);
        rig_out(ps2->rig, 0x60, 0x80 + i);
    }
    for (uint8_t i = 1; i < 32; i++) {
        ps2_command(ps2, 0x20 + i);
        EXPECT(ps2, (uint8_t)(0x80 + i));
    }
}

static void status_says_command_or_data(void **state)
{
    struct ps2_rig *ps2 = *state;
    ps2_command(ps2, 0xD1);
    assert_int_equal(rig_in(ps2->rig, 0x64), 0x18);
    rig_out(ps2->rig, 0x60, 0xDF);
    assert_int_equal(rig_in(ps2->rig, 0x64), 0x10);
}

static void output_buffer_raises_irq_1(void **state)
{
    struct ps2_rig *ps2 = *state;
    ps2_command(ps2, 0xD2);
    rig_out(ps2->rig, 0x60, 0x42);
    assert_true(ps2->rig->wire[1].level);
    assert_int_equal(rig_in(ps2->rig, 0x64) & 0x21, 0x01);
    assert_int_equal(rig_in(ps2->rig, 0x60), 0x42);
    assert_false(ps2->rig->wire[1].level);
    assert_int_equal(rig_in(ps2->rig, 0x60), 0x42); /* reads again */
}

static void aux_buffer_raises_irq_12(void **state)
{
    struct ps2_rig *ps2 = *state;
    ps2_command(ps2, 0xD3);
    rig_out(ps2->rig, 0x60, 0x43);
    assert_true(ps2->rig->wire[12].level);
    assert_false(ps2->rig->wire[1].level);
    assert_int_equal(rig_in(ps2->rig, 0x64) & 0x21, 0x21);
    assert_int_equal(rig_in(ps2->rig, 0x60), 0x43);
    assert_false(ps2->rig->wire[12].level);
}

static void interrupts_can_be_off(void **state)
{
    struct ps2_rig *ps2 = *state;
    ps2_set_command_byte(ps2, 0x00);
    ps2_command(ps2, 0xD2);
    rig_out(ps2->rig, 0x60, 0x42);
    assert_false(ps2->rig->wire[1].level);
    ps2_set_command_byte(ps2, 0x01);
    assert_true(ps2->rig->wire[1].level);
}

static void output_port_gates_a20(void **state)
{
    struct ps2_rig *ps2 = *state;
    ps2_command(ps2, 0xD1);
    rig_out(ps2->rig, 0x60, 0xDD);
    assert_false(ps2->rig->a20);
    ps2_command(ps2, 0xD0);
    assert_int_equal(ps2_next(ps2) & 0x03, 0x01);
    ps2_command(ps2, 0xD1);
    rig_out(ps2->rig, 0x60, 0xDF);
    assert_true(ps2->rig->a20);
    ps2_command(ps2, 0xD0);
    assert_int_equal(ps2_next(ps2) & 0x03, 0x03);
}

static void a20_commands(void **state)
{
    struct ps2_rig *ps2 = *state;
    ps2_command(ps2, 0xDD);
    assert_false(ps2->rig->a20);
    ps2_command(ps2, 0xDF);
    assert_true(ps2->rig->a20);
}

static void pulse_resets_the_processor(void **state)
{
    struct ps2_rig *ps2 = *state;
    ps2_command(ps2, 0xFF);
    assert_int_equal(ps2->rig->cpu_resets, 0);
    ps2_command(ps2, 0xFE);
    assert_int_equal(ps2->rig->cpu_resets, 1);
    ps2_command(ps2, 0xF0);
    assert_int_equal(ps2->rig->cpu_resets, 2);
}

static void output_port_bit_0_resets(void **state)
{
    struct ps2_rig *ps2 = *state;
    ps2_command(ps2, 0xD1);
    rig_out(ps2->rig, 0x60, 0xDE);
    assert_int_equal(ps2->rig->cpu_resets, 1);
}

static void keyboard_can_be_inhibited(void **state)
{
    struct ps2_rig *ps2 = *state;
    ps2_command(ps2, 0xAD);
    ps2_keyboard_key(ps2->keyboard, KEY_SPACE, true);
    assert_int_equal(ps2_next(ps2), NO_BYTE);
    ps2_command(ps2, 0xAE);
    EXPECT(ps2, 0x29);
}

static void sending_enables_the_keyboard(void **state)
{
    struct ps2_rig *ps2 = *state;
    ps2_command(ps2, 0xAD);
    rig_out(ps2->rig, 0x60, 0xEE);
    EXPECT(ps2, 0xEE);
    ps2_command(ps2, 0x20);
    EXPECT(ps2, 0x03);
}

static void aux_can_be_inhibited(void **state)
{
    struct ps2_rig *ps2 = *state;
    ps2_to_mouse(ps2, 0xF4);
    EXPECT(ps2, 0xFA);
    ps2_command(ps2, 0xA7);
    ps2_mouse_move(ps2->mouse, 1, 0, 0, 0);
    assert_int_equal(ps2_next(ps2), NO_BYTE);
    ps2_command(ps2, 0x20);
    EXPECT(ps2, 0x23);
    ps2_command(ps2, 0xA8);
    assert_int_equal(ps2_next(ps2), 0x08 | FROM_AUX);
}

static void bytes_take_their_time(void **state)
{
    struct ps2_rig *ps2 = *state;
    ps2_keyboard_key(ps2->keyboard, KEY_SPACE, true);
    assert_int_equal(rig_in(ps2->rig, 0x64) & 1, 0);
    rig_pass(ps2->rig, 800 * NS_PER_MICROSECOND);
    assert_int_equal(rig_in(ps2->rig, 0x64) & 1, 0);
    rig_pass(ps2->rig, 100 * NS_PER_MICROSECOND);
    assert_int_equal(rig_in(ps2->rig, 0x64) & 1, 1);
}

static void unread_byte_holds_the_next(void **state)
{
    struct ps2_rig *ps2 = *state;
    ps2_keyboard_key(ps2->keyboard, KEY_SPACE, true);
    ps2_keyboard_key(ps2->keyboard, KEY_ENTER, true);
    rig_pass(ps2->rig, 10 * NS_PER_MILLISECOND);
    EXPECT_ONLY(ps2, 0x29, 0x5A);
}

static void translation_joins_break_codes(void **state)
{
    struct ps2_rig *ps2 = *state;
    ps2_set_command_byte(ps2, 0x43);
    ps2_keyboard_key(ps2->keyboard, KEY_SPACE, true);
    ps2_keyboard_key(ps2->keyboard, KEY_SPACE, false);
    EXPECT_ONLY(ps2, 0x39, 0xB9);
}

static void translation_covers_every_key(void **state)
{
    static const uint16_t keys[] = {0x01, 0x10, 0x1E, 0x2B, 0x2C, 0x36, 0x37, 0x3A, 0x41,
                                    0x44, 0x45, 0x46, 0x47, 0x4A, 0x4E, 0x53, 0x56, 0x57,
                                    0x58, 0x1D, 0x38, 0x0E, 0x0F, 0x1C, 0x29};
    struct ps2_rig *ps2 = *state;
    ps2_set_command_byte(ps2, 0x43);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        ps2_keyboard_key(ps2->keyboard, keys[i], true);
        ps2_keyboard_key(ps2->keyboard, keys[i], false);
        EXPECT(ps2, (uint8_t)keys[i], (uint8_t)(keys[i] | 0x80));
    }
}

static void input_and_test_ports(void **state)
{
    struct ps2_rig *ps2 = *state;
    ps2_command(ps2, 0xC0);
    assert_int_equal(ps2_next(ps2) & 0x80, 0x80); /* not locked */
    ps2_command(ps2, 0xE0);
    EXPECT(ps2, 0x03);
    ps2_command(ps2, 0xC2);
    assert_int_equal(rig_in(ps2->rig, 0x64) >> 4, 0x0B);
    ps2_command(ps2, 0xAE);
    assert_int_equal(rig_in(ps2->rig, 0x64) >> 4, 0x01);
}

static void diagnostic_dump_has_19_bytes(void **state)
{
    ps2_command(*state, 0xAC);
    EXPECT(*state, 0x03);
    for (unsigned i = 0; i < 18; i++)
        assert_int_not_equal(ps2_next(*state), NO_BYTE);
    assert_int_equal(ps2_next(*state), NO_BYTE);
}

static void no_password_is_installed(void **state)
{
    ps2_command(*state, 0xA4);
    EXPECT(*state, 0xF1);
}

static void absent_devices_time_out(void **state)
{
    struct rig *rig = rig_new_empty();
    struct irq_line line = rig_wire(rig, 1);
    i8042_new(rig->bus, a20_gate_new(rig->bus), &line, &line, NULL, NULL);
    rig_out(rig, 0x60, 0xED);
    assert_int_equal(rig_in(rig, 0x64) & 0x41, 0x41);
    assert_int_equal(rig_in(rig, 0x60), 0xFE);
    rig_free(rig);
}

static void reset_closes_both_interfaces(void **state)
{
    struct ps2_rig *ps2 = *state;
    bus_reset_devices(ps2->rig->bus, RESET_HARD);
    ps2_command(ps2, 0x20);
    EXPECT(ps2, 0x30);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        PS2_CASE(self_test_passes),
        PS2_CASE(interface_tests_pass),
        PS2_CASE(command_byte_reads_back),
        PS2_CASE(ram_reads_back),
        PS2_CASE(status_says_command_or_data),
        PS2_CASE(output_buffer_raises_irq_1),
        PS2_CASE(aux_buffer_raises_irq_12),
        PS2_CASE(interrupts_can_be_off),
        PS2_CASE(output_port_gates_a20),
        PS2_CASE(a20_commands),
        PS2_CASE(pulse_resets_the_processor),
        PS2_CASE(output_port_bit_0_resets),
        PS2_CASE(keyboard_can_be_inhibited),
        PS2_CASE(sending_enables_the_keyboard),
        PS2_CASE(aux_can_be_inhibited),
        PS2_CASE(bytes_take_their_time),
        PS2_CASE(unread_byte_holds_the_next),
        PS2_CASE(translation_joins_break_codes),
        PS2_CASE(translation_covers_every_key),
        PS2_CASE(input_and_test_ports),
        PS2_CASE(diagnostic_dump_has_19_bytes),
        PS2_CASE(no_password_is_installed),
        PS2_CASE(absent_devices_time_out),
        PS2_CASE(reset_closes_both_interfaces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
