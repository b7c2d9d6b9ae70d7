/* RDMSR, WRMSR, RDTSC, RDPMC (SDM 2B; 3B chapter 35, P6 family). */
#include "cpu/exec.h"
#include "cpu/model.h"
#include "cpu/system.h"

enum msr {
    MSR_P5_MC_ADDR = 0x00,
    MSR_P5_MC_TYPE = 0x01,
    MSR_TSC = 0x10,
    MSR_PLATFORM_ID = 0x17,
    MSR_APIC_BASE = 0x1B,
    MSR_EBL_CR_POWERON = 0x2A,
    MSR_BIOS_UPDT_TRIG = 0x79,
    MSR_BIOS_SIGN_ID = 0x8B,
    MSR_PERFCTR0 = 0xC1, /* and PERFCTR1 */
    MSR_MTRRCAP = 0xFE,
    MSR_BBL_CR_CTL3 = 0x11E,
    MSR_SYSENTER_CS = 0x174,
    MSR_SYSENTER_ESP = 0x175,
    MSR_SYSENTER_EIP = 0x176,
    MSR_MCG_CAP = 0x179,
    MSR_MCG_STATUS = 0x17A,
    MSR_EVNTSEL0 = 0x186, /* and EVNTSEL1 */
    MSR_MISC_ENABLE = 0x1A0,
    MSR_DEBUGCTL = 0x1D9,
    MSR_LASTBRANCH_FROM = 0x1DB, /* to LASTINT_TO, 1DE */
    MSR_MTRR_PHYSBASE0 = 0x200,  /* to PHYSMASK7, 20F */
    MSR_PAT = 0x277,
    MSR_MTRR_DEF_TYPE = 0x2FF,
    MSR_MC0_CTL = 0x400, /* five banks of CTL, STATUS, ADDR, MISC */
};
#define MSR_EFER 0xC0000080u

enum { MC_BANKS = 5, MTRR_VARIABLE_COUNT = 8 };
/* Physical addresses have 36 bits from the P6 on. */
#define PHYSICAL_RESERVED (~((UINT64_C(1) << 36) - 1))

/* --- the registers that are plain storage --- */

static uint64_t *fixed_mtrr(struct cpu *cpu, uint32_t msr)
{
    if (msr == 0x250)
        return &cpu->mtrr_fixed[0];
    if (msr == 0x258 || msr == 0x259)
        return &cpu->mtrr_fixed[msr - 0x258 + 1];
    if (msr >= 0x268 && msr <= 0x26F)
        return &cpu->mtrr_fixed[msr - 0x268 + 3];
    return NULL;
}

/* Memory types (SDM 3A tables 11-8, 11-11): UC, WC, WT, WP, WB; in the PAT UC- too. */
enum { MTRR_TYPES = 1 << 0 | 1 << 1 | 1 << 4 | 1 << 5 | 1 << 6, PAT_TYPES = MTRR_TYPES | 1 << 7 };

/* Whether each of the first `count` bytes of value is one of types. */
static bool are_types(uint64_t value, unsigned count, unsigned types)
{
    for (; count > 0; count--, value >>= 8) {
        if ((value & 0xFF) > 7 || !(types >> (value & 0xFF) & 1))
            return false;
    }
    return true;
}

/* The types in a value for a memory-type register exist. */
static bool types_are_valid(uint32_t msr, uint64_t value)
{
    if (msr == MSR_PAT)
        return are_types(value, 8, PAT_TYPES);
    if (msr >= 0x250 && msr <= 0x26F)
        return are_types(value, 8, MTRR_TYPES);
    bool is_mask = msr != MSR_MTRR_DEF_TYPE && msr & 1;
    return is_mask || are_types(value, 1, MTRR_TYPES);
}

/* Storage of a memory-type register, and the bits that must be zero in it. */
static uint64_t *memory_type_storage(struct cpu *cpu, uint32_t msr, uint64_t *reserved)
{
    *reserved = 0;
    if (model_has(cpu->model, FEAT_PAT) && msr == MSR_PAT)
        return &cpu->pat;
    if (!model_has(cpu->model, FEAT_MTRR))
        return NULL;
    if (msr == MSR_MTRR_DEF_TYPE) {
        *reserved = ~UINT64_C(0xCFF);
        return &cpu->mtrr_def_type;
    }
    if (msr >= MSR_MTRR_PHYSBASE0 && msr < MSR_MTRR_PHYSBASE0 + 2 * MTRR_VARIABLE_COUNT) {
        *reserved = PHYSICAL_RESERVED | (msr & 1 ? 0x7FF : 0xF00);
        return &cpu->mtrr_variable[msr - MSR_MTRR_PHYSBASE0];
    }
    return fixed_mtrr(cpu, msr);
}

/* Other registers of the P6 family that only keep what is written. */
static uint64_t *p6_storage(struct cpu *cpu, uint32_t msr)
{
    if (!model_has(cpu->model, FEAT_P6))
        return NULL;
    switch (msr) {
    case MSR_PERFCTR0:
    case MSR_PERFCTR0 + 1:
        return &cpu->perf_counter[msr - MSR_PERFCTR0];
    case MSR_EVNTSEL0:
    case MSR_EVNTSEL0 + 1:
        return &cpu->perf_select[msr - MSR_EVNTSEL0];
    case MSR_MCG_STATUS:
        return &cpu->mcg_status;
    case MSR_DEBUGCTL:
        return &cpu->debugctl;
    case MSR_BIOS_SIGN_ID:
        return &cpu->microcode;
    default:
        break;
    }
    if (msr >= MSR_MC0_CTL && msr < MSR_MC0_CTL + 4 * MC_BANKS && (msr & 3) == 0)
        return &cpu->mc_control[(msr - MSR_MC0_CTL) / 4];
    return NULL;
}

static uint32_t *sysenter_storage(struct cpu *cpu, uint32_t msr)
{
    if (!model_has(cpu->model, FEAT_SEP))
        return NULL;
    switch (msr) {
    case MSR_SYSENTER_CS:
        return &cpu->sysenter_cs;
    case MSR_SYSENTER_ESP:
        return &cpu->sysenter_esp;
    case MSR_SYSENTER_EIP:
        return &cpu->sysenter_eip;
    default:
        return NULL;
    }
}

/* Registers that read as a constant; what is written to those marked so is dropped. */
struct constant_msr {
    uint32_t msr;
    uint8_t feature;
    bool writable;
    uint64_t value;
};
static const struct constant_msr constants[] = {
    {MSR_P5_MC_ADDR,          FEAT_MCE,  true,  0                          },
    {MSR_P5_MC_TYPE,          FEAT_MCE,  true,  0                          },
    {MSR_PLATFORM_ID,         FEAT_P6,   false, 0                          },
    {MSR_EBL_CR_POWERON,      FEAT_P6,   true,  0                          },
    {MSR_BIOS_UPDT_TRIG,      FEAT_P6,   true,  0                          },
    {MSR_MTRRCAP,             FEAT_MTRR, false, 0x500 | MTRR_VARIABLE_COUNT},
    {MSR_BBL_CR_CTL3,         FEAT_P6,   true,  0                          },
    {MSR_MCG_CAP,             FEAT_P6,   false, MC_BANKS                   },
    {MSR_LASTBRANCH_FROM,     FEAT_P6,   true,  0                          },
    {MSR_LASTBRANCH_FROM + 1, FEAT_P6,   true,  0                          },
    {MSR_LASTBRANCH_FROM + 2, FEAT_P6,   true,  0                          },
    {MSR_LASTBRANCH_FROM + 3, FEAT_P6,   true,  0                          },
};

static const struct constant_msr *find_constant(const struct cpu *cpu, uint32_t msr)
{
    static const struct constant_msr bank = {0, FEAT_P6, true, 0};
    for (unsigned i = 0; i < ARRAY_LENGTH(constants); i++) {
        if (constants[i].msr == msr && model_has(cpu->model, constants[i].feature))
            return &constants[i];
    }
    if (model_has(cpu->model, FEAT_P6) && msr >= MSR_MC0_CTL && msr < MSR_MC0_CTL + 4 * MC_BANKS)
        return &bank;
    return NULL;
}

static enum exec_result fault_unknown(struct cpu *cpu, uint32_t msr, const char *what)
{
    /* #GP is what the model itself says to it. */
    log_line(cpu->log, LOG_DEBUG, "cpu: %s of MSR %Xh, which the model has not got", what, msr);
    return fault_gp(cpu, 0);
}

static enum exec_result read_msr(struct cpu *cpu, uint32_t msr, uint64_t *value)
{
    uint64_t reserved;
    const uint64_t *storage = memory_type_storage(cpu, msr, &reserved);
    const uint32_t *sysenter = sysenter_storage(cpu, msr);
    const struct constant_msr *constant = find_constant(cpu, msr);
    if (!storage)
        storage = p6_storage(cpu, msr);
    if (storage)
        *value = *storage;
    else if (sysenter)
        *value = *sysenter;
    else if (msr == MSR_TSC)
        *value = cpu_tsc(cpu);
    else if (msr == MSR_APIC_BASE && model_has(cpu->model, FEAT_APIC))
        *value = cpu->apic_base;
    else if (msr == MSR_MISC_ENABLE && model_has(cpu->model, FEAT_SSE2))
        *value = cpu->misc_enable;
    else if (msr == MSR_EFER && model_has(cpu->model, FEAT_NX))
        *value = cpu->efer;
    else if (constant)
        *value = constant->value;
    else
        return fault_unknown(cpu, msr, "read");
    return EXEC_OK;
}

/* Before the Pentium 4 a write sets the low half, and clears the high one. */
static void write_tsc(struct cpu *cpu, uint64_t value)
{
    if (!model_has(cpu->model, FEAT_SSE2))
        value &= 0xFFFFFFFF;
    cpu->tsc_offset += value - cpu_tsc(cpu);
    cpu->attention |= ATTENTION_MODE; /* translated code has made it part of a sum */
}

static enum exec_result write_apic_base(struct cpu *cpu, uint64_t value)
{
    const uint64_t bsp = 1 << 8;
    if (value & (PHYSICAL_RESERVED | 0x6FF))
        return fault_gp(cpu, 0);
    cpu->apic_base = (value & ~bsp) | (cpu->apic_base & bsp);
    if (cpu->host.apic_base)
        cpu->host.apic_base(cpu->host.opaque, cpu->apic_base);
    return EXEC_OK;
}

static enum exec_result write_special(struct cpu *cpu, uint32_t msr, uint64_t value)
{
    const struct constant_msr *constant = find_constant(cpu, msr);
    if (msr == MSR_TSC) {
        write_tsc(cpu, value);
    } else if (msr == MSR_APIC_BASE && model_has(cpu->model, FEAT_APIC)) {
        return write_apic_base(cpu, value);
    } else if (msr == MSR_MISC_ENABLE && model_has(cpu->model, FEAT_SSE2)) {
        cpu->misc_enable = value;
    } else if (msr == MSR_EFER && model_has(cpu->model, FEAT_NX)) {
        if (value & ~EFER_NXE)
            return fault_gp(cpu, 0);
        cpu->efer = value;
        cpu_update_paging(cpu, false);
    } else if (!constant) {
        return fault_unknown(cpu, msr, "write");
    } else if (!constant->writable || (msr >= MSR_MC0_CTL && value != 0)) {
        return fault_gp(cpu, 0);
    }
    return EXEC_OK;
}

/* Registers that are kept but have no effect yet. */
static void note_without_effect(struct cpu *cpu, uint32_t msr, uint64_t value)
{
    const uint64_t counts = 1 << 22, branches = 3;
    if ((msr == MSR_EVNTSEL0 || msr == MSR_EVNTSEL0 + 1) && value & counts)
        log_unimplemented(cpu->log, "cpu", UINT64_C(0x100000000) + msr,
                          "performance counters do not count");
    if (msr == MSR_DEBUGCTL && value & branches)
        log_unimplemented(cpu->log, "cpu", UINT64_C(0x100000000) + msr,
                          "last-branch records and single step on branches");
}

static enum exec_result write_msr(struct cpu *cpu, uint32_t msr, uint64_t value)
{
    uint64_t reserved;
    uint64_t *storage = memory_type_storage(cpu, msr, &reserved);
    uint32_t *sysenter = sysenter_storage(cpu, msr);
    if (storage && (value & reserved || !types_are_valid(msr, value)))
        return fault_gp(cpu, 0);
    if (!storage) {
        storage = p6_storage(cpu, msr);
        note_without_effect(cpu, msr, value);
    }
    if (storage)
        *storage = value;
    else if (sysenter)
        *sysenter = (uint32_t)value;
    else
        return write_special(cpu, msr, value);
    return EXEC_OK;
}

static void set_edx_eax(struct cpu *cpu, uint64_t value)
{
    cpu->gpr[REG_EAX] = (uint32_t)value;
    cpu->gpr[REG_EDX] = (uint32_t)(value >> 32);
}

enum exec_result exec_rdmsr(struct cpu *cpu, const struct insn *insn)
{
    uint64_t value;
    if (cpu_require_cpl0(cpu) || read_msr(cpu, cpu->gpr[REG_ECX], &value))
        return EXEC_FAULT;
    set_edx_eax(cpu, value);
    return EXEC_OK;
}

enum exec_result exec_wrmsr(struct cpu *cpu, const struct insn *insn)
{
    if (cpu_require_cpl0(cpu))
        return EXEC_FAULT;
    uint64_t value = cpu->gpr[REG_EAX] | (uint64_t)cpu->gpr[REG_EDX] << 32;
    return write_msr(cpu, cpu->gpr[REG_ECX], value);
}

enum exec_result exec_rdtsc(struct cpu *cpu, const struct insn *insn)
{
    if (cpu->cr4 & CR4_TSD && cpu->cpl != 0)
        return fault_gp(cpu, 0);
    set_edx_eax(cpu, cpu_tsc(cpu));
    return EXEC_OK;
}

enum exec_result exec_rdpmc(struct cpu *cpu, const struct insn *insn)
{
    uint32_t counter = cpu->gpr[REG_ECX];
    if ((!(cpu->cr4 & CR4_PCE) && cpu->cpl != 0) || counter > 1)
        return fault_gp(cpu, 0);
    set_edx_eax(cpu, cpu->perf_counter[counter] & UINT64_C(0xFFFFFFFFFF));
    return EXEC_OK;
}
