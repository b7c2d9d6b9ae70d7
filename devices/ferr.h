/* The numeric error interface of the PC/AT, as the chip set has it: FERR# from the processor sets a
 * latch that is IRQ 13; a write to port F0h (or F1h, coprocessor reset) clears the latch and
 * asserts IGNNE# until FERR# goes away.
 *
 * Source: Intel 82371SB (PIIX3) data sheet, "Coprocessor error register"; SDM volume 1, 8.7.2 and
 * figure D-1 (DOS-style x87 exception handling). */
#ifndef DEVICES_FERR_H
#define DEVICES_FERR_H

#include "bus/bus.h"

struct ferr;

struct ferr *ferr_new(struct bus *bus, const struct irq_line *irq13);
/* For cpu_host.set_ferr: an unmasked x87 exception is pending, or no longer. */
void ferr_set(struct ferr *ferr, bool level);
/* For cpu_host.ignne: IGNNE# is asserted. */
bool ferr_ignne(const struct ferr *ferr);

#endif
