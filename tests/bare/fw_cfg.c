/* The firmware configuration device, both interfaces, and the debug console.
 * Run alone: meson test -C build bare-fw_cfg */
#include "bare.h"

enum { SELECTOR = 0x510, DATA = 0x511, DMA_HIGH = 0x514, DMA_LOW = 0x518 };
#define SPEC "fw_cfg specification: "

struct descriptor {
    uint32_t control, length, address_high, address_low; /* big-endian */
};

static uint32_t swap(uint32_t value)
{
    return __builtin_bswap32(value);
}

static void select_key(uint16_t key)
{
    out16(SELECTOR, key);
}

static uint32_t read_le(unsigned bytes)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint32_t)in8(DATA) << 8 * i;
    return value;
}

static uint32_t read_be(unsigned bytes)
{
    uint32_t value = 0;
    while (bytes--)
        value = value << 8 | in8(DATA);
    return value;
}

static uint32_t dma(uint32_t control, uint32_t length, void *buffer)
{
    static volatile struct descriptor descriptor;
    descriptor.control = swap(control);
    descriptor.length = swap(length);
    descriptor.address_high = 0;
    descriptor.address_low = swap((uint32_t)buffer);
    out32(DMA_LOW, swap((uint32_t)&descriptor));
    while (swap(descriptor.control) & ~1u)
        ;
    return swap(descriptor.control);
}

static void test_traditional(void)
{
    select_key(0x0000);
    CHECK_EQUAL(SPEC "signature", read_be(4), 0x51454D55);
    CHECK_EQUAL(SPEC "zeros after the end", read_be(4), 0);
    select_key(0x0000);
    CHECK_EQUAL(SPEC "selecting starts over", in8(DATA), 'Q');
    select_key(0x0001);
    CHECK_EQUAL(SPEC "ID: traditional and DMA", read_le(4), 3);
    select_key(0x3F00);
    CHECK_EQUAL(SPEC "a key that nothing has", read_le(4), 0);
    select_key(0x0003);
    uint32_t low = read_le(4);
    CHECK(SPEC "RAM size", low >= 1 << 20);
    select_key(0x0005);
    CHECK_EQUAL(SPEC "one processor", read_le(2), 1);
    select_key(0x0000);
    out8(DATA, 'X');
    CHECK_EQUAL(SPEC "writes do nothing", in8(DATA), 'Q');
}

static void test_directory(void)
{
    select_key(0x0019);
    uint32_t count = read_be(4);
    CHECK(SPEC "file directory", count > 0 && count < 200);
    bool keys_good = true, names_good = true;
    for (uint32_t i = 0; i < count; i++) {
        char name[56];
        read_be(4);
        uint16_t key = (uint16_t)read_be(2);
        keys_good = keys_good && key >= 0x20 && (key & 0x3FFF) == key;
        read_be(2);
        for (unsigned j = 0; j < sizeof name; j++)
            name[j] = (char)in8(DATA);
        names_good = names_good && name[0] && !name[55];
    }
    CHECK(SPEC "keys of files are from 20h up", keys_good);
    CHECK(SPEC "names of files end with a zero", names_good);
}

static void test_dma(void)
{
    static uint8_t buffer[16];
    CHECK_EQUAL(SPEC "DMA signature", swap(in32(DMA_HIGH)), 0x51454D55);
    CHECK_EQUAL(SPEC "DMA signature", swap(in32(DMA_LOW)), 0x20434647);
    memset(buffer, 0xEE, sizeof buffer);
    CHECK_EQUAL(SPEC "select and read", dma(0x0000 << 16 | 0x0A, 6, buffer), 0);
    CHECK(SPEC "select and read", memcmp(buffer, "QEMU\0\0\xEE", 7) == 0);
    CHECK_EQUAL(SPEC "select and skip", dma(0x0000 << 16 | 0x0C, 2, NULL), 0);
    CHECK_EQUAL(SPEC "read goes on", dma(0x02, 2, buffer), 0);
    CHECK(SPEC "read goes on", memcmp(buffer, "MU", 2) == 0);
    CHECK_EQUAL(SPEC "select alone", dma(0x0000 << 16 | 0x08, 0, NULL), 0);
    CHECK_EQUAL(SPEC "one position for both interfaces", in8(DATA), 'Q');
    CHECK_EQUAL(SPEC "a write to a read-only item is an error", dma(0x10, 1, buffer) & 1, 1);
}

static void test_debug_console(void)
{
    CHECK_EQUAL("Bochs: port E9h reads as E9h", in8(0xE9), 0xE9);
}

void bare_tests(void)
{
    test_traditional();
    test_directory();
    test_dma();
    test_debug_console();
}
