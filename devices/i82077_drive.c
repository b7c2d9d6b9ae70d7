/* Floppy drives and diskettes: mechanics, recognised formats, access to the image. */
#include "devices/i82077_private.h"

#include <assert.h>
#include <string.h>

static const struct field format_fields[] = {
    FIELD_MOST(struct floppy_format, cylinders, FDC_MAX_TRACK + 1),
    FIELD_MOST(struct floppy_format, heads, 2),
    FIELD_MOST(struct floppy_format, sectors, 36),
    FIELD(struct floppy_format, five_inch),
    FIELD_MOST(struct floppy_format, rate, FLOPPY_RATE_1M),
    FIELD_END,
};

const struct field floppy_drive_fields[] = {
    FIELD_MOST(struct floppy_drive, type, FLOPPY_DRIVE_2880K),
    FIELD_MOST(struct floppy_drive, track, FDC_MAX_TRACK),
    FIELD(struct floppy_drive, pcn),
    FIELD(struct floppy_drive, target),
    FIELD(struct floppy_drive, changed),
    FIELD(struct floppy_drive, seeking),
    FIELD(struct floppy_drive, interrupt),
    FIELD(struct floppy_drive, seek_st0),
    FIELD(struct floppy_drive, steps_out),
    FIELD(struct floppy_drive, steps_in),
    FIELD_ARRAY(struct floppy_drive, deleted, uint8_t),
    FIELD_STRUCT(struct floppy_drive, seek_timer, timer_fields),
    FIELD_STRUCT(struct floppy_drive, format, format_fields),
    FIELD_TRANSIENT(struct floppy_drive, disk),
    FIELD_TRANSIENT(struct floppy_drive, fdc),
    FIELD_END,
};

bool fdc_drive_has_sector(const struct i82077 *fdc, const struct fdc_transfer *transfer)
{
    const struct floppy_drive *drive = &fdc->drive[transfer->drive];
    unsigned r = transfer->operation == OP_READ_TRACK ? transfer->track_sector : transfer->r;
    return r >= 1 && r <= drive->format.sectors && transfer->head < drive->format.heads;
}

static struct log *drive_log(const struct floppy_drive *drive)
{
    return bus_log(drive->fdc->bus);
}

/* --- wiring --- */

void i82077_set_drive(struct i82077 *fdc, unsigned drive, enum floppy_drive_type type)
{
    assert(drive < I82077_DRIVES);
    fdc->drive[drive].type = (uint8_t)type;
    fdc->drive[drive].changed = true;
}

enum floppy_drive_type i82077_drive_type(const struct i82077 *fdc, unsigned drive)
{
    assert(drive < I82077_DRIVES);
    return fdc->drive[drive].type;
}

enum floppy_drive_type i82077_drive_for(uint64_t sector_count)
{
    struct floppy_format format = floppy_format_of(sector_count, (struct disk_geometry){0, 0, 0});
    if (format.five_inch)
        return format.rate == FLOPPY_RATE_250K ? FLOPPY_DRIVE_360K : FLOPPY_DRIVE_1200K;
    return format.rate == FLOPPY_RATE_1M ? FLOPPY_DRIVE_2880K : FLOPPY_DRIVE_1440K;
}

void i82077_insert(struct i82077 *fdc, unsigned number, struct disk_backend *disk)
{
    assert(number < I82077_DRIVES);
    struct floppy_drive *drive = &fdc->drive[number];
    drive->disk = disk;
    drive->changed = true;
    memset(drive->deleted, 0, sizeof drive->deleted);
    drive->format = (struct floppy_format){0};
    if (disk)
        drive->format = floppy_format_of(disk->sector_count, disk->geometry);
    fdc_resume(fdc);
}

void i82077_set_disk(struct i82077 *fdc, unsigned number, struct disk_backend *disk)
{
    assert(number < I82077_DRIVES);
    fdc->drive[number].disk = disk;
}

/* --- what the heads see --- */

bool fdc_drive_turns(const struct i82077 *fdc, const struct floppy_drive *drive)
{
    unsigned number = (unsigned)(drive - fdc->drive);
    return drive->type != FLOPPY_DRIVE_NONE && drive->disk && drive->format.sectors &&
           (fdc->dor >> (4 + number) & 1);
}

/* A 40-track diskette in a drive with 80 tracks to the radius. */
static bool double_steps(const struct floppy_drive *drive)
{
    return drive->type == FLOPPY_DRIVE_1200K && drive->format.five_inch &&
           drive->format.rate == FLOPPY_RATE_250K;
}

unsigned fdc_drive_cylinder(const struct floppy_drive *drive)
{
    return double_steps(drive) ? drive->track / 2u : drive->track;
}

/* The rate at which the drive reads what is on the diskette; false: the drive cannot. */
static bool recorded_rate(const struct floppy_drive *drive, enum floppy_rate *rate)
{
    *rate = drive->format.rate;
    switch ((enum floppy_drive_type)drive->type) {
    case FLOPPY_DRIVE_360K:
    case FLOPPY_DRIVE_720K:
        return *rate == FLOPPY_RATE_250K;
    case FLOPPY_DRIVE_1200K: /* turns at 360 rpm instead of 300 */
        if (*rate == FLOPPY_RATE_250K)
            *rate = FLOPPY_RATE_300K;
        return *rate != FLOPPY_RATE_1M;
    case FLOPPY_DRIVE_1440K:
        return *rate != FLOPPY_RATE_1M;
    case FLOPPY_DRIVE_2880K:
        return true;
    default:
        return false;
    }
}

bool fdc_drive_readable(const struct i82077 *fdc, const struct floppy_drive *drive, unsigned head,
                        bool mfm)
{
    enum floppy_rate rate;
    if (!mfm || !recorded_rate(drive, &rate) || rate != fdc->rate)
        return false;
    if (double_steps(drive) && drive->track % 2)
        return false;
    return head < drive->format.heads && fdc_drive_cylinder(drive) < drive->format.cylinders;
}

bool fdc_drive_write_protected(const struct floppy_drive *drive)
{
    return drive->disk && drive->disk->read_only;
}

/* --- sectors --- */

static uint32_t sector_at(const struct floppy_drive *drive, unsigned head, unsigned r)
{
    const struct floppy_format *format = &drive->format;
    assert(r >= 1 && r <= format->sectors);
    return (fdc_drive_cylinder(drive) * format->heads + head) * format->sectors + r - 1;
}

bool fdc_drive_read(struct floppy_drive *drive, unsigned head, unsigned r, uint8_t *bytes)
{
    uint32_t sector = sector_at(drive, head, r);
    struct error err;
    if (sector >= drive->disk->sector_count) {
        memset(bytes, 0, FDC_SECTOR_SIZE);
        return true;
    }
    if (drive->disk->ops->read(drive->disk, sector, 1, bytes, &err))
        return true;
    log_line(drive_log(drive), LOG_ERROR, "floppy: %s", err.text);
    return false;
}

bool fdc_drive_write(struct floppy_drive *drive, unsigned head, unsigned r, const uint8_t *bytes,
                     bool deleted)
{
    uint32_t sector = sector_at(drive, head, r);
    struct error err;
    if (sector >= drive->disk->sector_count) {
        log_line(drive_log(drive), LOG_WARNING,
                 "floppy: %s is too short for sector %u, which the guest writes; make it as large "
                 "as its format",
                 drive->disk->name, sector);
        return false;
    }
    if (fdc_drive_write_protected(drive))
        return false;
    uint8_t bit = (uint8_t)(1u << sector % 8);
    if (deleted)
        drive->deleted[sector / 8] |= bit;
    else
        drive->deleted[sector / 8] &= (uint8_t)~bit;
    if (drive->disk->ops->write(drive->disk, sector, 1, bytes, &err))
        return true;
    log_line(drive_log(drive), LOG_ERROR, "floppy: %s", err.text);
    return false;
}

bool fdc_drive_is_deleted(const struct floppy_drive *drive, unsigned head, unsigned r)
{
    uint32_t sector = sector_at(drive, head, r);
    return drive->deleted[sector / 8] >> sector % 8 & 1;
}

/* --- time --- */

uint64_t fdc_byte_time(const struct i82077 *fdc, unsigned count)
{
    static const uint32_t ns_per_byte[] = {
        [FLOPPY_RATE_500K] = 16000,
        [FLOPPY_RATE_300K] = 26667,
        [FLOPPY_RATE_250K] = 32000,
        [FLOPPY_RATE_1M] = 8000,
    };
    return (uint64_t)count * ns_per_byte[fdc->rate] / FDC_SPEED;
}

uint64_t fdc_revolution_time(const struct floppy_drive *drive)
{
    const uint64_t rpm_300 = 200000000, rpm_360 = 166666667;
    return (drive->type == FLOPPY_DRIVE_1200K ? rpm_360 : rpm_300) / FDC_SPEED;
}
