/* Intel 82441FX (PMC): host bridge, PCI function 00:00.0, 8086:1237. The programmable attribute map
 * (PAM) that shadows C0000h..FFFFFh, SMRAM control, and the DRAM row registers.
 *
 * Source: Intel 440FX PCIset 82441FX and 82442FX data sheet (290549), chapter 3. */
#ifndef DEVICES_I440FX_H
#define DEVICES_I440FX_H

#include "devices/pci.h"

struct i440fx;

struct i440fx_config {
    uint8_t *ram;      /* host address of physical 0; not owned */
    uint64_t ram_size; /* bytes, a multiple of 1 MiB */
};

/* The board maps ROMs at priority 10 of the bus, below the shadow RAM that PAM switches on.
 * A0000h..FFFFFh are covered by this chip from now on: RAM there is seen only through SMRAM and
 * PAM.
 */
struct i440fx *i440fx_new(struct bus *bus, struct pci *pci, const struct i440fx_config *config);

#endif
