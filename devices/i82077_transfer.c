/* Commands that move data, sector by sector (data sheet, 5.1.1 to 5.1.9). The timer runs from
 * sector to sector; a sector is moved when it has passed under the head.
 *
 * Without a turning diskette there is no index pulse, and a command waits for one until the
 * controller is reset: a real one has no time-out either. */
#include "devices/i82077_private.h"

#include <string.h>

enum {
    GAP_BYTES = 62, /* ID field, sync and gaps of a sector */
    ST1_CRC_ERROR = 0x20,

    COMMAND_MT = 0x80,
    COMMAND_MFM = 0x40,
    COMMAND_SK = 0x20,
    COMMAND_CODE = 0x1F,
    CODE_WRITE_DELETED = 0x09,
    CODE_READ_DELETED = 0x0C,
    CODE_SCAN_LOW = 0x19,
    CODE_SCAN_HIGH = 0x1D,
    VERIFY_COUNTED = 0x80, /* EC, in the drive select byte */
    CONFIGURATION_IMPLIED_SEEK = 0x40,
    NON_DMA = 0x01,
};

const struct field fdc_transfer_fields[] = {
    FIELD_MOST(struct fdc_transfer, operation, OP_READ_ID),
    FIELD_MOST(struct fdc_transfer, drive, I82077_DRIVES - 1),
    FIELD(struct fdc_transfer, c),
    FIELD(struct fdc_transfer, h),
    FIELD(struct fdc_transfer, r),
    FIELD(struct fdc_transfer, n),
    FIELD(struct fdc_transfer, eot),
    FIELD_MOST(struct fdc_transfer, head, 1),
    FIELD(struct fdc_transfer, multi_track),
    FIELD(struct fdc_transfer, skip),
    FIELD(struct fdc_transfer, deleted),
    FIELD(struct fdc_transfer, mfm),
    FIELD(struct fdc_transfer, terminal_count),
    FIELD(struct fdc_transfer, waiting),
    FIELD(struct fdc_transfer, filled),
    FIELD(struct fdc_transfer, st1),
    FIELD(struct fdc_transfer, st2),
    FIELD_MOST(struct fdc_transfer, scan_step, 2),
    FIELD(struct fdc_transfer, sectors_left),
    FIELD(struct fdc_transfer, counted),
    FIELD(struct fdc_transfer, fill),
    FIELD(struct fdc_transfer, track_sector),
    FIELD_MOST(struct fdc_transfer, position, FDC_SECTOR_SIZE),
    FIELD_MOST(struct fdc_transfer, size, FDC_SECTOR_SIZE),
    FIELD_ARRAY(struct fdc_transfer, buffer, uint8_t),
    FIELD_END,
};

bool fdc_is_non_dma(const struct i82077 *fdc)
{
    return fdc->hlt_nd & NON_DMA;
}

static struct floppy_drive *transfer_drive(struct i82077 *fdc)
{
    return &fdc->drive[fdc->transfer.drive];
}

void fdc_end_transfer(struct i82077 *fdc, uint8_t st0)
{
    const struct fdc_transfer *t = &fdc->transfer;
    const uint8_t results[7] = {
        (uint8_t)(st0 | t->head << 2 | t->drive), t->st1, t->st2, t->c, t->h, t->r, t->n};
    if (fdc->dma)
        i8237_set_request(fdc->dma, FDC_DMA_CHANNEL, false);
    fdc_finish(fdc, results, sizeof results, true);
}

/* --- finding sectors --- */

/* The ID of the sector in hand is on the track; if not, st1 and st2 say why. */
static bool sector_exists(struct i82077 *fdc)
{
    struct fdc_transfer *t = &fdc->transfer;
    const struct floppy_drive *drive = transfer_drive(fdc);
    if (t->c == fdc_drive_cylinder(drive) && t->h == t->head && t->n == FDC_SECTOR_N && t->r >= 1 &&
        t->r <= drive->format.sectors)
        return true;
    t->st1 |= ST1_NO_DATA;
    if (t->c != fdc_drive_cylinder(drive))
        t->st2 |= ST2_WRONG_CYLINDER;
    return false;
}

void fdc_find_sector(struct i82077 *fdc, uint64_t ns)
{
    struct fdc_transfer *t = &fdc->transfer;
    const struct floppy_drive *drive = transfer_drive(fdc);
    fdc->phase = PHASE_EXECUTION;
    fdc->stalled = !fdc_drive_turns(fdc, drive);
    if (fdc->stalled)
        return;
    if (!fdc_drive_readable(fdc, drive, t->head, t->mfm)) {
        t->st1 |= ST1_MISSING_ADDRESS;
        fdc_schedule(fdc, FDC_STEP_FAIL, ns + 2 * fdc_revolution_time(drive));
    } else if (t->operation == OP_READ_ID) {
        fdc_schedule(fdc, FDC_STEP_READ_ID, ns + fdc_byte_time(fdc, FDC_SECTOR_SIZE + GAP_BYTES));
    } else if (t->operation == OP_READ_TRACK || sector_exists(fdc)) {
        t->waiting = t->filled = false;
        fdc_schedule(fdc, FDC_STEP_SECTOR, ns + fdc_byte_time(fdc, FDC_SECTOR_SIZE + GAP_BYTES));
    } else {
        fdc_schedule(fdc, FDC_STEP_FAIL, ns + 2 * fdc_revolution_time(drive));
    }
}

void fdc_transfer_fail(struct i82077 *fdc)
{
    fdc_end_transfer(fdc, ST0_ABNORMAL);
}

void fdc_resume(struct i82077 *fdc)
{
    if (!fdc->stalled)
        return;
    if (fdc->transfer.operation == OP_FORMAT)
        fdc_format_begin(fdc);
    else
        fdc_find_sector(fdc, 0);
}

/* --- beginnings --- */

static void take_command(struct i82077 *fdc, enum fdc_operation operation)
{
    struct fdc_transfer *t = &fdc->transfer;
    const uint8_t *p = fdc->parameters;
    memset(t, 0, sizeof *t);
    t->operation = (uint8_t)operation;
    t->multi_track = p[0] & COMMAND_MT;
    t->mfm = p[0] & COMMAND_MFM;
    t->skip = p[0] & COMMAND_SK;
    t->drive = p[1] & DOR_DRIVE;
    t->head = p[1] >> 2 & 1;
    t->c = p[2];
    t->h = p[3];
    t->r = p[4];
    t->n = p[5];
    t->eot = p[6];
    t->size = FDC_SECTOR_SIZE;
    t->scan_step = p[8] == 2 ? 2 : 1;
    fdc->last_sc_eot = t->eot;
}

static void begin(struct i82077 *fdc)
{
    uint64_t ns = 0;
    if (fdc->configuration & CONFIGURATION_IMPLIED_SEEK)
        ns = fdc_step_to(transfer_drive(fdc), fdc->transfer.c);
    fdc_find_sector(fdc, ns);
}

void fdc_read(struct i82077 *fdc)
{
    take_command(fdc, OP_READ);
    fdc->transfer.deleted = (fdc->parameters[0] & COMMAND_CODE) == CODE_READ_DELETED;
    begin(fdc);
}

void fdc_write(struct i82077 *fdc)
{
    take_command(fdc, OP_WRITE);
    fdc->transfer.deleted = (fdc->parameters[0] & COMMAND_CODE) == CODE_WRITE_DELETED;
    if (fdc_drive_write_protected(transfer_drive(fdc))) {
        fdc->transfer.st1 = ST1_NOT_WRITABLE;
        fdc_end_transfer(fdc, ST0_ABNORMAL);
        return;
    }
    begin(fdc);
}

void fdc_read_track(struct i82077 *fdc)
{
    take_command(fdc, OP_READ_TRACK);
    fdc->transfer.track_sector = 1;
    fdc->transfer.sectors_left = fdc->transfer.eot;
    fdc->transfer.counted = true;
    begin(fdc);
}

void fdc_verify(struct i82077 *fdc)
{
    take_command(fdc, OP_VERIFY);
    fdc->transfer.counted = fdc->parameters[1] & VERIFY_COUNTED;
    fdc->transfer.sectors_left = fdc->parameters[8] ? fdc->parameters[8] : 256;
    begin(fdc);
}

void fdc_scan(struct i82077 *fdc)
{
    uint8_t code = fdc->parameters[0] & COMMAND_CODE;
    take_command(fdc, code == CODE_SCAN_LOW    ? OP_SCAN_LOW
                      : code == CODE_SCAN_HIGH ? OP_SCAN_HIGH
                                               : OP_SCAN_EQUAL);
    begin(fdc);
}

/* --- READ ID --- */

void fdc_read_id(struct i82077 *fdc)
{
    struct fdc_transfer *t = &fdc->transfer;
    memset(t, 0, sizeof *t);
    t->operation = OP_READ_ID;
    t->mfm = fdc->parameters[0] & COMMAND_MFM;
    t->drive = fdc->parameters[1] & DOR_DRIVE;
    t->head = fdc->parameters[1] >> 2 & 1;
    fdc_find_sector(fdc, 0);
}

/* The next ID field to pass under the head: which one, the angle tells. */
void fdc_read_id_step(struct i82077 *fdc)
{
    struct fdc_transfer *t = &fdc->transfer;
    const struct floppy_drive *drive = transfer_drive(fdc);
    uint64_t revolution = fdc_revolution_time(drive);
    uint64_t angle = clock_now(bus_clock(fdc->bus)) % revolution;
    t->c = (uint8_t)fdc_drive_cylinder(drive);
    t->h = t->head;
    t->r = (uint8_t)(angle * drive->format.sectors / revolution + 1);
    t->n = FDC_SECTOR_N;
    fdc_end_transfer(fdc, ST0_NORMAL);
}

/* --- after a sector --- */

/* The address of the sector after this one, for the result phase (data sheet, table 5-6). */
static void advance_address(struct fdc_transfer *t)
{
    if (t->r != t->eot) {
        t->r++;
        return;
    }
    t->r = 1;
    if (t->multi_track && t->h == 0) {
        t->h = 1;
    } else {
        t->c++;
        if (t->multi_track)
            t->h = 0;
    }
}

/* At the end of a side: on with the other one. False: that was all. */
static bool next_side(struct fdc_transfer *t)
{
    if (!t->multi_track || t->head != 0)
        return false;
    t->head = 1;
    t->h = 1;
    t->r = 1;
    return true;
}

static void end_of_cylinder(struct i82077 *fdc)
{
    struct fdc_transfer *t = &fdc->transfer;
    advance_address(t);
    if (t->operation == OP_VERIFY && !t->counted) {
        fdc_end_transfer(fdc, ST0_NORMAL);
        return;
    }
    if (t->operation >= OP_SCAN_EQUAL && t->operation <= OP_SCAN_HIGH) {
        t->st2 |= ST2_SCAN_NOT_SATISFIED;
        fdc_end_transfer(fdc, ST0_NORMAL);
        return;
    }
    t->st1 |= ST1_END_OF_CYLINDER;
    fdc_end_transfer(fdc, ST0_ABNORMAL);
}

static void sector_done(struct i82077 *fdc)
{
    struct fdc_transfer *t = &fdc->transfer;
    if (t->terminal_count || (t->counted && --t->sectors_left == 0)) {
        advance_address(t);
        fdc_end_transfer(fdc, ST0_NORMAL);
        return;
    }
    unsigned next = t->r + t->scan_step;
    bool scan = t->operation >= OP_SCAN_EQUAL && t->operation <= OP_SCAN_HIGH;
    if (t->r == t->eot || (scan && next > t->eot)) {
        if (!next_side(t)) {
            end_of_cylinder(fdc);
            return;
        }
    } else {
        t->r = (uint8_t)(scan ? next : t->r + 1u);
    }
    fdc_find_sector(fdc, 0);
}

static void read_track_done(struct i82077 *fdc)
{
    struct fdc_transfer *t = &fdc->transfer;
    uint8_t sectors = transfer_drive(fdc)->format.sectors;
    t->r++;
    t->track_sector = t->track_sector == sectors ? 1 : t->track_sector + 1;
    if (t->terminal_count || --t->sectors_left == 0)
        fdc_end_transfer(fdc, t->st1 ? ST0_ABNORMAL : ST0_NORMAL);
    else
        fdc_find_sector(fdc, 0);
}

/* --- moving a sector --- */

/* DRQ is up and DACK has come. False: it has not; the step comes again after a sector's time, and
 * the second time in vain is an overrun. */
static bool dma_ready(struct i82077 *fdc, enum fdc_step step)
{
    struct fdc_transfer *t = &fdc->transfer;
    if (fdc->dma && (fdc->dor & DOR_DMA_GATE)) {
        i8237_set_request(fdc->dma, FDC_DMA_CHANNEL, true);
        if (i8237_acknowledged(fdc->dma, FDC_DMA_CHANNEL))
            return true;
    }
    if (t->waiting) {
        t->st1 |= ST1_OVERRUN;
        fdc_end_transfer(fdc, ST0_ABNORMAL);
    } else {
        t->waiting = true;
        fdc_schedule(fdc, step, FDC_SPEED * fdc_byte_time(fdc, FDC_SECTOR_SIZE));
    }
    return false;
}

bool fdc_dma_fetch(struct i82077 *fdc, enum fdc_step step)
{
    struct fdc_transfer *t = &fdc->transfer;
    if (!dma_ready(fdc, step))
        return false;
    memset(t->buffer, 0, t->size); /* what terminal count cuts off is written as zeros */
    i8237_memory_to_device(fdc->dma, FDC_DMA_CHANNEL, t->buffer, t->size, &t->terminal_count);
    i8237_set_request(fdc->dma, FDC_DMA_CHANNEL, false);
    t->filled = true;
    return true;
}

/* Hands the sector in the buffer to the host. True: it has it; else the host must read it. */
static bool give_to_host(struct i82077 *fdc)
{
    struct fdc_transfer *t = &fdc->transfer;
    if (fdc_is_non_dma(fdc)) {
        t->position = 0;
        fdc->phase = PHASE_TO_HOST;
        fdc_set_interrupt(fdc, true);
        return false;
    }
    if (!dma_ready(fdc, FDC_STEP_SECTOR))
        return false;
    i8237_device_to_memory(fdc->dma, FDC_DMA_CHANNEL, t->buffer, t->size, &t->terminal_count);
    i8237_set_request(fdc->dma, FDC_DMA_CHANNEL, false);
    return true;
}

/* Brings the host's data into the buffer. True: it is there. */
static bool take_from_host(struct i82077 *fdc)
{
    struct fdc_transfer *t = &fdc->transfer;
    if (t->filled)
        return true;
    if (!fdc_is_non_dma(fdc))
        return fdc_dma_fetch(fdc, FDC_STEP_SECTOR);
    t->position = 0;
    fdc->phase = PHASE_FROM_HOST;
    fdc_set_interrupt(fdc, true);
    return false;
}

static void medium_error(struct i82077 *fdc)
{
    fdc->transfer.st1 |= ST1_CRC_ERROR;
    fdc->transfer.st2 |= ST2_DATA_ERROR;
    fdc_end_transfer(fdc, ST0_ABNORMAL);
}

static void finish_read(struct i82077 *fdc)
{
    struct fdc_transfer *t = &fdc->transfer;
    if (t->operation == OP_READ_TRACK)
        read_track_done(fdc);
    else if (t->st2 & ST2_CONTROL_MARK && !t->skip)
        fdc_end_transfer(fdc, ST0_NORMAL); /* the other kind of data mark ends the command */
    else
        sector_done(fdc);
}

static void read_step(struct i82077 *fdc)
{
    struct fdc_transfer *t = &fdc->transfer;
    struct floppy_drive *drive = transfer_drive(fdc);
    uint8_t r = t->operation == OP_READ_TRACK ? t->track_sector : t->r;
    fdc->read_toggle = !fdc->read_toggle;
    if (t->operation == OP_READ_TRACK) {
        if (t->c != fdc_drive_cylinder(drive) || t->h != t->head || t->r != r ||
            t->n != FDC_SECTOR_N)
            t->st1 |= ST1_NO_DATA;
    } else if (fdc_drive_is_deleted(drive, t->head, r) != t->deleted) {
        t->st2 |= ST2_CONTROL_MARK;
        if (t->skip) {
            sector_done(fdc);
            return;
        }
    }
    if (!fdc_drive_read(drive, t->head, r, t->buffer))
        medium_error(fdc);
    else if (t->operation == OP_VERIFY || give_to_host(fdc))
        finish_read(fdc);
}

static void write_step(struct i82077 *fdc)
{
    struct fdc_transfer *t = &fdc->transfer;
    if (!take_from_host(fdc))
        return;
    fdc->write_toggle = !fdc->write_toggle;
    fdc->gate_toggle = true;
    if (fdc_drive_write(transfer_drive(fdc), t->head, t->r, t->buffer, t->deleted))
        sector_done(fdc);
    else
        medium_error(fdc);
}

/* Whether the disk's byte stands to the host's as the command wants; FFh from the host is any. */
static bool byte_satisfies(uint8_t operation, uint8_t disk, uint8_t host)
{
    if (disk == host || host == 0xFF)
        return true;
    return operation == OP_SCAN_LOW ? disk < host : operation == OP_SCAN_HIGH && disk > host;
}

static void scan_step(struct i82077 *fdc)
{
    struct fdc_transfer *t = &fdc->transfer;
    uint8_t disk[FDC_SECTOR_SIZE];
    if (!take_from_host(fdc))
        return;
    if (!fdc_drive_read(transfer_drive(fdc), t->head, t->r, disk)) {
        medium_error(fdc);
        return;
    }
    bool met = true, equal = true;
    for (unsigned i = 0; i < FDC_SECTOR_SIZE; i++) {
        met = met && byte_satisfies(t->operation, disk[i], t->buffer[i]);
        equal = equal && byte_satisfies(OP_SCAN_EQUAL, disk[i], t->buffer[i]);
    }
    if (met) {
        t->st2 |= equal ? ST2_SCAN_EQUAL : 0;
        fdc_end_transfer(fdc, ST0_NORMAL);
        return;
    }
    if (t->terminal_count)
        t->st2 |= ST2_SCAN_NOT_SATISFIED;
    sector_done(fdc);
}

void fdc_transfer_step(struct i82077 *fdc)
{
    fdc->phase = PHASE_EXECUTION;
    if (!fdc_drive_turns(fdc, transfer_drive(fdc))) {
        fdc->stalled = true; /* stopped, or taken out, in the middle */
        return;
    }
    if (!fdc_drive_has_sector(fdc, &fdc->transfer)) {
        /* Another diskette, with other tracks, was put in meanwhile. */
        fdc->transfer.st1 |= ST1_NO_DATA;
        fdc_end_transfer(fdc, ST0_ABNORMAL);
        return;
    }
    switch ((enum fdc_operation)fdc->transfer.operation) {
    case OP_READ:
    case OP_READ_TRACK:
    case OP_VERIFY:
        read_step(fdc);
        break;
    case OP_WRITE:
        write_step(fdc);
        break;
    default:
        scan_step(fdc);
        break;
    }
}

void fdc_buffer_done(struct i82077 *fdc)
{
    bool to_host = fdc->phase == PHASE_TO_HOST;
    fdc->phase = PHASE_EXECUTION;
    if (fdc->transfer.operation == OP_FORMAT) {
        fdc_format_buffer_done(fdc);
    } else if (to_host) {
        finish_read(fdc);
    } else {
        fdc->transfer.filled = true;
        fdc_schedule(fdc, FDC_STEP_SECTOR, fdc_byte_time(fdc, GAP_BYTES));
    }
}
