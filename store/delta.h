/* A file with the sectors of a disk that differ from its image: a part of the redo log
 * (store/commit.h).
 *
 *     bytes  what (little-endian)
 *     8      "anadelta"
 *     4      version, 1
 *     4      flags: bit 0, a state goes with it
 *     8      sectors of the disk
 *     8      number of runs, n
 *     16 n   for each run: first sector, sectors
 *     512 m  the sectors of all runs, in order
 *     8      XXH3 of all before */
#ifndef STORE_DELTA_H
#define STORE_DELTA_H

#include "base/error.h"
#include "bus/backend.h"

#include <stdbool.h>

/* disk has an overlay; NULL: there is no disk, and so no run. The file must not exist; it is safe
 * on its medium then. */
bool delta_write(const char *path, struct disk_backend *disk, bool has_state, struct error *err);
/* Writes the sectors into the image at disk_path. Checks all of the file first: if it is not whole,
 * nothing is touched. What was written is safe then. */
bool delta_apply(const char *path, const char *disk_path, bool *has_state, struct error *err);

/* Writes the sectors to a disk, which is to have as many: into its overlay. */
bool delta_load(const char *path, struct disk_backend *disk, struct error *err);

#endif
