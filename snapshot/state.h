/* The whole machine's state as a list of named sections: a struct with its field table, or a block
 * of raw memory. The machine fills the list once; hash, dump (and later save, load, fork) walk it.
 */
#ifndef SNAPSHOT_STATE_H
#define SNAPSHOT_STATE_H

#include "snapshot/field.h"

#include <stdint.h>
#include <stdio.h>

struct state_map;

struct state_map *state_map_new(void);
void state_map_free(struct state_map *map);

/* Adds a struct. name must be unique and outlive the map; base is not owned. before_walk (may be
 * NULL) is called with base first, to bring lazily kept fields up to date. */
void state_add_struct(struct state_map *map, const char *name, const struct field *fields,
                      void *base, void (*before_walk)(void *base));
/* Adds raw memory, such as guest RAM or video memory. */
void state_add_memory(struct state_map *map, const char *name, void *memory, size_t size);

/* A 64-bit hash (XXH3) over every section's name and contents, independent of host addresses. */
uint64_t state_hash(struct state_map *map);
/* One line a field: "section.path = hex ..."; memory sections as size and hash. */
void state_dump(struct state_map *map, FILE *stream);

#endif
