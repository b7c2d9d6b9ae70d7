/* The character generators of the firmware, code page 437. */
#ifndef BIOS_FONT_H
#define BIOS_FONT_H

#include "bios/bios.h"

extern const u8 font_8x8[256][8];
extern const u8 font_8x14[256][14];
extern const u8 font_8x16[256][16];

#endif
