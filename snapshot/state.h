/* The whole machine's state as a list of named sections: a struct with its field table, a block of
 * raw memory, or something that is put into bytes by functions of its own. The machine fills the
 * list once; hash, dump, packing (snapshot/serial.h) and snapshots walk it.
 */
#ifndef SNAPSHOT_STATE_H
#define SNAPSHOT_STATE_H

#include "base/error.h"
#include "snapshot/field.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct state_map;

struct state_map *state_map_new(void);
void state_map_free(struct state_map *map);

/* Called with a struct's base; members may be NULL. */
struct state_hooks {
    /* Brings lazily kept fields up to date, before they are looked at. */
    void (*before_walk)(void *base);
    /* Rebuilds what is transient, after the fields of all structs were loaded. */
    void (*after_load)(void *base);
};

/* Adds a struct. name must be unique and outlive the map; base is not owned; hooks is copied and
 * may be NULL. */
void state_add_struct(struct state_map *map, const char *name, const struct field *fields,
                      void *base, const struct state_hooks *hooks);
/* Adds raw memory, such as guest RAM or video memory. */
void state_add_memory(struct state_map *map, const char *name, void *memory, size_t size);

struct serial; /* snapshot/serial.h */

/* What no table of fields can say: neither hashed, compared nor dumped, but saved and loaded. */
struct state_codec {
    /* Appends the present state to out. */
    void (*pack)(const void *base, struct serial *out);
    /* Whether unpack can take size bytes at bytes, which may come from anywhere; changes nothing.
     * err says why not. */
    bool (*check)(const void *base, const uint8_t *bytes, size_t size, struct error *err);
    /* Takes over bytes that check has found good. Comes after all after_load hooks. */
    void (*unpack)(void *base, const uint8_t *bytes, size_t size);
};
/* codec must outlive the map. */
void state_add_opaque(struct state_map *map, const char *name, void *base,
                      const struct state_codec *codec);

/* A 64-bit hash (XXH3) over every section's name and contents, independent of host addresses. */
uint64_t state_hash(struct state_map *map);
/* The same over the structs alone, without raw memory: it is a thousand times faster. */
uint64_t state_hash_structs(struct state_map *map);
/* A difference: elements of element_size bytes, or bytes of memory that begin at offset in it. */
struct state_difference {
    const char *section, *path; /* path NULL: raw memory */
    size_t offset;
    const uint8_t *bytes[2];
    uint32_t element_size, count;
};
typedef void state_visit_difference(void *context, const struct state_difference *difference);

/* Compares two maps that were filled in the same way. visit (NULL: stops at the first) sees every
 * field that differs, and every run of bytes of memory. Returns how many there are. */
size_t state_compare(struct state_map *a, struct state_map *b, state_visit_difference *visit,
                     void *context);
/* Every section but opaque ones by name, with the size of those that are memory. */
typedef void state_visit_section(void *context, const char *name, bool is_memory, size_t size);
void state_list(const struct state_map *map, state_visit_section *visit, void *context);
/* The fields of one section; memory has none. False: there is no such section. */
bool state_show(struct state_map *map, const char *name, field_visit *visit, void *context);
/* One line a field: "section.path = hex ..."; memory sections as size and hash. */
void state_dump(struct state_map *map, FILE *stream);

#endif
