/* A hard disk's data transfers: addresses in three forms, and the PIO, multiple and DMA protocols
 * (ATA/ATAPI-6, clause 9). */
#include "devices/ide_private.h"

#include <string.h>

enum {
    LBA28_LIMIT = 0x10000000,
    PIO_NS_PER_SECTOR = 4000,
};

/* --- addresses --- */

/* False: the registers name no sector (head or sector beyond the translation). */
bool ata_get_address(const struct ide_drive *drive, bool extended, uint64_t *lba)
{
    const struct ide_taskfile *task = &drive->task;
    const struct ata_state *ata = &drive->ata;
    if (extended) {
        *lba = task->lba_low[0] | (uint32_t)task->lba_mid[0] << 8 |
               (uint32_t)task->lba_high[0] << 16 | (uint64_t)task->lba_low[1] << 24 |
               (uint64_t)task->lba_mid[1] << 32 | (uint64_t)task->lba_high[1] << 40;
        return true;
    }
    unsigned head = task->device & 0x0F;
    if (task->device & ATA_DEVICE_LBA) {
        *lba = task->lba_low[0] | (uint32_t)task->lba_mid[0] << 8 |
               (uint32_t)task->lba_high[0] << 16 | (uint32_t)head << 24;
        return true;
    }
    unsigned cylinder = task->lba_mid[0] | (unsigned)task->lba_high[0] << 8;
    unsigned sector = task->lba_low[0];
    if (sector == 0 || sector > ata->sectors || head >= ata->heads || cylinder >= ata->cylinders)
        return false;
    *lba = ((uint64_t)cylinder * ata->heads + head) * ata->sectors + sector - 1;
    return true;
}

void ata_put_address(struct ide_drive *drive, uint64_t lba, bool extended)
{
    struct ide_taskfile *task = &drive->task;
    const struct ata_state *ata = &drive->ata;
    uint32_t low = (uint32_t)lba, head = low >> 24 & 0x0F;
    if (!extended && !(task->device & ATA_DEVICE_LBA)) {
        uint32_t track = low / ata->sectors;
        head = track % ata->heads;
        low = (low % ata->sectors + 1) | track / ata->heads << 8;
    }
    task->lba_low[0] = (uint8_t)low;
    task->lba_mid[0] = (uint8_t)(low >> 8);
    task->lba_high[0] = (uint8_t)(low >> 16);
    if (extended) {
        task->lba_low[1] = (uint8_t)(lba >> 24);
        task->lba_mid[1] = (uint8_t)(lba >> 32);
        task->lba_high[1] = (uint8_t)(lba >> 40);
    } else {
        task->device = (uint8_t)((task->device & 0xF0) | head);
    }
}

static void put_count(struct ide_drive *drive)
{
    drive->task.count[0] = (uint8_t)drive->ata.remaining;
    drive->task.count[1] = (uint8_t)(drive->ata.remaining >> 8);
}

/* Sectors from lba that exist, as the command can address them. */
static uint64_t sectors_from(const struct ide_drive *drive, uint64_t lba)
{
    uint64_t limit = drive->ata.max_sectors;
    if (!drive->ata.extended && limit > LBA28_LIMIT)
        limit = LBA28_LIMIT;
    return lba < limit ? limit - lba : 0;
}

/* The command ends with an error at lba; the registers name it. */
static void fail_at(struct ide_drive *drive, uint64_t lba, uint8_t error)
{
    ata_put_address(drive, lba, drive->ata.extended);
    put_count(drive);
    ata_fail(drive, error);
}

/* Count and address of a command that is to be done. False: it has been failed. */
static bool begin(struct ide_drive *drive, bool extended, uint32_t block_limit)
{
    struct ata_state *ata = &drive->ata;
    const struct ide_taskfile *task = &drive->task;
    if (block_limit == 0 || (extended && !(task->device & ATA_DEVICE_LBA))) {
        ata_fail(drive, ATA_ABRT);
        return false;
    }
    ata->extended = extended;
    ata->block_limit = block_limit;
    ata->block = 0;
    if (extended) {
        ata->remaining = task->count[0] | (uint32_t)task->count[1] << 8;
        if (ata->remaining == 0)
            ata->remaining = ATA_MAX_COUNT;
    } else {
        ata->remaining = task->count[0] ? task->count[0] : 256;
    }
    if (!ata_get_address(drive, extended, &ata->lba) || sectors_from(drive, ata->lba) == 0) {
        ata_fail(drive, ATA_IDNF);
        return false;
    }
    return true;
}

static uint32_t method_block(const struct ide_drive *drive, enum ata_method method)
{
    if (method == ATA_BY_MULTIPLE)
        return drive->ata.multiple;
    return method == ATA_BY_DMA ? IDE_BLOCK_SECTORS : 1;
}

/* Counts count sectors as done; the registers name the last one. */
static void advance(struct ide_drive *drive, uint32_t count)
{
    struct ata_state *ata = &drive->ata;
    ata->lba += count;
    ata->remaining -= count;
    ata_put_address(drive, ata->lba - 1, ata->extended);
    put_count(drive);
}

/* --- the medium --- */

static bool read_medium(struct ide_drive *drive, uint32_t count)
{
    struct error err;
    if (drive->disk->ops->read(drive->disk, drive->ata.lba, count, drive->channel->buffer, &err))
        return true;
    log_line(ide_log(drive), LOG_ERROR, "ide: %s", err.text);
    fail_at(drive, drive->ata.lba, ATA_UNC);
    return false;
}

static bool write_medium(struct ide_drive *drive, uint32_t count)
{
    struct disk_backend *disk = drive->disk;
    struct error err = {"it is read-only"};
    if (!disk->read_only &&
        disk->ops->write(disk, drive->ata.lba, count, drive->channel->buffer, &err) &&
        (drive->ata.write_cache || disk->ops->flush(disk, &err)))
        return true;
    log_line(ide_log(drive), LOG_ERROR, "ide: %s", err.text);
    ata_put_address(drive, drive->ata.lba, drive->ata.extended);
    put_count(drive);
    ide_complete(drive, ATA_DRDY | ATA_DF | ATA_ERR, ATA_ABRT, true);
    return false;
}

/* --- reading --- */

void ata_begin_read(struct ide_drive *drive, bool extended, enum ata_method method)
{
    if (!begin(drive, extended, method_block(drive, method)))
        return;
    if (method == ATA_BY_DMA)
        ide_request_dma(drive, STEP_ATA_READ_DMA);
    else
        ide_schedule(drive, STEP_ATA_READ, IDE_NS_BLOCK);
}

/* Size of the next block, cut at the end of the disk; 0: the command has failed there. */
static uint32_t next_block(struct ide_drive *drive)
{
    struct ata_state *ata = &drive->ata;
    uint32_t count = ata->remaining < ata->block_limit ? ata->remaining : ata->block_limit;
    uint64_t available = sectors_from(drive, ata->lba);
    if (available == 0)
        fail_at(drive, ata->lba, ATA_IDNF);
    return available < count ? (uint32_t)available : count;
}

static void read_step(struct ide_drive *drive)
{
    uint32_t count = next_block(drive);
    if (count == 0 || !read_medium(drive, count))
        return;
    drive->ata.block = count;
    advance(drive, count);
    ide_open_port(drive, TRANSFER_IN, 0, count * DISK_SECTOR_SIZE);
    ide_set_irq(drive, true);
}

/* --- DMA --- */

static void dma_step(struct ide_drive *drive, bool is_read)
{
    struct ata_state *ata = &drive->ata;
    uint32_t count = next_block(drive);
    if (count == 0 || (is_read && !read_medium(drive, count)))
        return;
    uint32_t size = count * DISK_SECTOR_SIZE;
    drive->status |= ATA_DRQ;
    /* A table that is too short leaves the drive waiting with DRQ, until the host resets it. */
    if (ide_bus_master_move(drive->channel, drive->channel->buffer, size, is_read) < size)
        return;
    if (!is_read && !write_medium(drive, count))
        return;
    advance(drive, count);
    if (ata->remaining == 0)
        ide_schedule(drive, STEP_ATA_FINISH, (uint64_t)size * IDE_NS_PER_BYTE);
    else
        ide_schedule(drive, is_read ? STEP_ATA_READ_DMA : STEP_ATA_WRITE_DMA,
                     (uint64_t)size * IDE_NS_PER_BYTE);
}

/* --- writing --- */

static void open_write_block(struct ide_drive *drive)
{
    uint32_t count = next_block(drive);
    if (count == 0)
        return;
    drive->ata.block = count;
    ide_open_port(drive, TRANSFER_OUT, 0, count * DISK_SECTOR_SIZE);
}

void ata_begin_write(struct ide_drive *drive, bool extended, enum ata_method method)
{
    if (!begin(drive, extended, method_block(drive, method)))
        return;
    if (drive->disk->read_only) {
        ata_fail(drive, ATA_ABRT | ATA_WP);
        return;
    }
    if (method == ATA_BY_DMA)
        ide_request_dma(drive, STEP_ATA_WRITE_DMA);
    else
        open_write_block(drive); /* no interrupt for the first block */
}

static void write_step(struct ide_drive *drive)
{
    if (!write_medium(drive, drive->ata.block))
        return;
    advance(drive, drive->ata.block);
    if (drive->ata.remaining == 0) {
        ata_finish(drive);
        return;
    }
    open_write_block(drive);
    if (drive->status & ATA_DRQ)
        ide_set_irq(drive, true);
}

/* --- without data --- */

void ata_begin_verify(struct ide_drive *drive, bool extended)
{
    if (begin(drive, extended, 1))
        ide_schedule(drive, STEP_ATA_VERIFY, IDE_NS_BLOCK);
}

static void verify_step(struct ide_drive *drive)
{
    uint64_t available = sectors_from(drive, drive->ata.lba);
    if (available < drive->ata.remaining) {
        advance(drive, (uint32_t)available);
        fail_at(drive, drive->ata.lba, ATA_IDNF);
        return;
    }
    advance(drive, drive->ata.remaining);
    ata_finish(drive);
}

void ata_begin_seek(struct ide_drive *drive)
{
    if (begin(drive, false, 1))
        ide_schedule(drive, STEP_ATA_FINISH, IDE_NS_BLOCK);
}

void ata_transfer_step(struct ide_drive *drive, enum ide_step step)
{
    switch (step) {
    case STEP_ATA_READ:
        read_step(drive);
        break;
    case STEP_ATA_WRITE:
        write_step(drive);
        break;
    case STEP_ATA_READ_DMA:
        dma_step(drive, true);
        break;
    case STEP_ATA_WRITE_DMA:
        dma_step(drive, false);
        break;
    case STEP_ATA_VERIFY:
        verify_step(drive);
        break;
    default:
        break;
    }
}

void ata_transfer_port_done(struct ide_drive *drive, bool to_host)
{
    uint64_t ns = IDE_NS_COMMAND + (uint64_t)drive->ata.block * PIO_NS_PER_SECTOR;
    if (!to_host)
        ide_schedule(drive, STEP_ATA_WRITE, ns);
    else if (drive->ata.remaining)
        ide_schedule(drive, STEP_ATA_READ, ns);
}
