#include "cpu/system.h"

#include "cpu/debug.h"
#include "cpu/flags.h"
#include "cpu/model.h"
#include "cpu/segment.h"

/* --- EFLAGS --- */

uint32_t eflags_existing(const struct cpu *cpu)
{
    uint32_t bits =
        FLAGS_ARITHMETIC | FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL | FLAG_NT | FLAG_RF | FLAG_VM;
    if (model_has(cpu->model, FEAT_I486))
        bits |= FLAG_AC;
    if (model_has(cpu->model, FEAT_CPUID))
        bits |= FLAG_ID;
    if (model_has(cpu->model, FEAT_VME))
        bits |= FLAG_VIF | FLAG_VIP;
    return bits;
}

void eflags_write(struct cpu *cpu, uint32_t value, uint32_t mask)
{
    mask &= eflags_existing(cpu);
    if (mask & FLAGS_ARITHMETIC) {
        uint32_t kept = flags_arithmetic(cpu) & ~mask;
        flags_set_arithmetic(cpu, kept | (value & mask));
        mask &= ~(uint32_t)FLAGS_ARITHMETIC;
    }
    uint32_t old = cpu->eflags;
    cpu->eflags = (old & ~mask) | (value & mask);
    uint32_t changed = old ^ cpu->eflags;
    if (mask & value & FLAG_RF)
        cpu->step |= STEP_RESUME;
    if (cpu->eflags & FLAG_TF)
        cpu->step |= STEP_TRAP_FLAG;
    if (eflags_has_virtual_pending(cpu))
        cpu->step |= STEP_VIRTUAL;
    if (changed & (FLAG_RF | FLAG_TF | FLAG_VIF | FLAG_VIP))
        cpu->attention |= ATTENTION_MODE;
    if (changed & FLAG_AC)
        cpu_update_slow(cpu);
    if (changed & FLAG_IF)
        cpu_update_interrupts(cpu);
}

/* --- what follows from state --- */

void cpu_set_cpl(struct cpu *cpu, unsigned cpl)
{
    cpu->cpl = (uint8_t)cpl;
    mmu_set_user(cpu->mmu, cpl == 3);
    cpu_update_slow(cpu);
}

void cpu_update_slow(struct cpu *cpu)
{
    bool aligned = cpu->cpl == 3 && cpu->cr0 & CR0_AM && cpu->eflags & FLAG_AC;
    bool slow = aligned || debug_watches_data(cpu);
    if (slow != cpu->mmu->force_slow)
        mmu_force_slow(cpu->mmu, slow);
}

void cpu_update_interrupts(struct cpu *cpu)
{
    uint32_t pending = 0;
    if (cpu->intr_line && cpu->eflags & FLAG_IF && !(cpu->step & (STEP_SHADOW | STEP_SHADOW_STACK)))
        pending |= ATTENTION_INTERRUPT;
    if (cpu->nmi_pending && !cpu->nmi_blocked && !(cpu->step & STEP_SHADOW_STACK))
        pending |= ATTENTION_NMI;
    cpu->attention = (cpu->attention & ~(uint32_t)(ATTENTION_INTERRUPT | ATTENTION_NMI)) | pending;
}

void cpu_open_shadow(struct cpu *cpu, bool stack)
{
    cpu->step |= stack ? STEP_SHADOW_STACK : STEP_SHADOW;
    cpu->attention |= ATTENTION_MODE;
    cpu_update_interrupts(cpu);
}

void cpu_update_segments(struct cpu *cpu)
{
    for (unsigned i = 0; i < SEG_COUNT; i++)
        segment_update_fast(cpu, i);
}

void cpu_update_paging(struct cpu *cpu, bool keep_global)
{
    const struct mmu_paging paging = {
        .cr3 = cpu->cr3,
        .enabled = cpu->cr0 & CR0_PG,
        .write_protect = cpu->cr0 & CR0_WP,
        .pse = cpu->cr4 & CR4_PSE,
        .pae = cpu->cr4 & CR4_PAE,
        .pge = cpu->cr4 & CR4_PGE,
        .pse36 = model_has(cpu->model, FEAT_PSE36),
        .no_execute = cpu->efer >> 11 & 1,
    };
    mmu_set_paging(cpu->mmu, &paging, keep_global);
    cpu->attention |= ATTENTION_MODE;
}

void cpu_set_activity(struct cpu *cpu, enum cpu_activity activity)
{
    cpu->activity = activity;
    if (activity != CPU_RUNNING)
        cpu->attention |= ATTENTION_HALT;
}

uint64_t cpu_tsc(const struct cpu *cpu)
{
    struct clock *clock = bus_clock(cpu->bus);
    return clock_ticks(clock, clock_tsc_hertz(clock)) + cpu->tsc_offset;
}

bool cpu_tsc_counts_insns(const struct cpu *cpu, uint64_t *at_zero)
{
    struct clock *clock = bus_clock(cpu->bus);
    if (!clock_ticks_are_insns(clock, clock_tsc_hertz(clock), at_zero))
        return false;
    *at_zero += cpu->tsc_offset;
    return true;
}

/* --- control registers --- */

static uint32_t cr0_existing(const struct cpu *cpu)
{
    uint32_t bits = CR0_PG | CR0_TS | CR0_EM | CR0_MP | CR0_PE;
    if (model_has(cpu->model, FEAT_I486))
        return bits | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD;
    return bits | CR0_ET; /* writable on the 386 */
}

static bool uses_pae(const struct cpu *cpu, uint32_t cr0, uint32_t cr4)
{
    return cr0 & CR0_PG && cr4 & CR4_PAE;
}

enum exec_result cpu_write_cr0(struct cpu *cpu, uint32_t value)
{
    value &= cr0_existing(cpu);
    if (model_has(cpu->model, FEAT_I486))
        value |= CR0_ET;
    if ((value & CR0_PG && !(value & CR0_PE)) || (value & CR0_NW && !(value & CR0_CD)))
        return fault_gp(cpu, 0);
    uint32_t changed = cpu->cr0 ^ value;
    if (changed & CR0_PG && uses_pae(cpu, value, cpu->cr4) && !mmu_load_pdptes(cpu->mmu, cpu->cr3))
        return fault_gp(cpu, 0);
    cpu->cr0 = value;
    if (changed & CR0_PE)
        cpu_update_segments(cpu);
    if (changed & (CR0_PG | CR0_WP | CR0_PE))
        cpu_update_paging(cpu, false);
    if (changed & CR0_AM)
        cpu_update_slow(cpu);
    cpu->attention |= ATTENTION_MODE;
    return EXEC_OK;
}

enum exec_result cpu_write_cr3(struct cpu *cpu, uint32_t value)
{
    if (uses_pae(cpu, cpu->cr0, cpu->cr4) && !mmu_load_pdptes(cpu->mmu, value))
        return fault_gp(cpu, 0);
    uint32_t existing = model_has(cpu->model, FEAT_I486) ? 0xFFFFF018 : 0xFFFFF000;
    if (model_has(cpu->model, FEAT_PAE))
        existing = 0xFFFFFFFF;
    cpu->cr3 = value & existing;
    cpu_update_paging(cpu, cpu->cr4 & CR4_PGE);
    return EXEC_OK;
}

static uint32_t cr4_existing(const struct cpu *cpu)
{
    static const struct {
        uint32_t bits;
        enum cpu_feature feature;
    } table[] = {
        {CR4_VME | CR4_PVI, FEAT_VME },
        {CR4_TSD,           FEAT_TSC },
        {CR4_DE,            FEAT_DE  },
        {CR4_PSE,           FEAT_PSE },
        {CR4_PAE,           FEAT_PAE },
        {CR4_MCE,           FEAT_MCE },
        {CR4_PGE,           FEAT_PGE },
        {CR4_PCE,           FEAT_PMC },
        {CR4_OSFXSR,        FEAT_FXSR},
        {CR4_OSXMMEXCPT,    FEAT_SSE },
    };
    uint32_t bits = 0;
    for (unsigned i = 0; i < ARRAY_LENGTH(table); i++) {
        if (model_has(cpu->model, table[i].feature))
            bits |= table[i].bits;
    }
    return bits;
}

enum exec_result cpu_write_cr4(struct cpu *cpu, uint32_t value)
{
    if (value & ~cr4_existing(cpu))
        return fault_gp(cpu, 0);
    uint32_t changed = cpu->cr4 ^ value;
    if (changed & CR4_PAE && uses_pae(cpu, cpu->cr0, value) && !mmu_load_pdptes(cpu->mmu, cpu->cr3))
        return fault_gp(cpu, 0);
    cpu->cr4 = value;
    if (changed & (CR4_PSE | CR4_PAE | CR4_PGE))
        cpu_update_paging(cpu, false);
    cpu->attention |= ATTENTION_MODE;
    return EXEC_OK;
}
