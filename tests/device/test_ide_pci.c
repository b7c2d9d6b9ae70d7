/* The PIIX3's IDE function: configuration space, port decoding, the bus master with disks and
 * CD-ROMs.
 * Run alone: meson test -C build ide_pci */
#include "tests/device/ide_rig.h"

#include "devices/pci.h"

enum {
    BM = 0xC000,
    BM_COMMAND = BM,
    BM_STATUS = BM + 2,
    BM_TABLE = BM + 4,
    TABLE = 0x8000,
    TO_MEMORY = 0x08,
    START = 0x01,
    DATA = 0x20000,
    SECTORS = 4000,
};

struct world {
    struct rig *rig;
    struct pci *pci;
    struct ide *ide;
    struct disk_backend *disk, *disc;
};

static int set_up(void **state)
{
    static struct world world;
    world = (struct world){.rig = rig_new(), .disk = disk_rig_new(SECTORS)};
    world.disc = disk_rig_new(400);
    world.pci = pci_new(world.rig->bus);
    world.ide =
        ide_new(world.rig->bus, world.pci, 1, rig_wire(world.rig, 14), rig_wire(world.rig, 15));
    ide_attach_disk(world.ide, 0, 0, world.disk);
    ide_attach_cdrom(world.ide, 0, 1, world.disc);
    rig_reset(world.rig, RESET_POWER_ON);
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    rig_free(w->rig);
    w->disk->ops->close(w->disk);
    w->disc->ops->close(w->disc);
    return 0;
}

/* What firmware does: decode bits, BAR, I/O and bus mastering on. */
static void enable(struct world *w)
{
    pci_config_write(w->pci, 1, 1, 0x40, 0x8000, 2);
    pci_config_write(w->pci, 1, 1, 0x20, BM, 4);
    pci_config_write(w->pci, 1, 1, 0x04, 0x0005, 2);
}

struct prd {
    uint32_t address;
    uint32_t size;
};

static void put_table(struct world *w, const struct prd *prds, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint8_t *entry = w->rig->memory + TABLE + 8 * i;
        store_le32(entry, prds[i].address);
        store_le32(entry + 4, (prds[i].size & 0xFFFF) | (i + 1 == count ? 0x80000000 : 0));
    }
    bus_port_write(w->rig->bus, BM_TABLE, TABLE, 4);
}

static uint8_t *sector(struct world *w, unsigned lba)
{
    return disk_rig_of(w->disk)->bytes + 512 * lba;
}

static void the_function_is_a_piix3(void **state)
{
    struct world *w = *state;
    assert_int_equal(pci_config_read(w->pci, 1, 1, 0, 4), 0x70108086);
    assert_int_equal(pci_config_read(w->pci, 1, 1, 8, 4) >> 8, 0x010180);
    pci_config_write(w->pci, 1, 1, 0x20, 0xFFFFFFFF, 4);
    assert_int_equal(pci_config_read(w->pci, 1, 1, 0x20, 4), 0xFFFFFFF1);
    assert_int_equal(pci_config_read(w->pci, 1, 1, 0x40, 4), 0);
    pci_config_write(w->pci, 1, 1, 0x40, 0xFFFFFFFF, 4);
    assert_int_equal(pci_config_read(w->pci, 1, 1, 0x40, 4), 0xF3FFF3FF);
}

static void ports_answer_when_decoded(void **state)
{
    struct world *w = *state;
    assert_int_equal(rig_in(w->rig, IDE_STATUS), 0xFF);
    enable(w);
    assert_int_equal(rig_in(w->rig, IDE_STATUS), 0x50);
    assert_int_equal(rig_in(w->rig, IDE_CONTROL), 0x50);
    assert_int_equal(rig_in(w->rig, 0x177), 0xFF); /* the secondary channel is off */
    pci_config_write(w->pci, 1, 1, 0x42, 0x8000, 2);
    assert_int_equal(rig_in(w->rig, 0x177), 0x7F);
    pci_config_write(w->pci, 1, 1, 0x04, 0x0000, 2);
    assert_int_equal(rig_in(w->rig, IDE_STATUS), 0xFF);
    pci_config_write(w->pci, 1, 1, 0x04, 0x0001, 2);
    assert_int_equal(rig_in(w->rig, IDE_STATUS), 0x50);
    rig_reset(w->rig, RESET_HARD);
    assert_int_equal(rig_in(w->rig, IDE_STATUS), 0xFF);
}

static void bus_master_registers(void **state)
{
    struct world *w = *state;
    enable(w);
    bus_port_write(w->rig->bus, BM_TABLE, 0x12345677, 4);
    assert_int_equal(bus_port_read(w->rig->bus, BM_TABLE, 4), 0x12345674);
    rig_out(w->rig, BM_STATUS, 0xE6); /* capable bits are kept; 1 clears error and interrupt */
    assert_int_equal(rig_in(w->rig, BM_STATUS), 0x60);
    rig_out(w->rig, BM_COMMAND, 0xFE);
    assert_int_equal(rig_in(w->rig, BM_COMMAND), TO_MEMORY);
    assert_int_equal(bus_port_read(w->rig->bus, BM + 12, 4), 0);
}

static void read_dma(void **state)
{
    struct world *w = *state;
    enable(w);
    put_table(w,
              (struct prd[]){
                  {DATA,          1000},
                  {DATA + 0x3000, 1048}
    },
              2);
    rig_out(w->rig, BM_COMMAND, TO_MEMORY);
    ide_task(w->rig, 4, 1000, 0xE0);
    rig_out(w->rig, IDE_STATUS, 0xC8);
    ide_wait(w->rig);
    assert_false(w->rig->wire[IDE_IRQ].level); /* the host has not started it */
    rig_out(w->rig, BM_COMMAND, TO_MEMORY | START);
    assert_int_equal(rig_in(w->rig, BM_STATUS) & 5, 1);
    ide_wait(w->rig);
    assert_true(w->rig->wire[IDE_IRQ].level);
    assert_int_equal(rig_in(w->rig, BM_STATUS) & 7, 4);
    ide_expect(w->rig, 0x50, 0);
    rig_out(w->rig, BM_COMMAND, 0);
    rig_out(w->rig, BM_STATUS, 4);
    assert_int_equal(rig_in(w->rig, BM_STATUS) & 7, 0);
    assert_memory_equal(w->rig->memory + DATA, sector(w, 1000), 1000);
    assert_memory_equal(w->rig->memory + DATA + 0x3000, sector(w, 1000) + 1000, 1048);
}

static void write_dma_started_first(void **state)
{
    struct world *w = *state;
    enable(w);
    memset(w->rig->memory + DATA, 0x99, 512);
    put_table(w,
              (struct prd[]){
                  {DATA, 512}
    },
              1);
    rig_out(w->rig, BM_COMMAND, START);
    ide_task(w->rig, 1, 77, 0xE0);
    ide_command(w->rig, 0xCA);
    ide_expect(w->rig, 0x50, 0);
    assert_int_equal(rig_in(w->rig, BM_STATUS) & 7, 4);
    assert_int_equal(sector(w, 77)[0], 0x99);
    assert_int_equal(sector(w, 77)[511], 0x99);
    assert_int_equal(load_le32(sector(w, 78)), 78);
}

static void a_large_transfer_with_64k_entries(void **state)
{
    struct world *w = *state;
    enable(w);
    put_table(w,
              (struct prd[]){
                  {DATA,           0x10000},
                  {DATA + 0x10000, 0x10000}
    },
              2);
    rig_out(w->rig, BM_COMMAND, TO_MEMORY | START);
    ide_task(w->rig, 0, 300, 0xE0);
    ide_command(w->rig, 0xC8);
    ide_expect(w->rig, 0x50, 0);
    assert_memory_equal(w->rig->memory + DATA, sector(w, 300), 0x20000);
    assert_int_equal(rig_in(w->rig, IDE_COUNT), 0);
}

static void a_table_that_is_too_long_stays_active(void **state)
{
    struct world *w = *state;
    enable(w);
    put_table(w,
              (struct prd[]){
                  {DATA, 4096}
    },
              1);
    rig_out(w->rig, BM_COMMAND, TO_MEMORY | START);
    ide_task(w->rig, 1, 5, 0xE0);
    ide_command(w->rig, 0xC8);
    ide_expect(w->rig, 0x50, 0);
    assert_int_equal(rig_in(w->rig, BM_STATUS) & 7, 5); /* interrupt, and still active */
    rig_out(w->rig, BM_COMMAND, TO_MEMORY);
    assert_int_equal(rig_in(w->rig, BM_STATUS) & 7, 4);
}

static void a_table_that_is_too_short_hangs_the_drive(void **state)
{
    struct world *w = *state;
    enable(w);
    put_table(w,
              (struct prd[]){
                  {DATA, 256}
    },
              1);
    rig_out(w->rig, BM_COMMAND, TO_MEMORY | START);
    ide_task(w->rig, 1, 5, 0xE0);
    ide_command(w->rig, 0xC8);
    assert_int_equal(rig_in(w->rig, BM_STATUS) & 7, 0); /* neither */
    assert_false(w->rig->wire[IDE_IRQ].level);
    assert_int_equal(rig_in(w->rig, IDE_STATUS), 0x58);
    rig_out(w->rig, BM_COMMAND, 0);
    rig_out(w->rig, IDE_CONTROL, 0x04);
    rig_out(w->rig, IDE_CONTROL, 0x00);
    ide_wait(w->rig);
    ide_expect(w->rig, 0x50, 1);
}

static void an_error_ends_the_transfer(void **state)
{
    struct world *w = *state;
    enable(w);
    put_table(w,
              (struct prd[]){
                  {DATA, 1024}
    },
              1);
    rig_out(w->rig, BM_COMMAND, TO_MEMORY | START);
    ide_task(w->rig, 2, SECTORS - 1, 0xE0);
    ide_command(w->rig, 0xC8);
    ide_expect(w->rig, 0x51, 0x10);
    assert_int_equal(rig_in(w->rig, BM_STATUS) & 7, 5);
    assert_memory_equal(w->rig->memory + DATA, sector(w, SECTORS - 1), 512);
}

static void lba48_dma(void **state)
{
    struct world *w = *state;
    enable(w);
    put_table(w,
              (struct prd[]){
                  {DATA,           0x10000 },
                  {DATA + 0x10000, 0x10000 },
                  {DATA + 0x20000, 44 * 512}
    },
              3);
    rig_out(w->rig, BM_COMMAND, TO_MEMORY | START);
    rig_out(w->rig, IDE_DEVICE, 0x40);
    rig_out(w->rig, IDE_COUNT, 1); /* 300 sectors */
    rig_out(w->rig, IDE_COUNT, 44);
    for (uint16_t port = IDE_LOW; port <= IDE_HIGH; port++) {
        rig_out(w->rig, port, 0);
        rig_out(w->rig, port, port == IDE_LOW ? 9 : 0);
    }
    ide_command(w->rig, 0x25);
    ide_expect(w->rig, 0x50, 0);
    assert_memory_equal(w->rig->memory + DATA, sector(w, 9), 300 * 512);
}

static void without_bus_mastering_nothing_moves(void **state)
{
    struct world *w = *state;
    enable(w);
    pci_config_write(w->pci, 1, 1, 0x04, 0x0001, 2);
    put_table(w,
              (struct prd[]){
                  {DATA, 512}
    },
              1);
    rig_out(w->rig, BM_COMMAND, TO_MEMORY | START);
    ide_task(w->rig, 1, 5, 0xE0);
    ide_command(w->rig, 0xC8);
    assert_false(w->rig->wire[IDE_IRQ].level);
    assert_int_equal(w->rig->memory[DATA], 0);
}

static void packet_dma(void **state)
{
    struct world *w = *state;
    const uint8_t sense[12] = {0x03, 0, 0, 0, 18}, read[12] = {0x28, 0, 0, 0, 0, 3, 0, 0, 40};
    enable(w);
    rig_out(w->rig, IDE_DEVICE, 0xB0);
    for (unsigned i = 0; i < 2; i++) { /* REQUEST SENSE clears the unit attention */
        put_table(w,
                  (struct prd[]){
                      {DATA,           i ? 0x10000 : 18},
                      {DATA + 0x10000, 0x4000          }
        },
                  1 + i);
        rig_out(w->rig, IDE_ERROR, 0x01); /* by DMA */
        ide_command(w->rig, 0xA0);
        ide_write_data(w->rig, i ? read : sense, 12);
        rig_out(w->rig, BM_COMMAND, TO_MEMORY | START);
        ide_wait(w->rig);
        assert_true(w->rig->wire[IDE_IRQ].level);
        assert_int_equal(rig_in(w->rig, IDE_COUNT) & 3, 3);
        ide_expect(w->rig, 0x50, 0);
        assert_int_equal(rig_in(w->rig, BM_STATUS) & 7, 4);
        rig_out(w->rig, BM_COMMAND, 0);
        rig_out(w->rig, BM_STATUS, 4);
        if (i == 0)
            assert_int_equal(w->rig->memory[DATA + 12], 0x29);
    }
    assert_memory_equal(w->rig->memory + DATA, disk_rig_of(w->disc)->bytes + 3 * 2048, 40 * 2048);
}

static void packet_dma_that_fails(void **state)
{
    struct world *w = *state;
    const uint8_t read[12] = {0x28, 0, 0, 0, 0, 3, 0, 0, 1};
    enable(w);
    rig_out(w->rig, IDE_DEVICE, 0xB0);
    put_table(w,
              (struct prd[]){
                  {DATA, 2048}
    },
              1);
    rig_out(w->rig, IDE_ERROR, 0x01);
    ide_command(w->rig, 0xA0);
    ide_write_data(w->rig, read, 12);
    rig_out(w->rig, BM_COMMAND, TO_MEMORY | START);
    ide_wait(w->rig);
    ide_expect(w->rig, 0x51, 0x64); /* unit attention */
    assert_int_equal(rig_in(w->rig, BM_STATUS) & 7, 5);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_function_is_a_piix3),
        TEST(ports_answer_when_decoded),
        TEST(bus_master_registers),
        TEST(read_dma),
        TEST(write_dma_started_first),
        TEST(a_large_transfer_with_64k_entries),
        TEST(a_table_that_is_too_long_stays_active),
        TEST(a_table_that_is_too_short_hangs_the_drive),
        TEST(an_error_ends_the_transfer),
        TEST(lba48_dma),
        TEST(without_bus_mastering_nothing_moves),
        TEST(packet_dma),
        TEST(packet_dma_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
