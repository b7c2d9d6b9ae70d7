/* The virtual clock: rates, deadlines, order, idle time.
 * Run alone: meson test -C build clock */
#include "bus/clock.h"
#include "tests/harness/unit.h"

#include <string.h>

struct world {
    struct clock *clock;
    uint64_t icount;
    unsigned interrupts;
    struct timer a, b;
    char order[16];
};

static uint64_t get_icount(void *opaque)
{
    return ((struct world *)opaque)->icount;
}
static void interrupt(void *opaque)
{
    ((struct world *)opaque)->interrupts++;
}
static void a_expired(void *opaque)
{
    strcat(((struct world *)opaque)->order, "a");
}
static void b_expired(void *opaque)
{
    struct world *w = opaque;
    strcat(w->order, "b");
    if (strlen(w->order) < 3)
        timer_arm(&w->b, clock_now(w->clock));
}

static int set_up(void **state)
{
    static struct world world;
    world = (struct world){.clock = clock_new()};
    clock_set_source(world.clock, &(struct clock_source){get_icount, interrupt, &world});
    timer_init(&world.a, world.clock, a_expired, &world);
    timer_init(&world.b, world.clock, b_expired, &world);
    *state = &world;
    return 0;
}
static int tear_down(void **state)
{
    clock_free(((struct world *)*state)->clock);
    return 0;
}

static void time_is_instructions_times_rate(void **state)
{
    struct world *w = *state;
    assert_int_equal(clock_now(w->clock), 0);
    w->icount = 123;
    assert_int_equal(clock_now(w->clock), 1230);
    clock_set_rate(w->clock, 2500);
    assert_int_equal(clock_now(w->clock), 1230);
    w->icount += 3;
    assert_int_equal(clock_now(w->clock), 1237); /* 7.5 ns, rounded down */
    assert_int_equal(clock_ticks(w->clock, 1000000000 / 2), 618);
}

static void budget_reaches_the_deadline_exactly(void **state)
{
    struct world *w = *state;
    clock_set_rate(w->clock, 3333);
    w->icount = 1000;
    for (uint64_t ns = clock_now(w->clock) + 1; ns < 3500; ns++) {
        uint64_t insns = clock_insns_until(w->clock, ns);
        w->icount += insns;
        assert_true(clock_now(w->clock) >= ns);
        w->icount--;
        assert_true(clock_now(w->clock) < ns);
        w->icount -= insns - 1;
    }
    assert_true(clock_insns_until(w->clock, CLOCK_NEVER) == CLOCK_NEVER);
    assert_int_equal(clock_insns_until(w->clock, 5), 0);
}

static void timers_expire_in_order_of_deadline_then_rank(void **state)
{
    struct world *w = *state;
    timer_arm(&w->b, 100);
    timer_arm(&w->a, 100);
    assert_int_equal(w->interrupts, 2);
    assert_int_equal(clock_next_deadline(w->clock), 100);
    clock_expire(w->clock);
    assert_string_equal(w->order, "");
    w->icount = 10;
    clock_expire(w->clock);
    assert_string_equal(w->order, "abb"); /* b arms itself anew, once more */
}

static void cancelled_timer_stays_quiet(void **state)
{
    struct world *w = *state;
    timer_arm(&w->a, 10);
    assert_true(timer_armed(&w->a));
    timer_cancel(&w->a);
    assert_false(timer_armed(&w->a));
    w->icount = 100;
    clock_expire(w->clock);
    assert_string_equal(w->order, "");
    assert_true(clock_next_deadline(w->clock) == CLOCK_NEVER);
}

static void idle_time_is_skipped(void **state)
{
    struct world *w = *state;
    w->icount = 10;
    clock_skip_to(w->clock, 5000);
    assert_int_equal(clock_now(w->clock), 5000);
    clock_skip_to(w->clock, 4000);
    assert_int_equal(clock_now(w->clock), 5000);
    w->icount = 11;
    assert_int_equal(clock_now(w->clock), 5010);
}

static void slow_bus_cycles_take_time(void **state)
{
    struct world *w = *state;
    w->icount = 10;
    unsigned before = w->interrupts;
    clock_stall(w->clock, 700);
    assert_int_equal(clock_now(w->clock), 800);
    assert_int_equal(w->interrupts, before + 1); /* a deadline may have passed */
    w->icount = 11;
    assert_int_equal(clock_now(w->clock), 810);
}

static void tables_are_complete(void **state)
{
    assert_null(field_find_hole(timer_fields, sizeof(struct timer)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(time_is_instructions_times_rate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(budget_reaches_the_deadline_exactly, set_up, tear_down),
        cmocka_unit_test_setup_teardown(timers_expire_in_order_of_deadline_then_rank, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(cancelled_timer_stays_quiet, set_up, tear_down),
        cmocka_unit_test_setup_teardown(idle_time_is_skipped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(slow_bus_cycles_take_time, set_up, tear_down),
        cmocka_unit_test(tables_are_complete),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
