/* Which memory accesses of a block are probed together.
 *
 * Functions reach their frame through ESP or EBP, and structures through one register, with small
 * displacements: a run of accesses that nearly always lie in one page. The first of them, the
 * leader, proves for the whole run that it does, and leaves the distance from the register to the
 * host's addresses in cpu->frame.stash; the others rely on it, and need no check at all. A run ends
 * where its register is changed by anything but an addition of a constant, and at whatever is
 * executed by C.
 *
 * Between a leader and the others of its run no mapping can change: what flushes the TLB ends a
 * block.
 *
 * A leader that fails leaves the block, to a translation of the rest of it in which every access is
 * checked by itself: the TLB may not have the page, the run may be in two, or a page may hold code
 * or belong to a device. */
#include "jit/ir.h"

enum { MAX_SPAN = 1024 };

struct run {
    struct ir_op *leader; /* NULL: none */
    int32_t moved;        /* of the register since the leader */
    int32_t first, last;  /* from the leader's register: [first, last) */
    unsigned count;
    bool writes;
    uint8_t segment;
};

static void finish(struct run *run)
{
    if (run->leader && run->count > 1) {
        run->leader->group = GROUP_LEADER;
        run->leader->group_access = run->writes ? MMU_WRITE : MMU_READ;
        run->leader->group_first = (int16_t)(run->first - (int32_t)run->leader->imm);
        run->leader->group_last = (int16_t)(run->last - (int32_t)run->leader->imm);
    }
    run->leader = NULL;
}

static bool is_groupable(const struct ir_op *op, uint32_t mode)
{
    static const uint32_t flat[SEG_COUNT] = {
        [SEG_ES] = FLAT_ES, [SEG_SS] = FLAT_SS, [SEG_DS] = FLAT_DS};
    return op->base != REG_ZERO && op->index == REG_ZERO && !op->address16 && !op->patched &&
           mode & flat[op->segment];
}

static void begin(struct run *run, struct ir_op *op)
{
    *run =
        (struct run){.leader = op, .first = (int32_t)op->imm, .count = 1, .segment = op->segment};
    run->last = run->first + op->size;
    run->writes = op->access == MMU_WRITE;
}

struct span {
    int64_t first, last; /* [first, last) */
};

static struct span with(struct span span, int64_t first, int64_t last)
{
    return (struct span){first < span.first ? first : span.first,
                         last > span.last ? last : span.last};
}

/* False: the access is too far away. When the register has moved, it must not have wrapped around
 * meanwhile, since the distance to the host's addresses is one of 64 bits. So the run then takes in
 * where the register pointed, and where it points now. */
static bool join(struct run *run, struct ir_op *op)
{
    if (!run->leader)
        return false;
    int64_t first = (int64_t)(int32_t)op->imm + run->moved;
    struct span span = with((struct span){run->first, run->last}, first, first + op->size);
    if (run->moved)
        span = with(with(span, 0, 1), run->moved, (int64_t)run->moved + 1);
    if (span.last - span.first > MAX_SPAN)
        return false;
    run->first = (int32_t)span.first;
    run->last = (int32_t)span.last;
    run->writes |= op->access == MMU_WRITE;
    run->count++;
    op->group = GROUP_MEMBER;
    return true;
}

/* is_string: its instruction moves registers either way, by EFLAGS.DF. */
static void note_changes(struct run *runs, const struct ir_op *op, bool is_string)
{
    int32_t by;
    if (ir_moves_register(op, &by) && !is_string &&
        !__builtin_add_overflow(runs[op->dst].moved, by, &runs[op->dst].moved))
        return;
    /* POPF may set EFLAGS.AC, after which no access may do without a check. */
    unsigned changed = op->code == IR_FLAGS_LOAD ? 0xFF : ir_registers_written(op);
    for (; changed; changed &= changed - 1)
        finish(&runs[__builtin_ctz(changed)]);
}

void ir_group_addresses(struct ir *ir, uint32_t mode)
{
    struct run runs[8] = {0};
    unsigned string = BLOCK_MAX_INSNS; /* the last string instruction */
    for (unsigned i = 0; i < ir->count; i++) {
        struct ir_op *op = &ir->ops[i];
        if (op->code == IR_FORWARD)
            string = op->insn;
        if (op->code == IR_ADDRESS && is_groupable(op, mode)) {
            struct run *run = &runs[op->base];
            if (!join(run, op)) {
                finish(run);
                begin(run, op);
            }
        }
        note_changes(runs, op, op->insn == string);
    }
    for (unsigned reg = 0; reg < 8; reg++)
        finish(&runs[reg]);
}
