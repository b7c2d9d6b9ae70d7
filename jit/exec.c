/* See jit/exec.h. */
#include "jit/exec.h"

#include "cpu/code.h"
#include "cpu/flags.h"
#include "cpu/interp.h"
#include "jit/jump_cache.h"
#include "jit/units.h"

/* block's distance / BLOCK_ALIGNMENT | insn | touches flags */
enum { INSN_BITS = 5, INSN_SHIFT = 1, BLOCK_SHIFT = INSN_SHIFT + INSN_BITS };
_Static_assert(BLOCK_MAX_INSNS <= 1 << INSN_BITS, "an instruction's index has 5 bits");

uint32_t exec_id(const struct block_cache *cache, const struct block *block, unsigned insn,
                 bool touches_flags)
{
    return block_distance(block_cache_first(cache), block) / BLOCK_ALIGNMENT << BLOCK_SHIFT |
           insn << INSN_SHIFT | touches_flags;
}

void exec_flags_from_home(struct cpu *cpu)
{
    uint32_t home = cpu->frame.flags;
    flags_set_arithmetic(cpu, home >> 8 | (home & 1 ? FLAG_OF : 0));
}

void exec_flags_to_home(struct cpu *cpu)
{
    uint32_t flags = flags_arithmetic(cpu);
    cpu->frame.flags = (uint16_t)((flags & 0xFF) << 8 | !!(flags & FLAG_OF));
}

/* The budget was reduced by the whole block when it was entered. */
static const struct insn *begin(struct cpu *cpu, uint32_t id)
{
    struct block *block = block_at(cpu->code->scratch, (id >> BLOCK_SHIFT) * BLOCK_ALIGNMENT);
    const struct insn *insn = &block->insns[id >> INSN_SHIFT & (BLOCK_MAX_INSNS - 1)];
    cpu->icount = cpu->frame.budget_end - cpu->frame.budget - block->count;
    cpu->frame.calls++;
    cpu->block_first = block->insns;
    cpu->current = insn;
    return insn;
}

static enum exec_result execute(struct cpu *cpu, const struct insn *insn)
{
    unsigned attributes = insn->row == INSN_ROW_NONE ? 0 : insn_row(insn->row)->attributes;
    if (attributes & (A_PROT | A_FPU | A_MMX | A_SSE) && code_check_units(cpu, attributes))
        return EXEC_FAULT;
    return insn->exec(cpu, insn);
}

/* What both begin with: executes the instruction, and leaves if it faulted or if something wants
 * attention. EXIT_CONTINUE: its flags, if it touches them, are in lazy. */
static uint32_t execute_or_leave(struct cpu *cpu, uint32_t id)
{
    const struct insn *insn = begin(cpu, id);
    bool touches_flags = id & 1;
    if (touches_flags)
        exec_flags_from_home(cpu);
    bool faulted = execute(cpu, insn);
    if (LIKELY(!faulted && !cpu->attention))
        return EXIT_CONTINUE;
    if (!touches_flags)
        exec_flags_from_home(cpu);
    if (faulted)
        return EXIT_FAULT;
    interp_leave(cpu);
    return EXIT_DONE;
}

uint32_t exec_insn(struct cpu *cpu, uint32_t id)
{
    uint32_t exit = execute_or_leave(cpu, id);
    if (exit == EXIT_CONTINUE && id & 1)
        exec_flags_to_home(cpu);
    return exit;
}

uint32_t exec_last(struct cpu *cpu, uint32_t id)
{
    uint32_t exit = execute_or_leave(cpu, id);
    if (exit != EXIT_CONTINUE)
        return exit;
    interp_leave(cpu);
    jump_key_update(cpu);
    cpu->frame.budget = (uint32_t)(cpu->frame.budget_end - cpu->icount);
    if (id & 1)
        exec_flags_to_home(cpu);
    return EXIT_CONTINUE;
}

static void put_fpu_away(struct cpu *cpu)
{
    if (cpu->frame.units & UNIT_FPU)
        units_store_fpu(cpu);
}

uint32_t exec_insn_whole(struct cpu *cpu, uint32_t id)
{
    if (cpu->frame.units & UNIT_FPU && units_call_function(cpu, begin(cpu, id)))
        return EXIT_CONTINUE;
    put_fpu_away(cpu);
    return exec_insn(cpu, id);
}

uint32_t exec_last_whole(struct cpu *cpu, uint32_t id)
{
    put_fpu_away(cpu);
    return exec_last(cpu, id);
}
