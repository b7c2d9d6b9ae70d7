/* IDE: finding drives, programmed transfers, packets (ATA-4, INF-8020i). */
#include "bios/ide.h"
#include "bios/disk.h"

#define CMD_READ           0x20
#define CMD_READ_EXT       0x24
#define CMD_WRITE          0x30
#define CMD_WRITE_EXT      0x34
#define CMD_VERIFY         0x40
#define CMD_VERIFY_EXT     0x42
#define CMD_PACKET         0xA0
#define CMD_IDENTIFY_CD    0xA1
#define CMD_SET_PARAMETERS 0x91
#define CMD_IDENTIFY       0xEC

struct ide_drive ide_drives[IDE_DRIVES];
u8 hard_disks[IDE_DRIVES], hard_disk_count;
u8 cd_drives[IDE_DRIVES], cd_count;

/* Waits until the drive is not busy and the bits of mask are as wanted; up to about ten seconds.
 * Interrupts are served meanwhile. */
static bool wait_status(const struct ide_drive *d, u8 mask, u8 wanted)
{
    u32 start = BDA->ticks;
    for (u32 i = 0;; i++) {
        u8 status = inb(d->base + REG_STATUS);
        if (!(status & STATUS_BSY) && (status & mask) == wanted)
            return true;
        if (!(status & STATUS_BSY) && status & (STATUS_ERR | STATUS_DF))
            return false;
        if (i > 16)
            interrupt_window();
        if (ticks_since(start) > 18 * 10 || i > 40000000)
            return false;
        delay_us(1);
    }
}

static void select(const struct ide_drive *d, u8 bits)
{
    outb(d->base + REG_SELECT, d->select | bits);
    for (u8 i = 0; i < 4; i++)
        inb(d->control);
}

void ide_reset(struct ide_drive *d)
{
    outb(d->control, 0x04);
    delay_us(20);
    outb(d->control, 0x00);
    delay_ms(3);
    wait_status(d, 0, 0);
}

static u8 error_code(const struct ide_drive *d)
{
    u8 status = inb(d->base + REG_STATUS);
    if (status & STATUS_BSY)
        return DISK_TIMEOUT;
    if (status & STATUS_DF)
        return DISK_CONTROLLER;
    if (!(status & STATUS_ERR))
        return status & STATUS_DRDY ? DISK_TIMEOUT : DISK_NOT_READY;
    u8 error = inb(d->base + REG_ERROR);
    if (error & 0x80)
        return DISK_BAD_SECTOR;
    if (error & 0x40)
        return DISK_CRC;
    if (error & 0x10)
        return DISK_NO_SECTOR;
    if (error & 0x04)
        return DISK_BAD_COMMAND;
    if (error & 0x02)
        return DISK_SEEK;
    if (error & 0x01)
        return DISK_NO_ADDRESS_MARK;
    return DISK_UNDEFINED;
}

/* Brings an address into the form where the offset does not wrap within 64 KiB, where that is
 * possible. */
static void normalise(u16 *segment, u16 *offset)
{
    u32 up = (u32)*segment + (*offset >> 4);
    if (up <= 0xFFFF) {
        *segment = (u16)up;
        *offset &= 15;
    }
}

static void words_in(u16 port, u16 segment, u16 offset, u16 words)
{
    u32 di = offset, count = words;
    __asm__ volatile(
        "movw %w3, %%es\n\t"
        "rep insw\n\t"
        "pushw %%ds\n\t"
        "popw %%es"
        : "+D"(di), "+c"(count)
        : "d"(port), "a"(segment)
        : "memory");
}

static void words_out(u16 port, u16 segment, u16 offset, u16 words)
{
    u32 si = offset, count = words;
    __asm__ volatile(
        "pushw %%ds\n\t"
        "movw %w3, %%ds\n\t"
        "rep outsw\n\t"
        "popw %%ds"
        : "+S"(si), "+c"(count)
        : "d"(port), "a"(segment)
        : "memory");
}

static void write_address(const struct ide_drive *d, u64 lba, u16 count, bool extended)
{
    u16 base = d->base;
    if (extended) {
        select(d, 0x40);
        outb(base + REG_COUNT, (u8)(count >> 8));
        outb(base + REG_SECTOR, (u8)(lba >> 24));
        outb(base + REG_CYL_LOW, (u8)(lba >> 32));
        outb(base + REG_CYL_HI, (u8)(lba >> 40));
    }
    u8 sector = (u8)lba, low = (u8)(lba >> 8), high = (u8)(lba >> 16), head = 0x40;
    if (!extended && d->lba) {
        head |= (u8)(lba >> 24) & 0x0F;
    } else if (!d->lba) {
        u32 block = (u32)lba, track = block / d->sectors;
        u32 cylinder = track / d->heads;
        sector = (u8)(block % d->sectors + 1);
        low = (u8)cylinder;
        high = (u8)(cylinder >> 8);
        head = (u8)(track % d->heads);
    }
    if (!extended)
        select(d, head);
    outb(base + REG_COUNT, (u8)count);
    outb(base + REG_SECTOR, sector);
    outb(base + REG_CYL_LOW, low);
    outb(base + REG_CYL_HI, high);
}

/* One command: up to 256 blocks. */
static u8 transfer_some(struct ide_drive *d, enum ide_direction direction, u64 lba, u16 count,
                        u16 segment, u16 offset, u16 *done)
{
    static const u8 commands[3][2] = {
        {CMD_READ,   CMD_READ_EXT  },
        {CMD_WRITE,  CMD_WRITE_EXT },
        {CMD_VERIFY, CMD_VERIFY_EXT}
    };
    bool extended = d->lba48 && lba + count > 0xFFFFFFF;
    select(d, 0);
    if (!wait_status(d, STATUS_DRDY, STATUS_DRDY))
        return DISK_NOT_READY;
    write_address(d, lba, count, extended);
    BDA->disk_interrupt = 0;
    outb(d->base + REG_COMMAND, commands[direction][extended]);
    inb(d->control);
    if (direction == IDE_VERIFY) {
        if (!wait_status(d, STATUS_ERR | STATUS_DF, 0))
            return error_code(d);
        *done += count;
        return DISK_OK;
    }
    while (count--) {
        if (!wait_status(d, STATUS_DRQ, STATUS_DRQ))
            return error_code(d);
        normalise(&segment, &offset);
        if (direction == IDE_READ)
            words_in(d->base + REG_DATA, segment, offset, 256);
        else
            words_out(d->base + REG_DATA, segment, offset, 256);
        offset += 512;
        inb(d->control);
        if (direction == IDE_WRITE && !wait_status(d, STATUS_ERR | STATUS_DF, 0))
            return error_code(d);
        (*done)++;
        interrupt_window();
    }
    return wait_status(d, STATUS_DRQ | STATUS_ERR, 0) ? DISK_OK : error_code(d);
}

u8 ide_transfer(struct ide_drive *d, enum ide_direction direction, u64 lba, u16 count, u16 segment,
                u16 offset, u16 *done)
{
    *done = 0;
    while (count) {
        u16 part = count < 128 ? count : 128;
        u8 status = transfer_some(d, direction, lba, part, segment, offset, done);
        if (status != DISK_OK)
            return status;
        lba += part;
        count -= part;
        normalise(&segment, &offset);
        u32 next = ((u32)segment << 4) + offset + ((u32)part << 9);
        segment = (u16)(next >> 4);
        offset = (u16)(next & 15);
    }
    return DISK_OK;
}

static u8 sense_status(struct ide_drive *d)
{
    static u8 sense[18];
    const u8 packet[12] = {0x03, 0, 0, 0, 18};
    u32 length = 18;
    if (atapi_command(d, packet, SEG_DATA, (u16)(u32)sense, &length) != DISK_OK)
        return DISK_UNDEFINED;
    switch (sense[2] & 15) {
    case 2:
        return sense[12] == 0x3A ? DISK_NO_MEDIA : DISK_NOT_READY;
    case 3:
        return DISK_CRC;
    case 5:
        return DISK_BAD_COMMAND;
    case 6:
        return DISK_CHANGED;
    }
    return DISK_UNDEFINED;
}

u8 atapi_command(struct ide_drive *d, const u8 packet[12], u16 segment, u16 offset, u32 *length)
{
    u16 base = d->base;
    u32 room = *length;
    *length = 0;
    select(d, 0);
    if (!wait_status(d, STATUS_DRQ, 0))
        return DISK_NOT_READY;
    outb(base + REG_ERROR, 0);
    outb(base + REG_CYL_LOW, 0x00);
    outb(base + REG_CYL_HI, 0xF8);
    outb(base + REG_COMMAND, CMD_PACKET);
    inb(d->control);
    if (!wait_status(d, STATUS_DRQ, STATUS_DRQ))
        return error_code(d);
    words_out(base + REG_DATA, SEG_DATA, (u16)(u32)packet, 6);
    for (;;) {
        inb(d->control);
        if (!wait_status(d, 0, 0))
            break;
        u8 status = inb(base + REG_STATUS);
        if (status & STATUS_ERR || !(status & STATUS_DRQ))
            break;
        u16 bytes = (u16)(inb(base + REG_CYL_LOW) | inb(base + REG_CYL_HI) << 8);
        u16 words = (u16)((bytes + 1) / 2), take = words;
        if (take > (room - *length) / 2)
            take = (u16)((room - *length) / 2);
        normalise(&segment, &offset);
        words_in(base + REG_DATA, segment, offset, take);
        for (u16 i = take; i < words; i++)
            inw(base + REG_DATA);
        u32 next = ((u32)segment << 4) + offset + (u32)take * 2;
        segment = (u16)(next >> 4);
        offset = (u16)(next & 15);
        *length += (u32)take * 2;
    }
    if (!(inb(base + REG_STATUS) & STATUS_ERR))
        return DISK_OK;
    return packet[0] == 0x03 ? DISK_UNDEFINED : sense_status(d);
}

bool cd_ready(struct ide_drive *d)
{
    const u8 packet[12] = {0};
    u8 status = DISK_UNDEFINED;
    for (u8 i = 0; i < 40; i++) {
        u32 length = 0;
        status = atapi_command(d, packet, SEG_DATA, 0, &length);
        if (status == DISK_OK)
            return true;
        if (status == DISK_NO_MEDIA)
            return false;
        if (status != DISK_CHANGED)
            delay_ms(50);
    }
    return false;
}

u8 cd_read(struct ide_drive *d, u32 lba, u16 count, u16 segment, u16 offset, u16 *done)
{
    u8 status = DISK_OK;
    *done = 0;
    for (u8 attempt = 0; attempt < 4; attempt++) {
        const u8 packet[12] = {0x28,    0, (u8)(lba >> 24),  (u8)(lba >> 16), (u8)(lba >> 8),
                               (u8)lba, 0, (u8)(count >> 8), (u8)count};
        u32 length = (u32)count * 2048;
        status = atapi_command(d, packet, segment, offset, &length);
        *done = (u16)(length >> 11);
        if (status == DISK_OK && *done == count)
            return DISK_OK;
        if (status != DISK_CHANGED)
            break;
    }
    return status == DISK_OK ? DISK_UNDEFINED : status;
}

void ide_interrupt(struct regs *r)
{
    struct regs hook = {.ax = 0x9100};
    (void)r;
    BDA->disk_interrupt = 0xFF;
    outb(0xA0, 0x20);
    outb(0x20, 0x20);
    call_interrupt(&hook, 0x15);
}
