#include "host/image_geometry.h"

#include "base/bits.h"

enum {
    TABLE_OFFSET = 0x1BE,
    ENTRY_SIZE = 16,
    ENTRY_COUNT = 4,
    SIGNATURE_OFFSET = 510,
    SIGNATURE = 0xAA55,
    LAST_CHS_CYLINDER = 1023,
    TYPE_GPT_PROTECTIVE = 0xEE,
};

struct chs {
    uint32_t cylinder, head, sector;
};

static struct chs chs_at(const uint8_t *bytes)
{
    return (struct chs){
        .cylinder = bytes[2] | (uint32_t)(bytes[1] & 0xC0) << 2,
        .head = bytes[0],
        .sector = bytes[1] & 0x3F,
    };
}

/* Whether chs names lba; beyond the last cylinder that CHS can name, nothing speaks against it. */
static bool agrees(struct chs chs, uint64_t lba, uint32_t heads, uint32_t sectors)
{
    uint64_t cylinder = lba / (heads * sectors);
    if (cylinder > LAST_CHS_CYLINDER)
        return true;
    return chs.cylinder == cylinder && chs.head == lba / sectors % heads &&
           chs.sector == lba % sectors + 1;
}

static struct disk_geometry geometry_of_entry(const uint8_t *entry, uint64_t sector_count)
{
    struct disk_geometry none = {0, 0, 0};
    uint64_t first = load_le32(entry + 8), count = load_le32(entry + 12);
    if (entry[4] == 0 || entry[4] == TYPE_GPT_PROTECTIVE || count == 0 ||
        first + count > sector_count)
        return none;
    struct chs start = chs_at(entry + 1), end = chs_at(entry + 5);
    uint32_t heads = end.head + 1, sectors = end.sector;
    if (sectors == 0 || heads > 255)
        return none;
    if (!agrees(start, first, heads, sectors) || !agrees(end, first + count - 1, heads, sectors))
        return none;
    uint64_t cylinders = sector_count / (heads * sectors);
    if (cylinders == 0)
        return none;
    if (cylinders > 65535)
        cylinders = 65535;
    return (struct disk_geometry){(uint32_t)cylinders, heads, sectors};
}

struct disk_geometry image_guess_geometry(const uint8_t *boot_sector, uint64_t sector_count)
{
    struct disk_geometry none = {0, 0, 0};
    if (load_le16(boot_sector + SIGNATURE_OFFSET) != SIGNATURE)
        return none;
    for (unsigned i = 0; i < ENTRY_COUNT; i++) {
        struct disk_geometry guess =
            geometry_of_entry(boot_sector + TABLE_OFFSET + i * ENTRY_SIZE, sector_count);
        if (guess.heads)
            return guess;
    }
    return none;
}
