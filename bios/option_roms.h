/* Option ROMs that the initialisation has copied from PCI devices. */
#ifndef BIOS_OPTION_ROMS_H
#define BIOS_OPTION_ROMS_H

#include "bios/bios.h"

#define OPTION_ROMS_MAX 8

struct option_rom {
    u16 segment;
    u16 device; /* bus, device and function */
};

extern struct option_rom option_roms[OPTION_ROMS_MAX];
extern u8 option_rom_count;

#endif
