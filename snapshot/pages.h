/* Memory in a container: pages that are all zero, and those that are equal to one before them, are
 * left out.
 *
 *     section NAME.map     size of the memory (64 bits), then 32 bits a page: 0 for zeros, else the
 *                          number of its contents, which are numbered from 1 as they appear
 *     section NAME.pages   the different contents, in chunks (snapshot/chunks.h) */
#ifndef SNAPSHOT_PAGES_H
#define SNAPSHOT_PAGES_H

#include "snapshot/container.h"

enum { SNAPSHOT_PAGE = 4096 };

struct pages_counts {
    uint64_t pages, zero, equal;
};

/* size is a multiple of SNAPSHOT_PAGE. name is at most 16 characters. counts (may be NULL) is added
 * to. */
void pages_save(struct container_writer *writer, const char *name, const uint8_t *memory,
                size_t size, struct pages_counts *counts);
/* Whether pages_load would take it, as far as can be seen without its contents. */
bool pages_check(const struct container *container, const char *name, size_t size,
                 struct error *err);
/* memory is all zero before. False: err; what is in memory then is of no use. */
bool pages_load(const struct container *container, const char *name, uint8_t *memory, size_t size,
                struct error *err);

#endif
