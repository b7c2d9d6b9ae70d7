/* Debug consoles: a byte written to port E9h (Bochs) or 402h (SeaBIOS) goes to the host. Both read
 * as E9h, by which guests detect them. */
#ifndef DEVICES_DEBUG_CONSOLE_H
#define DEVICES_DEBUG_CONSOLE_H

#include "bus/backend.h"
#include "bus/bus.h"

struct debug_console;

/* output is not owned; NULL: the ports exist, and bytes vanish. */
struct debug_console *debug_console_new(struct bus *bus, struct char_backend *output);

#endif
