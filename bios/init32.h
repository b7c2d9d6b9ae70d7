/* The 32-bit initialisation: flat segments, no interrupts, shadow RAM writable. */
#ifndef BIOS_INIT32_H
#define BIOS_INIT32_H

#include "bios/bios.h"

/* A variable of the 16-bit services, as flat memory. */
#define SHARED(variable) (*(__typeof__(variable) *)((u32) & (variable) + SEG_DATA * 16u))
/* A 16-bit code or data label in segment F000h. */
#define IN_CODE(label) ((u32)(label) + SEG_CODE * 16u)

void init32_main(void);

/* debug32.c: text on the debug port. */
void debug_text(const char *text);
void debug_hex(u32 value);

void *memory_copy(void *to, const void *from, u32 count);
void *memory_set(void *to, u8 value, u32 count);
u8 checksum(const void *bytes, u32 count);

/* pci32.c */
u32 pci_read32(u8 bus, u8 devfn, u8 offset);
u16 pci_read16(u8 bus, u8 devfn, u8 offset);
u8 pci_read8(u8 bus, u8 devfn, u8 offset);
void pci_write32(u8 bus, u8 devfn, u8 offset, u32 value);
void pci_write16(u8 bus, u8 devfn, u8 offset, u16 value);
void pci_write8(u8 bus, u8 devfn, u8 offset, u8 value);
void pci_initialise(void);

/* PIRQA-D, and the interrupts they are routed to. */
extern const u8 pirq_interrupts[4];

/* tables */
void processor_identify(void);
void memory_initialise(void);
void roms_load(void);
void tables_build(void);

#endif
