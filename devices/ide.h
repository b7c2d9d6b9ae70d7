/* The two IDE channels of the PIIX3: primary 1F0h-1F7h and 3F6h, IRQ 14; secondary 170h-177h and
 * 376h, IRQ 15; up to two drives each, hard disks (ATA-6 command set) or CD-ROMs (ATAPI, MMC-3),
 * and the bus-master function.
 *
 * Source: ATA/ATAPI-6 (T13/1410D), SFF-8020i and MMC-3 for ATAPI, Intel 82371SB (PIIX3) data sheet
 * (290550) for the PCI function and the bus-master registers. */
#ifndef DEVICES_IDE_H
#define DEVICES_IDE_H

#include "bus/backend.h"
#include "bus/bus.h"

enum { IDE_CHANNELS = 2, IDE_UNITS = 2 };

struct ide;
struct pci;

/* Makes the controller with four empty places. With pci, it is the function at device_number (the
 * PIIX3's, 1 on the usual board), function 1, and its ports answer once the guest has switched on
 * I/O space and the channel's decode bit (IDETIM bit 15), as on the chip. With pci NULL it is a
 * plain ISA controller whose ports always answer. The bus owns the result. */
struct ide *ide_new(struct bus *bus, struct pci *pci, unsigned device_number, struct irq_line irq14,
                    struct irq_line irq15);

/* Connect a drive at channel 0 or 1, unit 0 (master) or 1 (slave), before the machine starts. disk
 * is not owned. A CD-ROM drive may start without a disc (NULL). */
void ide_attach_disk(struct ide *ide, unsigned channel, unsigned unit, struct disk_backend *disk);
void ide_attach_cdrom(struct ide *ide, unsigned channel, unsigned unit, struct disk_backend *disc);

/* The geometry that the disk reports in IDENTIFY DEVICE (for CMOS and tests); false if there is no
 * disk. */
bool ide_disk_geometry(const struct ide *ide, unsigned channel, unsigned unit,
                       struct disk_geometry *geometry);

/* A person at the CD drive: puts a disc in, or (NULL) presses the eject button. False if the guest
 * has locked the tray (PREVENT ALLOW MEDIUM REMOVAL) and force is not set; the guest then sees an
 * eject request event. The old disc may be closed when this returns true. */
bool ide_insert_disc(struct ide *ide, unsigned channel, unsigned unit, struct disk_backend *disc,
                     bool force);

/* What the drive holds is behind disk from now on (NULL: no disc): its state, which says the rest,
 * is about to be loaded. */
void ide_set_disk(struct ide *ide, unsigned channel, unsigned unit, struct disk_backend *disk);

#endif
