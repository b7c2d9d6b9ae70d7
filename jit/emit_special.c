/* Operations that are more than the host instruction of the same name: division, which may fault,
 * bit scans, whose flags differ between processors, and EFLAGS.DF. */
#include "jit/emit.h"

#include <stddef.h>

/* An unsigned quotient fits if the upper half is below the divisor; this finds zero, too. */
static void emit_div(struct emitter *e, struct slow_stub *stub)
{
    x64_alu_rr(&e->as, X64_CMP, 4, RDX, REG_T0);
    emit_stub_jump(stub, x64_jcc(&e->as, X64_AE));
    x64_unary_r(&e->as, X64_DIV, 4, REG_T0);
}

/* Here: where EDX is EAX's sign, and the divisor is neither 0 nor -1. */
static void emit_idiv(struct emitter *e, struct slow_stub *stub)
{
    struct x64 *as = &e->as;
    x64_mov_rr(as, 4, REG_SCRATCH, RAX);
    x64_shift_ri(as, X64_SAR, 4, REG_SCRATCH, 31);
    x64_alu_rr(as, X64_CMP, 4, REG_SCRATCH, RDX);
    emit_stub_jump(stub, x64_jcc(as, X64_NE));
    x64_lea(as, 4, REG_SCRATCH, x64_at(REG_T0, 1));
    x64_alu_ri(as, X64_CMP, 4, REG_SCRATCH, 1);
    emit_stub_jump(stub, x64_jcc(as, X64_BE));
    x64_unary_r(as, X64_IDIV, 4, REG_T0);
}

void emit_divide(struct emitter *e, const struct ir_op *op)
{
    uint16_t shown = flags_wanted_before(op); /* by a fault, though nobody wants them afterwards */
    flags_lose_register(e, 4, IR_T0, shown);
    flags_lose_host(e, shown);
    struct slow_stub *stub = emit_new_stub(e, op->insn);
    flags_lose_register(e, 4, IR_EAX, op->live);
    flags_lose_register(e, 4, IR_EDX, op->live);
    flags_lose_host(e, op->live);
    if (op->code == IR_DIV)
        emit_div(e, stub);
    else
        emit_idiv(e, stub);
}

/* The destination stays when nothing is found. */
void emit_scan(struct emitter *e, const struct ir_op *op)
{
    struct x64 *as = &e->as;
    bool others_live = op->live & ~F_Z;
    enum host_reg dst = emit_reg(op->size, op->dst);
    if (others_live)
        flags_to_home(e);
    flags_lose_register(e, op->size, op->dst, flags_wanted_before(op));
    x64_rr(as, op->size, op->code == IR_BSF ? 0x0FBC : 0x0FBD, REG_SCRATCH,
           emit_reg(op->size, op->src));
    x64_rr(as, op->size, 0x0F40 + X64_NE, dst, REG_SCRATCH); /* cmov */
    if (!others_live) {
        e->flags = (struct flag_state){.host = true};
        return;
    }
    struct x64_mem home = CPU_FIELD(frame.flags);
    home.disp++;
    x64_setcc_r(as, X64_E, REG_SCRATCH);
    x64_shift_ri(as, X64_SHL, 1, REG_SCRATCH, 6);
    x64_alu_mi(as, X64_AND, 1, home, (uint8_t)~FLAG_ZF);
    x64_alu_mr(as, X64_OR, 1, home, REG_SCRATCH);
    e->flags = (struct flag_state){.home = true, .carry_home = true};
}

static struct x64_mem direction_byte(void)
{
    struct x64_mem mem = CPU_FIELD(eflags);
    mem.disp++;
    return mem;
}

void emit_direction(struct emitter *e, const struct ir_op *op)
{
    flags_lose_host(e, op->live);
    if (op->imm)
        x64_alu_mi(&e->as, X64_OR, 1, direction_byte(), FLAG_DF >> 8);
    else
        x64_alu_mi(&e->as, X64_AND, 1, direction_byte(), (uint8_t) ~(FLAG_DF >> 8));
}

void emit_forward(struct emitter *e, const struct ir_op *op)
{
    flags_lose_register(e, 4, IR_T0, flags_wanted_before(op));
    flags_lose_host(e, flags_wanted_before(op));
    struct slow_stub *stub = emit_new_stub(e, op->insn);
    x64_test_mi(&e->as, 1, direction_byte(), FLAG_DF >> 8);
    emit_stub_jump(stub, x64_jcc(&e->as, X64_NE));
}
