/* Parts of the user interface that need large libraries (SDL2, libvncserver, and what those need in
 * turn: some fifty of them) are shared objects of their own, which are loaded when they are wanted:
 * the program starts in a fraction of the time without them.
 *
 * A module exports one table of functions (struct window_functions, struct vnc_functions) and
 * brings its own copy of the code that it shares with the program; neither has global state. */
#ifndef UI_MODULE_H
#define UI_MODULE_H

#include "base/error.h"
#include "ui/vnc.h"
#include "ui/window.h"

struct window_functions {
    struct window *(*open)(const struct window_config *config, struct error *err);
    void (*show)(struct window *window, struct gate *gate, struct control *control,
                 struct screen *screen, void (*quit)(void *opaque), void *opaque);
    void (*close)(struct window *window);
};
struct vnc_functions {
    struct vnc *(*open)(int listener, const char *password, struct error *err);
    void (*show)(struct vnc *vnc, struct gate *gate, struct control *control,
                 struct screen *screen);
    void (*close)(struct vnc *vnc);
};

/* The table called symbol in the module called file, which lies in ui/ beside the program or where
 * it was installed; loaded for good. NULL: err says what is missing. */
const void *module_load(const char *file, const char *symbol, struct error *err);

#endif
