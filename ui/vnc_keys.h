/* X keysyms, which VNC viewers send, as keys of a US keyboard. */
#ifndef UI_VNC_KEYS_H
#define UI_VNC_KEYS_H

#include <stdbool.h>
#include <stdint.h>

/* What the key that gives a symbol asks of Shift. */
enum vnc_shift { VNC_SHIFT_ANY, VNC_SHIFT_UP, VNC_SHIFT_DOWN };

/* Returns enum key (bus/keys.h), or 0: no key of the keyboard gives it. */
uint16_t vnc_key(uint32_t keysym, enum vnc_shift *shift);
/* The key by the number of QEMU's extended key event (scan code set 1, 80h for the grey keys);
 * 0: none. */
uint16_t vnc_key_of_scan_code(uint32_t code);

#endif
