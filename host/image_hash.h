/* What a disk holds, as one number: to know an image again. */
#ifndef HOST_IMAGE_HASH_H
#define HOST_IMAGE_HASH_H

#include "bus/backend.h"

/* Reads the whole disk; a gigabyte that is in the host's cache takes about half a second. Long
 * zeros are the same as holes. False: err says which sector could not be read. */
bool image_hash(struct disk_backend *disk, uint64_t *hash, struct error *err);

#endif
