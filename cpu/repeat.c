/* See cpu/repeat.h. */
#include "cpu/repeat.h"

#include "cpu/flags.h"

/* Instructions that may still retire before icount_limit, at least 1; 1 while stepping. */
static uint64_t budget_left(const struct cpu *cpu)
{
    return cpu->step ? 1 : cpu->icount_limit - cpu_icount(cpu);
}

/* The engine counts the instruction itself; eip stays at it unless it is finished. */
static enum exec_result leave(struct cpu *cpu, bool finished)
{
    cpu_jump(cpu, finished ? cpu_next_eip(cpu) : cpu_insn_eip(cpu));
    return EXEC_OK;
}

static uint64_t no_bulk(struct cpu *cpu, const struct insn *insn, uint64_t count)
{
    return 0;
}

enum exec_result string_repeat_bulk(struct cpu *cpu, const struct insn *insn, string_step *step,
                                    string_bulk *bulk, bool until_zf)
{
    if (!(insn->flags & (INSN_REP | INSN_REPNE)))
        return step(cpu, insn);
    uint32_t left = string_register(cpu, insn, REG_ECX);
    if (left == 0)
        return leave(cpu, true);
    for (uint64_t budget = budget_left(cpu);; cpu->icount++) {
        uint64_t done = bulk(cpu, insn, left < budget ? left : budget);
        if (done == 0) {
            if (step(cpu, insn))
                return EXEC_FAULT;
            done = 1;
        }
        string_add(cpu, insn, REG_ECX, -(uint32_t)done);
        left -= (uint32_t)done;
        budget -= done;
        cpu->icount += done - 1;
        bool finished = left == 0 || (until_zf && flag_zf(cpu) != !!(insn->flags & INSN_REP));
        if (finished || budget == 0 || cpu->attention)
            return leave(cpu, finished);
    }
}

enum exec_result string_repeat(struct cpu *cpu, const struct insn *insn, string_step *step,
                               bool until_zf)
{
    return string_repeat_bulk(cpu, insn, step, no_bulk, until_zf);
}
