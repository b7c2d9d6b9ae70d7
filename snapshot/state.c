#include "snapshot/state.h"

#include "base/memory.h"
#include "snapshot/state_private.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <xxhash.h>

struct state_map *state_map_new(void)
{
    return mem_new(sizeof(struct state_map));
}

void state_map_free(struct state_map *map)
{
    mem_free(map->sections);
    mem_free(map->runs);
    mem_free(map);
}

static void add_section(struct state_map *map, const struct section *section)
{
    if (map->count == map->capacity) {
        map->capacity = map->capacity ? 2 * map->capacity : 32;
        map->sections = mem_resize(map->sections, map->capacity * sizeof *section);
    }
    map->sections[map->count++] = *section;
}

void state_add_struct(struct state_map *map, const char *name, const struct field *fields,
                      void *base, const struct state_hooks *hooks)
{
    struct section section = {.name = name, .kind = SECTION_STRUCT, .fields = fields, .base = base};
    if (hooks)
        section.hooks = *hooks;
    add_section(map, &section);
}

void state_add_memory(struct state_map *map, const char *name, void *memory, size_t size)
{
    add_section(
        map, &(struct section){.name = name, .kind = SECTION_MEMORY, .base = memory, .size = size});
}

void state_add_opaque(struct state_map *map, const char *name, void *base,
                      const struct state_codec *codec)
{
    add_section(
        map, &(struct section){.name = name, .kind = SECTION_OPAQUE, .base = base, .codec = codec});
}

static void hash_visit(void *context, const char *path, void *bytes, uint32_t element_size,
                       uint32_t count)
{
    XXH3_64bits_update(context, path, strlen(path) + 1);
    XXH3_64bits_update(context, bytes, (size_t)element_size * count);
}

static uint64_t hash_sections(struct state_map *map, bool with_memory)
{
    XXH3_state_t *hash = XXH3_createState();
    XXH3_64bits_reset(hash);
    for (size_t i = 0; i < map->count; i++) {
        const struct section *section = &map->sections[i];
        if (section->kind == SECTION_OPAQUE || (section->kind == SECTION_MEMORY && !with_memory))
            continue;
        section_prepare(section);
        XXH3_64bits_update(hash, section->name, strlen(section->name) + 1);
        if (section->kind == SECTION_STRUCT)
            field_walk(section->fields, section->base, hash_visit, hash);
        else
            XXH3_64bits_update(hash, section->base, section->size);
    }
    uint64_t value = XXH3_64bits_digest(hash);
    XXH3_freeState(hash);
    return value;
}

uint64_t state_hash(struct state_map *map)
{
    return hash_sections(map, true);
}

uint64_t state_hash_structs(struct state_map *map)
{
    return hash_sections(map, false);
}

struct comparison {
    const struct section *a, *b;
    state_visit_difference *visit;
    void *context;
    size_t count;
};

static void note_difference(struct comparison *comparison, struct state_difference difference)
{
    comparison->count++;
    difference.section = comparison->a->name;
    if (comparison->visit)
        comparison->visit(comparison->context, &difference);
}

/* The other struct has its fields at the same distances. */
static void compare_visit(void *context, const char *path, void *bytes, uint32_t element_size,
                          uint32_t count)
{
    struct comparison *comparison = context;
    size_t distance = (size_t)((uint8_t *)bytes - (uint8_t *)comparison->a->base);
    const uint8_t *other = (uint8_t *)comparison->b->base + distance;
    if (memcmp(bytes, other, (size_t)element_size * count) != 0)
        note_difference(comparison, (struct state_difference){
                                        .path = path,
                                        .bytes = {bytes, other},
                                        .element_size = element_size,
                                        .count = count
        });
}

static void compare_page(struct comparison *comparison, size_t offset, size_t size)
{
    const uint8_t *a = (uint8_t *)comparison->a->base + offset;
    const uint8_t *b = (uint8_t *)comparison->b->base + offset;
    if (memcmp(a, b, size) == 0)
        return;
    for (size_t i = 0; i < size;) {
        size_t begin = i;
        while (i < size && a[i] != b[i])
            i++;
        if (i > begin)
            note_difference(comparison, (struct state_difference){
                                            .offset = offset + begin,
                                            .bytes = {a + begin, b + begin},
                                            .element_size = 1,
                                            .count = (uint32_t)(i - begin)
            });
        else
            i++;
    }
}

static void compare_memory(struct comparison *comparison)
{
    enum { PART = 4096 };
    size_t size = comparison->a->size;
    for (size_t offset = 0; offset < size; offset += PART) {
        compare_page(comparison, offset, size - offset < PART ? size - offset : PART);
        if (comparison->count && !comparison->visit)
            return;
    }
}

size_t state_compare(struct state_map *a, struct state_map *b, state_visit_difference *visit,
                     void *context)
{
    struct comparison comparison = {.visit = visit, .context = context};
    for (size_t i = 0; i < a->count && (visit || !comparison.count); i++) {
        comparison.a = &a->sections[i];
        comparison.b = &b->sections[i];
        section_prepare(comparison.a);
        section_prepare(comparison.b);
        if (comparison.a->kind == SECTION_STRUCT)
            field_walk(comparison.a->fields, comparison.a->base, compare_visit, &comparison);
        else if (comparison.a->kind == SECTION_MEMORY)
            compare_memory(&comparison);
    }
    return comparison.count;
}

void state_list(const struct state_map *map, state_visit_section *visit, void *context)
{
    for (size_t i = 0; i < map->count; i++) {
        const struct section *section = &map->sections[i];
        if (section->kind != SECTION_OPAQUE)
            visit(context, section->name, section->kind == SECTION_MEMORY, section->size);
    }
}

bool state_show(struct state_map *map, const char *name, field_visit *visit, void *context)
{
    for (size_t i = 0; i < map->count; i++) {
        const struct section *section = &map->sections[i];
        if (section->kind == SECTION_OPAQUE || strcmp(section->name, name) != 0)
            continue;
        section_prepare(section);
        if (section->kind == SECTION_STRUCT)
            field_walk(section->fields, section->base, visit, context);
        return true;
    }
    return false;
}

struct dump {
    FILE *stream;
    const char *section;
};

static void dump_visit(void *context, const char *path, void *bytes, uint32_t element_size,
                       uint32_t count)
{
    const struct dump *dump = context;
    const uint8_t *element = bytes;
    fprintf(dump->stream, "%s.%s =", dump->section, path);
    for (uint32_t i = 0; i < count; i++, element += element_size) {
        fputc(' ', dump->stream);
        for (uint32_t byte = element_size; byte-- > 0;)
            fprintf(dump->stream, "%02x", element[byte]);
    }
    fputc('\n', dump->stream);
}

void state_dump(struct state_map *map, FILE *stream)
{
    for (size_t i = 0; i < map->count; i++) {
        const struct section *section = &map->sections[i];
        section_prepare(section);
        if (section->kind == SECTION_STRUCT)
            field_walk(section->fields, section->base, dump_visit,
                       &(struct dump){stream, section->name});
        else if (section->kind == SECTION_MEMORY)
            fprintf(stream, "%s = %zu bytes, hash %016" PRIx64 "\n", section->name, section->size,
                    XXH3_64bits(section->base, section->size));
    }
}
