/* The keys of the 101/102-key keyboard (and the three keys of later ones) with their codes in scan
 * sets 2 and 3. The code in set 1 is the key's identity itself (bus/keys.h).
 *
 * Source: IBM PS/2 Hardware Interface Technical Reference, Keyboards, Scan Code Tables. */
#ifndef DEVICES_PS2_SCANCODES_H
#define DEVICES_PS2_SCANCODES_H

#include "bus/keys.h"

#include <stdint.h>

/* What a key sends in set 3 beside its make code. */
enum ps2_key_mode {
    PS2_KEY_MAKE = 0,
    PS2_KEY_TYPEMATIC = 1 << 0,
    PS2_KEY_BREAK = 1 << 1,
};

struct ps2_scancode {
    uint16_t key; /* enum key: set 1, with E000h for an E0 prefix in sets 1 and 2 */
    uint8_t set2, set3;
    uint8_t mode; /* set 3 at power-on */
};

enum { PS2_KEY_COUNT = 105 };
extern const struct ps2_scancode ps2_scancodes[PS2_KEY_COUNT];

/* Index of a key in the table, or -1. */
int ps2_key_index(enum key key);
/* Index of the key whose set 3 code is given, or -1. */
int ps2_set3_index(uint8_t code);

#endif
