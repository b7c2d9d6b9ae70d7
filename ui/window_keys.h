/* Keys of the window system as keys of the guest's keyboard, by their place on the keyboard: what
 * they type is the guest's affair. */
#ifndef UI_WINDOW_KEYS_H
#define UI_WINDOW_KEYS_H

#include <stdint.h>

/* scancode: SDL_Scancode, a place on the keyboard (USB HID usage). Returns enum key (bus/keys.h),
 * or 0: the guest's keyboard has no such key. */
uint16_t window_key(unsigned scancode);

#endif
