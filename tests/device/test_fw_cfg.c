/* The firmware configuration device.
 * Run alone: meson test -C build fw_cfg */
#include "devices/fw_cfg.h"
#include "tests/device/rig.h"

#include <string.h>

static int set_up(void **state)
{
    struct rig *rig = rig_new();
    rig->chip = fw_cfg_new(rig->bus);
    rig_reset(rig, RESET_POWER_ON);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    rig_free(*state);
    return 0;
}

static void select_key(struct rig *rig, uint16_t key)
{
    bus_port_write(rig->bus, 0x510, key, 2);
}

static uint32_t read_be(struct rig *rig, unsigned bytes)
{
    uint32_t value = 0;
    while (bytes--)
        value = value << 8 | rig_in(rig, 0x511);
    return value;
}

static uint32_t swap(uint32_t value)
{
    return __builtin_bswap32(value);
}

static void put_be(uint8_t *bytes, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* Runs a descriptor at 1000h and returns its control word. */
static uint32_t dma(struct rig *rig, uint32_t control, uint32_t length, uint64_t address)
{
    uint8_t *descriptor = rig->memory + 0x1000;
    put_be(descriptor, control);
    put_be(descriptor + 4, length);
    put_be(descriptor + 8, (uint32_t)(address >> 32));
    put_be(descriptor + 12, (uint32_t)address);
    bus_port_write(rig->bus, 0x518, swap(0x1000), 4);
    return (uint32_t)descriptor[0] << 24 | (uint32_t)descriptor[1] << 16 |
           (uint32_t)descriptor[2] << 8 | descriptor[3];
}

static void the_signature_and_id(void **state)
{
    struct rig *rig = *state;
    select_key(rig, FW_CFG_SIGNATURE);
    assert_int_equal(read_be(rig, 4), 0x51454D55);
    assert_int_equal(rig_in(rig, 0x511), 0); /* zeros after the end */
    select_key(rig, FW_CFG_ID);
    assert_int_equal(read_be(rig, 4), 0x03000000);
    select_key(rig, FW_CFG_SIGNATURE); /* selecting goes back to the start */
    assert_int_equal(rig_in(rig, 0x511), 'Q');
}

static void numbers_are_little_endian(void **state)
{
    struct rig *rig = *state;
    fw_cfg_add_number(rig->chip, FW_CFG_RAM_SIZE, UINT64_C(0x123456789), 8);
    select_key(rig, FW_CFG_RAM_SIZE);
    assert_int_equal(read_be(rig, 4), 0x89674523);
    assert_int_equal(read_be(rig, 4), 0x01000000);
    fw_cfg_add_number(rig->chip, FW_CFG_RAM_SIZE, 7, 8); /* replaces */
    select_key(rig, FW_CFG_RAM_SIZE);
    assert_int_equal(rig_in(rig, 0x511), 7);
}

static void an_unknown_key_reads_as_zeros(void **state)
{
    struct rig *rig = *state;
    select_key(rig, 0x3FFF);
    assert_int_equal(read_be(rig, 4), 0);
}

static void the_directory_lists_files(void **state)
{
    struct rig *rig = *state;
    char name[56] = {0};
    assert_true(fw_cfg_add_file(rig->chip, "etc/one", "first", 5, NULL));
    assert_true(fw_cfg_add_file(rig->chip, "opt/two", "the second", 10, NULL));
    assert_true(fw_cfg_add_file(rig->chip, "etc/one", "changed", 7, NULL));
    select_key(rig, FW_CFG_FILE_DIR);
    assert_int_equal(read_be(rig, 4), 2);
    assert_int_equal(read_be(rig, 4), 7);
    assert_int_equal(read_be(rig, 2), FW_CFG_FILE_FIRST);
    assert_int_equal(read_be(rig, 2), 0);
    for (unsigned i = 0; i < sizeof name; i++)
        name[i] = (char)rig_in(rig, 0x511);
    assert_string_equal(name, "etc/one");
    assert_int_equal(read_be(rig, 4), 10);
    uint16_t key = (uint16_t)read_be(rig, 2);
    select_key(rig, key);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(rig_in(rig, 0x511), "the second"[i]);
}

static void names_and_number_of_files_have_limits(void **state)
{
    struct rig *rig = *state;
    struct error err;
    char name[64];
    memset(name, 'x', sizeof name);
    name[56] = 0;
    assert_false(fw_cfg_add_file(rig->chip, name, "", 0, &err));
    assert_non_null(strstr(err.text, "longer than 55"));
    name[55] = 0;
    assert_true(fw_cfg_add_file(rig->chip, name, "", 0, &err));
    for (unsigned i = 1; i < FW_CFG_MAX_FILES; i++) {
        snprintf(name, sizeof name, "file%u", i);
        assert_true(fw_cfg_add_file(rig->chip, name, &i, 4, &err));
    }
    assert_false(fw_cfg_add_file(rig->chip, "one too many", "", 0, &err));
    assert_non_null(strstr(err.text, "no room"));
}

static void dma_signature(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(swap(bus_port_read(rig->bus, 0x514, 4)), 0x51454D55);
    assert_int_equal(swap(bus_port_read(rig->bus, 0x518, 4)), 0x20434647);
    assert_int_equal(rig_in(rig, 0x514), 'Q');
}

static void dma_selects_and_reads(void **state)
{
    struct rig *rig = *state;
    memset(rig->memory + 0x2000, 0xEE, 8);
    assert_int_equal(dma(rig, FW_CFG_SIGNATURE << 16 | 0x0A, 6, 0x2000), 0);
    assert_memory_equal(rig->memory + 0x2000, "QEMU\0\0\xEE", 7);
}

static void dma_goes_on_and_skips(void **state)
{
    struct rig *rig = *state;
    uint8_t big[10000];
    for (unsigned i = 0; i < sizeof big; i++)
        big[i] = (uint8_t)(i * 7 + i / 256);
    fw_cfg_add(rig->chip, FW_CFG_KERNEL_DATA, big, sizeof big);
    select_key(rig, FW_CFG_KERNEL_DATA);
    assert_int_equal(dma(rig, 0x02, 5000, 0x10000), 0);
    assert_int_equal(dma(rig, 0x04, 1000, 0), 0);
    assert_int_equal(dma(rig, 0x02, 4000, 0x20000), 0);
    assert_memory_equal(rig->memory + 0x10000, big, 5000);
    assert_memory_equal(rig->memory + 0x20000, big + 6000, 4000);
    assert_int_equal(rig_in(rig, 0x511), 0); /* one position for both interfaces */
}

static void dma_refuses_writes_and_high_addresses(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(dma(rig, 0x10, 4, 0x2000), 1);
    assert_int_equal(dma(rig, FW_CFG_SIGNATURE << 16 | 0x0A, 4, UINT64_C(0x100000000)), 1);
    assert_int_equal(dma(rig, 0x02, 0x20, 0xFFFFFFF0), 1);
}

static void the_data_port_ignores_writes(void **state)
{
    struct rig *rig = *state;
    select_key(rig, FW_CFG_SIGNATURE);
    rig_out(rig, 0x511, 'X');
    assert_int_equal(rig_in(rig, 0x511), 'Q');
    select_key(rig, 0x4000 | FW_CFG_SIGNATURE); /* the old write channel */
    assert_int_equal(rig_in(rig, 0x511), 'Q');
}

static void a_descriptor_above_4_gib_is_ignored(void **state)
{
    struct rig *rig = *state;
    bus_port_write(rig->bus, 0x514, swap(1), 4);
    assert_int_equal(dma(rig, FW_CFG_SIGNATURE << 16 | 0x0A, 4, 0x2000),
                     FW_CFG_SIGNATURE << 16 | 0x0A); /* untouched */
    assert_int_equal(dma(rig, FW_CFG_SIGNATURE << 16 | 0x0A, 4, 0x2000), 0);
}

static void skipping_stops_at_the_end(void **state)
{
    struct rig *rig = *state;
    select_key(rig, FW_CFG_SIGNATURE);
    assert_int_equal(dma(rig, 0x04, 3, 0), 0);
    assert_int_equal(rig_in(rig, 0x511), 'U');
    assert_int_equal(dma(rig, 0x04, 0xFFFFFFFF, 0), 0);
    assert_int_equal(dma(rig, 0x04, 0xFFFFFFFF, 0), 0);
    assert_int_equal(rig_in(rig, 0x511), 0);
    select_key(rig, 0x3000);
    assert_int_equal(dma(rig, 0x04, 5, 0), 0);
    assert_int_equal(rig_in(rig, 0x511), 0);
    assert_int_equal(dma(rig, FW_CFG_ID << 16 | 0x08, 0, 0), 0); /* select, nothing else */
    assert_int_equal(rig_in(rig, 0x511), 3);
}

static void the_last_byte_below_4_gib_is_an_address(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(dma(rig, FW_CFG_SIGNATURE << 16 | 0x0A, 4, 0xFFFFFFFC), 0);
    assert_int_equal(dma(rig, FW_CFG_SIGNATURE << 16 | 0x0A, 5, 0xFFFFFFFC), 1);
}

static void the_selector_takes_words_only(void **state)
{
    struct rig *rig = *state;
    select_key(rig, FW_CFG_ID);
    rig_out(rig, 0x510, FW_CFG_SIGNATURE);
    assert_int_equal(rig_in(rig, 0x511), 3);
    assert_int_equal(bus_port_read(rig->bus, 0x510, 1), 0);
    bus_port_write(rig->bus, 0x514, 0, 2); /* nor does half an address start anything */
    bus_port_write(rig->bus, 0x518, 0x1000, 2);
    assert_int_equal(bus_port_read(rig->bus, 0x51A, 2), 'F' | 'G' << 8);
}

static void reset_selects_the_signature(void **state)
{
    struct rig *rig = *state;
    select_key(rig, FW_CFG_ID);
    bus_port_write(rig->bus, 0x514, swap(1), 4);
    rig_reset(rig, RESET_HARD);
    assert_int_equal(rig_in(rig, 0x511), 'Q');
    assert_int_equal(dma(rig, FW_CFG_SIGNATURE << 16 | 0x0A, 4, 0x2000), 0);
}

static void an_empty_directory_has_a_count(void **state)
{
    struct rig *rig = *state;
    select_key(rig, FW_CFG_FILE_DIR);
    assert_int_equal(read_be(rig, 4), 0);
    fw_cfg_add(rig->chip, FW_CFG_UUID, "", 0);
    select_key(rig, FW_CFG_UUID);
    assert_int_equal(read_be(rig, 4), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_signature_and_id),
        TEST(numbers_are_little_endian),
        TEST(an_unknown_key_reads_as_zeros),
        TEST(the_directory_lists_files),
        TEST(names_and_number_of_files_have_limits),
        TEST(dma_signature),
        TEST(dma_selects_and_reads),
        TEST(dma_goes_on_and_skips),
        TEST(dma_refuses_writes_and_high_addresses),
        TEST(the_data_port_ignores_writes),
        TEST(a_descriptor_above_4_gib_is_ignored),
        TEST(skipping_stops_at_the_end),
        TEST(the_last_byte_below_4_gib_is_an_address),
        TEST(the_selector_takes_words_only),
        TEST(reset_selects_the_signature),
        TEST(an_empty_directory_has_a_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
