#include "host/image_backends.h"

#include "base/memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MAX_FROZEN = 64,
    FEW_SECTORS = 1024, /* are copied as quickly as a layer is made */
};

/* store is a sparse file with the layout of the disk; written has one bit a sector. */
struct layer {
    struct disk_backend *store;
    uint8_t *written;
    uint64_t count; /* bits in written */
};

/* Writes go to top. The frozen layers, from the oldest on, lie between it and base: forked
 * processes share them, and nobody writes to them any more. */
struct overlay_image {
    struct disk_backend backend;
    struct disk_backend *base;
    struct layer top, frozen[MAX_FROZEN];
    unsigned frozen_count;
    uint8_t *changed; /* written of all layers */
    int folder;       /* where stores are made */
};

static struct overlay_image *overlay_of(struct disk_backend *disk)
{
    return (struct overlay_image *)disk;
}

static bool has_bit(const uint8_t *bits, uint64_t lba)
{
    return bits[lba / 8] >> (lba % 8) & 1;
}

/* Who has the sector. */
static struct disk_backend *origin(const struct overlay_image *image, uint64_t lba)
{
    if (!has_bit(image->changed, lba))
        return image->base;
    if (has_bit(image->top.written, lba))
        return image->top.store;
    unsigned i = image->frozen_count - 1;
    while (!has_bit(image->frozen[i].written, lba))
        i--;
    return image->frozen[i].store;
}

static size_t written_size(uint64_t sector_count)
{
    return (size_t)(sector_count / 8 + 1);
}

/* How many of the count sectors at lba have the same origin as the first. */
static uint32_t run_length(const struct overlay_image *image, uint64_t lba, uint32_t count)
{
    uint32_t length = 1;
    const struct disk_backend *first = origin(image, lba);
    while (length < count && origin(image, lba + length) == first)
        length++;
    return length;
}

static bool overlay_read(struct disk_backend *disk, uint64_t lba, uint32_t count, void *bytes,
                         struct error *err)
{
    struct overlay_image *image = overlay_of(disk);
    if (lba > disk->sector_count || count > disk->sector_count - lba)
        return image->base->ops->read(image->base, lba, count, bytes, err);
    uint8_t *to = bytes;
    while (count) {
        uint32_t length = run_length(image, lba, count);
        struct disk_backend *from = origin(image, lba);
        if (!from->ops->read(from, lba, length, to, err))
            return false;
        to += (size_t)length * DISK_SECTOR_SIZE;
        lba += length;
        count -= length;
    }
    return true;
}

static bool overlay_write(struct disk_backend *disk, uint64_t lba, uint32_t count,
                          const void *bytes, struct error *err)
{
    struct overlay_image *image = overlay_of(disk);
    struct layer *top = &image->top;
    if (!top->store->ops->write(top->store, lba, count, bytes, err))
        return false;
    for (uint64_t i = lba; i < lba + count; i++) {
        top->count += !has_bit(top->written, i);
        top->written[i / 8] |= (uint8_t)(1 << i % 8);
        image->changed[i / 8] |= (uint8_t)(1 << i % 8);
    }
    return true;
}

/* What is written lives no longer than the program, so there is nothing to make safe. */
static bool overlay_flush(struct disk_backend *disk, struct error *err)
{
    return true;
}

static void close_layer(struct layer *layer)
{
    layer->store->ops->close(layer->store);
    mem_free(layer->written);
}

static void thaw_all(struct overlay_image *image)
{
    while (image->frozen_count)
        close_layer(&image->frozen[--image->frozen_count]);
}

static void overlay_close(struct disk_backend *disk)
{
    struct overlay_image *image = overlay_of(disk);
    image->base->ops->close(image->base);
    thaw_all(image);
    close_layer(&image->top);
    close(image->folder);
    mem_free(image->changed);
    mem_free(image);
}

static bool overlay_rest(struct disk_backend *disk, bool resting)
{
    struct disk_backend *base = overlay_of(disk)->base;
    return !base->ops->rest || base->ops->rest(base, resting);
}

static bool overlay_has_changed(struct disk_backend *disk)
{
    struct disk_backend *base = overlay_of(disk)->base;
    return base->ops->has_changed && base->ops->has_changed(base);
}

/* The next run of bits before end. */
static bool next_run(const uint8_t *bits, uint64_t end, uint64_t *lba, uint64_t *count)
{
    uint64_t first = *lba;
    while (first < end && !has_bit(bits, first))
        first += first % 8 || bits[first / 8] ? 1 : 8;
    if (first >= end)
        return false;
    uint64_t last = first + 1;
    while (last < end && has_bit(bits, last))
        last++;
    *lba = first;
    *count = last - first;
    return true;
}

static bool overlay_next_written(const struct disk_backend *disk, uint64_t *lba, uint64_t *count)
{
    return next_run(((const struct overlay_image *)disk)->changed, disk->sector_count, lba, count);
}

/* The store keeps its room, which the next writes take again. */
static void overlay_forget_written(struct disk_backend *disk)
{
    struct overlay_image *image = overlay_of(disk);
    thaw_all(image);
    memset(image->changed, 0, written_size(disk->sector_count));
    memset(image->top.written, 0, written_size(disk->sector_count));
    image->top.count = 0;
}

static void overlay_share(struct disk_backend *disk);

static const struct disk_backend_ops overlay_ops = {.read = overlay_read,
                                                    .write = overlay_write,
                                                    .flush = overlay_flush,
                                                    .close = overlay_close,
                                                    .rest = overlay_rest,
                                                    .has_changed = overlay_has_changed,
                                                    .next_written = overlay_next_written,
                                                    .forget_written = overlay_forget_written,
                                                    .share = overlay_share,
                                                    .unshare = image_overlay_unshare};

/* The folder for stores; given NULL: $TMPDIR or /tmp. */
static int open_folder(const char *given, struct error *err)
{
    const char *temporary = getenv("TMPDIR");
    const char *directory = given ? given : temporary && *temporary ? temporary : "/tmp";
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || faccessat(fd, ".", W_OK | X_OK, 0) != 0) {
        error_set_errno(err,
                        "cannot make a snapshot overlay in '%s' (set TMPDIR to a directory that "
                        "can be written)",
                        directory);
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

/* Without a name. The folder may have been renamed since it was opened. */
static bool make_layer(const struct disk_backend *disk, int folder, struct layer *layer,
                       struct error *err)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d/anachron-XXXXXX", folder);
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, "%s: cannot make a file for its snapshot overlay", disk->name);
    unlink(path);
    *layer = (struct layer){
        .store = image_raw_new(fd, disk->sector_count * DISK_SECTOR_SIZE, false, disk->name),
        .written = mem_new(written_size(disk->sector_count)),
    };
    return true;
}

struct disk_backend *image_overlay_new(struct disk_backend *base, const char *directory,
                                       struct error *err)
{
    struct overlay_image *image = mem_new(sizeof *image);
    image->backend = *base;
    image->backend.ops = &overlay_ops;
    image->backend.read_only = false;
    image->base = base;
    image->folder = open_folder(directory, err);
    if (image->folder >= 0 && make_layer(base, image->folder, &image->top, err)) {
        image->changed = mem_new(written_size(base->sector_count));
        return &image->backend;
    }
    base->ops->close(base);
    if (image->folder >= 0)
        close(image->folder);
    mem_free(image);
    return NULL;
}

bool image_overlay_is(const struct disk_backend *disk)
{
    return disk->ops == &overlay_ops;
}

/* What it has got lies frozen below a new layer. If that cannot be, there is more to copy. */
static void overlay_share(struct disk_backend *disk)
{
    struct overlay_image *image = overlay_of(disk);
    struct layer top = {0};
    struct error err;
    if (image->top.count <= FEW_SECTORS || image->frozen_count == MAX_FROZEN ||
        !make_layer(disk, image->folder, &top, &err))
        return;
    image->frozen[image->frozen_count++] = image->top;
    image->top = top;
}

bool image_overlay_unshare(struct disk_backend *disk, struct error *err)
{
    enum { CHUNK_SECTORS = 256 };
    struct overlay_image *image = overlay_of(disk);
    struct layer *top = &image->top, copy = {0};
    if (!make_layer(disk, image->folder, &copy, err))
        return false;
    uint8_t *chunk = mem_new(CHUNK_SECTORS * DISK_SECTOR_SIZE);
    bool ok = true;
    uint64_t lba = 0, count;
    for (; ok && next_run(top->written, disk->sector_count, &lba, &count); lba += count) {
        count = count < CHUNK_SECTORS ? count : CHUNK_SECTORS;
        ok = top->store->ops->read(top->store, lba, (uint32_t)count, chunk, err) &&
             copy.store->ops->write(copy.store, lba, (uint32_t)count, chunk, err);
    }
    mem_free(chunk);
    struct disk_backend *old = ok ? top->store : copy.store;
    top->store = ok ? copy.store : top->store;
    old->ops->close(old);
    mem_free(copy.written);
    return ok;
}

bool image_overlay_rebase(struct disk_backend *disk, struct disk_backend *base,
                          const char *directory, struct error *err)
{
    struct overlay_image *image = overlay_of(disk);
    int folder = base->sector_count == disk->sector_count ? open_folder(directory, err) : -1;
    if (folder < 0) {
        if (base->sector_count != disk->sector_count)
            error_set(err, "%s: the copy has another size", base->name);
        base->ops->close(base);
        return false;
    }
    close(image->folder);
    image->folder = folder;
    image->base->ops->close(image->base);
    image->base = base;
    disk->path = base->path;
    return true;
}
