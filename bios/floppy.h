/* The diskette controller below INT 13h. */
#ifndef BIOS_FLOPPY_H
#define BIOS_FLOPPY_H

#include "bios/disk.h"

#define FDC_DOR  0x3F2
#define FDC_MSR  0x3F4
#define FDC_DATA 0x3F5
#define FDC_RATE 0x3F7 /* data rate to write, change line to read */

/* Fields of the diskette parameter table at INT 1Eh. */
enum floppy_parameter {
    DPT_SPECIFY1,
    DPT_SPECIFY2,
    DPT_MOTOR_OFF,
    DPT_SIZE,
    DPT_LAST,
    DPT_GAP,
    DPT_LENGTH,
    DPT_FORMAT_GAP,
    DPT_FILL,
    DPT_SETTLE,
    DPT_MOTOR_START
};

u8 floppy_parameter(enum floppy_parameter index);

/* A command with its arguments; results go to 40:42. */
bool fdc_send(const u8 *bytes, u8 count);
bool fdc_results(void);
/* After a command that interrupts; DISK_TIMEOUT or DISK_OK. */
u8 fdc_wait(void);
void fdc_reset(void);
u8 fdc_recalibrate(u8 drive);
u8 fdc_seek(u8 drive, u8 track, bool double_step);
void fdc_motor_on(u8 drive, bool write);
/* Programs DMA channel 2; false when the buffer crosses 64 KiB. mode: 46h to memory, 4Ah from it,
 * 42h verify. */
bool fdc_dma(u8 mode, u16 segment, u16 offset, u16 length);
u8 fdc_error(void);
/* Sends a command of count bytes, waits for its interrupt and reads the result phase; the disk
 * status, DISK_OK or what went wrong. */
u8 fdc_execute(const u8 *command, u8 count);

/* media.c: what is in the drive. */
u8 floppy_type(u8 drive);
u8 floppy_sectors(u8 drive);
const u8 *floppy_table(u8 type, u8 sectors);
/* Checks for a change and finds out the data rate. */
u8 floppy_media_check(u8 drive);
void floppy_set_media(struct regs *r);
void floppy_set_dasd(struct regs *r);
bool floppy_changed(u8 drive);

#define MEDIA_RATE        0xC0
#define MEDIA_DOUBLE_STEP 0x20
#define MEDIA_ESTABLISHED 0x10

#endif
