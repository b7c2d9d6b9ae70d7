/* Commands of the 82077AA that move neither data nor heads (data sheet, 5.1 and 6). */
#include "devices/i82077_private.h"

enum {
    CONFIGURATION_DEFAULT =
        0x20, /* no implied seek, FIFO off (EFIFO = 1), polling on, threshold 1 */
    VERSION_ENHANCED = 0x90,
    PERPENDICULAR_OVERWRITE = 0x80,
    PERPENDICULAR_DRIVES = 0x3C,
    PERPENDICULAR_GAP_WGATE = 0x03,
};

void fdc_default_configuration(struct i82077 *fdc)
{
    fdc->configuration = CONFIGURATION_DEFAULT;
    fdc->precompensation_track = 0;
}

void fdc_specify(struct i82077 *fdc)
{
    fdc->srt_hut = fdc->parameters[1];
    fdc->hlt_nd = fdc->parameters[2];
    fdc_finish(fdc, NULL, 0, false);
}

void fdc_sense_drive(struct i82077 *fdc)
{
    const struct floppy_drive *drive = fdc_parameter_drive(fdc);
    uint8_t st3 = (uint8_t)((fdc->parameters[1] & 7) | ST3_READY | ST3_TWO_SIDES);
    if (drive->type != FLOPPY_DRIVE_NONE && drive->track == 0)
        st3 |= ST3_TRACK_0;
    if (fdc_drive_write_protected(drive))
        st3 |= ST3_WRITE_PROTECTED;
    fdc_finish(fdc, &st3, 1, false);
}

void fdc_version(struct i82077 *fdc)
{
    const uint8_t version = VERSION_ENHANCED;
    fdc_finish(fdc, &version, 1, false);
}

void fdc_configure(struct i82077 *fdc)
{
    fdc->configuration = fdc->parameters[2] & 0x7F;
    fdc->precompensation_track = fdc->parameters[3];
    fdc_finish(fdc, NULL, 0, false);
}

void fdc_dump_registers(struct i82077 *fdc)
{
    uint8_t results[10];
    for (unsigned i = 0; i < I82077_DRIVES; i++)
        results[i] = fdc->drive[i].pcn;
    results[4] = fdc->srt_hut;
    results[5] = fdc->hlt_nd;
    results[6] = fdc->last_sc_eot;
    results[7] = (uint8_t)((fdc->lock ? 0x80 : 0) | fdc->perpendicular);
    results[8] = fdc->configuration;
    results[9] = fdc->precompensation_track;
    fdc_finish(fdc, results, sizeof results, false);
}

void fdc_perpendicular(struct i82077 *fdc)
{
    uint8_t value = fdc->parameters[1], mask = PERPENDICULAR_GAP_WGATE;
    if (value & PERPENDICULAR_OVERWRITE)
        mask |= PERPENDICULAR_DRIVES;
    fdc->perpendicular = (uint8_t)((fdc->perpendicular & ~mask) | (value & mask));
    fdc_finish(fdc, NULL, 0, false);
}

void fdc_lock(struct i82077 *fdc)
{
    fdc->lock = fdc->parameters[0] & 0x80;
    const uint8_t result = fdc->lock ? 0x10 : 0;
    fdc_finish(fdc, &result, 1, false);
}
