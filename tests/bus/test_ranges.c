/* The physical address map: priorities, moves, ROM with shadow RAM, dirty marks, DMA.
 * Run alone: meson test -C build ranges */
#include "bus/bus.h"
#include "tests/harness/unit.h"

#include <string.h>

struct world {
    struct log *log;
    struct bus *bus;
    uint8_t ram[0x8000], rom[0x1000], dirty[8];
    unsigned ram_range;
    unsigned changes;
    uint32_t written_address;
    size_t written_size;
    uint32_t last_write;
};

static void map_changed(void *opaque)
{
    ((struct world *)opaque)->changes++;
}
static void memory_written(void *opaque, uint32_t address, size_t size)
{
    struct world *w = opaque;
    w->written_address = address;
    w->written_size = size;
}
static uint32_t io_window_read(void *device, uint32_t offset, unsigned size)
{
    return 0x40 + offset;
}
static void io_window_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    ((struct world *)device)->last_write = offset << 8 | value;
}
static const struct io_ops window_ops = {io_window_read, io_window_write, .max_size = 1};

static int set_up(void **state)
{
    static struct world world;
    world = (struct world){.log = log_new(stderr, LOG_WARNING)};
    world.bus = bus_new(world.log);
    bus_set_memory(world.bus, &(struct bus_memory){.opaque = &world,
                                                   .map_changed = map_changed,
                                                   .memory_written = memory_written});
    world.ram_range = bus_add_range(world.bus, &(struct address_range){.last = 0x7FFF,
                                                                       .kind = RANGE_MEMORY,
                                                                       .enabled = true,
                                                                       .memory = world.ram,
                                                                       .dirty = world.dirty});
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

static void nothing_reads_all_ones(void **state)
{
    struct world *w = *state;
    uint8_t bytes[4] = {0};
    bus_read_memory(w->bus, 0x7FFE, bytes, 4);
    assert_memory_equal(bytes, "\0\0\xFF\xFF", 4);
    bus_write_memory(w->bus, 0xFFFFFFF0, bytes, 4);
}

static void write_marks_and_tells(void **state)
{
    struct world *w = *state;
    bus_write_memory(w->bus, 0x1FFF, "ab", 2);
    assert_memory_equal(w->ram + 0x1FFF, "ab", 2);
    assert_memory_equal(w->dirty, "\0\1\1\0", 4);
    assert_int_equal(w->written_address, 0x2000);
    assert_int_equal(w->written_size, 1);
    bus_clear_dirty(w->bus, w->ram_range);
    assert_memory_equal(w->dirty, "\0\0\0\0", 4);
}

static void rom_hides_ram_and_shadow_takes_writes(void **state)
{
    struct world *w = *state;
    struct address_range rom = {.first = 0x2000,
                                .last = 0x2FFF,
                                .priority = 10,
                                .kind = RANGE_ROM,
                                .enabled = true,
                                .memory = w->rom};
    unsigned handle = bus_add_range(w->bus, &rom);
    w->rom[5] = 0x55;
    uint8_t byte;
    bus_write_memory(w->bus, 0x2005, "x", 1);
    bus_read_memory(w->bus, 0x2005, &byte, 1);
    assert_int_equal(byte, 0x55);
    assert_int_equal(w->ram[0x2005], 0);
    rom.write_memory = w->ram + 0x2000;
    bus_change_range(w->bus, handle, &rom);
    bus_write_memory(w->bus, 0x2005, "x", 1);
    bus_read_memory(w->bus, 0x2005, &byte, 1);
    assert_int_equal(byte, 0x55);
    assert_int_equal(w->ram[0x2005], 'x');
    rom.enabled = false;
    bus_change_range(w->bus, handle, &rom);
    bus_read_memory(w->bus, 0x2005, &byte, 1);
    assert_int_equal(byte, 'x');
    assert_int_equal(w->changes, 4);
}

static void window_moves(void **state)
{
    struct world *w = *state;
    struct address_range window = {.first = 0x3000,
                                   .last = 0x3FFF,
                                   .priority = 10,
                                   .kind = RANGE_IO,
                                   .enabled = true,
                                   .ops = &window_ops,
                                   .device = w};
    unsigned handle = bus_add_range(w->bus, &window);
    assert_ptr_equal(bus_find_range(w->bus, 0x3000), bus_range(w->bus, handle));
    assert_int_equal(bus_range_read(w->bus, bus_range(w->bus, handle), 0x3001, 2), 0x4241);
    window.first = 0xF0000000;
    window.last = 0xF0000FFF;
    bus_change_range(w->bus, handle, &window);
    assert_ptr_equal(bus_find_range(w->bus, 0x3000), bus_range(w->bus, w->ram_range));
    bus_write_memory(w->bus, 0xF0000010, "\x77", 1);
    assert_int_equal(w->last_write, 0x1077);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_reads_all_ones, set_up, tear_down),
        cmocka_unit_test_setup_teardown(write_marks_and_tells, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rom_hides_ram_and_shadow_takes_writes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(window_moves, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("ranges", tests, NULL, NULL);
}
