/* Lifts of string instructions without REP, upwards, with 32-bit addresses; repeated ones do many
 * elements at once in their exec functions. */
#include "jit/lift_private.h"

static bool is_plain(const struct lifter *l)
{
    return l->insn->flags & INSN_ADDRESS32 && !(l->insn->flags & (INSN_REP | INSN_REPNE));
}

static unsigned element(const struct lifter *l)
{
    return !(l->row->opcode & 1) ? 1 : lift_is_32(l) ? 4 : 2;
}

static void address(struct lifter *l, enum gpr reg, enum mmu_access access)
{
    struct ir_op *op = lift_op(l, IR_ADDRESS, element(l), IR_NONE, IR_NONE);
    op->access = (uint8_t)access;
    op->segment = reg == REG_ESI ? l->insn->segment : SEG_ES;
    op->base = reg;
}

static void advance(struct lifter *l, enum gpr reg)
{
    struct ir_op *op = lift_op(l, IR_LEA, 4, reg, IR_NONE);
    op->base = reg;
    op->imm = element(l);
}

static void begin(struct lifter *l)
{
    lift_op(l, IR_FORWARD, 4, IR_NONE, IR_NONE);
}

bool lift_lods(struct lifter *l, enum ir_code code)
{
    if (!is_plain(l))
        return false;
    begin(l);
    address(l, REG_ESI, MMU_READ);
    lift_op(l, code, element(l), IR_EAX, IR_MEMORY);
    advance(l, REG_ESI);
    return true;
}

bool lift_stos(struct lifter *l, enum ir_code code)
{
    if (!is_plain(l))
        return false;
    begin(l);
    address(l, REG_EDI, MMU_WRITE);
    lift_op(l, code, element(l), IR_MEMORY, IR_EAX);
    advance(l, REG_EDI);
    return true;
}

bool lift_movs(struct lifter *l, enum ir_code code)
{
    if (!is_plain(l))
        return false;
    begin(l);
    address(l, REG_ESI, MMU_READ);
    lift_op(l, code, element(l), IR_T0, IR_MEMORY);
    lift_op(l, IR_KEEP, 4, IR_NONE, IR_NONE);
    address(l, REG_EDI, MMU_WRITE);
    lift_op(l, IR_RECALL, 4, IR_NONE, IR_NONE);
    lift_op(l, code, element(l), IR_MEMORY, IR_T0);
    advance(l, REG_ESI);
    advance(l, REG_EDI);
    return true;
}

bool lift_scas(struct lifter *l, enum ir_code code)
{
    if (!is_plain(l))
        return false;
    begin(l);
    address(l, REG_EDI, MMU_READ);
    lift_op(l, IR_MOV, element(l), IR_T0, IR_MEMORY);
    lift_op(l, code, element(l), IR_EAX, IR_T0);
    advance(l, REG_EDI);
    return true;
}
