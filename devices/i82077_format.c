/* FORMAT TRACK (data sheet, 5.1.8). An image of plain sectors holds tracks of one format only, the
 * one that its size stands for: formatting fills sectors, and refuses what it could not record. */
#include "devices/i82077_private.h"

#include <string.h>

enum {
    ID_SIZE = 4, /* C, H, R, N of each sector, from the host */
    COMMAND_MFM = 0x40,
    GAP_BYTES = 62,
};

static struct floppy_drive *format_drive(struct i82077 *fdc)
{
    return &fdc->drive[fdc->transfer.drive];
}

void fdc_format_track(struct i82077 *fdc)
{
    struct fdc_transfer *t = &fdc->transfer;
    const uint8_t *p = fdc->parameters;
    memset(t, 0, sizeof *t);
    t->operation = OP_FORMAT;
    t->mfm = p[0] & COMMAND_MFM;
    t->drive = p[1] & DOR_DRIVE;
    t->head = p[1] >> 2 & 1;
    t->n = p[2];
    t->sectors_left = p[3];
    t->fill = p[5];
    t->size = ID_SIZE;
    fdc->last_sc_eot = p[3];
    if (fdc_drive_write_protected(format_drive(fdc))) {
        t->st1 = ST1_NOT_WRITABLE;
        fdc_end_transfer(fdc, ST0_ABNORMAL);
        return;
    }
    fdc_format_begin(fdc);
}

/* The image can hold what the command wants to record. */
static bool recordable(struct i82077 *fdc)
{
    const struct fdc_transfer *t = &fdc->transfer;
    const struct floppy_drive *drive = format_drive(fdc);
    if (t->n == FDC_SECTOR_N && fdc->last_sc_eot == drive->format.sectors &&
        fdc_drive_readable(fdc, drive, t->head, t->mfm))
        return true;
    log_unimplemented(bus_log(fdc->bus), "i82077", 0x0D,
                      "formatting cylinder %u, head %u, with %u sectors of size code %u at rate "
                      "%u: the image of %u/%u/%u cannot hold it",
                      drive->track, t->head, fdc->last_sc_eot, t->n, fdc->rate,
                      drive->format.cylinders, drive->format.heads, drive->format.sectors);
    return false;
}

void fdc_format_begin(struct i82077 *fdc)
{
    struct fdc_transfer *t = &fdc->transfer;
    const struct floppy_drive *drive = format_drive(fdc);
    fdc->phase = PHASE_EXECUTION;
    fdc->stalled = !fdc_drive_turns(fdc, drive);
    if (fdc->stalled)
        return;
    if (!recordable(fdc)) {
        fdc_schedule(fdc, FDC_STEP_FAIL, 2 * fdc_revolution_time(drive));
        t->st1 |= ST1_MISSING_ADDRESS;
        return;
    }
    t->waiting = t->filled = false;
    fdc_schedule(fdc, FDC_STEP_FORMAT, fdc_byte_time(fdc, FDC_SECTOR_SIZE + GAP_BYTES));
}

/* One sector with the ID that the host gave. */
static void format_sector(struct i82077 *fdc)
{
    struct fdc_transfer *t = &fdc->transfer;
    struct floppy_drive *drive = format_drive(fdc);
    uint8_t data[FDC_SECTOR_SIZE];
    t->c = t->buffer[0];
    t->h = t->buffer[1];
    t->r = t->buffer[2];
    t->n = t->buffer[3];
    if (t->c != fdc_drive_cylinder(drive) || t->h != t->head || t->n != FDC_SECTOR_N || t->r == 0 ||
        t->r > drive->format.sectors) {
        log_unimplemented(bus_log(fdc->bus), "i82077", 0x10D,
                          "a sector ID %u/%u/%u/%u that differs from its place", t->c, t->h, t->r,
                          t->n);
        return;
    }
    memset(data, t->fill, sizeof data);
    if (!fdc_drive_write(drive, t->head, t->r, data, false))
        t->st1 |= ST1_NOT_WRITABLE;
}

void fdc_format_step(struct i82077 *fdc)
{
    struct fdc_transfer *t = &fdc->transfer;
    fdc->phase = PHASE_EXECUTION;
    if (!fdc_drive_turns(fdc, format_drive(fdc))) {
        fdc->stalled = true;
        return;
    }
    if (!t->filled) {
        if (fdc_is_non_dma(fdc)) {
            t->position = 0;
            fdc->phase = PHASE_FROM_HOST;
            fdc_set_interrupt(fdc, true);
            return;
        }
        if (!fdc_dma_fetch(fdc, FDC_STEP_FORMAT))
            return;
    }
    t->filled = t->waiting = false;
    fdc->write_toggle = !fdc->write_toggle;
    fdc->gate_toggle = true;
    format_sector(fdc);
    if (--t->sectors_left == 0)
        fdc_end_transfer(fdc, t->st1 ? ST0_ABNORMAL : ST0_NORMAL);
    else
        fdc_schedule(fdc, FDC_STEP_FORMAT, fdc_byte_time(fdc, FDC_SECTOR_SIZE + GAP_BYTES));
}

void fdc_format_buffer_done(struct i82077 *fdc)
{
    fdc->transfer.filled = true;
    fdc_schedule(fdc, FDC_STEP_FORMAT, fdc_byte_time(fdc, GAP_BYTES));
}
