#include "snapshot/serial.h"

#include "base/bits.h"
#include "base/memory.h"
#include "snapshot/state_private.h"

#include <stdio.h>
#include <xxhash.h>

/* --- bytes --- */

enum { FIRST_CAPACITY = 64 }; /* there is always a place, even for nothing */

void serial_free(struct serial *serial)
{
    mem_free(serial->bytes);
    *serial = (struct serial){0};
}

uint8_t *serial_extend(struct serial *serial, size_t size)
{
    size_t needed = serial->size + size;
    if (needed > serial->capacity || !serial->bytes) {
        size_t grown = serial->capacity ? 2 * serial->capacity : FIRST_CAPACITY;
        serial->capacity = needed > grown ? needed : grown;
        serial->bytes = mem_resize(serial->bytes, serial->capacity);
    }
    uint8_t *room = serial->bytes + serial->size;
    serial->size = needed;
    return room;
}

void serial_put(struct serial *serial, const void *bytes, size_t size)
{
    if (size)
        memcpy(serial_extend(serial, size), bytes, size);
}

void serial_put_u8(struct serial *serial, uint8_t value)
{
    *serial_extend(serial, 1) = value;
}

void serial_put_u32(struct serial *serial, uint32_t value)
{
    store_le32(serial_extend(serial, 4), value);
}

void serial_put_u64(struct serial *serial, uint64_t value)
{
    store_le64(serial_extend(serial, 8), value);
}

void serial_put_text(struct serial *serial, const char *text)
{
    serial_put_u32(serial, text ? (uint32_t)strlen(text) : UINT32_MAX);
    if (text)
        serial_put(serial, text, strlen(text));
}

const uint8_t *serial_take_bytes(struct serial_reader *reader, size_t size)
{
    if (reader->failed || size > reader->left) {
        reader->failed = true;
        return NULL;
    }
    const uint8_t *bytes = reader->at;
    reader->at += size;
    reader->left -= size;
    return bytes;
}

void serial_take(struct serial_reader *reader, void *bytes, size_t size)
{
    const uint8_t *from = serial_take_bytes(reader, size);
    if (from)
        memcpy(bytes, from, size);
    else
        memset(bytes, 0, size);
}

uint8_t serial_take_u8(struct serial_reader *reader)
{
    uint8_t byte;
    serial_take(reader, &byte, 1);
    return byte;
}

uint32_t serial_take_u32(struct serial_reader *reader)
{
    uint8_t bytes[4];
    serial_take(reader, bytes, sizeof bytes);
    return load_le32(bytes);
}

uint64_t serial_take_u64(struct serial_reader *reader)
{
    uint8_t bytes[8];
    serial_take(reader, bytes, sizeof bytes);
    return load_le64(bytes);
}

char *serial_take_text(struct serial_reader *reader)
{
    uint32_t length = serial_take_u32(reader);
    if (reader->failed || length == UINT32_MAX)
        return NULL;
    const uint8_t *from = serial_take_bytes(reader, length);
    if (!from)
        return NULL;
    char *text = mem_new((size_t)length + 1);
    memcpy(text, from, length);
    return text;
}

/* --- how the structs are cut into runs --- */

struct planner {
    struct state_map *map;
    const char *section;
    XXH3_state_t *hash;
};

static void plan_visit(void *context, const char *path, void *bytes, uint32_t element_size,
                       uint32_t count)
{
    struct planner *planner = context;
    struct state_map *map = planner->map;
    size_t size = (size_t)element_size * count;
    uint8_t numbers[8];
    store_le32(numbers, element_size);
    store_le32(numbers + 4, count);
    XXH3_64bits_update(planner->hash, path, strlen(path) + 1);
    XXH3_64bits_update(planner->hash, numbers, sizeof numbers);
    map->run_bytes += size;
    struct state_run *last = map->run_count ? &map->runs[map->run_count - 1] : NULL;
    if (last && last->bytes + last->size == bytes) {
        last->size += size;
        return;
    }
    if (map->run_count == map->run_capacity) {
        map->run_capacity = map->run_capacity ? 2 * map->run_capacity : 256;
        map->runs = mem_resize(map->runs, map->run_capacity * sizeof *map->runs);
    }
    map->runs[map->run_count++] = (struct state_run){bytes, size};
}

static void plan(struct state_map *map)
{
    if (map->runs)
        return;
    struct planner planner = {.map = map, .hash = XXH3_createState()};
    XXH3_64bits_reset(planner.hash);
    for (size_t i = 0; i < map->count; i++) {
        const struct section *section = &map->sections[i];
        if (section->kind == SECTION_MEMORY)
            continue;
        XXH3_64bits_update(planner.hash, section->name, strlen(section->name) + 1);
        if (section->kind == SECTION_STRUCT)
            field_walk(section->fields, section->base, plan_visit, &planner);
    }
    map->schema = XXH3_64bits_digest(planner.hash);
    XXH3_freeState(planner.hash);
}

uint64_t state_schema(struct state_map *map)
{
    plan(map);
    return map->schema;
}

struct describer {
    struct serial *out;
    const char *section;
};

static void describe_visit(void *context, const char *path, void *bytes, uint32_t element_size,
                           uint32_t count)
{
    const struct describer *describer = context;
    char numbers[32];
    int length =
        snprintf(numbers, sizeof numbers, " %u %u\n", (unsigned)element_size, (unsigned)count);
    serial_put(describer->out, describer->section, strlen(describer->section));
    serial_put(describer->out, ".", 1);
    serial_put(describer->out, path, strlen(path));
    serial_put(describer->out, numbers, (size_t)length);
}

void state_describe(struct state_map *map, struct serial *out)
{
    for (size_t i = 0; i < map->count; i++) {
        const struct section *section = &map->sections[i];
        if (section->kind == SECTION_STRUCT)
            field_walk(section->fields, section->base, describe_visit,
                       &(struct describer){out, section->name});
    }
    for (size_t i = 0; i < map->count; i++) {
        const struct section *section = &map->sections[i];
        if (section->kind != SECTION_OPAQUE)
            continue;
        serial_put(out, section->name, strlen(section->name));
        serial_put(out, " *\n", 3);
    }
}

/* --- packing --- */

void state_pack(struct state_map *map, struct serial *out)
{
    plan(map);
    for (size_t i = 0; i < map->count; i++)
        section_prepare(&map->sections[i]);
    serial_put_u64(out, map->schema);
    state_store_runs(map, serial_extend(out, map->run_bytes));
    for (size_t i = 0; i < map->count; i++) {
        const struct section *section = &map->sections[i];
        if (section->kind != SECTION_OPAQUE)
            continue;
        size_t at = out->size;
        serial_put_u32(out, 0);
        section->codec->pack(section->base, out);
        store_le32(out->bytes + at, (uint32_t)(out->size - at - 4));
    }
}

/* Calls check or unpack of each opaque section. */
static bool each_opaque(struct state_map *map, struct serial_reader reader, struct error *err,
                        bool only_check)
{
    for (size_t i = 0; i < map->count; i++) {
        const struct section *section = &map->sections[i];
        if (section->kind != SECTION_OPAQUE)
            continue;
        uint32_t size = serial_take_u32(&reader);
        const uint8_t *bytes = serial_take_bytes(&reader, size);
        if (!bytes)
            return error_set(err, "the saved state ends inside section %s", section->name);
        if (!only_check)
            section->codec->unpack(section->base, bytes, size);
        else if (!section->codec->check(section->base, bytes, size, err))
            return false;
    }
    return serial_is_done(&reader) ||
           error_set(err, "the saved state is followed by %zu bytes too many", reader.left);
}

bool state_check(struct state_map *map, const uint8_t *bytes, size_t size, struct error *err)
{
    struct serial_reader reader = {.at = bytes, .left = size};
    plan(map);
    bool is_ours = serial_take_u64(&reader) == map->schema;
    const uint8_t *fields = serial_take_bytes(&reader, map->run_bytes);
    if (!is_ours || !fields)
        return error_set(err,
                         "the saved state is that of another version of anachron, or of "
                         "another machine");
    return state_fields_fit(map, fields, err) && each_opaque(map, reader, err, true);
}

bool state_unpack(struct state_map *map, const uint8_t *bytes, size_t size, struct error *err)
{
    if (!state_check(map, bytes, size, err))
        return false;
    const uint8_t *from = bytes + sizeof map->schema;
    state_load_runs(map, from);
    from += map->run_bytes;
    for (size_t i = 0; i < map->count; i++) {
        const struct section *section = &map->sections[i];
        if (section->hooks.after_load)
            section->hooks.after_load(section->base);
    }
    struct serial_reader reader = {.at = from, .left = (size_t)(bytes + size - from)};
    each_opaque(map, reader, NULL, false);
    return true;
}

bool state_memory(const struct state_map *map, unsigned index, const char **name, uint8_t **memory,
                  size_t *size)
{
    for (size_t i = 0; i < map->count; i++) {
        const struct section *section = &map->sections[i];
        if (section->kind != SECTION_MEMORY || index--)
            continue;
        *name = section->name;
        *memory = section->base;
        *size = section->size;
        return true;
    }
    return false;
}
