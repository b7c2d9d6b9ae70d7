/* What keys mean: scan code set 1 to the words of the keyboard buffer. */
#ifndef BIOS_KEYMAP_H
#define BIOS_KEYMAP_H

#include "bios/bios.h"

/* Words by state; 0 means that the combination gives nothing. */
struct key {
    u16 normal, shift, ctrl, alt;
};

#define KEYMAP_SIZE 0x59

extern const struct key keymap[KEYMAP_SIZE];

/* The meaning of E0-prefixed scan codes; NULL for one that has none. */
const struct key *keymap_extended(u8 scan);

#endif
