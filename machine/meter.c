#include "machine/meter.h"

#include "base/memory.h"

struct meter {
    struct disk_backend disk; /* first: the chip's pointer is this struct's */
    struct disk_backend *next;
    uint64_t *sectors;
};

static bool meter_read(struct disk_backend *disk, uint64_t lba, uint32_t count, void *bytes,
                       struct error *err)
{
    struct meter *meter = (struct meter *)disk;
    *meter->sectors += count;
    return meter->next->ops->read(meter->next, lba, count, bytes, err);
}

static bool meter_write(struct disk_backend *disk, uint64_t lba, uint32_t count, const void *bytes,
                        struct error *err)
{
    struct meter *meter = (struct meter *)disk;
    *meter->sectors += count;
    return meter->next->ops->write(meter->next, lba, count, bytes, err);
}

static bool meter_flush(struct disk_backend *disk, struct error *err)
{
    struct meter *meter = (struct meter *)disk;
    return meter->next->ops->flush(meter->next, err);
}

static void meter_close(struct disk_backend *disk)
{
    struct meter *meter = (struct meter *)disk;
    meter->next->ops->close(meter->next);
    mem_free(meter);
}

struct disk_backend *meter_new(struct disk_backend *next, uint64_t *sectors)
{
    static const struct disk_backend_ops ops = {
        .read = meter_read, .write = meter_write, .flush = meter_flush, .close = meter_close};
    if (!next)
        return NULL;
    struct meter *meter = mem_new(sizeof *meter);
    meter->disk = *next;
    meter->disk.ops = &ops;
    meter->next = next;
    meter->sectors = sectors;
    return &meter->disk;
}

struct disk_backend *meter_disk(struct disk_backend *meter)
{
    return meter ? ((struct meter *)meter)->next : NULL;
}

void meter_free(struct disk_backend *meter)
{
    mem_free(meter);
}
