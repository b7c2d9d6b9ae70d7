/* Control, debug and test registers, caches, HLT (SDM 2: MOV, CLTS, INVLPG, HLT). */
#include "cpu/debug.h"
#include "cpu/exec.h"
#include "cpu/model.h"
#include "cpu/segment.h"

static uint32_t *control_register(struct cpu *cpu, unsigned number)
{
    switch (number) {
    case 0:
        return &cpu->cr0;
    case 2:
        return &cpu->cr2;
    case 3:
        return &cpu->cr3;
    case 4:
        return model_has(cpu->model, FEAT_CPUID) ? &cpu->cr4 : NULL;
    default:
        return NULL;
    }
}

enum exec_result exec_mov_from_cr(struct cpu *cpu, const struct insn *insn)
{
    const uint32_t *control = control_register(cpu, insn->reg);
    if (!control)
        return fault_ud(cpu);
    if (cpu_require_cpl0(cpu))
        return EXEC_FAULT;
    cpu->gpr[insn->rm] = *control;
    return EXEC_OK;
}

enum exec_result exec_mov_to_cr(struct cpu *cpu, const struct insn *insn)
{
    uint32_t value = cpu->gpr[insn->rm];
    if (!control_register(cpu, insn->reg))
        return fault_ud(cpu);
    if (cpu_require_cpl0(cpu))
        return EXEC_FAULT;
    switch (insn->reg) {
    case 0:
        return cpu_write_cr0(cpu, value);
    case 3:
        return cpu_write_cr3(cpu, value);
    case 4:
        return cpu_write_cr4(cpu, value);
    default:
        cpu->cr2 = value;
        return EXEC_OK;
    }
}

enum exec_result exec_clts(struct cpu *cpu, const struct insn *insn)
{
    if (cpu_require_cpl0(cpu))
        return EXEC_FAULT;
    cpu->cr0 &= ~(uint32_t)CR0_TS;
    return EXEC_OK;
}

/* --- debug registers --- */

/* Checks common to both directions; *number: DR4 and DR5 stand for DR6 and DR7. */
static enum exec_result check_debug_register(struct cpu *cpu, unsigned *number)
{
    if (*number == 4 || *number == 5) {
        if (cpu->cr4 & CR4_DE)
            return fault_ud(cpu);
        *number += 2;
    }
    if (cpu_require_cpl0(cpu))
        return EXEC_FAULT;
    if (cpu->dr[7] & DR7_GD) {
        cpu->debug_hits |= DR6_BD;
        return fault_raise(cpu, VECTOR_DB);
    }
    return EXEC_OK;
}

enum exec_result exec_mov_from_dr(struct cpu *cpu, const struct insn *insn)
{
    unsigned number = insn->reg;
    if (check_debug_register(cpu, &number))
        return EXEC_FAULT;
    cpu->gpr[insn->rm] = cpu->dr[number];
    return EXEC_OK;
}

enum exec_result exec_mov_to_dr(struct cpu *cpu, const struct insn *insn)
{
    uint32_t value = cpu->gpr[insn->rm];
    unsigned number = insn->reg;
    if (check_debug_register(cpu, &number))
        return EXEC_FAULT;
    if (number == 6)
        value = DR6_FIXED | (value & (DR6_BREAKPOINTS | DR6_BD | DR6_BS | DR6_BT));
    else if (number == 7)
        value = DR7_FIXED | (value & 0xFFFF23FF);
    cpu->dr[number] = value;
    debug_update(cpu);
    return EXEC_OK;
}

/* --- test registers: TR6 and TR7 on the 386, TR3 to TR7 on the 486, none later --- */

static enum exec_result check_test_register(struct cpu *cpu, unsigned number)
{
    unsigned first = model_has(cpu->model, FEAT_I486) ? 3 : 6;
    if (model_has(cpu->model, FEAT_CPUID) || number < first)
        return fault_ud(cpu);
    if (cpu_require_cpl0(cpu))
        return EXEC_FAULT;
    log_unimplemented(cpu->log, "cpu", 0x0F240 + number, "test register TR%u", number);
    return EXEC_OK;
}

enum exec_result exec_mov_from_tr(struct cpu *cpu, const struct insn *insn)
{
    if (check_test_register(cpu, insn->reg))
        return EXEC_FAULT;
    cpu->gpr[insn->rm] = cpu->test_registers[insn->reg];
    return EXEC_OK;
}

enum exec_result exec_mov_to_tr(struct cpu *cpu, const struct insn *insn)
{
    if (check_test_register(cpu, insn->reg))
        return EXEC_FAULT;
    cpu->test_registers[insn->reg] = cpu->gpr[insn->rm];
    return EXEC_OK;
}

/* --- TLB, caches, HLT --- */

enum exec_result exec_invlpg(struct cpu *cpu, const struct insn *insn)
{
    if (cpu_require_cpl0(cpu))
        return EXEC_FAULT;
    mmu_flush_page(cpu->mmu, cpu->seg[insn->segment].base + insn_address(cpu, insn));
    return EXEC_OK;
}

/* There are no caches that a guest could see. */
enum exec_result exec_invd(struct cpu *cpu, const struct insn *insn)
{
    return cpu_require_cpl0(cpu);
}

enum exec_result exec_hlt(struct cpu *cpu, const struct insn *insn)
{
    if (cpu_require_cpl0(cpu))
        return EXEC_FAULT;
    cpu_set_activity(cpu, CPU_HALTED);
    return EXEC_OK;
}

enum exec_result exec_ud(struct cpu *cpu, const struct insn *insn)
{
    return fault_ud(cpu);
}
