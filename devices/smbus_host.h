/* The SMBus host controller of the PIIX4, with nothing attached to its wires: every address stays
 * unacknowledged, as on a board without serial-presence-detect EEPROMs. Part of piix4_pm, which
 * owns the struct and maps the 16 registers.
 *
 * Source: Intel 82371AB (PIIX4) data sheet (290562), section 7.3. */
#ifndef DEVICES_SMBUS_HOST_H
#define DEVICES_SMBUS_HOST_H

#include "bus/bus.h"

enum { SMBUS_HOST_REGISTERS = 16, SMBUS_BLOCK_SIZE = 32 };

struct smbus_host {
    uint8_t status, control, command, address, data0, data1;
    uint8_t slave_control, shadow_command;
    uint16_t slave_event;
    uint8_t block[SMBUS_BLOCK_SIZE];
    uint8_t block_index;
    bool interrupt; /* what the chip drives now */
    struct timer done;

    struct clock *clock;
    struct irq_line line;
};
extern const struct field smbus_host_fields[];
extern const struct io_ops smbus_host_ops; /* device: struct smbus_host */

/* line is driven while an interrupt is pending. */
void smbus_host_init(struct smbus_host *host, struct bus *bus, const struct irq_line *line);
void smbus_host_reset(struct smbus_host *host);

#endif
