#include "cpu/model.h"

#include <stddef.h>
#include <string.h>

#define BIT(feature) (UINT64_C(1) << (feature))

#define FEATURES_386 (BIT(FEAT_I386) | BIT(FEAT_FPU))
#define FEATURES_486 (FEATURES_386 | BIT(FEAT_I486))
#define FEATURES_PENTIUM                                                                           \
    (FEATURES_486 | BIT(FEAT_CPUID) | BIT(FEAT_TSC) | BIT(FEAT_MSR) | BIT(FEAT_CX8) |              \
     BIT(FEAT_VME) | BIT(FEAT_DE) | BIT(FEAT_PSE) | BIT(FEAT_MCE))
#define FEATURES_P6                                                                                \
    (FEATURES_PENTIUM | BIT(FEAT_PAE) | BIT(FEAT_PGE) | BIT(FEAT_PSE36) | BIT(FEAT_MTRR) |         \
     BIT(FEAT_PAT) | BIT(FEAT_APIC) | BIT(FEAT_SEP) | BIT(FEAT_PMC) | BIT(FEAT_CMOV) |             \
     BIT(FEAT_P6))
#define FEATURES_PENTIUM3 (FEATURES_P6 | BIT(FEAT_MMX) | BIT(FEAT_FXSR) | BIT(FEAT_SSE))
#define FEATURES_PENTIUM4 (FEATURES_PENTIUM3 | BIT(FEAT_SSE2) | BIT(FEAT_CLFLUSH))
#define FEATURES_CORE2    (FEATURES_PENTIUM4 | BIT(FEAT_SSE3) | BIT(FEAT_SSSE3) | BIT(FEAT_NX))

/* clang-format off */
static const struct cpu_model models[] = {
    {
     .name = "386",
     .description = "Intel 80386DX with 80387, 1987",
     .features = FEATURES_386,
     .vendor = "GenuineIntel",
     .signature = 0x0308,
     .is_386 = true,
     },
    {
     .name = "486",
     .description = "Intel 80486DX, 1989 (no CPUID)",
     .features = FEATURES_486,
     .vendor = "GenuineIntel",
     .signature = 0x0404,
     },
    {
     .name = "pentium",
     .description = "Intel Pentium (P54C), 1994",
     .features = FEATURES_PENTIUM,
     .vendor = "GenuineIntel",
     .signature = 0x052C,
     .cpuid_levels = 1,
     },
    {
     .name = "pentium3",
     .description = "Intel Pentium III (Coppermine), 1999",
     .features = FEATURES_PENTIUM3,
     .vendor = "GenuineIntel",
     .signature = 0x0686,
     .cpuid_levels = 2,
     },
    {
     .name = "pentium4",
     .description = "Intel Pentium 4 (Northwood), 2002",
     .features = FEATURES_PENTIUM4,
     .vendor = "GenuineIntel",
     .brand = "Intel(R) Pentium(R) 4 CPU 2.00GHz",
     .signature = 0x0F29,
     .cpuid_levels = 2,
     },
    {
     .name = "core2",
     .description = "Intel Core 2 Duo (Merom), one core, 32-bit, 2006",
     .features = FEATURES_CORE2,
     .vendor = "GenuineIntel",
     .brand = "Intel(R) Core(TM)2 CPU T7200 @ 2.00GHz",
     .signature = 0x06F6,
     .cpuid_levels = 2,
     },
};
/* clang-format on */

const struct cpu_model *cpu_model_at(unsigned index)
{
    return index < sizeof models / sizeof models[0] ? &models[index] : NULL;
}

const struct cpu_model *cpu_model_find(const char *name)
{
    for (unsigned i = 0; cpu_model_at(i); i++) {
        if (strcmp(models[i].name, name) == 0)
            return &models[i];
    }
    return NULL;
}
