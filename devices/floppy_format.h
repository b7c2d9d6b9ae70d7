/* Formats of diskettes: what a raw image of so many sectors is, and which data rate it is recorded
 * at. Pure functions, used by the floppy controller. */
#ifndef DEVICES_FLOPPY_FORMAT_H
#define DEVICES_FLOPPY_FORMAT_H

#include "bus/backend.h"

#include <stdbool.h>
#include <stdint.h>

/* Data rates as CCR and DSR bits 1:0 code them (82077AA, table 2-4), for MFM. */
enum floppy_rate { FLOPPY_RATE_500K, FLOPPY_RATE_300K, FLOPPY_RATE_250K, FLOPPY_RATE_1M };

struct floppy_format {
    uint8_t cylinders, heads, sectors; /* sectors of 512 bytes on a track; all zero: no format */
    /* Recorded for a 5.25 inch drive (the one that turns at 360 rpm reads double density at 300
     * kbit/s). */
    bool five_inch;
    enum floppy_rate rate; /* in a 300 rpm drive */
};

/* The format of an image of sector_count sectors, at the geometry given if it is set and fits. An
 * image of no known size gets the smallest format that holds it, so that the missing end reads as
 * zeros. All zero if it is larger than any diskette. */
struct floppy_format floppy_format_of(uint64_t sector_count, struct disk_geometry geometry);

#endif
