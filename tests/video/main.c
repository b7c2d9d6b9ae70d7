/* Shows one picture after the other: says "picture NAME" and "show NNN" on port E9h when it is
 * there, and goes on at a key. */
#include "tests/video/video.h"

static void put(const char *text)
{
    while (*text)
        outb(0xE9, (u8)*text++);
}

/* Keys that were pressed while there was no picture yet. */
static void drop_keys(void)
{
    for (;;) {
        struct registers r = {.ax = 0x0100};
        bios_call(&r, 0x16);
        if (r.flags & ZERO)
            return;
        r.ax = 0;
        bios_call(&r, 0x16);
    }
}

static void wait_for_key(void)
{
    struct registers r = {.ax = 0};
    bios_call(&r, 0x16);
}

/* Every picture begins with the firmware's mode 3. */
static void start_clean(void)
{
    outb(0x3C6, 0xFF);
    outb(0x3C2, 0x67);
    video_call(0x4F08, 0x0600, 0, 0);
    dispi(4, 0);
    video_call(0x0003, 0, 0, 0);
}

static unsigned show_all(const struct effect *effects, unsigned number)
{
    for (; effects->show; effects++, number++) {
        char digits[] = {(char)('0' + number / 100), (char)('0' + number / 10 % 10),
                         (char)('0' + number % 10), '\n', 0};
        start_clean();
        effects->show();
        wait_retraces(2);
        drop_keys();
        put("picture ");
        put(effects->name);
        put("\nshow ");
        put(digits);
        wait_for_key();
    }
    return number;
}

void test_main(void)
{
    static const struct effect *const groups[] = {bios_effects,   text_effects,   scroll_effects,
                                                  planar_effects, linear_effects, control_effects,
                                                  vbe_effects};
    unsigned number = 1;
    make_font_16();
    for (unsigned i = 0; i < sizeof groups / sizeof groups[0]; i++)
        number = show_all(groups[i], number);
    start_clean();
    CHECK("all shown", true);
}
