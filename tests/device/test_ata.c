/* Hard disks on the IDE controller: task file, addressing, every command, resets, two drives.
 * Run alone: meson test -C build ata */
#include "tests/device/ide_rig.h"

enum {
    READY = 0x50,
    FAILED = 0x51,
    DATA = 0x58,
    ABRT = 0x04,
    IDNF = 0x10,
    SECTORS = 20000, /* 19 cylinders of 16 heads and 63 sectors, and a rest */
    LARGE = 0x10000100,
};

struct world {
    struct rig *rig;
    struct ide *ide;
    struct disk_backend *disk, *other;
    uint8_t data[65536];
};

static int set_up_with(void **state, uint64_t sectors)
{
    static struct world world;
    world = (struct world){.rig = rig_new(), .disk = disk_rig_new(sectors)};
    world.ide = ide_new(world.rig->bus, NULL, 0, rig_wire(world.rig, 14), rig_wire(world.rig, 15));
    ide_attach_disk(world.ide, 0, 0, world.disk);
    rig_reset(world.rig, RESET_POWER_ON);
    *state = &world;
    return 0;
}

static int set_up(void **state)
{
    return set_up_with(state, SECTORS);
}

static int set_up_large(void **state)
{
    return set_up_with(state, LARGE);
}

static int tear_down(void **state)
{
    struct world *w = *state;
    rig_free(w->rig);
    w->disk->ops->close(w->disk);
    if (w->other)
        w->other->ops->close(w->other);
    return 0;
}

static uint8_t *sector(struct world *w, uint64_t lba)
{
    return disk_rig_sector(w->disk, lba);
}

static void identify(struct world *w)
{
    ide_command(w->rig, 0xEC);
    assert_int_equal(rig_in(w->rig, IDE_STATUS), DATA);
    ide_read_data(w->rig, w->data, 512);
    assert_int_equal(rig_in(w->rig, IDE_STATUS), READY);
}

static unsigned word(struct world *w, unsigned number)
{
    return load_le16(w->data + 2 * number);
}

static void identify_tells_the_truth(void **state)
{
    struct world *w = *state;
    identify(w);
    assert_int_equal(word(w, 0), 0x0040);
    assert_int_equal(word(w, 1), 19);
    assert_int_equal(word(w, 3), 16);
    assert_int_equal(word(w, 6), 63);
    assert_memory_equal(w->data + 20, "NACARHNO00", 5); /* bytes of a word are swapped */
    assert_int_equal(word(w, 47), 0x8010);
    assert_int_equal(word(w, 49) & 0x0300, 0x0300);
    assert_int_equal(load_le32(w->data + 114), 19 * 16 * 63);
    assert_int_equal(load_le32(w->data + 120), SECTORS);
    assert_int_equal(word(w, 63), 0x0407);
    assert_int_equal(word(w, 83) & 0xC400, 0x4400);
    assert_int_equal(load_le64(w->data + 200), SECTORS);
    uint8_t sum = 0;
    for (unsigned i = 0; i < 512; i++)
        sum = (uint8_t)(sum + w->data[i]);
    assert_int_equal(sum, 0);
}

static void read_sectors_by_lba(void **state)
{
    struct world *w = *state;
    ide_task(w->rig, 3, 1000, 0xE0);
    rig_out(w->rig, IDE_STATUS, 0x20);
    assert_int_equal(rig_in(w->rig, IDE_CONTROL) & 0x80, 0x80);
    for (unsigned i = 0; i < 3; i++) {
        ide_wait(w->rig);
        assert_true(w->rig->wire[IDE_IRQ].level);
        assert_int_equal(rig_in(w->rig, IDE_CONTROL), DATA); /* does not take the interrupt */
        assert_true(w->rig->wire[IDE_IRQ].level);
        assert_int_equal(rig_in(w->rig, IDE_STATUS), DATA);
        assert_false(w->rig->wire[IDE_IRQ].level);
        ide_read_data(w->rig, w->data, 512);
        assert_memory_equal(w->data, sector(w, 1000 + i), 512);
    }
    ide_expect(w->rig, READY, 0);
    assert_int_equal(w->rig->wire[IDE_IRQ].rises, 3);
    assert_int_equal(rig_in(w->rig, IDE_COUNT), 0);
    assert_int_equal(rig_in(w->rig, IDE_LOW), 1002 & 0xFF);
    assert_int_equal(rig_in(w->rig, IDE_MID), 1002 >> 8);
}

static void the_data_port_takes_all_widths(void **state)
{
    struct world *w = *state;
    ide_task(w->rig, 1, 5, 0xE0);
    ide_command(w->rig, 0x20);
    assert_int_equal(bus_port_read(w->rig->bus, IDE_DATA, 4), 5);
    assert_int_equal(bus_port_read(w->rig->bus, IDE_DATA, 1), 5);
    assert_int_equal(bus_port_read(w->rig->bus, IDE_DATA, 1), 5);
    assert_int_equal(bus_port_read(w->rig->bus, IDE_DATA, 2), 0x0505);
    for (unsigned i = 8; i < 512; i += 4)
        assert_int_equal(bus_port_read(w->rig->bus, IDE_DATA, 4), 0x05050505);
    ide_expect(w->rig, READY, 0);
    assert_int_equal(bus_port_read(w->rig->bus, IDE_DATA, 2), 0);
}

static void a_count_of_zero_is_256(void **state)
{
    struct world *w = *state;
    ide_task(w->rig, 0, 0, 0xE0);
    ide_command(w->rig, 0x20);
    for (unsigned i = 0; i < 256; i++) {
        ide_read_data(w->rig, w->data, 512);
        assert_int_equal(load_le32(w->data), i);
        ide_wait(w->rig);
    }
    ide_expect(w->rig, READY, 0);
}

static void chs_addresses(void **state)
{
    struct world *w = *state;
    ide_task(w->rig, 2, 2 << 8 | 63, 0xA0 | 15); /* 2/15/63: the last of its cylinder */
    ide_command(w->rig, 0x21);
    ide_read_data(w->rig, w->data, 512);
    assert_int_equal(load_le32(w->data), 3 * 1008 - 1);
    ide_wait(w->rig);
    ide_read_data(w->rig, w->data, 512);
    assert_int_equal(load_le32(w->data), 3 * 1008);
    ide_expect(w->rig, READY, 0);
    assert_int_equal(rig_in(w->rig, IDE_LOW), 1);
    assert_int_equal(rig_in(w->rig, IDE_MID), 3);
    assert_int_equal(rig_in(w->rig, IDE_DEVICE), 0xA0);
    static const struct {
        uint32_t low;
        uint8_t device;
    } bad[] = {
        {0,           0xA0},
        {64,          0xA0},
        {19 << 8 | 1, 0xA0}
    };
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        ide_task(w->rig, 1, bad[i].low, bad[i].device);
        ide_command(w->rig, 0x20);
        ide_expect(w->rig, FAILED, IDNF);
    }
}

static void initialize_parameters_sets_the_translation(void **state)
{
    struct world *w = *state;
    ide_task(w->rig, 17, 0, 0xA0 | 3);
    ide_command(w->rig, 0x91);
    ide_expect(w->rig, READY, 0);
    identify(w);
    assert_int_equal(word(w, 1), 19);
    assert_int_equal(word(w, 54), SECTORS / 68);
    assert_int_equal(word(w, 55), 4);
    assert_int_equal(word(w, 56), 17);
    ide_task(w->rig, 1, 1 << 8 | 1, 0xA0);
    ide_command(w->rig, 0x20);
    ide_read_data(w->rig, w->data, 512);
    assert_int_equal(load_le32(w->data), 68);
    ide_task(w->rig, 1, 1, 0xA4); /* head 4 of 4 */
    ide_command(w->rig, 0x20);
    ide_expect(w->rig, FAILED, IDNF);
    ide_task(w->rig, 0, 0, 0xA3);
    ide_command(w->rig, 0x91);
    ide_expect(w->rig, FAILED, ABRT);
}

static void write_sectors(void **state)
{
    struct world *w = *state;
    for (unsigned i = 0; i < 1024; i++)
        w->data[i] = (uint8_t)(i * 7);
    ide_task(w->rig, 2, 77, 0xE0);
    rig_out(w->rig, IDE_STATUS, 0x30);
    assert_int_equal(rig_in(w->rig, IDE_CONTROL), DATA);
    assert_false(w->rig->wire[IDE_IRQ].level); /* none before the first block */
    ide_write_data(w->rig, w->data, 512);
    assert_int_equal(rig_in(w->rig, IDE_CONTROL) & 0x80, 0x80);
    ide_wait(w->rig);
    assert_true(w->rig->wire[IDE_IRQ].level);
    assert_int_equal(rig_in(w->rig, IDE_STATUS), DATA);
    ide_write_data(w->rig, w->data + 512, 512);
    ide_wait(w->rig);
    assert_true(w->rig->wire[IDE_IRQ].level);
    ide_expect(w->rig, READY, 0);
    assert_memory_equal(sector(w, 77), w->data, 1024);
    assert_int_equal(w->rig->wire[IDE_IRQ].rises, 2);
}

/* A loader that waits for DRQ once, and moves all sectors in one loop. */
static void the_data_port_goes_on_with_the_next_sector(void **state)
{
    struct world *w = *state;
    ide_task(w->rig, 3, 1000, 0xE0);
    rig_out(w->rig, IDE_STATUS, 0x20);
    assert_int_equal(bus_port_read(w->rig->bus, IDE_DATA, 2), 0); /* not even the first is there */
    ide_wait(w->rig);
    ide_read_data(w->rig, w->data, 3 * 512);
    assert_memory_equal(w->data, sector(w, 1000), 3 * 512);
    ide_expect(w->rig, READY, 0);
    assert_int_equal(bus_port_read(w->rig->bus, IDE_DATA, 2), 0);
    ide_wait(w->rig);
    ide_expect(w->rig, READY, 0);

    for (unsigned i = 0; i < 3 * 512; i++)
        w->data[i] = (uint8_t)(i / 512 + 7 * i);
    ide_task(w->rig, 3, 2000, 0xE0);
    ide_command(w->rig, 0x30);
    ide_write_data(w->rig, w->data, 3 * 512);
    ide_write_data(w->rig, w->data + 512, 2); /* goes nowhere */
    assert_int_equal(rig_in(w->rig, IDE_CONTROL) & 0x80, 0x80);
    ide_wait(w->rig);
    ide_expect(w->rig, READY, 0);
    assert_memory_equal(sector(w, 2000), w->data, 3 * 512);
}

static void multiple_moves_blocks(void **state)
{
    struct world *w = *state;
    ide_task(w->rig, 5, 100, 0xE0);
    ide_command(w->rig, 0xC4);
    ide_expect(w->rig, FAILED, ABRT); /* not set up */
    rig_out(w->rig, IDE_COUNT, 3);
    ide_command(w->rig, 0xC6);
    ide_expect(w->rig, FAILED, ABRT); /* not a power of two */
    rig_out(w->rig, IDE_COUNT, 4);
    ide_command(w->rig, 0xC6);
    ide_expect(w->rig, READY, 0);
    unsigned rises = w->rig->wire[IDE_IRQ].rises;
    ide_task(w->rig, 5, 100, 0xE0);
    ide_command(w->rig, 0xC4);
    ide_read_data(w->rig, w->data, 4 * 512);
    rig_in(w->rig, IDE_STATUS);
    ide_wait(w->rig);
    ide_read_data(w->rig, w->data + 4 * 512, 512);
    ide_expect(w->rig, READY, 0);
    assert_int_equal(w->rig->wire[IDE_IRQ].rises, rises + 2);
    assert_memory_equal(w->data, sector(w, 100), 5 * 512);
    ide_task(w->rig, 6, 300, 0xE0);
    ide_command(w->rig, 0xC5);
    ide_write_data(w->rig, w->data, 4 * 512);
    ide_wait(w->rig);
    ide_write_data(w->rig, w->data, 2 * 512);
    ide_wait(w->rig);
    ide_expect(w->rig, READY, 0);
    assert_memory_equal(sector(w, 300), w->data, 4 * 512);
    assert_memory_equal(sector(w, 304), w->data, 2 * 512);
    identify(w);
    assert_int_equal(word(w, 59), 0x0104);
}

static void the_end_of_the_disk(void **state)
{
    struct world *w = *state;
    ide_task(w->rig, 3, SECTORS - 1, 0xE0);
    ide_command(w->rig, 0x20);
    ide_read_data(w->rig, w->data, 512);
    ide_wait(w->rig);
    ide_expect(w->rig, FAILED, IDNF);
    assert_int_equal(rig_in(w->rig, IDE_COUNT), 2);
    assert_int_equal(rig_in(w->rig, IDE_LOW), SECTORS & 0xFF);
    ide_task(w->rig, 1, SECTORS, 0xE0);
    ide_command(w->rig, 0x30);
    ide_expect(w->rig, FAILED, IDNF);
    ide_task(w->rig, 4, SECTORS - 2, 0xE0);
    ide_command(w->rig, 0x40);
    ide_expect(w->rig, FAILED, IDNF);
    ide_task(w->rig, 2, SECTORS - 2, 0xE0);
    ide_command(w->rig, 0x40);
    ide_expect(w->rig, READY, 0);
}

static void lba48(void **state)
{
    struct world *w = *state;
    const uint64_t lba = LARGE - 2;
    *(uint32_t *)(void *)sector(w, lba) = 0x12345678;
    rig_out(w->rig, IDE_DEVICE, 0x40);
    rig_out(w->rig, IDE_COUNT, 0);
    rig_out(w->rig, IDE_LOW, (uint8_t)(lba >> 24));
    rig_out(w->rig, IDE_MID, 0);
    rig_out(w->rig, IDE_HIGH, 0);
    rig_out(w->rig, IDE_COUNT, 1);
    rig_out(w->rig, IDE_LOW, (uint8_t)lba);
    rig_out(w->rig, IDE_MID, (uint8_t)(lba >> 8));
    rig_out(w->rig, IDE_HIGH, (uint8_t)(lba >> 16));
    ide_command(w->rig, 0x24);
    ide_read_data(w->rig, w->data, 512);
    assert_int_equal(load_le32(w->data), 0x12345678);
    ide_expect(w->rig, READY, 0);
    assert_int_equal(rig_in(w->rig, IDE_LOW), (uint8_t)lba);
    rig_out(w->rig, IDE_CONTROL, 0x80); /* HOB */
    assert_int_equal(rig_in(w->rig, IDE_LOW), 0x10);
    rig_out(w->rig, IDE_COUNT, 0); /* a write to the command block clears HOB */
    assert_int_equal(rig_in(w->rig, IDE_LOW), (uint8_t)lba);
    rig_out(w->rig, IDE_DEVICE, 0x00);
    ide_command(w->rig, 0x24);
    ide_expect(w->rig, FAILED, ABRT); /* CHS has no extended form */
    identify(w);
    assert_int_equal(load_le32(w->data + 120), 0x0FFFFFFF);
    assert_int_equal(load_le64(w->data + 200), LARGE);
    assert_int_equal(word(w, 1), 16383);
}

static void host_protected_area(void **state)
{
    struct world *w = *state;
    ide_task(w->rig, 0, 0, 0xE0);
    ide_command(w->rig, 0xF8);
    ide_expect(w->rig, READY, 0);
    assert_int_equal(rig_in(w->rig, IDE_LOW) | rig_in(w->rig, IDE_MID) << 8, SECTORS - 1);
    ide_task(w->rig, 1, 9999, 0xE0); /* volatile */
    ide_command(w->rig, 0xF9);
    ide_expect(w->rig, READY, 0);
    ide_task(w->rig, 1, 9999, 0xE0); /* not right after READ NATIVE MAX */
    ide_command(w->rig, 0xF9);
    ide_expect(w->rig, FAILED, ABRT);
    identify(w);
    assert_int_equal(load_le32(w->data + 120), 10000);
    ide_task(w->rig, 1, 10000, 0xE0);
    ide_command(w->rig, 0x20);
    ide_expect(w->rig, FAILED, IDNF);
    rig_reset(w->rig, RESET_HARD);
    identify(w);
    assert_int_equal(load_le32(w->data + 120), SECTORS);
}

static void power_management(void **state)
{
    struct world *w = *state;
    ide_command(w->rig, 0xE5);
    assert_int_equal(rig_in(w->rig, IDE_COUNT), 0xFF);
    ide_command(w->rig, 0xE1);
    ide_command(w->rig, 0x98);
    assert_int_equal(rig_in(w->rig, IDE_COUNT), 0x80);
    ide_command(w->rig, 0xE0);
    ide_command(w->rig, 0xE5);
    assert_int_equal(rig_in(w->rig, IDE_COUNT), 0x00);
    ide_task(w->rig, 1, 0, 0xE0);
    ide_command(w->rig, 0x40); /* an access wakes it */
    ide_command(w->rig, 0xE5);
    assert_int_equal(rig_in(w->rig, IDE_COUNT), 0xFF);
    rig_out(w->rig, IDE_COUNT, 2); /* idle, standby after 10 s */
    ide_command(w->rig, 0xE3);
    ide_command(w->rig, 0xE5);
    assert_int_equal(rig_in(w->rig, IDE_COUNT), 0x80);
    rig_pass(w->rig, UINT64_C(11000000000));
    ide_command(w->rig, 0xE5);
    assert_int_equal(rig_in(w->rig, IDE_COUNT), 0x00);
}

static void sleep_ends_with_a_reset(void **state)
{
    struct world *w = *state;
    ide_command(w->rig, 0xE6);
    ide_expect(w->rig, READY, 0);
    ide_command(w->rig, 0xEC); /* not heard */
    assert_int_equal(rig_in(w->rig, IDE_STATUS), READY);
    rig_out(w->rig, IDE_CONTROL, 0x04);
    rig_out(w->rig, IDE_CONTROL, 0x00);
    ide_wait(w->rig);
    identify(w);
}

static void set_features(void **state)
{
    struct world *w = *state;
    static const struct {
        uint8_t feature, count, error;
    } cases[] = {
        {0x03, 0x00, 0   },
        {0x03, 0x01, 0   },
        {0x03, 0x0C, 0   },
        {0x03, 0x0D, ABRT},
        {0x03, 0x22, 0   },
        {0x03, 0x23, ABRT},
        {0x03, 0x46, ABRT},
        {0x03, 0x45, 0   },
        {0x02, 0,    0   },
        {0x55, 0,    0   },
        {0x66, 0,    0   },
        {0x05, 1,    ABRT},
        {0x10, 0,    ABRT}
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        rig_out(w->rig, IDE_ERROR, cases[i].feature);
        rig_out(w->rig, IDE_COUNT, cases[i].count);
        ide_command(w->rig, 0xEF);
        ide_expect(w->rig, cases[i].error ? FAILED : READY, cases[i].error);
    }
    identify(w);
    assert_int_equal(word(w, 63), 0x0007);
    assert_int_equal(word(w, 88), 0x203F);
    assert_int_equal(word(w, 85) & 0x60, 0x20);
}

static void flush_and_write_cache(void **state)
{
    struct world *w = *state;
    struct disk_rig *disk = disk_rig_of(w->disk);
    ide_command(w->rig, 0xE7);
    ide_expect(w->rig, READY, 0);
    ide_command(w->rig, 0xEA);
    assert_int_equal(disk->flushes, 2);
    rig_out(w->rig, IDE_ERROR, 0x82); /* cache off: flushed, and so is each write */
    ide_command(w->rig, 0xEF);
    assert_int_equal(disk->flushes, 3);
    ide_task(w->rig, 1, 5, 0xE0);
    ide_command(w->rig, 0x30);
    ide_write_data(w->rig, w->data, 512);
    ide_wait(w->rig);
    assert_int_equal(disk->flushes, 4);
}

static void buffers_seek_and_recalibrate(void **state)
{
    struct world *w = *state;
    for (unsigned i = 0; i < 512; i++)
        w->data[i] = (uint8_t)(i ^ 0x5A);
    ide_command(w->rig, 0xE8);
    ide_write_data(w->rig, w->data, 512);
    ide_wait(w->rig);
    ide_expect(w->rig, READY, 0);
    ide_command(w->rig, 0xE4);
    ide_read_data(w->rig, w->data + 512, 512);
    assert_memory_equal(w->data, w->data + 512, 512);
    ide_command(w->rig, 0x10);
    ide_expect(w->rig, READY, 0);
    ide_command(w->rig, 0x1F);
    ide_expect(w->rig, READY, 0);
    ide_task(w->rig, 0, 5000, 0xE0);
    ide_command(w->rig, 0x70);
    ide_expect(w->rig, READY, 0);
    ide_task(w->rig, 0, SECTORS, 0xE0);
    ide_command(w->rig, 0x70);
    ide_expect(w->rig, FAILED, IDNF);
}

static void what_a_disk_does_not_do_is_aborted(void **state)
{
    static const uint8_t codes[] = {0x00, 0x08, 0x22, 0x32, 0x50, 0x87, 0xA0, 0xA1,
                                    0xB0, 0xB1, 0xC7, 0xDA, 0xF1, 0xF6, 0x3D, 0x60};
    struct world *w = *state;
    for (size_t i = 0; i < ARRAY_LENGTH(codes); i++) {
        rig_out(w->rig, IDE_ERROR, 0xD0);
        rig_out(w->rig, IDE_MID, 0x4F);
        rig_out(w->rig, IDE_HIGH, 0xC2); /* as SMART wants it */
        ide_command(w->rig, codes[i]);
        assert_true(w->rig->wire[IDE_IRQ].level);
        ide_expect(w->rig, FAILED, ABRT);
    }
}

static void host_errors_become_media_errors(void **state)
{
    struct world *w = *state;
    disk_rig_of(w->disk)->bad_sector = 51;
    ide_task(w->rig, 3, 50, 0xE0);
    ide_command(w->rig, 0x20);
    ide_read_data(w->rig, w->data, 512);
    ide_wait(w->rig);
    ide_expect(w->rig, FAILED, 0x40);
    assert_int_equal(rig_in(w->rig, IDE_LOW), 51);
    assert_int_equal(rig_in(w->rig, IDE_COUNT), 2);
    ide_task(w->rig, 1, 51, 0xE0);
    ide_command(w->rig, 0x30);
    ide_write_data(w->rig, w->data, 512);
    ide_wait(w->rig);
    ide_expect(w->rig, 0x61, ABRT);
}

static void a_read_only_disk_refuses_writes(void **state)
{
    struct world *w = *state;
    w->disk->read_only = true;
    ide_task(w->rig, 1, 5, 0xE0);
    ide_command(w->rig, 0x30);
    ide_expect(w->rig, FAILED, ABRT | 0x40);
}

static void nien_holds_the_interrupt_back(void **state)
{
    struct world *w = *state;
    rig_out(w->rig, IDE_CONTROL, 0x02);
    ide_command(w->rig, 0x10);
    assert_false(w->rig->wire[IDE_IRQ].level);
    rig_out(w->rig, IDE_CONTROL, 0x00);
    assert_true(w->rig->wire[IDE_IRQ].level);
    ide_expect(w->rig, READY, 0);
}

static void software_reset_shows_the_signature(void **state)
{
    struct world *w = *state;
    ide_task(w->rig, 17, 0x123456, 0xA3);
    ide_command(w->rig, 0x91);
    rig_out(w->rig, IDE_CONTROL, 0x04);
    assert_int_equal(rig_in(w->rig, IDE_STATUS) & 0x80, 0x80);
    ide_wait(w->rig);
    assert_int_equal(rig_in(w->rig, IDE_STATUS) & 0x80, 0x80); /* until it is let go */
    rig_out(w->rig, IDE_CONTROL, 0x00);
    ide_wait(w->rig);
    ide_expect(w->rig, READY, 0x01);
    assert_int_equal(rig_in(w->rig, IDE_COUNT), 1);
    assert_int_equal(rig_in(w->rig, IDE_LOW), 1);
    assert_int_equal(rig_in(w->rig, IDE_MID), 0);
    assert_int_equal(rig_in(w->rig, IDE_HIGH), 0);
    assert_int_equal(rig_in(w->rig, IDE_DEVICE), 0xA0);
    identify(w);
    assert_int_equal(word(w, 55), 16); /* the translation went back */
}

static void a_missing_slave(void **state)
{
    struct world *w = *state;
    rig_out(w->rig, IDE_DEVICE, 0xB0);
    assert_int_equal(rig_in(w->rig, IDE_STATUS), 0x00);
    rig_out(w->rig, IDE_COUNT, 0x55);
    assert_int_equal(rig_in(w->rig, IDE_COUNT), 0x55); /* drive 0 answers for it */
    ide_command(w->rig, 0xEC);
    assert_int_equal(rig_in(w->rig, IDE_STATUS), 0x00);
    assert_false(w->rig->wire[IDE_IRQ].level);
    rig_out(w->rig, IDE_DEVICE, 0xA0);
    assert_int_equal(rig_in(w->rig, IDE_STATUS), READY);
    assert_int_equal(rig_in(w->rig, 0x177), 0x7F); /* the other cable is empty */
    rig_out(w->rig, 0x172, 0x55);
    assert_int_equal(rig_in(w->rig, 0x172), 0x7F);
}

static void two_drives(void **state)
{
    struct world *w = *state;
    w->other = disk_rig_new(1000);
    ide_attach_disk(w->ide, 0, 1, w->other);
    rig_out(w->rig, IDE_DEVICE, 0xF0);
    identify(w);
    assert_int_equal(load_le32(w->data + 120), 1000);
    assert_int_equal(word(w, 93), 0x6B00);
    rig_out(w->rig, IDE_DEVICE, 0xE0);
    identify(w);
    assert_int_equal(load_le32(w->data + 120), SECTORS);
    ide_task(w->rig, 1, 999, 0xF0);
    ide_command(w->rig, 0x40);
    assert_true(w->rig->wire[IDE_IRQ].level);
    rig_out(w->rig, IDE_DEVICE, 0xE0); /* only the selected drive drives INTRQ */
    assert_false(w->rig->wire[IDE_IRQ].level);
    rig_out(w->rig, IDE_DEVICE, 0xF0);
    assert_true(w->rig->wire[IDE_IRQ].level);
    ide_expect(w->rig, READY, 0);
    ide_task(w->rig, 1, 1000, 0xF0);
    ide_command(w->rig, 0x40);
    ide_expect(w->rig, FAILED, IDNF);
}

static void diagnostic_runs_on_both(void **state)
{
    struct world *w = *state;
    rig_out(w->rig, IDE_DEVICE, 0xB0);
    rig_out(w->rig, IDE_STATUS, 0x90);
    ide_wait(w->rig);
    assert_true(w->rig->wire[IDE_IRQ].level);
    ide_expect(w->rig, READY, 0x01);
    assert_int_equal(rig_in(w->rig, IDE_DEVICE), 0xA0);
    assert_int_equal(rig_in(w->rig, IDE_LOW), 1);
}

static void writes_while_busy_are_ignored(void **state)
{
    struct world *w = *state;
    ide_task(w->rig, 1, 42, 0xE0);
    rig_out(w->rig, IDE_STATUS, 0x20);
    rig_out(w->rig, IDE_LOW, 7);
    rig_out(w->rig, IDE_DEVICE, 0xF0);
    rig_out(w->rig, IDE_STATUS, 0xEC);
    ide_wait(w->rig);
    ide_read_data(w->rig, w->data, 512);
    assert_int_equal(load_le32(w->data), 42);
    ide_expect(w->rig, READY, 0);
}

static void geometry_of_the_image_is_the_drives(void **state)
{
    struct world *w = *state;
    struct disk_geometry geometry;
    w->disk->geometry = (struct disk_geometry){615, 4, 8};
    rig_reset(w->rig, RESET_POWER_ON);
    identify(w);
    assert_int_equal(word(w, 1), 615);
    assert_int_equal(word(w, 3), 4);
    assert_int_equal(word(w, 6), 8);
    assert_true(ide_disk_geometry(w->ide, 0, 0, &geometry));
    assert_int_equal(geometry.cylinders, 615);
    assert_false(ide_disk_geometry(w->ide, 0, 1, &geometry));
    w->disk->geometry = (struct disk_geometry){1, 255, 63}; /* a translation, not a drive's */
    assert_true(ide_disk_geometry(w->ide, 0, 0, &geometry));
    assert_int_equal(geometry.heads, 16);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(identify_tells_the_truth),
        TEST(read_sectors_by_lba),
        TEST(the_data_port_takes_all_widths),
        TEST(a_count_of_zero_is_256),
        TEST(chs_addresses),
        TEST(initialize_parameters_sets_the_translation),
        TEST(write_sectors),
        TEST(the_data_port_goes_on_with_the_next_sector),
        TEST(multiple_moves_blocks),
        TEST(the_end_of_the_disk),
        cmocka_unit_test_setup_teardown(lba48, set_up_large, tear_down),
        TEST(host_protected_area),
        TEST(power_management),
        TEST(sleep_ends_with_a_reset),
        TEST(set_features),
        TEST(flush_and_write_cache),
        TEST(buffers_seek_and_recalibrate),
        TEST(what_a_disk_does_not_do_is_aborted),
        TEST(host_errors_become_media_errors),
        TEST(a_read_only_disk_refuses_writes),
        TEST(nien_holds_the_interrupt_back),
        TEST(software_reset_shows_the_signature),
        TEST(a_missing_slave),
        TEST(two_drives),
        TEST(diagnostic_runs_on_both),
        TEST(writes_while_busy_are_ignored),
        TEST(geometry_of_the_image_is_the_drives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
