/* Operations on registers, T0 and the memory operand. Most are one host instruction of the same
 * name. */
#include "jit/emit.h"

#include <stddef.h>

enum host_reg emit_reg(unsigned size, unsigned value)
{
    if (value == IR_T0)
        return REG_T0;
    if (size == 1 && value >= 4)
        return (enum host_reg)(HOST_AH + value - 4);
    return value == IR_ESP ? R12 : (enum host_reg)value;
}

/* AH, CH, DH and BH cannot be used beside registers that need a REX prefix. While such an operation
 * is emitted, the two halves are exchanged, and the low one is used. */
static enum host_reg borrow(struct emitter *e, unsigned size, unsigned value, bool beside_rex)
{
    enum host_reg reg = emit_reg(size, value);
    if (reg < HOST_AH || !beside_rex)
        return reg;
    enum host_reg low = (enum host_reg)(reg - HOST_AH);
    x64_rr(&e->as, 1, 0x86, reg, low); /* xchg */
    return low;
}

static void give_back(struct emitter *e, unsigned size, unsigned value, enum host_reg borrowed)
{
    enum host_reg reg = emit_reg(size, value);
    if (reg != borrowed)
        x64_rr(&e->as, 1, 0x86, reg, borrowed);
}

static bool is_register(unsigned value)
{
    return value <= IR_T0;
}

static bool needs_rex(unsigned size, unsigned value)
{
    return value == IR_T0 || value == IR_MEMORY || (size > 1 && value == IR_ESP);
}

/* --- moves --- */

static void load(struct emitter *e, const struct ir_op *op)
{
    if (op->dst == IR_T0 && op->size < 4) {
        x64_movx_rm(&e->as, 4, REG_T0, e->operand, op->size, false);
        return;
    }
    enum host_reg dst = borrow(e, op->size, op->dst, true);
    x64_mov_rm(&e->as, op->size, dst, e->operand);
    give_back(e, op->size, op->dst, dst);
}

static void store(struct emitter *e, const struct ir_op *op)
{
    if (op->src == IR_IMMEDIATE) {
        x64_mov_mi(&e->as, op->size, e->operand, op->imm);
        return;
    }
    if (op->src == IR_NEXT) {
        x64_lea(&e->as, 4, REG_SCRATCH, x64_at(REG_EIP, (int32_t)op->imm));
        x64_mov_mr(&e->as, 4, e->operand, REG_SCRATCH);
        return;
    }
    enum host_reg src = borrow(e, op->size, op->src, true);
    x64_mov_mr(&e->as, op->size, e->operand, src);
    give_back(e, op->size, op->src, src);
}

static void move(struct emitter *e, const struct ir_op *op)
{
    if (op->dst == IR_MEMORY) {
        store(e, op);
    } else if (op->src == IR_MEMORY) {
        load(e, op);
    } else if (op->src == IR_IMMEDIATE) {
        x64_mov_ri(&e->as, op->size, emit_reg(op->size, op->dst), op->imm);
    } else if (op->src == IR_LIVE) {
        emit_live_immediate(e, emit_reg(4, op->dst), op);
    } else {
        enum host_reg dst = borrow(e, op->size, op->dst, needs_rex(op->size, op->src));
        enum host_reg src = borrow(e, op->size, op->src, needs_rex(op->size, op->dst));
        x64_mov_rr(&e->as, op->size, dst, src);
        give_back(e, op->size, op->src, src);
        give_back(e, op->size, op->dst, dst);
    }
}

static void extend(struct emitter *e, const struct ir_op *op)
{
    bool is_signed = op->code == IR_MOVSX;
    enum host_reg dst = emit_reg(op->size, op->dst);
    if (op->src == IR_MEMORY) {
        x64_movx_rm(&e->as, op->size, dst, e->operand, op->imm, is_signed);
        return;
    }
    enum host_reg src = borrow(e, op->imm, op->src, needs_rex(op->size, op->dst));
    x64_movx_rr(&e->as, op->size, dst, src, op->imm, is_signed);
    give_back(e, op->imm, op->src, src);
}

static void lea(struct emitter *e, const struct ir_op *op)
{
    enum host_reg dst = emit_reg(op->size, op->dst);
    if (op->size == 4) {
        emit_offset(e, dst, op);
        return;
    }
    emit_offset(e, REG_SCRATCH, op);
    x64_mov_rr(&e->as, op->size, dst, REG_SCRATCH);
}

/* --- arithmetic --- */

/* The source register, or the scratch register with the immediate as it is now. */
static enum host_reg source(struct emitter *e, const struct ir_op *op)
{
    if (op->src != IR_LIVE)
        return borrow(e, op->size, op->src, needs_rex(op->size, op->dst));
    emit_live_immediate(e, REG_SCRATCH, op);
    return REG_SCRATCH;
}

static void give_source_back(struct emitter *e, const struct ir_op *op, enum host_reg src)
{
    if (op->src != IR_LIVE)
        give_back(e, op->size, op->src, src);
}

/* Without AH, CH, DH and BH: jit/fuse.c. */
static void arithmetic_in_memory(struct emitter *e, const struct ir_op *op, enum x64_alu alu)
{
    if (op->src == IR_IMMEDIATE)
        x64_alu_mi(&e->as, alu, op->size, e->operand, op->imm);
    else
        x64_alu_mr(&e->as, alu, op->size, e->operand, emit_reg(op->size, op->src));
}

static void arithmetic(struct emitter *e, const struct ir_op *op)
{
    enum x64_alu alu = op->code == IR_CMP ? X64_CMP : (enum x64_alu)(op->code - IR_ADD);
    if (op->dst == IR_MEMORY) {
        arithmetic_in_memory(e, op, alu);
        return;
    }
    enum host_reg dst = borrow(e, op->size, op->dst, needs_rex(op->size, op->src));
    if (op->src == IR_IMMEDIATE) {
        x64_alu_ri(&e->as, alu, op->size, dst, op->imm);
    } else if (op->src == IR_MEMORY) {
        x64_alu_rm(&e->as, alu, op->size, dst, e->operand);
    } else {
        enum host_reg src = source(e, op);
        x64_alu_rr(&e->as, alu, op->size, dst, src);
        give_source_back(e, op, src);
    }
    give_back(e, op->size, op->dst, dst);
}

static void test(struct emitter *e, const struct ir_op *op)
{
    enum host_reg dst = borrow(e, op->size, op->dst, needs_rex(op->size, op->src));
    if (op->src == IR_IMMEDIATE) {
        x64_test_ri(&e->as, op->size, dst, op->imm);
    } else {
        enum host_reg src = source(e, op);
        x64_test_rr(&e->as, op->size, dst, src);
        give_source_back(e, op, src);
    }
    give_back(e, op->size, op->dst, dst);
}

static void unary_in_memory(struct emitter *e, const struct ir_op *op)
{
    static const struct {
        uint8_t opcode, digit;
    } forms[] = {
        [IR_INC - IR_INC] = {0xFE, 0      },
        [IR_DEC - IR_INC] = {0xFE, 1      },
        [IR_NEG - IR_INC] = {0xF6, X64_NEG},
        [IR_NOT - IR_INC] = {0xF6, X64_NOT},
    };
    uint32_t opcode = forms[op->code - IR_INC].opcode + (op->size > 1);
    x64_rm(&e->as, op->size, opcode, (enum host_reg)forms[op->code - IR_INC].digit, &e->operand);
}

static void unary(struct emitter *e, const struct ir_op *op)
{
    if (op->dst == IR_MEMORY) {
        unary_in_memory(e, op);
        return;
    }
    enum host_reg dst = emit_reg(op->size, op->dst);
    switch (op->code) {
    case IR_INC:
        x64_inc_r(&e->as, op->size, dst);
        break;
    case IR_DEC:
        x64_dec_r(&e->as, op->size, dst);
        break;
    default:
        x64_unary_r(&e->as, op->code == IR_NEG ? X64_NEG : X64_NOT, op->size, dst);
    }
}

static void shift(struct emitter *e, const struct ir_op *op)
{
    enum x64_shift code = (enum x64_shift)(op->code - IR_ROL);
    if (op->code == IR_SAR)
        code = X64_SAR;
    enum host_reg dst = emit_reg(op->size, op->dst);
    if (op->src == IR_ECX)
        x64_shift_rcl(&e->as, code, op->size, dst);
    else
        x64_shift_ri(&e->as, code, op->size, dst, op->imm);
}

static void double_shift(struct emitter *e, const struct ir_op *op)
{
    uint32_t opcode = op->code == IR_SHLD ? 0x0FA4 : 0x0FAC;
    x64_rr(&e->as, op->size, op->imm ? opcode : opcode + 1, emit_reg(op->size, op->src),
           emit_reg(op->size, op->dst));
    if (op->imm)
        x64_byte(&e->as, (uint8_t)op->imm);
}

/* A count of 0 leaves all flags alone, any other leaves them undefined in part: both ways end with
 * the flags at home. */
static void shift_by_cl(struct emitter *e, const struct ir_op *op)
{
    struct x64 *as = &e->as;
    flags_to_home(e);
    x64_test_ri(as, 1, RCX, 31);
    uint8_t *skip = x64_jcc(as, X64_E);
    if (op->code == IR_SHLD || op->code == IR_SHRD)
        double_shift(e, op);
    else
        shift(e, op);
    flags_emit_save(as, true);
    if (!as->full)
        x64_patch(skip, as->at);
    e->flags = (struct flag_state){.home = true, .carry_home = true};
}

static void multiply(struct emitter *e, const struct ir_op *op)
{
    enum host_reg dst = emit_reg(op->size, op->dst);
    if (op->src == IR_IMMEDIATE) {
        x64_rr(&e->as, op->size, 0x69, dst, dst);
        if (op->size == 2) {
            x64_byte(&e->as, op->imm & 0xFF);
            x64_byte(&e->as, op->imm >> 8 & 0xFF);
        } else {
            x64_dword(&e->as, op->imm);
        }
    } else if (op->src == IR_MEMORY) {
        x64_rm(&e->as, op->size, 0x0FAF, dst, &e->operand);
    } else {
        x64_rr(&e->as, op->size, 0x0FAF, dst, emit_reg(op->size, op->src));
    }
    flags_multiplied(e, op, op->dst);
}

static void multiply_wide(struct emitter *e, const struct ir_op *op)
{
    x64_unary_r(&e->as, op->code == IR_MULX ? X64_MUL : X64_IMUL, op->size,
                emit_reg(op->size, op->src));
    flags_multiplied(e, op, IR_EAX);
}

static void bit(struct emitter *e, const struct ir_op *op)
{
    unsigned which = op->code - IR_BT;
    enum host_reg dst = emit_reg(op->size, op->dst);
    if (op->src == IR_IMMEDIATE) {
        x64_rr(&e->as, op->size, 0x0FBA, (enum host_reg)(4 + which), dst);
        x64_byte(&e->as, (uint8_t)op->imm);
    } else {
        x64_rr(&e->as, op->size, 0x0FA3 + which * 8, emit_reg(op->size, op->src), dst);
    }
}

/* --- conditions and others --- */

static void set(struct emitter *e, const struct ir_op *op)
{
    if (op->dst != IR_MEMORY) {
        x64_setcc_r(&e->as, op->cond, emit_reg(1, op->dst));
        return;
    }
    struct x64_mem mem = e->operand;
    x64_rm(&e->as, 4, 0x0F90u + op->cond, RAX, &mem);
}

static void exchange(struct emitter *e, const struct ir_op *op)
{
    enum host_reg dst = emit_reg(op->size, op->dst), src = emit_reg(op->size, op->src);
    x64_rr(&e->as, op->size, op->size == 1 ? 0x86 : 0x87, src, dst);
}

static void compare_exchange(struct emitter *e, const struct ir_op *op)
{
    struct x64_mem mem = e->operand;
    uint32_t opcode = (op->code == IR_XADD ? 0x0FC0 : 0x0FB0) + (op->size > 1);
    enum host_reg src = emit_reg(op->size, op->src);
    if (op->dst == IR_MEMORY)
        x64_rm(&e->as, op->size, opcode, src, &mem);
    else
        x64_rr(&e->as, op->size, opcode, src, emit_reg(op->size, op->dst));
}

static void compare_exchange8(struct emitter *e, const struct ir_op *op)
{
    struct x64_mem mem = e->operand;
    x64_rm(&e->as, 4, 0x0FC7, (enum host_reg)1, &mem);
}

static void bswap(struct emitter *e, const struct ir_op *op)
{
    enum host_reg dst = emit_reg(4, op->dst);
    if (dst >= R8)
        x64_byte(&e->as, 0x41);
    x64_byte(&e->as, 0x0F);
    x64_byte(&e->as, (uint8_t)(0xC8 | (dst & 7)));
}

static void convert(struct emitter *e, const struct ir_op *op)
{
    if (op->size == 2)
        x64_byte(&e->as, 0x66);
    x64_byte(&e->as, op->code == IR_CDQ ? 0x99 : 0x98);
}

static void conditional_move(struct emitter *e, const struct ir_op *op)
{
    enum host_reg dst = emit_reg(op->size, op->dst);
    if (op->src == IR_MEMORY)
        x64_rm(&e->as, op->size, 0x0F40u + op->cond, dst, &e->operand);
    else
        x64_rr(&e->as, op->size, 0x0F40u + op->cond, dst, emit_reg(op->size, op->src));
}

static void carry(struct emitter *e, const struct ir_op *op)
{
    x64_byte(&e->as, op->code == IR_CLC ? 0xF8 : op->code == IR_STC ? 0xF9 : 0xF5);
}

static void keep(struct emitter *e, const struct ir_op *op)
{
    x64_mov_mr(&e->as, 4, CPU_FIELD(frame.spill), REG_T0);
}

static void recall(struct emitter *e, const struct ir_op *op)
{
    x64_mov_rm(&e->as, 4, REG_T0, CPU_FIELD(frame.spill));
}

typedef void emit_function(struct emitter *e, const struct ir_op *op);

/* clang-format off */
static emit_function *const functions[IR_CODE_COUNT] = {
    [IR_MOV] = move, [IR_MOVZX] = extend, [IR_MOVSX] = extend, [IR_LEA] = lea,
    [IR_ADD] = arithmetic, [IR_OR] = arithmetic, [IR_ADC] = arithmetic, [IR_SBB] = arithmetic,
    [IR_AND] = arithmetic, [IR_SUB] = arithmetic, [IR_XOR] = arithmetic, [IR_CMP] = arithmetic,
    [IR_TEST] = test,
    [IR_INC] = unary, [IR_DEC] = unary, [IR_NEG] = unary, [IR_NOT] = unary,
    [IR_ROL] = shift, [IR_ROR] = shift, [IR_RCL] = shift, [IR_RCR] = shift,
    [IR_SHL] = shift, [IR_SHR] = shift, [IR_SAR] = shift,
    [IR_SHLD] = double_shift, [IR_SHRD] = double_shift,
    [IR_IMUL] = multiply, [IR_MULX] = multiply_wide, [IR_IMULX] = multiply_wide,
    [IR_BT] = bit, [IR_BTS] = bit, [IR_BTR] = bit, [IR_BTC] = bit,
    [IR_SETCC] = set, [IR_CMOV] = conditional_move,
    [IR_XCHG] = exchange, [IR_CMPXCHG] = compare_exchange, [IR_XADD] = compare_exchange,
    [IR_CMPXCHG8] = compare_exchange8,
    [IR_BSWAP] = bswap, [IR_CDQ] = convert, [IR_CBW] = convert,
    [IR_CLC] = carry, [IR_STC] = carry, [IR_CMC] = carry,
    [IR_KEEP] = keep, [IR_RECALL] = recall,
    [IR_HOST] = emit_host, [IR_HOST_FLAGS] = emit_host, [IR_HOST_IF] = emit_host,
    [IR_HOST_CONTROL] = emit_host,
};
/* clang-format on */

/* --- what an operation does to the places where the flags are --- */

/* Flags that must be the guest's in the host when the operation begins: what it reads, and what it
 * leaves alone while somebody wants it. */
static uint16_t host_flags_needed(const struct ir_op *op)
{
    uint16_t written = ir_flags_written(op);
    uint16_t kept = ir_may_keep_flags(op) ? op->live : written ? op->live & (uint16_t)~written : 0;
    return ir_flags_read(op) | kept;
}

static void lose_written_registers(struct emitter *e, const struct ir_op *op)
{
    uint16_t live = flags_wanted_before(op);
    if (op->code == IR_LEA && op->size == 4 && op->base == op->dst && op->index == REG_ZERO &&
        !op->address16)
        flags_move_register(e, op->dst, (int32_t)op->imm, live);
    else if (is_register(op->dst) && op->code != IR_CMP && op->code != IR_TEST && op->code != IR_BT)
        flags_lose_register(e, op->size, op->dst, live);
    if (op->code == IR_XCHG)
        flags_lose_register(e, op->size, op->src, live);
    if (op->code == IR_CDQ || op->code == IR_CBW || op->code == IR_MULX || op->code == IR_IMULX) {
        flags_lose_register(e, 4, IR_EAX, live);
        flags_lose_register(e, 4, IR_EDX, live);
    }
    if (op->code == IR_CMPXCHG || op->code == IR_XADD)
        flags_lose_register(e, op->size, op->src, live);
    if (op->code == IR_CMPXCHG || op->code == IR_CMPXCHG8)
        flags_lose_register(e, 4, IR_EAX, live);
    if (op->code == IR_CMPXCHG8)
        flags_lose_register(e, 4, IR_EDX, live);
    if (op->code == IR_RECALL)
        flags_lose_register(e, 4, IR_T0, live);
}

static bool is_shift_by_cl(const struct ir_op *op)
{
    return ir_may_keep_flags(op) && op->code >= IR_SHL;
}

void emit_operation(struct emitter *e, const struct ir_op *op)
{
    if (op->live && is_shift_by_cl(op)) {
        flags_to_home(e);
        lose_written_registers(e, op);
        shift_by_cl(e, op);
        return;
    }
    uint16_t needed = host_flags_needed(op);
    if (needed)
        flags_to_host(e, needed);
    lose_written_registers(e, op);
    flags_keep_operand(e, op);
    functions[op->code](e, op);
    bool is_multiplication = op->code >= IR_IMUL && op->code <= IR_IMULX;
    if (ir_flags_written(op) && !is_multiplication)
        flags_produced(e, op);
}
