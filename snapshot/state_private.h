/* The inside of a state map, shared by the files of snapshot/ only. */
#ifndef SNAPSHOT_STATE_PRIVATE_H
#define SNAPSHOT_STATE_PRIVATE_H

#include "snapshot/state.h"

enum section_kind { SECTION_STRUCT, SECTION_MEMORY, SECTION_OPAQUE };

struct section {
    const char *name;
    enum section_kind kind;
    const struct field *fields; /* SECTION_STRUCT */
    void *base;
    size_t size; /* SECTION_MEMORY */
    struct state_hooks hooks;
    const struct state_codec *codec; /* SECTION_OPAQUE */
};

/* Bytes that are copied in one go: neighbouring fields of one section. */
struct state_run {
    uint8_t *bytes;
    size_t size;
};

struct state_map {
    struct section *sections;
    size_t count, capacity;

    /* Made of the structs when they are packed for the first time (serial.c). */
    struct state_run *runs;
    size_t run_count, run_capacity;
    size_t run_bytes; /* in all of them */
    uint64_t schema;  /* hash over names, sizes and order of all fields */
};

/* All runs, one after the other: state_check.c. */
void state_load_runs(struct state_map *map, const uint8_t *packed);
void state_store_runs(const struct state_map *map, uint8_t *packed);
/* Whether the structs can have the values at packed, which are laid out as the runs are, by their
 * tables of fields. Changes nothing. */
bool state_fields_fit(struct state_map *map, const uint8_t *packed, struct error *err);

/* Brings lazily kept fields of a struct up to date. */
static inline void section_prepare(const struct section *section)
{
    if (section->hooks.before_walk)
        section->hooks.before_walk(section->base);
}

#endif
