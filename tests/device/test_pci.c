/* PCI configuration mechanism 1, BARs and interrupt wires (PCI 2.1).
 * Run alone: build/tests/device/test_pci */
#include "tests/device/rig.h"

#include "base/memory.h"
#include "devices/pci.h"

enum { ADDRESS = 0xCF8, DATA = 0xCFC };

struct card {
    struct pci_function *function;
    uint8_t memory[0x2000];
    uint32_t io_offset, io_value;
    unsigned writes;
    uint8_t old_line;
};

static uint32_t card_read(void *device, uint32_t offset, unsigned size)
{
    return 0xA0 + offset;
}

static void card_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    struct card *card = device;
    card->io_offset = offset;
    card->io_value = value;
}

static void card_written(void *device, struct pci_function *function, unsigned offset,
                         unsigned size, const uint8_t *old)
{
    struct card *card = device;
    card->writes++;
    card->old_line = old[PCI_INTERRUPT_LINE];
}

static void card_reset(void *device, struct pci_function *function)
{
    pci_config_set(function, 0x40, 4, 0x11223344);
}

static const struct io_ops card_ops = {.read = card_read, .write = card_write, .max_size = 1};

struct setup {
    struct rig *rig;
    struct pci *pci;
    struct card card;
};

static struct pci_function_config card_config(struct card *card)
{
    return (struct pci_function_config){
        .vendor_id = 0x1AF4,
        .device_id = 0x1234,
        .revision = 7,
        .base_class = 0x02,
        .subsystem_vendor_id = 0xABCD,
        .subsystem_id = 0x4321,
        .interrupt_pin = 1,
        .command_mask = 7,
        .status = 0x0280,
        .bar[0] = {.kind = PCI_BAR_IO,     .size = 32,     .ops = &card_ops      },
        .bar[1] = {.kind = PCI_BAR_MEMORY, .size = 0x2000, .memory = card->memory},
        .bar[PCI_ROM_BAR] = {.kind = PCI_BAR_MEMORY, .size = 0x1000, .memory = card->memory},
        .reset = card_reset,
        .written = card_written,
    };
}

static int set_up(void **state)
{
    struct setup *setup = mem_new(sizeof(*setup));
    setup->rig = rig_new_empty();
    setup->pci = pci_new(setup->rig->bus);
    struct pci_function_config config = card_config(&setup->card);
    setup->card.function = pci_add_function(setup->pci, 3, 0, &config, &setup->card);
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

static void select_register(struct setup *setup, unsigned device, unsigned offset)
{
    bus_port_write(setup->rig->bus, ADDRESS, 0x80000000 | device << 11 | (offset & 0xFC), 4);
}

static uint32_t get(struct setup *setup, unsigned offset)
{
    select_register(setup, 3, offset);
    return bus_port_read(setup->rig->bus, DATA, 4);
}

static void set(struct setup *setup, unsigned offset, uint32_t value)
{
    select_register(setup, 3, offset);
    bus_port_write(setup->rig->bus, DATA, value, 4);
}

static void address_register_keeps_defined_bits(void **state)
{
    struct setup *setup = *state;
    bus_port_write(setup->rig->bus, ADDRESS, 0xFFFFFFFF, 4);
    assert_int_equal(bus_port_read(setup->rig->bus, ADDRESS, 4), 0x80FFFFFC);
}

static void narrow_address_accesses_are_not_for_pci(void **state)
{
    struct setup *setup = *state;
    select_register(setup, 3, 0);
    bus_port_write(setup->rig->bus, ADDRESS, 0x55, 1);
    bus_port_write(setup->rig->bus, ADDRESS + 2, 0x5555, 2);
    assert_int_equal(bus_port_read(setup->rig->bus, ADDRESS, 4), 0x80001800);
    assert_int_equal(bus_port_read(setup->rig->bus, ADDRESS + 1, 1), 0xFF);
}

static void header_is_as_configured(void **state)
{
    struct setup *setup = *state;
    assert_int_equal(get(setup, 0x00), 0x12341AF4);
    assert_int_equal(get(setup, 0x04), 0x02800000);
    assert_int_equal(get(setup, 0x08), 0x02000007);
    assert_int_equal(get(setup, 0x0C), 0x00000000);
    assert_int_equal(get(setup, 0x2C), 0x4321ABCD);
    assert_int_equal(get(setup, 0x34), 0); /* no capabilities */
    assert_int_equal(get(setup, 0x3C), 0x00000100);
    assert_int_equal(get(setup, 0x40), 0x11223344);
}

static void data_port_takes_bytes_and_words(void **state)
{
    struct setup *setup = *state;
    select_register(setup, 3, 0x40);
    assert_int_equal(bus_port_read(setup->rig->bus, DATA + 1, 1), 0x33);
    assert_int_equal(bus_port_read(setup->rig->bus, DATA + 2, 2), 0x1122);
    select_register(setup, 3, 0x3C);
    bus_port_write(setup->rig->bus, DATA, 0x0B, 1);
    assert_int_equal(get(setup, 0x3C), 0x0000010B);
}

static void absent_functions_read_ones(void **state)
{
    struct setup *setup = *state;
    select_register(setup, 4, 0);
    assert_int_equal(bus_port_read(setup->rig->bus, DATA, 4), 0xFFFFFFFF);
    assert_int_equal(bus_port_read(setup->rig->bus, DATA, 2), 0xFFFF);
    bus_port_write(setup->rig->bus, ADDRESS, 0x80000000 | 1 << 16 | 3 << 11, 4); /* bus 1 */
    assert_int_equal(bus_port_read(setup->rig->bus, DATA, 4), 0xFFFFFFFF);
    bus_port_write(setup->rig->bus, ADDRESS, 0x80000000 | 3 << 11 | 1 << 8, 4); /* function 1 */
    assert_int_equal(bus_port_read(setup->rig->bus, DATA, 4), 0xFFFFFFFF);
}

static void disabled_address_selects_nothing(void **state)
{
    struct setup *setup = *state;
    bus_port_write(setup->rig->bus, ADDRESS, 3 << 11, 4);
    assert_int_equal(bus_port_read(setup->rig->bus, DATA, 4), 0xFFFFFFFF);
}

static void identity_is_read_only(void **state)
{
    struct setup *setup = *state;
    set(setup, 0x00, 0);
    set(setup, 0x08, 0);
    set(setup, 0x2C, 0);
    set(setup, 0x40, 0);
    assert_int_equal(get(setup, 0x00), 0x12341AF4);
    assert_int_equal(get(setup, 0x08), 0x02000007);
    assert_int_equal(get(setup, 0x2C), 0x4321ABCD);
    assert_int_equal(get(setup, 0x40), 0x11223344);
}

static void bars_are_sized_by_ones(void **state)
{
    struct setup *setup = *state;
    set(setup, 0x10, 0xFFFFFFFF);
    set(setup, 0x14, 0xFFFFFFFF);
    set(setup, 0x18, 0xFFFFFFFF);
    set(setup, 0x30, 0xFFFFFFFF);
    assert_int_equal(get(setup, 0x10), 0xFFFFFFE1);
    assert_int_equal(get(setup, 0x14), 0xFFFFE000);
    assert_int_equal(get(setup, 0x18), 0);
    assert_int_equal(get(setup, 0x30), 0xFFFFF001);
}

static void io_bar_follows_command_register(void **state)
{
    struct setup *setup = *state;
    struct bus *bus = setup->rig->bus;
    set(setup, 0x10, 0xC000);
    assert_int_equal(bus_port_read(bus, 0xC003, 1), 0xFF);
    set(setup, 0x04, PCI_COMMAND_IO);
    assert_int_equal(bus_port_read(bus, 0xC003, 1), 0xA3);
    bus_port_write(bus, 0xC01F, 0x77, 1);
    assert_int_equal(setup->card.io_offset, 0x1F);
    assert_int_equal(setup->card.io_value, 0x77);
    set(setup, 0x10, 0xD000);
    assert_int_equal(bus_port_read(bus, 0xC003, 1), 0xFF);
    assert_int_equal(bus_port_read(bus, 0xD003, 1), 0xA3);
    assert_int_equal(pci_bar_address(setup->card.function, 0), 0xD000);
    set(setup, 0x04, 0);
    assert_int_equal(bus_port_read(bus, 0xD003, 1), 0xFF);
}

static void memory_bar_follows_command_register(void **state)
{
    struct setup *setup = *state;
    set(setup, 0x14, 0xF0000000);
    assert_int_equal(rig_peek(setup->rig, 0xF0001234), 0xFF);
    set(setup, 0x04, PCI_COMMAND_MEMORY);
    rig_poke(setup->rig, 0xF0001234, 0x5A);
    assert_int_equal(setup->card.memory[0x1234], 0x5A);
    set(setup, 0x14, 0xE0000000);
    assert_int_equal(rig_peek(setup->rig, 0xF0001234), 0xFF);
    assert_int_equal(rig_peek(setup->rig, 0xE0001234), 0x5A);
}

static void rom_bar_needs_its_enable_bit(void **state)
{
    struct setup *setup = *state;
    setup->card.memory[5] = 0x99;
    set(setup, 0x04, PCI_COMMAND_MEMORY);
    set(setup, 0x30, 0xD0000000);
    assert_int_equal(rig_peek(setup->rig, 0xD0000005), 0xFF);
    set(setup, 0x30, 0xD0000001);
    assert_int_equal(rig_peek(setup->rig, 0xD0000005), 0x99);
    rig_poke(setup->rig, 0xD0000005, 0);
    assert_int_equal(setup->card.memory[5], 0x99);
}

static void sizing_with_decode_on_maps_nothing(void **state)
{
    struct setup *setup = *state;
    set(setup, 0x04, PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
    set(setup, 0x14, 0xFFFFFFFF);
    set(setup, 0x10, 0xFFFFFFFF);
    assert_int_equal(pci_bar_address(setup->card.function, 1), UINT32_MAX);
    assert_int_equal(pci_bar_address(setup->card.function, 0), UINT32_MAX);
}

static void status_bits_clear_by_ones(void **state)
{
    struct setup *setup = *state;
    pci_config_set(setup->card.function, PCI_STATUS, 2, 0x3A80);
    set(setup, 0x04, 0x30000000);
    assert_int_equal(get(setup, 0x04) >> 16, 0x0A80);
}

static void writes_are_reported_with_old_bytes(void **state)
{
    struct setup *setup = *state;
    unsigned before = setup->card.writes;
    set(setup, 0x3C, 0x05);
    set(setup, 0x3C, 0x09);
    assert_int_equal(setup->card.writes, before + 2);
    assert_int_equal(setup->card.old_line, 0x05);
}

static void bus_master_bit_is_seen(void **state)
{
    struct setup *setup = *state;
    assert_false(pci_is_bus_master(setup->card.function));
    set(setup, 0x04, PCI_COMMAND_MASTER);
    assert_true(pci_is_bus_master(setup->card.function));
}

static void interrupt_pins_rotate_and_share(void **state)
{
    struct setup *setup = *state;
    struct rig *rig = setup->rig;
    for (unsigned i = 0; i < PCI_PIRQ_COUNT; i++) {
        struct irq_line line = rig_wire(rig, i);
        pci_connect_pirq(setup->pci, i, &line);
    }
    struct pci_function_config config = card_config(&setup->card);
    struct pci_function *same_wire = pci_add_function(setup->pci, 7, 0, &config, &setup->card);
    struct pci_function *next_wire = pci_add_function(setup->pci, 4, 0, &config, &setup->card);
    pci_set_interrupt(setup->card.function, true); /* device 3 INTA#: PIRQC# */
    assert_true(rig->wire[2].level);
    pci_set_interrupt(same_wire, true);
    pci_set_interrupt(setup->card.function, false);
    assert_true(rig->wire[2].level);
    assert_int_equal(rig->wire[2].rises, 1);
    pci_set_interrupt(same_wire, false);
    assert_false(rig->wire[2].level);
    pci_set_interrupt(next_wire, true);
    assert_true(rig->wire[3].level);
}

static void reset_restores_configuration(void **state)
{
    struct setup *setup = *state;
    set(setup, 0x04, 7);
    set(setup, 0x14, 0xF0000000);
    set(setup, 0x3C, 0x0B);
    pci_set_interrupt(setup->card.function, true);
    bus_reset_devices(setup->rig->bus, RESET_HARD);
    assert_int_equal(bus_port_read(setup->rig->bus, ADDRESS, 4), 0);
    assert_int_equal(get(setup, 0x04), 0x02800000);
    assert_int_equal(get(setup, 0x14), 0);
    assert_int_equal(get(setup, 0x3C), 0x00000100);
    assert_int_equal(pci_bar_address(setup->card.function, 1), UINT32_MAX);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(address_register_keeps_defined_bits),
        CASE(narrow_address_accesses_are_not_for_pci),
        CASE(header_is_as_configured),
        CASE(data_port_takes_bytes_and_words),
        CASE(absent_functions_read_ones),
        CASE(disabled_address_selects_nothing),
        CASE(identity_is_read_only),
        CASE(bars_are_sized_by_ones),
        CASE(io_bar_follows_command_register),
        CASE(memory_bar_follows_command_register),
        CASE(rom_bar_needs_its_enable_bit),
        CASE(sizing_with_decode_on_maps_nothing),
        CASE(status_bits_clear_by_ones),
        CASE(writes_are_reported_with_old_bytes),
        CASE(bus_master_bit_is_seen),
        CASE(interrupt_pins_rotate_and_share),
        CASE(reset_restores_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
