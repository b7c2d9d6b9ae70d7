/* Operations on T0, which was fetched from memory or goes there, become operations on memory
 * itself.
 *
 * Not where flags are wanted that could only be computed again from T0 (jit/flags.h): then it has
 * to be somewhere. */
#include "jit/ir.h"

static bool is_fetch(const struct ir_op *op)
{
    return op->code == IR_MOV && op->dst == IR_T0 && op->src == IR_MEMORY;
}

static bool uses_t0(const struct ir_op *op)
{
    return op->dst == IR_T0 || op->src == IR_T0 || op->code == IR_KEEP || op->code == IR_DIV ||
           op->code == IR_IDIV || op->code == IR_FLAGS_LOAD;
}

static bool is_t0_free(const struct ir_op *op, const struct ir_op *end)
{
    for (unsigned insn = op[-1].insn; op < end && op->insn == insn; op++)
        if (uses_t0(op))
            return false;
    return true;
}

static bool is_binary(const struct ir_op *op)
{
    return op->code >= IR_ADD && op->code <= IR_XOR;
}

static bool is_high_byte(const struct ir_op *op, unsigned value)
{
    return op->size == 1 && value >= 4 && value <= IR_EDI;
}

/* reg, T0: with memory instead. */
static bool can_read(const struct ir_op *op)
{
    if (op->src != IR_T0 || op->dst > IR_EDI)
        return false;
    switch (op->code) {
    case IR_MOV:
    case IR_ADC:
    case IR_SBB:
    case IR_AND:
    case IR_OR:
    case IR_XOR:
    case IR_IMUL:
    case IR_CMOV:
        return true;
    case IR_ADD:
    case IR_SUB:
        return !op->live;
    default:
        return false;
    }
}

/* T0, reg or immediate, or T0 alone: in memory. */
static bool can_modify(const struct ir_op *op)
{
    if (op->dst != IR_T0 || (op->live && op->code != IR_NOT))
        return false;
    if (is_binary(op))
        return op->src == IR_IMMEDIATE || (op->src <= IR_EDI && !is_high_byte(op, op->src));
    return op->code == IR_INC || op->code == IR_DEC || op->code == IR_NEG || op->code == IR_NOT;
}

static bool is_put_back(const struct ir_op *op)
{
    return op->code == IR_MOV && op->dst == IR_MEMORY && op->src == IR_T0;
}

/* Of the operations at op, as many as become *fused. 0: none. */
static unsigned fuse(const struct ir_op *op, const struct ir_op *end, struct ir_op *fused)
{
    if (!is_fetch(op) || end - op < 2 || op[1].size != op->size || op[1].insn != op->insn)
        return 0;
    *fused = op[1];
    if (can_read(&op[1]) && is_t0_free(op + 2, end)) {
        fused->src = IR_MEMORY;
        return 2;
    }
    if (end - op < 3 || op[2].insn != op->insn || !can_modify(&op[1]) || !is_put_back(&op[2]) ||
        !is_t0_free(op + 3, end))
        return 0;
    fused->dst = IR_MEMORY;
    return 3;
}

void ir_fuse(struct ir *ir)
{
    const struct ir_op *end = ir->ops + ir->count;
    struct ir_op *to = ir->ops, fused;
    for (const struct ir_op *op = ir->ops; op < end; to++) {
        unsigned count = fuse(op, end, &fused);
        if (count)
            *to = fused;
        else if (to != op) /* nothing has been fused yet */
            *to = *op;
        op += count ? count : 1;
    }
    ir->count = (unsigned)(to - ir->ops);
}
