/* The A20 gate: one latch that the 8042 (output port bit 1) and port 92h (bit 1) both drive and
 * both read back. On the PIIX3 the two are ORed; one latch lets either way open and close the gate,
 * which is what software that knows only one of them expects.
 *
 * Open after reset, as the pulled-up output port of an 8042 leaves it. */
#ifndef DEVICES_A20_GATE_H
#define DEVICES_A20_GATE_H

#include "bus/bus.h"

struct a20_gate;

struct a20_gate *a20_gate_new(struct bus *bus);
void a20_gate_set(struct a20_gate *gate, bool enabled);
bool a20_gate_enabled(const struct a20_gate *gate);

#endif
