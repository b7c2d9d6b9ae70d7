/* The task file of an IDE channel (ATA-4): offsets from its first port, and bits of the status. */
#ifndef BIOS_IDE_H
#define BIOS_IDE_H

#define REG_DATA    0
#define REG_ERROR   1
#define REG_COUNT   2
#define REG_SECTOR  3
#define REG_CYL_LOW 4
#define REG_CYL_HI  5
#define REG_SELECT  6
#define REG_STATUS  7
#define REG_COMMAND 7

#define STATUS_ERR  0x01
#define STATUS_DRQ  0x08
#define STATUS_DF   0x20
#define STATUS_DRDY 0x40
#define STATUS_BSY  0x80

#endif
