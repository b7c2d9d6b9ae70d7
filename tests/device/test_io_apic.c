/* The I/O APIC, with the local APIC that it talks to.
 * Run alone: meson test -C build io_apic */
#include "devices/io_apic.h"
#include "tests/device/rig.h"

#define BASE  0xFEC00000u
#define LOCAL 0xFEE00000u

enum { INTR = 0, NMI, INIT, SMI };

static int set_up(void **state)
{
    struct rig *rig = rig_new();
    struct local_apic_wires wires = {rig_wire(rig, INTR), rig_wire(rig, NMI), rig_wire(rig, INIT),
                                     rig_wire(rig, SMI)};
    rig->second = local_apic_new(rig->bus, &wires, true);
    rig->chip = io_apic_new(rig->bus, rig->second);
    rig_reset(rig, RESET_POWER_ON);
    rig_store(rig, LOCAL + 0xF0, 0x1FF);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    rig_free(*state);
    return 0;
}

static uint32_t get(struct rig *rig, uint32_t index)
{
    rig_store(rig, BASE, index);
    return rig_load(rig, BASE + 0x10);
}

static void put(struct rig *rig, uint32_t index, uint32_t value)
{
    rig_store(rig, BASE, index);
    rig_store(rig, BASE + 0x10, value);
}

static void entry(struct rig *rig, unsigned pin, uint32_t low)
{
    put(rig, 0x10 + 2 * pin, low);
}

static uint32_t entry_low(struct rig *rig, unsigned pin)
{
    return get(rig, 0x10 + 2 * pin);
}

static void set_pin(struct rig *rig, unsigned pin, bool level)
{
    struct irq_line line = io_apic_irq(rig->chip, pin);
    irq_set(&line, level);
}

static uint8_t ack(struct rig *rig)
{
    return local_apic_acknowledge(rig->second);
}

static void eoi(struct rig *rig)
{
    rig_store(rig, LOCAL + 0xB0, 0);
}

static void registers_after_reset(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(get(rig, 0), 0);
    assert_int_equal(get(rig, 1), 0x00170011);
    assert_int_equal(get(rig, 2), 0);
    for (unsigned pin = 0; pin < IO_APIC_PINS; pin++) {
        assert_int_equal(entry_low(rig, pin), 0x10000);
        assert_int_equal(get(rig, 0x11 + 2 * pin), 0);
    }
    assert_int_equal(get(rig, 0x40), 0); /* past the table */
}

static void registers_keep_their_bits(void **state)
{
    struct rig *rig = *state;
    put(rig, 0, 0xFFFFFFFF);
    assert_int_equal(get(rig, 0), 0x0F000000);
    assert_int_equal(get(rig, 2), 0x0F000000); /* arbitration ID follows */
    put(rig, 1, 0);
    assert_int_equal(get(rig, 1), 0x00170011);
    put(rig, 0x11, 0xFFFFFFFF);
    assert_int_equal(get(rig, 0x11), 0xFF000000);
    put(rig, 0x10, 0xFFFFFFFF);
    assert_int_equal(get(rig, 0x10), 0x1AFFF); /* status and remote IRR are read-only */
    assert_int_equal(rig_load(rig, BASE), 0x10);
}

static void an_edge_is_delivered_once(void **state)
{
    struct rig *rig = *state;
    entry(rig, 4, 0x00044);
    set_pin(rig, 4, true);
    assert_true(rig->wire[INTR].level);
    assert_int_equal(ack(rig), 0x44);
    eoi(rig);
    assert_false(rig->wire[INTR].level);
    set_pin(rig, 4, false);
    set_pin(rig, 4, true);
    assert_int_equal(ack(rig), 0x44);
}

static void a_masked_edge_is_lost(void **state)
{
    struct rig *rig = *state;
    entry(rig, 4, 0x10044);
    set_pin(rig, 4, true);
    entry(rig, 4, 0x00044);
    assert_false(rig->wire[INTR].level);
}

static void a_level_is_served_until_it_ends(void **state)
{
    struct rig *rig = *state;
    entry(rig, 16, 0x0A050);
    set_pin(rig, 16, true);
    assert_int_equal(entry_low(rig, 16), 0x0E050); /* remote IRR */
    assert_int_equal(ack(rig), 0x50);
    set_pin(rig, 16, false);
    set_pin(rig, 16, true); /* no second message before EOI */
    assert_false(rig->wire[INTR].level);
    eoi(rig);
    assert_true(rig->wire[INTR].level);
    assert_int_equal(entry_low(rig, 16), 0x0E050);
    ack(rig);
    set_pin(rig, 16, false);
    eoi(rig);
    assert_int_equal(entry_low(rig, 16), 0x0A050);
    assert_false(rig->wire[INTR].level);
}

static void a_masked_level_waits(void **state)
{
    struct rig *rig = *state;
    entry(rig, 16, 0x18050);
    set_pin(rig, 16, true);
    assert_false(rig->wire[INTR].level);
    entry(rig, 16, 0x08050);
    assert_true(rig->wire[INTR].level);
}

static void switching_to_edge_clears_remote_irr(void **state)
{
    struct rig *rig = *state;
    entry(rig, 16, 0x08050);
    set_pin(rig, 16, true);
    assert_int_equal(entry_low(rig, 16) & 0x4000, 0x4000);
    entry(rig, 16, 0x10050);
    assert_int_equal(entry_low(rig, 16) & 0x4000, 0);
    entry(rig, 16, 0x18050);
    assert_int_equal(entry_low(rig, 16) & 0x4000, 0);
}

static void two_pins_may_share_a_vector(void **state)
{
    struct rig *rig = *state;
    entry(rig, 16, 0x08050);
    entry(rig, 17, 0x08050);
    set_pin(rig, 16, true);
    set_pin(rig, 17, true);
    ack(rig);
    set_pin(rig, 16, false);
    eoi(rig);
    assert_int_equal(entry_low(rig, 16) & 0x4000, 0);
    assert_int_equal(entry_low(rig, 17) & 0x4000, 0x4000);
    assert_int_equal(ack(rig), 0x50);
}

static void a_refused_level_is_sent_again(void **state)
{
    struct rig *rig = *state;
    rig_store(rig, LOCAL + 0xF0, 0x0FF); /* software disable */
    entry(rig, 16, 0x08050);
    set_pin(rig, 16, true);
    assert_int_equal(entry_low(rig, 16) & 0x4000, 0);
    rig_store(rig, LOCAL + 0xF0, 0x1FF);
    assert_true(rig->wire[INTR].level);
    assert_int_equal(entry_low(rig, 16) & 0x4000, 0x4000);
    assert_int_equal(ack(rig), 0x50);
}

static void destinations(void **state)
{
    struct rig *rig = *state;
    rig_store(rig, LOCAL + 0xD0, 0x02000000);
    put(rig, 0x11 + 2 * 5, 0x01000000);
    entry(rig, 5, 0x00045); /* physical 1: nobody */
    set_pin(rig, 5, true);
    assert_false(rig->wire[INTR].level);
    set_pin(rig, 5, false);
    put(rig, 0x11 + 2 * 5, 0x03000000);
    entry(rig, 5, 0x00945); /* logical 3, lowest priority: us */
    set_pin(rig, 5, true);
    assert_true(rig->wire[INTR].level);
    ack(rig);
    eoi(rig);
    set_pin(rig, 5, false);
    put(rig, 0x11 + 2 * 5, 0x0C000000);
    set_pin(rig, 5, true);
    assert_false(rig->wire[INTR].level);
}

static void nmi_smi_and_init(void **state)
{
    struct rig *rig = *state;
    entry(rig, 6, 0x00400);
    set_pin(rig, 6, true);
    assert_int_equal(rig->wire[NMI].rises, 1);
    entry(rig, 7, 0x00200);
    set_pin(rig, 7, true);
    assert_int_equal(rig->wire[SMI].rises, 1);
    entry(rig, 8, 0x00500);
    set_pin(rig, 8, true);
    assert_int_equal(rig->wire[INIT].rises, 1);
}

static uint8_t pic_vector(void *opaque)
{
    return 0x08;
}

static void extint_follows_the_pin(void **state)
{
    struct rig *rig = *state;
    local_apic_connect_extint(rig->second, pic_vector, NULL);
    entry(rig, 0, 0x00700);
    set_pin(rig, 0, true);
    assert_true(rig->wire[INTR].level);
    assert_int_equal(ack(rig), 0x08);
    set_pin(rig, 0, false);
    assert_false(rig->wire[INTR].level);
    set_pin(rig, 0, true);
    entry(rig, 0, 0x10700); /* masking takes it away */
    assert_false(rig->wire[INTR].level);
    entry(rig, 0, 0x00700);
    assert_true(rig->wire[INTR].level);
}

static void reset_masks_everything(void **state)
{
    struct rig *rig = *state;
    entry(rig, 3, 0x00043);
    put(rig, 0, 0x05000000);
    rig_reset(rig, RESET_HARD);
    assert_int_equal(entry_low(rig, 3), 0x10000);
    assert_int_equal(get(rig, 0), 0);
}

static void lowest_priority_has_levels_too(void **state)
{
    struct rig *rig = *state;
    entry(rig, 18, 0x08152);
    set_pin(rig, 18, true);
    assert_int_equal(entry_low(rig, 18) & 0x4000, 0x4000);
    put(rig, 3, 0xFFFFFFFF); /* no such registers */
    put(rig, 0x40, 0xFFFFFFFF);
    assert_int_equal(get(rig, 3), 0);
    assert_int_equal(entry_low(rig, 23), 0x10000);
    put(rig, 0x11 + 2 * 23, 0x07000000);
    assert_int_equal(get(rig, 0x3F), 0x07000000);
    rig_reset(rig, RESET_HARD);
    assert_int_equal(get(rig, 0x3F), 0);
    assert_null(bus_find_range(rig->bus, BASE + 0x1000));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(registers_after_reset),
        TEST(registers_keep_their_bits),
        TEST(an_edge_is_delivered_once),
        TEST(a_masked_edge_is_lost),
        TEST(a_level_is_served_until_it_ends),
        TEST(a_masked_level_waits),
        TEST(switching_to_edge_clears_remote_irr),
        TEST(two_pins_may_share_a_vector),
        TEST(a_refused_level_is_sent_again),
        TEST(destinations),
        TEST(nmi_smi_and_init),
        TEST(extint_follows_the_pin),
        TEST(reset_masks_everything),
        TEST(lowest_priority_has_levels_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
