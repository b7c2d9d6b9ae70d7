/* The remote screen of a build without libvncserver. */
#include "ui/vnc.h"

#include <unistd.h>

struct vnc *vnc_open(int listener, const char *password, struct error *err)
{
    error_set(err,
              "--display vnc: this program was built without libvncserver; use sdl, term or none");
    close(listener);
    return NULL;
}

void vnc_show(struct vnc *vnc, struct gate *gate, struct control *control, struct screen *screen) {}

void vnc_close(struct vnc *vnc) {}
