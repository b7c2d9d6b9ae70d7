/* The ends of a block: edges to the next blocks, and jumps to addresses that are known only when
 * they happen. See jit/translation.h for the two kinds of edges. */
#include "jit/emit.h"
#include "jit/thunks.h"

#include <stddef.h>

/* In any but a flat 32-bit code segment the next block is looked up, with its checks. */
static bool is_plain(const struct emitter *e)
{
    const uint32_t need = CODE_32 | FLAT_CS;
    return (e->mode & need) == need;
}

static bool is_in_page(const struct emitter *e, uint32_t distance)
{
    uint32_t begin = block_physical(e->ir->block);
    return !((begin ^ (begin + distance)) & ~(uint32_t)PAGE_MASK);
}

static void emit_advance(struct emitter *e, uint32_t distance)
{
    if (distance)
        x64_lea(&e->as, 4, REG_EIP, x64_at(REG_EIP, (int32_t)distance));
    if (!(e->mode & CODE_32))
        x64_movx_rr(&e->as, 4, REG_EIP, REG_EIP, 2, false);
}

/* Is EIP, which is a linear address, the target's in the TLB? */
static void emit_guard(struct emitter *e, struct edge *edge)
{
    struct x64 *as = &e->as;
    thunks_emit_tlb_index(as, REG_EIP);
    /* The number, too large for a byte, is set when the edge is linked. */
    x64_alu_mi(as, X64_CMP, 4, thunks_tlb_field(offsetof(struct tlb_entry, code)), INT32_MAX);
    edge->guard = as->at - sizeof(uint32_t);
    edge->miss = x64_jcc(as, X64_NE);
}

/* When there is no room for one more, there is none for the block (as.full). */
static struct edge *add_edge(struct emitter *e, uint32_t distance)
{
    struct translation *from = e->translation;
    if (from->edge_count == from->edge_room) {
        e->as.full = true;
        return &e->spare_edge;
    }
    e->edge_flags[from->edge_count] = e->flags;
    struct edge *edge = &from->edges[from->edge_count++];
    *edge = (struct edge){.from = from, .distance = distance};
    return edge;
}

/* To EIP plus distance; left instructions of the block do not run. Flags that are not at home can
 * be had from a recipe. */
static void emit_edge(struct emitter *e, uint32_t distance, unsigned left)
{
    struct x64 *as = &e->as;
    bool is_short = is_plain(e) && is_in_page(e, distance) && !e->flags.home;
    if (left && !is_short)
        x64_lea(as, 4, REG_BUDGET, x64_at(REG_BUDGET, (int32_t)left));
    emit_advance(e, distance);
    if (!is_plain(e)) {
        flags_emit_to_home(as, &e->flags, e->thunks->save_flags);
        thunks_emit_jump(e->thunks, as);
        return;
    }
    struct edge *edge = add_edge(e, distance);
    if (!is_in_page(e, distance))
        emit_guard(e, edge);
    if (!e->flags.home) {
        x64_alu_ri(as, X64_SUB, 4, REG_BUDGET, 0);
        edge->count = as->at - 1;
        edge->left = is_short ? (uint8_t)left : 0;
        edge->flags = e->flags;
        edge->cold = x64_jcc(as, X64_L); /* until emit_edge_stubs */
    }
    edge->jump = x64_jmp(as);
}

/* The host's flags do not outlive an edge. */
static void prepare_flags(struct emitter *e)
{
    if (!e->flags.has_recipe)
        flags_to_home(e);
}

/* Of what follows the operation's instruction. */
static uint32_t distance_of_next(const struct emitter *e, const struct ir_op *op)
{
    const struct insn *insn = &e->ir->block->insns[op->insn];
    return (uint32_t)insn->offset + insn->length;
}

static void emit_two_edges(struct emitter *e, const struct ir_op *op, enum x64_cond cond)
{
    uint32_t next = distance_of_next(e, op);
    bool is_short = is_plain(e) && is_in_page(e, next);
    uint8_t *taken = is_short ? x64_jcc_short(&e->as, cond) : x64_jcc(&e->as, cond);
    e->flags.host = false;
    struct flag_state flags = e->flags;
    emit_edge(e, next, 0);
    if (is_short && !e->as.full)
        x64_patch_short(taken, e->as.at);
    else if (!e->as.full)
        x64_patch(taken, e->as.at);
    e->flags = flags;
    emit_edge(e, op->imm, 0);
}

void emit_jcc(struct emitter *e, const struct ir_op *op)
{
    prepare_flags(e);
    flags_to_host(e, ir_condition_flags(op->cond));
    emit_two_edges(e, op, (enum x64_cond)op->cond);
}

void emit_jecxz(struct emitter *e, const struct ir_op *op)
{
    prepare_flags(e);
    e->flags.host = false;
    x64_test_rr(&e->as, 4, RCX, RCX);
    emit_two_edges(e, op, op->cond ? X64_NE : X64_E);
}

void emit_jump(struct emitter *e, const struct ir_op *op)
{
    prepare_flags(e);
    e->flags.host = false;
    emit_edge(e, op->imm, 0);
}

void emit_jump_to(struct emitter *e, const struct ir_op *op)
{
    flags_to_home(e);
    if (op->src == IR_LIVE) { /* a distance */
        emit_live_immediate(e, REG_T0, op);
        x64_lea(&e->as, 4, REG_EIP, (struct x64_mem){REG_EIP, REG_T0, 0, (int32_t)op->imm});
    } else {
        x64_mov_rr(&e->as, 4, REG_EIP, emit_reg(4, op->src));
    }
    thunks_emit_jump(e->thunks, &e->as);
}

void emit_side_exit(struct emitter *e, const struct ir_op *op)
{
    flags_to_host(e, ir_condition_flags(op->cond));
    e->exits[e->exit_count++] = (struct exit_stub){
        .jump = x64_jcc(&e->as, (enum x64_cond)op->cond),
        .insn = op->insn,
        .distance = op->imm,
        .flags = e->flags,
    };
}

static void emit_exit_stub(struct emitter *e, const struct exit_stub *exit)
{
    struct x64 *as = &e->as;
    x64_patch(exit->jump, as->at);
    e->flags = exit->flags;
    if (!e->flags.has_recipe) {
        flags_emit_to_home(as, &e->flags, e->thunks->save_flags);
        e->flags.home = e->flags.carry_home = true;
    }
    e->flags.host = false;
    unsigned left = e->ir->block->count - (exit->insn + 1);
    emit_edge(e, exit->distance, left);
}

void emit_exit_stubs(struct emitter *e)
{
    for (unsigned i = 0; i < e->exit_count && !e->as.full; i++)
        emit_exit_stub(e, &e->exits[i]);
}

static void emit_edge_stub(struct emitter *e, unsigned index)
{
    struct x64 *as = &e->as;
    struct edge *edge = &e->translation->edges[index];
    e->flags = e->edge_flags[index];
    if (edge->count) {
        uint8_t *over_budget = edge->cold;
        edge->missed = as->at;
        if (edge->guard)
            x64_jmp_to(as, e->thunks->stub_jump[flags_emit_for_thunk(as, &e->flags)]);
        edge->cold = as->at;
        x64_patch(over_budget, as->at);
        edge->place = (uint8_t)flags_emit_for_thunk(as, &e->flags);
    }
    edge->exit = as->at;
    edge_emit_exit(as, edge);
    if (!as->full)
        edge_lead_out(edge);
}

void emit_edge_stubs(struct emitter *e)
{
    for (unsigned i = 0; i < e->translation->edge_count && !e->as.full; i++)
        emit_edge_stub(e, i);
}
