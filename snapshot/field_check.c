/* Whether loaded values are what a table of fields allows. */
#include "base/bits.h"
#include "snapshot/field.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static uint64_t load_value(const uint8_t *bytes, uint32_t size)
{
    switch (size) {
    case 1:
        return *bytes;
    case 2:
        return load_le16(bytes);
    case 4:
        return load_le32(bytes);
    default:
        return load_le64(bytes);
    }
}

/* The complaint is found at a leaf, and gets its path on the way back: index UINT32_MAX is none. */
static bool prepend(struct field_complaint *complaint, const char *name, uint32_t index)
{
    char path[sizeof complaint->path];
    char number[16] = "";
    if (index != UINT32_MAX)
        snprintf(number, sizeof number, "[%" PRIu32 "]", index);
    snprintf(path, sizeof path, "%s%s%s%.100s", name, number, *complaint->path ? "." : "",
             complaint->path);
    memcpy(complaint->path, path, sizeof path);
    return false;
}

static uint32_t shown_index(const struct field *field, uint32_t index)
{
    return field->count == 1 ? UINT32_MAX : index;
}

static bool value_fits(const struct field *field, uint64_t value, uint64_t present,
                       struct field_complaint *complaint)
{
    const char *how = value < field->least ? "less" : "more";
    uint64_t bound = value < field->least ? field->least : field->most;
    *complaint->path = 0;
    if (field->fixed && value != present)
        snprintf(complaint->text, sizeof complaint->text,
                 "is %" PRIu64 ", and %" PRIu64 " in this machine", value, present);
    else if (value < field->least || value > field->most)
        snprintf(complaint->text, sizeof complaint->text, "is %" PRIu64 ", %s than %" PRIu64, value,
                 how, bound);
    else
        return true;
    return false;
}

static bool integers_fit(const struct field *field, const uint8_t *present, const uint8_t *packed,
                         struct field_complaint *complaint)
{
    uint32_t size = field->element_size;
    if (!field->fixed && field->least == 0 && field->most == UINT64_MAX)
        return true;
    for (uint32_t i = 0; i < field->count; i++) {
        uint64_t now = load_value(present + (size_t)i * size, size);
        if (!value_fits(field, load_value(packed + (size_t)i * size, size), now, complaint))
            return prepend(complaint, field->name, shown_index(field, i));
    }
    return true;
}

bool field_values_fit(const struct field *fields, const void *present, const uint8_t **packed,
                      struct field_complaint *complaint)
{
    for (const struct field *field = fields; field->kind != FIELD_KIND_END; field++) {
        const uint8_t *first = (const uint8_t *)present + field->offset;
        if (field->kind == FIELD_KIND_INTEGER) {
            if (!integers_fit(field, first, *packed, complaint))
                return false;
            *packed += (size_t)field->element_size * field->count;
        }
        for (uint32_t i = 0; field->kind == FIELD_KIND_STRUCT && i < field->count; i++) {
            const uint8_t *one = first + (size_t)i * field->element_size;
            if (!field_values_fit(field->sub, one, packed, complaint))
                return prepend(complaint, field->name, shown_index(field, i));
        }
    }
    return true;
}

static bool struct_fits(const struct field *field, const void *base,
                        struct field_complaint *complaint)
{
    const char *wrong = field->misfit(base);
    if (!wrong)
        return true;
    *complaint->path = 0;
    snprintf(complaint->text, sizeof complaint->text, "%s", wrong);
    return false;
}

bool field_relations_fit(const struct field *fields, const void *base,
                         struct field_complaint *complaint)
{
    for (const struct field *field = fields; field->kind != FIELD_KIND_END; field++) {
        if (field->kind == FIELD_KIND_CHECK && !struct_fits(field, base, complaint))
            return false;
        for (uint32_t i = 0; field->kind == FIELD_KIND_STRUCT && i < field->count; i++) {
            const uint8_t *one =
                (const uint8_t *)base + field->offset + (size_t)i * field->element_size;
            if (!field_relations_fit(field->sub, one, complaint))
                return prepend(complaint, field->name, shown_index(field, i));
        }
    }
    return true;
}
