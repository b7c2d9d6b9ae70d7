/* What reading memory at once and reading it lazily share. */
#ifndef SNAPSHOT_PAGES_PRIVATE_H
#define SNAPSHOT_PAGES_PRIVATE_H

#include "snapshot/chunks.h"
#include "snapshot/pages.h"

enum { PAGES_IN_CHUNK = CHUNK_SIZE / SNAPSHOT_PAGE };

struct pages_map {
    size_t pages;
    struct serial bytes; /* of section NAME.map */
    uint32_t *first;     /* by number of contents, from 0: the first page with it */
    uint32_t contents;
    const struct container_section *section; /* NAME.pages */
};

/* pages_map_free in any case. */
bool pages_map_read(const struct container *container, const char *name, size_t size,
                    struct pages_map *map, struct error *err);
void pages_map_free(struct pages_map *map);
/* The number of a page's contents, from 1; 0: all zero. */
uint32_t pages_map_at(const struct pages_map *map, size_t page);

#endif
