/* The window, in its module. */
#include "base/memory.h"
#include "ui/module.h"

struct window {
    const struct window_functions *functions;
    struct window *inside;
};

struct window *window_open(const struct window_config *config, struct error *err)
{
    const struct window_functions *functions =
        module_load("anachron-window.so", "window_functions", err);
    struct window *inside = functions ? functions->open(config, err) : NULL;
    if (!inside)
        return NULL;
    struct window *window = mem_new(sizeof *window);
    *window = (struct window){functions, inside};
    return window;
}

void window_show(struct window *window, struct gate *gate, struct control *control,
                 struct screen *screen, void (*quit)(void *opaque), void *opaque)
{
    window->functions->show(window->inside, gate, control, screen, quit, opaque);
}

void window_close(struct window *window)
{
    if (!window)
        return;
    window->functions->close(window->inside);
    mem_free(window);
}
