/* Physical memory: access, A20, ROM, code tracking.
 * Run alone: meson test -C build physmem */
#include "mmu/physmem.h"
#include "tests/harness/unit.h"

#include <string.h>

struct world {
    struct log *log;
    struct bus *bus;
    struct physmem *phys;
    uint8_t rom[PAGE_SIZE];
    unsigned written, map_changes, traps;
    uint32_t written_address, written_size;
};

static void code_written(void *opaque, uint32_t address, uint32_t size)
{
    struct world *w = opaque;
    w->written++;
    w->written_address = address;
    w->written_size = size;
}
static void map_changed(void *opaque)
{
    ((struct world *)opaque)->map_changes++;
}
static void trap_writes(void *opaque, uint32_t first, uint32_t last)
{
    ((struct world *)opaque)->traps++;
}
static void flush(void *opaque) {}

static int set_up(void **state)
{
    static struct world world;
    world = (struct world){.log = log_new(stderr, LOG_WARNING)};
    world.bus = bus_new(world.log);
    world.phys = physmem_new(world.bus, 4 << 20);
    physmem_set_watcher(world.phys, &(struct code_watcher){code_written, map_changed, &world});
    physmem_set_tlb(world.phys, &(struct tlb_listener){trap_writes, flush, &world});
    *state = &world;
    return 0;
}
static int tear_down(void **state)
{
    struct world *w = *state;
    physmem_free(w->phys);
    bus_free(w->bus);
    log_free(w->log);
    return 0;
}

static void ram_is_little_endian(void **state)
{
    struct world *w = *state;
    phys_write(w->phys, 0x1000, 0x12345678, 4);
    assert_int_equal(phys_read(w->phys, 0x1001, 2), 0x3456);
    assert_int_equal(phys_read(w->phys, 0x1003, 1), 0x12);
    assert_int_equal(physmem_ram(w->phys)[0x1000], 0x78);
}

static void beyond_ram_is_nothing(void **state)
{
    struct world *w = *state;
    phys_write(w->phys, 4 << 20, 0, 4);
    assert_int_equal(phys_read(w->phys, 4 << 20, 4), 0xFFFFFFFF);
    assert_int_equal(phys_read(w->phys, PHYSMEM_UNMAPPED_PAGE, 2), 0xFFFF);
}

static void closed_a20_wraps_odd_megabytes(void **state)
{
    struct world *w = *state;
    phys_write(w->phys, 0x100010, 0xAA, 1);
    phys_write(w->phys, 0x10, 0x55, 1);
    physmem_set_a20(w->phys, false);
    assert_int_equal(phys_read(w->phys, 0x100010, 1), 0x55);
    assert_int_equal(phys_read(w->phys, 0x310010, 1), phys_read(w->phys, 0x210010, 1));
    assert_int_equal(w->map_changes, 1);
    physmem_set_a20(w->phys, false);
    assert_int_equal(w->map_changes, 1);
    bus_set_a20(w->bus, true);
    assert_int_equal(phys_read(w->phys, 0x100010, 1), 0xAA);
}

static void rom_ignores_writes(void **state)
{
    struct world *w = *state;
    memset(w->rom, 0x90, sizeof w->rom);
    bus_add_range(w->bus, &(struct address_range){.first = 0xF0000,
                                                  .last = 0xF0FFF,
                                                  .priority = 10,
                                                  .kind = RANGE_ROM,
                                                  .enabled = true,
                                                  .memory = w->rom});
    phys_write(w->phys, 0xF0000, 0, 4);
    assert_int_equal(phys_read(w->phys, 0xF0000, 4), 0x90909090);
}

static void only_marked_bytes_are_watched(void **state)
{
    struct world *w = *state;
    physmem_mark_code(w->phys, 0x2043, 65); /* up to 0x2083 */
    assert_int_equal(w->traps, 1);
    physmem_mark_code(w->phys, 0x2100, 1);
    assert_int_equal(w->traps, 1);
    phys_write(w->phys, 0x2040, 0, 2);
    phys_write(w->phys, 0x2042, 0, 1);
    phys_write(w->phys, 0x2084, 0, 4);
    phys_write(w->phys, 0x2101, 0, 1);
    assert_int_equal(w->written, 0);
    phys_write(w->phys, 0x2083, 0, 1);
    assert_int_equal(w->written, 1);
    assert_int_equal(w->written_address, 0x2083);
    bus_write_memory(w->bus, 0x1FF0, w->rom, 0x60); /* DMA across the page start */
    assert_int_equal(w->written, 2);
    assert_int_equal(w->written_address, 0x2000);
    assert_true(physmem_page_has_code(w->phys, 0x2FFF));
    physmem_clear_code(w->phys, 0x2000);
    phys_write(w->phys, 0x2043, 0, 1);
    assert_int_equal(w->written, 2);
}

static void marks_are_taken_away_one_by_one(void **state)
{
    struct world *w = *state;
    physmem_mark_code(w->phys, 0x2006, 7);
    physmem_unmark_code(w->phys, 0x2007, 2);
    assert_true(physmem_is_code(w->phys, 0x2000, 7));
    assert_false(physmem_is_code(w->phys, 0x2007, 2));
    assert_true(physmem_is_code(w->phys, 0x2008, 2));
    physmem_settle_code(w->phys, 0x2ABC);
    assert_true(physmem_page_has_code(w->phys, 0x2000));
    physmem_unmark_code(w->phys, 0x2000, 64);
    physmem_end_code(w->phys, 0x2000);
    assert_true(physmem_page_has_code(w->phys, 0x2000));
    physmem_settle_code(w->phys, 0x2ABC);
    assert_false(physmem_page_has_code(w->phys, 0x2000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ram_is_little_endian, set_up, tear_down),
        cmocka_unit_test_setup_teardown(beyond_ram_is_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(closed_a20_wraps_odd_megabytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rom_ignores_writes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_marked_bytes_are_watched, set_up, tear_down),
        cmocka_unit_test_setup_teardown(marks_are_taken_away_one_by_one, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("physmem", tests, NULL, NULL);
}
