/* Lifts of sensitive instructions that operating systems execute all the time. Their operations
 * check what decides over them, and leave the rest to the exec function; so does the lift, outside
 * of flat 32-bit code and stack, which V86 mode never has. */
#include "jit/lift_private.h"

static bool is_plain(const struct lifter *l)
{
    const uint32_t need = CODE_32 | FLAT_CS | STACK_32;
    return (l->mode & need) == need && lift_is_32(l);
}

bool lift_time_stamp(struct lifter *l, enum ir_code code)
{
    lift_op(l, code, 4, IR_NONE, IR_NONE);
    return true;
}

/* --- EFLAGS --- */

bool lift_cli(struct lifter *l, enum ir_code code)
{
    if (is_plain(l))
        lift_op(l, code, 4, IR_NONE, IR_NONE);
    return is_plain(l);
}

/* The instruction behind STI, which no interrupt may come before, runs without a look at what is
 * pending if it is in the same block. It must be one that does not look at that itself. */
bool lift_sti(struct lifter *l, enum ir_code code)
{
    unsigned next = l->index + 1;
    if (!is_plain(l) || next >= l->ir->block->count)
        return false;
    const struct insn *insn = &l->ir->block->insns[next];
    if (insn->row == INSN_ROW_NONE || insn->flags & (INSN_REP | INSN_REPNE) ||
        insn_row(insn->row)->class != INNOCUOUS)
        return false;
    lift_op(l, code, 4, IR_NONE, IR_NONE);
    return true;
}

bool lift_pushf(struct lifter *l, enum ir_code code)
{
    if (!is_plain(l))
        return false;
    lift_stack(l, 4, -4, MMU_WRITE);
    lift_op(l, code, 4, IR_T0, IR_NONE);
    lift_op(l, IR_MOV, 4, IR_MEMORY, IR_T0);
    lift_move_stack(l, REG_ESP, -4);
    return true;
}

bool lift_popf(struct lifter *l, enum ir_code code)
{
    if (!is_plain(l))
        return false;
    lift_stack(l, 4, 0, MMU_READ);
    lift_op(l, IR_MOV, 4, IR_T0, IR_MEMORY);
    lift_op(l, code, 4, IR_NONE, IR_T0);
    lift_move_stack(l, REG_ESP, 4);
    return true;
}

/* --- selectors --- */

/* Moves the pointer by four and writes two bytes. */
static bool push_selector(struct lifter *l, enum ir_code code)
{
    if (!is_plain(l))
        return false;
    lift_stack(l, 2, -4, MMU_WRITE);
    lift_op(l, code, 2, IR_T0, IR_NONE)->imm = l->insn->opcode >> 3 & 7;
    lift_op(l, IR_MOV, 2, IR_MEMORY, IR_T0);
    lift_move_stack(l, REG_ESP, -4);
    return true;
}

/* MOV from a segment register, and PUSH of one; the loads are left to their exec functions. */
bool lift_selector(struct lifter *l, enum ir_code code)
{
    if (l->row->modrm == M_NONE)
        return l->row->mnemonic[1] == 'u' && push_selector(l, code);
    if (l->row->operands[0] != 'E' || l->insn->reg >= SEG_COUNT || lift_is_memory(l))
        return false;
    unsigned size = lift_is_32(l) ? 4 : 2;
    lift_op(l, code, size, l->insn->rm, IR_NONE)->imm = l->insn->reg;
    return true;
}
