#include "cpu/cpu.h"

#include "base/memory.h"
#include "cpu/code.h"
#include "cpu/debug.h"
#include "cpu/flags.h"
#include "cpu/model.h"
#include "cpu/segment.h"

struct cpu *cpu_new(const struct cpu_model *model, struct physmem *phys, struct bus *bus)
{
    struct cpu *cpu = mem_new(sizeof *cpu);
    cpu->model = model;
    cpu->shift_carries = model->is_386 ? 8 : 0;
    cpu->bus = bus;
    cpu->log = bus_log(bus);
    cpu->mmu = mmu_new(phys, bus);
    cpu_reset(cpu, false);
    cpu->code = code_new(cpu, phys);
    return cpu;
}

void cpu_free(struct cpu *cpu)
{
    if (!cpu)
        return;
    code_free(cpu->code);
    mmu_free(cpu->mmu);
    mem_free(cpu);
}

/* --- reset: SDM 3A 9.1.1, table 9-1 --- */

static void reset_segments(struct cpu *cpu)
{
    const struct segment data = {.limit = 0xFFFF, .access = 0x93};
    for (unsigned i = 0; i < SEG_COUNT; i++)
        segment_set(cpu, i, &data);
    const struct segment code = {
        .base = 0xFFFF0000, .limit = 0xFFFF, .selector = 0xF000, .access = 0x93};
    segment_set(cpu, SEG_CS, &code);
    cpu->ldtr = (struct segment){.limit = 0xFFFF, .access = SEGMENT_PRESENT | TYPE_LDT};
    cpu->tr = (struct segment){.limit = 0xFFFF, .access = SEGMENT_PRESENT | TYPE_TSS32_BUSY};
    cpu->gdtr_base = cpu->idtr_base = 0;
    cpu->gdtr_limit = cpu->idtr_limit = 0xFFFF;
}

static void reset_control(struct cpu *cpu, bool init)
{
    uint32_t kept = init ? cpu->cr0 & (CR0_CD | CR0_NW) : CR0_CD | CR0_NW;
    if (!model_has(cpu->model, FEAT_I486))
        kept = 0;
    cpu->cr0 = CR0_ET | kept;
    cpu->cr2 = cpu->cr3 = cpu->cr4 = 0;
    memset(cpu->dr, 0, sizeof cpu->dr);
    cpu->dr[6] = DR6_FIXED;
    cpu->dr[7] = DR7_FIXED;
    cpu->efer = 0;
}

/* What INIT leaves alone. */
static void reset_power_on(struct cpu *cpu)
{
    cpu->fpu = (struct fpu_state){.control = 0x0040};
    memset(cpu->xmm, 0, sizeof cpu->xmm);
    cpu->mxcsr = MXCSR_DEFAULT;
    cpu->tsc_offset = 0 - clock_ticks(bus_clock(cpu->bus), clock_tsc_hertz(bus_clock(cpu->bus)));
    cpu->apic_base = UINT64_C(0xFEE00900); /* enabled, bootstrap processor */
    cpu->sysenter_cs = cpu->sysenter_esp = cpu->sysenter_eip = 0;
    cpu->pat = UINT64_C(0x0007040600070406);
    cpu->mtrr_def_type = 0;
    memset(cpu->mtrr_fixed, 0, sizeof cpu->mtrr_fixed);
    memset(cpu->mtrr_variable, 0, sizeof cpu->mtrr_variable);
    cpu->misc_enable = 1;
    cpu->mcg_status = cpu->debugctl = 0;
    memset(cpu->mc_control, 0, sizeof cpu->mc_control);
    memset(cpu->perf_select, 0, sizeof cpu->perf_select);
    memset(cpu->perf_counter, 0, sizeof cpu->perf_counter);
    cpu->microcode = 0;
    memset(cpu->test_registers, 0, sizeof cpu->test_registers);
}

void cpu_reset(struct cpu *cpu, bool init)
{
    cpu_note_delivery(cpu, init ? DELIVERY_INIT : DELIVERY_RESET);
    memset(cpu->gpr, 0, sizeof cpu->gpr);
    cpu->gpr[REG_EDX] = cpu->model->signature;
    cpu->eip = 0xFFF0;
    cpu->eflags = FLAG_FIXED;
    flags_set_arithmetic(cpu, 0);
    cpu->cpl = 0;
    reset_control(cpu, init);
    reset_segments(cpu);
    if (!init)
        reset_power_on(cpu);
    cpu->activity = CPU_RUNNING;
    cpu->nmi_pending = cpu->nmi_blocked = false;
    cpu->init_pending = cpu->reset_pending = false;
    cpu->debug_hits = 0;
    cpu->repeating = false;
    cpu->fault = (struct cpu_fault){0};
    cpu->step = 0;
    cpu->attention &= ATTENTION_STOP;
    cpu_sync(cpu);
}

/* --- state from outside --- */

uint32_t cpu_get_eflags(const struct cpu *cpu)
{
    return cpu->eflags | FLAG_FIXED | flags_arithmetic(cpu);
}

void cpu_set_eflags(struct cpu *cpu, uint32_t eflags)
{
    flags_set_arithmetic(cpu, eflags);
    cpu->eflags = (eflags & eflags_existing(cpu) & ~(uint32_t)FLAGS_ARITHMETIC) | FLAG_FIXED;
    cpu_sync(cpu);
}

void cpu_settle(struct cpu *cpu)
{
    flags_set_arithmetic(cpu, flags_arithmetic(cpu));
}

void cpu_sync(struct cpu *cpu)
{
    if (!cpu_is_protected(cpu))
        cpu->eflags &= ~(uint32_t)FLAG_VM;
    cpu->gpr[REG_ZERO] = 0;
    cpu_update_paging(cpu, false);
    cpu_update_segments(cpu);
    cpu->stack_mask = cpu->seg[SEG_SS].access & SEGMENT_BIG ? 0xFFFFFFFF : 0xFFFF;
    if (!cpu_is_protected(cpu))
        cpu->cpl = 0;
    else if (cpu_is_v86(cpu))
        cpu->cpl = 3;
    cpu_set_cpl(cpu, cpu->cpl);
    cpu->step &= ~(uint32_t)(STEP_TRAP_FLAG | STEP_RESUME | STEP_VIRTUAL);
    if (cpu->eflags & FLAG_TF)
        cpu->step |= STEP_TRAP_FLAG;
    if (cpu->eflags & FLAG_RF)
        cpu->step |= STEP_RESUME;
    if (eflags_has_virtual_pending(cpu))
        cpu->step |= STEP_VIRTUAL;
    debug_update(cpu);
    cpu_update_interrupts(cpu);
}

void cpu_after_load(void *base)
{
    struct cpu *cpu = base;
    cpu->gpr[REG_ZERO] = 0;
    cpu->block_first = cpu->current;
    /* The MMU's copies of what the processor is at were saved too, but it is these that count. */
    cpu_update_paging(cpu, false);
    cpu_set_cpl(cpu, cpu->cpl);
    cpu_update_segments(cpu);
    cpu->attention &= ATTENTION_STOP;
    cpu->attention |= ATTENTION_CLOCK | ATTENTION_MODE;
    if (cpu->reset_pending)
        cpu->attention |= ATTENTION_RESET;
    if (cpu->init_pending)
        cpu->attention |= ATTENTION_INIT;
    cpu_update_interrupts(cpu);
    cpu_rewind_deliveries(cpu);
}

/* --- pins --- */

void cpu_set_intr(struct cpu *cpu, bool level)
{
    cpu->intr_line = level;
    cpu_update_interrupts(cpu);
}

void cpu_pulse_nmi(struct cpu *cpu)
{
    cpu->nmi_pending = true;
    cpu_update_interrupts(cpu);
}

void cpu_request_reset(struct cpu *cpu, bool init)
{
    if (init)
        cpu->init_pending = true;
    else
        cpu->reset_pending = true;
    cpu->attention |= init ? ATTENTION_INIT : ATTENTION_RESET;
}
