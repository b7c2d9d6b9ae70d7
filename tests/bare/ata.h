/* An IDE channel as a driver sees it, for the images that test it: programmed I/O, the bus master,
 * packet commands. */
#ifndef TESTS_BARE_ATA_H
#define TESTS_BARE_ATA_H

#include "chips.h"
#include "pci.h"

enum {
    ATA_BSY = 0x80,
    ATA_DRQ = 0x08,
    ATA_READY = 0x50, /* DRDY, DSC */
    ATA_FAILED = 0x51,
    ATA_ABRT = 0x04,
    ATA_IDNF = 0x10,
    ATA_TIMEOUT = 1000,
    BM_BASE = 0xC000, /* where ata_begin puts the bus master */
    BM_COMMAND = 0,
    BM_STATUS = 2,
    BM_TABLE = 4,
    BM_START = 1,
    BM_TO_MEMORY = 8,
    BM_INTERRUPT = 4,
    BM_ACTIVE = 1,
};

struct ata_channel {
    uint16_t command, control, master;
    unsigned irq;
};
extern const struct ata_channel ata_primary, ata_secondary;

/* Interrupts, and the PIIX3 function: decoding of both channels, the bus master at BM_BASE. */
void ata_begin(void);

static inline void ata_out(const struct ata_channel *c, unsigned reg, uint8_t value)
{
    out8((uint16_t)(c->command + reg), value);
}
static inline uint8_t ata_in(const struct ata_channel *c, unsigned reg)
{
    return in8((uint16_t)(c->command + reg));
}

/* Task file of a CHS or LBA28 command. */
void ata_task(const struct ata_channel *c, uint8_t count, uint32_t low, uint8_t device);
/* Waits until BSY is clear; the alternate status. */
uint8_t ata_idle(const struct ata_channel *c);
/* Writes the command and waits for its interrupt; then the status. Bit 8 is set if none came. */
unsigned ata_command(const struct ata_channel *c, uint8_t command);
/* Waits for another interrupt; the status. */
unsigned ata_next(const struct ata_channel *c);
void ata_read_data(const struct ata_channel *c, void *bytes, unsigned size);
void ata_write_data(const struct ata_channel *c, const void *bytes, unsigned size);
void ata_software_reset(const struct ata_channel *c);

struct ata_prd {
    uint32_t address, size;
};
/* Builds a PRD table and points the stopped bus master at it. */
void ata_put_table(const struct ata_channel *c, const struct ata_prd *prds, unsigned count);

#endif
