/* Moving the heads: SEEK, RELATIVE SEEK, RECALIBRATE, and SENSE INTERRUPT STATUS (data sheet, 5.2).
 * Seeks of several drives may overlap; each has a timer. */
#include "devices/i82077_private.h"

enum {
    RELATIVE_IN = 0x40, /* DIR: towards the spindle */
};

/* Step time: 16 - SRT units of 1 ms at 500 kbit/s, 0.5 ms at 1 Mbit/s, and so on. */
static uint64_t step_time(const struct i82077 *fdc, unsigned steps)
{
    static const uint32_t unit_ns[] = {
        [FLOPPY_RATE_500K] = 1000000,
        [FLOPPY_RATE_300K] = 1670000,
        [FLOPPY_RATE_250K] = 2000000,
        [FLOPPY_RATE_1M] = 500000,
    };
    return (uint64_t)(steps + 1) * (16u - (fdc->srt_hut >> 4)) * unit_ns[fdc->rate] / FDC_SPEED;
}

/* Step pulses: out is towards track 0. With a diskette in, they reset the disk change line. */
static void move_heads(struct floppy_drive *drive, unsigned out, unsigned in)
{
    if (drive->type == FLOPPY_DRIVE_NONE)
        return;
    if (out + in > 0 && drive->disk)
        drive->changed = false;
    unsigned track = drive->track > out ? drive->track - out : 0;
    track += in;
    drive->track = (uint8_t)(track > FDC_MAX_TRACK ? FDC_MAX_TRACK : track);
}

/* Steps from a to b, if that is the direction; a and b are cylinder numbers. */
static unsigned distance(unsigned a, unsigned b)
{
    return b > a ? b - a : 0;
}

uint64_t fdc_step_to(struct floppy_drive *drive, uint8_t track)
{
    unsigned out = distance(track, drive->pcn), in = distance(drive->pcn, track);
    if (out + in == 0)
        return 0;
    move_heads(drive, out, in);
    drive->pcn = track;
    return step_time(drive->fdc, out + in);
}

static void begin_seek(struct i82077 *fdc, struct floppy_drive *drive, unsigned out, unsigned in,
                       uint8_t target)
{
    drive->steps_out = (uint8_t)out;
    drive->steps_in = (uint8_t)in;
    drive->target = target;
    drive->seek_st0 = (uint8_t)(ST0_SEEK_END | (drive - fdc->drive));
    drive->seeking = true;
    drive->interrupt = false;
    timer_arm(&drive->seek_timer, clock_now(bus_clock(fdc->bus)) + step_time(fdc, out + in));
    fdc_finish(fdc, NULL, 0, false);
}

void fdc_seek(struct i82077 *fdc)
{
    struct floppy_drive *drive = fdc_parameter_drive(fdc);
    uint8_t target = fdc->parameters[2];
    begin_seek(fdc, drive, distance(target, drive->pcn), distance(drive->pcn, target), target);
    drive->seek_st0 |= fdc->parameters[1] & ST0_HEAD;
}

void fdc_relative_seek(struct i82077 *fdc)
{
    struct floppy_drive *drive = fdc_parameter_drive(fdc);
    uint8_t steps = fdc->parameters[2];
    if (fdc->parameters[0] & RELATIVE_IN)
        begin_seek(fdc, drive, 0, steps, (uint8_t)(drive->pcn + steps));
    else
        begin_seek(fdc, drive, steps, 0, (uint8_t)(drive->pcn - steps));
    drive->seek_st0 |= fdc->parameters[1] & ST0_HEAD;
}

void fdc_recalibrate(struct i82077 *fdc)
{
    struct floppy_drive *drive = fdc_parameter_drive(fdc);
    unsigned steps = drive->track;
    bool reaches = drive->type != FLOPPY_DRIVE_NONE && steps <= FDC_RECALIBRATE_STEPS;
    if (!reaches)
        steps = FDC_RECALIBRATE_STEPS;
    begin_seek(fdc, drive, steps, 0, 0);
    if (!reaches)
        drive->seek_st0 |= ST0_ABNORMAL | ST0_EQUIPMENT_CHECK;
}

void fdc_seek_expired(void *device)
{
    struct floppy_drive *drive = device;
    move_heads(drive, drive->steps_out, drive->steps_in);
    drive->pcn = drive->target;
    drive->seeking = false;
    drive->interrupt = true;
    fdc_set_interrupt(drive->fdc, true);
}

/* Whether there is more to tell after one SENSE INTERRUPT STATUS: INT rises again for it. */
static bool seek_interrupt_left(const struct i82077 *fdc)
{
    for (unsigned i = 0; i < I82077_DRIVES; i++) {
        if (fdc->drive[i].interrupt)
            return true;
    }
    return false;
}

void fdc_sense_interrupt(struct i82077 *fdc)
{
    for (unsigned i = 0; i < I82077_DRIVES; i++) {
        struct floppy_drive *drive = &fdc->drive[i];
        bool after_reset = fdc->reset_pending >> i & 1;
        if (!after_reset && !drive->interrupt)
            continue;
        uint8_t results[2] = {after_reset ? (uint8_t)(ST0_POLLED | i) : drive->seek_st0,
                              drive->pcn};
        if (after_reset)
            fdc->reset_pending &= (uint8_t) ~(1u << i);
        else
            drive->interrupt = false;
        fdc_set_interrupt(fdc, false);
        fdc_finish(fdc, results, sizeof results, false);
        if (seek_interrupt_left(fdc))
            fdc_set_interrupt(fdc, true);
        return;
    }
    fdc_invalid(fdc);
}
