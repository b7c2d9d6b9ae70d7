/* What POST finds out about memory and power, for INT 15h and the tables. Filled by the 32-bit
 * initialisation, which sees these variables at SEG_DATA * 16 plus their offset. */
#ifndef BIOS_MEMORY_MAP_H
#define BIOS_MEMORY_MAP_H

#include "bios/bios.h"

#define RANGE_RAM      1
#define RANGE_RESERVED 2

#define MEMORY_RANGES_MAX 12

/* SLP_TYP of S5, as \_S5 in the DSDT has it. */
#define ACPI_SLEEP_OFF 0

struct memory_range {
    u64 base, length;
    u32 type;
} __attribute__((packed));

extern struct memory_range memory_map_ranges[MEMORY_RANGES_MAX];
extern u32 memory_map_count;
extern u32 extended_kb; /* from 1 MiB up, without a hole, at most to 4 GiB */
extern u16 acpi_pm_base;
extern u32 option_rom_pam; /* PAM registers 5Ah-5Dh as POST left them */
extern bool apm_connected;

#endif
