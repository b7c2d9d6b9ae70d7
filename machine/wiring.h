/* The board's interrupt wires: each ISA IRQ goes to the PIC and to the I/O APIC, and may have two
 * drivers (a chip on the ISA side and a PIRQ that firmware routed there), which are ORed. */
#ifndef MACHINE_WIRING_H
#define MACHINE_WIRING_H

#include "bus/bus.h"

struct wiring;
struct i8259;
struct io_apic;
struct local_apic;

enum wiring_driver { WIRING_ISA, WIRING_PIRQ };

struct wiring *wiring_new(struct bus *bus);
/* The receivers, once they exist. */
void wiring_connect(struct wiring *wiring, struct i8259 *pic, struct io_apic *io_apic);
/* ISA IRQ 0..15, as driver sees it. */
struct irq_line wiring_irq(struct wiring *wiring, unsigned irq, enum wiring_driver driver);
/* The PIC's INT output: to LINT0 and to input 0 of the I/O APIC. */
struct irq_line wiring_pic_intr(struct wiring *wiring);
void wiring_connect_intr(struct wiring *wiring, const struct irq_line *lint0);

#endif
