/* The window of a build without SDL2. */
#include "ui/window.h"

struct window *window_open(const struct window_config *config, struct error *err)
{
    error_set(err, "--display sdl: this program was built without SDL2; use term or none");
    return NULL;
}

void window_show(struct window *window, struct gate *gate, struct control *control,
                 struct screen *screen, void (*quit)(void *opaque), void *opaque)
{
}

void window_close(struct window *window) {}
