/* Memory that is got ahead of its use: what is asked for, and that it stays what it was.
 * Run alone: meson test -C build memory */
#include "base/memory.h"
#include "tests/harness/unit.h"

#include <sys/mman.h>

enum { HOST_PAGE = 4096, PAGES = 40, STEP = 16 /* pages */ };
static const size_t size = PAGES * HOST_PAGE;

static unsigned pages_there(uint8_t *block)
{
    unsigned char there[PAGES];
    unsigned count = 0;
    assert_int_equal(mincore(block, size, there), 0);
    for (unsigned i = 0; i < PAGES; i++)
        count += there[i] & 1;
    return count;
}

/* An older host does not know how; then a page comes when it is touched. */
static bool host_can(uint8_t *block)
{
#ifdef MADV_POPULATE_WRITE
    return madvise(block, HOST_PAGE, MADV_POPULATE_WRITE) == 0;
#else
    return false;
#endif
}

static void pages_come_in_steps(void **state)
{
    struct mem_ahead ahead = {.block = mem_map(size), .size = size};
    if (!host_can(ahead.block))
        skip();
    mem_ahead_use(&ahead, 1);
    assert_int_equal(pages_there(ahead.block), STEP);
    mem_ahead_use(&ahead, STEP * HOST_PAGE);
    assert_int_equal(pages_there(ahead.block), STEP);
    mem_ahead_use(&ahead, STEP * HOST_PAGE + 1);
    assert_int_equal(pages_there(ahead.block), 2 * STEP);
    mem_ahead_use(&ahead, size); /* less than a step is left */
    assert_int_equal(pages_there(ahead.block), PAGES);
    mem_unmap(ahead.block, size);
}

static void bytes_stay(void **state)
{
    struct mem_ahead ahead = {.block = mem_map(size), .size = size};
    ahead.block[0] = 1;
    ahead.block[size - 1] = 2;
    mem_ahead_use(&ahead, size);
    assert_int_equal(ahead.block[0], 1);
    assert_int_equal(ahead.block[1], 0);
    assert_int_equal(ahead.block[size - 1], 2);
    mem_ahead_use(&ahead, 2 * size); /* used beyond its end: nothing happens behind it */
    assert_int_equal(ahead.ready, size);
    mem_unmap(ahead.block, size);
}

static void what_may_only_be_read(void **state)
{
    struct mem_ahead ahead = {.block = mem_map(size), .size = size, .is_read = true};
    ahead.block[HOST_PAGE] = 1;
    assert_int_equal(mprotect(ahead.block, size, PROT_READ), 0);
    mem_ahead_use(&ahead, size);
    assert_int_equal(ahead.block[HOST_PAGE], 1);
    assert_int_equal(ahead.block[0], 0);
    mem_unmap(ahead.block, size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_come_in_steps),
        cmocka_unit_test(bytes_stay),
        cmocka_unit_test(what_may_only_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
