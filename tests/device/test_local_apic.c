/* The local APIC.
 * Run alone: meson test -C build local_apic */
#include "base/time128.h"
#include "devices/local_apic.h"
#include "tests/device/local_apic_registers.h"
#include "tests/device/rig.h"

#define BASE 0xFEE00000u

enum { INTR = 0, NMI, INIT, SMI };

static struct rig *make(bool present)
{
    struct rig *rig = rig_new();
    struct local_apic_wires wires = {rig_wire(rig, INTR), rig_wire(rig, NMI), rig_wire(rig, INIT),
                                     rig_wire(rig, SMI)};
    rig->chip = local_apic_new(rig->bus, &wires, present);
    rig_reset(rig, RESET_POWER_ON);
    return rig;
}

static int set_up(void **state)
{
    *state = make(true);
    return 0;
}

static int tear_down(void **state)
{
    rig_free(*state);
    return 0;
}

static uint32_t get(struct rig *rig, uint32_t offset)
{
    return rig_load(rig, BASE + offset);
}

static void put(struct rig *rig, uint32_t offset, uint32_t value)
{
    rig_store(rig, BASE + offset, value);
}

static void enable(struct rig *rig)
{
    put(rig, SVR, 0x1FF);
}

static void lint(struct rig *rig, unsigned number, bool level)
{
    struct irq_line line = local_apic_lint(rig->chip, number);
    irq_set(&line, level);
}

static uint8_t ack(struct rig *rig)
{
    return local_apic_acknowledge(rig->chip);
}

static uint8_t pic_vector(void *opaque)
{
    (*(unsigned *)opaque)++;
    return 0x55;
}

static void registers_after_reset(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(get(rig, ID), 0);
    assert_int_equal(get(rig, VERSION), 0x00050014);
    assert_int_equal(get(rig, DFR), 0xFFFFFFFF);
    assert_int_equal(get(rig, SVR), 0xFF);
    assert_int_equal(get(rig, LVT_TIMER), 0x10000);
    assert_int_equal(get(rig, LVT_ERROR), 0x10000);
    assert_int_equal(get(rig, LINT0), 0x00700); /* virtual wire */
    assert_int_equal(get(rig, LINT1), 0x00400);
    assert_int_equal(get(rig, ESR), 0);
}

static void registers_keep_their_bits(void **state)
{
    struct rig *rig = *state;
    enable(rig);
    put(rig, ID, 0xFFFFFFFF);
    put(rig, LDR, 0xFFFFFFFF);
    put(rig, DFR, 0);
    put(rig, TPR, 0xFFFFFFFF);
    put(rig, LVT_TIMER, 0xFFFFFFFF);
    put(rig, LVT_ERROR, 0xFFFFFFFF);
    put(rig, DIVIDE, 0xFFFFFFFF);
    put(rig, ICR_HIGH, 0xFFFFFFFF);
    assert_int_equal(get(rig, ID), 0xFF000000);
    assert_int_equal(get(rig, LDR), 0xFF000000);
    assert_int_equal(get(rig, DFR), 0x0FFFFFFF);
    assert_int_equal(get(rig, TPR), 0xFF);
    assert_int_equal(get(rig, LVT_TIMER), 0x300FF);
    assert_int_equal(get(rig, LVT_ERROR), 0x100FF);
    assert_int_equal(get(rig, DIVIDE), 0xB);
    assert_int_equal(get(rig, ICR_HIGH), 0xFF000000);
    assert_int_equal(get(rig, ID + 4), 0); /* reserved */
}

static void software_disable_masks_the_lvt(void **state)
{
    struct rig *rig = *state;
    enable(rig);
    put(rig, LVT_TIMER, 0x40);
    assert_int_equal(get(rig, LVT_TIMER), 0x40);
    put(rig, SVR, 0xFF);
    assert_int_equal(get(rig, LVT_TIMER), 0x10040);
    assert_int_equal(get(rig, LINT0), 0x10700);
    put(rig, LVT_TIMER, 0x40); /* cannot be cleared now */
    assert_int_equal(get(rig, LVT_TIMER), 0x10040);
    put(rig, ICR, 0x40041); /* a fixed interrupt is not accepted */
    assert_int_equal(get(rig, IRR + 0x20), 0);
}

static void a_self_ipi_goes_through_irr_isr_and_eoi(void **state)
{
    struct rig *rig = *state;
    enable(rig);
    put(rig, ICR, 0x40041);
    assert_true(rig->wire[INTR].level);
    assert_int_equal(get(rig, IRR + 0x20), 0x02);
    assert_int_equal(ack(rig), 0x41);
    assert_false(rig->wire[INTR].level);
    assert_int_equal(get(rig, IRR + 0x20), 0);
    assert_int_equal(get(rig, ISR + 0x20), 0x02);
    assert_int_equal(get(rig, PPR), 0x40);
    assert_int_equal(get(rig, TMR + 0x20), 0);
    put(rig, EOI, 0);
    assert_int_equal(get(rig, ISR + 0x20), 0);
    assert_int_equal(get(rig, PPR), 0);
}

static void priorities_nest(void **state)
{
    struct rig *rig = *state;
    enable(rig);
    put(rig, ICR, 0x40051);
    assert_int_equal(ack(rig), 0x51);
    put(rig, ICR, 0x4005F); /* the same class waits */
    assert_false(rig->wire[INTR].level);
    put(rig, ICR, 0x40062);
    assert_true(rig->wire[INTR].level);
    assert_int_equal(ack(rig), 0x62);
    put(rig, EOI, 0);
    assert_false(rig->wire[INTR].level);
    put(rig, EOI, 0);
    assert_int_equal(ack(rig), 0x5F);
}

static void tpr_holds_back_classes(void **state)
{
    struct rig *rig = *state;
    enable(rig);
    put(rig, TPR, 0x50);
    put(rig, ICR, 0x40058);
    assert_false(rig->wire[INTR].level);
    assert_int_equal(get(rig, PPR), 0x50);
    put(rig, TPR, 0x4F);
    assert_true(rig->wire[INTR].level);
    put(rig, TPR, 0x60); /* raised in between: the spurious vector, and no ISR bit */
    assert_int_equal(ack(rig), 0xFF);
    assert_int_equal(get(rig, ISR + 0x20), 0);
    put(rig, TPR, 0);
    assert_int_equal(ack(rig), 0x58);
}

static void destinations(void **state)
{
    static const struct {
        uint32_t high, low;
        bool hit;
    } cases[] = {
        {0x00000000, 0x00041, true }, /* physical, our ID */
        {0x01000000, 0x00041, false}, /* somebody else's */
        {0xFF000000, 0x00041, true }, /* broadcast */
        {0x04000000, 0x00841, true }, /* logical, flat */
        {0x02000000, 0x00841, false},
        {0x06000000, 0x00941, true }, /* lowest priority */
        {0x01000000, 0x80041, true }, /* all including self */
        {0x00000000, 0xC0041, false}, /* all excluding self */
    };
    struct rig *rig = *state;
    enable(rig);
    put(rig, LDR, 0x04000000);
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        put(rig, ICR_HIGH, cases[i].high);
        put(rig, ICR, cases[i].low);
        assert_int_equal(rig->wire[INTR].level, cases[i].hit);
        if (cases[i].hit) {
            ack(rig);
            put(rig, EOI, 0);
        }
    }
    put(rig, DFR, 0x0FFFFFFF); /* clusters */
    put(rig, LDR, 0x34000000);
    put(rig, ICR_HIGH, 0x36000000);
    put(rig, ICR, 0x00841);
    assert_true(rig->wire[INTR].level);
    ack(rig);
    put(rig, EOI, 0);
    put(rig, ICR_HIGH, 0x26000000);
    put(rig, ICR, 0x00841);
    assert_false(rig->wire[INTR].level);
}

static void nmi_init_and_startup(void **state)
{
    struct rig *rig = *state;
    put(rig, ICR, 0x00400); /* works without the software enable */
    assert_int_equal(rig->wire[NMI].rises, 1);
    put(rig, ICR, 0x00200);
    assert_int_equal(rig->wire[SMI].rises, 1);
    put(rig, ICR, 0x08500); /* INIT level de-assert */
    put(rig, ICR, 0x00610); /* start-up: we are running */
    assert_int_equal(rig->wire[INIT].rises, 0);
    enable(rig);
    put(rig, TPR, 0x30);
    put(rig, ID, 0x05000000);
    put(rig, ICR_HIGH, 0x05000000);
    put(rig, ICR, 0x0C500);
    assert_int_equal(rig->wire[INIT].rises, 1);
    assert_int_equal(get(rig, TPR), 0); /* INIT resets the registers, but not the ID */
    assert_int_equal(get(rig, SVR), 0xFF);
    assert_int_equal(get(rig, ID), 0x05000000);
}

static void the_one_shot_timer(void **state)
{
    struct rig *rig = *state;
    enable(rig);
    put(rig, DIVIDE, 0xB); /* by 1: 10 ns */
    put(rig, LVT_TIMER, 0x30);
    put(rig, INITIAL, 1000);
    rig_pass(rig, 4000);
    assert_int_equal(get(rig, CURRENT), 600);
    assert_false(rig->wire[INTR].level);
    rig_pass(rig, 6000);
    assert_int_equal(get(rig, CURRENT), 0);
    assert_true(rig->wire[INTR].level);
    assert_int_equal(ack(rig), 0x30);
    put(rig, EOI, 0);
    rig_pass(rig, 100000);
    assert_int_equal(rig->wire[INTR].rises, 1);
}

static void the_periodic_timer(void **state)
{
    struct rig *rig = *state;
    enable(rig);
    put(rig, DIVIDE, 0x3); /* by 16 */
    put(rig, LVT_TIMER, 0x20030);
    put(rig, INITIAL, 1000); /* 160 microseconds */
    for (unsigned i = 0; i < 5; i++) {
        rig_pass(rig, 160000);
        assert_int_equal(ack(rig), 0x30);
        put(rig, EOI, 0);
    }
    assert_int_equal(rig->wire[INTR].rises, 5);
    rig_pass(rig, 80000);
    assert_int_equal(get(rig, CURRENT), 500);
    put(rig, INITIAL, 0); /* stops it */
    rig_pass(rig, 1000000);
    assert_int_equal(rig->wire[INTR].rises, 5);
    assert_int_equal(get(rig, CURRENT), 0);
}

static void a_masked_timer_counts_all_the_same(void **state)
{
    struct rig *rig = *state;
    enable(rig);
    put(rig, DIVIDE, 0x0); /* by 2 */
    put(rig, INITIAL, 0xFFFFFFFF);
    rig_pass(rig, 1000000);
    assert_int_equal(get(rig, CURRENT), 0xFFFFFFFF - 50000);
    put(rig, DIVIDE, 0xA); /* by 128, from here */
    assert_int_equal(get(rig, CURRENT), 0xFFFFFFFF - 50000);
    rig_pass(rig, 128000);
    assert_int_equal(get(rig, CURRENT), 0xFFFFFFFF - 50100);
    put(rig, INITIAL, 10);
    rig_pass(rig, 100000);
    put(rig, LVT_TIMER, 0x30); /* too late */
    rig_pass(rig, 100000);
    assert_false(rig->wire[INTR].level);
}

static void lint0_passes_the_pic_through(void **state)
{
    struct rig *rig = *state;
    unsigned calls = 0;
    local_apic_connect_extint(rig->chip, pic_vector, &calls);
    lint(rig, 0, true); /* virtual wire, as after reset */
    assert_true(rig->wire[INTR].level);
    assert_int_equal(ack(rig), 0x55);
    assert_int_equal(calls, 1);
    lint(rig, 0, false);
    assert_false(rig->wire[INTR].level);
    enable(rig);
    put(rig, LINT0, 0x10700);
    lint(rig, 0, true);
    assert_false(rig->wire[INTR].level);
    put(rig, LINT0, 0x00700);
    assert_true(rig->wire[INTR].level);
    put(rig, ICR, 0x40041); /* our own vectors come first */
    assert_int_equal(ack(rig), 0x41);
    assert_int_equal(ack(rig), 0x55);
}

static void lint0_fixed_and_level(void **state)
{
    struct rig *rig = *state;
    enable(rig);
    put(rig, LINT0, 0x00033);
    lint(rig, 0, true);
    assert_int_equal(ack(rig), 0x33);
    put(rig, EOI, 0);
    assert_false(rig->wire[INTR].level); /* an edge */
    lint(rig, 0, false);
    put(rig, LINT0, 0x08033);
    lint(rig, 0, true);
    assert_int_equal(get(rig, LINT0), 0x0C033); /* remote IRR */
    assert_int_equal(ack(rig), 0x33);
    assert_int_equal(get(rig, TMR + 0x10), 0x00080000);
    put(rig, EOI, 0);
    assert_true(rig->wire[INTR].level); /* still active */
    lint(rig, 0, false);
    ack(rig);
    put(rig, EOI, 0);
    assert_int_equal(get(rig, LINT0), 0x08033);
}

static void lint1_is_nmi(void **state)
{
    struct rig *rig = *state;
    lint(rig, 1, true);
    assert_int_equal(rig->wire[NMI].rises, 1);
    lint(rig, 1, false);
    enable(rig);
    put(rig, LINT1, 0x10400);
    lint(rig, 1, true);
    assert_int_equal(rig->wire[NMI].rises, 1);
}

static void hardware_disabled_it_is_only_wires(void **state)
{
    struct rig *rig = *state;
    unsigned calls = 0;
    local_apic_connect_extint(rig->chip, pic_vector, &calls);
    enable(rig);
    put(rig, TPR, 0x20);
    local_apic_set_base(rig->chip, BASE);
    assert_null(bus_find_range(rig->bus, BASE));
    lint(rig, 0, true);
    assert_true(rig->wire[INTR].level);
    assert_int_equal(ack(rig), 0x55);
    lint(rig, 1, true);
    assert_int_equal(rig->wire[NMI].rises, 1);
    local_apic_set_base(rig->chip, 0xFED10000u | 0x900);
    assert_int_equal(rig_load(rig, 0xFED10000u + VERSION), 0x00050014); /* moved, and reset */
    assert_int_equal(rig_load(rig, 0xFED10000u + TPR), 0);
    assert_null(bus_find_range(rig->bus, BASE));
}

static void a_processor_without_one_has_only_wires(void **state)
{
    struct rig *rig = make(false);
    assert_null(bus_find_range(rig->bus, BASE));
    local_apic_set_base(rig->chip, BASE | 0x800);
    assert_null(bus_find_range(rig->bus, BASE));
    lint(rig, 0, true);
    assert_true(rig->wire[INTR].level);
    rig_free(rig);
    rig = *state;
    assert_non_null(bus_find_range(rig->bus, BASE));
}

static void errors_are_latched_by_a_write(void **state)
{
    struct rig *rig = *state;
    enable(rig);
    put(rig, LVT_ERROR, 0x38);
    put(rig, ICR, 0x40005); /* vector 5 cannot be sent */
    assert_int_equal(get(rig, ESR), 0);
    assert_int_equal(ack(rig), 0x38);
    put(rig, ESR, 0);
    assert_int_equal(get(rig, ESR), 0x20);
    put(rig, EOI, 0);
    put(rig, 0x040, 0); /* no register there */
    assert_int_equal(ack(rig), 0x38);
    put(rig, ESR, 0);
    assert_int_equal(get(rig, ESR), 0x80);
    put(rig, ESR, 0);
    assert_int_equal(get(rig, ESR), 0);
    struct apic_message message = {.vector = 3, .destination = 0, .assert = true};
    assert_false(local_apic_deliver(rig->chip, &message));
    put(rig, ESR, 0);
    assert_int_equal(get(rig, ESR), 0x40);
}

static void arbitration_priority(void **state)
{
    static const struct {
        uint8_t tpr, requested, apr;
    } cases[] = {
        {0x45, 0x31, 0x45},
        {0x45, 0x4F, 0x45},
        {0x45, 0x52, 0x50},
        {0x00, 0x00, 0x00}
    };
    struct rig *rig = *state;
    enable(rig);
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        put(rig, TPR, cases[i].tpr);
        if (cases[i].requested)
            put(rig, ICR, 0x40000u | cases[i].requested);
        assert_int_equal(get(rig, 0x90), cases[i].apr);
        put(rig, TPR, 0);
        while (rig->wire[INTR].level) {
            ack(rig);
            put(rig, EOI, 0);
        }
    }
    put(rig, ICR, 0x40066);
    ack(rig); /* in service: class 6 */
    put(rig, TPR, 0x61);
    assert_int_equal(get(rig, 0x90), 0x60);
    assert_int_equal(get(rig, PPR), 0x61);
    put(rig, TPR, 0x21);
    assert_int_equal(get(rig, PPR), 0x60);
}

static void vector_16_is_the_first_legal_one(void **state)
{
    struct rig *rig = *state;
    enable(rig);
    put(rig, ICR, 0x40010);
    assert_int_equal(get(rig, IRR), 0x00010000);
    put(rig, LVT_ERROR, 0x10);
    put(rig, ICR, 0x4000F);
    put(rig, ESR, 0);
    assert_int_equal(get(rig, ESR), 0x20);
    assert_int_equal(ack(rig), 0x10);
    put(rig, EOI, 0);
    put(rig, LVT_ERROR, 0x0F); /* cannot be delivered, and does not recurse */
    put(rig, ICR, 0x4000F);
    assert_false(rig->wire[INTR].level);
    put(rig, LVT_ERROR, 0x1003F); /* masked */
    put(rig, ICR, 0x4000F);
    assert_false(rig->wire[INTR].level);
}

static void read_only_registers_are_no_error(void **state)
{
    static const uint32_t offsets[] = {VERSION, 0x90,       PPR, 0xC0, CURRENT,
                                       ISR,     ISR + 0x70, TMR, IRR,  IRR + 0x70};
    struct rig *rig = *state;
    enable(rig);
    for (unsigned i = 0; i < sizeof offsets / sizeof *offsets; i++)
        put(rig, offsets[i], 0xFFFFFFFF);
    put(rig, ESR, 0);
    assert_int_equal(get(rig, ESR), 0);
    assert_int_equal(get(rig, ISR), 0);
    assert_int_equal(get(rig, 0x2F0), 0); /* CMCI came later */
    put(rig, ESR, 0);
    assert_int_equal(get(rig, ESR), 0x80);
}

static void lint1_can_be_level_triggered_too(void **state)
{
    struct rig *rig = *state;
    enable(rig);
    put(rig, LINT1, 0x08035);
    lint(rig, 1, true);
    assert_int_equal(ack(rig), 0x35);
    assert_int_equal(get(rig, LINT1), 0x0C035);
    put(rig, ICR, 0x40045); /* another EOI does not end it */
    assert_int_equal(ack(rig), 0x45);
    put(rig, EOI, 0);
    assert_int_equal(get(rig, LINT1), 0x0C035);
    put(rig, EOI, 0);
    assert_int_equal(ack(rig), 0x35);
    put(rig, LINT1, 0x00035); /* edge: remote IRR goes */
    assert_int_equal(get(rig, LINT1), 0x00035);
    lint(rig, 1, false);
    put(rig, EOI, 0);
    lint(rig, 0, true);
    put(rig, LINT0, 0x08036); /* a level that is active already */
    assert_int_equal(ack(rig), 0x36);
}

static void reset_forgets_requests(void **state)
{
    struct rig *rig = *state;
    enable(rig);
    put(rig, ICR, 0x40041);
    put(rig, ICR, 0x40051);
    ack(rig);
    put(rig, DIVIDE, 0xB);
    put(rig, LVT_TIMER, 0x20030);
    put(rig, INITIAL, 100);
    struct apic_message message = {.delivery = APIC_EXTINT, .assert = true};
    assert_true(local_apic_deliver(rig->chip, &message));
    local_apic_set_base(rig->chip, 0xFED00000u | 0x900);
    rig_reset(rig, RESET_HARD);
    assert_false(rig->wire[INTR].level);
    assert_int_equal(get(rig, IRR + 0x20), 0);
    assert_int_equal(get(rig, ISR + 0x20), 0);
    assert_int_equal(get(rig, INITIAL), 0);
    assert_int_equal(get(rig, DIVIDE), 0);
    rig_pass(rig, 100000);
    assert_int_equal(get(rig, CURRENT), 0);
    assert_int_equal(get(rig, LVT_TIMER), 0x10000);
    enable(rig);
    assert_false(rig->wire[INTR].level);
}

static void messages_say_whether_they_were_accepted(void **state)
{
    struct rig *rig = *state;
    struct apic_message nmi = {.delivery = APIC_NMI};
    struct apic_message fixed = {.delivery = APIC_FIXED, .vector = 0x40};
    struct apic_message other = {.delivery = APIC_NMI, .destination = 3};
    struct apic_message startup = {.delivery = APIC_STARTUP};
    struct apic_message reserved = {.delivery = 3};
    assert_true(local_apic_deliver(rig->chip, &nmi));
    assert_false(local_apic_deliver(rig->chip, &fixed)); /* software-disabled */
    assert_false(local_apic_deliver(rig->chip, &other));
    assert_true(local_apic_deliver(rig->chip, &startup));
    assert_false(local_apic_deliver(rig->chip, &reserved));
    enable(rig);
    assert_true(local_apic_deliver(rig->chip, &fixed));
    local_apic_set_base(rig->chip, BASE);
    assert_false(local_apic_deliver(rig->chip, &nmi));
}

static void the_mode_changes_in_flight(void **state)
{
    struct rig *rig = *state;
    enable(rig);
    put(rig, DIVIDE, 0xB);
    put(rig, LVT_TIMER, 0x10030);
    put(rig, INITIAL, 1000);
    rig_pass(rig, 5000);
    put(rig, LVT_TIMER, 0x20030); /* unmasked and periodic from here */
    rig_pass(rig, 5000);
    assert_int_equal(ack(rig), 0x30);
    put(rig, EOI, 0);
    rig_pass(rig, 5000);
    put(rig, DIVIDE, 0x0); /* by 2: the 500 that are left take 10 microseconds */
    rig_pass(rig, 9000);
    assert_false(rig->wire[INTR].level);
    rig_pass(rig, 1000);
    assert_true(rig->wire[INTR].level);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(registers_after_reset),
        TEST(registers_keep_their_bits),
        TEST(software_disable_masks_the_lvt),
        TEST(a_self_ipi_goes_through_irr_isr_and_eoi),
        TEST(priorities_nest),
        TEST(tpr_holds_back_classes),
        TEST(destinations),
        TEST(nmi_init_and_startup),
        TEST(the_one_shot_timer),
        TEST(the_periodic_timer),
        TEST(a_masked_timer_counts_all_the_same),
        TEST(lint0_passes_the_pic_through),
        TEST(lint0_fixed_and_level),
        TEST(lint1_is_nmi),
        TEST(hardware_disabled_it_is_only_wires),
        TEST(a_processor_without_one_has_only_wires),
        TEST(errors_are_latched_by_a_write),
        TEST(arbitration_priority),
        TEST(vector_16_is_the_first_legal_one),
        TEST(read_only_registers_are_no_error),
        TEST(lint1_can_be_level_triggered_too),
        TEST(reset_forgets_requests),
        TEST(messages_say_whether_they_were_accepted),
        TEST(the_mode_changes_in_flight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
