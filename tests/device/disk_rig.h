/* A disk in memory, with faults on demand, for tests of storage controllers. */
#ifndef TESTS_DEVICE_DISK_RIG_H
#define TESTS_DEVICE_DISK_RIG_H

#include "base/bits.h"
#include "base/memory.h"
#include "bus/backend.h"

#include <string.h>

enum { DISK_RIG_STORED = 32768 };

struct disk_rig {
    struct disk_backend backend;
    uint8_t *bytes; /* of the first `stored` sectors; beyond, the disk repeats itself */
    uint64_t stored;
    unsigned flushes;
    uint64_t bad_sector; /* an I/O error there; UINT64_MAX: none */
};

static inline struct disk_rig *disk_rig_of(struct disk_backend *disk)
{
    return (struct disk_rig *)disk;
}

static inline uint8_t *disk_rig_sector(struct disk_backend *disk, uint64_t lba)
{
    struct disk_rig *rig = disk_rig_of(disk);
    return rig->bytes + lba % rig->stored * DISK_SECTOR_SIZE;
}

static inline bool disk_rig_fails(struct disk_rig *disk, uint64_t lba, uint32_t count,
                                  struct error *err)
{
    assert_true(lba + count <= disk->backend.sector_count);
    if (disk->bad_sector < lba || disk->bad_sector >= lba + count)
        return false;
    error_set(err, "test disk: bad sector %u", (unsigned)disk->bad_sector);
    return true;
}

static inline bool disk_rig_read(struct disk_backend *disk, uint64_t lba, uint32_t count,
                                 void *bytes, struct error *err)
{
    if (disk_rig_fails(disk_rig_of(disk), lba, count, err))
        return false;
    for (uint32_t i = 0; i < count; i++)
        memcpy((uint8_t *)bytes + i * DISK_SECTOR_SIZE, disk_rig_sector(disk, lba + i),
               DISK_SECTOR_SIZE);
    return true;
}

static inline bool disk_rig_write(struct disk_backend *disk, uint64_t lba, uint32_t count,
                                  const void *bytes, struct error *err)
{
    assert_false(disk->read_only);
    if (disk_rig_fails(disk_rig_of(disk), lba, count, err))
        return false;
    for (uint32_t i = 0; i < count; i++)
        memcpy(disk_rig_sector(disk, lba + i), (const uint8_t *)bytes + i * DISK_SECTOR_SIZE,
               DISK_SECTOR_SIZE);
    return true;
}

static inline bool disk_rig_flush(struct disk_backend *disk, struct error *err)
{
    disk_rig_of(disk)->flushes++;
    return true;
}

static inline void disk_rig_close(struct disk_backend *disk)
{
    mem_free(disk_rig_of(disk)->bytes);
    mem_free(disk);
}

/* Every stored sector begins with its number (32 bits) and is filled with the number's low byte. */
static inline struct disk_backend *disk_rig_new(uint64_t sectors)
{
    static const struct disk_backend_ops ops = {.read = disk_rig_read,
                                                .write = disk_rig_write,
                                                .flush = disk_rig_flush,
                                                .close = disk_rig_close};
    struct disk_rig *disk = mem_new(sizeof *disk);
    disk->backend.ops = &ops;
    disk->backend.sector_count = sectors;
    strcpy(disk->backend.name, "test");
    disk->bad_sector = UINT64_MAX;
    disk->stored = sectors < DISK_RIG_STORED ? sectors : DISK_RIG_STORED;
    disk->bytes = mem_new((size_t)disk->stored * DISK_SECTOR_SIZE);
    for (uint32_t i = 0; i < disk->stored; i++) {
        memset(disk->bytes + (size_t)i * DISK_SECTOR_SIZE, (int)(i & 0xFF), DISK_SECTOR_SIZE);
        memcpy(disk->bytes + (size_t)i * DISK_SECTOR_SIZE, &i, 4);
    }
    return &disk->backend;
}

#endif
