/* The MC146818: calendar, alarm, periodic and update interrupts, CMOS.
 * Run alone: meson test -C build mc146818 */
#include "base/time128.h"
#include "devices/mc146818.h"
#include "tests/device/rig.h"

#include <string.h>

enum { IRQ8 = 0, NMI_MASK = 1 };

/* Sunday 1999-07-25 13:14:15. */
#define START UINT64_C(932908455)

static int set_up(void **state)
{
    struct rig *rig = rig_new();
    struct irq_line irq8 = rig_wire(rig, IRQ8), mask = rig_wire(rig, NMI_MASK);
    rig->chip = mc146818_new(rig->bus, &irq8, START);
    mc146818_connect_nmi_mask(rig->chip, &mask);
    rig_reset(rig, RESET_POWER_ON);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    rig_free(*state);
    return 0;
}

static uint8_t get(struct rig *rig, uint8_t index)
{
    rig_out(rig, 0x70, index);
    return rig_in(rig, 0x71);
}

static void put(struct rig *rig, uint8_t index, uint8_t value)
{
    rig_out(rig, 0x70, index);
    rig_out(rig, 0x71, value);
}

/* Sets seconds, minutes, hours, weekday, date, month, year as given, with SET around it. */
static void set_time(struct rig *rig, uint8_t control, const uint8_t time[7])
{
    static const uint8_t registers[7] = {0, 2, 4, 6, 7, 8, 9};
    put(rig, 0x0B, control | 0x80);
    for (unsigned i = 0; i < 7; i++)
        put(rig, registers[i], time[i]);
    put(rig, 0x0B, control);
}

static void check_time(struct rig *rig, const uint8_t time[7])
{
    static const uint8_t registers[7] = {0, 2, 4, 6, 7, 8, 9};
    for (unsigned i = 0; i < 7; i++)
        assert_int_equal(get(rig, registers[i]), time[i]);
}

static void it_starts_at_the_given_time(void **state)
{
    struct rig *rig = *state;
    check_time(rig, (const uint8_t[7]){0x15, 0x14, 0x13, 1, 0x25, 0x07, 0x99});
    assert_int_equal(get(rig, 0x32), 0x19);
    assert_int_equal(get(rig, 0x0A), 0x26);
    assert_int_equal(get(rig, 0x0B), 0x02);
    assert_int_equal(get(rig, 0x0D), 0x80);
    rig_pass(rig, 3 * NS_PER_SECOND);
    assert_int_equal(get(rig, 0x00), 0x18);
}

static void time_goes_on_by_the_second(void **state)
{
    struct rig *rig = *state;
    rig_pass(rig, NS_PER_SECOND - 1000000);
    assert_int_equal(get(rig, 0x00), 0x15);
    rig_pass(rig, 2000000);
    assert_int_equal(get(rig, 0x00), 0x16);
    rig_pass(rig, 3600 * NS_PER_SECOND);
    check_time(rig, (const uint8_t[7]){0x16, 0x14, 0x14, 1, 0x25, 0x07, 0x99});
}

static void the_century_turns(void **state)
{
    struct rig *rig = *state;
    set_time(rig, 0x02, (const uint8_t[7]){0x59, 0x59, 0x23, 6, 0x31, 0x12, 0x99});
    rig_pass(rig, NS_PER_SECOND);
    check_time(rig, (const uint8_t[7]){0x00, 0x00, 0x00, 7, 0x01, 0x01, 0x00});
    assert_int_equal(get(rig, 0x32), 0x20);
}

static void february_knows_leap_years(void **state)
{
    struct rig *rig = *state;
    set_time(rig, 0x02, (const uint8_t[7]){0x59, 0x59, 0x23, 7, 0x28, 0x02, 0x04});
    rig_pass(rig, NS_PER_SECOND);
    check_time(rig, (const uint8_t[7]){0x00, 0x00, 0x00, 1, 0x29, 0x02, 0x04});
    set_time(rig, 0x02, (const uint8_t[7]){0x59, 0x59, 0x23, 7, 0x28, 0x02, 0x05});
    rig_pass(rig, NS_PER_SECOND);
    check_time(rig, (const uint8_t[7]){0x00, 0x00, 0x00, 1, 0x01, 0x03, 0x05});
}

static void binary_mode_counts_in_binary(void **state)
{
    struct rig *rig = *state;
    set_time(rig, 0x06, (const uint8_t[7]){59, 59, 23, 3, 30, 11, 27});
    rig_pass(rig, NS_PER_SECOND);
    check_time(rig, (const uint8_t[7]){0, 0, 0, 4, 1, 12, 27});
}

static void twelve_hours_go_from_eleven_to_twelve_to_one(void **state)
{
    static const uint8_t from_to[][2] = {
        {0x11, 0x92}, /* noon */
        {0x92, 0x81}, /* 1 p.m. */
        {0x12, 0x01}, /* 1 a.m. */
        {0x91, 0x12}, /* midnight */
        {0x09, 0x10},
    };
    struct rig *rig = *state;
    for (unsigned i = 0; i < 5; i++) {
        set_time(rig, 0x00, (const uint8_t[7]){0x59, 0x59, from_to[i][0], 2, 0x10, 0x05, 0x20});
        rig_pass(rig, NS_PER_SECOND);
        assert_int_equal(get(rig, 0x04), from_to[i][1]);
        assert_int_equal(get(rig, 0x07), i == 3 ? 0x11 : 0x10);
    }
}

static void daylight_saving_jumps_and_repeats(void **state)
{
    struct rig *rig = *state;
    set_time(rig, 0x03, (const uint8_t[7]){0x59, 0x59, 0x01, 1, 0x30, 0x04, 0x95});
    rig_pass(rig, NS_PER_SECOND);
    assert_int_equal(get(rig, 0x04), 0x03);
    set_time(rig, 0x03, (const uint8_t[7]){0x59, 0x59, 0x01, 1, 0x29, 0x10, 0x95});
    rig_pass(rig, NS_PER_SECOND);
    assert_int_equal(get(rig, 0x04), 0x01);
    rig_pass(rig, 3600 * NS_PER_SECOND);
    assert_int_equal(get(rig, 0x04), 0x02); /* the second time it goes on */
    set_time(rig, 0x03, (const uint8_t[7]){0x59, 0x59, 0x01, 1, 0x23, 0x04, 0x95});
    rig_pass(rig, NS_PER_SECOND);
    assert_int_equal(get(rig, 0x04), 0x02); /* not the last Sunday */
}

static void set_stops_updates(void **state)
{
    struct rig *rig = *state;
    put(rig, 0x0B, 0x92);
    assert_int_equal(get(rig, 0x0B), 0x82); /* SET clears UIE */
    rig_pass(rig, 10 * NS_PER_SECOND);
    assert_int_equal(get(rig, 0x00), 0x15);
    assert_int_equal(get(rig, 0x0A) & 0x80, 0);
    put(rig, 0x0B, 0x02);
    rig_pass(rig, NS_PER_SECOND);
    assert_int_equal(get(rig, 0x00), 0x16);
}

static void uip_is_high_around_the_update(void **state)
{
    struct rig *rig = *state;
    uint64_t high = 0;
    for (unsigned i = 0; i < 20000; i++) {
        rig_pass(rig, 100000);
        if (get(rig, 0x0A) & 0x80)
            high += 100;
    }
    /* Two updates of 1984 + 244 microseconds. */
    assert_in_range(high, 2 * 2100, 2 * 2400);
    while (!(get(rig, 0x0A) & 0x80))
        rig_pass(rig, 10000);
    uint8_t second = get(rig, 0x00);
    rig_pass(rig, 200000); /* 244 microseconds to read in */
    assert_int_equal(get(rig, 0x00), second);
}

static void the_update_ended_interrupt(void **state)
{
    struct rig *rig = *state;
    put(rig, 0x0B, 0x12);
    rig_pass(rig, NS_PER_SECOND);
    assert_true(rig->wire[IRQ8].level);
    assert_int_equal(get(rig, 0x0A) & 0x80, 0);
    assert_int_equal(get(rig, 0x0C) & 0xB0, 0x90);
    assert_false(rig->wire[IRQ8].level);
    assert_int_equal(get(rig, 0x0C) & 0xB0, 0x00);
    rig_pass(rig, 5 * NS_PER_SECOND);
    assert_int_equal(rig->wire[IRQ8].rises, 2); /* until it is read, no more */
}

static void the_periodic_interrupt_has_its_rate(void **state)
{
    struct rig *rig = *state;
    put(rig, 0x0B, 0x42);
    for (unsigned i = 0; i < 10000; i++) {
        rig_pass(rig, 100000);
        if (rig->wire[IRQ8].level)
            assert_int_equal(get(rig, 0x0C) & 0xC0, 0xC0);
    }
    assert_in_range(rig->wire[IRQ8].rises, 1023, 1024);
    put(rig, 0x0A, 0x2F); /* 2 Hz */
    get(rig, 0x0C);
    unsigned before = rig->wire[IRQ8].rises;
    for (unsigned i = 0; i < 100; i++) {
        rig_pass(rig, 50000000);
        get(rig, 0x0C);
    }
    assert_in_range(rig->wire[IRQ8].rises - before, 9, 10);
}

static void pf_is_set_without_the_enable(void **state)
{
    struct rig *rig = *state;
    get(rig, 0x0C);
    rig_pass(rig, 2000000);
    assert_false(rig->wire[IRQ8].level);
    assert_int_equal(get(rig, 0x0C), 0x40);
    rig_pass(rig, 2000000);
    put(rig, 0x0B, 0x42); /* PF is pending: the interrupt comes with the enable */
    assert_true(rig->wire[IRQ8].level);
    put(rig, 0x0A, 0x20); /* rate 0: none */
    get(rig, 0x0C);
    rig_pass(rig, NS_PER_SECOND / 2);
    assert_int_equal(get(rig, 0x0C) & 0x40, 0);
}

static void the_alarm_matches(void **state)
{
    struct rig *rig = *state;
    put(rig, 0x01, 0x20);
    put(rig, 0x03, 0x14);
    put(rig, 0x05, 0x13);
    get(rig, 0x0C);
    put(rig, 0x0B, 0x22);
    rig_pass(rig, 4 * NS_PER_SECOND + NS_PER_SECOND / 2);
    assert_false(rig->wire[IRQ8].level);
    rig_pass(rig, NS_PER_SECOND);
    assert_true(rig->wire[IRQ8].level);
    assert_int_equal(get(rig, 0x0C) & 0xA0, 0xA0);
    rig_pass(rig, 600 * NS_PER_SECOND);
    assert_int_equal(rig->wire[IRQ8].rises, 1);
}

static void alarm_bytes_from_c0_match_everything(void **state)
{
    struct rig *rig = *state;
    put(rig, 0x01, 0x30);
    put(rig, 0x03, 0xC0);
    put(rig, 0x05, 0xFF);
    put(rig, 0x0B, 0x22);
    for (unsigned i = 0; i < 180; i++) {
        rig_pass(rig, NS_PER_SECOND);
        get(rig, 0x0C);
    }
    assert_int_equal(rig->wire[IRQ8].rises, 3); /* once a minute */
}

static void the_divider_reset_holds_time(void **state)
{
    struct rig *rig = *state;
    put(rig, 0x0A, 0x76);
    rig_pass(rig, 5 * NS_PER_SECOND);
    assert_int_equal(get(rig, 0x00), 0x15);
    put(rig, 0x0A, 0x26);
    rig_pass(rig, 499 * NS_PER_MILLISECOND); /* the first update begins half a second later */
    assert_int_equal(get(rig, 0x00), 0x15);
    rig_pass(rig, 4 * NS_PER_MILLISECOND);
    assert_int_equal(get(rig, 0x00), 0x16);
}

static void registers_c_and_d_are_read_only(void **state)
{
    struct rig *rig = *state;
    put(rig, 0x0D, 0x00);
    assert_int_equal(get(rig, 0x0D), 0x80);
    get(rig, 0x0C);
    put(rig, 0x0C, 0xFF);
    assert_int_equal(get(rig, 0x0C), 0x00);
    put(rig, 0x0A, 0xA6);
    assert_int_equal(get(rig, 0x0A) & 0x80, 0x00); /* nor can UIP be written */
}

static void cmos_has_two_banks(void **state)
{
    struct rig *rig = *state;
    put(rig, 0x40, 0x12);
    rig_out(rig, 0x72, 0x40);
    rig_out(rig, 0x73, 0x34);
    assert_int_equal(rig_in(rig, 0x73), 0x34);
    assert_int_equal(get(rig, 0x40), 0x12);
    assert_int_equal(mc146818_cmos_read(rig->chip, 0x40), 0x12);
    assert_int_equal(mc146818_cmos_read(rig->chip, 0xC0), 0x34);
    rig_reset(rig, RESET_HARD);
    assert_int_equal(get(rig, 0x40), 0x12);
}

static void the_board_stores_and_sums(void **state)
{
    struct rig *rig = *state;
    mc146818_cmos_write(rig->chip, 0x10, 0x40);
    mc146818_cmos_write(rig->chip, 0x15, 0x80);
    mc146818_cmos_write(rig->chip, 0x2D, 0xFF);
    mc146818_cmos_write(rig->chip, 0x0B, 0x12); /* ignored */
    mc146818_cmos_checksum(rig->chip);
    assert_int_equal(get(rig, 0x2E), 0x01);
    assert_int_equal(get(rig, 0x2F), 0xBF);
    assert_int_equal(get(rig, 0x0B), 0x02);
}

static void port_70_bit_7_masks_nmi(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, 0x70, 0x8D);
    assert_true(rig->wire[NMI_MASK].level);
    assert_int_equal(rig_in(rig, 0x71), 0x80); /* index 0Dh */
    rig_out(rig, 0x70, 0x0D);
    assert_false(rig->wire[NMI_MASK].level);
    assert_int_equal(rig_in(rig, 0x70), 0xFF);
}

static void reset_disables_interrupts_and_keeps_time(void **state)
{
    struct rig *rig = *state;
    put(rig, 0x0B, 0x7A);
    rig_pass(rig, 2 * NS_PER_SECOND);
    assert_true(rig->wire[IRQ8].level);
    rig_reset(rig, RESET_HARD);
    assert_false(rig->wire[IRQ8].level);
    assert_int_equal(get(rig, 0x0B), 0x02);
    assert_int_equal(get(rig, 0x0C), 0x00);
    assert_int_equal(get(rig, 0x00), 0x17);
}

static void rates_1_and_2_are_those_of_8_and_9(void **state)
{
    static const uint8_t registers[] = {0x21, 0x22, 0x23, 0x28, 0x29};
    static const unsigned hertz[] = {256, 128, 8192, 256, 128};
    struct rig *rig = *state;
    for (unsigned i = 0; i < 5; i++) {
        put(rig, 0x0A, registers[i]);
        unsigned edges = 0;
        get(rig, 0x0C);
        for (unsigned step = 0; step < 50000; step++) { /* half a second */
            rig_pass(rig, 10000);
            edges += (get(rig, 0x0C) & 0x40) != 0;
        }
        assert_in_range(edges, hertz[i] / 2 - 1, hertz[i] / 2 + 1);
    }
}

static void other_time_bases_are_slow(void **state)
{
    struct rig *rig = *state;
    put(rig, 0x0A, 0x16); /* meant for 1.048576 MHz: 32 times too slow */
    uint8_t second = get(rig, 0x00);
    rig_pass(rig, 20 * NS_PER_SECOND);
    assert_in_range(get(rig, 0x00) - second, 0, 1);
    rig_pass(rig, 45 * NS_PER_SECOND);
    assert_in_range(get(rig, 0x00) - second, 2, 3);
    put(rig, 0x0A, 0x11); /* 32 cycles: 1024 Hz */
    get(rig, 0x0C);
    unsigned edges = 0;
    for (unsigned step = 0; step < 10000; step++) {
        rig_pass(rig, 50000);
        edges += (get(rig, 0x0C) & 0x40) != 0;
    }
    assert_in_range(edges, 511, 513);
    put(rig, 0x0A, 0x01); /* 128 cycles: 256 Hz */
    get(rig, 0x0C);
    edges = 0;
    for (unsigned step = 0; step < 10000; step++) {
        rig_pass(rig, 50000);
        edges += (get(rig, 0x0C) & 0x40) != 0;
    }
    assert_in_range(edges, 127, 129);
    put(rig, 0x0A, 0x36); /* undefined: stands still */
    second = get(rig, 0x00);
    rig_pass(rig, 100 * NS_PER_SECOND);
    assert_int_equal(get(rig, 0x00), second);
}

static void it_starts_right_in_any_century(void **state)
{
    static const struct {
        uint64_t time;
        uint8_t century, year, month, date, weekday;
    } cases[] = {
        {0,                     0x19, 0x70, 0x01, 0x01, 5},
        {UINT64_C(951782400),   0x20, 0x00, 0x02, 0x29, 3},
        {UINT64_C(951868800),   0x20, 0x00, 0x03, 0x01, 4},
        {UINT64_C(978220800),   0x20, 0x00, 0x12, 0x31, 1},
        {UINT64_C(978307200),   0x20, 0x01, 0x01, 0x01, 2},
        {UINT64_C(4107542400),  0x21, 0x00, 0x03, 0x01, 2}, /* 2100 is no leap year */
        {UINT64_C(13574563200), 0x24, 0x00, 0x02, 0x29, 3},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig *rig = rig_new();
        struct irq_line irq8 = rig_wire(rig, IRQ8);
        mc146818_new(rig->bus, &irq8, cases[i].time);
        assert_int_equal(get(rig, 0x32), cases[i].century);
        assert_int_equal(get(rig, 0x09), cases[i].year);
        assert_int_equal(get(rig, 0x08), cases[i].month);
        assert_int_equal(get(rig, 0x07), cases[i].date);
        assert_int_equal(get(rig, 0x06), cases[i].weekday);
        rig_free(rig);
    }
    (void)state;
}

static void months_have_their_lengths(void **state)
{
    static const uint8_t last[] = {0x31, 0x28, 0x31, 0x30, 0x31, 0x30,
                                   0x31, 0x31, 0x30, 0x31, 0x30, 0x31};
    struct rig *rig = *state;
    for (unsigned i = 0; i < 12; i++) {
        uint8_t month = (uint8_t)(i < 9 ? i + 1 : i + 7);
        set_time(rig, 0x02, (const uint8_t[7]){0x59, 0x59, 0x23, 2, last[i], month, 0x21});
        rig_pass(rig, NS_PER_SECOND);
        assert_int_equal(get(rig, 0x07), 0x01);
        set_time(rig, 0x02,
                 (const uint8_t[7]){0x59, 0x59, 0x23, 2, (uint8_t)(last[i] - 1), month, 0x21});
        if ((last[i] & 15) != 0) {
            rig_pass(rig, NS_PER_SECOND);
            assert_int_equal(get(rig, 0x07), last[i]);
        }
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(it_starts_at_the_given_time),
        TEST(time_goes_on_by_the_second),
        TEST(the_century_turns),
        TEST(february_knows_leap_years),
        TEST(binary_mode_counts_in_binary),
        TEST(twelve_hours_go_from_eleven_to_twelve_to_one),
        TEST(daylight_saving_jumps_and_repeats),
        TEST(set_stops_updates),
        TEST(uip_is_high_around_the_update),
        TEST(the_update_ended_interrupt),
        TEST(the_periodic_interrupt_has_its_rate),
        TEST(pf_is_set_without_the_enable),
        TEST(the_alarm_matches),
        TEST(alarm_bytes_from_c0_match_everything),
        TEST(the_divider_reset_holds_time),
        TEST(registers_c_and_d_are_read_only),
        TEST(cmos_has_two_banks),
        TEST(the_board_stores_and_sums),
        TEST(port_70_bit_7_masks_nmi),
        TEST(reset_disables_interrupts_and_keeps_time),
        TEST(rates_1_and_2_are_those_of_8_and_9),
        TEST(other_time_bases_are_slow),
        TEST(it_starts_right_in_any_century),
        TEST(months_have_their_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
