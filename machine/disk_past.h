/* Disks that can be as they were at an earlier moment. A layer between a chip and an image adds to
 * an undo log what a write is about to change. In the past, the image itself stays as it is: what
 * differs from it, because it was put back or because the guest writes, is in memory. */
#ifndef MACHINE_DISK_PAST_H
#define MACHINE_DISK_PAST_H

#include "bus/backend.h"
#include "snapshot/undo.h"

/* The layers of a machine; each is a space of undo logs, numbered from DISK_PAST_FIRST_SPACE. */
struct disk_past;
enum { DISK_PAST_FIRST_SPACE = 16 };

struct disk_past *disk_past_new(void);
/* Frees the layers, and leaves the images alone. NULL does nothing. */
void disk_past_free(struct disk_past *past);

/* A layer over next, which stays the caller's but is closed by the layer's close; the layer itself
 * stays until disk_past_free. NULL for NULL. */
struct disk_backend *disk_past_layer(struct disk_past *past, struct disk_backend *next);
/* What is below a layer. */
struct disk_backend *disk_past_image(struct disk_backend *layer);

/* A new epoch: the first change of each piece from now on is added to log. NULL: none is. */
void disk_past_begin(struct disk_past *past, struct undo_log *log, struct undo_pool *pool);
/* An undo_swap for the spaces of the layers; context is the struct disk_past. Puts the disk into
 * the past, or brings it back. */
void disk_past_swap(void *context, uint64_t place, uint8_t *bytes);
/* From now on (true) writes do not go to the images. */
void disk_past_set(struct disk_past *past, bool in_past);
/* Back in the present, where the images are right: forgets what is in memory. */
void disk_past_forget(struct disk_past *past);
/* The disks' contents, as the guest sees them in the past, become those of the images. False: err
 * says which could not be written; it stays in memory, and so right for the guest. */
bool disk_past_commit(struct disk_past *past, struct error *err);
/* A piece could not be read before it was overwritten: what was there is not in the log. */
bool disk_past_has_failed(const struct disk_past *past);
/* Sectors that were saved so far. */
uint64_t disk_past_saved(const struct disk_past *past);

#endif
