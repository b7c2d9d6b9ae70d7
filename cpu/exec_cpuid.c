/* CPUID, from the CPU model's row (SDM 2A, CPUID). */
#include "cpu/exec.h"
#include "cpu/model.h"

struct leaf {
    uint32_t eax, ebx, ecx, edx;
};

/* Leaf 1: which feature each bit reports. */
struct feature_bit {
    uint8_t bit, feature;
};
static const struct feature_bit edx_bits[] = {
    {0,  FEAT_FPU    },
    {1,  FEAT_VME    },
    {2,  FEAT_DE     },
    {3,  FEAT_PSE    },
    {4,  FEAT_TSC    },
    {5,  FEAT_MSR    },
    {6,  FEAT_PAE    },
    {7,  FEAT_MCE    },
    {8,  FEAT_CX8    },
    {9,  FEAT_APIC   },
    {11, FEAT_SEP    },
    {12, FEAT_MTRR   },
    {13, FEAT_PGE    },
    {14, FEAT_MTRR   },
    {15, FEAT_CMOV   },
    {16, FEAT_PAT    },
    {17, FEAT_PSE36  },
    {19, FEAT_CLFLUSH},
    {23, FEAT_MMX    },
    {24, FEAT_FXSR   },
    {25, FEAT_SSE    },
    {26, FEAT_SSE2   },
};
static const struct feature_bit ecx_bits[] = {
    {0, FEAT_SSE3 },
    {9, FEAT_SSSE3}
};

static uint32_t collect(const struct cpu_model *model, const struct feature_bit *bits,
                        unsigned count)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < count; i++) {
        if (model_has(model, bits[i].feature))
            value |= 1u << bits[i].bit;
    }
    return value;
}

static struct leaf vendor_leaf(const struct cpu_model *model)
{
    const char *vendor = model->vendor;
    return (struct leaf){
        .eax = model->cpuid_levels,
        .ebx = load_le32(vendor),
        .edx = load_le32(vendor + 4),
        .ecx = load_le32(vendor + 8),
    };
}

static struct leaf feature_leaf(const struct cpu *cpu)
{
    const struct cpu_model *model = cpu->model;
    struct leaf leaf = {
        .eax = model->signature,
        .ecx = collect(model, ecx_bits, ARRAY_LENGTH(ecx_bits)),
        .edx = collect(model, edx_bits, ARRAY_LENGTH(edx_bits)),
    };
    /* The APIC bit follows the enable bit of IA32_APIC_BASE. */
    if (!(cpu->apic_base >> 11 & 1))
        leaf.edx &= ~(1u << 9);
    if (model_has(model, FEAT_CLFLUSH))
        leaf.ebx |= 8 << 8; /* line size in units of 8 bytes */
    return leaf;
}

/* 16 KiB instruction and data caches, 256 KiB second level, 4 KiB and 4 MiB TLBs. */
static const struct leaf cache_leaf = {.eax = 0x03020101, .edx = 0x0C040882};

static struct leaf extended_leaf(const struct cpu_model *model, uint32_t number)
{
    struct leaf leaf = {0};
    if (number == 0x80000000) {
        leaf.eax = 0x80000004;
    } else if (number == 0x80000001) {
        leaf.edx = model_has(model, FEAT_NX) ? 1u << 20 : 0;
    } else {
        char brand[48] = {0};
        strncpy(brand, model->brand, sizeof brand - 1);
        const char *part = brand + (number - 0x80000002) * 16;
        leaf = (struct leaf){load_le32(part), load_le32(part + 4), load_le32(part + 8),
                             load_le32(part + 12)};
    }
    return leaf;
}

/* A leaf beyond the last one reads as the last basic leaf does. */
static struct leaf cpuid_leaf(const struct cpu *cpu, uint32_t number)
{
    const struct cpu_model *model = cpu->model;
    if (model->brand && number >= 0x80000000 && number <= 0x80000004)
        return extended_leaf(model, number);
    if (number > model->cpuid_levels)
        number = model->cpuid_levels;
    switch (number) {
    case 0:
        return vendor_leaf(model);
    case 1:
        return feature_leaf(cpu);
    case 2:
        return cache_leaf;
    default:
        return (struct leaf){0};
    }
}

enum exec_result exec_cpuid(struct cpu *cpu, const struct insn *insn)
{
    struct leaf leaf = cpuid_leaf(cpu, cpu->gpr[REG_EAX]);
    cpu->gpr[REG_EAX] = leaf.eax;
    cpu->gpr[REG_EBX] = leaf.ebx;
    cpu->gpr[REG_ECX] = leaf.ecx;
    cpu->gpr[REG_EDX] = leaf.edx;
    return EXEC_OK;
}
