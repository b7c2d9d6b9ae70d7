/* Memory accesses: from segment and offset to a host address, through the TLB, and the slow path.
 *
 * The fast way answers only for plain memory within one page and within the segment. Everything
 * else (a miss, a register window, a fault, a page with code) goes to a stub, which has the whole
 * instruction executed by its exec function and continues behind it. */
#include "jit/emit.h"
#include "jit/exec.h"
#include "jit/thunks.h"
#include "jit/units.h"

#include <stddef.h>
#include <string.h>

void emit_stub_jump(struct slow_stub *stub, uint8_t *jump)
{
    stub->jumps[stub->jump_count++] = jump;
}

struct slow_stub *emit_new_stub(struct emitter *e, unsigned insn)
{
    struct slow_stub *stub = &e->stubs[e->stub_count++];
    *stub = (struct slow_stub){.insn = insn, .flags = e->flags, .note = e->note};
    return stub;
}

static bool is_flat(const struct emitter *e, unsigned segment)
{
    static const uint32_t flat[SEG_COUNT] = {
        [SEG_ES] = FLAT_ES, [SEG_SS] = FLAT_SS, [SEG_DS] = FLAT_DS};
    return e->mode & flat[segment];
}

/* --- offset --- */

static void emit_load_from(struct emitter *e, enum host_reg dst, const void *address)
{
    x64_mov_ri(&e->as, 8, REG_SCRATCH, (uintptr_t)address);
    x64_mov_rm(&e->as, 4, dst, x64_at(REG_SCRATCH, 0));
}

void emit_live_immediate(struct emitter *e, enum host_reg dst, const struct ir_op *op)
{
    emit_load_from(e, dst, &e->ir->block->insns[op->insn].immediate);
}

/* The displacement is added to the rest, which is in dst. */
static void emit_live_displacement(struct emitter *e, enum host_reg dst, const struct ir_op *op)
{
    emit_load_from(e, REG_SCRATCH, &e->ir->block->insns[op->insn].displacement);
    x64_lea(&e->as, 4, dst, (struct x64_mem){dst, REG_SCRATCH, 0, 0});
}

void emit_offset(struct emitter *e, enum host_reg dst, const struct ir_op *op)
{
    const uint32_t imm = op->patched ? 0 : op->imm;
    struct x64_mem mem = {HOST_NONE, HOST_NONE, op->scale, (int32_t)imm};
    if (op->base != REG_ZERO)
        mem.base = emit_reg(4, op->base);
    if (op->index != REG_ZERO)
        mem.index = emit_reg(4, op->index);
    if (mem.base == HOST_NONE && mem.index == HOST_NONE)
        x64_mov_ri(&e->as, 4, dst, imm);
    else if (mem.index == HOST_NONE && mem.disp == 0)
        x64_mov_rr(&e->as, 4, dst, mem.base);
    else
        x64_lea(&e->as, 4, dst, mem);
    if (op->patched)
        emit_live_displacement(e, dst, op);
    if (op->address16)
        x64_movx_rr(&e->as, 4, dst, dst, 2, false);
}

/* --- segment --- */

static struct x64_mem segment_field(unsigned segment, size_t member)
{
    size_t offset = offsetof(struct cpu, seg) + segment * sizeof(struct segment) + member;
    return x64_at(REG_CPU, (int32_t)offset - CPU_BIAS);
}

/* A stub of its own, since the address is not yet the linear one. */
static void emit_segment(struct emitter *e, const struct ir_op *op)
{
    struct x64 *as = &e->as;
    struct slow_stub *stub = emit_new_stub(e, op->insn);
    uint32_t need = op->access == MMU_WRITE ? SEGMENT_FAST_WRITE : SEGMENT_FAST_READ;
    x64_lea(as, 8, REG_SCRATCH, x64_at(REG_ADDRESS, op->size - 1));
    x64_mov_rm(as, 4, REG_T0, segment_field(op->segment, offsetof(struct segment, limit)));
    x64_alu_rr(as, X64_CMP, 8, REG_SCRATCH, REG_T0);
    emit_stub_jump(stub, x64_jcc(as, X64_A));
    x64_test_mi(as, 1, segment_field(op->segment, offsetof(struct segment, fast)), need);
    emit_stub_jump(stub, x64_jcc(as, X64_E));
    x64_alu_rm(as, X64_ADD, 4, REG_ADDRESS,
               segment_field(op->segment, offsetof(struct segment, base)));
}

/* --- TLB --- */

/* The displacement is so small that what it makes of a register still has an entry in the TLB, if
 * only one of the margins' when it is no 32-bit number. So the entry need not be that of the sum in
 * 32 bits. */
static bool is_near(int32_t displacement)
{
    const int32_t limit = (TLB_MARGIN - 1) << PAGE_SHIFT; /* a run may begin a little further off */
    return displacement >= -limit && displacement <= limit;
}

/* The index, in bytes, of the entry for what is at reg plus a near displacement goes to the scratch
 * register. */
static void emit_near_index(struct x64 *as, enum host_reg reg, int32_t displacement)
{
    if (displacement == 0) {
        thunks_emit_tlb_index(as, reg);
        return;
    }
    x64_lea(as, 8, REG_SCRATCH, x64_at(reg, displacement));
    x64_shift_ri(as, X64_SAR, 8, REG_SCRATCH, PAGE_SHIFT - 5);
    x64_alu_ri(as, X64_AND, 8, REG_SCRATCH, ~31u);
}

/* The scratch register is the index of the entry. The jump is taken if the last byte, which is at
 * reg plus displacement, is not below the end that the entry knows. Changes T0. */
static uint8_t *emit_compare(struct emitter *e, enum host_reg reg, int32_t displacement,
                             unsigned access)
{
    struct x64 *as = &e->as;
    if (displacement != 0) {
        x64_lea(as, 4, REG_T0, x64_at(reg, displacement));
        reg = REG_T0;
    }
    x64_alu_rm(as, X64_CMP, 4, reg,
               thunks_tlb_field(offsetof(struct tlb_entry, end) + access * sizeof(uint32_t)));
    return x64_jcc(as, X64_AE);
}

/* --- what IR_MEMORY names --- */

static bool uses_memory(const struct ir_op *op)
{
    return op->dst == IR_MEMORY || op->src == IR_MEMORY ||
           (op->code >= IR_HOST && op->code <= IR_HOST_CONTROL);
}

/* Whether op has AH, CH, DH or BH as operand, of that register. While it is emitted the two halves
 * may be exchanged. */
static bool names_high_half(const struct ir_op *op, unsigned reg)
{
    return op->size == 1 && reg < 4 && (op->dst == reg + 4 || op->src == reg + 4);
}

/* Whether the address's base still has its value wherever the memory is used. */
static bool is_base_kept(const struct emitter *e, const struct ir_op *address)
{
    const struct ir_op *end = e->ir->ops + e->ir->count;
    unsigned changed = 0;
    for (const struct ir_op *op = address + 1;
         op < end && op->insn == address->insn && op->code != IR_ADDRESS; op++) {
        if (uses_memory(op) && (changed >> address->base & 1 || names_high_half(op, address->base)))
            return false;
        changed |= ir_registers_written(op);
    }
    return true;
}

static void hold(struct emitter *e, unsigned insn, unsigned reg)
{
    e->held = (uint8_t)reg;
    memset(e->held_after + insn, e->held, BLOCK_MAX_INSNS - insn);
}

void emit_lose_address(struct emitter *e, unsigned insn)
{
    hold(e, insn, REG_ZERO);
}

void emit_begin_addresses(struct emitter *e)
{
    emit_lose_address(e, 0);
}

/* --- accesses that are probed together: jit/groups.c --- */

static struct x64_mem stash_of(unsigned reg)
{
    struct x64_mem mem = CPU_FIELD(frame.stash);
    mem.disp += (int32_t)(reg * sizeof(int64_t));
    return mem;
}

/* REG_ADDRESS is the stash of the access's run. */
static void emit_in_run(struct emitter *e, const struct ir_op *op)
{
    int32_t disp = (int32_t)(op->imm - e->run_first[op->base]);
    e->operand = (struct x64_mem){REG_ADDRESS, emit_reg(4, op->base), 0, disp};
    if (is_base_kept(e, op)) {
        hold(e, op->insn, op->base);
        return;
    }
    x64_lea(&e->as, 8, REG_ADDRESS, e->operand);
    e->operand = x64_at(REG_ADDRESS, 0);
    emit_lose_address(e, op->insn);
}

static struct x64_mem addend(void)
{
    return thunks_tlb_field(offsetof(struct tlb_entry, addend));
}

/* The run begins and ends where its register, as a number of more than 32 bits, says: the stash is
 * the entry's addend. */
static void emit_near_leader(struct emitter *e, const struct ir_op *op, struct slow_stub *stub)
{
    enum host_reg base = emit_reg(4, op->base);
    int32_t first = (int32_t)op->imm + op->group_first, end = (int32_t)op->imm + op->group_last;
    emit_near_index(&e->as, base, first);
    emit_stub_jump(stub, emit_compare(e, base, end - 1, op->group_access));
    x64_mov_rm(&e->as, 8, REG_ADDRESS, addend());
    e->run_first[op->base] = 0;
}

/* The stash is the host's address of the run's first byte, less the register as it is now, of which
 * all 64 bits count: what is added to it may wrap around in 32 bits, the accesses of a run do not.
 */
static void emit_far_leader(struct emitter *e, const struct ir_op *op, struct slow_stub *stub)
{
    struct ir_op first = *op;
    first.imm += (uint32_t)(int32_t)op->group_first;
    emit_offset(e, REG_ADDRESS, &first);
    thunks_emit_tlb_index(&e->as, REG_ADDRESS);
    emit_stub_jump(
        stub, emit_compare(e, REG_ADDRESS, op->group_last - op->group_first - 1, op->group_access));
    x64_alu_rm(&e->as, X64_ADD, 8, REG_ADDRESS, addend());
    x64_alu_rr(&e->as, X64_SUB, 8, REG_ADDRESS, emit_reg(4, op->base));
    e->run_first[op->base] = first.imm;
}

static void emit_leader(struct emitter *e, const struct ir_op *op, struct slow_stub *stub)
{
    if (is_near((int32_t)op->imm))
        emit_near_leader(e, op, stub);
    else
        emit_far_leader(e, op, stub);
    x64_mov_mr(&e->as, 8, stash_of(op->base), REG_ADDRESS);
    emit_in_run(e, op);
}

static void emit_member(struct emitter *e, const struct ir_op *op)
{
    if (e->held != op->base)
        x64_mov_rm(&e->as, 8, REG_ADDRESS, stash_of(op->base));
    emit_in_run(e, op);
}

/* --- others --- */

/* The linear address is a register plus a constant, or one of them. */
static bool is_flat_without_index(const struct emitter *e, const struct ir_op *op)
{
    return op->index == REG_ZERO && !op->patched && !op->address16 && is_flat(e, op->segment);
}

/* The linear address is the register, or, when it is read, what is near that: it need not be put
 * together. */
static bool is_register_alone(const struct emitter *e, const struct ir_op *op)
{
    return is_flat_without_index(e, op) && op->base != REG_ZERO &&
           (op->imm == 0 || (op->access == MMU_READ && is_near((int32_t)op->imm))) &&
           is_base_kept(e, op);
}

static void emit_register_alone(struct emitter *e, const struct ir_op *op, struct slow_stub *stub)
{
    enum host_reg base = emit_reg(4, op->base);
    int32_t displacement = (int32_t)op->imm;
    emit_near_index(&e->as, base, displacement);
    emit_stub_jump(stub, emit_compare(e, base, displacement + op->size - 1, op->access));
    x64_mov_rm(&e->as, 8, REG_ADDRESS, addend());
    e->operand = (struct x64_mem){REG_ADDRESS, base, 0, displacement};
}

/* The linear address is known, and so is the TLB's entry. */
static bool is_fixed(const struct emitter *e, const struct ir_op *op)
{
    return is_flat_without_index(e, op) && op->base == REG_ZERO &&
           (op->imm & PAGE_MASK) + op->size <= PAGE_SIZE;
}

static void emit_fixed_alone(struct emitter *e, const struct ir_op *op, struct slow_stub *stub)
{
    struct x64 *as = &e->as;
    int32_t entry = (int32_t)((op->imm >> PAGE_SHIFT) * sizeof(struct tlb_entry));
    int32_t end = (int32_t)(offsetof(struct tlb_entry, end) + op->access * sizeof(uint32_t));
    emit_offset(e, REG_ADDRESS, op);
    x64_alu_mi(as, X64_CMP, 4, x64_at(REG_TLB, entry + end), 0);
    emit_stub_jump(stub, x64_jcc(as, X64_E));
    x64_alu_rm(as, X64_ADD, 8, REG_ADDRESS,
               x64_at(REG_TLB, entry + (int32_t)offsetof(struct tlb_entry, addend)));
    e->operand = x64_at(REG_ADDRESS, 0);
}

static void emit_alone(struct emitter *e, const struct ir_op *op, struct slow_stub *stub)
{
    emit_lose_address(e, op->insn);
    if (is_fixed(e, op)) {
        emit_fixed_alone(e, op, stub);
        return;
    }
    stub->is_register = is_register_alone(e, op);
    if (stub->is_register) {
        emit_register_alone(e, op, stub);
        return;
    }
    emit_offset(e, REG_ADDRESS, op);
    if (!is_flat(e, op->segment))
        emit_segment(e, op);
    thunks_emit_tlb_index(&e->as, REG_ADDRESS);
    emit_stub_jump(stub, emit_compare(e, REG_ADDRESS, op->size - 1, op->access));
    x64_alu_rm(&e->as, X64_ADD, 8, REG_ADDRESS, addend());
    e->operand = x64_at(REG_ADDRESS, 0);
}

/* Pages are aligned, so the host's address is as aligned as the linear one. The slow path needs no
 * further probe: a stub of its own. */
static void emit_alignment(struct emitter *e, const struct ir_op *op)
{
    enum host_reg address = REG_ADDRESS;
    if (e->operand.index != HOST_NONE) {
        address = REG_SCRATCH;
        x64_lea(&e->as, 8, address, e->operand);
    }
    x64_test_ri(&e->as, 1, address, op->size - 1u);
    emit_stub_jump(emit_new_stub(e, op->insn), x64_jcc(&e->as, X64_NE));
}

static void emit_checked_address(struct emitter *e, const struct ir_op *op)
{
    struct slow_stub *stub = emit_new_stub(e, op->insn);
    stub->op = op;
    if (op->group == GROUP_LEADER)
        emit_leader(e, op, stub);
    else
        emit_alone(e, op, stub);
    stub->back = e->as.at;
}

void emit_address(struct emitter *e, const struct ir_op *op)
{
    flags_lose_register(e, 4, IR_T0, flags_wanted_before(op));
    if (op->group != GROUP_MEMBER || op->aligned)
        flags_lose_host(e, flags_wanted_before(op));
    if (op->group == GROUP_MEMBER)
        emit_member(e, op);
    else
        emit_checked_address(e, op);
    if (op->aligned)
        emit_alignment(e, op);
}

/* --- the slow path --- */

uint32_t emit_exec_id(const struct emitter *e, unsigned insn, bool touches_flags)
{
    return exec_id(e->cache, e->ir->block, insn, touches_flags);
}

/* An operand that gives the same sum or difference, and the same carries or borrows out of every
 * bit, as the one that was added to or subtracted from what is not known any more. */
static void emit_recover_addend(struct x64 *as, const struct flag_recipe *recipe)
{
    x64_mov_rm(as, 4, REG_T0, CPU_FIELD(lazy.carries));
    if (recipe->size < 4)
        x64_shift_ri(as, X64_SHR, 4, REG_T0, 32 - recipe->size * 8u);
    x64_lea(as, 4, REG_SCRATCH, (struct x64_mem){REG_T0, REG_T0, 0, 0});
    x64_alu_rm(as, X64_XOR, 4, REG_SCRATCH, CPU_FIELD(lazy.zero)); /* where the operands differ */
    x64_alu_rr(as, recipe->code == IR_ADD ? X64_OR : X64_AND, 4, REG_T0, REG_SCRATCH);
}

/* T0 = what the recipe wants in the slot. The instruction was executed by C: the interpreter's lazy
 * flags remember its result. */
static void emit_recover_operand(struct x64 *as, const struct flag_recipe *recipe)
{
    if (recipe->src == RECIPE_SLOT && (recipe->code == IR_ADD || recipe->code == IR_SUB)) {
        emit_recover_addend(as, recipe);
        return;
    }
    x64_mov_rm(as, 4, REG_T0, CPU_FIELD(lazy.zero));
    if (recipe->code != IR_CMP)
        return;
    if (recipe->src == RECIPE_SLOT) {
        x64_unary_r(as, X64_NEG, 4, REG_T0);
        x64_alu_rr(as, X64_ADD, recipe->size, REG_T0, emit_reg(recipe->size, recipe->dst));
    } else if (recipe->src == IR_IMMEDIATE) {
        x64_alu_ri(as, X64_ADD, recipe->size, REG_T0, recipe->imm);
    } else {
        x64_alu_rr(as, X64_ADD, recipe->size, REG_T0, emit_reg(recipe->size, recipe->src));
    }
}

static void emit_recover_slot(struct emitter *e, unsigned insn)
{
    const struct flag_state *after = &e->flags_after[insn];
    const struct flag_recipe *recipe = &after->recipe;
    if (!after->has_recipe || recipe->slot_insn != insn ||
        (recipe->dst != RECIPE_SLOT && recipe->src != RECIPE_SLOT))
        return;
    emit_recover_operand(&e->as, recipe);
    x64_mov_mr(&e->as, 4, CPU_FIELD(frame.slot), REG_T0);
}

static void emit_expected_flags(struct emitter *e, const struct flag_state *after)
{
    x64_call_to(&e->as, e->thunks->restore_flags[after->shifted ? FLAGS_SHIFTED : FLAGS_HOST]);
}

static void emit_return(struct emitter *e, unsigned insn)
{
    const struct flag_state *after = &e->flags_after[insn];
    if (e->live_after[insn]) {
        emit_recover_slot(e, insn);
        if (after->host)
            emit_expected_flags(e, after);
    }
    x64_jmp_to(&e->as, e->begin[insn + 1]);
}

/* Into a page with code, but perhaps beside it. */
static void emit_probe_beside_code(struct emitter *e, const struct slow_stub *stub)
{
    struct x64 *as = &e->as;
    const struct ir_op *op = stub->op;
    if (op->access != MMU_WRITE)
        return;
    if (stub->is_register)
        emit_offset(e, REG_ADDRESS, op);
    x64_call_to(as, stub->is_register ? e->thunks->probe_write_addend[op->size]
                                      : e->thunks->probe_write[op->size]);
    x64_jcc_to(as, X64_E, stub->back);
}

/* The stub is a leader's, or its instruction has one that would not be reached. */
static bool passes_over_leader(const struct emitter *e, const struct slow_stub *stub)
{
    const struct ir_op *op = stub->op ? stub->op : e->ir->ops, *end = e->ir->ops + e->ir->count;
    for (; op < end && op->insn <= stub->insn; op++)
        if (op->insn == stub->insn && op->group == GROUP_LEADER)
            return true;
    return false;
}

/* The rest of the block, from the stub's instruction on, without runs. */
static void emit_failed_run(struct emitter *e, const struct slow_stub *stub)
{
    enum flags_place flags = flags_emit_for_thunk(&e->as, &stub->flags);
    emit_note(e, &stub->note);
    emit_leave_before(e, stub->insn, e->thunks->stub_jump_alone[flags]);
}

/* Whether the x87 has to be put away before the instruction is executed. */
static const uint8_t *thunk_of(const struct emitter *e, const struct insn *insn,
                               const uint8_t *usual, const uint8_t *whole)
{
    const struct insn_row *row = insn->row == INSN_ROW_NONE ? NULL : insn_row(insn->row);
    return units_of_exec(row) & UNIT_FPU ? whole : usual;
}

static void emit_slow_stub(struct emitter *e, const struct slow_stub *stub)
{
    struct x64 *as = &e->as;
    for (unsigned i = 0; i < stub->jump_count; i++)
        x64_patch(stub->jumps[i], as->at);
    if (passes_over_leader(e, stub)) {
        emit_as(e, CODE_RUN_STUB);
        emit_failed_run(e, stub);
        emit_as(e, CODE_SLOW_STUB);
        return;
    }
    if (stub->op)
        emit_probe_beside_code(e, stub);
    enum flags_place flags = flags_emit_for_thunk(as, &stub->flags);
    emit_note(e, &stub->note);
    const struct insn *insn = &e->ir->block->insns[stub->insn];
    x64_mov_ri(as, 4, R8, emit_exec_id(e, stub->insn, true));
    if (insn->flags & INSN_JUMP) {
        x64_call_to(as, e->thunks->stub_exec_end[flags]);
        x64_jmp_to(as, e->thunks->jump);
    } else {
        x64_call_to(
            as, thunk_of(e, insn, e->thunks->stub_exec[flags], e->thunks->stub_exec_whole[flags]));
        emit_reload_units(e, stub->insn);
        if (e->held_after[stub->insn] != REG_ZERO)
            x64_mov_rm(as, 8, REG_ADDRESS, stash_of(e->held_after[stub->insn]));
        emit_return(e, stub->insn);
    }
}

void emit_slow_stubs(struct emitter *e)
{
    for (unsigned i = 0; i < e->stub_count && !e->as.full; i++)
        emit_slow_stub(e, &e->stubs[i]);
}

/* --- instructions that always take it --- */

/* Interrupts, IRET and task switches store and load flags, which their columns do not say. */
static bool touches_flags(const struct insn *insn)
{
    if (insn->row == INSN_ROW_NONE)
        return true;
    const struct insn_row *row = insn_row(insn->row);
    return (row->flags_read | row->flags_written) & FLAGS_ARITHMETIC ||
           (insn->flags & INSN_JUMP && !(row->attributes & A_REP));
}

void emit_exec(struct emitter *e, const struct ir_op *op)
{
    const struct insn *insn = &e->ir->block->insns[op->insn];
    const struct insn_row *row = insn->row == INSN_ROW_NONE ? NULL : insn_row(insn->row);
    enum flags_place flags = flags_emit_for_thunk(&e->as, &e->flags);
    emit_lose_address(e, op->insn);
    x64_mov_ri(&e->as, 4, R8, emit_exec_id(e, op->insn, touches_flags(insn)));
    if (op->code == IR_EXEC) {
        x64_call_to(&e->as, thunk_of(e, insn, e->thunks->stub_exec[flags],
                                     e->thunks->stub_exec_whole[flags]));
    } else {
        x64_call_to(&e->as, thunk_of(e, insn, e->thunks->stub_exec_end[flags],
                                     e->thunks->stub_exec_end_whole[flags]));
        x64_jmp_to(&e->as, e->thunks->jump);
    }
    e->units &= ~units_of_exec(row);
    e->flags = (struct flag_state){.home = true, .carry_home = true};
}
