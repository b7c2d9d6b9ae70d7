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
    struct x64_mem tag = thunks_tlb_field(offsetof(struct tlb_entry, tag[MMU_EXECUTE]));
    _Static_assert(offsetof(struct tlb_entry, physical) ==
                       offsetof(struct tlb_entry, tag[MMU_EXECUTE]) + sizeof(uint32_t),
                   "tag and address are compared as one number");
    thunks_emit_tlb_index(as, REG_EIP);
    x64_mov_ri(as, 8, REG_T0, UINT64_MAX); /* set when the edge is linked */
    edge->guard = as->at - sizeof(uint64_t);
    x64_alu_rr(as, X64_ADD, 8, REG_T0, REG_EIP);
    x64_alu_rm(as, X64_CMP, 8, REG_T0, tag);
    edge->miss = x64_jcc(as, X64_NE);
}

/* To EIP plus distance. Flags that are not at home can be had from a recipe. */
static void emit_edge(struct emitter *e, unsigned index, uint32_t distance)
{
    struct x64 *as = &e->as;
    struct edge *edge = &e->translation->edges[index];
    emit_advance(e, distance);
    if (!is_plain(e)) {
        flags_emit_to_home(as, &e->flags, e->thunks->save_flags);
        thunks_emit_jump(e->thunks, as);
        return;
    }
    edge->from = e->translation;
    edge->distance = distance;
    if (!is_in_page(e, distance))
        emit_guard(e, edge);
    if (!e->flags.home) {
        x64_alu_ri(as, X64_SUB, 4, REG_BUDGET, 0);
        edge->count = as->at - 1;
        edge->flags = e->flags;
        edge->cold = x64_jcc(as, X64_B); /* until emit_edge_stubs */
    }
    edge->jump = x64_jmp(as);
}

/* The host's flags do not outlive an edge. */
static void prepare_flags(struct emitter *e)
{
    if (!e->flags.has_recipe)
        flags_to_home(e);
}

static void emit_two_edges(struct emitter *e, const struct ir_op *op, enum x64_cond cond)
{
    bool is_short = is_plain(e) && is_in_page(e, e->ir->block->bytes);
    uint8_t *taken = is_short ? x64_jcc_short(&e->as, cond) : x64_jcc(&e->as, cond);
    e->flags.host = false;
    struct flag_state flags = e->flags;
    emit_edge(e, 1, e->ir->block->bytes);
    if (is_short && !e->as.full)
        x64_patch_short(taken, e->as.at);
    else if (!e->as.full)
        x64_patch(taken, e->as.at);
    e->flags = flags;
    emit_edge(e, 0, op->imm);
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
    emit_edge(e, 0, op->imm);
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

static void emit_edge_stub(struct emitter *e, unsigned index)
{
    struct x64 *as = &e->as;
    struct edge *edge = &e->translation->edges[index];
    if (edge->count) {
        uint8_t *over_budget = edge->cold;
        edge->cold = as->at;
        x64_patch(over_budget, as->at);
        x64_patch(edge->jump, as->at);
        flags_emit_to_home(as, &e->flags, e->thunks->save_flags);
        edge->cold_jump = x64_jmp(as);
    }
    if (edge->guard && edge->count) {
        x64_patch(edge->miss, as->at);
        flags_emit_to_home(as, &e->flags, e->thunks->save_flags);
        edge->miss = x64_jmp(as);
    }
    edge->exit = as->at;
    x64_mov_ri(as, 4, R8, translation_edge_id(e->translation, index));
    x64_jmp_to(as, e->thunks->exit_edge);
    if (!as->full)
        edge_lead_out(edge);
}

/* Both edges have their flags in the same places. */
void emit_edge_stubs(struct emitter *e)
{
    for (unsigned i = 0; i < 2; i++)
        if (e->translation->edges[i].jump && !e->as.full)
            emit_edge_stub(e, i);
}
