/* The built-in firmware, embedded by the build (machine/embed.py). */
#ifndef FIRMWARE_H
#define FIRMWARE_H

#include <stdint.h>

extern const uint8_t firmware_image[];
extern const uint32_t firmware_image_size;

#endif
