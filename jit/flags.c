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
    int32_t disp = extra - recipe->moved;
    if (recipe->dst == RECIPE_SLOT) {
        x64_mov_rm(as, 4, REG_SCRATCH, CPU_FIELD(frame.slot));
        if (disp)
            x64_lea(as, 4, REG_SCRATCH, x64_at(REG_SCRATCH, disp));
        return;
    }
    enum host_reg dst = emit_reg(recipe->size, recipe->dst);
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
    else if (recipe->src == RECIPE_SLOT)
        x64_alu_rm(as, op, recipe->size, dst, CPU_FIELD(frame.slot));
    else
        x64_alu_rr(as, op, recipe->size, dst, emit_reg(recipe->size, recipe->src));
}

/* The register to use as it is, or the scratch register with what it was before it moved. */
static enum host_reg emit_unmoved(struct x64 *as, const struct flag_recipe *recipe)
{
    if (!recipe->moved && recipe->dst != RECIPE_SLOT)
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

static void emit_test_slot(struct x64 *as, unsigned size, enum host_reg reg)
{
    struct x64_mem slot = CPU_FIELD(frame.slot);
    x64_rm(as, size, size == 1 ? 0x84 : 0x85, reg, &slot);
}

static bool is_shift_code(unsigned code)
{
    return code >= IR_SHL && code <= IR_SHRD;
}

/* To home: CF and OF are what OF at home says; SF and PF follow the low half, ZF and AF are clear.
 */
static void emit_multiplied_to_home(struct x64 *as, const struct flag_recipe *recipe)
{
    enum host_reg low = emit_reg(recipe->size, recipe->dst);
    x64_mov_rr(as, 4, REG_SCRATCH, RAX);
    x64_test_rr(as, recipe->size, low, low);
    x64_byte(as, 0x9F); /* lahf */
    x64_movx_rr(as, 4, RAX, HOST_AH, 1, false);
    x64_alu_ri(as, X64_AND, 4, RAX, FLAG_SF | FLAG_PF | FLAG_FIXED);
    x64_alu_rm(as, X64_OR, 1, RAX, CPU_FIELD(frame.flags));
    x64_shift_ri(as, X64_SHL, 4, RAX, 8);
    x64_mov_rm(as, 1, RAX, CPU_FIELD(frame.flags));
    x64_mov_mr(as, 2, CPU_FIELD(frame.flags), RAX);
    x64_mov_rr(as, 4, RAX, REG_SCRATCH);
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
        else if (recipe->src == RECIPE_SLOT)
            emit_test_slot(as, recipe->size, dst);
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
    case IR_SHL:
    case IR_SHR:
    case IR_SAR:
        emit_operand(as, recipe, 0);
        x64_shift_ri(as,
                     recipe->code == IR_SHL   ? X64_SHL
                     : recipe->code == IR_SHR ? X64_SHR
                                              : X64_SAR,
                     recipe->size, REG_SCRATCH, recipe->imm);
        break;
    default:
        emit_again(as, recipe);
        break;
    }
}

enum flags_place flags_emit_for_thunk(struct x64 *as, const struct flag_state *state)
{
    if (state->home)
        return FLAGS_HOME;
    if (!state->host && state->recipe.code == IR_IMUL) {
        emit_multiplied_to_home(as, &state->recipe);
        return FLAGS_HOME;
    }
    if (!state->host)
        flags_emit_recipe(as, &state->recipe);
    bool shifted = state->host ? state->shifted : is_shift_code(state->recipe.code);
    return shifted ? FLAGS_SHIFTED : FLAGS_HOST;
}

void flags_emit_to_home(struct x64 *as, const struct flag_state *state,
                        uint8_t *const save[FLAGS_PLACES])
{
    enum flags_place place = flags_emit_for_thunk(as, state);
    if (place == FLAGS_HOME)
        return;
    if (save)
        x64_call_to(as, save[place]);
    else
        flags_emit_save(as, place == FLAGS_SHIFTED);
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
    flags_emit_to_home(&e->as, &e->flags, NULL);
    if (!e->flags.host) {
        e->flags.host = e->flags.recipe.code != IR_IMUL;
        e->flags.shifted = is_shift_code(e->flags.recipe.code);
    }
    e->flags.home = e->flags.carry_home = true;
}

/* Does what the recipe says; the flags are then in the host, or, of a multiplication, at home. */
static void follow_recipe(struct emitter *e)
{
    struct flag_state *flags = &e->flags;
    if (flags->recipe.code == IR_IMUL) {
        flags_to_home(e);
        return;
    }
    flags_emit_recipe(&e->as, &flags->recipe);
    flags->host = true;
    flags->shifted = is_shift_code(flags->recipe.code);
}

void flags_to_host(struct emitter *e, uint16_t mask)
{
    if (e->flags.host)
        return;
    e->flags.shifted = false;
    if (e->flags.has_recipe)
        follow_recipe(e);
    if (e->flags.host)
        return;
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
    if (live && !flags->host && !flags->home)
        follow_recipe(e);
    flags->has_recipe = false;
}

void flags_move_register(struct emitter *e, unsigned value, int32_t by, uint16_t live)
{
    struct flag_recipe *recipe = &e->flags.recipe;
    if (e->flags.has_recipe && recipe->code != IR_IMUL && recipe->size == 4 &&
        recipe->dst == value && recipe->src != value)
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

static bool is_operand_kept(const struct ir_op *op)
{
    return op->code >= IR_SHL && op->code <= IR_SAR && op->src == IR_IMMEDIATE && op->live &&
           op->dst < IR_T0 && !is_high_byte(op, op->dst);
}

void flags_keep_operand(struct emitter *e, const struct ir_op *op)
{
    if (is_operand_kept(op))
        x64_mov_mr(&e->as, 4, CPU_FIELD(frame.slot), emit_reg(4, op->dst));
}

/* T0 does not live long. */
static void keep_t0(struct emitter *e, struct flag_recipe *recipe, const struct ir_op *op)
{
    if (!op->live || (recipe->dst != IR_T0 && recipe->src != IR_T0))
        return;
    x64_mov_mr(&e->as, 4, CPU_FIELD(frame.slot), REG_T0);
    if (recipe->dst == IR_T0)
        recipe->dst = RECIPE_SLOT;
    else
        recipe->src = RECIPE_SLOT;
}

static bool make_recipe(const struct flag_state *before, const struct ir_op *op,
                        struct flag_recipe *recipe)
{
    *recipe = (struct flag_recipe){
        .code = op->code, .size = op->size, .dst = op->dst, .src = op->src, .imm = op->imm};
    if (op->dst > IR_T0)
        return false;
    switch (op->code) {
    case IR_CMP:
    case IR_TEST:
        return can_name(op, false) && op->src != IR_MEMORY && op->src != IR_LIVE;
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
        return can_name(op, true) &&
               whole_register(op->size, op->src) != whole_register(op->size, op->dst) &&
               (op->src <= IR_T0 || op->src == IR_IMMEDIATE);
    case IR_INC:
    case IR_DEC:
        return can_name(op, true) && before->carry_home;
    case IR_NEG:
        return can_name(op, true);
    case IR_SHL:
    case IR_SHR:
    case IR_SAR:
        recipe->dst = RECIPE_SLOT;
        return is_operand_kept(op);
    default:
        return false;
    }
}

void flags_multiplied(struct emitter *e, const struct ir_op *op, unsigned low)
{
    e->flags = (struct flag_state){.host = true};
    if (!(op->live & ir_flags_undefined(op)))
        return;
    struct x64_mem home = CPU_FIELD(frame.flags);
    x64_rm(&e->as, 4, 0x0F90 + X64_O, (enum host_reg)0, &home);
    e->flags = (struct flag_state){.has_recipe = true};
    e->flags.recipe = (struct flag_recipe){
        .code = IR_IMUL, .size = op->size, .dst = (uint8_t)low, .src = IR_NONE};
}

void flags_produced(struct emitter *e, const struct ir_op *op)
{
    struct flag_state before = e->flags;
    e->flags = (struct flag_state){.host = true};
    e->flags.shifted = is_shift_code(op->code) || (before.shifted && !(ir_flags_written(op) & F_A));
    e->flags.carry_home = before.carry_home && !(ir_flags_written(op) & F_C);
    e->flags.has_recipe = make_recipe(&before, op, &e->flags.recipe);
    if (e->flags.has_recipe)
        keep_t0(e, &e->flags.recipe, op);
    e->flags.recipe.slot_insn = op->insn;
}
