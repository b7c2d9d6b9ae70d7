/* The 8237 pair and the page registers, as far as software alone can drive them: registers, masks,
 * and transfers that software requests. (The floppy images test requests by a chip.)
 * Run alone: meson test -C build bare-dma
 *
 * QEMU 7.2 fails the checks marked (QEMU): it has no software requests, no memory-to-memory
 * transfers, no readable mask, no alias of the page registers and no latch at port 80h. Bochs 2.7
 * has the last but no software requests either. */
#include "chips.h"

#define SHEET "8237A data sheet: "

static uint8_t source[64] __attribute__((aligned(65536)));
static uint8_t target[64];

static const uint8_t page_port[] = {0x87, 0x83, 0x81, 0x82};

static void write_word(uint16_t port, uint16_t value)
{
    out8(port, (uint8_t)value);
    out8(port, (uint8_t)(value >> 8));
}

static uint16_t read_word(uint16_t port)
{
    uint8_t low = in8(port);
    return (uint16_t)(low | in8(port) << 8);
}

static void program(unsigned channel, uint8_t mode, const void *memory, uint16_t count)
{
    uint32_t address = (uint32_t)memory;
    out8(0x0A, (uint8_t)(4 | channel));
    out8(0x0B, (uint8_t)(mode | channel));
    out8(0x0C, 0);
    write_word((uint16_t)(2 * channel), (uint16_t)address);
    write_word((uint16_t)(2 * channel + 1), count);
    out8(page_port[channel], (uint8_t)(address >> 16));
}

static void test_counters(void)
{
    for (unsigned channel = 0; channel < 4; channel++) {
        out8(0x0C, 0);
        write_word((uint16_t)(2 * channel), (uint16_t)(0x1234 + channel));
        write_word((uint16_t)(2 * channel + 1), (uint16_t)(0x5678 + channel));
    }
    out8(0x0C, 0);
    for (unsigned channel = 0; channel < 4; channel++) {
        CHECK_EQUAL(SHEET "current address", read_word((uint16_t)(2 * channel)), 0x1234 + channel);
        CHECK_EQUAL(SHEET "current word count", read_word((uint16_t)(2 * channel + 1)),
                    0x5678 + channel);
    }
    for (unsigned channel = 1; channel < 4; channel++) {
        out8(0xD8, 0);
        write_word((uint16_t)(0xC0 + 4 * channel), (uint16_t)(0x4321 + channel));
        CHECK_EQUAL("PC/AT: second controller, address", read_word((uint16_t)(0xC0 + 4 * channel)),
                    0x4321 + channel);
    }
}

static void test_flip_flop(void)
{
    out8(0x0C, 0);
    write_word(0x04, 0xA55A);
    in8(0x04);
    CHECK_EQUAL(SHEET "first/last flip-flop", in8(0x04), 0xA5);
    in8(0x04);
    out8(0x0C, 0);
    CHECK_EQUAL(SHEET "clear first/last flip-flop", in8(0x04), 0x5A);
    out8(0x0D, 0);
    CHECK_EQUAL(SHEET "master clear resets it too", in8(0x04), 0x5A);
    out8(0x0C, 0);
}

static void test_masks(void)
{
    out8(0x0D, 0);
    CHECK_EQUAL(SHEET "master clear masks all (QEMU)", in8(0x0F) & 0x0F, 0x0F);
    out8(0x0A, 0x02);
    CHECK_EQUAL(SHEET "single mask, clear (QEMU)", in8(0x0F) & 0x0F, 0x0B);
    out8(0x0A, 0x06);
    CHECK_EQUAL(SHEET "single mask, set (QEMU)", in8(0x0F) & 0x0F, 0x0F);
    out8(0x0F, 0x05);
    CHECK_EQUAL(SHEET "all mask bits (QEMU)", in8(0x0F) & 0x0F, 0x05);
    out8(0x0E, 0);
    CHECK_EQUAL(SHEET "clear mask", in8(0x0F) & 0x0F, 0x00);
    out8(0x0F, 0x0F);
}

static void test_pages(void)
{
    static const uint8_t ports[] = {0x81, 0x82, 0x83, 0x87, 0x89, 0x8A, 0x8B};
    uint8_t saved[sizeof ports];
    for (unsigned i = 0; i < sizeof ports; i++) {
        saved[i] = in8(ports[i]);
        out8(ports[i], (uint8_t)(0x30 + i));
    }
    for (unsigned i = 0; i < sizeof ports; i++)
        CHECK_EQUAL("PC/AT: page register", in8(ports[i]), 0x30 + i);
    CHECK_EQUAL("PIIX3: alias 90h..9Fh (QEMU)", in8(0x93), 0x32);
    for (unsigned i = 0; i < sizeof ports; i++)
        out8(ports[i], saved[i]);
    out8(0x80, 0x5A);
    CHECK_EQUAL("PC/AT: port 80h is a latch (QEMU)", in8(0x80), 0x5A);
}

static void fill(void)
{
    for (unsigned i = 0; i < sizeof source; i++) {
        source[i] = (uint8_t)(i * 3 + 1);
        target[i] = 0;
    }
}

static void test_memory_to_memory(void)
{
    out8(0x0D, 0);
    fill();
    in8(0x08);
    program(0, 0x88, source, 31);
    program(1, 0x84, target, 31);
    out8(0x08, 0x01);
    out8(0x09, 0x04);
    CHECK(SHEET "memory to memory (QEMU)", memcmp(source, target, 32) == 0);
    CHECK_EQUAL(SHEET "no more than the count", target[32], 0);
    CHECK_EQUAL(SHEET "terminal count of channel 1 (QEMU)", in8(0x08) & 0x0F, 0x02);
    CHECK_EQUAL(SHEET "cleared by reading", in8(0x08) & 0x0F, 0x00);
    CHECK_EQUAL(SHEET "temporary register (QEMU)", in8(0x0D), source[31]);
    out8(0x0C, 0);
    CHECK_EQUAL(SHEET "address after it (QEMU)", read_word(0x02),
                (uint16_t)((uint32_t)target + 32));
    CHECK_EQUAL(SHEET "count after it (QEMU)", read_word(0x03), 0xFFFF);
    fill();
    program(0, 0x88, source + 5, 0);
    program(1, 0xA4, target + 15, 15); /* down */
    out8(0x08, 0x03);                  /* hold channel 0 */
    out8(0x09, 0x04);
    bool filled = true;
    for (unsigned i = 0; i < 16; i++)
        filled = filled && target[i] == source[5];
    CHECK(SHEET "memory fill, decrementing (QEMU)", filled);
    CHECK_EQUAL(SHEET "no more than the count", target[16], 0);
    out8(0x08, 0x00);
}

static void test_software_block(void)
{
    out8(0x0D, 0);
    in8(0x08);
    program(3, 0x80, target, 7); /* block, verify */
    out8(0x09, 0x07);
    CHECK_EQUAL(SHEET "verify by software reaches terminal count (QEMU)", in8(0x08) & 0x0F, 0x08);
    program(3, 0x90, target, 7); /* block, verify, autoinitialise */
    out8(0x09, 0x07);
    out8(0x0C, 0);
    CHECK_EQUAL(SHEET "autoinitialisation: address", read_word(0x06), (uint16_t)(uint32_t)target);
    CHECK_EQUAL(SHEET "autoinitialisation: count", read_word(0x07), 7);
    CHECK_EQUAL(SHEET "terminal count (QEMU)", in8(0x08) & 0x0F, 0x08);
    program(3, 0x40, target, 7);
    out8(0x09, 0x07);
    CHECK_EQUAL(SHEET "a request in single mode waits", in8(0x08), 0x80);
    out8(0x09, 0x03);
    CHECK_EQUAL(SHEET "and can be withdrawn", in8(0x08), 0x00);
    out8(0x08, 0x04);
    program(3, 0x80, target, 7);
    out8(0x09, 0x07);
    CHECK_EQUAL(SHEET "controller disable holds it", in8(0x08), 0x80);
    out8(0x08, 0x00);
    CHECK_EQUAL(SHEET "until it is enabled (QEMU)", in8(0x08), 0x08);
}

void bare_tests(void)
{
    test_counters();
    test_flip_flop();
    test_masks();
    test_pages();
    test_memory_to_memory();
    test_software_block();
    out8(0x0D, 0);
    out8(0xD6, 0xC0); /* as the firmware left it */
    out8(0xD4, 0x00);
}
