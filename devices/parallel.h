/* The PC's printer port: data, status and control registers, standard and bidirectional (PS/2),
 * with an ever-ready printer at the other end whose characters go to a char_backend.
 *
 * Source: IBM PC/AT and PS/2 Technical References; IEEE 1284-1994, compatibility and byte modes. */
#ifndef DEVICES_PARALLEL_H
#define DEVICES_PARALLEL_H

#include "bus/backend.h"
#include "bus/bus.h"

struct parallel;

/* Four ports from base_port (378h: LPT1, IRQ 7); irq is copied. output gets a byte per strobe; not
 * owned; NULL: no printer is connected (the status lines float). */
struct parallel *parallel_new(struct bus *bus, uint16_t base_port, const struct irq_line *irq,
                              struct char_backend *output);

#endif
