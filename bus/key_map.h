/* Keys by the characters they type on a US keyboard, and by name. */
#ifndef BUS_KEY_MAP_H
#define BUS_KEY_MAP_H

#include "bus/keys.h"

#include <stdbool.h>
#include <stdint.h>

/* The key that types an ASCII character (newline is Enter, ESC is Esc), and whether Shift must be
 * down. False: there is none. */
bool key_for_character(char character, uint16_t *code, bool *shift);

/* A key by name ("f1", "esc", "ctrl", "kp7", "a"), any case. False: there is none. */
bool key_by_name(const char *name, uint16_t *code);

#endif
