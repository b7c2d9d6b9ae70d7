/* IDENTIFY DEVICE of a hard disk (ATA/ATAPI-6, 8.15; the CHS words as in ATA-5). */
#include "devices/ide_private.h"

#include <stdio.h>
#include <string.h>

enum {
    NATIVE_HEADS = 16,
    NATIVE_SECTORS = 63,
    MAX_CYLINDERS = 16383,
    LBA28_MAX_SECTORS = 0x0FFFFFFF,
};

void ide_put_word(uint8_t *data, unsigned word, uint16_t value)
{
    store_le16(data + 2 * word, value);
}

void ide_seal_identify(uint8_t *data)
{
    data[510] = 0xA5;
    uint8_t sum = 0;
    for (unsigned i = 0; i < DISK_SECTOR_SIZE - 1; i++)
        sum = (uint8_t)(sum + data[i]);
    data[511] = (uint8_t)-sum;
}

static void put_dword(uint8_t *data, unsigned word, uint32_t value)
{
    store_le32(data + 2 * word, value);
}

/* Text in ATA's order: the first character in the high byte of its word; padded with spaces. */
void ide_put_text(uint8_t *words, const char *text, unsigned size)
{
    size_t length = strlen(text);
    for (unsigned i = 0; i < size; i++)
        words[i ^ 1] = (uint8_t)(i < length ? text[i] : ' ');
}

struct disk_geometry ata_native_geometry(const struct ide_drive *drive)
{
    const struct disk_backend *disk = drive->disk;
    uint64_t count = disk->sector_count;
    struct disk_geometry native = disk->geometry;
    bool given = native.heads && native.heads <= NATIVE_HEADS && native.sectors <= NATIVE_SECTORS;
    if (!given) {
        native.sectors = count < NATIVE_SECTORS ? (uint32_t)count : NATIVE_SECTORS;
        uint64_t tracks = count / native.sectors;
        native.heads = tracks < NATIVE_HEADS ? (uint32_t)tracks : NATIVE_HEADS;
        native.cylinders = UINT32_MAX;
    }
    uint64_t cylinders = count / (native.heads * native.sectors);
    if (native.cylinders > cylinders)
        native.cylinders = (uint32_t)cylinders;
    if (native.cylinders > MAX_CYLINDERS)
        native.cylinders = MAX_CYLINDERS;
    return native;
}

static void put_chs_words(const struct ide_drive *drive, uint8_t *data)
{
    const struct ata_state *ata = &drive->ata;
    struct disk_geometry native = ata_native_geometry(drive);
    ide_put_word(data, 1, (uint16_t)native.cylinders);
    ide_put_word(data, 3, (uint16_t)native.heads);
    ide_put_word(data, 4, (uint16_t)(native.sectors * DISK_SECTOR_SIZE));
    ide_put_word(data, 5, DISK_SECTOR_SIZE);
    ide_put_word(data, 6, (uint16_t)native.sectors);
    ide_put_word(data, 53, 0x0007); /* words 54-58, 64-70 and 88 are valid */
    ide_put_word(data, 54, ata->cylinders);
    ide_put_word(data, 55, ata->heads);
    ide_put_word(data, 56, ata->sectors);
    put_dword(data, 57, (uint32_t)ata->cylinders * ata->heads * ata->sectors);
}

static void put_identity(const struct ide_drive *drive, uint8_t *data)
{
    char serial[21];
    snprintf(serial, sizeof serial, "ANACHRON-%u%u", drive->channel->number, drive->unit);
    ide_put_text(data + 2 * 10, serial, 20);
    ide_put_text(data + 2 * 23, "1.0", 8);
    ide_put_text(data + 2 * 27, "Anachron Hard Disk", 40);
}

static void put_capacity(const struct ata_state *ata, uint8_t *data)
{
    uint64_t sectors = ata->max_sectors;
    put_dword(data, 60, sectors > LBA28_MAX_SECTORS ? LBA28_MAX_SECTORS : (uint32_t)sectors);
    put_dword(data, 100, (uint32_t)sectors);
    put_dword(data, 102, (uint32_t)(sectors >> 32));
}

/* The modes that the drive can do, and the one that is chosen. */
static void put_modes(const struct ata_state *ata, uint8_t *data)
{
    unsigned chosen = 1u << (ata->dma_mode & 7) << 8;
    ide_put_word(data, 51, 0x0200); /* PIO mode 2, for hosts that look here */
    ide_put_word(data, 63, (uint16_t)(0x0007 | (ata->dma_mode >> 3 == 4 ? chosen : 0)));
    ide_put_word(data, 64, 0x0003); /* PIO modes 3 and 4 */
    for (unsigned word = 65; word <= 68; word++)
        ide_put_word(data, word, 120); /* cycle time, ns */
    ide_put_word(data, 88, (uint16_t)(0x003F | (ata->dma_mode >> 3 == 8 ? chosen : 0)));
}

static void put_features(const struct ata_state *ata, uint8_t *data)
{
    const uint16_t always = 0x7408; /* NOP, READ and WRITE BUFFER, host protected area, power */
    unsigned caches = (ata->write_cache ? 0x20u : 0) | (ata->look_ahead ? 0x40u : 0);
    ide_put_word(data, 80, 0x007E); /* ATA-1 to ATA/ATAPI-6 */
    ide_put_word(data, 81, 0x0022); /* T13/1410D revision 3a */
    ide_put_word(data, 82, always | 0x0060);
    ide_put_word(data, 83, 0x7400); /* FLUSH CACHE, FLUSH CACHE EXT, 48-bit addresses */
    ide_put_word(data, 84, 0x4000);
    ide_put_word(data, 85, (uint16_t)(always | caches));
    ide_put_word(data, 86, 0x3400);
    ide_put_word(data, 87, 0x4000);
}

void ata_identify(const struct ide_drive *drive, uint8_t data[DISK_SECTOR_SIZE])
{
    const struct ata_state *ata = &drive->ata;
    memset(data, 0, DISK_SECTOR_SIZE);
    ide_put_word(data, 0, 0x0040); /* ATA, fixed */
    ide_put_word(data, 2, 0xC837); /* needs no SET FEATURES to spin up; this data is complete */
    ide_put_word(data, 20, 3);     /* buffer: dual-ported, caching */
    ide_put_word(data, 21, 512);   /* of 256 KiB */
    ide_put_word(data, 22, 4);     /* bytes of ECC */
    put_chs_words(drive, data);
    put_identity(drive, data);
    ide_put_word(data, 47, 0x8000 | ATA_MAX_MULTIPLE);
    ide_put_word(data, 49, 0x2F00); /* standard standby times, IORDY, LBA, DMA */
    ide_put_word(data, 50, 0x4000);
    ide_put_word(data, 59, ata->multiple ? 0x0100 | ata->multiple : 0);
    put_capacity(ata, data);
    put_modes(ata, data);
    put_features(ata, data);
    /* The result of the last hardware reset: 80-wire cable, jumpers, diagnostics passed. */
    ide_put_word(data, 93, drive->unit == 0 ? 0x600B : 0x6B00);
    ide_seal_identify(data);
}
