/* What the processor is; the 32-bit initialisation finds out. */
#ifndef BIOS_PROCESSOR_H
#define BIOS_PROCESSOR_H

#include "bios/bios.h"

extern char processor_text[64];
extern u8 processor_fpu;
extern u8 processor_apic;

static inline const char *processor_name(void)
{
    return processor_text;
}

static inline bool processor_has_fpu(void)
{
    return processor_fpu;
}

#endif
