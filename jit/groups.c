/* Which memory accesses of a block are probed together.
 *
 * Functions reach their frame through ESP or EBP, and structures through one register, with small
 * displacements: a run of accesses that nearly always lie in one page. The first of them, the
 * leader, proves for the whole run that it does, and leaves the distance from linear to host
 * addresses in cpu->frame.stash; the others add that. A run ends where its register is changed by
 * anything but an addition of a constant, and at whatever is executed by C.
 *
 * Between a leader and the others of its run no mapping can change: what flushes the TLB ends a
 * block. */
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

/* False: the access is too far away. */
static bool join(struct run *run, struct ir_op *op)
{
    int64_t first = (int64_t)(int32_t)op->imm + run->moved, last = first + op->size;
    int64_t new_first = first < run->first ? first : run->first;
    int64_t new_last = last > run->last ? last : run->last;
    if (!run->leader || new_last - new_first > MAX_SPAN)
        return false;
    run->first = (int32_t)new_first;
    run->last = (int32_t)new_last;
    run->writes |= op->access == MMU_WRITE;
    run->count++;
    op->group = GROUP_MEMBER;
    return true;
}

static void note_changes(struct run *runs, const struct ir_op *op)
{
    if (op->code == IR_LEA && op->size == 4 && op->dst == op->base && op->index == REG_ZERO &&
        !op->address16) {
        runs[op->dst].moved += (int32_t)op->imm;
        return;
    }
    unsigned changed = ir_registers_written(op);
    for (unsigned reg = 0; reg < 8; reg++)
        if (changed >> reg & 1)
            finish(&runs[reg]);
}

void ir_group_addresses(struct ir *ir, uint32_t mode)
{
    struct run runs[8] = {0};
    for (unsigned i = 0; i < ir->count; i++) {
        struct ir_op *op = &ir->ops[i];
        if (op->code == IR_ADDRESS && is_groupable(op, mode)) {
            struct run *run = &runs[op->base];
            if (!join(run, op)) {
                finish(run);
                begin(run, op);
            }
        }
        note_changes(runs, op);
    }
    for (unsigned reg = 0; reg < 8; reg++)
        finish(&runs[reg]);
}
