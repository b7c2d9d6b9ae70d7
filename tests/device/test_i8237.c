/* The 8237 pair and the page registers.
 * Run alone: meson test -C build i8237 */
#include "devices/i8237.h"
#include "tests/device/rig.h"

#include <string.h>

static int set_up(void **state)
{
    struct rig *rig = rig_new();
    struct i8237 *dma = i8237_new(rig->bus);
    rig->chip = dma;
    for (unsigned channel = 0; channel < 8; channel++) {
        struct irq_line dack = rig_wire(rig, channel);
        i8237_connect(dma, channel, &dack);
    }
    rig_reset(rig, RESET_POWER_ON);
    rig_out(rig, 0xD6, 0xC0); /* channel 4: cascade */
    rig_out(rig, 0xD4, 0x00);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    rig_free(*state);
    return 0;
}

/* Channel 0..3: mode without the channel number, 24-bit address, count as the register has it. */
static void program(struct rig *rig, unsigned channel, uint8_t mode, uint32_t address,
                    uint16_t count)
{
    static const uint8_t page[] = {0x87, 0x83, 0x81, 0x82};
    rig_out(rig, 0x0A, (uint8_t)(4 | channel));
    rig_out(rig, 0x0B, (uint8_t)(mode | channel));
    rig_out(rig, 0x0C, 0);
    rig_out(rig, (uint16_t)(2 * channel), (uint8_t)address);
    rig_out(rig, (uint16_t)(2 * channel), (uint8_t)(address >> 8));
    rig_out(rig, (uint16_t)(2 * channel + 1), (uint8_t)count);
    rig_out(rig, (uint16_t)(2 * channel + 1), (uint8_t)(count >> 8));
    rig_out(rig, page[channel], (uint8_t)(address >> 16));
    rig_out(rig, 0x0A, (uint8_t)channel);
}

static uint16_t counter(struct rig *rig, uint16_t port)
{
    rig_out(rig, 0x0C, 0);
    uint8_t low = rig_in(rig, port);
    return (uint16_t)(low | rig_in(rig, port) << 8);
}

static void a_device_writes_memory_to_terminal_count(void **state)
{
    struct rig *rig = *state;
    bool tc;
    program(rig, 2, 0x44, 0x12340, 4);                                             /* five bytes */
    assert_int_equal(i8237_device_to_memory(rig->chip, 2, "abcdefgh", 8, &tc), 0); /* no DREQ */
    i8237_set_request(rig->chip, 2, true);
    assert_true(rig->wire[2].level);
    assert_int_equal(rig_in(rig, 0x08), 0x40);
    assert_int_equal(i8237_device_to_memory(rig->chip, 2, "abc", 3, &tc), 3);
    assert_false(tc);
    assert_int_equal(counter(rig, 4), 0x2343);
    assert_int_equal(counter(rig, 5), 1);
    assert_int_equal(i8237_device_to_memory(rig->chip, 2, "defgh", 5, &tc), 2);
    assert_true(tc);
    assert_memory_equal(rig->memory + 0x12340, "abcde\0", 6);
    assert_int_equal(counter(rig, 5), 0xFFFF);
    assert_int_equal(rig_in(rig, 0x08), 0x44); /* request, TC */
    assert_int_equal(rig_in(rig, 0x08), 0x40); /* reading clears TC */
    assert_false(rig->wire[2].level);          /* masked by TC */
    assert_int_equal(rig_in(rig, 0x0F) & 0x0F, 0x0F);
}

static void a_device_reads_memory(void **state)
{
    struct rig *rig = *state;
    uint8_t bytes[8] = {0};
    bool tc;
    memcpy(rig->memory + 0x8000, "hello", 5);
    program(rig, 1, 0x48, 0x8000, 4);
    i8237_set_request(rig->chip, 1, true);
    assert_int_equal(i8237_memory_to_device(rig->chip, 1, bytes, 8, &tc), 5);
    assert_true(tc);
    assert_string_equal((char *)bytes, "hello");
}

static void unmasking_tells_a_waiting_device(void **state)
{
    struct rig *rig = *state;
    program(rig, 3, 0x44, 0, 0);
    rig_out(rig, 0x0A, 7);
    i8237_set_request(rig->chip, 3, true);
    assert_false(rig->wire[3].level);
    rig_out(rig, 0x0A, 3);
    assert_true(rig->wire[3].level);
    rig_out(rig, 0x08, 0x04); /* controller disable */
    assert_false(rig->wire[3].level);
    rig_out(rig, 0x08, 0x00);
    rig_out(rig, 0xD4, 0x04); /* cascade masked */
    assert_false(rig->wire[3].level);
    rig_out(rig, 0xD4, 0x00);
    assert_true(rig->wire[3].level);
    i8237_set_request(rig->chip, 3, false);
    assert_false(rig->wire[3].level);
}

static void autoinitialisation_starts_over(void **state)
{
    struct rig *rig = *state;
    bool tc;
    program(rig, 1, 0x54, 0x5000, 1);
    i8237_set_request(rig->chip, 1, true);
    assert_int_equal(i8237_device_to_memory(rig->chip, 1, "abcd", 4, &tc), 2);
    assert_true(tc);
    assert_true(i8237_acknowledged(rig->chip, 1));
    assert_int_equal(counter(rig, 2), 0x5000);
    assert_int_equal(counter(rig, 3), 1);
    i8237_device_to_memory(rig->chip, 1, "xy", 2, &tc);
    assert_memory_equal(rig->memory + 0x5000, "xy", 2);
}

static void addresses_can_go_down(void **state)
{
    struct rig *rig = *state;
    bool tc;
    program(rig, 1, 0x64, 0x5003, 3);
    i8237_set_request(rig->chip, 1, true);
    i8237_device_to_memory(rig->chip, 1, "abcd", 4, &tc);
    assert_true(tc);
    assert_memory_equal(rig->memory + 0x5000, "dcba", 4);
}

static void addresses_wrap_inside_their_64_k(void **state)
{
    struct rig *rig = *state;
    bool tc;
    program(rig, 1, 0x44, 0x2FFFE, 3);
    i8237_set_request(rig->chip, 1, true);
    assert_int_equal(i8237_device_to_memory(rig->chip, 1, "abcd", 4, &tc), 4);
    assert_memory_equal(rig->memory + 0x2FFFE, "ab\0", 3);
    assert_memory_equal(rig->memory + 0x20000, "cd", 2);
}

static void verify_moves_nothing(void **state)
{
    struct rig *rig = *state;
    uint8_t bytes[4] = {9, 9, 9, 9};
    bool tc;
    memset(rig->memory + 0x5000, 0x77, 4);
    program(rig, 1, 0x40, 0x5000, 3);
    i8237_set_request(rig->chip, 1, true);
    assert_int_equal(i8237_device_to_memory(rig->chip, 1, "abcd", 2, &tc), 2);
    assert_int_equal(rig->memory[0x5000], 0x77);
    assert_int_equal(i8237_memory_to_device(rig->chip, 1, bytes, 4, &tc), 2);
    assert_true(tc);
    assert_int_equal(bytes[0], 0);
}

static void word_channels_count_words(void **state)
{
    struct rig *rig = *state;
    bool tc;
    rig_out(rig, 0xD6, 0x45); /* channel 5, single, write */
    rig_out(rig, 0xD8, 0);
    rig_out(rig, 0xC4, 0x00);
    rig_out(rig, 0xC4, 0x80); /* word address 8000h: byte 10000h of a 128 K page */
    rig_out(rig, 0xC6, 0x01);
    rig_out(rig, 0xC6, 0x00);
    rig_out(rig, 0x8B, 0x03); /* bit 0 does not count */
    rig_out(rig, 0xD4, 0x01);
    i8237_set_request(rig->chip, 5, true);
    assert_true(rig->wire[5].level);
    assert_int_equal(i8237_device_to_memory(rig->chip, 5, "abcdef", 6, &tc), 4);
    assert_true(tc);
    assert_memory_equal(rig->memory + 0x30000, "abcd\0", 5);
}

static void memory_to_memory_by_software_request(void **state)
{
    struct rig *rig = *state;
    memcpy(rig->memory + 0x4000, "memory to memory", 16);
    program(rig, 0, 0x88, 0x4000, 15);
    program(rig, 1, 0x84, 0x6000, 15);
    rig_out(rig, 0x0F, 0x0F); /* masks do not hold back software */
    rig_out(rig, 0x08, 0x01);
    rig_out(rig, 0x09, 0x04);
    assert_memory_equal(rig->memory + 0x6000, "memory to memory", 16);
    assert_int_equal(rig_in(rig, 0x08) & 0x12, 0x02); /* TC of channel 1, no request left */
    assert_int_equal(rig_in(rig, 0x0D), 'y');         /* temporary register */
}

static void memory_fill_holds_channel_0(void **state)
{
    struct rig *rig = *state;
    rig->memory[0x4000] = 0x5A;
    program(rig, 0, 0x88, 0x4000, 0);
    program(rig, 1, 0x84, 0x6000, 255);
    rig_out(rig, 0x08, 0x03);
    rig_out(rig, 0x09, 0x04);
    assert_int_equal(rig->memory[0x6000], 0x5A);
    assert_int_equal(rig->memory[0x60FF], 0x5A);
    assert_int_equal(rig->memory[0x6100], 0x00);
    assert_int_equal(counter(rig, 0), 0x4000);
}

static void a_software_request_runs_a_block_alone(void **state)
{
    struct rig *rig = *state;
    program(rig, 3, 0x84, 0x7000, 2);
    rig_out(rig, 0x09, 0x07);
    assert_memory_equal(rig->memory + 0x7000, "\xFF\xFF\xFF\0", 4);
    assert_int_equal(rig_in(rig, 0x08), 0x08);
    program(rig, 3, 0x44, 0x7000, 2); /* not in single mode */
    rig_out(rig, 0x09, 0x07);
    assert_int_equal(rig_in(rig, 0x08), 0x80);
    rig_out(rig, 0x09, 0x03);
    assert_int_equal(rig_in(rig, 0x08), 0x00);
}

static void master_clear(void **state)
{
    struct rig *rig = *state;
    program(rig, 2, 0x44, 0x1234, 0x5678);
    rig_out(rig, 0x08, 0x04);
    rig_in(rig, 0x04); /* flip-flop on the high byte */
    rig_out(rig, 0x0D, 0);
    assert_int_equal(rig_in(rig, 0x04), 0x34);
    assert_int_equal(rig_in(rig, 0x04), 0x12);
    assert_int_equal(rig_in(rig, 0x08), 0x00);
    assert_int_equal(rig_in(rig, 0x0F), 0xFF);
    rig_out(rig, 0x0E, 0); /* clear mask */
    assert_int_equal(rig_in(rig, 0x0F), 0xF0);
    i8237_set_request(rig->chip, 2, true);
    assert_true(rig->wire[2].level); /* the disable bit is gone as well */
}

static void both_base_and_current_are_written(void **state)
{
    struct rig *rig = *state;
    bool tc;
    program(rig, 1, 0x54, 0x1000, 9);
    i8237_set_request(rig->chip, 1, true);
    i8237_device_to_memory(rig->chip, 1, "abc", 3, &tc);
    rig_out(rig, 0x0C, 0);
    rig_out(rig, 0x03, 0); /* a new count in the middle */
    rig_out(rig, 0x03, 0);
    assert_int_equal(i8237_device_to_memory(rig->chip, 1, "xyz", 3, &tc), 1);
    assert_int_equal(rig->memory[0x1003], 'x');
    assert_int_equal(counter(rig, 2), 0x1000);
}

static void page_registers_are_latches(void **state)
{
    struct rig *rig = *state;
    for (unsigned i = 0; i < 16; i++)
        rig_out(rig, (uint16_t)(0x80 + i), (uint8_t)(0xA0 + i));
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(rig_in(rig, (uint16_t)(0x80 + i)), 0xA0 + i);
    assert_int_equal(rig_in(rig, 0x93), 0xA3);
    assert_int_equal(rig_in(rig, 0x9F), 0xAF);
    assert_int_equal(i8237_post_code(rig->chip), 0xA0);
    assert_int_equal(rig_in(rig, 0x92), 0xFF); /* another chip's */
}

static void a_line_is_as_good_as_a_call(void **state)
{
    struct rig *rig = *state;
    struct irq_line dreq = i8237_request_line(rig->chip, 6);
    rig_out(rig, 0xD4, 0x02);
    irq_set(&dreq, true);
    assert_true(rig->wire[6].level);
    assert_int_equal(rig_in(rig, 0xD0), 0x40);
    irq_set(&dreq, false);
    assert_false(rig->wire[6].level);
}

static void the_first_controller_has_an_alias(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, 0x1F, 0x05);
    assert_int_equal(rig_in(rig, 0x0F), 0xF5);
}

static void reads_wrap_inside_their_64_k(void **state)
{
    struct rig *rig = *state;
    uint8_t bytes[4];
    bool tc;
    memcpy(rig->memory + 0x2FFFE, "ab", 2);
    memcpy(rig->memory + 0x20000, "cd", 2);
    program(rig, 1, 0x48, 0x2FFFE, 3);
    i8237_set_request(rig->chip, 1, true);
    assert_int_equal(i8237_memory_to_device(rig->chip, 1, bytes, 4, &tc), 4);
    assert_memory_equal(bytes, "abcd", 4);
    memset(bytes, 9, 4);
    program(rig, 1, 0x40, 0x2FFFE, 3); /* verify */
    assert_int_equal(i8237_memory_to_device(rig->chip, 1, bytes, 4, &tc), 4);
    assert_memory_equal(bytes, "\0\0\0\0", 4);
}

static void the_wrong_direction_moves_nothing(void **state)
{
    struct rig *rig = *state;
    uint8_t bytes[4] = {9, 9, 9, 9};
    bool tc;
    memset(rig->memory + 0x5000, 0x77, 4);
    program(rig, 1, 0x48, 0x5000, 3); /* reads memory */
    i8237_set_request(rig->chip, 1, true);
    assert_int_equal(i8237_device_to_memory(rig->chip, 1, "abcd", 4, &tc), 4);
    assert_true(tc);
    assert_int_equal(rig->memory[0x5000], 0x77);
    program(rig, 1, 0x44, 0x5000, 3);
    assert_int_equal(i8237_memory_to_device(rig->chip, 1, bytes, 4, &tc), 4);
    assert_int_equal(bytes[0], 0);
}

static void a_word_block_by_software_fills_words(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, 0xD6, 0x85); /* channel 5, block, write */
    rig_out(rig, 0xD8, 0);
    rig_out(rig, 0xC4, 0x00);
    rig_out(rig, 0xC4, 0x08); /* byte 1000h */
    rig_out(rig, 0xC6, 0x01);
    rig_out(rig, 0xC6, 0x00);
    rig_out(rig, 0xD2, 0x05);
    assert_memory_equal(rig->memory + 0x1000, "\xFF\xFF\xFF\xFF\0", 5);
}

static void cascade_channels_pass_requests_only(void **state)
{
    struct rig *rig = *state;
    bool tc;
    rig_out(rig, 0xD6, 0xC5); /* channel 5: cascade, for a bus master */
    rig_out(rig, 0xD4, 0x01);
    i8237_set_request(rig->chip, 5, true);
    assert_true(rig->wire[5].level);
    assert_int_equal(i8237_device_to_memory(rig->chip, 5, "ab", 2, &tc), 0);
    assert_false(tc);
}

static void memory_to_memory_autoinitialises_both(void **state)
{
    struct rig *rig = *state;
    program(rig, 0, 0x98, 0x4000, 7);
    program(rig, 1, 0x94, 0x6000, 7);
    rig_out(rig, 0x08, 0x01);
    rig_out(rig, 0x09, 0x04);
    assert_int_equal(counter(rig, 0), 0x4000);
    assert_int_equal(counter(rig, 2), 0x6000);
    assert_int_equal(counter(rig, 3), 7);
}

static void reset_is_a_master_clear(void **state)
{
    struct rig *rig = *state;
    program(rig, 2, 0x44, 0x1000, 4);
    i8237_set_request(rig->chip, 2, true);
    rig_out(rig, 0x93, 0x21); /* the alias of 83h */
    assert_int_equal(rig_in(rig, 0x83), 0x21);
    rig_out(rig, 0x80, 0x55);
    rig_out(rig, 0x08, 0x20);
    rig_reset(rig, RESET_HARD);
    assert_false(rig->wire[2].level);
    assert_int_equal(rig_in(rig, 0x83), 0);
    assert_int_equal(rig_in(rig, 0x0F), 0xFF);
    rig_out(rig, 0x0E, 0);
    rig_out(rig, 0xDC, 0);
    assert_false(rig->wire[2].level); /* channel 4 is no cascade any more */
    rig_out(rig, 0xD6, 0xC0);
    assert_true(rig->wire[2].level);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_device_writes_memory_to_terminal_count),
        TEST(a_device_reads_memory),
        TEST(unmasking_tells_a_waiting_device),
        TEST(autoinitialisation_starts_over),
        TEST(addresses_can_go_down),
        TEST(addresses_wrap_inside_their_64_k),
        TEST(verify_moves_nothing),
        TEST(word_channels_count_words),
        TEST(memory_to_memory_by_software_request),
        TEST(memory_fill_holds_channel_0),
        TEST(a_software_request_runs_a_block_alone),
        TEST(master_clear),
        TEST(both_base_and_current_are_written),
        TEST(page_registers_are_latches),
        TEST(a_line_is_as_good_as_a_call),
        TEST(the_first_controller_has_an_alias),
        TEST(reads_wrap_inside_their_64_k),
        TEST(the_wrong_direction_moves_nothing),
        TEST(a_word_block_by_software_fills_words),
        TEST(cascade_channels_pass_requests_only),
        TEST(memory_to_memory_autoinitialises_both),
        TEST(reset_is_a_master_clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
