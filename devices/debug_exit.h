/* Debug exit: a value written to ports F4h..F7h or 501h ends the machine with
 * bus_request_exit(value). Ports read as 0. */
#ifndef DEVICES_DEBUG_EXIT_H
#define DEVICES_DEBUG_EXIT_H

#include "bus/bus.h"

struct debug_exit;

struct debug_exit *debug_exit_new(struct bus *bus);

#endif
