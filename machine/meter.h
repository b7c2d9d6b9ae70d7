/* A disk backend in front of another one, that counts sectors on their way: the lights on the case.
 */
#ifndef MACHINE_METER_H
#define MACHINE_METER_H

#include "bus/backend.h"

/* Adds to *sectors, which must outlive it; next is not owned. NULL for no disk. */
struct disk_backend *meter_new(struct disk_backend *next, uint64_t *sectors);
/* The disk behind it. */
struct disk_backend *meter_disk(struct disk_backend *meter);
void meter_free(struct disk_backend *meter);

#endif
