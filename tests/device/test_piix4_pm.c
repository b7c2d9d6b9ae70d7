/* PIIX4 power management and SMBus (Intel 290562 chapter 7; ACPI 1.0 chapter 4).
 * Run alone: build/tests/device/test_piix4_pm */
#include "tests/device/rig.h"

#include "base/memory.h"
#include "base/time128.h"
#include "devices/piix4_pm.h"

enum { SCI = 9, BASE = 0xB000, SMBUS = 0xB100 };

struct setup {
    struct rig *rig;
    struct pci *pci;
    struct piix4_pm *pm;
};

static int set_up(void **state)
{
    struct setup *setup = mem_new(sizeof(*setup));
    setup->rig = rig_new_empty();
    setup->pci = pci_new(setup->rig->bus);
    struct irq_line sci = rig_wire(setup->rig, SCI);
    setup->pm = piix4_pm_new(setup->rig->bus, setup->pci, &sci);
    pci_config_write(setup->pci, 1, 3, 0x40, BASE | 1, 4);
    pci_config_write(setup->pci, 1, 3, 0x80, 1, 1);
    pci_config_write(setup->pci, 1, 3, 0x90, SMBUS | 1, 4);
    pci_config_write(setup->pci, 1, 3, 0xD2, 0x09, 1);
    pci_config_write(setup->pci, 1, 3, 0x04, 1, 2);
    *state = setup;
    return 0;
}

static int tear_down(void **state)
{
    struct setup *setup = *state;
    rig_free(setup->rig);
    mem_free(setup);
    return 0;
}

static uint32_t in(struct setup *setup, unsigned offset, unsigned size)
{
    return bus_port_read(setup->rig->bus, (uint16_t)(BASE + offset), size);
}

static void out(struct setup *setup, unsigned offset, uint32_t value, unsigned size)
{
    bus_port_write(setup->rig->bus, (uint16_t)(BASE + offset), value, size);
}

static void identity(void **state)
{
    struct setup *setup = *state;
    assert_int_equal(pci_config_read(setup->pci, 1, 3, 0, 4), 0x71138086);
    assert_int_equal(pci_config_read(setup->pci, 1, 3, 8, 4) >> 8, 0x068000);
    assert_int_equal(pci_config_read(setup->pci, 1, 3, 0x3D, 1), 1);
}

static void smi_setup_reads_as_done(void **state)
{
    struct setup *setup = *state;
    assert_int_equal(pci_config_read(setup->pci, 1, 3, 0x58, 4), 0x02000000);
}

static void base_register_moves_the_block(void **state)
{
    struct setup *setup = *state;
    assert_int_equal(pci_config_read(setup->pci, 1, 3, 0x40, 4), BASE | 1);
    out(setup, 0x02, 0x0100, 2);
    pci_config_write(setup->pci, 1, 3, 0x40, 0x6000, 4);
    assert_int_equal(in(setup, 0x02, 2), 0xFFFF);
    assert_int_equal(bus_port_read(setup->rig->bus, 0x6002, 2), 0x0100);
    pci_config_write(setup->pci, 1, 3, 0x80, 0, 1);
    assert_int_equal(bus_port_read(setup->rig->bus, 0x6002, 2), 0xFFFF);
}

static void timer_counts_at_its_rate(void **state)
{
    struct setup *setup = *state;
    uint32_t before = in(setup, 0x08, 4);
    rig_pass(setup->rig, 100 * NS_PER_MILLISECOND);
    assert_in_range(in(setup, 0x08, 4) - before, 357954, 357955);
}

static void timer_has_24_bits(void **state)
{
    struct setup *setup = *state;
    rig_pass(setup->rig, 5 * NS_PER_SECOND); /* 17897725 ticks */
    assert_int_equal(in(setup, 0x08, 4), 17897725 - (1 << 24));
    out(setup, 0x08, 0, 4);
    assert_int_equal(in(setup, 0x08, 4), 17897725 - (1 << 24));
}

static void timer_overflow_sets_status(void **state)
{
    struct setup *setup = *state;
    rig_pass(setup->rig, 2340 * NS_PER_MILLISECOND);
    assert_int_equal(in(setup, 0x00, 2), 0);
    rig_pass(setup->rig, 10 * NS_PER_MILLISECOND); /* bit 23 changes at 2343.5 ms */
    assert_int_equal(in(setup, 0x00, 2), 1);
    out(setup, 0x00, 1, 2);
    assert_int_equal(in(setup, 0x00, 2), 0);
    rig_pass(setup->rig, 2344 * NS_PER_MILLISECOND);
    assert_int_equal(in(setup, 0x00, 2), 1);
}

static void overflow_interrupts_when_enabled(void **state)
{
    struct setup *setup = *state;
    out(setup, 0x02, 1, 2);
    rig_pass(setup->rig, 2400 * NS_PER_MILLISECOND);
    assert_false(setup->rig->wire[SCI].level); /* SCI_EN is clear */
    out(setup, 0x04, 1, 2);
    assert_true(setup->rig->wire[SCI].level);
    out(setup, 0x00, 1, 2);
    assert_false(setup->rig->wire[SCI].level);
}

static void power_button_interrupts(void **state)
{
    struct setup *setup = *state;
    out(setup, 0x04, 1, 2);
    out(setup, 0x02, 0x0100, 2);
    piix4_pm_power_button(setup->pm);
    assert_int_equal(in(setup, 0x00, 2), 0x0100);
    assert_true(setup->rig->wire[SCI].level);
    out(setup, 0x01, 0x01, 1); /* the status byte alone */
    assert_int_equal(in(setup, 0x00, 2), 0);
    assert_false(setup->rig->wire[SCI].level);
}

static void byte_write_leaves_the_other_byte(void **state)
{
    struct setup *setup = *state;
    out(setup, 0x02, 0x0121, 2);
    out(setup, 0x02, 0x01, 1);
    assert_int_equal(in(setup, 0x02, 2), 0x0101);
    piix4_pm_power_button(setup->pm);
    out(setup, 0x00, 0xFF, 1); /* does not clear PWRBTN_STS */
    assert_int_equal(in(setup, 0x00, 2), 0x0100);
}

static void enable_register_keeps_defined_bits(void **state)
{
    struct setup *setup = *state;
    out(setup, 0x02, 0xFFFF, 2);
    assert_int_equal(in(setup, 0x02, 2), 0x0521);
    out(setup, 0x00, 0x01210000, 4); /* status and enable in one dword */
    assert_int_equal(in(setup, 0x00, 4), 0x01210000);
}

static void smi_command_switches_acpi(void **state)
{
    struct setup *setup = *state;
    assert_int_equal(in(setup, 0x04, 2) & 1, 0);
    rig_out(setup->rig, 0xB2, PIIX4_ACPI_ENABLE);
    assert_int_equal(in(setup, 0x04, 2) & 1, 1);
    assert_int_equal(rig_in(setup->rig, 0xB2), PIIX4_ACPI_ENABLE);
    rig_out(setup->rig, 0xB2, PIIX4_ACPI_DISABLE);
    assert_int_equal(in(setup, 0x04, 2) & 1, 0);
    rig_out(setup->rig, 0xB3, 0x5A);
    assert_int_equal(rig_in(setup->rig, 0xB3), 0x5A);
}

static void soft_off_needs_type_zero_and_enable(void **state)
{
    struct setup *setup = *state;
    out(setup, 0x04, 0x0001, 2);
    assert_int_equal(setup->rig->power_offs, 0);
    out(setup, 0x04, 0x2001, 2);
    assert_int_equal(setup->rig->power_offs, 1);
    assert_int_equal(in(setup, 0x04, 2), 0x0001); /* SUS_EN reads as zero */
}

static void other_sleep_types_resume(void **state)
{
    struct setup *setup = *state;
    out(setup, 0x04, 0x2401, 2);
    assert_int_equal(setup->rig->power_offs, 0);
    assert_int_equal(in(setup, 0x00, 2), 0x8000);
    assert_int_equal(in(setup, 0x04, 2), 0x0401);
}

static void global_release_sets_the_other_side(void **state)
{
    struct setup *setup = *state;
    out(setup, 0x04, 0x0005, 2);
    assert_int_equal(in(setup, 0x18, 2), 1);
    assert_int_equal(in(setup, 0x04, 2), 1); /* GBL_RLS reads as zero */
    out(setup, 0x18, 1, 2);
    assert_int_equal(in(setup, 0x18, 2), 0);
    out(setup, 0x28, 2, 4);
    assert_int_equal(in(setup, 0x00, 2), 0x20);
}

static void gpe_blocks_keep_enables(void **state)
{
    struct setup *setup = *state;
    out(setup, 0x0E, 0xFFFF, 2);
    assert_int_equal(in(setup, 0x0C, 4), 0x0F010000);
    assert_int_equal(rig_in(setup->rig, 0xAFE0), 0);
    rig_out(setup->rig, 0xAFE2, 0x0A);
    assert_int_equal(bus_port_read(setup->rig->bus, 0xAFE0, 4), 0x000A0000);
}

static void outputs_have_their_reset_value(void **state)
{
    struct setup *setup = *state;
    assert_int_equal(in(setup, 0x34, 4), 0x7FFFBFFF);
    out(setup, 0x35, 0x12, 1);
    assert_int_equal(in(setup, 0x34, 4), 0x7FFF12FF);
}

static void smbus_finds_nobody(void **state)
{
    struct setup *setup = *state;
    rig_out(setup->rig, SMBUS + 4, 0xA1);
    rig_out(setup->rig, SMBUS + 2, 0x48); /* byte data, start */
    assert_int_equal(rig_in(setup->rig, SMBUS), 0x01);
    rig_pass(setup->rig, NS_PER_MILLISECOND);
    assert_int_equal(rig_in(setup->rig, SMBUS), 0x04);
    rig_out(setup->rig, SMBUS, 0x04);
    assert_int_equal(rig_in(setup->rig, SMBUS), 0x00);
    assert_false(setup->rig->wire[SCI].level);
}

static void smbus_interrupts_on_irq_9(void **state)
{
    struct setup *setup = *state;
    rig_out(setup->rig, SMBUS + 2, 0x49);
    rig_pass(setup->rig, NS_PER_MILLISECOND);
    assert_true(setup->rig->wire[SCI].level);
    rig_out(setup->rig, SMBUS, 0x1E);
    assert_false(setup->rig->wire[SCI].level);
}

static void smbus_kill_fails_the_transaction(void **state)
{
    struct setup *setup = *state;
    rig_out(setup->rig, SMBUS + 2, 0x48);
    rig_out(setup->rig, SMBUS + 2, 0x02);
    assert_int_equal(rig_in(setup->rig, SMBUS), 0x10);
    rig_pass(setup->rig, NS_PER_MILLISECOND);
    assert_int_equal(rig_in(setup->rig, SMBUS), 0x10);
}

static void smbus_block_index_starts_with_control(void **state)
{
    struct setup *setup = *state;
    rig_in(setup->rig, SMBUS + 2);
    rig_out(setup->rig, SMBUS + 7, 0x11);
    rig_out(setup->rig, SMBUS + 7, 0x22);
    rig_in(setup->rig, SMBUS + 2);
    assert_int_equal(rig_in(setup->rig, SMBUS + 7), 0x11);
    assert_int_equal(rig_in(setup->rig, SMBUS + 7), 0x22);
}

static void reset_unmaps_and_clears(void **state)
{
    struct setup *setup = *state;
    piix4_pm_power_button(setup->pm);
    bus_reset_devices(setup->rig->bus, RESET_HARD);
    assert_int_equal(in(setup, 0x00, 2), 0xFFFF);
    pci_config_write(setup->pci, 1, 3, 0x40, BASE, 4);
    pci_config_write(setup->pci, 1, 3, 0x80, 1, 1);
    assert_int_equal(in(setup, 0x00, 2), 0);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(identity),
        CASE(smi_setup_reads_as_done),
        CASE(base_register_moves_the_block),
        CASE(timer_counts_at_its_rate),
        CASE(timer_has_24_bits),
        CASE(timer_overflow_sets_status),
        CASE(overflow_interrupts_when_enabled),
        CASE(power_button_interrupts),
        CASE(byte_write_leaves_the_other_byte),
        CASE(enable_register_keeps_defined_bits),
        CASE(smi_command_switches_acpi),
        CASE(soft_off_needs_type_zero_and_enable),
        CASE(other_sleep_types_resume),
        CASE(global_release_sets_the_other_side),
        CASE(gpe_blocks_keep_enables),
        CASE(outputs_have_their_reset_value),
        CASE(smbus_finds_nobody),
        CASE(smbus_interrupts_on_irq_9),
        CASE(smbus_kill_fails_the_transaction),
        CASE(smbus_block_index_starts_with_control),
        CASE(reset_unmaps_and_clears),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
