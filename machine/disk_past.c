/* See machine/disk_past.h. */
#include "machine/disk_past.h"

#include "base/memory.h"

#include <string.h>

enum { PIECE_SECTORS = UNDO_PIECE / DISK_SECTOR_SIZE };

/* Pieces that differ from the image, by their number: open addressing, a power of two. */
struct pieces {
    struct piece {
        uint64_t index;
        uint8_t *bytes; /* owned; NULL: a free place */
    } * places;
    size_t count, capacity;
};

struct layer {
    struct disk_backend disk; /* first: the chip's pointer is this struct's */
    struct disk_backend *next;
    struct disk_past *past;
    unsigned space;
    uint8_t *saved; /* a bit per piece: it is in the log */
    struct pieces differing;
};

struct disk_past {
    struct layer **layers;
    unsigned count;
    struct undo_log *log; /* NULL: nothing is saved */
    struct undo_pool *pool;
    size_t log_begin;
    bool in_past, failed;
    uint64_t sectors;
};

/* --- pieces --- */

static struct piece *find_place(const struct pieces *pieces, uint64_t index)
{
    size_t at = (size_t)(index * UINT64_C(0x9E3779B97F4A7C15) >> 20) & (pieces->capacity - 1);
    while (pieces->places[at].bytes && pieces->places[at].index != index)
        at = (at + 1) & (pieces->capacity - 1);
    return &pieces->places[at];
}

static uint8_t *find_piece(const struct pieces *pieces, uint64_t index)
{
    return pieces->count ? find_place(pieces, index)->bytes : NULL;
}

static void grow(struct pieces *pieces)
{
    struct pieces old = *pieces;
    pieces->capacity = old.capacity ? 2 * old.capacity : 64;
    pieces->places = mem_new(pieces->capacity * sizeof *pieces->places);
    for (size_t i = 0; i < old.capacity; i++)
        if (old.places[i].bytes)
            *find_place(pieces, old.places[i].index) = old.places[i];
    mem_free(old.places);
}

static void put_piece(struct pieces *pieces, uint64_t index, const uint8_t *bytes)
{
    if (pieces->count * 2 >= pieces->capacity)
        grow(pieces);
    struct piece *piece = find_place(pieces, index);
    if (!piece->bytes) {
        *piece = (struct piece){index, mem_new(UNDO_PIECE)};
        pieces->count++;
    }
    memcpy(piece->bytes, bytes, UNDO_PIECE);
}

static void clear_pieces(struct pieces *pieces)
{
    for (size_t i = 0; i < pieces->capacity; i++)
        mem_free(pieces->places[i].bytes);
    mem_free(pieces->places);
    *pieces = (struct pieces){0};
}

/* --- reading and writing --- */

static uint32_t sectors_in_piece(const struct layer *layer, uint64_t index)
{
    uint64_t left = layer->disk.sector_count - index * PIECE_SECTORS;
    return left < PIECE_SECTORS ? (uint32_t)left : PIECE_SECTORS;
}

/* As the guest sees it now. */
static bool read_piece(struct layer *layer, uint64_t index, uint8_t *bytes, struct error *err)
{
    const uint8_t *differing = find_piece(&layer->differing, index);
    if (differing) {
        memcpy(bytes, differing, UNDO_PIECE);
        return true;
    }
    memset(bytes, 0, UNDO_PIECE);
    return layer->next->ops->read(layer->next, index * PIECE_SECTORS,
                                  sectors_in_piece(layer, index), bytes, err);
}

static void save_piece(struct layer *layer, uint64_t index)
{
    struct disk_past *past = layer->past;
    uint8_t *mark = &layer->saved[index / 8], bit = (uint8_t)(1 << index % 8);
    uint8_t bytes[UNDO_PIECE];
    struct error err;
    if (*mark & bit)
        return;
    *mark |= bit;
    past->sectors += sectors_in_piece(layer, index);
    if (!read_piece(layer, index, bytes, &err))
        past->failed = true;
    undo_add(past->log, past->pool, undo_place(layer->space, index), bytes);
}

static bool is_inside(const struct disk_backend *disk, uint64_t lba, uint32_t count)
{
    return lba <= disk->sector_count && count <= disk->sector_count - lba;
}

static bool layer_read(struct disk_backend *disk, uint64_t lba, uint32_t count, void *bytes,
                       struct error *err)
{
    struct layer *layer = (struct layer *)disk;
    uint8_t piece[UNDO_PIECE], *to = bytes;
    if (!layer->differing.count || !is_inside(disk, lba, count))
        return layer->next->ops->read(layer->next, lba, count, bytes, err);
    while (count) {
        uint32_t first = (uint32_t)(lba % PIECE_SECTORS), part = PIECE_SECTORS - first;
        if (part > count)
            part = count;
        if (!read_piece(layer, lba / PIECE_SECTORS, piece, err))
            return false;
        memcpy(to, piece + first * DISK_SECTOR_SIZE, part * DISK_SECTOR_SIZE);
        to += part * DISK_SECTOR_SIZE;
        lba += part;
        count -= part;
    }
    return true;
}

static bool write_in_past(struct layer *layer, uint64_t lba, uint32_t count, const uint8_t *from,
                          struct error *err)
{
    uint8_t piece[UNDO_PIECE];
    while (count) {
        uint32_t first = (uint32_t)(lba % PIECE_SECTORS), part = PIECE_SECTORS - first;
        if (part > count)
            part = count;
        if (!read_piece(layer, lba / PIECE_SECTORS, piece, err))
            return false;
        memcpy(piece + first * DISK_SECTOR_SIZE, from, part * DISK_SECTOR_SIZE);
        put_piece(&layer->differing, lba / PIECE_SECTORS, piece);
        from += part * DISK_SECTOR_SIZE;
        lba += part;
        count -= part;
    }
    return true;
}

static bool layer_write(struct disk_backend *disk, uint64_t lba, uint32_t count, const void *bytes,
                        struct error *err)
{
    struct layer *layer = (struct layer *)disk;
    if (layer->past->log && count && is_inside(disk, lba, count)) {
        uint64_t last = (lba + count - 1) / PIECE_SECTORS;
        for (uint64_t index = lba / PIECE_SECTORS; index <= last; index++)
            save_piece(layer, index);
        if (layer->past->in_past && !disk->read_only)
            return write_in_past(layer, lba, count, bytes, err);
    }
    return layer->next->ops->write(layer->next, lba, count, bytes, err);
}

static bool layer_flush(struct disk_backend *disk, struct error *err)
{
    struct layer *layer = (struct layer *)disk;
    return layer->past->in_past || layer->next->ops->flush(layer->next, err);
}

static void layer_close(struct disk_backend *disk)
{
    struct layer *layer = (struct layer *)disk;
    layer->next->ops->close(layer->next);
    layer->next = NULL;
}

struct disk_backend *disk_past_layer(struct disk_past *past, struct disk_backend *next)
{
    static const struct disk_backend_ops ops = {
        .read = layer_read, .write = layer_write, .flush = layer_flush, .close = layer_close};
    if (!next)
        return NULL;
    struct layer *layer = mem_new(sizeof *layer);
    layer->disk = *next;
    layer->disk.ops = &ops;
    layer->next = next;
    layer->past = past;
    layer->space = DISK_PAST_FIRST_SPACE + past->count;
    layer->saved = mem_new((size_t)(next->sector_count / PIECE_SECTORS / 8 + 1));
    past->layers = mem_resize(past->layers, (past->count + 1) * sizeof *past->layers);
    past->layers[past->count++] = layer;
    return &layer->disk;
}

struct disk_backend *disk_past_image(struct disk_backend *layer)
{
    return layer ? ((struct layer *)layer)->next : NULL;
}

/* --- all of them --- */

struct disk_past *disk_past_new(void)
{
    return mem_new(sizeof(struct disk_past));
}

void disk_past_free(struct disk_past *past)
{
    if (!past)
        return;
    for (unsigned i = 0; i < past->count; i++) {
        clear_pieces(&past->layers[i]->differing);
        mem_free(past->layers[i]->saved);
        mem_free(past->layers[i]);
    }
    mem_free(past->layers);
    mem_free(past);
}

static struct layer *layer_of(const struct disk_past *past, unsigned space)
{
    unsigned number = space - DISK_PAST_FIRST_SPACE;
    return number < past->count ? past->layers[number] : NULL;
}

void disk_past_begin(struct disk_past *past, struct undo_log *log, struct undo_pool *pool)
{
    for (unsigned i = 0; i < past->count; i++)
        memset(past->layers[i]->saved, 0,
               (size_t)(past->layers[i]->disk.sector_count / PIECE_SECTORS / 8 + 1));
    past->log = log;
    past->pool = pool;
    past->failed = false;
}

void disk_past_swap(void *context, uint64_t place, uint8_t *bytes)
{
    struct disk_past *past = context;
    struct layer *layer = layer_of(past, undo_space(place));
    uint8_t present[UNDO_PIECE];
    struct error err;
    if (!read_piece(layer, undo_index(place), present, &err))
        past->failed = true;
    put_piece(&layer->differing, undo_index(place), bytes);
    memcpy(bytes, present, UNDO_PIECE);
}

void disk_past_set(struct disk_past *past, bool in_past)
{
    past->in_past = in_past;
}

void disk_past_forget(struct disk_past *past)
{
    for (unsigned i = 0; i < past->count; i++)
        clear_pieces(&past->layers[i]->differing);
}

static bool commit_layer(struct layer *layer, struct error *err)
{
    const struct pieces *pieces = &layer->differing;
    for (size_t i = 0; i < pieces->capacity; i++) {
        const struct piece *piece = &pieces->places[i];
        if (piece->bytes &&
            !layer->next->ops->write(layer->next, piece->index * PIECE_SECTORS,
                                     sectors_in_piece(layer, piece->index), piece->bytes, err))
            return false;
    }
    clear_pieces(&layer->differing);
    return true;
}

bool disk_past_commit(struct disk_past *past, struct error *err)
{
    for (unsigned i = 0; i < past->count; i++)
        if (!commit_layer(past->layers[i], err))
            return false;
    return true;
}

bool disk_past_has_failed(const struct disk_past *past)
{
    return past->failed;
}

uint64_t disk_past_saved(const struct disk_past *past)
{
    return past->sectors;
}
