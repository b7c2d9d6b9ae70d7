/* From decoded instructions to micro-operations. A row of the instruction table has a lift or not;
 * one without is an IR_EXEC of its exec function. */
#ifndef JIT_LIFT_H
#define JIT_LIFT_H

#include "cpu/model.h"
#include "jit/ir.h"

struct lifts;

/* Finds the lift of every row, for the quirks of model. The caller owns it. */
struct lifts *lifts_new(const struct cpu_model *model);
void lifts_free(struct lifts *lifts);
/* For `anachron isa`. */
bool lifts_has(const struct lifts *lifts, unsigned row);

/* Fills ir with block's operations, without live flags. mode: enum code_mode. */
void lift_block(const struct lifts *lifts, const struct block *block, uint32_t mode, struct ir *ir);

/* Makes the operations of instructions of this mnemonic wrong, so that what finds mistakes can be
 * tested: they write another register. mnemonic ends at a comma, too. */
void lift_spoil(struct ir *ir, const char *mnemonic);

#endif
