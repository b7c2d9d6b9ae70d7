/* Intel 8254 programmable interval timer at ports 40h..43h (alias 50h..53h): three counters of
 * 1.193182 MHz in six modes, binary or BCD, with counter latch, read-back (count and status), null
 * count, gates, and the rules of the data sheet for when a new count takes effect.
 *
 * Counters are functions of the virtual clock: nothing runs until a register, gate or output is
 * looked at. Only counter 0's output, which is IRQ 0, keeps a timer.
 *
 * Source: Intel 8254 data sheet (231164). */
#ifndef DEVICES_I8254_H
#define DEVICES_I8254_H

#include "bus/bus.h"

#define I8254_HERTZ UINT64_C(1193182)

struct i8254;

/* irq0 is counter 0's output (copied). Gates of counters 0 and 1 are tied high; gate 2 is low until
 * i8254_set_gate2. */
struct i8254 *i8254_new(struct bus *bus, const struct irq_line *irq0);

/* Gate of counter 2, from port 61h bit 0. */
void i8254_set_gate2(struct i8254 *pit, bool level);
/* Output of counter 0..2 now. */
bool i8254_output(struct i8254 *pit, unsigned counter);
/* For sound: counter 2's period in ticks of I8254_HERTZ when it makes a square wave or rate
 * (modes 2 and 3), or 0 when its output does not oscillate. */
uint32_t i8254_counter2_period(struct i8254 *pit);

#endif
