/* Intel 82093AA I/O APIC at FEC00000h: 24 inputs with a redirection entry each; edge and level,
 * polarity, mask, remote IRR, all delivery modes, fixed and lowest priority, physical and logical
 * destinations. (The EOI register is of later parts.)
 *
 * The board fans each ISA IRQ n out to the PIC and to input n here, IRQ 0 to input 2, the PIC's INT
 * to input 0, and PCI interrupts to inputs 16..19.
 *
 * Source: Intel 82093AA data sheet (290566). */
#ifndef DEVICES_IO_APIC_H
#define DEVICES_IO_APIC_H

#include "bus/bus.h"
#include "devices/local_apic.h"

enum { IO_APIC_PINS = 24 };

struct io_apic;

/* Connects itself to apic (not owned) for messages and EOIs. */
struct io_apic *io_apic_new(struct bus *bus, struct local_apic *apic);
/* Input pin 0..23. Level true is the active state of the chip's output; an entry programmed for low
 * polarity is taken as describing the wire, not as an inversion, since the board's wires are
 * modelled active-high throughout. */
struct irq_line io_apic_irq(struct io_apic *io_apic, unsigned pin);

#endif
