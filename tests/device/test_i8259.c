/* The 8259 pair.
 * Run alone: meson test -C build i8259 */
#include "devices/i8259.h"
#include "tests/device/rig.h"

enum { INTR = 0 };

static struct i8259 *pic_of(struct rig *rig)
{
    return rig->chip;
}

static void irq(struct rig *rig, unsigned number, bool level)
{
    struct irq_line line = i8259_irq(pic_of(rig), number);
    irq_set(&line, level);
}

static void init_with(struct rig *rig, uint8_t icw1, uint8_t icw4)
{
    static const uint16_t base[] = {0x20, 0xA0};
    for (unsigned i = 0; i < 2; i++) {
        rig_out(rig, base[i], icw1);
        rig_out(rig, base[i] + 1, i ? 0x70 : 0x08);
        rig_out(rig, base[i] + 1, i ? 0x02 : 0x04);
        if (icw1 & 1)
            rig_out(rig, base[i] + 1, icw4);
        rig_out(rig, base[i] + 1, 0x00);
    }
}

static int set_up(void **state)
{
    struct rig *rig = rig_new();
    struct irq_line intr = rig_wire(rig, INTR);
    rig->chip = i8259_new(rig->bus, &intr);
    rig_reset(rig, RESET_POWER_ON);
    init_with(rig, 0x11, 0x01);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    rig_free(*state);
    return 0;
}

static uint8_t isr(struct rig *rig, uint16_t base)
{
    rig_out(rig, base, 0x0B);
    return rig_in(rig, base);
}

static uint8_t irr(struct rig *rig, uint16_t base)
{
    rig_out(rig, base, 0x0A);
    return rig_in(rig, base);
}

static void an_edge_is_acknowledged_with_its_vector(void **state)
{
    struct rig *rig = *state;
    irq(rig, 3, true);
    assert_true(rig->wire[INTR].level);
    assert_int_equal(irr(rig, 0x20), 0x08);
    assert_int_equal(i8259_acknowledge(pic_of(rig)), 0x0B);
    assert_false(rig->wire[INTR].level);
    assert_int_equal(irr(rig, 0x20), 0);
    assert_int_equal(isr(rig, 0x20), 0x08);
    rig_out(rig, 0x20, 0x20);
    assert_int_equal(isr(rig, 0x20), 0);
    assert_false(rig->wire[INTR].level); /* still high, but no new edge */
    irq(rig, 3, false);
    irq(rig, 3, true);
    assert_true(rig->wire[INTR].level);
}

static void a_masked_request_waits(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, 0x21, 0x08);
    assert_int_equal(rig_in(rig, 0x21), 0x08);
    irq(rig, 3, true);
    assert_false(rig->wire[INTR].level);
    assert_int_equal(irr(rig, 0x20), 0x08);
    rig_out(rig, 0x21, 0x00);
    assert_true(rig->wire[INTR].level);
}

static void higher_priority_nests_and_lower_waits(void **state)
{
    struct rig *rig = *state;
    irq(rig, 4, true);
    assert_int_equal(i8259_acknowledge(pic_of(rig)), 0x0C);
    irq(rig, 5, true);
    assert_false(rig->wire[INTR].level);
    irq(rig, 1, true);
    assert_true(rig->wire[INTR].level);
    assert_int_equal(i8259_acknowledge(pic_of(rig)), 0x09);
    assert_int_equal(isr(rig, 0x20), 0x12);
    rig_out(rig, 0x20, 0x20); /* non-specific: the highest, IR1 */
    assert_int_equal(isr(rig, 0x20), 0x10);
    assert_false(rig->wire[INTR].level);
    rig_out(rig, 0x20, 0x64); /* specific, IR4 */
    assert_int_equal(isr(rig, 0x20), 0);
    assert_int_equal(i8259_acknowledge(pic_of(rig)), 0x0D);
}

static void the_slave_answers_through_ir2(void **state)
{
    struct rig *rig = *state;
    irq(rig, 12, true);
    assert_true(rig->wire[INTR].level);
    assert_int_equal(irr(rig, 0x20), 0x04);
    assert_int_equal(i8259_acknowledge(pic_of(rig)), 0x74);
    assert_int_equal(isr(rig, 0x20), 0x04);
    assert_int_equal(isr(rig, 0xA0), 0x10);
    rig_out(rig, 0xA0, 0x20);
    rig_out(rig, 0x20, 0x20);
    assert_int_equal(isr(rig, 0x20) | isr(rig, 0xA0), 0);
}

static void a_vanished_request_is_spurious(void **state)
{
    struct rig *rig = *state;
    irq(rig, 3, true);
    irq(rig, 3, false);
    assert_false(rig->wire[INTR].level);
    assert_int_equal(i8259_acknowledge(pic_of(rig)), 0x0F);
    assert_int_equal(isr(rig, 0x20), 0); /* no in-service bit: how handlers tell */
}

static void special_fully_nested_mode_lets_the_slave_nest(void **state)
{
    struct rig *rig = *state;
    irq(rig, 12, true);
    i8259_acknowledge(pic_of(rig));
    irq(rig, 8, true); /* higher on the slave, same level on the master */
    assert_false(rig->wire[INTR].level);
    irq(rig, 8, false);
    irq(rig, 12, false);
    init_with(rig, 0x11, 0x11);
    irq(rig, 12, true);
    i8259_acknowledge(pic_of(rig));
    irq(rig, 8, true);
    assert_true(rig->wire[INTR].level);
    assert_int_equal(i8259_acknowledge(pic_of(rig)), 0x70);
}

static void automatic_eoi_leaves_nothing_in_service(void **state)
{
    struct rig *rig = *state;
    init_with(rig, 0x11, 0x03);
    irq(rig, 6, true);
    assert_int_equal(i8259_acknowledge(pic_of(rig)), 0x0E);
    assert_int_equal(isr(rig, 0x20), 0);
}

static void rotation_moves_the_lowest_priority(void **state)
{
    struct rig *rig = *state;
    irq(rig, 1, true);
    i8259_acknowledge(pic_of(rig));
    rig_out(rig, 0x20, 0xA0); /* rotate on non-specific EOI: IR1 is lowest now */
    irq(rig, 1, false);
    irq(rig, 1, true);
    irq(rig, 0, true);
    irq(rig, 3, true);
    assert_int_equal(i8259_acknowledge(pic_of(rig)), 0x0B); /* 2 3 4 5 6 7 0 1 */
    rig_out(rig, 0x20, 0x20);
    assert_int_equal(i8259_acknowledge(pic_of(rig)), 0x08);
    rig_out(rig, 0x20, 0x20);
    assert_int_equal(i8259_acknowledge(pic_of(rig)), 0x09);
    rig_out(rig, 0x20, 0xC7); /* set priority: IR7 lowest, as at first */
    rig_out(rig, 0x20, 0xE1); /* rotate on specific EOI of IR1 */
    assert_int_equal(isr(rig, 0x20), 0);
}

static void rotation_in_automatic_eoi_mode(void **state)
{
    struct rig *rig = *state;
    init_with(rig, 0x11, 0x03);
    rig_out(rig, 0x20, 0x80);
    irq(rig, 0, true);
    assert_int_equal(i8259_acknowledge(pic_of(rig)), 0x08);
    irq(rig, 0, false);
    irq(rig, 0, true);
    irq(rig, 5, true);
    assert_int_equal(i8259_acknowledge(pic_of(rig)), 0x0D);
    rig_out(rig, 0x20, 0x00); /* off: IR5 stays lowest */
    assert_int_equal(i8259_acknowledge(pic_of(rig)), 0x08);
    irq(rig, 6, true);
    irq(rig, 5, false);
    irq(rig, 5, true);
    assert_int_equal(i8259_acknowledge(pic_of(rig)), 0x0E);
}

static void special_mask_mode_opens_lower_levels(void **state)
{
    struct rig *rig = *state;
    irq(rig, 1, true);
    i8259_acknowledge(pic_of(rig));
    irq(rig, 6, true);
    assert_false(rig->wire[INTR].level);
    rig_out(rig, 0x21, 0x02);
    assert_false(rig->wire[INTR].level);
    rig_out(rig, 0x20, 0x68); /* ESMM, SMM */
    assert_true(rig->wire[INTR].level);
    assert_int_equal(i8259_acknowledge(pic_of(rig)), 0x0E);
    rig_out(rig, 0x20, 0x20); /* passes over the masked level */
    assert_int_equal(isr(rig, 0x20), 0x02);
    rig_out(rig, 0x20, 0x48);
    rig_out(rig, 0x20, 0x20);
    assert_int_equal(isr(rig, 0x20), 0x00);
}

static void poll_is_an_acknowledge(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, 0x20, 0x0C);
    assert_int_equal(rig_in(rig, 0x20) & 0x80, 0);
    irq(rig, 5, true);
    rig_out(rig, 0x20, 0x0C);
    assert_int_equal(rig_in(rig, 0x20), 0x85);
    assert_false(rig->wire[INTR].level);
    assert_int_equal(isr(rig, 0x20), 0x20);
    assert_int_equal(rig_in(rig, 0x20), 0x20); /* one poll a command */
}

static void level_triggered_lines_ask_again(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, 0x4D0, 0xFF);
    rig_out(rig, 0x4D1, 0xFF);
    assert_int_equal(rig_in(rig, 0x4D0), 0xF8); /* 0, 1, 2, 8, 13 stay edge-triggered */
    assert_int_equal(rig_in(rig, 0x4D1), 0xDE);
    irq(rig, 10, true);
    assert_int_equal(i8259_acknowledge(pic_of(rig)), 0x72);
    rig_out(rig, 0xA0, 0x20);
    rig_out(rig, 0x20, 0x20);
    assert_true(rig->wire[INTR].level);
    assert_int_equal(i8259_acknowledge(pic_of(rig)), 0x72);
    irq(rig, 10, false);
    rig_out(rig, 0xA0, 0x20);
    rig_out(rig, 0x20, 0x20);
    assert_false(rig->wire[INTR].level);
}

static void ltim_makes_all_lines_level_triggered(void **state)
{
    struct rig *rig = *state;
    irq(rig, 0, true);
    init_with(rig, 0x19, 0x01);
    assert_int_equal(irr(rig, 0x20), 0x01);
    i8259_acknowledge(pic_of(rig));
    rig_out(rig, 0x20, 0x20);
    assert_true(rig->wire[INTR].level);
}

static void icw1_forgets_edges_mask_and_service(void **state)
{
    struct rig *rig = *state;
    irq(rig, 4, true);
    i8259_acknowledge(pic_of(rig));
    irq(rig, 1, true);
    rig_out(rig, 0x21, 0xFF);
    rig_out(rig, 0x20, 0x11);
    rig_out(rig, 0x21, 0x20);
    rig_out(rig, 0x21, 0x04);
    rig_out(rig, 0x21, 0x01);
    assert_int_equal(rig_in(rig, 0x21), 0x00);
    assert_int_equal(rig_in(rig, 0x20), 0x00); /* read selects IRR again */
    assert_int_equal(isr(rig, 0x20), 0x00);
    assert_false(rig->wire[INTR].level);
    irq(rig, 5, true);
    assert_int_equal(i8259_acknowledge(pic_of(rig)), 0x25);
}

static void a_single_chip_takes_no_icw3(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, 0x20, 0x12); /* SNGL, no ICW4 */
    rig_out(rig, 0x21, 0x40);
    rig_out(rig, 0x21, 0xEF);
    assert_int_equal(rig_in(rig, 0x21), 0xEF); /* OCW1 already */
    irq(rig, 4, true);
    assert_int_equal(i8259_acknowledge(pic_of(rig)), 0x44);
}

static void aliases_reach_the_same_chips(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, 0x3D, 0x5A);
    rig_out(rig, 0xB9, 0xA5);
    assert_int_equal(rig_in(rig, 0x21), 0x5A);
    assert_int_equal(rig_in(rig, 0xA1), 0xA5);
}

static void reset_drops_everything(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, 0x4D0, 0x20);
    irq(rig, 5, true);
    assert_true(rig->wire[INTR].level);
    irq(rig, 5, false);
    rig_reset(rig, RESET_HARD);
    assert_false(rig->wire[INTR].level);
    assert_int_equal(rig_in(rig, 0x4D0), 0);
    assert_int_equal(isr(rig, 0x20), 0);
}

static void the_lowest_level_is_below_its_neighbour(void **state)
{
    struct rig *rig = *state;
    irq(rig, 7, true);
    i8259_acknowledge(pic_of(rig));
    irq(rig, 6, true);
    assert_true(rig->wire[INTR].level);
    assert_int_equal(i8259_acknowledge(pic_of(rig)), 0x0E);
}

static void icw1_ends_all_modes(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, 0x20, 0xC3); /* IR3 lowest */
    rig_out(rig, 0x20, 0x68); /* special mask mode */
    rig_out(rig, 0x20, 0x80); /* rotate in automatic EOI */
    rig_out(rig, 0x20, 0x0B); /* read ISR */
    rig_out(rig, 0x20, 0x0C); /* poll */
    init_with(rig, 0x11, 0x03);
    assert_int_equal(rig_in(rig, 0x21), 0x00); /* no poll's answer */
    irq(rig, 4, true);
    irq(rig, 2 + 8, true);                                  /* through IR2 */
    assert_int_equal(rig_in(rig, 0x20), 0x14);              /* IRR */
    assert_int_equal(i8259_acknowledge(pic_of(rig)), 0x72); /* the old order: 0 1 2 3 4 */
    assert_int_equal(i8259_acknowledge(pic_of(rig)), 0x0C);
    irq(rig, 4, false);
    irq(rig, 4, true);
    irq(rig, 5, true); /* no rotation: IR4 is still above IR5 */
    assert_int_equal(i8259_acknowledge(pic_of(rig)), 0x0C);
    init_with(rig, 0x11, 0x01);
    irq(rig, 5, false);
    irq(rig, 5, true);
    i8259_acknowledge(pic_of(rig));
    rig_out(rig, 0x21, 0x20);
    irq(rig, 6, true);
    assert_false(rig->wire[INTR].level); /* no special mask mode */
}

static void elcr_takes_effect_at_once(void **state)
{
    struct rig *rig = *state;
    irq(rig, 5, true);
    i8259_acknowledge(pic_of(rig));
    rig_out(rig, 0x20, 0x20);
    assert_false(rig->wire[INTR].level);
    rig_out(rig, 0x4D0, 0x20);
    assert_true(rig->wire[INTR].level);
}

static void reset_reaches_the_slave_and_the_output(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, 0xA1, 0x5A);
    rig_out(rig, 0x21, 0x5A);
    irq(rig, 0, true);
    assert_true(rig->wire[INTR].level);
    i8259_acknowledge(pic_of(rig));
    rig_reset(rig, RESET_HARD);
    assert_int_equal(rig_in(rig, 0xA1), 0);
    assert_int_equal(rig_in(rig, 0x21), 0);
    assert_true(rig->wire[INTR].level);        /* the line is still high */
    assert_int_equal(rig_in(rig, 0x40), 0xFF); /* the aliases end before the timer */
    assert_int_equal(rig_in(rig, 0xC0), 0xFF);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_edge_is_acknowledged_with_its_vector),
        TEST(a_masked_request_waits),
        TEST(higher_priority_nests_and_lower_waits),
        TEST(the_slave_answers_through_ir2),
        TEST(a_vanished_request_is_spurious),
        TEST(special_fully_nested_mode_lets_the_slave_nest),
        TEST(automatic_eoi_leaves_nothing_in_service),
        TEST(rotation_moves_the_lowest_priority),
        TEST(rotation_in_automatic_eoi_mode),
        TEST(special_mask_mode_opens_lower_levels),
        TEST(poll_is_an_acknowledge),
        TEST(level_triggered_lines_ask_again),
        TEST(ltim_makes_all_lines_level_triggered),
        TEST(icw1_forgets_edges_mask_and_service),
        TEST(a_single_chip_takes_no_icw3),
        TEST(aliases_reach_the_same_chips),
        TEST(reset_drops_everything),
        TEST(the_lowest_level_is_below_its_neighbour),
        TEST(icw1_ends_all_modes),
        TEST(elcr_takes_effect_at_once),
        TEST(reset_reaches_the_slave_and_the_output),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
