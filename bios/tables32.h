/* Tables that operating systems look for, and the place they are built in. */
#ifndef BIOS_TABLES32_H
#define BIOS_TABLES32_H

#include "bios/bios.h"

#define IO_APIC_ID 1

/* Zeroed bytes at F0000-FFFFF; align is a power of two. Never NULL: the room is for what this
 * firmware builds. */
void *table_allocate(u32 size, u32 align);

void acpi_build(void);
void mp_build(void);
void pir_build(void);
void smbios_build(void);

#endif
