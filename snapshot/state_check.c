/* Whether packed state holds values that the structs can have. */
#include "base/memory.h"
#include "snapshot/state_private.h"

#include <string.h>

static bool refuse(const struct section *section, const struct field_complaint *complaint,
                   bool is_value, struct error *err)
{
    static const char blame[] = "the file is damaged or was made by something else";
    if (is_value)
        return error_set(err, "section '%s', field '%s' %s: %s", section->name, complaint->path,
                         complaint->text, blame);
    return error_set(err, "section '%s'%s%s: %s: %s", section->name, *complaint->path ? ", " : "",
                     complaint->path, complaint->text, blame);
}

static bool values_fit(const struct state_map *map, const uint8_t *packed, struct error *err)
{
    struct field_complaint complaint;
    for (size_t i = 0; i < map->count; i++) {
        const struct section *section = &map->sections[i];
        if (section->kind == SECTION_STRUCT &&
            !field_values_fit(section->fields, section->base, &packed, &complaint))
            return refuse(section, &complaint, true, err);
    }
    return true;
}

static bool relations_fit(const struct state_map *map, struct error *err)
{
    struct field_complaint complaint;
    for (size_t i = 0; i < map->count; i++) {
        const struct section *section = &map->sections[i];
        if (section->kind == SECTION_STRUCT &&
            !field_relations_fit(section->fields, section->base, &complaint))
            return refuse(section, &complaint, false, err);
    }
    return true;
}

void state_load_runs(struct state_map *map, const uint8_t *packed)
{
    for (size_t i = 0; i < map->run_count; i++) {
        memcpy(map->runs[i].bytes, packed, map->runs[i].size);
        packed += map->runs[i].size;
    }
}

void state_store_runs(const struct state_map *map, uint8_t *packed)
{
    for (size_t i = 0; i < map->run_count; i++) {
        memcpy(packed, map->runs[i].bytes, map->runs[i].size);
        packed += map->runs[i].size;
    }
}

/* Relations are asked about structs, so the values take their places for a moment. */
bool state_fields_fit(struct state_map *map, const uint8_t *packed, struct error *err)
{
    if (!values_fit(map, packed, err))
        return false;
    uint8_t *kept = mem_new(map->run_bytes + 1);
    state_store_runs(map, kept);
    state_load_runs(map, packed);
    bool ok = relations_fit(map, err);
    state_load_runs(map, kept);
    mem_free(kept);
    return ok;
}
