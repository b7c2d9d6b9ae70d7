/* The CMOS bytes that firmware looks up: memory, drives, boot order. The clock chip keeps them.
 *
 * Source: IBM PC/AT Technical Reference (10h..2Fh); Ralf Brown's CMOS list; the bytes from 30h on
 * as QEMU's and Bochs's boards use them, which is what SeaBIOS reads. */
#include "devices/i82077.h"
#include "devices/ide.h"
#include "devices/mc146818.h"
#include "machine/internal.h"

#include <string.h>

enum cmos_index {
    CMOS_FLOPPY_TYPES = 0x10,
    CMOS_DISK_TYPES = 0x12,
    CMOS_EQUIPMENT = 0x14,
    CMOS_BASE_MEMORY = 0x15,     /* KiB, 16 bits */
    CMOS_EXTENDED_MEMORY = 0x17, /* KiB above 1 MiB, 16 bits; again at 30h */
    CMOS_DISK0_TYPE = 0x19,
    CMOS_DISK1_TYPE = 0x1A,
    CMOS_DISK0_TABLE = 0x1B,
    CMOS_DISK1_TABLE = 0x24,
    CMOS_EXTENDED_MEMORY_POST = 0x30,
    CMOS_MEMORY_ABOVE_16M = 0x34, /* units of 64 KiB, 16 bits */
    CMOS_BOOT_THIRD = 0x38,
    CMOS_DISK_TRANSLATION = 0x39,
    CMOS_BOOT_ORDER = 0x3D,
    CMOS_MEMORY_ABOVE_4G = 0x5B, /* units of 64 KiB, 24 bits */
    CMOS_PROCESSORS = 0x5F,      /* besides the first */
};

static void write16(struct machine *machine, uint8_t index, uint32_t value)
{
    mc146818_cmos_write(machine->rtc, index, (uint8_t)value);
    mc146818_cmos_write(machine->rtc, (uint8_t)(index + 1), (uint8_t)(value >> 8));
}

static uint32_t at_most(uint64_t value, uint32_t limit)
{
    return value < limit ? (uint32_t)value : limit;
}

static void fill_memory(struct machine *machine)
{
    uint64_t size = machine->config.ram_size;
    uint32_t extended = at_most((size - (1 << 20)) >> 10, 0xFFFF);
    write16(machine, CMOS_BASE_MEMORY, 640);
    write16(machine, CMOS_EXTENDED_MEMORY, extended);
    write16(machine, CMOS_EXTENDED_MEMORY_POST, extended);
    uint64_t above = size > (16 << 20) ? (size - (16 << 20)) >> 16 : 0;
    write16(machine, CMOS_MEMORY_ABOVE_16M, at_most(above, 0xFFFF));
    write16(machine, CMOS_MEMORY_ABOVE_4G, 0);
    mc146818_cmos_write(machine->rtc, CMOS_MEMORY_ABOVE_4G + 2, 0);
    mc146818_cmos_write(machine->rtc, CMOS_PROCESSORS, 0);
}

static void fill_floppies(struct machine *machine)
{
    unsigned first = i82077_drive_type(machine->floppy, 0);
    unsigned second = i82077_drive_type(machine->floppy, 1);
    unsigned count = (first != 0) + (second != 0);
    mc146818_cmos_write(machine->rtc, CMOS_FLOPPY_TYPES, (uint8_t)(first << 4 | second));
    /* Equipment: bit 0 there are floppy drives, bits 7:6 their number less one, bit 1 numeric
     * processor, bit 2 pointing device; bits 5:4 clear: the display has its own BIOS. */
    unsigned equipment = 0x04;
    if (model_has(machine->config.model, FEAT_FPU))
        equipment |= 0x02;
    if (count)
        equipment |= 0x01 | (count - 1) << 6;
    mc146818_cmos_write(machine->rtc, CMOS_EQUIPMENT, (uint8_t)equipment);
}

static void fill_disk_table(struct machine *machine, uint8_t index,
                            const struct disk_geometry *geometry)
{
    unsigned control = 0xC0 | (geometry->heads > 8) << 3;
    write16(machine, index, geometry->cylinders);
    mc146818_cmos_write(machine->rtc, (uint8_t)(index + 2), (uint8_t)geometry->heads);
    write16(machine, (uint8_t)(index + 3), 0xFFFF); /* no write precompensation */
    mc146818_cmos_write(machine->rtc, (uint8_t)(index + 5), (uint8_t)control);
    write16(machine, (uint8_t)(index + 6), geometry->cylinders); /* landing zone */
    mc146818_cmos_write(machine->rtc, (uint8_t)(index + 8), (uint8_t)geometry->sectors);
}

static void fill_disks(struct machine *machine)
{
    static const uint8_t table[] = {CMOS_DISK0_TABLE, CMOS_DISK1_TABLE};
    unsigned types = 0, translations = 0;
    for (unsigned i = 0; i < MACHINE_DISKS; i++) {
        struct disk_geometry geometry;
        if (!ide_disk_geometry(machine->ide, i / IDE_UNITS, i % IDE_UNITS, &geometry))
            continue;
        /* How INT 13h is to translate: 0 not at all, 1 LBA-assisted. */
        translations |= (geometry.cylinders > 1024 ? 1u : 0u) << i * 2;
        if (i >= ARRAY_LENGTH(table))
            continue;
        types |= 0xFu << (i ? 0 : 4); /* "see the extended type" */
        mc146818_cmos_write(machine->rtc, (uint8_t)(CMOS_DISK0_TYPE + i), 47); /* user-defined */
        fill_disk_table(machine, table[i], &geometry);
    }
    mc146818_cmos_write(machine->rtc, CMOS_DISK_TYPES, (uint8_t)types);
    mc146818_cmos_write(machine->rtc, CMOS_DISK_TRANSLATION, (uint8_t)translations);
}

static void fill_boot_order(struct machine *machine)
{
    static const char devices[] = "acd"; /* floppy, hard disk, CD-ROM */
    static const uint8_t codes[] = {1, 2, 3};
    const char *order = machine->config.boot_order[0] ? machine->config.boot_order : "acd";
    unsigned list[3] = {0};
    for (unsigned i = 0; i < 3 && order[i]; i++) {
        const char *device = strchr(devices, order[i]);
        list[i] = device ? codes[device - devices] : 0;
    }
    mc146818_cmos_write(machine->rtc, CMOS_BOOT_ORDER, (uint8_t)(list[0] | list[1] << 4));
    /* Bit 0: boot from diskettes without looking for the signature. */
    mc146818_cmos_write(machine->rtc, CMOS_BOOT_THIRD, (uint8_t)(list[2] << 4 | 1));
}

void cmos_fill(struct machine *machine)
{
    fill_memory(machine);
    fill_floppies(machine);
    fill_disks(machine);
    fill_boot_order(machine);
    mc146818_cmos_checksum(machine->rtc);
}
