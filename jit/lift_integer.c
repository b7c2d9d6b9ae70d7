/* Lifts of integer instructions that do not jump. */
#include "jit/lift_private.h"

bool lift_arithmetic(struct lifter *l, enum ir_code code)
{
    const char *first = lift_letters(l, 0), *second = lift_letters(l, 1);
    unsigned size = lift_size(l, first);
    /* Only one of them is in memory; its address comes first. */
    unsigned src = second[0] == 'E' ? lift_source(l, second, size) : IR_NONE;
    unsigned dst = lift_target(l, first, size);
    if (src == IR_NONE && second[0] == 'I')
        src = dst == IR_T0 ? lift_immediate_beside(l) : lift_immediate(l, size);
    else if (src == IR_NONE)
        src = lift_operand(l, second, size, MMU_READ);
    lift_op(l, code, size, dst, src);
    lift_store(l, dst, size);
    return true;
}

bool lift_compare(struct lifter *l, enum ir_code code)
{
    const char *first = lift_letters(l, 0), *second = lift_letters(l, 1);
    unsigned size = lift_size(l, first);
    bool in_memory = first[0] == 'E' && lift_is_memory(l);
    unsigned src = second[0] != 'I' ? lift_source(l, second, size)
                   : in_memory      ? lift_immediate_beside(l)
                                    : lift_immediate(l, size);
    unsigned dst = lift_source(l, first, size);
    lift_op(l, code, size, dst, src);
    return true;
}

bool lift_move(struct lifter *l, enum ir_code code)
{
    const char *first = lift_letters(l, 0), *second = lift_letters(l, 1);
    unsigned size = lift_size(l, first);
    unsigned src = second[0] == 'I' ? IR_NONE : lift_operand(l, second, size, MMU_READ);
    unsigned dst = lift_operand(l, first, size, MMU_WRITE);
    if (src == IR_NONE)
        src = lift_immediate(l, size);
    lift_op(l, code, size, dst, src);
    return true;
}

bool lift_unary(struct lifter *l, enum ir_code code)
{
    const char *first = lift_letters(l, 0);
    unsigned size = lift_size(l, first);
    unsigned dst = lift_target(l, first, size);
    lift_op(l, code, size, dst, IR_NONE);
    lift_store(l, dst, size);
    return true;
}

/* RCL and RCR of 8 and 16 bits by a count that comes to nothing: the host's flags are undefined. */
static bool may_rotate_by_nothing(enum ir_code code, unsigned size, bool by_cl, unsigned count)
{
    return (code == IR_RCL || code == IR_RCR) && size < 4 && (by_cl || count % (size * 8 + 1) == 0);
}

bool lift_shift(struct lifter *l, enum ir_code code)
{
    const char *first = lift_letters(l, 0), *second = lift_letters(l, 1);
    unsigned size = lift_size(l, first);
    bool by_cl = second[0] == 'c';
    unsigned count = second[0] == '1' ? 1 : l->insn->immediate & 31;
    if ((!by_cl && count == 0) || may_rotate_by_nothing(code, size, by_cl, count))
        return false;
    unsigned dst = lift_target(l, first, size);
    struct ir_op *op = lift_op(l, code, size, dst, by_cl ? IR_ECX : IR_IMMEDIATE);
    op->imm = by_cl ? 0 : count;
    lift_store(l, dst, size);
    return true;
}

bool lift_double_shift(struct lifter *l, enum ir_code code)
{
    bool by_cl = lift_letters(l, 2)[0] == 'c';
    unsigned count = l->insn->immediate & 31;
    if (!lift_is_32(l) || (!by_cl && count == 0))
        return false;
    unsigned dst = lift_target(l, lift_letters(l, 0), 4);
    lift_op(l, code, 4, dst, l->insn->reg)->imm = by_cl ? 0 : count;
    lift_store(l, dst, 4);
    return true;
}

bool lift_extend(struct lifter *l, enum ir_code code)
{
    const char *second = lift_letters(l, 1);
    unsigned from = lift_size(l, second);
    unsigned src = lift_operand(l, second, from, MMU_READ);
    lift_op(l, code, lift_size(l, lift_letters(l, 0)), l->insn->reg, src)->imm = from;
    return true;
}

bool lift_lea(struct lifter *l, enum ir_code code)
{
    struct ir_op *op = lift_op(l, code, lift_size(l, lift_letters(l, 0)), l->insn->reg, IR_NONE);
    op->base = l->insn->base;
    op->index = l->insn->index;
    op->scale = l->insn->scale;
    op->imm = l->insn->displacement;
    op->address16 = !(l->insn->flags & INSN_ADDRESS32);
    return true;
}

bool lift_multiply_wide(struct lifter *l, enum ir_code code)
{
    const char *first = lift_letters(l, 0);
    unsigned size = lift_size(l, first);
    lift_op(l, code, size, IR_NONE, lift_source(l, first, size));
    return true;
}

/* IMUL with one, two or three operands. */
bool lift_multiply(struct lifter *l, enum ir_code code)
{
    const char *second = lift_letters(l, 1), *third = lift_letters(l, 2);
    if (!second)
        return lift_multiply_wide(l, IR_IMULX);
    unsigned size = lift_is_32(l) ? 4 : 2;
    unsigned src = lift_source(l, second, size);
    if (!third) {
        lift_op(l, code, size, l->insn->reg, src);
        return true;
    }
    if (src != l->insn->reg)
        lift_op(l, IR_MOV, size, l->insn->reg, src);
    lift_op(l, code, size, l->insn->reg, IR_IMMEDIATE);
    return true;
}

/* A register as bit offset reaches beyond a memory operand: not lifted. */
bool lift_bit(struct lifter *l, enum ir_code code)
{
    const char *first = lift_letters(l, 0), *second = lift_letters(l, 1);
    unsigned size = lift_size(l, first);
    if (lift_is_memory(l) && second[0] == 'G')
        return false;
    unsigned dst = code == IR_BT ? lift_source(l, first, size) : lift_target(l, first, size);
    unsigned src = lift_operand(l, second, size, MMU_READ);
    lift_op(l, code, size, dst, src);
    if (code != IR_BT)
        lift_store(l, dst, size);
    return true;
}

bool lift_set(struct lifter *l, enum ir_code code)
{
    unsigned dst = lift_operand(l, lift_letters(l, 0), 1, MMU_WRITE);
    lift_op(l, code, 1, dst, IR_NONE)->cond = l->row->opcode & 15;
    return true;
}

bool lift_cmov(struct lifter *l, enum ir_code code)
{
    unsigned size = lift_is_32(l) ? 4 : 2;
    unsigned src = lift_source(l, lift_letters(l, 1), size);
    lift_op(l, code, size, l->insn->reg, src)->cond = l->row->opcode & 15;
    return true;
}

bool lift_exchange(struct lifter *l, enum ir_code code)
{
    const char *first = lift_letters(l, 0);
    unsigned size = lift_size(l, first);
    unsigned dst = lift_target(l, first, size);
    unsigned src = lift_operand(l, lift_letters(l, 1), size, MMU_READ);
    if (dst == IR_T0) {
        lift_op(l, IR_MOV, size, IR_MEMORY, src);
        lift_op(l, IR_MOV, size, src, IR_T0);
    } else {
        lift_op(l, code, size, dst, src);
    }
    return true;
}

bool lift_bswap(struct lifter *l, enum ir_code code)
{
    if (!lift_is_32(l))
        return false;
    lift_op(l, code, 4, l->insn->reg, IR_NONE);
    return true;
}

bool lift_convert(struct lifter *l, enum ir_code code)
{
    lift_op(l, code, lift_is_32(l) ? 4 : 2, IR_NONE, IR_NONE);
    return true;
}

bool lift_nop(struct lifter *l, enum ir_code code)
{
    return true;
}

bool lift_divide(struct lifter *l, enum ir_code code)
{
    const char *first = lift_letters(l, 0);
    if (lift_size(l, first) != 4)
        return false;
    unsigned src = lift_source(l, first, 4);
    if (src != IR_T0)
        lift_op(l, IR_MOV, 4, IR_T0, src);
    lift_op(l, code, 4, IR_NONE, IR_NONE);
    return true;
}

bool lift_scan(struct lifter *l, enum ir_code code)
{
    unsigned size = lift_is_32(l) ? 4 : 2;
    unsigned src = lift_source(l, lift_letters(l, 1), size);
    lift_op(l, code, size, l->insn->reg, src);
    return true;
}

/* CMPXCHG and XADD. AH and so on cannot be named beside the host's address of the memory. */
bool lift_exchange_add(struct lifter *l, enum ir_code code)
{
    const char *first = lift_letters(l, 0);
    unsigned size = lift_size(l, first);
    if (size == 1 && l->insn->reg >= 4 && lift_is_memory(l))
        return false;
    unsigned dst = lift_operand(l, first, size, MMU_WRITE);
    lift_op(l, code, size, dst, l->insn->reg);
    return true;
}

bool lift_compare_exchange8(struct lifter *l, enum ir_code code)
{
    lift_address(l, 8, MMU_WRITE);
    lift_op(l, code, 4, IR_MEMORY, IR_NONE);
    return true;
}

bool lift_carry(struct lifter *l, enum ir_code code)
{
    lift_op(l, code, 4, IR_NONE, IR_NONE);
    return true;
}

bool lift_direction(struct lifter *l, enum ir_code code)
{
    lift_op(l, code, 4, IR_NONE, IR_NONE)->imm = l->row->opcode & 1;
    return true;
}

/* --- the stack, where it is a 32-bit one --- */

bool lift_push(struct lifter *l, enum ir_code code)
{
    unsigned size = lift_is_32(l) ? 4 : 2;
    if (!(l->mode & STACK_32))
        return false;
    const char *first = lift_letters(l, 0);
    unsigned src = first[0] == 'I' ? lift_immediate(l, size) : lift_source(l, first, size);
    if (src == IR_T0)
        lift_op(l, IR_KEEP, size, IR_NONE, IR_NONE);
    lift_stack(l, size, -(int32_t)size, MMU_WRITE);
    if (src == IR_T0)
        lift_op(l, IR_RECALL, size, IR_NONE, IR_NONE);
    lift_op(l, code, size, IR_MEMORY, src);
    lift_move_stack(l, REG_ESP, -(int32_t)size);
    return true;
}

bool lift_pop(struct lifter *l, enum ir_code code)
{
    unsigned size = lift_is_32(l) ? 4 : 2;
    unsigned dst = lift_is_memory(l)            ? IR_MEMORY
                   : l->row->operands[0] == 'E' ? l->insn->rm
                                                : l->insn->reg;
    if (!(l->mode & STACK_32) || dst == IR_MEMORY)
        return false;
    lift_stack(l, size, 0, MMU_READ);
    bool is_stack = dst == IR_ESP; /* which is moved before it is written */
    lift_op(l, code, size, is_stack ? IR_T0 : dst, IR_MEMORY);
    lift_move_stack(l, REG_ESP, (int32_t)size);
    if (is_stack)
        lift_op(l, code, size, dst, IR_T0);
    return true;
}

bool lift_leave(struct lifter *l, enum ir_code code)
{
    if (!(l->mode & STACK_32) || !lift_is_32(l))
        return false;
    lift_stack(l, 4, 0, MMU_READ);
    l->ir->ops[l->ir->count - 1].base = REG_EBP;
    lift_op(l, code, 4, IR_T0, IR_MEMORY);
    lift_move_stack(l, REG_EBP, 4);
    lift_op(l, code, 4, IR_EBP, IR_T0);
    return true;
}
