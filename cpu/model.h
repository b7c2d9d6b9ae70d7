/* CPU models: what each processor has, says in CPUID, and does differently. Rows in cpu/model.c. */
#ifndef CPU_MODEL_H
#define CPU_MODEL_H

#include <stdbool.h>
#include <stdint.h>

/* The feature column of an instruction row, and bits of cpu_model.features. */
enum cpu_feature {
    FEAT_I386,
    FEAT_I486,  /* BSWAP, CMPXCHG, XADD, INVLPG, INVD, WBINVD; CR0.WP, AM, NE; EFLAGS.AC */
    FEAT_CPUID, /* and EFLAGS.ID */
    FEAT_FPU,
    FEAT_TSC,
    FEAT_MSR,
    FEAT_CX8,
    FEAT_VME,
    FEAT_DE,
    FEAT_PSE,
    FEAT_PAE,
    FEAT_PGE,
    FEAT_PSE36,
    FEAT_MCE,
    FEAT_MTRR,
    FEAT_PAT,
    FEAT_APIC,
    FEAT_SEP,
    FEAT_PMC, /* RDPMC */
    FEAT_CMOV,
    FEAT_P6, /* UD2, multi-byte NOP */
    FEAT_MMX,
    FEAT_FXSR,
    FEAT_SSE,
    FEAT_SSE2,
    FEAT_CLFLUSH,
    FEAT_SSE3,
    FEAT_SSSE3,
    FEAT_NX,
    FEAT_COUNT
};

struct cpu_model {
    const char *name;        /* --cpu NAME */
    const char *description; /* one line for `anachron cpus` */
    uint64_t features;       /* bit per enum cpu_feature */
    const char *vendor;      /* CPUID leaf 0: 12 characters */
    const char *brand;       /* CPUID 80000002h..4h; NULL: no extended leaves */
    uint32_t signature;      /* CPUID.1:EAX, and EDX at reset */
    uint32_t cpuid_levels;   /* highest basic leaf */
    /* quirks, each named after what the silicon does */
    /* CR0.ET/FPU behaviour before the 486; no alignment check; registers after a limit violation of
     * a string instruction in real mode, and flags after AAM by zero, as captured from an 80286;
     * undefined flags of shifts, rotates, bit tests and decimal arithmetic. */
    bool is_386;
};

static inline bool model_has(const struct cpu_model *model, enum cpu_feature feature)
{
    return model->features >> feature & 1;
}

/* NULL when there is no such row. */
const struct cpu_model *cpu_model_find(const char *name);
/* The rows in order; NULL behind the last one. */
const struct cpu_model *cpu_model_at(unsigned index);

#define CPU_MODEL_DEFAULT "pentium3"

#endif
