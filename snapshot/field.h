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
 *
 * A state that is loaded may come from anywhere, so the table also says what its values may be,
 * wherever one is used as an index, a size, a shift, a divisor, an enumeration or the bound of a
 * loop: FIELD_MOST, FIELD_RANGE, FIELD_FIXED, and FIELD_CHECK for what several fields must be to
 * each other. A bool is 0 or 1 without being asked.
 *
 *         FIELD_MOST(struct uart, rx_count, FIFO_SIZE),
 *         FIELD_CHECK(uart_misfit),
 */
#ifndef SNAPSHOT_FIELD_H
#define SNAPSHOT_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum field_kind {
    FIELD_KIND_END,
    FIELD_KIND_INTEGER,   /* count little-endian integers (or bools) of element_size bytes */
    FIELD_KIND_STRUCT,    /* count nested structs of element_size bytes, described by sub */
    FIELD_KIND_TRANSIENT, /* not state */
    FIELD_KIND_CHECK,     /* no member: check is asked about the whole struct */
};

/* Whether the struct at base, whose fields (and those of all other structs) were just loaded, is
 * one that the code can work with. NULL: it is; else what is wrong, as in "the FIFO holds more than
 * it has room for". Transient members are those of the machine that loads, and nothing may be
 * changed. */
typedef const char *field_misfit(const void *base);

struct field {
    const char *name;
    enum field_kind kind;
    uint32_t offset; /* bytes from the start of the struct */
    uint32_t element_size;
    uint32_t count;
    const struct field *sub;
    uint64_t least, most; /* what an integer may be, without a sign */
    bool fixed;           /* how the machine was built: must be as it is there */
    field_misfit *misfit; /* FIELD_KIND_CHECK */
};

/* The largest value that a type can have without being undefined. */
#define FIELD_NATURAL_MOST(value) _Generic((value), bool : UINT64_C(1), default : UINT64_MAX)

#define FIELD_SIZEOF(type, member) sizeof(((type *)0)->member)

#define FIELD_RANGE(type, member, least_value, most_value)                                         \
    {                                                                                              \
        .name = #member, .kind = FIELD_KIND_INTEGER, .offset = offsetof(type, member),             \
        .element_size = FIELD_SIZEOF(type, member), .count = 1, .least = (least_value),            \
        .most = (most_value)                                                                       \
    }
#define FIELD_MOST(type, member, most_value) FIELD_RANGE(type, member, 0, most_value)
/* Any value that its type has. */
#define FIELD(type, member) FIELD_MOST(type, member, FIELD_NATURAL_MOST(((type *)0)->member))
/* A one- or more-dimensional array of integers; element is an element's type. */
#define FIELD_ARRAY_MOST(type, member, element, most_value)                                        \
    {                                                                                              \
        .name = #member, .kind = FIELD_KIND_INTEGER, .offset = offsetof(type, member),             \
        .element_size = sizeof(element), .count = FIELD_SIZEOF(type, member) / sizeof(element),    \
        .most = (most_value)                                                                       \
    }
#define FIELD_ARRAY(type, member, element)                                                         \
    FIELD_ARRAY_MOST(type, member, element, FIELD_NATURAL_MOST((element){0}))
/* Part of the state, and the same in every machine of this configuration: wiring in disguise. */
#define FIELD_FIXED(type, member)                                                                  \
    {                                                                                              \
        .name = #member, .kind = FIELD_KIND_INTEGER, .offset = offsetof(type, member),             \
        .element_size = FIELD_SIZEOF(type, member), .count = 1, .most = UINT64_MAX, .fixed = true  \
    }
#define FIELD_STRUCT(type, member, fields)                                                         \
    {                                                                                              \
        .name = #member, .kind = FIELD_KIND_STRUCT, .offset = offsetof(type, member),              \
        .element_size = FIELD_SIZEOF(type, member), .count = 1, .sub = (fields)                    \
    }
#define FIELD_STRUCTS(type, member, fields)                                                        \
    {                                                                                              \
        .name = #member, .kind = FIELD_KIND_STRUCT, .offset = offsetof(type, member),              \
        .element_size = FIELD_SIZEOF(type, member[0]),                                             \
        .count = FIELD_SIZEOF(type, member) / FIELD_SIZEOF(type, member[0]), .sub = (fields)       \
    }
#define FIELD_TRANSIENT(type, member)                                                              \
    {                                                                                              \
        .name = #member, .kind = FIELD_KIND_TRANSIENT, .offset = offsetof(type, member),           \
        .element_size = FIELD_SIZEOF(type, member), .count = 1                                     \
    }
#define FIELD_CHECK(function)                                                                      \
    {                                                                                              \
        .name = #function, .kind = FIELD_KIND_CHECK, .misfit = (function)                          \
    }
#define FIELD_END                                                                                  \
    {                                                                                              \
        .kind = FIELD_KIND_END                                                                     \
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

/* A value that cannot be: the field's path ("channel[1].position"; empty: the struct itself), and
 * what is wrong with it ("is 70000, more than 65536"). */
struct field_complaint {
    char path[160];
    char text[160];
};

/* Whether values that are to be loaded are what the table allows. *packed has them one after the
 * other in the order of field_walk, as little-endian numbers, and is moved behind them; present is
 * the struct of the machine that loads. False: complaint is filled. */
bool field_values_fit(const struct field *fields, const void *present, const uint8_t **packed,
                      struct field_complaint *complaint);
/* Asks all FIELD_CHECKs below base, once the values are in place. */
bool field_relations_fit(const struct field *fields, const void *base,
                         struct field_complaint *complaint);

#endif
