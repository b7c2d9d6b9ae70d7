/* --display sdl: the machine in a window, by SDL2. All functions on the program's main thread,
 * which some window systems insist on.
 *
 * The window shows what machine_screen hands over, and sends what the person does through the gate
 * (keys, mouse) and the control queue (everything else). It never waits for the machine, nor the
 * machine for it. */
#ifndef UI_WINDOW_H
#define UI_WINDOW_H

#include "base/error.h"
#include "control/control.h"
#include "control/screen.h"
#include "record/gate.h"

struct window_config {
    unsigned scale; /* host pixels a pixel, 1 to 8; 0: what looks right */
    bool fullscreen;
    /* Where the floppy and CD prompts begin: a file that is in the drive, or NULL. */
    const char *floppy, *cdrom;
    /* The machine is kept by this name: at the end it is to be said whether its state is. NULL: it
     * is not. */
    const char *kept_name;
};

struct window;

/* Whether there is a screen to open a window on, as far as the environment says. */
bool window_is_likely(void);

/* NULL: err says why. config must outlive the window. */
struct window *window_open(const struct window_config *config, struct error *err);
/* Shows the machine until it has ended. quit is called when the person ends it. */
void window_show(struct window *window, struct gate *gate, struct control *control,
                 struct screen *screen, void (*quit)(void *opaque), void *opaque);
/* window may be NULL. */
void window_close(struct window *window);

#endif
