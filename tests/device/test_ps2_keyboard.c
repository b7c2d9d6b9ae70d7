/* PS/2 keyboard (IBM PS/2 technical reference, Keyboards).
 * Run alone: build/tests/device/test_ps2_keyboard */
#include "tests/device/ps2_rig.h"

static void send(struct ps2_rig *ps2, uint8_t byte)
{
    rig_out(ps2->rig, 0x60, byte);
}

static void press(struct ps2_rig *ps2, enum key key)
{
    ps2_keyboard_key(ps2->keyboard, key, true);
}

static void release(struct ps2_rig *ps2, enum key key)
{
    ps2_keyboard_key(ps2->keyboard, key, false);
}

static void select_set(struct ps2_rig *ps2, uint8_t set)
{
    send(ps2, 0xF0);
    EXPECT(ps2, 0xFA);
    send(ps2, set);
    EXPECT(ps2, 0xFA);
}

static void set_leds(struct ps2_rig *ps2, uint8_t leds)
{
    send(ps2, 0xED);
    EXPECT(ps2, 0xFA);
    send(ps2, leds);
    EXPECT(ps2, 0xFA);
}

static void reset_tests_itself(void **state)
{
    send(*state, 0xFF);
    EXPECT_ONLY(*state, 0xFA, 0xAA);
}

static void echo_and_identity(void **state)
{
    send(*state, 0xEE);
    EXPECT_ONLY(*state, 0xEE);
    send(*state, 0xF2);
    EXPECT_ONLY(*state, 0xFA, 0xAB, 0x83);
}

static void unknown_commands_ask_again(void **state)
{
    send(*state, 0xEF);
    EXPECT_ONLY(*state, 0xFE);
    send(*state, 0x12);
    EXPECT_ONLY(*state, 0xFE);
}

static void resend_repeats_the_last_byte(void **state)
{
    struct ps2_rig *ps2 = *state;
    press(ps2, KEY_SPACE);
    EXPECT(ps2, 0x29);
    release(ps2, KEY_SPACE);
    EXPECT_ONLY(ps2, 0xF0, 0x29);
    send(ps2, 0xFE);
    EXPECT_ONLY(ps2, 0x29);
}

static void leds_are_kept(void **state)
{
    struct ps2_rig *ps2 = *state;
    set_leds(ps2, 0x05);
    assert_int_equal(ps2_keyboard_leds(ps2->keyboard), 0x05);
    send(ps2, 0xFF);
    EXPECT(ps2, 0xFA, 0xAA);
    assert_int_equal(ps2_keyboard_leds(ps2->keyboard), 0);
}

static void command_instead_of_argument(void **state)
{
    struct ps2_rig *ps2 = *state;
    send(ps2, 0xED);
    EXPECT(ps2, 0xFA);
    send(ps2, 0xEE);
    EXPECT_ONLY(ps2, 0xEE);
    assert_int_equal(ps2_keyboard_leds(ps2->keyboard), 0);
}

static void set_2_make_and_break(void **state)
{
    struct ps2_rig *ps2 = *state;
    press(ps2, 0x1E);
    release(ps2, 0x1E);
    EXPECT(ps2, 0x1C, 0xF0, 0x1C);
    press(ps2, KEY_RIGHT_CTRL);
    release(ps2, KEY_RIGHT_CTRL);
    EXPECT_ONLY(ps2, 0xE0, 0x14, 0xE0, 0xF0, 0x14);
}

static void set_1_make_and_break(void **state)
{
    struct ps2_rig *ps2 = *state;
    select_set(ps2, 1);
    press(ps2, 0x1E);
    release(ps2, 0x1E);
    EXPECT(ps2, 0x1E, 0x9E);
    press(ps2, KEY_UP);
    release(ps2, KEY_UP);
    EXPECT_ONLY(ps2, 0xE0, 0x48, 0xE0, 0xC8);
}

static void set_3_defaults(void **state)
{
    struct ps2_rig *ps2 = *state;
    select_set(ps2, 3);
    press(ps2, 0x1E); /* typematic, no break */
    release(ps2, 0x1E);
    EXPECT(ps2, 0x1C);
    press(ps2, KEY_LEFT_SHIFT); /* make and break */
    release(ps2, KEY_LEFT_SHIFT);
    EXPECT(ps2, 0x12, 0xF0, 0x12);
    press(ps2, KEY_F1); /* make only */
    release(ps2, KEY_F1);
    EXPECT(ps2, 0x07);
    press(ps2, KEY_PAUSE);
    release(ps2, KEY_PAUSE);
    EXPECT_ONLY(ps2, 0x62);
}

static void set_3_modes_of_all_keys(void **state)
{
    struct ps2_rig *ps2 = *state;
    select_set(ps2, 3);
    send(ps2, 0xF8);
    EXPECT(ps2, 0xFA);
    press(ps2, 0x1E);
    release(ps2, 0x1E);
    EXPECT_ONLY(ps2, 0x1C, 0xF0, 0x1C);
    send(ps2, 0xF9);
    EXPECT(ps2, 0xFA);
    press(ps2, KEY_LEFT_SHIFT);
    release(ps2, KEY_LEFT_SHIFT);
    EXPECT_ONLY(ps2, 0x12);
}

static void set_3_mode_of_one_key(void **state)
{
    struct ps2_rig *ps2 = *state;
    select_set(ps2, 3);
    send(ps2, 0xFC);
    EXPECT(ps2, 0xFA);
    send(ps2, 0x1C);
    EXPECT(ps2, 0xFA);
    send(ps2, 0x15);
    EXPECT(ps2, 0xFA);
    send(ps2, 0xF4);
    EXPECT(ps2, 0xFA);
    press(ps2, 0x1E);
    release(ps2, 0x1E);
    press(ps2, 0x10);
    release(ps2, 0x10);
    press(ps2, 0x11);
    release(ps2, 0x11);
    EXPECT_ONLY(ps2, 0x1C, 0xF0, 0x1C, 0x15, 0xF0, 0x15, 0x1D);
}

static void scan_set_can_be_asked(void **state)
{
    struct ps2_rig *ps2 = *state;
    send(ps2, 0xF0);
    EXPECT(ps2, 0xFA);
    send(ps2, 0);
    EXPECT_ONLY(ps2, 0xFA, 0x02);
    send(ps2, 0xF0);
    EXPECT(ps2, 0xFA);
    send(ps2, 4);
    EXPECT_ONLY(ps2, 0xFE);
}

static void pause_and_break(void **state)
{
    struct ps2_rig *ps2 = *state;
    press(ps2, KEY_PAUSE);
    EXPECT_ONLY(ps2, 0xE1, 0x14, 0x77, 0xE1, 0xF0, 0x14, 0xF0, 0x77);
    release(ps2, KEY_PAUSE);
    press(ps2, KEY_LEFT_CTRL);
    press(ps2, KEY_PAUSE);
    release(ps2, KEY_PAUSE);
    release(ps2, KEY_LEFT_CTRL);
    EXPECT_ONLY(ps2, 0x14, 0xE0, 0x7E, 0xE0, 0xF0, 0x7E, 0xF0, 0x14);
}

static void print_screen_and_system_request(void **state)
{
    struct ps2_rig *ps2 = *state;
    press(ps2, KEY_PRINT_SCREEN);
    release(ps2, KEY_PRINT_SCREEN);
    EXPECT_ONLY(ps2, 0xE0, 0x12, 0xE0, 0x7C, 0xE0, 0xF0, 0x7C, 0xE0, 0xF0, 0x12);
    press(ps2, KEY_LEFT_CTRL);
    press(ps2, KEY_PRINT_SCREEN);
    release(ps2, KEY_PRINT_SCREEN);
    release(ps2, KEY_LEFT_CTRL);
    EXPECT_ONLY(ps2, 0x14, 0xE0, 0x7C, 0xE0, 0xF0, 0x7C, 0xF0, 0x14);
    press(ps2, KEY_LEFT_ALT);
    press(ps2, KEY_PRINT_SCREEN);
    release(ps2, KEY_PRINT_SCREEN);
    EXPECT_ONLY(ps2, 0x11, 0x84, 0xF0, 0x84);
}

static void grey_keys_pretend_shift(void **state)
{
    struct ps2_rig *ps2 = *state;
    set_leds(ps2, 0x02); /* Num Lock */
    press(ps2, KEY_HOME);
    release(ps2, KEY_HOME);
    EXPECT_ONLY(ps2, 0xE0, 0x12, 0xE0, 0x6C, 0xE0, 0xF0, 0x6C, 0xE0, 0xF0, 0x12);
    set_leds(ps2, 0x00);
    press(ps2, KEY_RIGHT_SHIFT);
    press(ps2, KEY_HOME);
    release(ps2, KEY_HOME);
    EXPECT_ONLY(ps2, 0x59, 0xE0, 0xF0, 0x59, 0xE0, 0x6C, 0xE0, 0xF0, 0x6C, 0xE0, 0x59);
}

static void typematic_repeats_the_last_key(void **state)
{
    struct ps2_rig *ps2 = *state;
    press(ps2, 0x1E);
    press(ps2, 0x1F);
    EXPECT(ps2, 0x1C, 0x1B);
    rig_pass(ps2->rig, 490 * NS_PER_MILLISECOND);
    assert_int_equal(rig_in(ps2->rig, 0x64) & 1, 0);
    rig_pass(ps2->rig, 20 * NS_PER_MILLISECOND);
    assert_int_equal(ps2_next(ps2), 0x1B);
    rig_pass(ps2->rig, 80 * NS_PER_MILLISECOND); /* 92 ms period */
    assert_int_equal(rig_in(ps2->rig, 0x64) & 1, 0);
    rig_pass(ps2->rig, 20 * NS_PER_MILLISECOND);
    assert_int_equal(ps2_next(ps2), 0x1B);
    release(ps2, 0x1F);
    EXPECT_ONLY(ps2, 0xF0, 0x1B);
}

static void typematic_rate_can_be_set(void **state)
{
    struct ps2_rig *ps2 = *state;
    send(ps2, 0xF3);
    EXPECT(ps2, 0xFA);
    send(ps2, 0x00); /* 250 ms, 30 a second */
    EXPECT(ps2, 0xFA);
    press(ps2, 0x1E);
    EXPECT(ps2, 0x1C);
    rig_pass(ps2->rig, 240 * NS_PER_MILLISECOND);
    assert_int_equal(rig_in(ps2->rig, 0x64) & 1, 0);
    rig_pass(ps2->rig, 20 * NS_PER_MILLISECOND);
    assert_int_equal(ps2_next(ps2), 0x1C);
    rig_pass(ps2->rig, 34 * NS_PER_MILLISECOND);
    assert_int_equal(rig_in(ps2->rig, 0x64) & 1, 1);
}

static void held_key_is_pressed_once(void **state)
{
    struct ps2_rig *ps2 = *state;
    press(ps2, 0x1E);
    press(ps2, 0x1E);
    release(ps2, 0x1E);
    release(ps2, 0x1E);
    EXPECT_ONLY(ps2, 0x1C, 0xF0, 0x1C);
}

static void disable_stops_scanning(void **state)
{
    struct ps2_rig *ps2 = *state;
    send(ps2, 0xF5);
    EXPECT(ps2, 0xFA);
    press(ps2, 0x1E);
    release(ps2, 0x1E);
    assert_int_equal(ps2_next(ps2), NO_BYTE);
    send(ps2, 0xF4);
    EXPECT(ps2, 0xFA);
    press(ps2, 0x1E);
    EXPECT(ps2, 0x1C);
}

static void full_buffer_says_overrun(void **state)
{
    struct ps2_rig *ps2 = *state;
    ps2_command(ps2, 0xAD);
    for (unsigned i = 0; i < 10; i++) {
        press(ps2, 0x1E);
        release(ps2, 0x1E);
    }
    ps2_command(ps2, 0xAE);
    for (unsigned i = 0; i < 5; i++)
        EXPECT(ps2, 0x1C, 0xF0, 0x1C);
    EXPECT_ONLY(ps2, 0x1C, 0x00);
    assert_int_equal(ps2_keyboard_room(ps2->keyboard), 16);
    press(ps2, KEY_SPACE);
    assert_int_equal(ps2_keyboard_room(ps2->keyboard), 0);
    EXPECT(ps2, 0x29);
}

static void unknown_keys_are_ignored(void **state)
{
    struct ps2_rig *ps2 = *state;
    press(ps2, 0x7F);
    press(ps2, 0xE07F);
    assert_int_equal(ps2_next(ps2), NO_BYTE);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        PS2_CASE(reset_tests_itself),
        PS2_CASE(echo_and_identity),
        PS2_CASE(unknown_commands_ask_again),
        PS2_CASE(resend_repeats_the_last_byte),
        PS2_CASE(leds_are_kept),
        PS2_CASE(command_instead_of_argument),
        PS2_CASE(set_2_make_and_break),
        PS2_CASE(set_1_make_and_break),
        PS2_CASE(set_3_defaults),
        PS2_CASE(set_3_modes_of_all_keys),
        PS2_CASE(set_3_mode_of_one_key),
        PS2_CASE(scan_set_can_be_asked),
        PS2_CASE(pause_and_break),
        PS2_CASE(print_screen_and_system_request),
        PS2_CASE(grey_keys_pretend_shift),
        PS2_CASE(typematic_repeats_the_last_key),
        PS2_CASE(typematic_rate_can_be_set),
        PS2_CASE(held_key_is_pressed_once),
        PS2_CASE(disable_stops_scanning),
        PS2_CASE(full_buffer_says_overrun),
        PS2_CASE(unknown_keys_are_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
