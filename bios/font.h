/* The character generators of the firmware, code page 437; the 8x16 one also draws the status line
 * of the window (ui/). */
#ifndef BIOS_FONT_H
#define BIOS_FONT_H

#include <stdint.h>

extern const uint8_t font_8x8[256][8];
extern const uint8_t font_8x14[256][14];
extern const uint8_t font_8x16[256][16];

#endif
