/* See cpu/repeat.h. */
#include "cpu/repeat.h"

#include "cpu/flags.h"
#include "cpu/model.h"

/* Instructions that may still retire before icount_limit, at least 1; 1 while stepping. */
static uint64_t budget_left(const struct cpu *cpu)
{
    return cpu->step ? 1 : cpu->icount_limit - cpu_icount(cpu);
}

/* The engine counts the instruction itself; eip stays at it unless it is finished. */
static enum exec_result leave(struct cpu *cpu, bool finished)
{
    cpu->repeating = !finished;
    cpu_jump(cpu, finished ? cpu_next_eip(cpu) : cpu_insn_eip(cpu));
    return EXEC_OK;
}

/* --- what old processors leave behind ---
 *
 * A word at offset FFFFh violates the segment limit in real mode. The 80286 finds out after it has
 * moved SI, DI and CX on, does not move them back, and raises vector 13 through SS too (that is
 * what its vectors show; nothing says that an 80386 differs). STOS, INS and MOVS, which write
 * through a buffer, have counted one iteration more; CMPS reads ES:DI first. */

struct overrun {
    bool source, destination; /* move */
    uint32_t count;           /* is taken from CX when repeated */
};

static bool is_beyond_limit(const struct cpu *cpu, const struct insn *insn,
                            enum segment_register seg, enum gpr reg)
{
    return string_register(cpu, insn, reg) >= cpu->seg[seg].limit;
}

static struct overrun overrun_of(const struct cpu *cpu, const struct insn *insn)
{
    switch (insn->opcode) {
    case 0x6D: /* INS */
    case 0xAB: /* STOS */
        return (struct overrun){false, true, 2};
    case 0x6F: /* OUTS */
    case 0xAD: /* LODS */
        return (struct overrun){true, false, 1};
    case 0xA5: /* MOVS */
        if (is_beyond_limit(cpu, insn, insn->segment, REG_ESI))
            return (struct overrun){true, false, 1};
        return (struct overrun){true, true, 2};
    case 0xA7: /* CMPS */
        if (is_beyond_limit(cpu, insn, SEG_ES, REG_EDI))
            return (struct overrun){false, true, 0};
        return (struct overrun){true, true, 1};
    case 0xAF: /* SCAS */
        return (struct overrun){false, true, 1};
    default:
        return (struct overrun){0};
    }
}

static void leave_overrun(struct cpu *cpu, const struct insn *insn)
{
    if (!cpu->model->is_386 || cpu->cr0 & CR0_PE ||
        (cpu->fault.vector != VECTOR_GP && cpu->fault.vector != VECTOR_SS))
        return;
    cpu->fault = (struct cpu_fault){.vector = VECTOR_GP, .has_error = true};
    struct overrun overrun = overrun_of(cpu, insn);
    uint32_t delta = string_delta(cpu, insn->flags & INSN_OPERAND32 ? 4 : 2);
    if (overrun.source)
        string_add(cpu, insn, REG_ESI, delta);
    if (overrun.destination)
        string_add(cpu, insn, REG_EDI, delta);
    if (insn->flags & (INSN_REP | INSN_REPNE))
        string_add(cpu, insn, REG_ECX, -overrun.count);
}

static MUST_CHECK enum exec_result take_step(struct cpu *cpu, const struct insn *insn,
                                             string_step *step)
{
    if (LIKELY(step(cpu, insn) == EXEC_OK))
        return EXEC_OK;
    leave_overrun(cpu, insn);
    cpu->repeating = false; /* however many iterations an earlier budget had done */
    return EXEC_FAULT;
}

static uint64_t no_bulk(struct cpu *cpu, const struct insn *insn, uint64_t count)
{
    return 0;
}

enum exec_result string_repeat_bulk(struct cpu *cpu, const struct insn *insn, string_step *step,
                                    string_bulk *bulk, bool until_zf)
{
    if (!(insn->flags & (INSN_REP | INSN_REPNE)))
        return take_step(cpu, insn, step);
    uint32_t left = string_register(cpu, insn, REG_ECX);
    if (left == 0)
        return leave(cpu, true);
    for (uint64_t budget = budget_left(cpu);; cpu->icount++) {
        uint64_t done = bulk(cpu, insn, left < budget ? left : budget);
        if (done == 0) {
            if (take_step(cpu, insn, step))
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
