/* The hand-off of pictures: damage, sizes, slow watchers, threads.
 * Run alone: build/tests/control/test_screen */
#include "tests/harness/unit.h"

#include "base/memory.h"
#include "control/screen.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum { WIDTH = 64, HEIGHT = 48 };

static void count(void *opaque)
{
    atomic_fetch_add((atomic_int *)opaque, 1);
}

/* The machine's part of one picture: one rectangle in one colour. False: nobody wants it. */
static bool draw(struct screen *screen, unsigned width, unsigned height, struct screen_rectangle at,
                 uint32_t colour)
{
    struct screen_damage damage = {0};
    unsigned wanted = screen_begin(screen, false);
    if (!wanted)
        return false;
    struct frame *frame = screen_frame(screen);
    frame->resized = frame->width != width || frame->height != height;
    if (frame->resized) {
        frame->pixels = mem_resize(frame->pixels, sizeof *frame->pixels * width * height);
        memset(frame->pixels, 0, sizeof *frame->pixels * width * height);
        frame->width = width;
        frame->height = height;
    } else {
        screen_damage_add(&damage, &at);
    }
    for (unsigned y = at.y; y < at.y + at.height; y++) {
        for (unsigned x = at.x; x < at.x + at.width; x++)
            frame->pixels[y * width + x] = colour;
    }
    screen_end(screen, wanted, &damage);
    return true;
}

static void only_what_changed_is_taken(void **state)
{
    struct screen *screen = screen_new();
    struct frame frame = {0};
    struct screen_damage damage;
    atomic_int news = 0;
    assert_false(draw(screen, WIDTH, HEIGHT, (struct screen_rectangle){0, 0, 4, 4}, 1));
    struct screen_watcher *watcher = screen_watch(screen, SCREEN_PIXELS, count, &news);
    assert_false(screen_take_frame(watcher, &frame, &damage));
    assert_true(draw(screen, WIDTH, HEIGHT, (struct screen_rectangle){0, 0, 4, 4}, 1));
    assert_int_equal(news, 1);
    assert_true(screen_take_frame(watcher, &frame, &damage));
    assert_int_equal(damage.count, 1);
    assert_int_equal(damage.rectangle[0].width, WIDTH);
    assert_int_equal(frame.pixels[3 * WIDTH + 3], 1);
    assert_false(screen_take_frame(watcher, &frame, &damage));
    /* What the watcher did to pixels that have not changed stays. */
    frame.pixels[0] = 77;
    assert_true(draw(screen, WIDTH, HEIGHT, (struct screen_rectangle){10, 20, 5, 6}, 2));
    assert_true(screen_take_frame(watcher, &frame, &damage));
    assert_int_equal(damage.count, 1);
    assert_int_equal(damage.rectangle[0].x, 10);
    assert_int_equal(damage.rectangle[0].height, 6);
    assert_int_equal(frame.pixels[0], 77);
    assert_int_equal(frame.pixels[25 * WIDTH + 14], 2);
    /* Another size is another picture. */
    assert_true(draw(screen, WIDTH / 2, HEIGHT, (struct screen_rectangle){0, 0, 1, 1}, 3));
    assert_true(screen_take_frame(watcher, &frame, &damage));
    assert_int_equal(damage.rectangle[0].width, WIDTH / 2);
    assert_int_equal(frame.pixels[0], 3);
    screen_unwatch(watcher);
    assert_false(draw(screen, WIDTH, HEIGHT, (struct screen_rectangle){0, 0, 4, 4}, 1));
    frame_free(&frame);
    screen_free(screen);
}

static void a_slow_watcher_keeps_nobody_back(void **state)
{
    struct screen *screen = screen_new();
    struct frame quick = {0}, slow = {0};
    struct screen_damage damage;
    struct screen_watcher *one = screen_watch(screen, SCREEN_PIXELS, NULL, NULL);
    struct screen_watcher *other = screen_watch(screen, SCREEN_PIXELS, NULL, NULL);
    draw(screen, WIDTH, HEIGHT, (struct screen_rectangle){0, 0, 1, 1}, 1);
    assert_true(screen_take_frame(one, &quick, NULL));
    assert_true(screen_take_frame(other, &slow, NULL));
    for (unsigned i = 0; i < 40; i++) {
        assert_true(draw(screen, WIDTH, HEIGHT, (struct screen_rectangle){i, i, 2, 1}, 100 + i));
        assert_true(screen_take_frame(one, &quick, &damage));
        assert_int_equal(damage.count, 1);
        assert_int_equal(damage.rectangle[0].x, i);
    }
    /* Nobody has taken this one: the next need not be drawn. */
    draw(screen, WIDTH, HEIGHT, (struct screen_rectangle){0, 0, 1, 1}, 5);
    assert_false(draw(screen, WIDTH, HEIGHT, (struct screen_rectangle){0, 0, 1, 1}, 6));
    /* The other one gets all of it at once. */
    assert_true(screen_take_frame(other, &slow, &damage));
    assert_true(damage.count >= 1 && damage.count <= SCREEN_RECTANGLES);
    assert_true(screen_take_frame(one, &quick, NULL));
    assert_memory_equal(quick.pixels, slow.pixels, WIDTH * HEIGHT * sizeof *quick.pixels);
    screen_unwatch(one);
    screen_unwatch(other);
    frame_free(&quick);
    frame_free(&slow);
    screen_free(screen);
}

static void damage_has_bounds(void **state)
{
    struct screen_damage damage = {0};
    screen_damage_add(&damage, &(struct screen_rectangle){5, 5, 0, 3});
    assert_int_equal(damage.count, 0);
    for (unsigned i = 0; i < SCREEN_RECTANGLES; i++)
        screen_damage_add(&damage, &(struct screen_rectangle){10 * i, 7, 5, 2});
    screen_damage_add(&damage, &(struct screen_rectangle){1, 8, 2, 1});
    assert_int_equal(damage.count, SCREEN_RECTANGLES);
    screen_damage_add(&damage, &(struct screen_rectangle){3, 20, 400, 1});
    assert_int_equal(damage.count, 1);
    assert_int_equal(damage.rectangle[0].x, 0);
    assert_int_equal(damage.rectangle[0].y, 7);
    assert_int_equal(damage.rectangle[0].width, 403);
    assert_int_equal(damage.rectangle[0].height, 14);
}

static void the_end_is_heard_of(void **state)
{
    struct screen *screen = screen_new();
    struct screen_status status = {.icount = 7}, seen;
    atomic_int news = 0, late = 0;
    struct screen_watcher *watcher = screen_watch(screen, SCREEN_TEXT, count, &news);
    screen_set_status(screen, &status);
    screen_get_status(screen, &seen);
    assert_int_equal(seen.icount, 7);
    assert_false(seen.ended);
    screen_close(screen);
    assert_int_equal(news, 1);
    screen_get_status(screen, &seen);
    assert_true(seen.ended);
    struct screen_watcher *second = screen_watch(screen, SCREEN_TEXT, count, &late);
    assert_int_equal(late, 1);
    screen_unwatch(second);
    screen_unwatch(watcher);
    screen_free(screen);
}

/* --- threads --- */

struct looker {
    struct screen *screen;
    atomic_bool stop;
    atomic_uint taken;
    bool torn;
};

/* Every picture that is taken must be of one colour: one that was drawn while it was copied is not.
 */
static void *look(void *argument)
{
    struct looker *looker = argument;
    struct frame frame = {0};
    struct screen_watcher *watcher = screen_watch(looker->screen, SCREEN_PIXELS, NULL, NULL);
    while (!atomic_load(&looker->stop)) {
        if (!screen_take_frame(watcher, &frame, NULL))
            continue;
        atomic_fetch_add(&looker->taken, 1);
        for (unsigned i = 1; i < frame.width * frame.height; i++)
            looker->torn |= frame.pixels[i] != frame.pixels[0];
    }
    screen_unwatch(watcher);
    frame_free(&frame);
    return NULL;
}

static void pictures_are_whole(void **state)
{
    enum { LOOKERS = 3, PICTURES = 300 };
    struct screen *screen = screen_new();
    struct looker looker[LOOKERS];
    pthread_t thread[LOOKERS];
    for (unsigned i = 0; i < LOOKERS; i++) {
        looker[i] = (struct looker){.screen = screen};
        assert_int_equal(pthread_create(&thread[i], NULL, look, &looker[i]), 0);
    }
    for (unsigned drawn = 0; drawn < PICTURES;)
        drawn += draw(screen, WIDTH, HEIGHT, (struct screen_rectangle){0, 0, WIDTH, HEIGHT},
                      drawn * 3 + 1);
    for (unsigned i = 0; i < LOOKERS; i++) {
        while (!atomic_load(&looker[i].taken))
            draw(screen, WIDTH, HEIGHT, (struct screen_rectangle){0, 0, WIDTH, HEIGHT}, 9);
        atomic_store(&looker[i].stop, true);
        pthread_join(thread[i], NULL);
        assert_false(looker[i].torn);
    }
    screen_free(screen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_changed_is_taken),
        cmocka_unit_test(a_slow_watcher_keeps_nobody_back),
        cmocka_unit_test(damage_has_bounds),
        cmocka_unit_test(the_end_is_heard_of),
        cmocka_unit_test(pictures_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
