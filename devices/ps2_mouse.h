/* PS/2 mouse with IntelliMouse (wheel, ID 3) and IntelliMouse Explorer (five buttons, ID 4)
 * extensions.
 *
 * Source: IBM PS/2 Hardware Interface Technical Reference, Mouse; Microsoft, IntelliMouse wheel and
 * five-button protocol notes. */
#ifndef DEVICES_PS2_MOUSE_H
#define DEVICES_PS2_MOUSE_H

#include "bus/bus.h"
#include "devices/ps2_port.h"

struct ps2_mouse;

enum mouse_button {
    MOUSE_LEFT = 1 << 0,
    MOUSE_RIGHT = 1 << 1,
    MOUSE_MIDDLE = 1 << 2,
    MOUSE_SIDE = 1 << 3,  /* fourth button */
    MOUSE_EXTRA = 1 << 4, /* fifth button */
};

struct ps2_mouse *ps2_mouse_new(struct bus *bus);
/* The wire, for i8042_new. */
const struct ps2_port *ps2_mouse_port(struct ps2_mouse *mouse);

/* Relative movement in counts (dx right, dy up, dz wheel towards the user), and the set of buttons
 * that are down now (enum mouse_button). (Through the gate only.) */
void ps2_mouse_move(struct ps2_mouse *mouse, int dx, int dy, int dz, unsigned buttons);
/* Sends a report even if there is nothing in it: something has happened that the guest fetches
 * elsewhere (devices/vmmouse.h). */
void ps2_mouse_nudge(struct ps2_mouse *mouse);

#endif
