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
        {"first",  FIELD_KIND_INTEGER, 0, 8, 1, NULL},
        {"second", FIELD_KIND_INTEGER, 4, 8, 1, NULL},
        FIELD_END,
    };
    assert_string_equal(field_find_hole(fields, 12), "second");
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
    };
    return cmocka_run_group_tests_name("field", tests, NULL, NULL);
}
