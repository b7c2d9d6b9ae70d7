#include "snapshot/field.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { MAX_PATH = 256, MAX_ALIGNMENT = 8 };

static void walk_level(const struct field *fields, char *base, char *path, size_t path_used,
                       field_visit *visit, void *context);

static void walk_structs(const struct field *field, char *first, char *path, size_t path_used,
                         field_visit *visit, void *context)
{
    for (uint32_t i = 0; i < field->count; i++) {
        int used = field->count == 1
                       ? snprintf(path + path_used, MAX_PATH - path_used, "%s.", field->name)
                       : snprintf(path + path_used, MAX_PATH - path_used, "%s[%u].", field->name,
                                  (unsigned)i);
        walk_level(field->sub, first + (size_t)i * field->element_size, path,
                   path_used + (size_t)used, visit, context);
    }
}

static void walk_level(const struct field *fields, char *base, char *path, size_t path_used,
                       field_visit *visit, void *context)
{
    for (const struct field *field = fields; field->kind != FIELD_KIND_END; field++) {
        char *first = base + field->offset;
        if (field->kind == FIELD_KIND_STRUCT) {
            walk_structs(field, first, path, path_used, visit, context);
        } else if (field->kind == FIELD_KIND_INTEGER) {
            snprintf(path + path_used, MAX_PATH - path_used, "%s", field->name);
            visit(context, path, first, field->element_size, field->count);
        }
    }
}

void field_walk(const struct field *fields, void *base, field_visit *visit, void *context)
{
    char path[MAX_PATH];
    walk_level(fields, base, path, 0, visit, context);
}

/* The alignment that explains the gap before a member at offset. */
static bool gap_is_padding(uint32_t end, uint32_t offset)
{
    for (uint32_t alignment = 2; alignment <= 2 * MAX_ALIGNMENT; alignment *= 2) {
        if (offset % alignment == 0 && offset - end < alignment)
            return true;
    }
    return false;
}

static uint32_t field_bytes(const struct field *field)
{
    return field->element_size * field->count;
}

const char *field_find_hole(const struct field *fields, uint32_t struct_size)
{
    uint32_t end = 0;
    const char *previous = "(start)";
    for (;;) {
        const struct field *next = NULL;
        for (const struct field *field = fields; field->kind != FIELD_KIND_END; field++) {
            if (field->kind == FIELD_KIND_CHECK)
                continue;
            if (field->offset >= end && (!next || field->offset < next->offset))
                next = field;
            if (field->offset < end && field->offset + field_bytes(field) > end)
                return field->name;
        }
        uint32_t offset = next ? next->offset : struct_size;
        if (offset != end && !gap_is_padding(end, offset))
            return previous;
        if (!next)
            return NULL;
        if (next->sub) {
            const char *hole = field_find_hole(next->sub, next->element_size);
            if (hole)
                return hole;
        }
        end = next->offset + field_bytes(next);
        previous = next->name;
    }
}
