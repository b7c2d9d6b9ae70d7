/* Which IDE drives there are, and what geometry the BIOS shows for them. */
#include "bios/disk.h"
#include "bios/ide.h"

#define CMOS_TRANSLATION 0x39

enum translation {
    TRANSLATE_NONE,
    TRANSLATE_LBA,
    TRANSLATE_LARGE,
    TRANSLATE_RECHS,
    TRANSLATE_AUTO
};

static u16 identify[256];

/* Waits while busy; a channel without drives floats (FFh) or reads 0. */
static bool settle(u16 base, u16 milliseconds)
{
    for (u16 i = 0; i < milliseconds; i++) {
        u8 status = inb(base + REG_STATUS);
        if (status == 0xFF)
            return false;
        if (!(status & STATUS_BSY))
            return true;
        delay_ms(1);
    }
    return false;
}

static bool read_identify(const struct ide_drive *d, u8 command)
{
    outb(d->base + REG_SELECT, d->select);
    delay_us(1);
    outb(d->base + REG_COMMAND, command);
    delay_us(1);
    if (!settle(d->base, 3000))
        return false;
    for (u16 i = 0; i < 500; i++) {
        u8 status = inb(d->base + REG_STATUS);
        if (status & STATUS_ERR || status == 0)
            return false;
        if (status & STATUS_DRQ) {
            for (u16 w = 0; w < 256; w++)
                identify[w] = inw(d->base + REG_DATA);
            inb(d->base + REG_STATUS);
            return true;
        }
        delay_us(100);
    }
    return false;
}

/* Does a register at the drive hold what is written to it? */
static bool present(const struct ide_drive *d)
{
    outb(d->base + REG_SELECT, d->select);
    delay_us(1);
    if (inb(d->base + REG_STATUS) == 0xFF)
        return false;
    settle(d->base, 1000);
    outb(d->base + REG_COUNT, 0x55);
    outb(d->base + REG_SECTOR, 0xAA);
    return inb(d->base + REG_COUNT) == 0x55 && inb(d->base + REG_SECTOR) == 0xAA;
}

static void copy_model(struct ide_drive *d)
{
    u8 end = 0;
    for (u8 i = 0; i < 40; i++) {
        u16 word = identify[27 + i / 2];
        d->model[i] = (char)(i & 1 ? word : word >> 8);
        if (d->model[i] > ' ')
            end = (u8)(i + 1);
    }
    d->model[end] = 0;
}

/* INT 13h has ten bits of cylinder and eight of head. */
static void translate_lba(struct ide_drive *d)
{
    u64 blocks = d->blocks;
    u32 tracks = blocks > 1024u * 255 * 63 ? 1024u * 255 : (u32)blocks / 63;
    u16 heads = tracks > 1024u * 128  ? 255
                : tracks > 1024u * 64 ? 128
                : tracks > 1024u * 32 ? 64
                : tracks > 1024u * 16 ? 32
                                      : 16;
    u32 cylinders = tracks / heads;
    d->bios_heads = heads;
    d->bios_sectors = 63;
    d->bios_cylinders = cylinders > 1024 ? 1024 : (u16)cylinders;
}

/* Halves cylinders and doubles heads until the cylinders fit. */
static void translate_large(struct ide_drive *d, bool fifteen)
{
    u32 cylinders = d->cylinders, heads = d->heads;
    if (fifteen && heads == 16) {
        cylinders = cylinders * 16 / 15;
        heads = 15;
    }
    while (cylinders > 1024 && heads <= 127) {
        cylinders >>= 1;
        heads <<= 1;
    }
    d->bios_cylinders = cylinders > 1024 ? 1024 : (u16)cylinders;
    d->bios_heads = (u16)heads;
    d->bios_sectors = d->sectors;
}

/* The machine may ask for a method for each disk, two bits of CMOS 39h; otherwise disks that need
 * one get block addressing's. */
static void choose_translation(struct ide_drive *d, u8 index)
{
    u8 method = cmos_read(CMOS_TRANSLATION) >> index * 2 & 3;
    if (method == TRANSLATE_NONE && d->cylinders > 1024)
        method = TRANSLATE_LBA;
    d->translation = method;
    switch (method) {
    case TRANSLATE_LBA:
        translate_lba(d);
        break;
    case TRANSLATE_LARGE:
        translate_large(d, false);
        break;
    case TRANSLATE_RECHS:
        translate_large(d, true);
        break;
    default:
        d->bios_cylinders = d->cylinders;
        d->bios_heads = d->heads;
        d->bios_sectors = d->sectors;
    }
}

/* INITIALIZE DEVICE PARAMETERS, for drives that go by cylinders. */
static void set_geometry(struct ide_drive *d)
{
    outb(d->base + REG_SELECT, (u8)(d->select | (d->heads - 1)));
    outb(d->base + REG_COUNT, (u8)d->sectors);
    outb(d->base + REG_STATUS, 0x91);
    delay_us(1);
    settle(d->base, 1000);
}

static void setup_disk(struct ide_drive *d, u8 index)
{
    d->kind = IDE_ATA;
    d->cylinders = identify[1];
    d->heads = identify[3];
    d->sectors = identify[6];
    d->lba = identify[49] >> 9 & 1;
    d->lba48 = d->lba && identify[83] >> 10 & 1;
    if (!d->heads || !d->sectors) {
        d->heads = 16;
        d->sectors = 63;
    }
    d->blocks = (u32)d->cylinders * d->heads * d->sectors;
    if (d->lba)
        d->blocks = (u32)identify[61] << 16 | identify[60];
    if (d->lba48) {
        u64 blocks = (u64)((u32)identify[103] << 16 | identify[102]) << 32 |
                     ((u32)identify[101] << 16 | identify[100]);
        if (blocks > d->blocks)
            d->blocks = blocks;
    }
    if (!d->lba)
        set_geometry(d);
    copy_model(d);
    choose_translation(d, index);
    hard_disks[hard_disk_count++] = index;
}

static void probe(struct ide_drive *d, u8 index)
{
    d->kind = IDE_NONE;
    if (!present(d))
        return;
    /* A packet device leaves its signature after reset and refuses IDENTIFY DEVICE. */
    if (read_identify(d, 0xEC)) {
        setup_disk(d, index);
        return;
    }
    if (read_identify(d, 0xA1)) {
        d->kind = IDE_ATAPI;
        copy_model(d);
        if ((identify[0] >> 8 & 0x1F) == 5)
            cd_drives[cd_count++] = index;
    }
}

static void fill_disk_table(u8 slot, const struct ide_drive *d)
{
    set_gs(SEG_EBDA);
    volatile FAR u8 *t = EBDA->disk_table[slot];
    bool translated = d->bios_cylinders != d->cylinders || d->bios_heads != d->heads;
    u8 words[16] = {(u8)d->bios_cylinders, (u8)(d->bios_cylinders >> 8), (u8)d->bios_heads};
    words[8] = d->heads > 8 ? 0x08 : 0;
    words[5] = 0xFF;
    words[6] = 0xFF;
    words[12] = (u8)(d->bios_cylinders);
    words[13] = (u8)(d->bios_cylinders >> 8);
    words[14] = (u8)d->bios_sectors;
    if (translated) {
        /* Translated table: signature A0h, physical geometry beside the logical one. */
        words[3] = 0xA0;
        words[4] = (u8)d->sectors;
        words[9] = (u8)d->cylinders;
        words[10] = (u8)(d->cylinders >> 8);
        words[11] = (u8)d->heads;
        u8 sum = 0;
        for (u8 i = 0; i < 15; i++)
            sum += words[i];
        words[15] = (u8)-sum;
    }
    for (u8 i = 0; i < 16; i++)
        t[i] = words[i];
}

static void reset_channel(u16 base, u16 control)
{
    outb(base + REG_SELECT, 0xA0);
    if (inb(base + REG_STATUS) == 0xFF)
        return;
    outb(control, 0x06);
    delay_us(20);
    outb(control, 0x00);
    delay_ms(3);
    settle(base, 3000);
}

void ide_initialise(void)
{
    static const u16 bases[2] = {0x1F0, 0x170}, controls[2] = {0x3F6, 0x376};
    hard_disk_count = 0;
    cd_count = 0;
    for (u8 channel = 0; channel < 2; channel++)
        reset_channel(bases[channel], controls[channel]);
    for (u8 i = 0; i < IDE_DRIVES; i++) {
        struct ide_drive *d = &ide_drives[i];
        d->base = bases[i / 2];
        d->control = controls[i / 2];
        d->select = i & 1 ? 0xB0 : 0xA0;
        d->irq = i < 2 ? 14 : 15;
        probe(d, i);
    }
}

/* What depends on the order of the disks: parameter tables and the data area. */
void ide_publish(void)
{
    for (u8 i = 0; i < hard_disk_count && i < 2; i++) {
        fill_disk_table(i, &ide_drives[hard_disks[i]]);
        vector_set(i ? 0x46 : 0x41, SEG_EBDA, (u16)(offsetof(struct ebda, disk_table) + i * 16));
    }
    BDA->disk_count = hard_disk_count;
    BDA->disk_control = 0xC0;
    outb(0xA1, inb(0xA1) & 0x3F);
    outb(0x21, inb(0x21) & 0xFB);
}
