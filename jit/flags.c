/* See jit/flags.h. */
#include "jit/flags.h"

#include "jit/emit.h"

#include <stddef.h>

/* --- code --- */

enum { LAHF_AF = FLAG_AF << 8 };

/* AF after a shift, with AF clear before, or set. */
static bool shift_sets_af(bool before)
{
    uint64_t flags = before ? FLAG_FIXED | FLAG_AF : FLAG_FIXED;
    uint32_t value = 0x5A;
    __asm__ volatile("push %0; popf; shll $3, %1; pushf; pop %0" : "+r"(flags), "+r"(value)::"cc");
    return flags & FLAG_AF;
}

bool flags_host_is_known(void)
{
    return shift_sets_af(false) == shift_sets_af(true);
}

/* RAX is freed for LAHF and SETO. */
void flags_emit_save(struct x64 *as, bool shifted)
{
    x64_mov_rr(as, 4, REG_SCRATCH, RAX);
    x64_byte(as, 0x9F); /* lahf */
    x64_setcc_r(as, X64_O, RAX);
    if (shifted && shift_sets_af(false))
        x64_lea(as, 4, RAX, x64_at(RAX, -LAHF_AF));
    x64_mov_mr(as, 2, CPU_FIELD(frame.flags), RAX);
    x64_mov_rr(as, 4, RAX, REG_SCRATCH);
}

static void emit_carry_from_home(struct x64 *as)
{
    struct x64_mem home = CPU_FIELD(frame.flags);
    x64_rm(as, 2, 0x0FBA, (enum host_reg)4, &home); /* bt */
    x64_byte(as, 8);
}

void flags_emit_restore(struct x64 *as, uint16_t mask)
{
    if (mask == F_C) {
        emit_carry_from_home(as);
        return;
    }
    x64_mov_rr(as, 4, REG_SCRATCH, RAX);
    x64_movx_rm(as, 4, RAX, CPU_FIELD(frame.flags), 2, false);
    if (mask & F_O)
        x64_alu_ri(as, X64_ADD, 1, RAX, 0x7F); /* overflows if AL is 1 */
    x64_byte(as, 0x9E);                        /* sahf */
    x64_mov_rr(as, 4, RAX, REG_SCRATCH);
}

void flags_emit_restore_shifted(struct x64 *as)
{
    x64_mov_rr(as, 4, REG_SCRATCH, RAX);
    x64_movx_rm(as, 4, RAX, CPU_FIELD(frame.flags), 2, false);
    if (shift_sets_af(false))
        x64_lea(as, 4, RAX, x64_at(RAX, LAHF_AF));
    x64_alu_ri(as, X64_ADD, 1, RAX, 0x7F);
    x64_byte(as, 0x9E); /* sahf */
    x64_mov_rr(as, 4, RAX, REG_SCRATCH);
}

/* The scratch register becomes the result, with extra added: the operand as it was. */
static void emit_operand(struct x64 *as, const struct flag_recipe *recipe, int32_t extra)
{
    enum host_reg dst = emit_reg(recipe->size, recipe->dst);
    int32_t disp = extra - recipe->moved;
    if (disp == 0)
        x64_mov_rr(as, recipe->size, REG_SCRATCH, dst);
    else if (recipe->size == 1)
        x64_movx_rr(as, 4, REG_SCRATCH, dst, 1, false);
    else
        x64_lea(as, 4, REG_SCRATCH, x64_at(dst, disp));
    if (disp && recipe->size == 1)
        x64_lea(as, 4, REG_SCRATCH, x64_at(REG_SCRATCH, disp));
}

static void emit_alu(struct x64 *as, enum x64_alu op, const struct flag_recipe *recipe,
                     enum host_reg dst)
{
    if (recipe->src == IR_IMMEDIATE)
        x64_alu_ri(as, op, recipe->size, dst, recipe->imm);
    else
        x64_alu_rr(as, op, recipe->size, dst, emit_reg(recipe->size, recipe->src));
}

/* The register to use as it is, or the scratch register with what it was before it moved. */
static enum host_reg emit_unmoved(struct x64 *as, const struct flag_recipe *recipe)
{
    if (!recipe->moved)
        return emit_reg(recipe->size, recipe->dst);
    emit_operand(as, recipe, 0);
    return REG_SCRATCH;
}

/* ADD and SUB: from the result back to the operand, and again. */
static void emit_again(struct x64 *as, const struct flag_recipe *recipe)
{
    bool adds = recipe->code == IR_ADD;
    enum x64_alu op = adds ? X64_ADD : X64_SUB, inverse = adds ? X64_SUB : X64_ADD;
    if (recipe->src == IR_IMMEDIATE && recipe->size == 4) {
        emit_operand(as, recipe, (int32_t)(adds ? -recipe->imm : recipe->imm));
    } else {
        emit_operand(as, recipe, 0);
        emit_alu(as, inverse, recipe, REG_SCRATCH);
    }
    emit_alu(as, op, recipe, REG_SCRATCH);
}

void flags_emit_recipe(struct x64 *as, const struct flag_recipe *recipe)
{
    enum host_reg dst;
    switch (recipe->code) {
    case IR_CMP:
        dst = emit_unmoved(as, recipe);
        emit_alu(as, X64_CMP, recipe, dst);
        break;
    case IR_TEST:
        dst = emit_unmoved(as, recipe);
        if (recipe->src == IR_IMMEDIATE)
            x64_test_ri(as, recipe->size, dst, recipe->imm);
        else
            x64_test_rr(as, recipe->size, dst, emit_reg(recipe->size, recipe->src));
        break;
    case IR_AND: /* and OR and XOR: from the result */
        dst = emit_unmoved(as, recipe);
        x64_test_rr(as, recipe->size, dst, dst);
        break;
    case IR_INC:
        emit_operand(as, recipe, -1);
        emit_carry_from_home(as);
        x64_inc_r(as, recipe->size, REG_SCRATCH);
        break;
    case IR_DEC:
        emit_operand(as, recipe, 1);
        emit_carry_from_home(as);
        x64_dec_r(as, recipe->size, REG_SCRATCH);
        break;
    case IR_NEG:
        emit_operand(as, recipe, 0);
        x64_unary_r(as, X64_NEG, recipe->size, REG_SCRATCH);
        x64_unary_r(as, X64_NEG, recipe->size, REG_SCRATCH);
        break;
    default:
        emit_again(as, recipe);
        break;
    }
}

void flags_emit_to_home(struct x64 *as, const struct flag_state *state)
{
    if (state->home)
        return;
    if (!state->host)
        flags_emit_recipe(as, &state->recipe);
    flags_emit_save(as, state->host && state->shifted);
}

/* --- tracking --- */

uint16_t flags_wanted_before(const struct ir_op *op)
{
    uint16_t kept = ir_may_keep_flags(op) ? 0 : ir_flags_written(op);
    return (uint16_t)((op->live & ~kept) | ir_flags_read(op));
}

void flags_to_home(struct emitter *e)
{
    if (e->flags.home)
        return;
    flags_emit_to_home(&e->as, &e->flags);
    e->flags.host = true;
    e->flags.home = e->flags.carry_home = true;
}

void flags_to_host(struct emitter *e, uint16_t mask)
{
    if (e->flags.host)
        return;
    e->flags.shifted = false;
    if (e->flags.has_recipe) {
        flags_emit_recipe(&e->as, &e->flags.recipe);
        e->flags.host = true;
        return;
    }
    flags_emit_restore(&e->as, mask);
    e->flags.host = mask == F_ALL6;
}

void flags_lose_host(struct emitter *e, uint16_t live)
{
    struct flag_state *flags = &e->flags;
    if (live && flags->host && !flags->home && !flags->has_recipe)
        flags_to_home(e);
    flags->host = false;
}

static unsigned whole_register(unsigned size, unsigned value)
{
    return size == 1 && value < IR_T0 ? value & 3 : value;
}

static bool recipe_uses(const struct flag_recipe *recipe, unsigned reg)
{
    return whole_register(recipe->size, recipe->dst) == reg ||
           (recipe->src <= IR_T0 && whole_register(recipe->size, recipe->src) == reg);
}

void flags_lose_register(struct emitter *e, unsigned size, unsigned value, uint16_t live)
{
    struct flag_state *flags = &e->flags;
    if (!flags->has_recipe || !recipe_uses(&flags->recipe, whole_register(size, value)))
        return;
    if (live && !flags->host && !flags->home) {
        flags_emit_recipe(&e->as, &flags->recipe);
        flags->host = true;
    }
    flags->has_recipe = false;
}

void flags_move_register(struct emitter *e, unsigned value, int32_t by, uint16_t live)
{
    struct flag_recipe *recipe = &e->flags.recipe;
    if (e->flags.has_recipe && recipe->size == 4 && recipe->dst == value && recipe->src != value)
        recipe->moved += by;
    else
        flags_lose_register(e, 4, value, live);
}

/* --- recipes --- */

static bool is_high_byte(const struct ir_op *op, unsigned value)
{
    return op->size == 1 && value >= 4 && value < IR_T0;
}

/* Whether the recipe's code can name all registers: AH and so on exclude the newer ones. */
static bool can_name(const struct ir_op *op, bool uses_scratch)
{
    bool high = is_high_byte(op, op->dst) || (op->src < IR_T0 && is_high_byte(op, op->src));
    return !high || (!uses_scratch && op->dst != IR_T0 && op->src != IR_T0);
}

static bool make_recipe(const struct flag_state *before, const struct ir_op *op,
                        struct flag_recipe *recipe)
{
    *recipe = (struct flag_recipe){op->code, op->size, op->dst, op->src, op->imm, 0};
    if (op->dst > IR_T0)
        return false;
    switch (op->code) {
    case IR_CMP:
    case IR_TEST:
        return can_name(op, false) && op->src != IR_MEMORY;
    case IR_AND:
    case IR_OR:
    case IR_XOR:
        recipe->code = IR_AND;
        recipe->src = IR_NONE;
        return op->dst == IR_T0 || !is_high_byte(op, op->dst);
    case IR_SUB:
    case IR_ADD:
        if (op->code == IR_SUB && op->dst == op->src) {
            recipe->code = IR_CMP;
            return can_name(op, false);
        }
        return can_name(op, true) && op->src != IR_T0 &&
               whole_register(op->size, op->src) != whole_register(op->size, op->dst) &&
               (op->src <= IR_EDI || op->src == IR_IMMEDIATE);
    case IR_INC:
    case IR_DEC:
        return can_name(op, true) && before->carry_home;
    case IR_NEG:
        return can_name(op, true);
    default:
        return false;
    }
}

static bool is_shift(const struct ir_op *op)
{
    return op->code >= IR_SHL && op->code <= IR_SHRD;
}

void flags_produced(struct emitter *e, const struct ir_op *op)
{
    struct flag_state before = e->flags;
    e->flags = (struct flag_state){.host = true};
    e->flags.shifted = is_shift(op) || (before.shifted && !(ir_flags_written(op) & F_A));
    e->flags.carry_home = before.carry_home && !(ir_flags_written(op) & F_C);
    e->flags.has_recipe = make_recipe(&before, op, &e->flags.recipe);
}
