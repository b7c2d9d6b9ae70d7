/* The processor's state, declared. */
#include "cpu/cpu.h"

#include "cpu/flags.h"
#include "cpu/system.h"

static const struct field lazy_fields[] = {
    FIELD(struct lazy_flags, zero),
    FIELD(struct lazy_flags, sign),
    FIELD(struct lazy_flags, carries),
    FIELD_END,
};

static const struct field fault_fields[] = {
    FIELD(struct cpu_fault, vector),
    FIELD(struct cpu_fault, has_error),
    FIELD(struct cpu_fault, error),
    FIELD_END,
};

static const struct field xmm_fields[] = {
    FIELD_ARRAY(union xmm_register, u8, uint8_t),
    FIELD_END,
};

enum {
    STEP_ALL = STEP_TRAP_FLAG | STEP_BREAKPOINTS | STEP_SHADOW | STEP_RESUME | STEP_SHADOW_STACK |
               STEP_TRAP_PENDING | STEP_VIRTUAL,
};

/* Combinations that the processor has no way into, and the code none out of. */
static const char *cpu_misfit(const void *base)
{
    const struct cpu *cpu = base;
    uint32_t flags = (eflags_existing(cpu) & ~(uint32_t)FLAGS_ARITHMETIC) | FLAG_FIXED;
    bool is_big = cpu->seg[SEG_SS].access & SEGMENT_BIG;
    if (cpu->cr0 & CR0_PG && !(cpu->cr0 & CR0_PE))
        return "paging is on in real mode";
    if (cpu->eflags & ~flags || !(cpu->eflags & FLAG_FIXED))
        return "EFLAGS has bits that do not exist";
    if (cpu->eflags & FLAG_VM && !(cpu->cr0 & CR0_PE))
        return "virtual-8086 mode is on in real mode";
    if (cpu->cpl != 0 && !(cpu->cr0 & CR0_PE))
        return "a privilege level in real mode";
    if (cpu->cpl != 3 && cpu->eflags & FLAG_VM)
        return "virtual-8086 mode at another privilege level than 3";
    if (cpu->stack_mask != (is_big ? UINT32_MAX : UINT16_MAX))
        return "the stack has another size than its segment";
    if (cpu->mxcsr & ~cpu_mxcsr_mask(cpu))
        return "MXCSR has bits that do not exist";
    return NULL;
}

const struct field cpu_fields[] = {
    FIELD_ARRAY(struct cpu, gpr, uint32_t),
    FIELD(struct cpu, eip),
    FIELD_STRUCT(struct cpu, lazy, lazy_fields),
    FIELD(struct cpu, eflags),
    FIELD_TRANSIENT(struct cpu, attention), /* follows from the rest: cpu_sync */
    FIELD_TRANSIENT(struct cpu, current),
    FIELD_TRANSIENT(struct cpu, block_first),
    FIELD_TRANSIENT(struct cpu, mmu),
    FIELD_TRANSIENT(struct cpu, frame),
    FIELD_STRUCTS(struct cpu, seg, segment_fields),
    FIELD_TRANSIENT(struct cpu, code_mode),
    FIELD(struct cpu, stack_mask),
    FIELD_MOST(struct cpu, cpl, 3),
    FIELD_MOST(struct cpu, icount, CLOCK_LATEST),
    FIELD_TRANSIENT(struct cpu, icount_limit),
    FIELD_STRUCT(struct cpu, fpu, fpu_fields),
    FIELD_STRUCTS(struct cpu, xmm, xmm_fields),
    FIELD(struct cpu, mxcsr),
    FIELD(struct cpu, cr0),
    FIELD(struct cpu, cr2),
    FIELD(struct cpu, cr3),
    FIELD(struct cpu, cr4),
    FIELD_ARRAY(struct cpu, dr, uint32_t),
    FIELD_STRUCT(struct cpu, ldtr, segment_fields),
    FIELD_STRUCT(struct cpu, tr, segment_fields),
    FIELD(struct cpu, gdtr_base),
    FIELD(struct cpu, idtr_base),
    FIELD(struct cpu, gdtr_limit),
    FIELD(struct cpu, idtr_limit),
    FIELD(struct cpu, tsc_offset),
    FIELD(struct cpu, efer),
    FIELD(struct cpu, apic_base),
    FIELD(struct cpu, sysenter_cs),
    FIELD(struct cpu, sysenter_esp),
    FIELD(struct cpu, sysenter_eip),
    FIELD(struct cpu, pat),
    FIELD(struct cpu, mtrr_def_type),
    FIELD_ARRAY(struct cpu, mtrr_fixed, uint64_t),
    FIELD_ARRAY(struct cpu, mtrr_variable, uint64_t),
    FIELD(struct cpu, misc_enable),
    FIELD(struct cpu, mcg_status),
    FIELD(struct cpu, debugctl),
    FIELD_ARRAY(struct cpu, mc_control, uint64_t),
    FIELD_ARRAY(struct cpu, perf_select, uint64_t),
    FIELD_ARRAY(struct cpu, perf_counter, uint64_t),
    FIELD(struct cpu, microcode),
    FIELD_ARRAY(struct cpu, test_registers, uint32_t),
    FIELD_MOST(struct cpu, activity, CPU_SHUTDOWN),
    FIELD(struct cpu, intr_line),
    FIELD(struct cpu, nmi_pending),
    FIELD(struct cpu, nmi_blocked),
    FIELD(struct cpu, init_pending),
    FIELD(struct cpu, reset_pending),
    FIELD_MOST(struct cpu, step, STEP_ALL),
    FIELD(struct cpu, repeating),
    FIELD(struct cpu, debug_hits),
    FIELD_STRUCT(struct cpu, fault, fault_fields),
    FIELD(struct cpu, fault_icount),
    FIELD_CHECK(cpu_misfit),
    FIELD_TRANSIENT(struct cpu, shift_carries),
    FIELD_TRANSIENT(struct cpu, tracing),
    FIELD_TRANSIENT(struct cpu, model),
    FIELD_TRANSIENT(struct cpu, bus),
    FIELD_TRANSIENT(struct cpu, log),
    FIELD_TRANSIENT(struct cpu, host),
    FIELD_TRANSIENT(struct cpu, code),
    FIELD_TRANSIENT(struct cpu, points),
    FIELD_TRANSIENT(struct cpu, engine),
    FIELD_TRANSIENT(struct cpu, deliveries),
    FIELD_TRANSIENT(struct cpu, fault_chain),
    FIELD_TRANSIENT(struct cpu, jump_cache),
    FIELD_END,
};
