/* See jit/emit.h. */
#include "jit/emit.h"

#include "jit/thunks.h"

#include <stddef.h>
#include <string.h>

/* Outside of a flat code segment, the bytes must be within its limit, as EIP is now. */
static void emit_limit_check(struct emitter *e)
{
    struct x64 *as = &e->as;
    x64_lea(as, 8, REG_SCRATCH, x64_at(REG_EIP, e->ir->block->bytes - 1));
    x64_mov_rm(as, 4, REG_T0, CPU_FIELD(seg[SEG_CS].limit));
    x64_alu_rr(as, X64_CMP, 8, REG_SCRATCH, REG_T0);
    x64_jcc_to(as, X64_A, e->thunks->exit_boundary);
    if (e->mode & CODE_32)
        return;
    x64_alu_ri(as, X64_CMP, 8, REG_SCRATCH, 0xFFFF);
    x64_jcc_to(as, X64_A, e->thunks->exit_boundary);
}

/* An instruction across two pages: the second one must be where it was. */
static void emit_second_page_check(struct emitter *e)
{
    struct x64 *as = &e->as;
    uint32_t begin = block_physical(e->ir->block), in_first = PAGE_SIZE - (begin & PAGE_MASK);
    x64_lea(as, 4, REG_ADDRESS, x64_at(REG_EIP, (int32_t)in_first));
    thunks_emit_tlb_index(as, REG_ADDRESS);
    x64_alu_mi(as, X64_CMP, 4, thunks_tlb_field(offsetof(struct tlb_entry, code)),
               e->ir->block->second_physical | TLB_CODE);
    x64_jcc_to(as, X64_NE, e->thunks->exit_interpret);
}

static void emit_entry(struct emitter *e)
{
    struct x64 *as = &e->as;
    e->translation->entry = e->translation->body = as->at;
    if (e->translation->is_variant)
        return;
    if (!(e->mode & FLAT_CS) || !(e->mode & CODE_32))
        emit_limit_check(e);
    if (block_crosses_page(e->ir->block))
        emit_second_page_check(e);
    x64_alu_ri(as, X64_SUB, 4, REG_BUDGET, e->ir->block->count);
    x64_jcc_to(as, X64_B, e->thunks->over_budget[e->ir->block->count]);
    e->translation->body = as->at;
}

static enum jit_code_kind kind_of(const struct ir_op *op)
{
    switch (op->code) {
    case IR_ADDRESS:
        return CODE_ADDRESS;
    case IR_JCC:
    case IR_JECXZ:
    case IR_JUMP:
    case IR_JUMP_TO:
        return CODE_EDGE;
    default:
        return CODE_OPERATION;
    }
}

static void emit_op(struct emitter *e, const struct ir_op *op)
{
    emit_as(e, kind_of(op));
    emit_notes_before(e, op);
    switch (op->code) {
    case IR_UNITS:
        emit_units(e, op);
        break;
    case IR_ADDRESS:
        emit_address(e, op);
        break;
    case IR_EXEC:
    case IR_EXEC_END:
        emit_exec(e, op);
        break;
    case IR_JCC:
        emit_jcc(e, op);
        break;
    case IR_JECXZ:
        emit_jecxz(e, op);
        break;
    case IR_DIV:
    case IR_IDIV:
        emit_divide(e, op);
        break;
    case IR_BSF:
    case IR_BSR:
        emit_scan(e, op);
        break;
    case IR_DIRECTION:
        emit_direction(e, op);
        break;
    case IR_FORWARD:
        emit_forward(e, op);
        break;
    case IR_TSC:
        emit_tsc(e, op);
        break;
    case IR_CLI:
        emit_cli(e, op);
        break;
    case IR_STI:
        emit_sti(e, op);
        break;
    case IR_FLAGS_IMAGE:
        emit_flags_image(e, op);
        break;
    case IR_FLAGS_LOAD:
        emit_flags_load(e, op);
        break;
    case IR_SELECTOR:
        emit_selector(e, op);
        break;
    case IR_JUMP:
        emit_jump(e, op);
        break;
    case IR_JUMP_TO:
        emit_jump_to(e, op);
        break;
    case IR_EXIT:
        emit_side_exit(e, op);
        break;
    default:
        emit_operation(e, op);
    }
}

/* Notes where each guest instruction begins, and how the one before left the flags. The operations
 * that end the block count as what follows the last instruction, unless they are its own. */
static void emit_body(struct emitter *e)
{
    const struct ir *ir = e->ir;
    unsigned next = 0;
    for (unsigned i = 0; i < ir->count && !e->as.full; i++) {
        const struct ir_op *op = &ir->ops[i];
        bool is_extra = i + 1 == ir->count && op->code == IR_JUMP &&
                        !(ir->block->insns[op->insn].flags & INSN_JUMP);
        unsigned reached = op->insn + (is_extra ? 1u : 0u);
        uint16_t live = flags_wanted_before(op);
        for (; next <= reached; next++) {
            e->begin[next] = e->as.at;
            if (next > 0) {
                e->flags_after[next - 1] = e->flags;
                e->live_after[next - 1] = live;
                e->units_after[next - 1] = (uint8_t)e->units;
            }
        }
        emit_op(e, op);
    }
}

static void emit_cold_part(struct emitter *e)
{
    struct x64 hot = e->as;
    e->as = e->cold;
    e->as.full |= hot.full;
    e->translation->cold = e->as.at;
    e->mark = e->as.at;
    emit_as(e, CODE_EXIT);
    emit_exit_stubs(e);
    emit_as(e, CODE_EDGE_STUB);
    emit_edge_stubs(e);
    emit_as(e, CODE_SLOW_STUB);
    emit_slow_stubs(e);
    emit_as(e, CODE_UNIT_STUB);
    emit_unit_stubs(e);
    emit_as(e, CODE_ENTRY);
    e->translation->cold_size = (uint32_t)(e->as.at - e->translation->cold);
    hot.full |= e->as.full;
    e->cold = e->as;
    e->as = hot;
}

bool emit_block(struct emitter *e)
{
    e->stub_count = e->unit_stub_count = e->exit_count = 0;
    e->units = 0;
    emit_begin_addresses(e);
    e->note = (struct fpu_note){0};
    e->flags = e->translation->begin;
    /* Who has flags elsewhere passes the entry by. */
    e->translation->kills_flags = e->ir->kills_flags && !block_crosses_page(e->ir->block);
    memset(e->code_bytes, 0, sizeof e->code_bytes);
    e->mark = e->as.at;
    e->kind = CODE_ENTRY;
    emit_entry(e);
    emit_body(e);
    emit_as(e, CODE_ENTRY);
    e->translation->size = (uint32_t)(e->as.at - e->translation->entry);
    emit_cold_part(e);
    return !e->as.full;
}
