/* Field tables: walking order and paths, and the proof that a table covers its struct.
 * Run alone: meson test -C build field */
#include "snapshot/field.h"
#include "tests/harness/unit.h"

#include <stdio.h>
#include <string.h>

struct inner {
    uint16_t a;
    uint8_t b[3];
};
static const struct field inner_fields[] = {
    FIELD(struct inner, a),
    FIELD_ARRAY(struct inner, b, uint8_t),
    FIELD_END,
};

struct outer {
    uint32_t first;
    struct inner pair[2];
    struct inner one;
    void *wiring;
    uint64_t last;
};
static const struct field outer_fields[] = {
    FIELD(struct outer, first),
    FIELD_STRUCTS(struct outer, pair, inner_fields),
    FIELD_STRUCT(struct outer, one, inner_fields),
    FIELD_TRANSIENT(struct outer, wiring),
    FIELD(struct outer, last),
    FIELD_END,
};

static void collect(void *context, const char *path, void *bytes, uint32_t element_size,
                    uint32_t count)
{
    char *text = context;
    sprintf(text + strlen(text), "%s:%ux%u ", path, (unsigned)element_size, (unsigned)count);
}

static void walks_in_table_order(void **state)
{
    struct outer outer = {0};
    char text[512] = "";
    field_walk(outer_fields, &outer, collect, text);
    assert_string_equal(text,
                        "first:4x1 pair[0].a:2x1 pair[0].b:1x3 pair[1].a:2x1 pair[1].b:1x3 "
                        "one.a:2x1 one.b:1x3 last:8x1 ");
}

static void complete_table_has_no_hole(void **state)
{
    assert_null(field_find_hole(outer_fields, sizeof(struct outer)));
    assert_null(field_find_hole(inner_fields, sizeof(struct inner)));
}

static void missing_member_is_found(void **state)
{
    static const struct field fields[] = {
        FIELD(struct outer, first),
        FIELD_STRUCTS(struct outer, pair, inner_fields),
        FIELD_TRANSIENT(struct outer, wiring),
        FIELD(struct outer, last),
        FIELD_END,
    };
    assert_string_equal(field_find_hole(fields, sizeof(struct outer)), "pair");
}

static void missing_last_member_is_found(void **state)
{
    static const struct field fields[] = {
        FIELD(struct outer, first),
        FIELD_STRUCTS(struct outer, pair, inner_fields),
        FIELD_STRUCT(struct outer, one, inner_fields),
        FIELD_TRANSIENT(struct outer, wiring),
        FIELD_END,
    };
    assert_string_equal(field_find_hole(fields, sizeof(struct outer)), "wiring");
}

static void hole_in_nested_struct_is_found(void **state)
{
    static const struct field nested[] = {FIELD_ARRAY(struct inner, b, uint8_t), FIELD_END};
    static const struct field fields[] = {
        FIELD(struct outer, first),
        FIELD_STRUCTS(struct outer, pair, nested),
        FIELD_STRUCT(struct outer, one, inner_fields),
        FIELD_TRANSIENT(struct outer, wiring),
        FIELD(struct outer, last),
        FIELD_END,
    };
    assert_non_null(field_find_hole(fields, sizeof(struct outer)));
}

static void overlap_is_found(void **state)
{
    static const struct field fields[] = {
        {.name = "first",             .kind = FIELD_KIND_INTEGER, .element_size = 8, .count = 1},
        { .name = "second", .kind = FIELD_KIND_INTEGER,                .offset = 4, .element_size = 8, .count = 1},
        FIELD_END,
    };
    assert_string_equal(field_find_hole(fields, 12), "second");
}

/* --- what values may be --- */

enum { PLACES = 4 };

struct queue {
    uint8_t kind;
    uint8_t first, count[2];
    bool on;
    uint64_t due;
};
struct pair {
    struct queue queue[2];
};

static const char *queue_misfit(const void *base)
{
    const struct queue *queue = base;
    return queue->on && !queue->due ? "it waits for nothing" : NULL;
}

static const struct field queue_fields[] = {
    FIELD_FIXED(struct queue, kind),
    FIELD_RANGE(struct queue, first, 1, PLACES),
    FIELD_ARRAY_MOST(struct queue, count, uint8_t, PLACES),
    FIELD(struct queue, on),
    FIELD(struct queue, due),
    FIELD_CHECK(queue_misfit),
    FIELD_END,
};
static const struct field pair_fields[] = {
    FIELD_STRUCTS(struct pair, queue, queue_fields),
    FIELD_END,
};

static void append(void *context, const char *path, void *bytes, uint32_t element_size,
                   uint32_t count)
{
    uint8_t **end = context;
    memcpy(*end, bytes, (size_t)element_size * count);
    *end += (size_t)element_size * count;
}

static const struct pair good = {
    .queue = {{.kind = 3, .first = 1, .count = {0, 4}, .on = true, .due = UINT64_MAX},
              {.kind = 4, .first = 4}}
};

static void refuses(struct pair *loaded, const char *path, const char *text)
{
    uint8_t packed[sizeof *loaded], *end = packed;
    const uint8_t *at = packed;
    struct field_complaint complaint;
    field_walk(pair_fields, loaded, append, &end);
    assert_false(field_values_fit(pair_fields, &good, &at, &complaint));
    assert_string_equal(complaint.path, path);
    assert_string_equal(complaint.text, text);
}

static void values_in_their_ranges_fit(void **state)
{
    struct pair loaded = good;
    uint8_t packed[sizeof loaded], *end = packed;
    const uint8_t *at = packed;
    struct field_complaint complaint;
    field_walk(pair_fields, &loaded, append, &end);
    assert_true(field_values_fit(pair_fields, &good, &at, &complaint));
    assert_ptr_equal(at, end);
    assert_true(field_relations_fit(pair_fields, &loaded, &complaint));
}

static void values_out_of_their_ranges_are_named(void **state)
{
    struct pair loaded = good;
    loaded.queue[1].count[1] = 5;
    refuses(&loaded, "queue[1].count[1]", "is 5, more than 4");
    loaded = good;
    loaded.queue[0].first = 0;
    refuses(&loaded, "queue[0].first", "is 0, less than 1");
    loaded = good;
    memset(&loaded.queue[0].on, 2, 1);
    refuses(&loaded, "queue[0].on", "is 2, more than 1");
    loaded = good;
    loaded.queue[1].kind = 3;
    refuses(&loaded, "queue[1].kind", "is 3, and 4 in this machine");
}

static void relations_are_asked_about_structs(void **state)
{
    struct pair loaded = good;
    struct field_complaint complaint;
    loaded.queue[1].on = true;
    assert_false(field_relations_fit(pair_fields, &loaded, &complaint));
    assert_string_equal(complaint.path, "queue[1]");
    assert_string_equal(complaint.text, "it waits for nothing");
}

static void checks_are_no_members(void **state)
{
    assert_null(field_find_hole(pair_fields, sizeof(struct pair)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks_in_table_order),
        cmocka_unit_test(complete_table_has_no_hole),
        cmocka_unit_test(missing_member_is_found),
        cmocka_unit_test(missing_last_member_is_found),
        cmocka_unit_test(hole_in_nested_struct_is_found),
        cmocka_unit_test(overlap_is_found),
        cmocka_unit_test(values_in_their_ranges_fit),
        cmocka_unit_test(values_out_of_their_ranges_are_named),
        cmocka_unit_test(relations_are_asked_about_structs),
        cmocka_unit_test(checks_are_no_members),
    };
    return cmocka_run_group_tests_name("field", tests, NULL, NULL);
}
