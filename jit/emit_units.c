/* x87, MMX and SSE: the guest's instruction as it is, on the guest's registers in the host's
 * (jit/units.h).
 *
 * What the host's registers do not hold are the x87's instruction and data pointers. An x87
 * instruction only notes, at translation time, that it was the last; code that stores them is
 * emitted where they could be seen: at the block's ends, in stubs, before instructions that are
 * executed by C; and before one of the registers in the data pointer's address is changed. */
#include "jit/emit.h"
#include "jit/thunks.h"
#include "jit/units.h"

#include <stddef.h>
#include <string.h>

/* --- residency --- */

void emit_units(struct emitter *e, const struct ir_op *op)
{
    struct x64 *as = &e->as;
    flags_lose_host(e, flags_wanted_before(op));
    emit_lose_address(e, op->insn);
    struct unit_stub *stub = &e->unit_stubs[e->unit_stub_count++];
    *stub = (struct unit_stub){
        .insn = op->insn,
        .unit = op->imm,
        .loaded = e->units,
        .note = e->note,
        .flags = e->flags,
    };
    x64_test_mi(as, 1, CPU_FIELD(frame.units), op->imm);
    stub->jump = x64_jcc(as, X64_E);
    stub->back = as->at;
    e->units |= op->imm;
}

static void emit_load(struct emitter *e, unsigned unit)
{
    x64_call_to(&e->as, unit == UNIT_SSE ? e->thunks->load_sse : e->thunks->load_fpu);
}

/* UNIT_FPU first: it puts the other away. What was loaded when the instruction began may still be
 * loaded afterwards, because none of those that unload it for good comes here. */
void emit_reload_units(struct emitter *e, unsigned insn)
{
    const struct insn *i = &e->ir->block->insns[insn];
    const struct insn_row *row = i->row == INSN_ROW_NONE ? NULL : insn_row(i->row);
    unsigned lost = e->units_after[insn] & units_of_exec(row);
    if (lost & UNIT_FPU)
        emit_load(e, UNIT_FPU);
    if (lost & UNIT_SSE)
        emit_load(e, UNIT_SSE);
}

/* The instruction's beginning becomes the boundary at which translated code is left. */
void emit_leave_before(struct emitter *e, unsigned insn, const uint8_t *exit)
{
    struct x64 *as = &e->as;
    uint32_t offset = e->ir->block->insns[insn].offset;
    if (offset)
        x64_lea(as, 4, REG_EIP, x64_at(REG_EIP, (int32_t)offset));
    if (!(e->mode & CODE_32))
        x64_movx_rr(as, 4, REG_EIP, REG_EIP, 2, false);
    x64_lea(as, 4, REG_BUDGET, x64_at(REG_BUDGET, (int32_t)(e->ir->block->count - insn)));
    x64_jmp_to(as, exit);
}

static void emit_unit_stub(struct emitter *e, const struct unit_stub *stub)
{
    struct x64 *as = &e->as;
    x64_patch(stub->jump, as->at);
    emit_load(e, stub->unit);
    if (stub->unit == UNIT_FPU && stub->loaded & UNIT_SSE)
        emit_load(e, UNIT_SSE);
    x64_test_mi(as, 1, CPU_FIELD(frame.units), stub->unit);
    x64_jcc_to(as, X64_NE, stub->back);
    flags_emit_to_home(as, &stub->flags, e->thunks->save_flags);
    emit_note(e, &stub->note);
    emit_leave_before(e, stub->insn, e->thunks->exit_interpret);
}

void emit_unit_stubs(struct emitter *e)
{
    for (unsigned i = 0; i < e->unit_stub_count && !e->as.full; i++)
        emit_unit_stub(e, &e->unit_stubs[i]);
}

/* --- the instruction and data pointer --- */

static void store_selector(struct x64 *as, struct x64_mem to, unsigned segment)
{
    size_t offset = offsetof(struct cpu, seg) + segment * sizeof(struct segment) +
                    offsetof(struct segment, selector);
    x64_movx_rm(as, 4, REG_SCRATCH, x64_at(REG_CPU, (int32_t)offset - CPU_BIAS), 2, false);
    x64_mov_mr(as, 2, to, REG_SCRATCH);
}

static void emit_data_note(struct emitter *e, const struct ir_op *address)
{
    struct x64 *as = &e->as;
    emit_offset(e, REG_SCRATCH, address);
    x64_mov_mr(as, 4, CPU_FIELD(fpu.data_offset), REG_SCRATCH);
    store_selector(as, CPU_FIELD(fpu.data_selector), address->segment);
}

void emit_note(struct emitter *e, const struct fpu_note *note)
{
    struct x64 *as = &e->as;
    if (note->has_insn) {
        const struct insn *insn = &e->ir->block->insns[note->insn];
        x64_lea(as, 4, REG_SCRATCH, x64_at(REG_EIP, insn->offset));
        x64_mov_mr(as, 4, CPU_FIELD(fpu.ip_offset), REG_SCRATCH);
        x64_mov_mi(as, 2, CPU_FIELD(fpu.opcode), (uint16_t)(insn->opcode << 8 | insn->modrm));
        store_selector(as, CPU_FIELD(fpu.ip_selector), SEG_CS);
    }
    if (note->data)
        emit_data_note(e, note->data);
}

/* Whether the instruction records itself: all x87 instructions but those of the control kind. */
static bool is_noted(const struct insn_row *row)
{
    static const char *const names[] = {"fldcw", "fnstcw", "fnstsw", "fnclex"};
    if (!(row->attributes & A_FPU))
        return false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (!strcmp(row->mnemonic, names[i]))
            return false;
    return true;
}

static void note(struct emitter *e, const struct ir_op *op, const struct insn *insn)
{
    e->note.has_insn = true;
    e->note.insn = op->insn;
    if (insn->flags & INSN_MEMORY)
        e->note.data = op - 1;
}

/* Whether op changes a register of the address. */
static bool changes(const struct ir_op *op, const struct ir_op *address)
{
    unsigned written = ir_registers_written(op);
    return (address->base < REG_ZERO && written >> address->base & 1) ||
           (address->index < REG_ZERO && written >> address->index & 1);
}

void emit_notes_before(struct emitter *e, const struct ir_op *op)
{
    struct fpu_note *pending = &e->note;
    if (op->code >= IR_EXIT) { /* C runs, or the block is left */
        emit_note(e, pending);
        *pending = (struct fpu_note){0};
    } else if (pending->data && changes(op, pending->data)) {
        emit_data_note(e, pending->data);
        pending->data = NULL;
    }
}

/* --- instructions --- */

static uint32_t opcode_of(const struct insn_row *row)
{
    static const uint32_t maps[MAP_COUNT] = {0, 0x0F00, 0x0F3800, 0x0F3A00};
    static const uint32_t prefixes[] = {0, 0, 0x66000000, 0xF2000000, 0xF3000000};
    return prefixes[row->prefix] | maps[row->map] | row->opcode;
}

static bool has_operand(const struct insn_row *row, char letter)
{
    return strchr(row->operands, letter);
}

static void emit_copy(struct emitter *e, const struct insn *insn, const struct insn_row *row)
{
    struct x64 *as = &e->as;
    uint32_t opcode = opcode_of(row);
    enum host_reg reg = has_operand(row, 'G') ? emit_reg(4, insn->reg) : (enum host_reg)insn->reg;
    if (row->modrm == M_NONE) {
        x64_byte(as, opcode >> 8 & 0xFF);
        x64_byte(as, opcode & 0xFF);
    } else if (insn->flags & INSN_MEMORY) {
        x64_rm(as, 4, opcode, reg, &e->operand);
    } else {
        enum host_reg rm = has_operand(row, 'E') ? emit_reg(4, insn->rm) : (enum host_reg)insn->rm;
        x64_rr(as, 4, opcode, reg, rm);
    }
    if (has_operand(row, 'I'))
        x64_byte(as, (uint8_t)insn->immediate);
}

/* FLDCW, unless it unmasks an exception or names the reserved precision: then the slow path. */
static void emit_load_control(struct emitter *e, const struct ir_op *op, const struct insn *insn,
                              const struct insn_row *row)
{
    enum { MASKS = 0x3F, PRECISION = 0x300, PRECISION_RESERVED = 0x100 };
    struct x64 *as = &e->as;
    flags_lose_host(e, flags_wanted_before(op));
    struct slow_stub *stub = emit_new_stub(e, op->insn);
    x64_movx_rm(as, 4, REG_SCRATCH, e->operand, 2, false);
    x64_mov_rr(as, 4, REG_T0, REG_SCRATCH);
    x64_alu_ri(as, X64_AND, 4, REG_SCRATCH, MASKS);
    x64_alu_ri(as, X64_CMP, 4, REG_SCRATCH, MASKS);
    emit_stub_jump(stub, x64_jcc(as, X64_NE));
    x64_alu_ri(as, X64_AND, 4, REG_T0, PRECISION);
    x64_alu_ri(as, X64_CMP, 4, REG_T0, PRECISION_RESERVED);
    emit_stub_jump(stub, x64_jcc(as, X64_E));
    emit_copy(e, insn, row);
    e->units &= ~(unsigned)UNIT_FPU;
}

/* FCOMI and its kin clear C1, but not on every host; this does, and nothing else. */
static void emit_clear_c1(struct x64 *as)
{
    static const uint8_t fincstp_fdecstp[] = {0xD9, 0xF7, 0xD9, 0xF6};
    for (size_t i = 0; i < sizeof fincstp_fdecstp; i++)
        x64_byte(as, fincstp_fdecstp[i]);
}

void emit_host(struct emitter *e, const struct ir_op *op)
{
    const struct insn *insn = &e->ir->block->insns[op->insn];
    const struct insn_row *row = insn_row(insn->row);
    if (op->code == IR_HOST_CONTROL) {
        emit_load_control(e, op, insn, row);
        return;
    }
    emit_copy(e, insn, row);
    if (op->code == IR_HOST_FLAGS && row->attributes & A_FPU)
        emit_clear_c1(&e->as);
    if (is_noted(row))
        note(e, op, insn);
}
