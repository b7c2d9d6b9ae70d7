/* Intel 82077AA floppy disk controller with up to four drives, at ports 3F0h-3F5h and 3F7h (3F6h
 * belongs to the IDE controller), IRQ 6, DMA channel 2 or programmed I/O.
 *
 * Source: Intel 82077AA data sheet (290166); NEC uPD765A data sheet for the status bits; Intel
 * 82078 data sheet for PART ID. */
#ifndef DEVICES_I82077_H
#define DEVICES_I82077_H

#include "bus/backend.h"
#include "bus/bus.h"

enum { I82077_DRIVES = 4 };

/* The mechanism, as CMOS byte 10h names it. */
enum floppy_drive_type {
    FLOPPY_DRIVE_NONE = 0,
    FLOPPY_DRIVE_360K = 1,  /* 5.25 inch, 40 tracks, double density */
    FLOPPY_DRIVE_1200K = 2, /* 5.25 inch, 80 tracks, 360 rpm */
    FLOPPY_DRIVE_720K = 3,  /* 3.5 inch, 80 tracks, double density */
    FLOPPY_DRIVE_1440K = 4, /* 3.5 inch, high density */
    FLOPPY_DRIVE_2880K = 5, /* 3.5 inch, extra density (perpendicular recording) */
};

struct i82077;
struct i8237;

/* Claims the ports and joins channel 2 of dma (NULL: there is no DMA controller). Drives 0 to 3 are
 * absent until i82077_set_drive. The bus owns the result. */
struct i82077 *i82077_new(struct bus *bus, struct irq_line irq6, struct i8237 *dma);

/* How the chip's IDENT and MFM pins are strapped (82077AA, 2.0): what SRA, SRB and DIR show, and
 * whether DOR bit 3 gates IRQ and DRQ. A new controller is strapped for the PC/AT. */
enum i82077_interface { I82077_PC_AT, I82077_PS2, I82077_MODEL_30 };
void i82077_set_interface(struct i82077 *fdc, enum i82077_interface interface);

/* Connects a drive mechanism (0 <= drive < 4), before the machine starts. */
void i82077_set_drive(struct i82077 *fdc, unsigned drive, enum floppy_drive_type type);
enum floppy_drive_type i82077_drive_type(const struct i82077 *fdc, unsigned drive);

/* The drive that takes a diskette of so many sectors: what a board connects for an image. */
enum floppy_drive_type i82077_drive_for(uint64_t sector_count);

/* Puts a diskette into drive, or (disk NULL) takes it out; the disk change line becomes active. The
 * format is recognised by the number of sectors (devices/floppy_format.h) unless disk->geometry is
 * set. disk is not owned and must stay until it is taken out. */
void i82077_insert(struct i82077 *fdc, unsigned drive, struct disk_backend *disk);

/* The diskette in the drive is behind disk from now on (or, NULL, was taken out before): the
 * controller's state, which says the rest, is about to be loaded. */
void i82077_set_disk(struct i82077 *fdc, unsigned drive, struct disk_backend *disk);

#endif
