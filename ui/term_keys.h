/* Bytes from a terminal (xterm and its like) as key events. */
#ifndef UI_TERM_KEYS_H
#define UI_TERM_KEYS_H

#include "record/gate.h"

#include <stddef.h>
#include <stdint.h>

/* Passes what one read from the terminal gave: plain characters, control characters, escape
 * sequences; ESC alone is the Esc key, ESC before a character is Alt. A sequence must not be cut
 * off; returns how many bytes were used, fewer than size only when one was. */
size_t term_keys_pass(struct gate *gate, const uint8_t *bytes, size_t size);

#endif
