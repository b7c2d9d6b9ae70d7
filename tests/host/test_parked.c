/* Bytes in a file without a name.
 * Run alone: meson test -C build parked */
#include "base/memory.h"
#include "host/parked.h"
#include "tests/harness/unit.h"

#include <stdlib.h>
#include <unistd.h>

enum { SIZE = (1 << 20) + 123 };

static uint8_t *make_bytes(void)
{
    uint8_t *bytes = mem_new(SIZE);
    for (unsigned i = 0; i < SIZE; i++)
        bytes[i] = (uint8_t)(i * 7 + (i >> 8));
    return bytes;
}

static void bytes_are_the_same_before_and_after_a_rest(void **state)
{
    uint8_t *bytes = make_bytes(), *parked = parked_copy(bytes, SIZE);
    assert_non_null(parked);
    assert_memory_equal(parked, bytes, SIZE);
    parked_rest(parked, SIZE);
    assert_memory_equal(parked, bytes, SIZE);
    parked_free(parked, SIZE);
    mem_free(bytes);
}

static void there_may_be_no_place(void **state)
{
    uint8_t *bytes = make_bytes();
    setenv("TMPDIR", "/nonexistent/folder", 1);
    assert_null(parked_copy(bytes, SIZE));
    unsetenv("TMPDIR");
    mem_free(bytes);
}

/* What is resident of this process, in pages. */
static long resident(void)
{
    long total = 0, used = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld %ld", &total, &used), 2);
    fclose(file);
    return used;
}

static void a_rest_lets_go_of_memory(void **state)
{
    enum { MANY = 64 << 20 };
    uint8_t *bytes = mem_new(MANY), *parked = parked_copy(bytes, MANY);
    assert_non_null(parked);
    assert_memory_equal(parked, bytes, MANY);
    long before = resident();
    parked_rest(parked, MANY);
    assert_true(before - resident() > MANY / sysconf(_SC_PAGESIZE) / 2);
    parked_free(parked, MANY);
    mem_free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_the_same_before_and_after_a_rest),
        cmocka_unit_test(there_may_be_no_place),
        cmocka_unit_test(a_rest_lets_go_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
