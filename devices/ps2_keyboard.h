/* IBM PS/2 101/102-key keyboard: scan sets 1 to 3, all commands, typematic repeat, a 16-byte buffer
 * with overrun.
 *
 * Source: IBM PS/2 Hardware Interface Technical Reference, Keyboards (101- and 102-Key). */
#ifndef DEVICES_PS2_KEYBOARD_H
#define DEVICES_PS2_KEYBOARD_H

#include "bus/bus.h"
#include "bus/keys.h"
#include "devices/ps2_port.h"

struct ps2_keyboard;

struct ps2_keyboard *ps2_keyboard_new(struct bus *bus);
/* The wire, for i8042_new. */
const struct ps2_port *ps2_keyboard_port(struct ps2_keyboard *keyboard);

/* A key went down or up; a second press without release is ignored (repeat is the keyboard's own
 * business). Unknown keys are ignored. (Through the gate only.) */
void ps2_keyboard_key(struct ps2_keyboard *keyboard, enum key code, bool pressed);

/* Lit indicators: bit 0 scroll lock, 1 num lock, 2 caps lock. */
uint8_t ps2_keyboard_leds(const struct ps2_keyboard *keyboard);
/* How many more key events' bytes fit for sure: for scripts that type ahead. 0 when a byte is
 * still waiting for the guest. */
unsigned ps2_keyboard_room(const struct ps2_keyboard *keyboard);

#endif
