/* Port space: claims, overlap, splitting of wide and narrow accesses.
 * Run alone: meson test -C build ports */
#include "bus/bus.h"
#include "tests/harness/unit.h"

#include <string.h>

struct chip {
    char trace[256];
    uint8_t byte[8];
};

static uint32_t chip_read(void *device, uint32_t offset, unsigned size)
{
    struct chip *chip = device;
    sprintf(chip->trace + strlen(chip->trace), "r%u.%u ", (unsigned)offset, size);
    uint32_t value = 0;
    memcpy(&value, chip->byte + offset, size);
    return value;
}
static void chip_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    struct chip *chip = device;
    sprintf(chip->trace + strlen(chip->trace), "w%u.%u=%X ", (unsigned)offset, size,
            (unsigned)value);
}

static const struct io_ops byte_ops = {chip_read, chip_write, .max_size = 1};
static const struct io_ops dword_ops = {chip_read, chip_write, .min_size = 4};
static const struct io_ops read_ops = {.read = chip_read};

struct world {
    struct log *log;
    struct bus *bus;
    struct chip chip, other;
};

static int set_up(void **state)
{
    static struct world world;
    world = (struct world){.log = log_new(stderr, LOG_WARNING)};
    world.bus = bus_new(world.log);
    memcpy(world.chip.byte, "\x10\x11\x12\x13\x14\x15\x16\x17", 8);
    memset(world.other.byte, 0xEE, 8);
    *state = &world;
    return 0;
}
static int tear_down(void **state)
{
    struct world *w = *state;
    bus_free(w->bus);
    log_free(w->log);
    return 0;
}

static void unclaimed_reads_all_ones(void **state)
{
    struct world *w = *state;
    assert_int_equal(bus_port_read(w->bus, 0x300, 1), 0xFF);
    assert_int_equal(bus_port_read(w->bus, 0x300, 2), 0xFFFF);
    assert_int_equal(bus_port_read(w->bus, 0xFFFF, 4), 0xFFFFFFFF);
    bus_port_write(w->bus, 0xFFFF, 0, 4);
}

static void wide_access_is_split(void **state)
{
    struct world *w = *state;
    bus_claim_ports(w->bus, 0x300, 8, &byte_ops, &w->chip);
    assert_int_equal(bus_port_read(w->bus, 0x301, 4), 0x14131211);
    bus_port_write(w->bus, 0x302, 0xBBAA, 2);
    assert_string_equal(w->chip.trace, "r1.1 r2.1 r3.1 r4.1 w2.1=AA w3.1=BB ");
}

static void narrow_access_is_widened(void **state)
{
    struct world *w = *state;
    bus_claim_ports(w->bus, 0x300, 8, &dword_ops, &w->chip);
    assert_int_equal(bus_port_read(w->bus, 0x306, 1), 0x16);
    bus_port_write(w->bus, 0x305, 0x7F, 1);
    assert_string_equal(w->chip.trace, "r4.4 w4.4=7F00 ");
}

static void later_claim_hides_until_released(void **state)
{
    struct world *w = *state;
    bus_claim_ports(w->bus, 0x300, 8, &byte_ops, &w->chip);
    bus_claim_ports(w->bus, 0x304, 2, &read_ops, &w->other);
    assert_int_equal(bus_port_read(w->bus, 0x303, 1), 0x13);
    assert_int_equal(bus_port_read(w->bus, 0x304, 1), 0xEE);
    bus_port_write(w->bus, 0x304, 5, 1); /* no write handler: falls through */
    assert_string_equal(w->chip.trace, "r3.1 w4.1=5 ");
    bus_release_ports(w->bus, 0x304, &read_ops, &w->other);
    assert_int_equal(bus_port_read(w->bus, 0x304, 1), 0x14);
}

static void access_across_two_chips_is_split(void **state)
{
    struct world *w = *state;
    bus_claim_ports(w->bus, 0x300, 4, &byte_ops, &w->chip);
    bus_claim_ports(w->bus, 0x304, 4, &byte_ops, &w->other);
    assert_int_equal(bus_port_read(w->bus, 0x302, 4), 0xEEEE1312);
}

static void unimplemented_is_reported_once(void **state)
{
    struct world *w = *state;
    struct log *quiet = log_new(stderr, LOG_ERROR);
    log_unimplemented(quiet, "chip", 1, "register %d", 1);
    log_unimplemented(quiet, "chip", 1, "register %d", 1);
    log_unimplemented(quiet, "chip", 2, "register %d", 2);
    assert_int_equal(log_unimplemented_count(quiet), 2);
    log_free(quiet);
    assert_int_equal(log_unimplemented_count(w->log), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(unclaimed_reads_all_ones, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wide_access_is_split, set_up, tear_down),
        cmocka_unit_test_setup_teardown(narrow_access_is_widened, set_up, tear_down),
        cmocka_unit_test_setup_teardown(later_claim_hides_until_released, set_up, tear_down),
        cmocka_unit_test_setup_teardown(access_across_two_chips_is_split, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unimplemented_is_reported_once, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("ports", tests, NULL, NULL);
}
