/* Declared state. Every module that has guest-visible state describes its private struct in a table
 * of fields; hashing, dumping, saving and loading walk the same tables, so that nothing is counted
 * by hand. A test (tests/snapshot) proves that each table covers every byte of its struct: a member
 * that is not state (a pointer to a neighbour, a cache that can be rebuilt) says so with
 * FIELD_TRANSIENT.
 *
 *     static const struct field pit_channel_fields[] = {
 *         FIELD(struct pit_channel, reload),
 *         FIELD_ARRAY(struct pit_channel, latch),
 *         FIELD_END,
 *     };
 *     static const struct field pit_fields[] = {
 *         FIELD_TRANSIENT(struct pit, bus),
 *         FIELD_STRUCTS(struct pit, channel, pit_channel_fields),
 *         FIELD_END,
 *     };
 */
#ifndef SNAPSHOT_FIELD_H
#define SNAPSHOT_FIELD_H

#include <stddef.h>
#include <stdint.h>

enum field_kind {
    FIELD_KIND_END,
    FIELD_KIND_INTEGER,   /* count little-endian integers (or bools) of element_size bytes */
    FIELD_KIND_STRUCT,    /* count nested structs of element_size bytes, described by sub */
    FIELD_KIND_TRANSIENT, /* not state */
};

struct field {
    const char *name;
    enum field_kind kind;
    uint32_t offset; /* bytes from the start of the struct */
    uint32_t element_size;
    uint32_t count;
    const struct field *sub;
};

#define FIELD_SIZEOF(type, member) sizeof(((type *)0)->member)

#define FIELD(type, member)                                                                        \
    {                                                                                              \
#member, FIELD_KIND_INTEGER, offsetof(type, member), FIELD_SIZEOF(type, member), 1, NULL   \
    }
/* A one- or more-dimensional array of integers; element is an element's type. */
#define FIELD_ARRAY(type, member, element)                                                         \
    {                                                                                              \
#member, FIELD_KIND_INTEGER, offsetof(type, member), sizeof(element),                      \
            FIELD_SIZEOF(type, member) / sizeof(element), NULL                                     \
    }
#define FIELD_STRUCT(type, member, fields)                                                         \
    {                                                                                              \
#member, FIELD_KIND_STRUCT, offsetof(type, member), FIELD_SIZEOF(type, member), 1, fields  \
    }
#define FIELD_STRUCTS(type, member, fields)                                                        \
    {                                                                                              \
#member, FIELD_KIND_STRUCT, offsetof(type, member), FIELD_SIZEOF(type, member[0]),         \
            FIELD_SIZEOF(type, member) / FIELD_SIZEOF(type, member[0]), fields                     \
    }
#define FIELD_TRANSIENT(type, member)                                                              \
    {                                                                                              \
#member, FIELD_KIND_TRANSIENT, offsetof(type, member), FIELD_SIZEOF(type, member), 1, NULL \
    }
#define FIELD_END                                                                                  \
    {                                                                                              \
        NULL, FIELD_KIND_END, 0, 0, 0, NULL                                                        \
    }

/* Calls visit for every integer array below base, depth first, in table order. path is the dotted
 * name ("channel[1].latch"), valid during the call only. */
typedef void field_visit(void *context, const char *path, void *bytes, uint32_t element_size,
                         uint32_t count);
void field_walk(const struct field *fields, void *base, field_visit *visit, void *context);

/* Checks that fields (with transient ones) cover struct_size bytes without overlap, but for gaps
 * that alignment explains (smaller than 8 bytes and than the next member's size or at the end).
 * Returns NULL, or the name of the field before the first hole or overlap. */
const char *field_find_hole(const struct field *fields, uint32_t struct_size);

#endif
