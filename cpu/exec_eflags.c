/* CLI, STI, PUSHF, POPF with IOPL, VME and PVI (SDM 2; 3A 20.3, 20.4), and INT n. */
#include "cpu/access.h"
#include "cpu/exec.h"
#include "cpu/far.h"
#include "cpu/flags.h"

/* What CLI and STI act on. */
enum interrupt_flag { ACTS_ON_IF, ACTS_ON_VIF, ACTS_NOT };

static enum interrupt_flag interrupt_flag(const struct cpu *cpu)
{
    if (!cpu_is_protected(cpu) || cpu->cpl <= cpu_iopl(cpu))
        return ACTS_ON_IF;
    if (cpu_is_v86(cpu))
        return cpu->cr4 & CR4_VME ? ACTS_ON_VIF : ACTS_NOT;
    return cpu->cpl == 3 && cpu->cr4 & CR4_PVI ? ACTS_ON_VIF : ACTS_NOT;
}

enum exec_result exec_cli(struct cpu *cpu, const struct insn *insn)
{
    switch (interrupt_flag(cpu)) {
    case ACTS_ON_IF:
        eflags_write(cpu, 0, FLAG_IF);
        return EXEC_OK;
    case ACTS_ON_VIF:
        eflags_write(cpu, 0, FLAG_VIF);
        return EXEC_OK;
    default:
        return fault_gp(cpu, 0);
    }
}

enum exec_result exec_sti(struct cpu *cpu, const struct insn *insn)
{
    switch (interrupt_flag(cpu)) {
    case ACTS_ON_IF:
        if (!(cpu->eflags & FLAG_IF))
            cpu_open_shadow(cpu, false);
        eflags_write(cpu, FLAG_IF, FLAG_IF);
        return EXEC_OK;
    case ACTS_ON_VIF:
        if (cpu->eflags & FLAG_VIP)
            return fault_gp(cpu, 0);
        eflags_write(cpu, FLAG_VIF, FLAG_VIF);
        return EXEC_OK;
    default:
        return fault_gp(cpu, 0);
    }
}

/* --- PUSHF, POPF --- */

/* V86 mode below IOPL 3; with VME the 16-bit forms see VIF in the place of IF. */
static bool is_virtual_if(const struct cpu *cpu)
{
    return cpu_is_v86(cpu) && cpu_iopl(cpu) < 3;
}

enum exec_result exec_pushf16(struct cpu *cpu, const struct insn *insn)
{
    uint32_t flags = cpu_get_eflags(cpu);
    if (is_virtual_if(cpu)) {
        if (!(cpu->cr4 & CR4_VME))
            return fault_gp(cpu, 0);
        flags = (flags & ~(uint32_t)FLAG_IF) | FLAG_IOPL | (flags & FLAG_VIF ? FLAG_IF : 0);
    }
    return stack_push16(cpu, (uint16_t)flags);
}

enum exec_result exec_pushf32(struct cpu *cpu, const struct insn *insn)
{
    if (is_virtual_if(cpu))
        return fault_gp(cpu, 0);
    return stack_push32(cpu, cpu_get_eflags(cpu) & ~(uint32_t)(FLAG_VM | FLAG_RF));
}

/* The flags that POPF takes from the stack, RF being cleared. */
static uint32_t popf_mask(const struct cpu *cpu, bool is_32)
{
    uint32_t mask = FLAGS_ARITHMETIC | FLAG_TF | FLAG_DF | FLAG_NT;
    if (is_32)
        mask |= FLAG_AC | FLAG_ID;
    if (!cpu_is_protected(cpu) || (cpu->cpl == 0 && !cpu_is_v86(cpu)))
        return mask | FLAG_IF | FLAG_IOPL | (is_32 ? FLAG_VIF | FLAG_VIP : 0);
    return cpu->cpl <= cpu_iopl(cpu) ? mask | FLAG_IF : mask;
}

static void popf_commit(struct cpu *cpu, uint32_t flags, uint32_t mask, uint32_t size)
{
    stack_set_pointer(cpu, cpu->gpr[REG_ESP] + size);
    eflags_write(cpu, flags & ~(uint32_t)(FLAG_VIF | FLAG_VIP | FLAG_RF), mask | FLAG_RF);
}

static enum exec_result popf16_virtual(struct cpu *cpu, uint32_t flags)
{
    bool enable = flags & FLAG_IF;
    if (!(cpu->cr4 & CR4_VME) || (enable && cpu->eflags & FLAG_VIP) || flags & FLAG_TF)
        return fault_gp(cpu, 0);
    popf_commit(cpu, flags, popf_mask(cpu, false), 2);
    eflags_write(cpu, enable ? FLAG_VIF : 0, FLAG_VIF);
    return EXEC_OK;
}

enum exec_result exec_popf16(struct cpu *cpu, const struct insn *insn)
{
    uint16_t flags;
    if (is_virtual_if(cpu) && !(cpu->cr4 & CR4_VME))
        return fault_gp(cpu, 0);
    if (stack_peek16(cpu, 0, &flags))
        return EXEC_FAULT;
    if (is_virtual_if(cpu))
        return popf16_virtual(cpu, flags);
    popf_commit(cpu, flags, popf_mask(cpu, false), 2);
    return EXEC_OK;
}

enum exec_result exec_popf32(struct cpu *cpu, const struct insn *insn)
{
    uint32_t flags;
    if (is_virtual_if(cpu))
        return fault_gp(cpu, 0);
    if (stack_peek32(cpu, 0, &flags))
        return EXEC_FAULT;
    popf_commit(cpu, flags, popf_mask(cpu, true), 4);
    return EXEC_OK;
}

/* --- software interrupts --- */

static enum exec_result software_interrupt(struct cpu *cpu, struct event *event)
{
    event->kind = DELIVERY_SOFTWARE;
    event->next_eip = cpu_next_eip(cpu);
    cpu->eflags &= ~(uint32_t)FLAG_RF; /* ends with the instruction, before its frame */
    enum exec_result result = event_deliver(cpu, event);
    return far_finish(cpu, result, event->committed);
}

enum exec_result exec_int_n(struct cpu *cpu, const struct insn *insn)
{
    struct event event = {.vector = (uint8_t)insn->immediate, .software = true, .is_int_n = true};
    return software_interrupt(cpu, &event);
}

enum exec_result exec_int3(struct cpu *cpu, const struct insn *insn)
{
    struct event event = {.vector = VECTOR_BP, .software = true};
    return software_interrupt(cpu, &event);
}

enum exec_result exec_into(struct cpu *cpu, const struct insn *insn)
{
    if (!flag_of(cpu)) {
        cpu_jump(cpu, cpu_next_eip(cpu));
        return EXEC_OK;
    }
    struct event event = {.vector = VECTOR_OF, .software = true};
    return software_interrupt(cpu, &event);
}

/* ICEBP: a #DB that looks at no gate's DPL and leaves DR6 alone. */
enum exec_result exec_int1(struct cpu *cpu, const struct insn *insn)
{
    struct event event = {.vector = VECTOR_DB};
    return software_interrupt(cpu, &event);
}
