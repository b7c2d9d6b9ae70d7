/* INT 13h extensions (Phoenix EDD 1.1 and 3.0): blocks by number. */
#include "bios/disk.h"

#define EDD_VERSION 0x30

bool edd_packet_read(const struct regs *r, struct edd_packet *p)
{
    u16 s = r->ds, o = r->si;
    p->size = far_read8(s, o);
    p->count = far_read8(s, (u16)(o + 2));
    p->offset = far_read16(s, (u16)(o + 4));
    p->segment = far_read16(s, (u16)(o + 6));
    p->lba_low = far_read32(s, (u16)(o + 8));
    p->lba_high = far_read32(s, (u16)(o + 12));
    return p->size >= 16 && p->count <= 127;
}

static void transfer(struct regs *r, struct ide_drive *d, enum ide_direction direction)
{
    struct edd_packet p;
    if (!edd_packet_read(r, &p) || (direction == IDE_WRITE && r->al > 2)) {
        disk_result(r, DISK_BAD_COMMAND);
        return;
    }
    u64 lba = (u64)p.lba_high << 32 | p.lba_low;
    if (lba >= d->blocks || d->blocks - lba < p.count) {
        far_write8(r->ds, (u16)(r->si + 2), 0);
        disk_result(r, DISK_NO_SECTOR);
        return;
    }
    u16 done = 0;
    u8 status = ide_transfer(d, direction, lba, p.count, p.segment, p.offset, &done);
    if (status == DISK_OK && direction == IDE_WRITE && r->al == 2)
        status = ide_transfer(d, IDE_VERIFY, lba, p.count, 0, 0, &done);
    far_write8(r->ds, (u16)(r->si + 2), (u8)done);
    disk_result(r, status);
}

/* The device parameter table extension, one a drive. */
static struct {
    u16 base, control;
    u8 head_prefix, reserved1, irq, block_count, dma, pio;
    u16 options, reserved2;
    u8 revision, checksum;
} __attribute__((packed)) extension[IDE_DRIVES];

static u16 fill_extension(const struct ide_drive *d, bool cd)
{
    u8 index = (u8)(d - ide_drives), sum = 0;
    extension[index].base = d->base;
    extension[index].control = d->control;
    extension[index].head_prefix = (u8)(d->select & 0xF0) | (d->lba ? 0x40 : 0);
    extension[index].irq = d->irq;
    extension[index].block_count = 1;
    extension[index].options =
        (u16)((d->translation ? 0x08 : 0) | (d->lba ? 0x10 : 0) | (cd ? 0x60 : 0) |
              (d->translation == 1   ? 0x400
               : d->translation == 3 ? 0xC00
                                     : 0));
    extension[index].revision = 0x11;
    extension[index].checksum = 0;
    for (u8 i = 0; i < 15; i++)
        sum += ((u8 *)&extension[index])[i];
    extension[index].checksum = (u8)-sum;
    return (u16)(u32)&extension[index];
}

static void write_device_path(const struct regs *r, const struct ide_drive *d)
{
    static const char bus[12] = "PCI ATA     ";
    u16 s = r->ds, o = r->si;
    u8 sum = 0;
    far_write16(s, (u16)(o + 0x1E), 0xBEDD);
    far_write32(s, (u16)(o + 0x20), 36);
    for (u8 i = 0; i < 12; i++)
        far_write8(s, (u16)(o + 0x24 + i), (u8)bus[i]);
    /* Interface path: bus 0, device 1, function 1, channel; device path: master or slave. */
    far_write32(s, (u16)(o + 0x30), 0x00010100 | (u32)(d->irq - 14) << 24);
    far_write32(s, (u16)(o + 0x34), 0);
    far_write32(s, (u16)(o + 0x38), d->select >> 4 & 1);
    far_write32(s, (u16)(o + 0x3C), 0);
    far_write16(s, (u16)(o + 0x40), 0);
    for (u8 i = 0x1E; i < 0x41; i++)
        sum += far_read8(s, (u16)(o + i));
    far_write8(s, (u16)(o + 0x41), (u8)-sum);
}

void edd_parameters(struct regs *r, const struct ide_drive *d, bool cd)
{
    u16 s = r->ds, o = r->si, size = far_read16(s, o);
    if (size < 26) {
        disk_result(r, DISK_BAD_COMMAND);
        return;
    }
    bool geometry = !cd && d->blocks <= 16383u * 16 * 63;
    far_write16(s, (u16)(o + 2), cd ? 0x74 : geometry ? 0x03 : 0x01);
    far_write32(s, (u16)(o + 4), geometry ? d->cylinders : 16383);
    far_write32(s, (u16)(o + 8), geometry ? d->heads : 16);
    far_write32(s, (u16)(o + 12), geometry ? d->sectors : 63);
    far_write32(s, (u16)(o + 16), cd ? 0xFFFFFFFF : (u32)d->blocks);
    far_write32(s, (u16)(o + 20), cd ? 0xFFFFFFFF : (u32)(d->blocks >> 32));
    far_write16(s, (u16)(o + 24), cd ? 2048 : 512);
    if (size < 30) {
        far_write16(s, o, 26);
    } else {
        far_write32(s, (u16)(o + 26), (u32)SEG_DATA << 16 | fill_extension(d, cd));
        far_write16(s, o, size < 66 ? 30 : 66);
        if (size >= 66)
            write_device_path(r, d);
    }
    disk_result(r, DISK_OK);
}

static void seek(struct regs *r, const struct ide_drive *d)
{
    struct edd_packet p;
    bool good = edd_packet_read(r, &p) && ((u64)p.lba_high << 32 | p.lba_low) < d->blocks;
    disk_result(r, good ? DISK_OK : DISK_BAD_COMMAND);
}

void edd_check(struct regs *r, u16 subsets)
{
    if (r->bx != 0x55AA) {
        disk_result(r, DISK_BAD_COMMAND);
        return;
    }
    disk_result(r, DISK_OK);
    r->bx = 0xAA55;
    r->cx = subsets;
    r->ah = EDD_VERSION;
}

/* Prefetch and programmed I/O modes are what they are. */
void edd_configure(struct regs *r)
{
    disk_result(r, r->al <= 6 ? DISK_OK : DISK_BAD_COMMAND);
    if (r->al <= 6)
        r->al = 0;
}

void edd_service(struct regs *r, u8 index)
{
    struct ide_drive *d = &ide_drives[hard_disks[index]];
    switch (r->ah) {
    case 0x41:
        edd_check(r, EDD_ACCESS | EDD_TABLES);
        break;
    case 0x42:
        transfer(r, d, IDE_READ);
        break;
    case 0x43:
        transfer(r, d, IDE_WRITE);
        break;
    case 0x44:
        transfer(r, d, IDE_VERIFY);
        break;
    case 0x47:
        seek(r, d);
        break;
    case 0x48:
        edd_parameters(r, d, false);
        break;
    case 0x4E:
        edd_configure(r);
        break;
    default:
        /* Lock and eject are for removable media. */
        disk_result(r, DISK_BAD_COMMAND);
    }
}
