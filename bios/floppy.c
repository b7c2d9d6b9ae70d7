/* INT 13h for diskettes (IBM PC/AT technical reference; 82077AA data sheet). */
#include "bios/floppy.h"

extern const u8 diskette_table[];

#define TRIES 3

/* The last sector of a track as the controller must know it: the table's, unless nobody has set the
 * table up for this diskette. */
static u8 last_sector(u8 drive, u8 sector)
{
    bool ours = vector_get(0x1E) == ((u32)SEG_CODE << 16 | (u16)(u32)diskette_table);
    u8 last = floppy_parameter(DPT_LAST);
    return ours || sector > last ? floppy_sectors(drive) : last;
}

/* How many sectors went well before a command ended, from where it says it stopped. */
static u8 sectors_done(const struct regs *r, u8 last)
{
    int tracks = (BDA->floppy_result[3] - r->ch) * 2 + (BDA->floppy_result[4] & 1) - (r->dh & 1);
    int done = tracks * last + BDA->floppy_result[5] - (r->cl & 0x3F);
    return done < 0 || done > r->al ? 0 : (u8)done;
}

u8 fdc_execute(const u8 *command, u8 count)
{
    if (!fdc_send(command, count))
        return DISK_CONTROLLER;
    u8 status = fdc_wait();
    if (status != DISK_OK) {
        fdc_reset();
        return status;
    }
    return fdc_results() ? fdc_error() : DISK_CONTROLLER;
}

static u8 transfer_once(struct regs *r, u8 drive, u8 *done)
{
    static const u8 codes[3] = {0xE6, 0xC5, 0xE6}, modes[3] = {0x46, 0x4A, 0x42};
    u8 kind = (u8)(r->ah - 2), size = floppy_parameter(DPT_SIZE) & 7;
    u8 status = fdc_seek(drive, r->ch, BDA->floppy_media[drive] & MEDIA_DOUBLE_STEP);
    if (status != DISK_OK)
        return status;
    if (!fdc_dma(modes[kind], kind == 2 ? 0 : r->es, kind == 2 ? 0 : r->bx,
                 (u16)(r->al * (128 << size))))
        return DISK_DMA_BOUNDARY;
    u8 last = last_sector(drive, r->cl);
    const u8 command[9] = {codes[kind],
                           (u8)((r->dh & 1) << 2 | drive),
                           r->ch,
                           r->dh,
                           r->cl,
                           size,
                           last,
                           floppy_parameter(DPT_GAP),
                           floppy_parameter(DPT_LENGTH)};
    status = fdc_execute(command, 9);
    *done = status == DISK_OK ? r->al : sectors_done(r, last);
    return status;
}

static void transfer(struct regs *r)
{
    u8 drive = r->dl, done = 0, status = DISK_BAD_COMMAND;
    if (r->al == 0 || r->al > 72 || (r->cl & 0x3F) == 0 || r->dh > 1) {
        r->al = 0;
        disk_result(r, status);
        return;
    }
    u16 length = (u16)(r->al * (128 << (floppy_parameter(DPT_SIZE) & 7)));
    u32 address = ((u32)r->es << 4) + r->bx;
    if (r->ah != 4 && (address & 0xFFFF) + length > 0x10000) {
        r->al = 0;
        disk_result(r, DISK_DMA_BOUNDARY);
        return;
    }
    fdc_motor_on(drive, r->ah == 3);
    status = floppy_media_check(drive);
    for (u8 attempt = 0; status == DISK_OK && attempt < TRIES; attempt++) {
        status = transfer_once(r, drive, &done);
        if (status == DISK_OK || status == DISK_WRITE_PROTECTED || status == DISK_TIMEOUT)
            break;
        if (attempt + 1 < TRIES) {
            fdc_recalibrate(drive);
            status = DISK_OK;
        }
    }
    r->al = done;
    disk_result(r, status);
}

static void format_track(struct regs *r)
{
    u8 drive = r->dl;
    u8 sectors = floppy_parameter(DPT_LAST);
    fdc_motor_on(drive, true);
    u8 status = DISK_OK;
    if (floppy_changed(drive))
        status = floppy_media_check(drive);
    if (!(BDA->floppy_media[drive] & MEDIA_ESTABLISHED) && status == DISK_OK)
        status = floppy_media_check(drive);
    outb(FDC_RATE, BDA->floppy_media[drive] >> 6);
    if (status == DISK_OK)
        status = fdc_seek(drive, r->ch, BDA->floppy_media[drive] & MEDIA_DOUBLE_STEP);
    if (status == DISK_OK) {
        const u8 command[6] = {
            0x4D,    (u8)((r->dh & 1) << 2 | drive),   floppy_parameter(DPT_SIZE),
            sectors, floppy_parameter(DPT_FORMAT_GAP), floppy_parameter(DPT_FILL)};
        status = fdc_dma(0x4A, r->es, r->bx, (u16)(sectors * 4)) ? fdc_execute(command, 6)
                                                                 : DISK_DMA_BOUNDARY;
    }
    disk_result(r, status);
}

static void parameters(struct regs *r)
{
    u8 type = floppy_type(r->dl);
    const u8 *table = floppy_table(type, 0);
    r->ax = 0;
    r->bx = type;
    r->dx = floppy_count();
    if (!table) {
        r->cx = 0;
        r->es = 0;
        r->di = 0;
    } else {
        r->cx = (u16)((type == 1 ? 39 : 79) << 8 | table[DPT_LAST]);
        r->dh = 1;
        r->es = SEG_DATA;
        r->di = (u16)(u32)table;
    }
    BDA->floppy_status = 0;
    carry_clear(r);
}

static void change_status(struct regs *r)
{
    if (floppy_type(r->dl) == 1) {
        disk_result(r, DISK_CHANGED);
        return;
    }
    fdc_motor_on(r->dl, false);
    disk_result(r, floppy_changed(r->dl) ? DISK_CHANGED : DISK_OK);
}

static void dispatch(struct regs *r)
{
    switch (r->ah) {
    case 0x00:
        BDA->floppy_recalibrated = 0;
        fdc_reset();
        disk_result(r, DISK_OK);
        break;
    case 0x02:
    case 0x03:
    case 0x04:
        transfer(r);
        break;
    case 0x05:
        format_track(r);
        break;
    case 0x08:
        parameters(r);
        break;
    case 0x15:
        r->ah = floppy_type(r->dl) == 1 ? 1 : 2;
        carry_clear(r);
        break;
    case 0x16:
        change_status(r);
        break;
    case 0x17:
        floppy_set_dasd(r);
        break;
    case 0x18:
        floppy_set_media(r);
        break;
    default:
        disk_result(r, DISK_BAD_COMMAND);
    }
}

void floppy_service(struct regs *r)
{
    u8 drive = r->dl, shift = cd_shift_floppies();
    u8 real = (u8)(drive - shift);
    if (r->ah == 0x15 && (drive < shift || floppy_type(real) == 0)) {
        r->ah = 0;
        carry_clear(r);
        return;
    }
    if (r->ah != 0 && (drive < shift || floppy_type(real) == 0)) {
        disk_result(r, r->ah == 8 || real > 1 ? DISK_BAD_COMMAND : DISK_TIMEOUT);
        return;
    }
    u8 function = r->ah;
    r->dl = real;
    dispatch(r);
    if (function != 8)
        r->dl = drive;
    /* The clock interrupt stops the motor when this runs out. */
    BDA->floppy_motor_timeout = floppy_parameter(DPT_MOTOR_OFF);
}

void floppy_initialise(void)
{
    u8 count = floppy_count();
    BDA->equipment &= (u16)~0x00C1;
    if (!count)
        return;
    BDA->equipment |= (u16)(1 | (count - 1) << 6);
    BDA->floppy_media[0] = 0;
    BDA->floppy_media[1] = 0;
    BDA->floppy_controllers =
        (u8)((floppy_type(0) > 1 ? 0x07 : 0x04) | (floppy_type(1) > 1 ? 0x70 : 0x40));
    outb(0x21, inb(0x21) & 0xBF);
    fdc_reset();
}
