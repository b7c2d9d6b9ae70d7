/* PS/2 mouse with wheel and five buttons (IBM PS/2 technical reference, Mouse; Microsoft).
 * Run alone: build/tests/device/test_ps2_mouse */
#include "tests/device/ps2_rig.h"

static void send(struct ps2_rig *ps2, uint8_t byte)
{
    ps2_to_mouse(ps2, byte);
}

static void set(struct ps2_rig *ps2, uint8_t command, uint8_t argument)
{
    send(ps2, command);
    EXPECT(ps2, 0xFA);
    send(ps2, argument);
    EXPECT(ps2, 0xFA);
}

static void enable(struct ps2_rig *ps2)
{
    send(ps2, 0xF4);
    EXPECT(ps2, 0xFA);
}

static void knock(struct ps2_rig *ps2, uint8_t middle)
{
    set(ps2, 0xF3, 200);
    set(ps2, 0xF3, middle);
    set(ps2, 0xF3, 80);
}

static void reset_tests_itself(void **state)
{
    send(*state, 0xFF);
    assert_int_equal(ps2_next(*state), 0xFA | FROM_AUX);
    EXPECT_ONLY(*state, 0xAA, 0x00);
}

static void identity(void **state)
{
    send(*state, 0xF2);
    EXPECT_ONLY(*state, 0xFA, 0x00);
}

static void status_after_reset(void **state)
{
    send(*state, 0xE9);
    EXPECT_ONLY(*state, 0xFA, 0x00, 0x02, 100);
}

static void status_shows_settings(void **state)
{
    struct ps2_rig *ps2 = *state;
    set(ps2, 0xE8, 3);
    set(ps2, 0xF3, 40);
    send(ps2, 0xE7);
    EXPECT(ps2, 0xFA);
    enable(ps2);
    ps2_mouse_move(ps2->mouse, 0, 0, 0, MOUSE_LEFT);
    send(ps2, 0xE9);
    EXPECT(ps2, 0xFA, 0x34, 3, 40);
    send(ps2, 0xF0);
    EXPECT(ps2, 0xFA);
    send(ps2, 0xE9);
    EXPECT(ps2, 0xFA, 0x74, 3, 40);
    send(ps2, 0xF6);
    EXPECT(ps2, 0xFA);
    send(ps2, 0xE9);
    EXPECT(ps2, 0xFA, 0x04, 2, 100);
}

static void disabled_mouse_is_silent(void **state)
{
    struct ps2_rig *ps2 = *state;
    ps2_mouse_move(ps2->mouse, 5, 5, 0, MOUSE_LEFT);
    assert_int_equal(ps2_next(ps2), NO_BYTE);
}

static void movement_report(void **state)
{
    struct ps2_rig *ps2 = *state;
    enable(ps2);
    ps2_mouse_move(ps2->mouse, 5, -3, 0, MOUSE_LEFT | MOUSE_RIGHT);
    assert_int_equal(ps2_next(ps2), 0x2B | FROM_AUX);
    EXPECT_ONLY(ps2, 5, 0xFD);
}

static void large_movements_are_split(void **state)
{
    struct ps2_rig *ps2 = *state;
    enable(ps2);
    ps2_mouse_move(ps2->mouse, -300, 0, 0, 0);
    EXPECT(ps2, 0x18, 0x01, 0x00);
    EXPECT_ONLY(ps2, 0x18, (uint8_t)-45, 0x00);
}

static void sample_rate_paces_reports(void **state)
{
    struct ps2_rig *ps2 = *state;
    set(ps2, 0xF3, 10);
    enable(ps2);
    ps2_mouse_move(ps2->mouse, 1, 0, 0, 0);
    EXPECT(ps2, 0x08, 1, 0);
    ps2_mouse_move(ps2->mouse, 2, 0, 0, 0);
    ps2_mouse_move(ps2->mouse, 3, 0, 0, 0);
    rig_pass(ps2->rig, 80 * NS_PER_MILLISECOND);
    assert_int_equal(rig_in(ps2->rig, 0x64) & 1, 0);
    EXPECT_ONLY(ps2, 0x08, 5, 0);
}

static void button_change_is_reported(void **state)
{
    struct ps2_rig *ps2 = *state;
    enable(ps2);
    ps2_mouse_move(ps2->mouse, 0, 0, 0, MOUSE_MIDDLE);
    EXPECT(ps2, 0x0C, 0, 0);
    ps2_mouse_move(ps2->mouse, 0, 0, 0, 0);
    EXPECT_ONLY(ps2, 0x08, 0, 0);
}

static void wheel_after_knock(void **state)
{
    struct ps2_rig *ps2 = *state;
    knock(ps2, 100);
    send(ps2, 0xF2);
    EXPECT(ps2, 0xFA, 0x03);
    enable(ps2);
    ps2_mouse_move(ps2->mouse, 0, 0, -1, 0);
    EXPECT_ONLY(ps2, 0x08, 0, 0, 0xFF);
}

static void five_buttons_after_knock(void **state)
{
    struct ps2_rig *ps2 = *state;
    knock(ps2, 100);
    knock(ps2, 200);
    send(ps2, 0xF2);
    EXPECT(ps2, 0xFA, 0x04);
    enable(ps2);
    ps2_mouse_move(ps2->mouse, 0, 0, 2, MOUSE_SIDE);
    EXPECT(ps2, 0x08, 0, 0, 0x12);
    ps2_mouse_move(ps2->mouse, 0, 0, -1, MOUSE_EXTRA);
    EXPECT_ONLY(ps2, 0x08, 0, 0, 0x2F);
}

static void wheel_is_silent_without_knock(void **state)
{
    struct ps2_rig *ps2 = *state;
    enable(ps2);
    ps2_mouse_move(ps2->mouse, 0, 0, 1, MOUSE_SIDE);
    assert_int_equal(ps2_next(ps2), NO_BYTE);
}

static void scaling_2_1(void **state)
{
    static const struct {
        int8_t moved, reported;
    } cases[] = {
        {1,  1  },
        {2,  1  },
        {3,  3  },
        {4,  6  },
        {5,  9  },
        {6,  12 },
        {-3, -3 },
        {-7, -14}
    };
    struct ps2_rig *ps2 = *state;
    send(ps2, 0xE7);
    EXPECT(ps2, 0xFA);
    enable(ps2);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ps2_mouse_move(ps2->mouse, cases[i].moved, 0, 0, 0);
        EXPECT(ps2, cases[i].moved < 0 ? 0x18 : 0x08, (uint8_t)cases[i].reported, 0);
    }
    send(ps2, 0xE6);
    EXPECT(ps2, 0xFA);
    ps2_mouse_move(ps2->mouse, 6, 0, 0, 0);
    EXPECT_ONLY(ps2, 0x08, 6, 0);
}

static void resolution_scales(void **state)
{
    struct ps2_rig *ps2 = *state;
    set(ps2, 0xE8, 0); /* 1 count a millimetre: a quarter of the default */
    enable(ps2);
    ps2_mouse_move(ps2->mouse, 3, 0, 0, 0);
    assert_int_equal(ps2_next(ps2), NO_BYTE);
    ps2_mouse_move(ps2->mouse, 1, 0, 0, 0);
    EXPECT_ONLY(ps2, 0x08, 1, 0);
    set(ps2, 0xE8, 3);
    ps2_mouse_move(ps2->mouse, 4, 0, 0, 0);
    EXPECT_ONLY(ps2, 0x08, 8, 0);
}

static void remote_mode_waits_to_be_asked(void **state)
{
    struct ps2_rig *ps2 = *state;
    send(ps2, 0xF0);
    EXPECT(ps2, 0xFA);
    enable(ps2);
    ps2_mouse_move(ps2->mouse, 7, 0, 0, MOUSE_LEFT);
    assert_int_equal(ps2_next(ps2), NO_BYTE);
    send(ps2, 0xEB);
    EXPECT_ONLY(ps2, 0xFA, 0x09, 7, 0);
    send(ps2, 0xEB);
    EXPECT_ONLY(ps2, 0xFA, 0x09, 0, 0);
    send(ps2, 0xEA);
    EXPECT(ps2, 0xFA);
    ps2_mouse_move(ps2->mouse, 1, 0, 0, MOUSE_LEFT);
    EXPECT_ONLY(ps2, 0x09, 1, 0);
}

static void wrap_mode_echoes(void **state)
{
    struct ps2_rig *ps2 = *state;
    send(ps2, 0xEE);
    EXPECT(ps2, 0xFA);
    send(ps2, 0xF2);
    EXPECT_ONLY(ps2, 0xF2);
    send(ps2, 0x55);
    EXPECT_ONLY(ps2, 0x55);
    send(ps2, 0xEC);
    EXPECT_ONLY(ps2, 0xFA);
    send(ps2, 0xF2);
    EXPECT_ONLY(ps2, 0xFA, 0x00);
}

static void wrong_bytes_get_resend_then_error(void **state)
{
    struct ps2_rig *ps2 = *state;
    send(ps2, 0x01);
    EXPECT(ps2, 0xFE);
    send(ps2, 0x01);
    EXPECT(ps2, 0xFC);
    send(ps2, 0xF2);
    EXPECT(ps2, 0xFA, 0x00);
    send(ps2, 0xF3);
    EXPECT(ps2, 0xFA);
    send(ps2, 77);
    EXPECT_ONLY(ps2, 0xFE);
    send(ps2, 80);
    EXPECT_ONLY(ps2, 0xFA);
}

static void resend_repeats_the_report(void **state)
{
    struct ps2_rig *ps2 = *state;
    enable(ps2);
    ps2_mouse_move(ps2->mouse, 9, 0, 0, 0);
    EXPECT(ps2, 0x08, 9, 0);
    send(ps2, 0xFE);
    EXPECT_ONLY(ps2, 0x08, 9, 0);
}

static void command_stops_a_report(void **state)
{
    struct ps2_rig *ps2 = *state;
    enable(ps2);
    ps2_mouse_move(ps2->mouse, 9, 0, 0, 0);
    EXPECT(ps2, 0x08);
    send(ps2, 0xF5);
    EXPECT_ONLY(ps2, 0xFA);
}

static void reset_forgets_the_wheel(void **state)
{
    struct ps2_rig *ps2 = *state;
    knock(ps2, 100);
    send(ps2, 0xFF);
    EXPECT(ps2, 0xFA, 0xAA, 0x00);
    send(ps2, 0xF2);
    EXPECT(ps2, 0xFA, 0x00);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        PS2_CASE(reset_tests_itself),
        PS2_CASE(identity),
        PS2_CASE(status_after_reset),
        PS2_CASE(status_shows_settings),
        PS2_CASE(disabled_mouse_is_silent),
        PS2_CASE(movement_report),
        PS2_CASE(large_movements_are_split),
        PS2_CASE(sample_rate_paces_reports),
        PS2_CASE(button_change_is_reported),
        PS2_CASE(wheel_after_knock),
        PS2_CASE(five_buttons_after_knock),
        PS2_CASE(wheel_is_silent_without_knock),
        PS2_CASE(scaling_2_1),
        PS2_CASE(resolution_scales),
        PS2_CASE(remote_mode_waits_to_be_asked),
        PS2_CASE(wrap_mode_echoes),
        PS2_CASE(wrong_bytes_get_resend_then_error),
        PS2_CASE(resend_repeats_the_report),
        PS2_CASE(command_stops_a_report),
        PS2_CASE(reset_forgets_the_wheel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
