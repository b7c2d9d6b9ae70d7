/* Intel 8259A programmable interrupt controllers: the PC's master at ports 20h/21h and slave at
 * A0h/A1h (cascaded into the master's IR2), with the edge/level control registers of EISA and PIIX3
 * at 4D0h/4D1h.
 *
 * Every initialisation and operation command word works: edge and level triggering (ICW1.LTIM and
 * per line through ELCR), single and cascaded, vector base, special fully nested mode, automatic
 * end of interrupt, specific and rotating end of interrupt, set priority, special mask mode, poll,
 * register reads. The 8085 mode (ICW4 bit 0 clear) is accepted and answers INTA with the vector of
 * 8086 mode. An interrupt that vanishes before it is acknowledged is answered as IR7.
 *
 * Source: Intel 8259A data sheet (231468); Intel 82371SB (PIIX3) data sheet, 2.5.5 and 4.4. */
#ifndef DEVICES_I8259_H
#define DEVICES_I8259_H

#include "bus/bus.h"

struct i8259;

/* Makes the pair and gives it to the bus. intr is the master's INT output (copied): to the
 * processor's INTR, or to the local APIC's LINT0. */
struct i8259 *i8259_new(struct bus *bus, const struct irq_line *intr);

/* The input for IRQ 0..15. IRQ 2 is the cascade: what is connected to it goes nowhere, as on the
 * board. */
struct irq_line i8259_irq(struct i8259 *pic, unsigned irq);

/* INTA: ends the request with highest priority being signalled, moves it in service, and returns
 * its vector. Called when the processor (or the local APIC, for ExtINT) accepts the interrupt that
 * intr announced; calling it with nothing pending gives the spurious vector. */
uint8_t i8259_acknowledge(struct i8259 *pic);

#endif
