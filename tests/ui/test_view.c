/* Where the picture goes in the window, keys by their place, completion of file names.
 * Run alone: build/tests/ui/test_view */
#include "tests/harness/unit.h"

#include "bus/keys.h"
#include "ui/window_keys.h"
#include "ui/window_prompt.h"
#include "ui/window_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct frame game = {.width = 320, .height = 200, .aspect_x = 5, .aspect_y = 6};
static const struct frame text = {.width = 720, .height = 400, .aspect_x = 20, .aspect_y = 27};
static const struct frame square = {.width = 640, .height = 480, .aspect_x = 1, .aspect_y = 1};
static const struct frame blank = {0};

static void check_view(const struct frame *frame, enum view_mode mode, int width, int height,
                       struct view expected)
{
    struct view view;
    view_fit(frame, mode, width, height, &view);
    assert_int_equal(view.x, expected.x);
    assert_int_equal(view.y, expected.y);
    assert_int_equal(view.width, expected.width);
    assert_int_equal(view.height, expected.height);
}

static void check_size(const struct frame *frame, int width, int height)
{
    int across, down;
    view_natural_size(frame, &across, &down);
    assert_int_equal(across, width);
    assert_int_equal(down, height);
}

static void natural_sizes_are_4_to_3(void **state)
{
    check_size(&game, 320, 240);
    check_size(&text, 720, 540);
    check_size(&square, 640, 480);
    check_size(&blank, 720, 400);
    check_size(&(struct frame){.width = 640, .height = 200, .aspect_x = 5, .aspect_y = 12}, 640,
               480);
    check_size(&(struct frame){.width = 160, .height = 480, .aspect_x = 4, .aspect_y = 1}, 640,
               480);
}

static void smooth_fills_one_direction(void **state)
{
    check_view(&game, VIEW_SMOOTH, 640, 480, (struct view){0, 0, 640, 480});
    check_view(&game, VIEW_SMOOTH, 1280, 1024, (struct view){0, 32, 1280, 960});
    check_view(&square, VIEW_SMOOTH, 1000, 480, (struct view){180, 0, 640, 480});
    check_view(&square, VIEW_SMOOTH, 1, 1, (struct view){0, 0, 1, 1});
    check_view(&blank, VIEW_SMOOTH, 72, 80, (struct view){0, 20, 72, 40});
}

static void whole_pixels_are_whole(void **state)
{
    check_view(&square, VIEW_INTEGER, 1300, 1000, (struct view){10, 20, 1280, 960});
    check_view(&text, VIEW_INTEGER, 720, 540, (struct view){0, 70, 720, 400});
    /* 5:6 is nearly as wide as high at two to one, and exact at five to six. */
    check_view(&game, VIEW_INTEGER, 640, 480, (struct view){0, 40, 640, 400});
    check_view(&game, VIEW_INTEGER, 1600, 1200, (struct view){0, 0, 1600, 1200});
    /* Where there is no room for whole pixels, the whole picture is more important. */
    check_view(&square, VIEW_INTEGER, 320, 240, (struct view){0, 0, 320, 240});
    for (int width = 320; width < 2000; width += 37) {
        struct view view;
        view_fit(&game, VIEW_INTEGER, width, width * 3 / 4, &view);
        assert_int_equal(view.width % 320, 0);
        assert_int_equal(view.height % 200, 0);
        assert_true(view.width <= width && view.height <= width * 3 / 4);
    }
}

static void points_reach_the_edges(void **state)
{
    struct view view = {10, 20, 320, 200};
    unsigned across, down;
    assert_true(view_point(&view, 10, 20, &across, &down));
    assert_int_equal(across, 0);
    assert_int_equal(down, 0);
    assert_true(view_point(&view, 329, 219, &across, &down));
    assert_int_equal(across, 65535);
    assert_int_equal(down, 65535);
    assert_false(view_point(&view, 330, 219, &across, &down));
    assert_int_equal(across, 65535);
    assert_false(view_point(&view, -5, 100, &across, &down));
    assert_int_equal(across, 0);
    assert_true(down > 20000 && down < 32768);
}

static void every_key_of_the_guest_is_there(void **state)
{
    bool seen[0x100] = {false}, grey[0x100] = {false};
    for (unsigned scancode = 0; scancode < 1000; scancode++) {
        uint16_t key = window_key(scancode);
        if (key >> 8 == 0xE0)
            grey[key & 0xFF] = true;
        else if (key < 0x100)
            seen[key] = true;
    }
    for (unsigned key = KEY_ESC; key <= KEY_F12; key++)
        assert_true(seen[key] || key == 0x54 || key == 0x55);
    static const uint8_t greys[] = {0x1C, 0x1D, 0x35, 0x37, 0x38, 0x47, 0x48, 0x49, 0x4B,
                                    0x4D, 0x4F, 0x50, 0x51, 0x52, 0x53, 0x5B, 0x5C, 0x5D};
    for (unsigned i = 0; i < sizeof greys; i++)
        assert_true(grey[greys[i]]);
    assert_int_equal(window_key(0x48), KEY_PAUSE);
    assert_int_equal(window_key(0), 0);
    assert_int_equal(window_key(~0u), 0);
}

static void make_file(const char *directory, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    fclose(fopen(path, "w"));
}

static void check_prompt(const struct prompt *prompt, const char *directory, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    assert_string_equal(prompt->text, path);
}

static void tab_completes_names(void **state)
{
    char directory[] = "/tmp/anachron-test-XXXXXX", command[64], start[64];
    struct prompt prompt;
    assert_non_null(mkdtemp(directory));
    make_file(directory, "disk-1.img");
    make_file(directory, "disk-2.img");
    make_file(directory, ".disk-hidden");
    snprintf(start, sizeof start, "%s/folder", directory);
    mkdir(start, 0700);
    make_file(start, "inside");
    snprintf(start, sizeof start, "%s/d", directory);
    prompt_set(&prompt, start);
    assert_true(prompt_complete(&prompt));
    check_prompt(&prompt, directory, "disk-");
    assert_true(prompt_complete(&prompt));
    check_prompt(&prompt, directory, "disk-1.img");
    assert_true(prompt_complete(&prompt));
    check_prompt(&prompt, directory, "disk-2.img");
    assert_true(prompt_complete(&prompt));
    check_prompt(&prompt, directory, "disk-1.img");
    prompt_erase(&prompt, true);
    prompt_add(&prompt, "f");
    assert_true(prompt_complete(&prompt));
    check_prompt(&prompt, directory, "folder/");
    assert_true(prompt_complete(&prompt));
    check_prompt(&prompt, directory, "folder/inside");
    prompt_add(&prompt, "x");
    assert_false(prompt_complete(&prompt));
    check_prompt(&prompt, directory, "folder/insidex");
    snprintf(command, sizeof command, "rm -r %s", directory);
    assert_int_equal(system(command), 0);
    assert_false(prompt_complete(&prompt));
}

static void characters_are_erased_whole(void **state)
{
    struct prompt prompt;
    prompt_set(&prompt, "a/b\xC3\xA9");
    prompt_erase(&prompt, false);
    assert_string_equal(prompt.text, "a/b");
    prompt_erase(&prompt, true);
    assert_string_equal(prompt.text, "a/");
    prompt_erase(&prompt, true);
    assert_string_equal(prompt.text, "");
    prompt_erase(&prompt, false);
    assert_string_equal(prompt.text, "");
    for (unsigned i = 0; i < 2 * PROMPT_SIZE; i++)
        prompt_add(&prompt, "x");
    assert_int_equal(strlen(prompt.text), PROMPT_SIZE - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(natural_sizes_are_4_to_3),
        cmocka_unit_test(smooth_fills_one_direction),
        cmocka_unit_test(whole_pixels_are_whole),
        cmocka_unit_test(points_reach_the_edges),
        cmocka_unit_test(every_key_of_the_guest_is_there),
        cmocka_unit_test(tab_completes_names),
        cmocka_unit_test(characters_are_erased_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
