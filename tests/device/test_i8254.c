/* The 8254: modes, loads, latches, read-back; and port 61h.
 * Run alone: meson test -C build i8254 */
#include "base/time128.h"
#include "devices/i8254.h"
#include "devices/port61.h"
#include "tests/device/rig.h"

enum { IRQ0 = 0, NMI = 1 };

static int set_up(void **state)
{
    struct rig *rig = rig_new();
    struct irq_line irq0 = rig_wire(rig, IRQ0), nmi = rig_wire(rig, NMI);
    struct i8254 *pit = i8254_new(rig->bus, &irq0);
    rig->chip = pit;
    rig->second = port61_new(rig->bus, pit, &nmi);
    rig_reset(rig, RESET_POWER_ON);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    rig_free(*state);
    return 0;
}

static uint64_t tick_now(struct rig *rig)
{
    return clock_ticks(bus_clock(rig->bus), I8254_HERTZ);
}

/* Goes on to just after the n-th CLK pulse from now. */
static void ticks(struct rig *rig, uint64_t n)
{
    rig_pass_until(rig, muldiv64_up(tick_now(rig) + n, NS_PER_SECOND, I8254_HERTZ));
}

static void program(struct rig *rig, unsigned counter, uint8_t control, uint16_t count)
{
    rig_out(rig, 0x43, (uint8_t)(counter << 6 | control));
    rig_out(rig, (uint16_t)(0x40 + counter), (uint8_t)count);
    rig_out(rig, (uint16_t)(0x40 + counter), (uint8_t)(count >> 8));
}

static uint16_t read_word(struct rig *rig, unsigned counter)
{
    uint8_t low = rig_in(rig, (uint16_t)(0x40 + counter));
    return (uint16_t)(low | rig_in(rig, (uint16_t)(0x40 + counter)) << 8);
}

static bool out(struct rig *rig, unsigned counter)
{
    return i8254_output(rig->chip, counter);
}

/* Ticks that counter 2 stays at its present output, at most 100. */
static unsigned stays(struct rig *rig, bool level)
{
    unsigned n = 0;
    while (out(rig, 2) == level && n < 100) {
        ticks(rig, 1);
        n++;
    }
    return n;
}

static void mode_0_counts_n_plus_1(void **state)
{
    struct rig *rig = *state;
    program(rig, 0, 0x30, 10);
    assert_false(rig->wire[IRQ0].level);
    ticks(rig, 1);
    assert_int_equal(read_word(rig, 0), 10);
    ticks(rig, 9);
    assert_int_equal(read_word(rig, 0), 1);
    assert_false(rig->wire[IRQ0].level);
    ticks(rig, 1);
    assert_true(rig->wire[IRQ0].level);
    ticks(rig, 3);
    assert_int_equal(read_word(rig, 0), 0xFFFD); /* it goes on, and OUT stays */
    assert_true(rig->wire[IRQ0].level);
    ticks(rig, 70000);
    assert_int_equal(rig->wire[IRQ0].rises, 1);
    rig_out(rig, 0x40, 5); /* the first byte stops it, and OUT falls */
    assert_false(rig->wire[IRQ0].level);
    uint16_t stopped = read_word(rig, 0);
    ticks(rig, 5);
    assert_int_equal(read_word(rig, 0), stopped);
    rig_out(rig, 0x40, 0);
    ticks(rig, 6);
    assert_true(rig->wire[IRQ0].level);
}

static void mode_0_waits_for_its_gate(void **state)
{
    struct rig *rig = *state;
    program(rig, 2, 0x30, 10); /* gate 2 is low */
    ticks(rig, 50);
    assert_int_equal(read_word(rig, 2), 10); /* loaded all the same */
    rig_out(rig, 0x61, 1);
    ticks(rig, 9);
    assert_false(out(rig, 2));
    ticks(rig, 1);
    assert_true(out(rig, 2));
}

static void mode_1_is_a_retriggerable_one_shot(void **state)
{
    struct rig *rig = *state;
    program(rig, 2, 0x32, 6);
    ticks(rig, 20);
    assert_true(out(rig, 2));
    rig_out(rig, 0x61, 1);
    assert_true(out(rig, 2));
    ticks(rig, 1);
    assert_int_equal(stays(rig, false), 6);
    rig_out(rig, 0x61, 0); /* the level does not matter, the next edge does */
    rig_out(rig, 0x61, 1);
    ticks(rig, 4);
    assert_false(out(rig, 2));
    rig_out(rig, 0x61, 0);
    rig_out(rig, 0x61, 1);
    ticks(rig, 1);
    assert_int_equal(stays(rig, false), 6);
}

static void mode_2_pulses_low_for_one_clock(void **state)
{
    struct rig *rig = *state;
    program(rig, 0, 0x34, 4);
    assert_true(rig->wire[IRQ0].level);
    ticks(rig, 3);
    assert_true(rig->wire[IRQ0].level);
    ticks(rig, 1);
    assert_false(rig->wire[IRQ0].level);
    ticks(rig, 1);
    assert_true(rig->wire[IRQ0].level);
    unsigned before = rig->wire[IRQ0].rises;
    ticks(rig, 4 * 1000);
    assert_int_equal(rig->wire[IRQ0].rises - before, 1000);
}

static void mode_2_takes_a_new_count_at_the_end_of_the_period(void **state)
{
    struct rig *rig = *state;
    program(rig, 0, 0x34, 10);
    ticks(rig, 5);
    rig_out(rig, 0x40, 20);
    rig_out(rig, 0x40, 0);
    rig_out(rig, 0x43, 0xE2);                         /* read-back: status of counter 0 */
    assert_int_equal(rig_in(rig, 0x40) & 0x40, 0x40); /* null count */
    ticks(rig, 6);
    assert_int_equal(read_word(rig, 0), 20);
    rig_out(rig, 0x43, 0xE2);
    assert_int_equal(rig_in(rig, 0x40) & 0x40, 0);
}

static void mode_2_gate_stops_and_restarts(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, 0x61, 1);
    program(rig, 2, 0x34, 10);
    ticks(rig, 10);
    assert_false(out(rig, 2));
    rig_out(rig, 0x61, 0);
    assert_true(out(rig, 2)); /* at once */
    ticks(rig, 100);
    assert_true(out(rig, 2));
    rig_out(rig, 0x61, 1);
    ticks(rig, 1);
    assert_int_equal(read_word(rig, 2), 10);
}

static void mode_3_is_square(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, 0x61, 1);
    program(rig, 2, 0x36, 8);
    ticks(rig, 1);
    assert_int_equal(stays(rig, true), 4);
    assert_int_equal(stays(rig, false), 4);
    program(rig, 2, 0x36, 7); /* odd: one longer high */
    ticks(rig, 1);
    assert_int_equal(read_word(rig, 2), 6);
    assert_int_equal(stays(rig, true), 4);
    assert_int_equal(stays(rig, false), 3);
    ticks(rig, 7 * 12345);
    assert_int_equal(stays(rig, true), 4);
    assert_int_equal(stays(rig, false), 3);
}

static void mode_3_count_0_is_65536(void **state)
{
    struct rig *rig = *state;
    program(rig, 0, 0x36, 0);
    unsigned before = rig->wire[IRQ0].rises;
    rig_pass(rig, NS_PER_SECOND);
    assert_int_equal(rig->wire[IRQ0].rises - before, 18); /* 18.2 Hz */
    rig_pass(rig, 9 * NS_PER_SECOND);
    assert_int_equal(rig->wire[IRQ0].rises - before, 182);
}

static void mode_4_strobes_once(void **state)
{
    struct rig *rig = *state;
    program(rig, 0, 0x38, 5);
    ticks(rig, 5);
    assert_true(rig->wire[IRQ0].level);
    ticks(rig, 1);
    assert_false(rig->wire[IRQ0].level);
    ticks(rig, 1);
    assert_true(rig->wire[IRQ0].level);
    unsigned falls = rig->wire[IRQ0].falls;
    ticks(rig, 200000);
    assert_int_equal(rig->wire[IRQ0].falls, falls);
}

static void mode_5_strobes_after_a_trigger(void **state)
{
    struct rig *rig = *state;
    program(rig, 2, 0x3A, 5);
    ticks(rig, 50);
    assert_true(out(rig, 2));
    rig_out(rig, 0x61, 1);
    assert_int_equal(stays(rig, true), 6);
    assert_int_equal(stays(rig, false), 1);
    assert_int_equal(stays(rig, true), 100);
}

static void bcd_counts_in_decimal(void **state)
{
    struct rig *rig = *state;
    program(rig, 0, 0x31, 0x1000);
    ticks(rig, 2);
    assert_int_equal(read_word(rig, 0), 0x0999);
    program(rig, 0, 0x31, 0x0000); /* 10000 */
    ticks(rig, 2);
    assert_int_equal(read_word(rig, 0), 0x9999);
    program(rig, 0, 0x31, 0x0001);
    ticks(rig, 3);
    assert_int_equal(read_word(rig, 0), 0x9999); /* wraps in decimal */
}

static void one_byte_access(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, 0x43, 0x10); /* counter 0, LSB, mode 0 */
    rig_out(rig, 0x40, 0x50);
    ticks(rig, 1);
    assert_int_equal(rig_in(rig, 0x40), 0x50);
    ticks(rig, 1);
    assert_int_equal(rig_in(rig, 0x40), 0x4F);
    rig_out(rig, 0x43, 0x20); /* MSB */
    rig_out(rig, 0x40, 0x50);
    ticks(rig, 2);
    assert_int_equal(rig_in(rig, 0x40), 0x4F); /* 4FFFh */
    assert_int_equal(rig_in(rig, 0x40), 0x4F);
}

static void a_latched_count_waits_to_be_read(void **state)
{
    struct rig *rig = *state;
    program(rig, 0, 0x34, 1000);
    ticks(rig, 11);
    rig_out(rig, 0x43, 0x00); /* latch */
    ticks(rig, 100);
    rig_out(rig, 0x43, 0x00); /* a second latch is ignored */
    assert_int_equal(read_word(rig, 0), 990);
    assert_int_equal(read_word(rig, 0), 890);
}

static void read_back_latches_status_and_count(void **state)
{
    struct rig *rig = *state;
    program(rig, 0, 0x34, 1000);
    program(rig, 2, 0x30, 500);
    ticks(rig, 11);
    rig_out(rig, 0x43, 0xCA); /* both, counters 0 and 2 */
    ticks(rig, 7);
    assert_int_equal(rig_in(rig, 0x40), 0xB4); /* status first: OUT, word, mode 2 */
    assert_int_equal(read_word(rig, 0), 990);
    assert_int_equal(rig_in(rig, 0x42), 0x30); /* OUT low, no null count: loaded */
    assert_int_equal(read_word(rig, 2), 500);
    rig_out(rig, 0x43, 0xDE); /* count only */
    assert_int_equal(read_word(rig, 0), 983);
}

static void null_count_is_set_until_loaded(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, 0x43, 0x30);
    rig_out(rig, 0x43, 0xE2);
    assert_int_equal(rig_in(rig, 0x40), 0x70);
    rig_out(rig, 0x40, 9);
    rig_out(rig, 0x40, 0);
    rig_out(rig, 0x43, 0xE2);
    assert_int_equal(rig_in(rig, 0x40), 0x70);
    ticks(rig, 1);
    rig_out(rig, 0x43, 0xE2);
    assert_int_equal(rig_in(rig, 0x40), 0x30);
}

static void a_count_just_written_can_be_read(void **state)
{
    struct rig *rig = *state;
    program(rig, 0, 0x30, 1000);
    assert_int_equal(read_word(rig, 0), 1000);
    ticks(rig, 1); /* the pulse that loads */
    assert_int_equal(read_word(rig, 0), 1000);
    ticks(rig, 999);
    assert_false(rig->wire[IRQ0].level);
    ticks(rig, 1);
    assert_true(rig->wire[IRQ0].level); /* N + 1 all the same */
}

static void laziness_makes_no_difference(void **state)
{
    struct rig *rig = *state;
    struct rig *other;
    set_up((void **)&other);
    for (uint8_t mode = 0; mode < 6; mode++) {
        for (unsigned i = 0; i < 2; i++) {
            struct rig *r = i ? rig : other;
            rig_out(r, 0x61, 0);
            program(r, 2, (uint8_t)(0x30 | mode << 1), (uint16_t)(37 + mode));
            rig_out(r, 0x61, 1);
        }
        for (unsigned i = 0; i < 1777; i++) { /* one looks at every tick, the other at the end */
            ticks(other, 1);
            out(other, 2);
        }
        ticks(rig, 1777);
        assert_int_equal(out(rig, 2), out(other, 2));
        assert_int_equal(read_word(rig, 2), read_word(other, 2));
    }
    rig_free(other);
}

static void port_61_shows_gate_output_and_refresh(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, 0x61, 0x03);
    assert_int_equal(rig_in(rig, 0x61) & 0x0F, 0x03);
    assert_int_equal(rig_in(rig, 0x63) & 0x0F, 0x03);
    program(rig, 2, 0x30, 3);
    assert_int_equal(rig_in(rig, 0x61) & 0x20, 0);
    ticks(rig, 4);
    assert_int_equal(rig_in(rig, 0x61) & 0x20, 0x20);
    assert_true(port61_speaker(rig->second));
    rig_out(rig, 0x61, 0x01);
    assert_false(port61_speaker(rig->second));
    unsigned toggles = 0;
    uint8_t last = rig_in(rig, 0x61) & 0x10;
    for (unsigned i = 0; i < 1000; i++) { /* one millisecond */
        rig_pass(rig, 1000);
        uint8_t bit = rig_in(rig, 0x61) & 0x10;
        toggles += bit != last;
        last = bit;
    }
    assert_in_range(toggles, 65, 67); /* every 15.085 microseconds */
}

static void port_61_gathers_nmi(void **state)
{
    struct rig *rig = *state;
    struct irq_line serr = port61_serr(rig->second), iochk = port61_iochk(rig->second);
    struct irq_line mask = port61_nmi_mask(rig->second);
    irq_pulse(&iochk);
    assert_int_equal(rig_in(rig, 0x61) & 0xC0, 0x40);
    assert_int_equal(rig->wire[NMI].rises, 1);
    rig_out(rig, 0x61, 0x08);
    assert_int_equal(rig_in(rig, 0x61) & 0xC8, 0x08);
    rig_out(rig, 0x61, 0x00);
    irq_set(&mask, true);
    irq_set(&serr, true);
    assert_int_equal(rig_in(rig, 0x61) & 0xC0, 0x80);
    assert_int_equal(rig->wire[NMI].rises, 1);
    irq_set(&mask, false);
    assert_int_equal(rig->wire[NMI].rises, 2);
    rig_out(rig, 0x61, 0x04);
    rig_out(rig, 0x61, 0x00); /* the line is still active: latched again */
    assert_int_equal(rig_in(rig, 0x61) & 0xC0, 0x80);
}

static void a_control_word_drops_latches_and_flip_flops(void **state)
{
    struct rig *rig = *state;
    program(rig, 0, 0x34, 0x1234);
    ticks(rig, 2);
    rig_out(rig, 0x43, 0xC2); /* latch status and count */
    rig_in(rig, 0x40);
    rig_in(rig, 0x40);        /* the low byte */
    rig_out(rig, 0x40, 0x99); /* and half a count */
    program(rig, 0, 0x30, 0x5678);
    assert_int_equal(read_word(rig, 0), 0x5678);
    rig_out(rig, 0x43, 0xC2);
    program(rig, 0, 0x30, 0x4321);
    assert_int_equal(read_word(rig, 0), 0x4321);
}

static void a_control_word_stops_counter_0(void **state)
{
    struct rig *rig = *state;
    program(rig, 0, 0x34, 1000);
    assert_true(clock_next_deadline(bus_clock(rig->bus)) != CLOCK_NEVER);
    rig_out(rig, 0x43, 0x34);
    assert_true(clock_next_deadline(bus_clock(rig->bus)) == CLOCK_NEVER);
}

static void mode_4_does_not_strobe_when_it_wraps(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, 0x61, 1);
    program(rig, 2, 0x38, 5);
    ticks(rig, 6);
    assert_false(out(rig, 2));
    for (unsigned i = 0; i < 65600; i++) {
        ticks(rig, 1);
        assert_true(out(rig, 2));
    }
}

static void bcd_digits_are_all_decoded(void **state)
{
    struct rig *rig = *state;
    program(rig, 0, 0x31, 0x1234);
    ticks(rig, 1);
    assert_int_equal(read_word(rig, 0), 0x1234);
    ticks(rig, 1234);
    assert_int_equal(read_word(rig, 0), 0x0000);
    assert_true(rig->wire[IRQ0].level);
}

static void mode_3_takes_a_new_count_at_the_half(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, 0x61, 1);
    program(rig, 2, 0x36, 20);
    ticks(rig, 3);
    rig_out(rig, 0x42, 8);
    rig_out(rig, 0x42, 0);
    ticks(rig, 1000); /* many periods at once */
    stays(rig, false);
    stays(rig, true);
    assert_int_equal(stays(rig, false), 4);
    assert_int_equal(stays(rig, true), 4);
}

static void gate_does_not_touch_out_in_the_one_shot_modes(void **state)
{
    static const uint8_t control[] = {0x30, 0x32, 0x38, 0x3A};
    struct rig *rig = *state;
    for (unsigned i = 0; i < 4; i++) {
        rig_out(rig, 0x61, 0);
        program(rig, 2, control[i], 5);
        rig_out(rig, 0x61, 1);
        while (out(rig, 2))
            ticks(rig, 1);
        rig_out(rig, 0x61, 0);
        assert_false(out(rig, 2));
    }
}

static void mode_1_and_5_count_with_the_gate_low(void **state)
{
    struct rig *rig = *state;
    program(rig, 2, 0x32, 6);
    rig_out(rig, 0x61, 1);
    rig_out(rig, 0x61, 0);
    ticks(rig, 1);
    assert_int_equal(stays(rig, false), 6);
    program(rig, 2, 0x3A, 6);
    rig_out(rig, 0x61, 1);
    rig_out(rig, 0x61, 0);
    assert_int_equal(stays(rig, true), 7);
}

static void sound_sees_the_period(void **state)
{
    struct rig *rig = *state;
    static const uint8_t control[] = {0x30, 0x32, 0x34, 0x36, 0x38, 0x3A};
    for (unsigned mode = 0; mode < 6; mode++) {
        rig_out(rig, 0x61, 0);
        program(rig, 2, control[mode], 1000);
        rig_out(rig, 0x61, 1);
        ticks(rig, 2);
        assert_int_equal(i8254_counter2_period(rig->chip), mode == 2 || mode == 3 ? 1000 : 0);
    }
    program(rig, 2, 0x36, 1000);
    assert_int_equal(i8254_counter2_period(rig->chip), 0); /* not loaded yet */
    rig_out(rig, 0x61, 0);
    ticks(rig, 2);
    assert_int_equal(i8254_counter2_period(rig->chip), 0); /* gate low */
}

static void a_latched_new_count_is_the_new_one(void **state)
{
    struct rig *rig = *state;
    program(rig, 0, 0x30, 1000);
    rig_out(rig, 0x43, 0x00);
    ticks(rig, 5);
    assert_int_equal(read_word(rig, 0), 1000);
}

static void port_61_after_reset(void **state)
{
    struct rig *rig = *state;
    struct irq_line serr = port61_serr(rig->second);
    rig_out(rig, 0x61, 0x0B);
    irq_pulse(&serr);
    assert_true(rig->wire[NMI].level);
    rig_out(rig, 0x61, 0x0F);
    assert_false(rig->wire[NMI].level);
    rig_out(rig, 0x61, 0x0B);
    irq_pulse(&serr);
    rig_reset(rig, RESET_HARD);
    assert_false(rig->wire[NMI].level);
    assert_int_equal(rig_in(rig, 0x61) & 0xCF, 0x00);
    program(rig, 2, 0x30, 5);
    ticks(rig, 20);
    assert_false(out(rig, 2)); /* the gate is low */
    assert_int_equal(rig_in(rig, 0x67) & 0x0F, 0x00);
    assert_int_equal(rig_in(rig, 0x69), 0xFF);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(mode_0_counts_n_plus_1),
        TEST(mode_0_waits_for_its_gate),
        TEST(mode_1_is_a_retriggerable_one_shot),
        TEST(mode_2_pulses_low_for_one_clock),
        TEST(mode_2_takes_a_new_count_at_the_end_of_the_period),
        TEST(mode_2_gate_stops_and_restarts),
        TEST(mode_3_is_square),
        TEST(mode_3_count_0_is_65536),
        TEST(mode_4_strobes_once),
        TEST(mode_5_strobes_after_a_trigger),
        TEST(bcd_counts_in_decimal),
        TEST(one_byte_access),
        TEST(a_latched_count_waits_to_be_read),
        TEST(read_back_latches_status_and_count),
        TEST(null_count_is_set_until_loaded),
        TEST(a_count_just_written_can_be_read),
        TEST(laziness_makes_no_difference),
        TEST(port_61_shows_gate_output_and_refresh),
        TEST(port_61_gathers_nmi),
        TEST(a_control_word_drops_latches_and_flip_flops),
        TEST(a_control_word_stops_counter_0),
        TEST(mode_4_does_not_strobe_when_it_wraps),
        TEST(bcd_digits_are_all_decoded),
        TEST(mode_3_takes_a_new_count_at_the_half),
        TEST(gate_does_not_touch_out_in_the_one_shot_modes),
        TEST(mode_1_and_5_count_with_the_gate_low),
        TEST(sound_sees_the_period),
        TEST(a_latched_new_count_is_the_new_one),
        TEST(port_61_after_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
