/* Drives as INT 13h sees them, and the layers below it. */
#ifndef BIOS_DISK_H
#define BIOS_DISK_H

#include "bios/services.h"

/* Results, as in 40:41 and 40:74. */
#define DISK_OK              0x00
#define DISK_BAD_COMMAND     0x01
#define DISK_NO_ADDRESS_MARK 0x02
#define DISK_WRITE_PROTECTED 0x03
#define DISK_NO_SECTOR       0x04
#define DISK_CHANGED         0x06
#define DISK_DMA_OVERRUN     0x08
#define DISK_DMA_BOUNDARY    0x09
#define DISK_BAD_SECTOR      0x0A
#define DISK_UNKNOWN_MEDIA   0x0C
#define DISK_CRC             0x10
#define DISK_CONTROLLER      0x20
#define DISK_NO_MEDIA        0x31
#define DISK_SEEK            0x40
#define DISK_TIMEOUT         0x80
#define DISK_NOT_READY       0xAA
#define DISK_UNDEFINED       0xBB

#define IDE_DRIVES 4

enum ide_kind { IDE_NONE, IDE_ATA, IDE_ATAPI };

struct ide_drive {
    u8 kind;
    u8 lba; /* READ SECTORS takes block addresses */
    u8 lba48;
    u8 translation;
    u16 base, control;
    u8 select; /* A0h or B0h */
    u8 irq;
    u16 cylinders, heads, sectors; /* as the drive has them */
    u16 bios_cylinders, bios_heads, bios_sectors;
    u64 blocks;
    char model[41];
};

extern struct ide_drive ide_drives[IDE_DRIVES];

/* Indices of ide_drives: hard disks in the order of BIOS numbers, and CD drives. */
extern u8 hard_disks[IDE_DRIVES], hard_disk_count;
extern u8 cd_drives[IDE_DRIVES], cd_count;

void ide_initialise(void);
void ide_publish(void);
void ide_reset(struct ide_drive *d);

enum ide_direction { IDE_READ, IDE_WRITE, IDE_VERIFY };

/* `count` blocks of 512 bytes at lba; the memory is at segment:offset. *done says how many went
 * well. */
u8 ide_transfer(struct ide_drive *d, enum ide_direction direction, u64 lba, u16 count, u16 segment,
                u16 offset, u16 *done);
/* A packet command with data in; *length is the room, and then what came. */
u8 atapi_command(struct ide_drive *d, const u8 packet[12], u16 segment, u16 offset, u32 *length);

/* `count` blocks of 2048 bytes from a CD. */
u8 cd_read(struct ide_drive *d, u32 lba, u16 count, u16 segment, u16 offset, u16 *done);
/* Waits until a medium is ready; false when there is none. */
bool cd_ready(struct ide_drive *d);

/* cdrom.c: El Torito. cd_boot fills in where to jump; cd_emulation_service takes calls for the
 * emulated drive and functions 4Ah to 4Dh, and says whether it did. */
bool cd_boot(u8 cd, u16 *segment, u8 *drive);
bool cd_emulation_service(struct regs *r);
void cd_service(struct regs *r, u8 cd);
/* 1 when a CD stands in for the first floppy or the first hard disk, so that real ones move up. */
u8 cd_shift_floppies(void);
u8 cd_shift_disks(void);

/* edd.c: functions 41h to 48h of hard disks. */
void edd_service(struct regs *r, u8 index);
/* Function 41h of any drive: which of the subsets it has. */
enum edd_subset { EDD_ACCESS = 1, EDD_LOCKING = 2, EDD_TABLES = 4 };
void edd_check(struct regs *r, u16 subsets);
/* Function 4Eh of any drive. */
void edd_configure(struct regs *r);
void edd_parameters(struct regs *r, const struct ide_drive *d, bool cd);

/* The end of every service: status to AH, the carry and the data area. */
void disk_result(struct regs *r, u8 status);

struct edd_packet {
    u8 size, reserved;
    u16 count;
    u16 offset, segment;
    u32 lba_low, lba_high;
    u32 flat_low, flat_high;
};

/* Reads the caller's address packet; false if it is no good. */
bool edd_packet_read(const struct regs *r, struct edd_packet *p);

#endif
