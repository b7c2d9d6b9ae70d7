/* --display vnc: the machine's screen for viewers on the network, by libvncserver.
 *
 * Every viewer has a thread, a picture and a libvncserver screen of its own, and watches the
 * machine's screen by itself (control/screen.h): one that is slow, hangs or goes away in the middle
 * of a picture holds up nobody, the machine least of all. */
#ifndef UI_VNC_H
#define UI_VNC_H

#include "base/error.h"
#include "control/control.h"
#include "control/screen.h"
#include "record/gate.h"

enum { VNC_VIEWERS = 8, VNC_PASSWORD_MAX = 8 };

struct vnc;

/* listener: a listening TCP socket, which the server takes over. password: up to VNC_PASSWORD_MAX
 * bytes (more do not count: so is the protocol); copied; NULL: none is asked for. NULL: err says
 * why; the listener is then closed. */
struct vnc *vnc_open(int listener, const char *password, struct error *err);
/* Lets viewers in until the machine has ended. */
void vnc_show(struct vnc *vnc, struct gate *gate, struct control *control, struct screen *screen);
/* vnc may be NULL. */
void vnc_close(struct vnc *vnc);

#endif
