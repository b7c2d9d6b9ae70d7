/* Port 61h (aliases 63h, 65h, 67h): system control port B. Speaker gate and data, timer 2's output,
 * the refresh toggle, and enable and status of the NMI sources. Gathers NMI: its output goes to the
 * processor's NMI or the local APIC's LINT1, unless port 70h bit 7 masks it.
 *
 * Source: Intel 82371SB (PIIX3) data sheet, "NMISC: NMI status and control register"; IBM PC/AT
 * Technical Reference. */
#ifndef DEVICES_PORT61_H
#define DEVICES_PORT61_H

#include "bus/bus.h"
#include "devices/i8254.h"

struct port61;

/* nmi: the NMI line (copied). pit is not owned and must be made earlier. */
struct port61 *port61_new(struct bus *bus, struct i8254 *pit, const struct irq_line *nmi);

/* Error inputs: SERR# (PCI) and IOCHK# (ISA), active when level is true. Latched until the guest
 * clears them by writing 1 to bit 2 or bit 3. */
struct irq_line port61_serr(struct port61 *port);
struct irq_line port61_iochk(struct port61 *port);
/* NMI mask from port 70h bit 7: true means masked. For mc146818_connect_nmi_mask. */
struct irq_line port61_nmi_mask(struct port61 *port);
/* The speaker's input now, timer 2 output AND data enable; for sound. */
bool port61_speaker(struct port61 *port);

#endif
