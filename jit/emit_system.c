/* Operations of sensitive instructions: the time stamp counter, EFLAGS as a whole, selectors.
 *
 * While translated code runs nothing wants attention. So clearing IF makes nothing go away, and
 * setting it brings an interrupt only if INTR is high, which is left to the exec function. */
#include "jit/emit.h"

#include <stddef.h>

enum {
    /* What POPF changes only by its exec function; where the bit does not exist, too. */
    FLAGS_RARE =
        FLAG_TF | FLAG_IOPL | FLAG_NT | FLAG_RF | FLAG_VM | FLAG_AC | FLAG_VIF | FLAG_VIP | FLAG_ID,
    FLAGS_LOW = FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF, /* as LAHF gives them */
    OF_SHIFT = 11,
};

static struct x64_mem interrupt_byte(void)
{
    struct x64_mem mem = CPU_FIELD(eflags);
    mem.disp++;
    return mem;
}

static void jump_if_not_zero(struct emitter *e, struct slow_stub *stub, struct x64_mem byte)
{
    x64_alu_mi(&e->as, X64_CMP, 1, byte, 0);
    emit_stub_jump(stub, x64_jcc(&e->as, X64_NE));
}

static struct slow_stub *begin(struct emitter *e, const struct ir_op *op)
{
    flags_lose_host(e, flags_wanted_before(op)); /* a fault shows them */
    return emit_new_stub(e, op->insn);
}

/* What has retired before the instruction is the frame's budget_end, less the budget and the
 * instructions of the block from this one on. */
void emit_tsc(struct emitter *e, const struct ir_op *op)
{
    struct x64 *as = &e->as;
    struct slow_stub *stub = begin(e, op);
    flags_lose_register(e, 4, IR_EAX, op->live);
    flags_lose_register(e, 4, IR_EDX, op->live);
    flags_lose_host(e, op->live);
    x64_alu_mi(as, X64_CMP, 1, CPU_FIELD(frame.tsc_is_quick), 0);
    emit_stub_jump(stub, x64_jcc(as, X64_E));
    x64_mov_rm(as, 8, RDX, CPU_FIELD(frame.tsc_end));
    x64_alu_rr(as, X64_SUB, 8, RDX, REG_BUDGET);
    x64_alu_ri(as, X64_SUB, 8, RDX, (uint32_t)e->ir->block->count - op->insn);
    x64_mov_rr(as, 4, RAX, RDX);
    x64_shift_ri(as, X64_SHR, 8, RDX, 32);
}

void emit_cli(struct emitter *e, const struct ir_op *op)
{
    struct slow_stub *stub = begin(e, op);
    jump_if_not_zero(e, stub, CPU_FIELD(cpl));
    x64_alu_mi(&e->as, X64_AND, 1, interrupt_byte(), (uint8_t) ~(FLAG_IF >> 8));
}

void emit_sti(struct emitter *e, const struct ir_op *op)
{
    struct slow_stub *stub = begin(e, op);
    jump_if_not_zero(e, stub, CPU_FIELD(cpl));
    jump_if_not_zero(e, stub, CPU_FIELD(intr_line));
    x64_alu_mi(&e->as, X64_OR, 1, interrupt_byte(), FLAG_IF >> 8);
}

/* T0 = what PUSHF pushes. */
void emit_flags_image(struct emitter *e, const struct ir_op *op)
{
    struct x64 *as = &e->as;
    flags_to_home(e);
    flags_lose_host(e, op->live);
    x64_movx_rm(as, 4, REG_T0, CPU_FIELD(frame.flags), 2, false);
    x64_mov_rr(as, 4, REG_SCRATCH, REG_T0);
    x64_shift_ri(as, X64_SHR, 4, REG_T0, 8);
    x64_alu_ri(as, X64_AND, 4, REG_SCRATCH, 1);
    x64_shift_ri(as, X64_SHL, 4, REG_SCRATCH, OF_SHIFT);
    x64_alu_rr(as, X64_OR, 4, REG_T0, REG_SCRATCH);
    x64_alu_rm(as, X64_OR, 4, REG_T0, CPU_FIELD(eflags));
    x64_alu_ri(as, X64_AND, 4, REG_T0, ~(uint32_t)(FLAG_RF | FLAG_VM));
}

/* EFLAGS = T0, where only the arithmetic flags, IF and DF change. */
void emit_flags_load(struct emitter *e, const struct ir_op *op)
{
    struct x64 *as = &e->as;
    struct slow_stub *stub = begin(e, op);
    jump_if_not_zero(e, stub, CPU_FIELD(cpl));
    x64_mov_rr(as, 4, REG_SCRATCH, REG_T0);
    x64_alu_rm(as, X64_XOR, 4, REG_SCRATCH, CPU_FIELD(eflags));
    x64_test_ri(as, 4, REG_SCRATCH, FLAGS_RARE);
    emit_stub_jump(stub, x64_jcc(as, X64_NE));
    x64_test_ri(as, 4, REG_T0, FLAG_IF);
    uint8_t *masked = x64_jcc(as, X64_E);
    jump_if_not_zero(e, stub, CPU_FIELD(intr_line));
    if (!as->full)
        x64_patch(masked, as->at);
    x64_alu_ri(as, X64_AND, 4, REG_SCRATCH, FLAG_IF | FLAG_DF);
    x64_alu_mr(as, X64_XOR, 4, CPU_FIELD(eflags), REG_SCRATCH);
    x64_mov_rr(as, 4, REG_SCRATCH, REG_T0);
    x64_shift_ri(as, X64_SHR, 4, REG_SCRATCH, OF_SHIFT);
    x64_alu_ri(as, X64_AND, 4, REG_SCRATCH, 1);
    x64_alu_ri(as, X64_AND, 4, REG_T0, FLAGS_LOW);
    x64_shift_ri(as, X64_SHL, 4, REG_T0, 8);
    x64_alu_rr(as, X64_OR, 4, REG_T0, REG_SCRATCH);
    x64_mov_mr(as, 2, CPU_FIELD(frame.flags), REG_T0);
    e->flags = (struct flag_state){.home = true, .carry_home = true};
}

/* Registers get 32 bits of it, or 16 and keep the rest. */
void emit_selector(struct emitter *e, const struct ir_op *op)
{
    struct x64_mem selector = CPU_FIELD(seg);
    selector.disp +=
        (int32_t)(op->imm * sizeof(struct segment) + offsetof(struct segment, selector));
    flags_lose_register(e, op->size, op->dst, flags_wanted_before(op));
    if (op->size == 2)
        x64_mov_rm(&e->as, 2, emit_reg(2, op->dst), selector);
    else
        x64_movx_rm(&e->as, 4, emit_reg(4, op->dst), selector, 2, false);
}
