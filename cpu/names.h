/* What people call registers and flags: the SDM's names, for reports, commands and scripts. */
#ifndef CPU_NAMES_H
#define CPU_NAMES_H

#include "cpu/registers.h"

#include <stdint.h>

extern const char *const cpu_gpr_names[8];             /* "eax", by enum gpr */
extern const char *const cpu_segment_names[SEG_COUNT]; /* "es", by enum segment_register */

struct bit_name {
    uint32_t mask; /* one bit, or those of a field that is a number */
    const char *name;
};

/* From CF up; the first EFLAGS_ONE_LETTER are also known by their first letter. NULL behind the
 * last one. */
enum { EFLAGS_ONE_LETTER = 9 };
extern const struct bit_name cpu_eflags_names[];

#endif
