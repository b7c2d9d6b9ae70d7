#include "devices/floppy_format.h"

#include "base/bits.h"

#include <stddef.h>

/* In ascending order of size; where two have one size, the usual one stands first. */
static const struct floppy_format formats[] = {
    {40, 1, 8,  true,  FLOPPY_RATE_250K}, /* 160K */
    {40, 1, 9,  true,  FLOPPY_RATE_250K}, /* 180K */
    {40, 2, 8,  true,  FLOPPY_RATE_250K}, /* 320K */
    {40, 2, 9,  true,  FLOPPY_RATE_250K}, /* 360K */
    {40, 2, 10, true,  FLOPPY_RATE_250K}, /* 400K */
    {42, 2, 10, true,  FLOPPY_RATE_250K}, /* 420K */
    {80, 2, 8,  false, FLOPPY_RATE_250K}, /* 640K */
    {80, 2, 9,  false, FLOPPY_RATE_250K}, /* 720K */
    {82, 2, 9,  false, FLOPPY_RATE_250K}, /* 738K */
    {80, 2, 10, false, FLOPPY_RATE_250K}, /* 800K */
    {82, 2, 10, false, FLOPPY_RATE_250K}, /* 820K */
    {80, 2, 15, true,  FLOPPY_RATE_500K}, /* 1.2M */
    {82, 2, 15, true,  FLOPPY_RATE_500K}, /* 1.23M */
    {80, 2, 18, false, FLOPPY_RATE_500K}, /* 1.44M */
    {82, 2, 18, false, FLOPPY_RATE_500K}, /* 1.48M */
    {83, 2, 18, false, FLOPPY_RATE_500K}, /* 1.49M */
    {80, 2, 20, false, FLOPPY_RATE_500K}, /* 1.6M */
    {82, 2, 20, false, FLOPPY_RATE_500K}, /* 1.64M */
    {80, 2, 21, false, FLOPPY_RATE_500K}, /* 1.68M, DMF */
    {82, 2, 21, false, FLOPPY_RATE_500K}, /* 1.72M */
    {83, 2, 21, false, FLOPPY_RATE_500K}, /* 1.74M */
    {80, 2, 22, false, FLOPPY_RATE_500K}, /* 1.76M */
    {80, 2, 23, false, FLOPPY_RATE_500K}, /* 1.84M, XDF's size */
    {80, 2, 24, false, FLOPPY_RATE_500K}, /* 1.92M */
    {80, 2, 36, false, FLOPPY_RATE_1M  }, /* 2.88M */
    {82, 2, 36, false, FLOPPY_RATE_1M  }, /* 2.95M */
    {84, 2, 36, false, FLOPPY_RATE_1M  }, /* 3.02M */
};

static uint64_t capacity(const struct floppy_format *format)
{
    return (uint64_t)format->cylinders * format->heads * format->sectors;
}

static struct floppy_format from_geometry(struct disk_geometry geometry)
{
    bool double_density = geometry.sectors <= 10;
    return (struct floppy_format){
        .cylinders = (uint8_t)geometry.cylinders,
        .heads = (uint8_t)geometry.heads,
        .sectors = (uint8_t)geometry.sectors,
        .five_inch =
            (double_density && geometry.cylinders <= 43) || geometry.sectors - 11 <= 15 - 11,
        .rate = double_density           ? FLOPPY_RATE_250K
                : geometry.sectors <= 24 ? FLOPPY_RATE_500K
                                         : FLOPPY_RATE_1M,
    };
}

struct floppy_format floppy_format_of(uint64_t sector_count, struct disk_geometry geometry)
{
    const struct floppy_format none = {0};
    if (geometry.cylinders && geometry.cylinders <= 84 && geometry.heads && geometry.heads <= 2 &&
        geometry.sectors && geometry.sectors <= 36)
        return from_geometry(geometry);
    for (size_t i = 0; sector_count && i < ARRAY_LENGTH(formats); i++) {
        if (capacity(&formats[i]) >= sector_count)
            return formats[i];
    }
    return none;
}
