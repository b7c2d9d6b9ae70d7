/* Intel 82371AB (PIIX4), function 3: power management and SMBus, 01.3, 8086:7113. PM1 registers and
 * timer, GPE0 block, soft-off, the SMI command ports B2h and B3h, SMBus host controller.
 *
 * The processor has no system management mode: a write to B2h switches ACPI on (F1h) and off (F0h)
 * by itself, as firmware's SMI handler would; DEVACTB.APMC_EN reads as set after reset, which tells
 * firmware that SMI set-up has been done.
 *
 * Source: Intel 82371AB (PIIX4) data sheet (290562), chapter 7; ACPI 1.0, chapter 4. */
#ifndef DEVICES_PIIX4_PM_H
#define DEVICES_PIIX4_PM_H

#include "devices/pci.h"

struct piix4_pm;

enum {
    PIIX4_ACPI_ENABLE = 0xF1, /* FADT ACPI_ENABLE: value for port B2h */
    PIIX4_ACPI_DISABLE = 0xF0,
};

/* sci: the system control interrupt (ISA IRQ 9), a level. */
struct piix4_pm *piix4_pm_new(struct bus *bus, struct pci *pci, const struct irq_line *sci);

/* The power button was pressed and released. (Through the gate only.) */
void piix4_pm_power_button(struct piix4_pm *pm);

#endif
