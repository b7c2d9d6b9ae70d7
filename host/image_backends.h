/* The kinds of disk backend that image_open stacks. Each owns what it is given and frees it when it
 * is closed. */
#ifndef HOST_IMAGE_BACKENDS_H
#define HOST_IMAGE_BACKENDS_H

#include "bus/backend.h"

/* A file of size bytes, open as fd (owned): sector after sector; a last part-sector reads as padded
 * with zeros. */
struct disk_backend *image_raw_new(int fd, uint64_t size, bool read_only, const char *name);
/* Where the file is; once. */
void image_raw_set_path(struct disk_backend *disk, const char *path);

/* Reads from base until a sector has been written; writes go to an unlinked file in directory
 * (NULL: $TMPDIR or /tmp), which takes the room of what was written. NULL (base is closed): the
 * file cannot be made.
 */
struct disk_backend *image_overlay_new(struct disk_backend *base, const char *directory,
                                       struct error *err);

/* disk is one that image_overlay_new made. */
bool image_overlay_is(const struct disk_backend *disk);
/* What it writes to becomes a copy that no other process has. */
bool image_overlay_unshare(struct disk_backend *disk, struct error *err);
/* base (owned; closed if this fails) with the same bytes takes the place of the one it has, and
 * directory that of the one for its files. */
bool image_overlay_rebase(struct disk_backend *disk, struct disk_backend *base,
                          const char *directory, struct error *err);

#endif
