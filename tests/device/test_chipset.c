/* i440FX, PIIX3 and A20 gate (Intel 290549, 290550).
 * Run alone: build/tests/device/test_chipset */
#include "tests/device/rig.h"

#include "base/memory.h"
#include "devices/i440fx.h"
#include "devices/piix3.h"

#include <string.h>

enum { RAM_SIZE = 16 << 20, ROM_SIZE = 64 << 10 };

struct setup {
    struct rig *rig;
    struct pci *pci;
    uint8_t *ram;
    uint8_t rom[ROM_SIZE];
    struct irq_line sci;
};

static int set_up(void **state)
{
    struct setup *setup = mem_new(sizeof(*setup));
    struct rig *rig = setup->rig = rig_new_empty();
    setup->ram = mem_new(RAM_SIZE);
    memset(setup->ram, 0x11, RAM_SIZE);
    memset(setup->rom, 0x22, ROM_SIZE);
    struct address_range ram = {
        .last = RAM_SIZE - 1, .kind = RANGE_MEMORY, .enabled = true, .memory = setup->ram};
    bus_add_range(rig->bus, &ram);
    struct address_range rom = {.first = 0xF0000,
                                .last = 0xFFFFF,
                                .priority = 10,
                                .kind = RANGE_ROM,
                                .enabled = true,
                                .memory = setup->rom};
    bus_add_range(rig->bus, &rom);
    setup->pci = pci_new(rig->bus);
    struct a20_gate *a20 = a20_gate_new(rig->bus);
    struct i440fx_config config = {.ram = setup->ram, .ram_size = RAM_SIZE};
    i440fx_new(rig->bus, setup->pci, &config);
    struct irq_line irqs[PIIX3_ISA_IRQ_COUNT];
    for (unsigned i = 0; i < PIIX3_ISA_IRQ_COUNT; i++)
        irqs[i] = rig_wire(rig, i);
    setup->sci = piix3_sci_line(piix3_new(rig->bus, setup->pci, a20, irqs));
    *state = setup;
    return 0;
}

static int tear_down(void **state)
{
    struct setup *setup = *state;
    rig_free(setup->rig);
    mem_free(setup->ram);
    mem_free(setup);
    return 0;
}

static uint8_t bridge_get(struct setup *setup, unsigned offset)
{
    return (uint8_t)pci_config_read(setup->pci, 0, 0, offset, 1);
}

static void bridge_set(struct setup *setup, unsigned offset, uint8_t value)
{
    pci_config_write(setup->pci, 0, 0, offset, value, 1);
}

static void identities(void **state)
{
    struct setup *setup = *state;
    assert_int_equal(pci_config_read(setup->pci, 0, 0, 0, 4), 0x12378086);
    assert_int_equal(pci_config_read(setup->pci, 0, 0, 8, 4), 0x06000002);
    assert_int_equal(pci_config_read(setup->pci, 0, 0, 4, 4), 0x02800006);
    assert_int_equal(pci_config_read(setup->pci, 1, 0, 0, 4), 0x70008086);
    assert_int_equal(pci_config_read(setup->pci, 1, 0, 8, 4), 0x06010000);
    assert_int_equal(pci_config_read(setup->pci, 1, 0, 0x0E, 1), 0x80);
}

static void pam_reset_shows_rom_and_nothing(void **state)
{
    struct setup *setup = *state;
    assert_int_equal(rig_peek(setup->rig, 0xF0000), 0x22);
    assert_int_equal(rig_peek(setup->rig, 0xC0000), 0xFF);
    assert_int_equal(rig_peek(setup->rig, 0xEFFFF), 0xFF);
    rig_poke(setup->rig, 0xC0000, 0x33);
    rig_poke(setup->rig, 0xF0000, 0x33);
    assert_int_equal(setup->ram[0xC0000], 0x11);
    assert_int_equal(setup->ram[0xF0000], 0x11);
}

static void pam_write_only_copies_rom_to_ram(void **state)
{
    struct setup *setup = *state;
    bridge_set(setup, 0x59, 0x20);
    uint8_t byte = rig_peek(setup->rig, 0xF1234);
    assert_int_equal(byte, 0x22);
    rig_poke(setup->rig, 0xF1234, byte);
    assert_int_equal(setup->ram[0xF1234], 0x22);
    bridge_set(setup, 0x5A, 0x02);
    assert_int_equal(rig_peek(setup->rig, 0xC0010), 0xFF);
    rig_poke(setup->rig, 0xC0010, 0x44);
    assert_int_equal(setup->ram[0xC0010], 0x44);
}

static void pam_read_only_protects(void **state)
{
    struct setup *setup = *state;
    bridge_set(setup, 0x59, 0x10);
    assert_int_equal(rig_peek(setup->rig, 0xF0000), 0x11);
    rig_poke(setup->rig, 0xF0000, 0x33);
    assert_int_equal(setup->ram[0xF0000], 0x11);
}

static void pam_read_write_is_ram(void **state)
{
    struct setup *setup = *state;
    bridge_set(setup, 0x59, 0x30);
    rig_poke(setup->rig, 0xFFFFF, 0x33);
    assert_int_equal(setup->ram[0xFFFFF], 0x33);
    assert_int_equal(rig_peek(setup->rig, 0xFFFFF), 0x33);
}

static void pam_registers_cover_their_segments(void **state)
{
    struct setup *setup = *state;
    for (unsigned segment = 0; segment < 12; segment++) {
        uint32_t first = 0xC0000 + segment * 0x4000;
        bridge_set(setup, 0x5A + segment / 2, segment & 1 ? 0x10 : 0x01);
        assert_int_equal(rig_peek(setup->rig, first), 0x11);
        assert_int_equal(rig_peek(setup->rig, first + 0x3FFF), 0x11);
        assert_int_equal(rig_peek(setup->rig, first - 1), 0xFF);
        assert_int_not_equal(rig_peek(setup->rig, first + 0x4000), 0x11);
        bridge_set(setup, 0x5A + segment / 2, 0);
    }
}

static void pam_reserved_bits_stay_zero(void **state)
{
    struct setup *setup = *state;
    bridge_set(setup, 0x59, 0xFF);
    bridge_set(setup, 0x5A, 0xFF);
    assert_int_equal(bridge_get(setup, 0x59), 0x70);
    assert_int_equal(bridge_get(setup, 0x5A), 0x77);
}

static void smram_opens_closes_and_locks(void **state)
{
    struct setup *setup = *state;
    assert_int_equal(bridge_get(setup, 0x72), 0x02);
    assert_int_equal(rig_peek(setup->rig, 0xA0000), 0xFF);
    bridge_set(setup, 0x72, 0x48);
    assert_int_equal(rig_peek(setup->rig, 0xA0000), 0x11);
    bridge_set(setup, 0x72, 0x08);
    assert_int_equal(rig_peek(setup->rig, 0xA0000), 0xFF);
    bridge_set(setup, 0x72, 0x58);
    assert_int_equal(bridge_get(setup, 0x72), 0x1A);
    bridge_set(setup, 0x72, 0x48);
    assert_int_equal(bridge_get(setup, 0x72), 0x1A);
    assert_int_equal(rig_peek(setup->rig, 0xA0000), 0xFF);
}

static void dram_hole_hides_memory(void **state)
{
    struct setup *setup = *state;
    bridge_set(setup, 0x68, 0x40);
    assert_int_equal(rig_peek(setup->rig, 0x80000), 0xFF);
    assert_int_equal(rig_peek(setup->rig, 0x7FFFF), 0x11);
    bridge_set(setup, 0x68, 0x80);
    assert_int_equal(rig_peek(setup->rig, 0x80000), 0x11);
    assert_int_equal(rig_peek(setup->rig, 0xF00000), 0xFF);
    bridge_set(setup, 0x68, 0x00);
    assert_int_equal(rig_peek(setup->rig, 0xF00000), 0x11);
}

static void row_boundaries_end_at_memory_size(void **state)
{
    struct setup *setup = *state;
    assert_int_equal(bridge_get(setup, 0x60), 2);
    assert_int_equal(bridge_get(setup, 0x67), 2);
}

static void turbo_reset_control_resets(void **state)
{
    struct setup *setup = *state;
    bridge_set(setup, 0x93, 0x02);
    assert_int_equal(setup->rig->hard_resets, 0);
    bridge_set(setup, 0x93, 0x06);
    assert_int_equal(setup->rig->hard_resets, 1);
    bridge_set(setup, 0x93, 0x00);
    bridge_set(setup, 0x93, 0x04);
    assert_int_equal(setup->rig->cpu_resets, 1);
}

static void hard_reset_clears_shadowing(void **state)
{
    struct setup *setup = *state;
    bridge_set(setup, 0x59, 0x30);
    bus_reset_devices(setup->rig->bus, RESET_HARD);
    assert_int_equal(bridge_get(setup, 0x59), 0);
    assert_int_equal(rig_peek(setup->rig, 0xF0000), 0x22);
}

static struct pci_function *add_card(struct setup *setup)
{
    struct pci_function_config config = {.vendor_id = 1, .interrupt_pin = 1};
    return pci_add_function(setup->pci, 3, 0, &config, NULL); /* INTA# is PIRQC# */
}

static void pirq_is_off_after_reset(void **state)
{
    struct setup *setup = *state;
    struct pci_function *card = add_card(setup);
    assert_int_equal(pci_config_read(setup->pci, 1, 0, 0x60, 4), 0x80808080);
    pci_set_interrupt(card, true);
    for (unsigned i = 0; i < RIG_WIRES; i++)
        assert_false(setup->rig->wire[i].level);
}

static void pirq_follows_its_route(void **state)
{
    struct setup *setup = *state;
    struct pci_function *card = add_card(setup);
    pci_set_interrupt(card, true);
    pci_config_write(setup->pci, 1, 0, 0x62, 11, 1);
    assert_true(setup->rig->wire[11].level);
    pci_config_write(setup->pci, 1, 0, 0x62, 5, 1);
    assert_false(setup->rig->wire[11].level);
    assert_true(setup->rig->wire[5].level);
    pci_set_interrupt(card, false);
    assert_false(setup->rig->wire[5].level);
}

static void pirq_reserved_routes_go_nowhere(void **state)
{
    static const uint8_t reserved[] = {0, 1, 2, 8, 13};
    struct setup *setup = *state;
    pci_set_interrupt(add_card(setup), true);
    for (unsigned i = 0; i < sizeof(reserved); i++) {
        pci_config_write(setup->pci, 1, 0, 0x62, reserved[i], 1);
        assert_false(setup->rig->wire[reserved[i]].level);
    }
}

static void sci_shares_irq_9(void **state)
{
    struct setup *setup = *state;
    struct pci_function *card = add_card(setup);
    pci_config_write(setup->pci, 1, 0, 0x62, 9, 1);
    irq_set(&setup->sci, true);
    pci_set_interrupt(card, true);
    irq_set(&setup->sci, false);
    assert_true(setup->rig->wire[9].level);
    pci_set_interrupt(card, false);
    assert_false(setup->rig->wire[9].level);
}

static void reset_control_needs_a_rising_edge(void **state)
{
    struct setup *setup = *state;
    rig_out(setup->rig, 0xCF9, 0x02);
    assert_int_equal(rig_in(setup->rig, 0xCF9), 0x02);
    assert_int_equal(setup->rig->hard_resets, 0);
    rig_out(setup->rig, 0xCF9, 0x06);
    assert_int_equal(setup->rig->hard_resets, 1);
    rig_out(setup->rig, 0xCF9, 0x06);
    assert_int_equal(setup->rig->hard_resets, 1);
    rig_out(setup->rig, 0xCF9, 0x00);
    rig_out(setup->rig, 0xCF9, 0x04);
    assert_int_equal(setup->rig->cpu_resets, 1);
    bus_reset_devices(setup->rig->bus, RESET_HARD);
    assert_int_equal(rig_in(setup->rig, 0xCF9), 0x00);
}

static void address_dword_is_no_reset(void **state)
{
    struct setup *setup = *state;
    bus_port_write(setup->rig->bus, 0xCF8, 0x80000600, 4);
    assert_int_equal(bus_port_read(setup->rig->bus, 0xCF8, 4), 0x80000600);
    assert_int_equal(setup->rig->hard_resets + setup->rig->cpu_resets, 0);
}

static void port_92_gates_a20(void **state)
{
    struct setup *setup = *state;
    assert_int_equal(rig_in(setup->rig, 0x92), 0x02);
    rig_out(setup->rig, 0x92, 0x00);
    assert_false(setup->rig->a20);
    assert_int_equal(rig_in(setup->rig, 0x92), 0x00);
    rig_out(setup->rig, 0x92, 0x02);
    assert_true(setup->rig->a20);
}

static void port_92_pulses_init(void **state)
{
    struct setup *setup = *state;
    rig_out(setup->rig, 0x92, 0x03);
    assert_int_equal(setup->rig->cpu_resets, 1);
    rig_out(setup->rig, 0x92, 0x03);
    assert_int_equal(setup->rig->cpu_resets, 1);
    assert_true(setup->rig->a20);
    assert_int_equal(rig_in(setup->rig, 0x92), 0x03);
}

static void reset_opens_the_a20_gate(void **state)
{
    struct setup *setup = *state;
    rig_out(setup->rig, 0x92, 0x00);
    bus_reset_devices(setup->rig->bus, RESET_HARD);
    assert_true(setup->rig->a20);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(identities),
        CASE(pam_reset_shows_rom_and_nothing),
        CASE(pam_write_only_copies_rom_to_ram),
        CASE(pam_read_only_protects),
        CASE(pam_read_write_is_ram),
        CASE(pam_registers_cover_their_segments),
        CASE(pam_reserved_bits_stay_zero),
        CASE(smram_opens_closes_and_locks),
        CASE(dram_hole_hides_memory),
        CASE(row_boundaries_end_at_memory_size),
        CASE(turbo_reset_control_resets),
        CASE(hard_reset_clears_shadowing),
        CASE(pirq_is_off_after_reset),
        CASE(pirq_follows_its_route),
        CASE(pirq_reserved_routes_go_nowhere),
        CASE(sci_shares_irq_9),
        CASE(reset_control_needs_a_rising_edge),
        CASE(address_dword_is_no_reset),
        CASE(port_92_gates_a20),
        CASE(port_92_pulses_init),
        CASE(reset_opens_the_a20_gate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
