/* Guessing the geometry under which a hard disk was partitioned. */
#ifndef HOST_IMAGE_GEOMETRY_H
#define HOST_IMAGE_GEOMETRY_H

#include "bus/backend.h"

/* The geometry that the partition table in boot_sector (512 bytes) was written for: heads and
 * sectors from the ends of its partitions, believed only if they agree with the partitions' block
 * numbers. All zero when the table says nothing. Heads may be up to 255: a BIOS's translation, not
 * the drive's own geometry.
 *
 * Source: the IBM PC DOS partition table: entries at 1BEh, CHS as INT 13h takes it. */
struct disk_geometry image_guess_geometry(const uint8_t *boot_sector, uint64_t sector_count);

#endif
