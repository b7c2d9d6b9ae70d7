/* Lifts of near transfers, in a flat 32-bit code segment: targets need no check there. */
#include "jit/lift_private.h"

static bool is_plain(const struct lifter *l)
{
    const uint32_t need = CODE_32 | FLAT_CS;
    return (l->mode & need) == need && lift_is_32(l);
}

static bool is_plain_call(const struct lifter *l)
{
    return is_plain(l) && l->mode & STACK_32;
}

/* In the middle of a superblock: of what follows. */
static bool goes_on(const struct lifter *l)
{
    return l->index + 1u < l->ir->block->count;
}

static uint32_t distance_of_next(const struct lifter *l)
{
    return (uint32_t)l->ir->block->insns[l->index + 1].offset;
}

static void jump(struct lifter *l)
{
    if (goes_on(l))
        return;
    if (lift_is_patched(l)) {
        lift_op(l, IR_JUMP_TO, 4, IR_NONE, IR_LIVE)->imm = lift_next(l);
        l->ir->live_immediates |= 1u << l->index;
        return;
    }
    lift_op(l, IR_JUMP, 4, IR_NONE, IR_NONE)->imm = lift_next(l) + l->insn->immediate;
}

static void push_next(struct lifter *l)
{
    lift_stack(l, 4, -4, MMU_WRITE);
    lift_op(l, IR_MOV, 4, IR_MEMORY, IR_NEXT)->imm = lift_next(l);
    lift_move_stack(l, REG_ESP, -4);
}

bool lift_jcc(struct lifter *l, enum ir_code code)
{
    if (!is_plain(l))
        return false;
    uint32_t target = lift_next(l) + l->insn->immediate;
    bool is_taken = goes_on(l) && distance_of_next(l) == target;
    struct ir_op *op = lift_op(l, goes_on(l) ? IR_EXIT : code, 4, IR_NONE, IR_NONE);
    op->imm = is_taken ? lift_next(l) : target;
    op->cond = (l->row->opcode & 15) ^ is_taken;
    return true;
}

bool lift_jecxz(struct lifter *l, enum ir_code code)
{
    if (!is_plain(l) || !(l->insn->flags & INSN_ADDRESS32))
        return false;
    lift_op(l, code, 4, IR_NONE, IR_NONE)->imm = lift_next(l) + l->insn->immediate;
    return true;
}

bool lift_loop(struct lifter *l, enum ir_code code)
{
    if (!is_plain(l) || !(l->insn->flags & INSN_ADDRESS32))
        return false;
    struct ir_op *op = lift_op(l, IR_LEA, 4, IR_ECX, IR_NONE);
    op->base = REG_ECX;
    op->imm = (uint32_t)-1;
    lift_jecxz(l, code);
    l->ir->ops[l->ir->count - 1].cond = 1;
    return true;
}

bool lift_jump_to(struct lifter *l, enum ir_code code)
{
    lift_op(l, IR_JUMP_TO, 4, IR_NONE, lift_source(l, lift_letters(l, 0), 4));
    return true;
}

bool lift_jump(struct lifter *l, enum ir_code code)
{
    if (!is_plain(l))
        return false;
    if (l->row->operands[0] != 'J')
        return lift_jump_to(l, code);
    jump(l);
    return true;
}

bool lift_call_to(struct lifter *l, enum ir_code code)
{
    unsigned target = lift_source(l, lift_letters(l, 0), 4);
    bool is_kept = target == IR_T0 || target == IR_ESP;
    if (target == IR_ESP)
        lift_op(l, IR_MOV, 4, IR_T0, IR_ESP);
    if (is_kept)
        lift_op(l, IR_KEEP, 4, IR_NONE, IR_NONE);
    push_next(l);
    if (is_kept)
        lift_op(l, IR_RECALL, 4, IR_NONE, IR_NONE);
    lift_op(l, IR_JUMP_TO, 4, IR_NONE, is_kept ? IR_T0 : target);
    return true;
}

bool lift_call(struct lifter *l, enum ir_code code)
{
    if (!is_plain_call(l))
        return false;
    if (l->row->operands[0] != 'J')
        return lift_call_to(l, code);
    push_next(l);
    jump(l);
    return true;
}

bool lift_ret(struct lifter *l, enum ir_code code)
{
    if (!is_plain_call(l))
        return false;
    lift_stack(l, 4, 0, MMU_READ);
    lift_op(l, IR_MOV, 4, IR_T0, IR_MEMORY);
    lift_move_stack(l, REG_ESP, (int32_t)(4 + l->insn->immediate));
    lift_op(l, IR_JUMP_TO, 4, IR_NONE, IR_T0);
    return true;
}
