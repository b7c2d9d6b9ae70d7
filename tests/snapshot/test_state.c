/* The state map: what changes the hash and what does not, and the dump.
 * Run alone: meson test -C build state */
#include "snapshot/serial.h"
#include "tests/harness/unit.h"

#include <stdlib.h>
#include <string.h>

struct chip {
    uint8_t reg[2];
    uint32_t count;
    void *wiring;
    unsigned prepared;
};
static const char *chip_misfit(const void *base)
{
    const struct chip *chip = base;
    return chip->reg[0] > chip->reg[1] ? "the registers are in the wrong order" : NULL;
}

static const struct field chip_fields[] = {
    FIELD_ARRAY(struct chip, reg, uint8_t),
    FIELD_MOST(struct chip, count, 0x7FFFFFFF),
    FIELD_CHECK(chip_misfit),
    FIELD_TRANSIENT(struct chip, wiring),
    FIELD_TRANSIENT(struct chip, prepared),
    FIELD_END,
};

static void prepare(void *base)
{
    ((struct chip *)base)->prepared++;
}

struct fixture {
    struct chip chip;
    uint8_t memory[64];
    struct state_map *map;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->map = state_map_new();
    state_add_struct(f->map, "chip", chip_fields, &f->chip,
                     &(struct state_hooks){.before_walk = prepare});
    state_add_memory(f->map, "ram", f->memory, sizeof f->memory);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    state_map_free(f->map);
    free(f);
    return 0;
}

static void hash_sees_every_field_and_byte(void **state)
{
    struct fixture *f = *state;
    uint64_t before = state_hash(f->map);
    f->chip.reg[1] = 1;
    uint64_t with_register = state_hash(f->map);
    assert_true(before != with_register);
    f->memory[63] = 1;
    assert_true(state_hash(f->map) != with_register);
    f->memory[63] = 0;
    f->chip.reg[1] = 0;
    assert_true(state_hash(f->map) == before);
}

static void hash_ignores_wiring(void **state)
{
    struct fixture *f = *state;
    uint64_t before = state_hash(f->map);
    f->chip.wiring = f;
    assert_true(state_hash(f->map) == before);
}

static void lazily_kept_fields_are_prepared(void **state)
{
    struct fixture *f = *state;
    state_hash(f->map);
    assert_int_equal(f->chip.prepared, 1);
}

static void dump_has_a_line_a_field(void **state)
{
    struct fixture *f = *state;
    f->chip.reg[0] = 0xAB;
    f->chip.count = 0x12345678;
    char *text;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    state_dump(f->map, stream);
    fclose(stream);
    assert_non_null(strstr(text, "chip.reg = ab 00\n"));
    assert_non_null(strstr(text, "chip.count = 12345678\n"));
    assert_non_null(strstr(text, "ram = 64 bytes, hash "));
    free(text);
}

/* The state is taken, or refused with that reason; and then the chip is what it was. */
static void load_changed(struct fixture *f, const struct chip *changed, const char *reason)
{
    struct serial packed = {0};
    struct error err = {""};
    struct chip present = f->chip;
    f->chip = *changed;
    state_pack(f->map, &packed);
    f->chip = present;
    assert_true(state_unpack(f->map, packed.bytes, packed.size, &err) == !reason);
    assert_string_equal(err.text, reason ? reason : "");
    assert_memory_equal(&f->chip.reg, reason ? &present.reg : &changed->reg, 2);
    assert_int_equal(f->chip.count, reason ? present.count : changed->count);
    serial_free(&packed);
}

static void nonsense_is_refused_and_changes_nothing(void **state)
{
    struct fixture *f = *state;
    f->chip = (struct chip){
        .reg = {1, 2},
          .count = 3
    };
    load_changed(f,
                 &(struct chip){
                     .reg = {5, 5},
                       .count = 0x7FFFFFFF
    },
                 NULL);
    load_changed(f,
                 &(struct chip){
                     .reg = {5, 6},
                       .count = 0x80000000
    },
                 "section 'chip', field 'count' is 2147483648, more than 2147483647: the file is "
                 "damaged or was made by something else");
    load_changed(f,
                 &(struct chip){
                     .reg = {7, 6},
                       .count = 1
    },
                 "section 'chip': the registers are in the wrong order: the file is damaged or was "
                 "made by something else");
}

static void messages_are_one_line(void **state)
{
    struct error err;
    error_set(&err, "drive A held %s", "a\nb\x1b[2J");
    assert_string_equal(err.text, "drive A held a?b?[2J");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(hash_sees_every_field_and_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hash_ignores_wiring, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lazily_kept_fields_are_prepared, set_up, tear_down),
        cmocka_unit_test_setup_teardown(dump_has_a_line_a_field, set_up, tear_down),
        cmocka_unit_test(messages_are_one_line),
        cmocka_unit_test_setup_teardown(nonsense_is_refused_and_changes_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
