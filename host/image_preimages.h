/* A disk backend in front of one whose file is written directly: before a sector is overwritten for
 * the first time, what it held goes to a listener. With that, and the file as it is at the end, the
 * disk can be had as it was at the beginning. */
#ifndef HOST_IMAGE_PREIMAGES_H
#define HOST_IMAGE_PREIMAGES_H

#include "bus/backend.h"

typedef void image_preimage(void *opaque, unsigned place, uint64_t lba, uint32_t count,
                            const void *bytes);

/* Takes disk over, which may have an overlay: then this one has, too. place is handed to the
 * listener. */
struct disk_backend *image_preimages_new(struct disk_backend *disk, unsigned place,
                                         image_preimage *saw, void *opaque);

/* From now on every sector is told of once more; disk is one of these. */
void image_preimages_forget(struct disk_backend *disk);

#endif
