/* Where the guest's arithmetic flags are, while a block is emitted.
 *
 *   host    in the host's flags
 *   home    in cpu->frame.flags: the high byte as LAHF gives it (SF, ZF, AF, PF, CF), the low one
 *           is OF, 0 or 1
 *   recipe  nowhere, but an instruction on registers that still have their values computes them
 *           again
 *
 * While flags are wanted at least one of the three is true. Storing flags takes five instructions,
 * and they are hardly ever looked at; what makes them storable at any time is that instructions may
 * fault. So they are stored only when the last other place is about to be lost, and in the cold
 * parts: before the slow path of a memory access, and where a block is left to one that does not
 * overwrite them. */
#ifndef JIT_FLAGS_H
#define JIT_FLAGS_H

#include "jit/ir.h"
#include "jit/x64.h"

/* An operand that is in cpu->frame.slot: T0 as it was, or what a shift has shifted. */
enum { RECIPE_SLOT = IR_NONE + 1 };

/* An operation that gives the flags: code, size, operands as in struct ir_op; dst has the result
 * already, if the operation writes one. */
struct flag_recipe {
    uint8_t code;
    uint8_t size, dst, src;
    uint32_t imm;
    uint8_t slot_insn; /* the guest instruction that stored the slot */
    int32_t moved;     /* dst is a 32-bit register that has since been moved by this much */
};

struct flag_state {
    bool host, home, has_recipe;
    bool carry_home; /* CF at least is at home */
    bool shifted;    /* in the host AF is as its shifts leave it; the guest's is 0 */
    struct flag_recipe recipe;
};

/* Where a stub has the flags when it has done what it can with little code. */
enum flags_place {
    FLAGS_HOME,
    FLAGS_HOST,
    FLAGS_SHIFTED, /* in the host, and AF as its shifts leave it */
    FLAGS_PLACES,
};

struct emitter;

/* Shifts leave AF undefined: here it is 0. The host's may set it, or clear it, always. False: this
 * host does something else, which the translator has no code for. */
bool flags_host_is_known(void);

/* Code for: host's flags to home. Uses the scratch register. */
void flags_emit_save(struct x64 *as, bool shifted);
/* Home to the host's flags, those in mask at least. */
void flags_emit_restore(struct x64 *as, uint16_t mask);
/* The same for code that takes AF to be as the host's shifts leave it. */
void flags_emit_restore_shifted(struct x64 *as);
/* The recipe again. Uses the scratch register. */
void flags_emit_recipe(struct x64 *as, const struct flag_recipe *recipe);

/* Code that makes state->home true, from wherever the flags are. save: struct thunks' save_flags,
 * to be called in cold parts, where short code is better than quick code; NULL: not. */
void flags_emit_to_home(struct x64 *as, const struct flag_state *state,
                        uint8_t *const save[FLAGS_PLACES]);
/* Code for stubs, which then go to a thunk for the place that is returned. Uses the scratch
 * register; what follows must leave the host's flags alone. */
enum flags_place flags_emit_for_thunk(struct x64 *as, const struct flag_state *state);

/* --- as part of the block --- */

/* Makes home true, for flags that are wanted. */
void flags_to_home(struct emitter *e);
/* Makes host true, for the flags in mask at least. */
void flags_to_host(struct emitter *e, uint16_t mask);
/* The host's flags are about to be lost; live: flags that are wanted later. */
void flags_lose_host(struct emitter *e, uint16_t live);
/* Register value (enum ir_value; size as in an operation) is about to change. */
void flags_lose_register(struct emitter *e, unsigned size, unsigned value, uint16_t live);
/* The 32-bit register is about to be moved by this much. */
void flags_move_register(struct emitter *e, unsigned value, int32_t by, uint16_t live);
/* op, a shift, is about to be emitted: its operand may be wanted for a recipe. */
void flags_keep_operand(struct emitter *e, const struct ir_op *op);
/* op, a multiplication, has been emitted; low: the register with the low half. */
void flags_multiplied(struct emitter *e, const struct ir_op *op, unsigned low);
/* op, which writes flags, has been emitted and has set the host's flags. */
void flags_produced(struct emitter *e, const struct ir_op *op);
/* Flags that are wanted when op begins. */
uint16_t flags_wanted_before(const struct ir_op *op);

#endif
