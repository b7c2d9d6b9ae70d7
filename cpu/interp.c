/* The interpreter's loop: from block to block, until something wants attention, the budget is used
 * up, or a fault was delivered. */
#include "cpu/interp.h"

#include "cpu/debug.h"
#include "cpu/fault.h"
#include "cpu/points.h"

void interp_deliver(struct cpu *cpu)
{
    if (UNLIKELY(cpu->points) && points_take_stop(cpu->points))
        return;
    if (cpu->icount == cpu->fault_icount)
        cpu->icount++;
    cpu->fault_icount = cpu->icount;
    cpu_deliver_fault(cpu);
}

void interp_leave_by_fault(struct cpu *cpu)
{
    cpu->icount += (uint64_t)(cpu->current - cpu->block_first);
    cpu->eip = cpu_insn_eip(cpu);
    cpu->block_first = cpu->current;
    interp_deliver(cpu);
}

static inline bool run_block(struct cpu *cpu, const struct block *block)
{
    const struct insn *insn = block->insns;
    uint64_t left = cpu->icount_limit - cpu->icount;
    const struct insn *end = insn + (LIKELY(left > block->count) ? block->count : left);
    cpu->block_first = insn;
    do {
        cpu->current = insn;
        if (UNLIKELY(insn->exec(cpu, insn) != EXEC_OK)) {
            interp_leave_by_fault(cpu);
            return false;
        }
        insn++;
    } while (insn != end && LIKELY(!cpu->attention));
    interp_leave(cpu);
    return true;
}

bool interp_run_block(struct cpu *cpu, const struct block *block)
{
    return run_block(cpu, block);
}

static void run_blocks(struct cpu *cpu)
{
    struct block *block = cpu->code->scratch;
    do {
        block = code_enter(cpu->code, cpu, block);
        if (UNLIKELY(!block)) {
            interp_deliver(cpu);
            return;
        }
        if (UNLIKELY(!run_block(cpu, block)))
            return;
    } while (LIKELY(!cpu->attention) && LIKELY(cpu->icount < cpu->icount_limit));
}

/* One instruction, with what the processor looks at before and after each. */
static void step_insn(struct cpu *cpu)
{
    if (cpu->tracing && cpu->host.trace)
        cpu->host.trace(cpu->host.opaque);
    /* Before the bookkeeping of the guest's own debugging, which is done once an instruction. */
    if (UNLIKELY(cpu->points) && points_stop_here(cpu->points)) {
        interp_deliver(cpu);
        return;
    }
    bool is_stepping = cpu->step != 0;
    if (is_stepping && debug_check_fetch(cpu)) {
        interp_deliver(cpu);
        return;
    }
    struct block *block = code_enter(cpu->code, cpu, cpu->code->scratch);
    if (!block) {
        interp_deliver(cpu);
        return;
    }
    cpu->current = cpu->block_first = block->insns;
    if (cpu->current->exec(cpu, cpu->current) != EXEC_OK) {
        interp_leave_by_fault(cpu);
        return;
    }
    interp_leave(cpu);
    if (is_stepping)
        debug_after_insn(cpu);
}

void cpu_run(struct cpu *cpu, uint64_t limit)
{
    cpu->icount_limit = limit;
    while (cpu->icount < limit && cpu->activity == CPU_RUNNING) {
        cpu->attention &= ~(uint32_t)ATTENTION_MODE;
        if (cpu->attention)
            return;
        if (cpu->step || cpu->tracing)
            step_insn(cpu);
        else if (cpu->engine.run)
            cpu->engine.run(cpu->engine.opaque);
        else
            run_blocks(cpu);
    }
}

uint64_t cpu_icount(const struct cpu *cpu)
{
    return cpu->icount + (uint64_t)(cpu->current - cpu->block_first);
}
