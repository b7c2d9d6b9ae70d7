/* Random accesses to the floppy and IDE controllers: whatever a guest does, nothing may break.
 * Half of the accesses are likely ones (commands, parameters, data), so that all phases are
 * reached. Run alone: meson test -C build storage_fuzz */
#include "tests/device/rig.h"

#include "devices/i82077.h"
#include "devices/i8237.h"
#include "devices/ide.h"
#include "devices/pci.h"
#include "tests/device/disk_rig.h"

enum { ROUNDS = 400000, BM = 0xC000 };

struct world {
    struct rig *rig;
    struct pci *pci;
    struct i82077 *fdc;
    struct ide *ide;
    struct disk_backend *floppy, *small, *disk, *disc;
    uint64_t seed;
};

static uint32_t random_below(struct world *w, uint32_t limit)
{
    w->seed = w->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(w->seed >> 33) % limit;
}

static int set_up(void **state)
{
    static struct world world;
    world = (struct world){.rig = rig_new(), .seed = 20261121};
    struct world *w = &world;
    struct bus *bus = w->rig->bus;
    struct i8237 *dma = i8237_new(bus);
    w->pci = pci_new(bus);
    w->fdc = i82077_new(bus, rig_wire(w->rig, 6), dma);
    w->ide = ide_new(bus, w->pci, 1, rig_wire(w->rig, 14), rig_wire(w->rig, 15));
    w->floppy = disk_rig_new(2880);
    w->small = disk_rig_new(100); /* ends in the middle of a track */
    w->disk = disk_rig_new(3000);
    w->disc = disk_rig_new(444);
    i82077_set_drive(w->fdc, 0, FLOPPY_DRIVE_1440K);
    i82077_set_drive(w->fdc, 1, FLOPPY_DRIVE_1200K);
    i82077_insert(w->fdc, 0, w->floppy);
    i82077_insert(w->fdc, 1, w->small);
    ide_attach_disk(w->ide, 0, 0, w->disk);
    ide_attach_disk(w->ide, 0, 1, w->small);
    ide_attach_cdrom(w->ide, 1, 1, w->disc);
    rig_reset(w->rig, RESET_POWER_ON);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    rig_free(w->rig);
    w->floppy->ops->close(w->floppy);
    w->small->ops->close(w->small);
    w->disk->ops->close(w->disk);
    w->disc->ops->close(w->disc);
    return 0;
}

static void random_access(struct world *w, uint16_t port)
{
    static const unsigned sizes[] = {1, 1, 1, 2, 4};
    unsigned size = sizes[random_below(w, ARRAY_LENGTH(sizes))];
    if (random_below(w, 2))
        bus_port_read(w->rig->bus, port, size);
    else
        bus_port_write(w->rig->bus, port, random_below(w, UINT32_MAX), size);
}

static void random_time(struct world *w)
{
    static const uint64_t times[] = {0, 100, 10000, 1000000, 40000000};
    rig_pass(w->rig, times[random_below(w, ARRAY_LENGTH(times))]);
}

static void likely_floppy_command(struct world *w)
{
    static const uint8_t codes[] = {0x46, 0xE6, 0x66, 0x45, 0xC5, 0x49, 0x4C, 0x42, 0x56,
                                    0xD6, 0x51, 0x59, 0x5D, 0x4D, 0x4A, 0x0F, 0x07, 0x08};
    struct rig *rig = w->rig;
    unsigned drive = random_below(w, 2), head = random_below(w, 2);
    uint8_t c = (uint8_t)random_below(w, 3);
    const uint8_t bytes[9] = {codes[random_below(w, ARRAY_LENGTH(codes))],
                              (uint8_t)(drive | head << 2),
                              c,
                              (uint8_t)head,
                              (uint8_t)random_below(w, 20),
                              2,
                              (uint8_t)random_below(w, 20),
                              0x1B,
                              (uint8_t)random_below(w, 4)};
    if (random_below(w, 4)) { /* after the last command's end, and with the right rate */
        rig_out(rig, 0x3F2, 0x3C);
        rig_out(rig, 0x3F7, drive ? 1 : 0);
        rig_pass(rig, 20000000);
        for (unsigned i = 0; i < 16; i++)
            rig_in(rig, 0x3F5);
    }
    bool formats = bytes[0] == 0x4D && random_below(w, 8);
    for (unsigned i = 0; i < 9; i++)
        rig_out(rig, 0x3F5,
                formats && i == 3   ? (drive ? 8 : 18)
                : formats && i == 2 ? 2
                                    : bytes[i]);
}

static void likely_floppy(struct world *w)
{
    struct rig *rig = w->rig;
    switch (random_below(w, 12)) {
    case 0:
        rig_out(rig, 0x3F2, (uint8_t)(0x3C | random_below(w, 2)));
        break;
    case 1:
        rig_out(rig, 0x3F7, (uint8_t)random_below(w, 3));
        break;
    case 2:
        for (uint16_t port = 0x04; port <= 0x05; port++)
            rig_out(rig, port, (uint8_t)random_below(w, 256));
        rig_out(rig, 0x0B, (uint8_t)(random_below(w, 64) << 2 | 2));
        rig_out(rig, 0x0A, (uint8_t)(2 | (random_below(w, 4) ? 0 : 4)));
        rig_out(rig, 0xD6, 0xC0);
        rig_out(rig, 0xD4, 0x00);
        break;
    case 3:
        rig_out(rig, 0x3F5, 0x03);
        rig_out(rig, 0x3F5, 0xDF);
        rig_out(rig, 0x3F5, (uint8_t)(2 | random_below(w, 2)));
        break;
    case 4:
        i82077_insert(w->fdc, 0, random_below(w, 4) ? w->floppy : NULL);
        break;
    case 5:
    case 6:
        for (unsigned i = 0; i < 600; i++) {
            rig_in(rig, 0x3F5);
            rig_out(rig, 0x3F5, (uint8_t)random_below(w, 256));
        }
        break;
    default:
        likely_floppy_command(w);
        break;
    }
}

static void likely_ide(struct world *w)
{
    static const uint8_t codes[] = {0x20, 0x24, 0x25, 0x29, 0x30, 0x34, 0x35, 0x39, 0x40,
                                    0x42, 0x70, 0x91, 0xA0, 0xA0, 0xA0, 0xA1, 0xC4, 0xC5,
                                    0xC6, 0xC8, 0xCA, 0xE4, 0xE8, 0xEC, 0xEF, 0xF8, 0xF9};
    struct rig *rig = w->rig;
    uint16_t base = random_below(w, 2) ? 0x1F0 : 0x170;
    switch (random_below(w, 8)) {
    case 0:
        pci_config_write(w->pci, 1, 1, 0x40, 0x80008000, 4);
        pci_config_write(w->pci, 1, 1, 0x20, BM, 4);
        pci_config_write(w->pci, 1, 1, 0x04, 5, 2);
        break;
    case 1: {
        uint32_t table = random_below(w, RIG_MEMORY / 2) & ~3u;
        for (unsigned i = 0; i < 4; i++) {
            store_le32(rig->memory + table + 8 * i, random_below(w, UINT32_MAX));
            store_le32(rig->memory + table + 8 * i + 4,
                       random_below(w, 5000) | (random_below(w, 3) ? 0 : 0x80000000));
        }
        uint16_t master = (uint16_t)(BM + 8 * random_below(w, 2));
        bus_port_write(rig->bus, master + 4, table, 4);
        rig_out(rig, master, (uint8_t)(random_below(w, 2) << 3 | 1));
        break;
    }
    case 2:
    case 3:
        for (unsigned i = random_below(w, 1200); i > 0; i--) {
            bus_port_read(rig->bus, base, 2);
            bus_port_write(rig->bus, base, random_below(w, 65536), 2);
        }
        break;
    case 4: /* a packet, if one is awaited */
        for (unsigned i = 0; i < 6; i++)
            bus_port_write(rig->bus, base, random_below(w, 256) << 8 | random_below(w, 256), 2);
        break;
    case 5:
        ide_insert_disc(w->ide, 1, 1, random_below(w, 3) ? w->disc : NULL, random_below(w, 2));
        break;
    default:
        rig_out(rig, base + 6, (uint8_t)(0xA0 | random_below(w, 2) << 6 | random_below(w, 2) << 4));
        rig_out(rig, base + 1, (uint8_t)random_below(w, 256));
        rig_out(rig, base + 2, (uint8_t)random_below(w, 256));
        rig_out(rig, base + 3, (uint8_t)random_below(w, 256));
        rig_out(rig, base + 4, (uint8_t)random_below(w, 16));
        rig_out(rig, base + 5, (uint8_t)random_below(w, 2));
        rig_out(rig, base + 7, codes[random_below(w, ARRAY_LENGTH(codes))]);
        break;
    }
}

/* A packet of a known command with random parameters, sent as a driver would. */
static void likely_packet(struct world *w)
{
    static const uint8_t codes[] = {0x00, 0x03, 0x12, 0x1B, 0x1E, 0x25, 0x28, 0x2B, 0x2F,
                                    0x42, 0x43, 0x44, 0x45, 0x46, 0x4A, 0x51, 0x52, 0x55,
                                    0x5A, 0xA8, 0xAD, 0xB9, 0xBD, 0xBE, 0xBE, 0x28, 0x55};
    struct rig *rig = w->rig;
    uint8_t packet[12];
    for (unsigned i = 0; i < sizeof packet; i++)
        packet[i] = random_below(w, 3) ? 0 : (uint8_t)random_below(w, 256);
    packet[0] = codes[random_below(w, ARRAY_LENGTH(codes))];
    rig_out(rig, 0x176, 0xB0);
    rig_out(rig, 0x171, (uint8_t)random_below(w, 2));
    rig_out(rig, 0x174, (uint8_t)random_below(w, 256));
    rig_out(rig, 0x175, (uint8_t)random_below(w, 256));
    rig_out(rig, 0x177, 0xA0);
    rig_pass(rig, 10000);
    for (unsigned i = 0; i < 12; i += 2)
        bus_port_write(rig->bus, 0x170, load_le16(packet + i), 2);
}

static void random_accesses(void **state)
{
    struct world *w = *state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        switch (random_below(w, 8)) {
        case 0:
            random_access(w, (uint16_t)(0x3F0 + random_below(w, 8)));
            break;
        case 1:
            random_access(w, (uint16_t)((random_below(w, 2) ? 0x1F0 : 0x170) + random_below(w, 8)));
            break;
        case 2:
            random_access(w, (uint16_t)(random_below(w, 2)   ? BM + random_below(w, 16)
                                        : random_below(w, 2) ? 0x3F6
                                                             : 0x376));
            break;
        case 3:
        case 4:
            likely_floppy(w);
            break;
        case 5:
            likely_ide(w);
            break;
        case 6:
            likely_packet(w);
            break;
        default:
            random_time(w);
            break;
        }
        if (random_below(w, 20000) == 0)
            rig_reset(w->rig, RESET_HARD);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(random_accesses, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
