/* Intel 8042 keyboard controller with a PS/2 auxiliary port: ports 60h and 64h, IRQ 1 and IRQ 12,
 * A20 gate and system reset through the output port, scan code translation.
 *
 * Source: IBM PS/2 Hardware Interface Technical Reference, Keyboard and Auxiliary Device
 * Controller; UPI-42 user's manual. */
#ifndef DEVICES_I8042_H
#define DEVICES_I8042_H

#include "devices/a20_gate.h"
#include "devices/ps2_port.h"

struct i8042;

/* irq1, irq12: copied. keyboard, mouse: either may be NULL (not plugged in). */
struct i8042 *i8042_new(struct bus *bus, struct a20_gate *a20, const struct irq_line *irq1,
                        const struct irq_line *irq12, const struct ps2_port *keyboard,
                        const struct ps2_port *mouse);

#endif
