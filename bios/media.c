/* Which diskette is in which drive: types from CMOS, data rates by trying. */
#include "bios/floppy.h"

#define CHANGE_LINE 0x80

enum { RATE_500, RATE_300, RATE_250, RATE_1000 };

struct format {
    u8 type; /* of the drive, as in CMOS 10h */
    u8 rate;
    u8 sectors;
    u8 tracks;
    u8 state; /* bits 2-0 of 40:90 */
    u8 table[11];
};

/* What each drive can hold, densest first. */
static const struct format formats[] = {
    {1, RATE_250,  9,  40, 3, {0xDF, 0x02, 0x25, 2, 9, 0x2A, 0xFF, 0x50, 0xF6, 0x0F, 0x08} },
    {2, RATE_500,  15, 80, 5, {0xDF, 0x02, 0x25, 2, 15, 0x1B, 0xFF, 0x54, 0xF6, 0x0F, 0x08}},
    {2, RATE_300,  9,  40, 4, {0xDF, 0x02, 0x25, 2, 9, 0x23, 0xFF, 0x50, 0xF6, 0x0F, 0x08} },
    {2, RATE_250,  9,  40, 4, {0xDF, 0x02, 0x25, 2, 9, 0x23, 0xFF, 0x50, 0xF6, 0x0F, 0x08} },
    {3, RATE_250,  9,  80, 7, {0xDF, 0x02, 0x25, 2, 9, 0x2A, 0xFF, 0x50, 0xF6, 0x0F, 0x08} },
    {4, RATE_500,  18, 80, 7, {0xAF, 0x02, 0x25, 2, 18, 0x1B, 0xFF, 0x6C, 0xF6, 0x0F, 0x08}},
    {4, RATE_250,  9,  80, 7, {0xDF, 0x02, 0x25, 2, 9, 0x2A, 0xFF, 0x50, 0xF6, 0x0F, 0x08} },
    {5, RATE_1000, 36, 80, 7, {0xAF, 0x02, 0x25, 2, 36, 0x1B, 0xFF, 0x53, 0xF6, 0x0F, 0x08}},
    {5, RATE_500,  18, 80, 7, {0xAF, 0x02, 0x25, 2, 18, 0x1B, 0xFF, 0x6C, 0xF6, 0x0F, 0x08}},
    {5, RATE_250,  9,  80, 7, {0xDF, 0x02, 0x25, 2, 9, 0x2A, 0xFF, 0x50, 0xF6, 0x0F, 0x08} },
};

#define FORMATS (sizeof formats / sizeof formats[0])

u8 floppy_type(u8 drive)
{
    u8 types = cmos_read(0x10);
    u8 type = drive ? types & 15 : types >> 4;
    return drive > 1 || type > 6 ? 0 : type == 6 ? 5 : type;
}

u8 floppy_count(void)
{
    return (u8)((floppy_type(0) != 0) + (floppy_type(1) != 0));
}

const u8 *floppy_table(u8 type, u8 sectors)
{
    for (u8 i = 0; i < FORMATS; i++) {
        if (formats[i].type == type && (!sectors || formats[i].sectors == sectors))
            return formats[i].table;
    }
    return NULL;
}

static const struct format *find_format(u8 type, u8 sectors)
{
    for (u8 i = 0; i < FORMATS; i++) {
        if (formats[i].type == type && (!sectors || formats[i].sectors == sectors))
            return &formats[i];
    }
    return NULL;
}

/* Sectors a track of the diskette that was found in the drive. */
u8 floppy_sectors(u8 drive)
{
    u8 type = floppy_type(drive), rate = BDA->floppy_media[drive] >> 6;
    for (u8 i = 0; i < FORMATS; i++) {
        if (formats[i].type == type && formats[i].rate == rate)
            return formats[i].sectors;
    }
    return 18;
}

bool floppy_changed(u8 drive)
{
    return floppy_type(drive) > 1 && inb(FDC_RATE) & CHANGE_LINE;
}

static u8 read_id(u8 drive)
{
    const u8 command[2] = {0x4A, drive};
    return fdc_execute(command, 2);
}

static void establish(u8 drive, const struct format *f, bool double_step)
{
    BDA->floppy_media[drive] =
        (u8)(f->rate << 6 | (double_step ? MEDIA_DOUBLE_STEP : 0) | MEDIA_ESTABLISHED | f->state);
    BDA->floppy_media_control = (u8)(f->rate << 6);
}

/* A 40 track diskette in an 80 track drive: the address marks tell whether the head has to go two
 * steps. */
static bool needs_double_step(u8 drive, const struct format *f)
{
    if (f->type != 2 || f->tracks != 40)
        return false;
    if (fdc_seek(drive, 2, false) != DISK_OK || read_id(drive) != DISK_OK)
        return true;
    return BDA->floppy_result[3] == 1;
}

static u8 find_rate(u8 drive)
{
    u8 type = floppy_type(drive), status = DISK_UNKNOWN_MEDIA;
    for (u8 i = 0; i < FORMATS; i++) {
        if (formats[i].type != type)
            continue;
        outb(FDC_RATE, formats[i].rate);
        for (u8 attempt = 0; attempt < 2; attempt++) {
            status = fdc_seek(drive, 0, false);
            if (status == DISK_OK)
                status = read_id(drive);
            if (status == DISK_TIMEOUT)
                return status;
            if (status == DISK_OK) {
                establish(drive, &formats[i], needs_double_step(drive, &formats[i]));
                return DISK_OK;
            }
        }
    }
    return status;
}

/* With the motor on. A change is reported once, to who used the diskette before. */
u8 floppy_media_check(u8 drive)
{
    bool known = BDA->floppy_media[drive] & MEDIA_ESTABLISHED;
    if (floppy_changed(drive)) {
        BDA->floppy_media[drive] &= (u8)~MEDIA_ESTABLISHED;
        BDA->floppy_recalibrated &= (u8) ~(1 << drive);
        if (fdc_seek(drive, 1, false) != DISK_OK || fdc_seek(drive, 0, false) != DISK_OK)
            return DISK_TIMEOUT;
        if (floppy_changed(drive))
            return DISK_TIMEOUT;
        if (known)
            return DISK_CHANGED;
    }
    if (!(BDA->floppy_media[drive] & MEDIA_ESTABLISHED))
        return find_rate(drive);
    outb(FDC_RATE, BDA->floppy_media[drive] >> 6);
    return DISK_OK;
}

/* INT 13h AH=18h: the medium that is going to be formatted. */
void floppy_set_media(struct regs *r)
{
    const struct format *f = find_format(floppy_type(r->dl), r->cl & 0x3F);
    if (!f || (r->ch != f->tracks - 1) || r->cl & 0xC0) {
        disk_result(r, DISK_UNKNOWN_MEDIA);
        return;
    }
    establish(r->dl, f, f->type == 2 && f->tracks == 40);
    r->es = SEG_DATA;
    r->di = (u16)(u32)f->table;
    disk_result(r, DISK_OK);
}

/* INT 13h AH=17h: the same by number: 360K, 360K in 1.2M, 1.2M, 720K or 1.44M. */
void floppy_set_dasd(struct regs *r)
{
    u8 type = floppy_type(r->dl);
    static const u8 sectors[5] = {0, 9, 9, 15, 9};
    const struct format *f = r->al >= 1 && r->al <= 4 ? find_format(type, sectors[r->al]) : NULL;
    if (r->al == 4 && type == 4)
        f = find_format(4, 18);
    if (!f) {
        disk_result(r, DISK_BAD_COMMAND);
        return;
    }
    establish(r->dl, f, f->type == 2 && f->tracks == 40);
    disk_result(r, DISK_OK);
}
