/* INT 13h: which drive it is for, and hard disks by cylinder, head and sector. */
#include "bios/disk.h"

void disk_result(struct regs *r, u8 status)
{
    r->ah = status;
    if (status)
        carry_set(r);
    else
        carry_clear(r);
    if (r->dl & 0x80)
        BDA->disk_status = status;
    else
        BDA->floppy_status = status;
}

static bool address_from_registers(const struct regs *r, const struct ide_drive *d, u64 *lba)
{
    u16 cylinder = (u16)(r->ch | (r->cl & 0xC0) << 2);
    u8 sector = r->cl & 0x3F;
    if (sector == 0 || sector > d->bios_sectors || r->dh >= d->bios_heads)
        return false;
    *lba = ((u32)cylinder * d->bios_heads + r->dh) * d->bios_sectors + sector - 1;
    return *lba < d->blocks;
}

static void transfer(struct regs *r, struct ide_drive *d, enum ide_direction direction)
{
    u64 lba;
    u16 done = 0;
    if (r->al == 0 || r->al > 128) {
        disk_result(r, DISK_BAD_COMMAND);
        return;
    }
    if (!address_from_registers(r, d, &lba)) {
        r->al = 0;
        disk_result(r, DISK_NO_SECTOR);
        return;
    }
    u8 status = ide_transfer(d, direction, lba, r->al, r->es, r->bx, &done);
    if (direction != IDE_VERIFY)
        r->al = (u8)done;
    disk_result(r, status);
}

static void parameters(struct regs *r, const struct ide_drive *d)
{
    u16 last = (u16)(d->bios_cylinders - 1);
    r->ch = (u8)last;
    r->cl = (u8)((last >> 2 & 0xC0) | d->bios_sectors);
    r->dh = (u8)(d->bios_heads - 1);
    r->dl = (u8)(hard_disk_count + cd_shift_disks());
    r->al = 0;
    r->ah = 0;
    BDA->disk_status = 0;
    carry_clear(r);
}

static void disk_type(struct regs *r, const struct ide_drive *d)
{
    u32 blocks = (u32)d->bios_cylinders * d->bios_heads * d->bios_sectors;
    r->cx = (u16)(blocks >> 16);
    r->dx = (u16)blocks;
    r->ah = 3;
    BDA->disk_status = 0;
    carry_clear(r);
}

static void ready(struct regs *r, const struct ide_drive *d)
{
    outb(d->base + 6, d->select);
    delay_us(1);
    disk_result(r, (inb(d->base + 7) & 0xC0) == 0x40 ? DISK_OK : DISK_NOT_READY);
}

/* Checks the address that format and seek name. */
static void check_track(struct regs *r, const struct ide_drive *d)
{
    u16 cylinder = (u16)(r->ch | (r->cl & 0xC0) << 2);
    bool good = cylinder < d->bios_cylinders && (r->ah == 0x0C || r->dh < d->bios_heads);
    disk_result(r, good ? DISK_OK : r->ah == 0x0C ? DISK_SEEK : DISK_NO_SECTOR);
}

static void hard_disk_service(struct regs *r, u8 index)
{
    struct ide_drive *d = &ide_drives[hard_disks[index]];
    switch (r->ah) {
    case 0x00:
    case 0x0D:
        ide_reset(d);
        disk_result(r, DISK_OK);
        break;
    case 0x02:
        transfer(r, d, IDE_READ);
        break;
    case 0x03:
        transfer(r, d, IDE_WRITE);
        break;
    case 0x04:
        transfer(r, d, IDE_VERIFY);
        break;
    /* Drives come formatted: FORMAT checks its address, SEEK likewise. */
    case 0x05:
    case 0x0C:
        check_track(r, d);
        break;
    case 0x08:
        parameters(r, d);
        break;
    case 0x09:
    case 0x11:
    case 0x14:
        disk_result(r, DISK_OK);
        break;
    case 0x10:
        ready(r, d);
        break;
    case 0x15:
        disk_type(r, d);
        break;
    case 0x41:
    case 0x42:
    case 0x43:
    case 0x44:
    case 0x45:
    case 0x46:
    case 0x47:
    case 0x48:
    case 0x4E:
        edd_service(r, index);
        break;
    default:
        disk_result(r, DISK_BAD_COMMAND);
    }
}

void disk_service(struct regs *r)
{
    if (r->ah == 1) {
        u8 status = r->dl & 0x80 ? BDA->disk_status : BDA->floppy_status;
        disk_result(r, status);
        return;
    }
    if (cd_emulation_service(r))
        return;
    if (r->dl >= 0xE0 && r->dl < 0xE0 + cd_count) {
        cd_service(r, (u8)(r->dl - 0xE0));
        return;
    }
    if (!(r->dl & 0x80)) {
        floppy_service(r);
        return;
    }
    u8 index = (u8)((r->dl & 0x7F) - cd_shift_disks());
    if (index < hard_disk_count) {
        if (r->ah == 0) {
            u8 drive = r->dl;
            r->dl = 0;
            floppy_service(r);
            r->dl = drive;
        }
        hard_disk_service(r, index);
    } else if (r->ah == 0x15) {
        r->ah = 0;
        carry_clear(r);
    } else if (r->ah == 0x08) {
        r->cx = 0;
        r->dx = hard_disk_count;
        r->ah = 7;
        carry_set(r);
    } else {
        disk_result(r, DISK_BAD_COMMAND);
    }
}
