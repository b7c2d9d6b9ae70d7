/* Intel 82371SB (PIIX3), function 0: PCI to ISA bridge, 01.0, 8086:7000. PIRQ routing, the reset
 * control register (CF9h), and port 92h. The function is marked as the first of several.
 *
 * Source: Intel 82371FB (PIIX) and 82371SB (PIIX3) data sheet (290550), chapter 2. */
#ifndef DEVICES_PIIX3_H
#define DEVICES_PIIX3_H

#include "devices/a20_gate.h"
#include "devices/pci.h"

struct piix3;

enum { PIIX3_ISA_IRQ_COUNT = 16 };

/* isa_irq: the interrupt controller's inputs 0..15 that PIRQs may be routed to (3..7, 9..12, 14,
 * 15); copied. Connects itself to the PIRQ wires of pci. */
struct piix3 *piix3_new(struct bus *bus, struct pci *pci, struct a20_gate *a20,
                        const struct irq_line isa_irq[PIIX3_ISA_IRQ_COUNT]);

/* The SCI input: a level, shared with whatever PIRQs are routed to IRQ 9. */
struct irq_line piix3_sci_line(struct piix3 *piix3);

#endif
