/* The IDE controller as a device: port claims, the PCI function of the PIIX3 (82371SB, function 1),
 * and the drives. */
#include "devices/ide.h"

#include "base/memory.h"
#include "devices/ide_private.h"

#include <assert.h>

enum {
    PIIX3_VENDOR = 0x8086,
    PIIX3_IDE_DEVICE = 0x7010,
    PIIX3_IDE_FUNCTION = 1,
    IDETIM = 0x40, /* and 42h for the secondary channel */
    IDETIM_MASK = 0xF3FF,
    IDETIM_DECODE = 0x8000,
    SIDETIM = 0x44,
    BUS_MASTER_BAR = 4,
    BUS_MASTER_SIZE = 16,

    CONTROL_PORT_COUNT = 1, /* 3F7h belongs to the floppy controller */
};

static const uint16_t command_ports[IDE_CHANNELS] = {0x1F0, 0x170};
static const uint16_t control_ports[IDE_CHANNELS] = {0x3F6, 0x376};

static const struct field ide_fields[] = {
    FIELD_STRUCTS(struct ide, channel, ide_channel_fields),
    FIELD_TRANSIENT(struct ide, decoded),
    FIELD_TRANSIENT(struct ide, bus),
    FIELD_TRANSIENT(struct ide, function),
    FIELD_END,
};

/* --- ports --- */

static uint32_t command_read(void *device, uint32_t offset, unsigned size)
{
    return ide_channel_read(device, offset, size);
}

static void command_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    ide_channel_write(device, offset, value, size);
}

static const struct io_ops command_ops = {command_read, command_write, .max_size = 4};

static uint32_t control_read(void *device, uint32_t offset, unsigned size)
{
    return ide_channel_alternate_status(device);
}

static void control_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    ide_channel_control(device, (uint8_t)value);
}

static const struct io_ops control_ops = {control_read, control_write, .max_size = 1};

static void set_decoded(struct ide *ide, unsigned number, bool decoded)
{
    if (ide->decoded[number] == decoded)
        return;
    ide->decoded[number] = decoded;
    struct ide_channel *channel = &ide->channel[number];
    if (decoded) {
        bus_claim_ports(ide->bus, command_ports[number], 8, &command_ops, channel);
        bus_claim_ports(ide->bus, control_ports[number], CONTROL_PORT_COUNT, &control_ops, channel);
    } else {
        bus_release_ports(ide->bus, command_ports[number], &command_ops, channel);
        bus_release_ports(ide->bus, control_ports[number], &control_ops, channel);
    }
}

/* --- the PCI function --- */

static void update_decoding(struct ide *ide, const struct pci_function *function)
{
    bool io = pci_config_get(function, PCI_COMMAND, 2) & PCI_COMMAND_IO;
    for (unsigned number = 0; number < IDE_CHANNELS; number++)
        set_decoded(ide, number,
                    io && (pci_config_get(function, IDETIM + 2 * number, 2) & IDETIM_DECODE));
}

static void function_reset(void *device, struct pci_function *function)
{
    pci_config_set(function, IDETIM, 4, 0);
    pci_config_set(function, SIDETIM, 1, 0);
    update_decoding(device, function);
}

static void function_written(void *device, struct pci_function *function, unsigned offset,
                             unsigned size, const uint8_t *old)
{
    update_decoding(device, function);
}

static void function_loaded(void *device, struct pci_function *function)
{
    update_decoding(device, function);
}

static void add_function(struct ide *ide, struct pci *pci, unsigned device_number)
{
    struct pci_function_config config = {
        .vendor_id = PIIX3_VENDOR,
        .device_id = PIIX3_IDE_DEVICE,
        .base_class = 0x01, /* mass storage */
        .subclass = 0x01,   /* IDE */
        .prog_if = 0x80,    /* bus master, both channels at the fixed ports */
        .command_mask = PCI_COMMAND_IO | PCI_COMMAND_MASTER,
        .status = 0x0280, /* medium DEVSEL# timing, fast back-to-back */
        .reset = function_reset,
        .written = function_written,
        .loaded = function_loaded,
    };
    config.bar[BUS_MASTER_BAR] = (struct pci_bar_config){
        .kind = PCI_BAR_IO, .size = BUS_MASTER_SIZE, .ops = &ide_bus_master_ops};
    ide->function = pci_add_function(pci, device_number, PIIX3_IDE_FUNCTION, &config, ide);
    pci_config_set_mask(ide->function, IDETIM, 4, IDETIM_MASK | (uint32_t)IDETIM_MASK << 16);
    pci_config_set_mask(ide->function, SIDETIM, 1, 0xFF);
}

/* --- the device --- */

static void ide_reset(void *device, enum reset_kind kind)
{
    struct ide *ide = device;
    for (unsigned number = 0; number < IDE_CHANNELS; number++)
        ide_channel_reset(&ide->channel[number], kind);
}

static const struct device_class ide_class = {
    .name = "ide",
    .size = sizeof(struct ide),
    .fields = ide_fields,
    .reset = ide_reset,
};

struct ide *ide_new(struct bus *bus, struct pci *pci, unsigned device_number, struct irq_line irq14,
                    struct irq_line irq15)
{
    struct ide *ide = mem_new(sizeof *ide);
    ide->bus = bus;
    ide_channel_init(&ide->channel[0], ide, 0, irq14);
    ide_channel_init(&ide->channel[1], ide, 1, irq15);
    if (pci) {
        add_function(ide, pci, device_number);
    } else {
        set_decoded(ide, 0, true);
        set_decoded(ide, 1, true);
    }
    bus_add_device(bus, &ide_class, ide);
    return ide;
}

/* --- drives --- */

static struct ide_drive *drive_at(struct ide *ide, unsigned channel, unsigned unit)
{
    assert(channel < IDE_CHANNELS && unit < IDE_UNITS);
    return &ide->channel[channel].drive[unit];
}

void ide_attach_disk(struct ide *ide, unsigned channel, unsigned unit, struct disk_backend *disk)
{
    struct ide_drive *drive = drive_at(ide, channel, unit);
    drive->kind = IDE_DISK;
    drive->disk = disk;
    ide_channel_reset(drive->channel, RESET_POWER_ON);
}

void ide_attach_cdrom(struct ide *ide, unsigned channel, unsigned unit, struct disk_backend *disc)
{
    struct ide_drive *drive = drive_at(ide, channel, unit);
    drive->kind = IDE_CDROM;
    drive->disk = disc;
    ide_channel_reset(drive->channel, RESET_POWER_ON);
}

bool ide_disk_geometry(const struct ide *ide, unsigned channel, unsigned unit,
                       struct disk_geometry *geometry)
{
    assert(channel < IDE_CHANNELS && unit < IDE_UNITS);
    const struct ide_drive *drive = &ide->channel[channel].drive[unit];
    if (drive->kind != IDE_DISK)
        return false;
    *geometry = ata_native_geometry(drive);
    return true;
}

bool ide_insert_disc(struct ide *ide, unsigned channel, unsigned unit, struct disk_backend *disc,
                     bool force)
{
    struct ide_drive *drive = drive_at(ide, channel, unit);
    return drive->kind == IDE_CDROM && atapi_insert(drive, disc, force);
}

void ide_set_disk(struct ide *ide, unsigned channel, unsigned unit, struct disk_backend *disk)
{
    drive_at(ide, channel, unit)->disk = disk;
}
