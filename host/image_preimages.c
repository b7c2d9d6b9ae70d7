#include "host/image_preimages.h"

#include "base/memory.h"

#include <string.h>

struct preimages {
    struct disk_backend backend;
    struct disk_backend *disk;
    unsigned place;
    image_preimage *saw;
    void *opaque;
    uint8_t *saved; /* a bit a sector */
};

static bool is_saved(const struct preimages *image, uint64_t lba)
{
    return image->saved[lba / 8] >> (lba % 8) & 1;
}

static bool pass_read(struct disk_backend *disk, uint64_t lba, uint32_t count, void *bytes,
                      struct error *err)
{
    struct disk_backend *next = ((struct preimages *)disk)->disk;
    return next->ops->read(next, lba, count, bytes, err);
}

/* The count sectors at lba, none of which has been saved. */
static bool save(struct preimages *image, uint64_t lba, uint32_t count, struct error *err)
{
    uint8_t *bytes = mem_new((size_t)count * DISK_SECTOR_SIZE);
    bool ok = image->disk->ops->read(image->disk, lba, count, bytes, err);
    if (ok)
        image->saw(image->opaque, image->place, lba, count, bytes);
    for (uint32_t i = 0; ok && i < count; i++)
        image->saved[(lba + i) / 8] |= (uint8_t)(1 << (lba + i) % 8);
    mem_free(bytes);
    return ok;
}

static bool save_and_write(struct disk_backend *disk, uint64_t lba, uint32_t count,
                           const void *bytes, struct error *err)
{
    struct preimages *image = (struct preimages *)disk;
    bool is_inside = lba < disk->sector_count && count <= disk->sector_count - lba;
    for (uint32_t i = 0, run; is_inside && i < count; i += run) {
        for (run = 0; i + run < count && !is_saved(image, lba + i + run);)
            run++;
        if (run && !save(image, lba + i, run, err))
            return false;
        run += run == 0;
    }
    return image->disk->ops->write(image->disk, lba, count, bytes, err);
}

static bool pass_flush(struct disk_backend *disk, struct error *err)
{
    struct disk_backend *next = ((struct preimages *)disk)->disk;
    return next->ops->flush(next, err);
}

static bool pass_next_written(const struct disk_backend *disk, uint64_t *lba, uint64_t *count)
{
    const struct disk_backend *next = ((const struct preimages *)disk)->disk;
    return next->ops->next_written(next, lba, count);
}

static void pass_share(struct disk_backend *disk)
{
    struct disk_backend *next = ((struct preimages *)disk)->disk;
    next->ops->share(next);
}

static bool pass_unshare(struct disk_backend *disk, struct error *err)
{
    struct disk_backend *next = ((struct preimages *)disk)->disk;
    return next->ops->unshare(next, err);
}

static void pass_forget_written(struct disk_backend *disk)
{
    struct disk_backend *next = ((struct preimages *)disk)->disk;
    next->ops->forget_written(next);
}

static void close_both(struct disk_backend *disk)
{
    struct preimages *image = (struct preimages *)disk;
    image->disk->ops->close(image->disk);
    mem_free(image->saved);
    mem_free(image);
}

struct disk_backend *image_preimages_new(struct disk_backend *disk, unsigned place,
                                         image_preimage *saw, void *opaque)
{
    static const struct disk_backend_ops direct = {
        .read = pass_read, .write = save_and_write, .flush = pass_flush, .close = close_both};
    static const struct disk_backend_ops with_overlay = {.read = pass_read,
                                                         .write = save_and_write,
                                                         .flush = pass_flush,
                                                         .close = close_both,
                                                         .next_written = pass_next_written,
                                                         .share = pass_share,
                                                         .unshare = pass_unshare,
                                                         .forget_written = pass_forget_written};
    struct preimages *image = mem_new(sizeof *image);
    image->backend = *disk;
    image->backend.ops = disk->ops->next_written ? &with_overlay : &direct;
    image->disk = disk;
    image->place = place;
    image->saw = saw;
    image->opaque = opaque;
    image->saved = mem_new((size_t)(disk->sector_count / 8 + 1));
    return &image->backend;
}

void image_preimages_forget(struct disk_backend *disk)
{
    memset(((struct preimages *)disk)->saved, 0, (size_t)(disk->sector_count / 8 + 1));
}
