/* By what an image is known again when a saved state is loaded that needs it. */
#ifndef HOST_IMAGE_IDENTITY_H
#define HOST_IMAGE_IDENTITY_H

#include "bus/backend.h"

/* Fills identity for the file of an image: size, time of the last change, and a hash of the
 * contents. Of files with more than a gigabyte of data (holes do not count) the hash is over
 * samples. Takes up to a third of a second for a gigabyte in the host's cache. */
bool image_identify(const char *path, struct disk_identity *identity, struct error *err);

/* Whether the file at path is still, or again, the one of identity. Size and time of the last
 * change decide if they are equal, the contents otherwise. False: err says what is wrong, and what
 * to do. */
bool image_is(const char *path, const struct disk_identity *identity, struct error *err);

#endif
