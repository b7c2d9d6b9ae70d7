/* What the files with lifts share. */
#ifndef JIT_LIFT_PRIVATE_H
#define JIT_LIFT_PRIVATE_H

#include "jit/lift.h"

struct lifter {
    struct ir *ir;
    const struct insn *insn;
    const struct insn_row *row;
    unsigned index; /* of insn in its block */
    uint32_t mode;  /* enum code_mode */
    unsigned units; /* enum jit_unit: loaded by what was lifted so far */
};

/* Appends the operations of l->insn. False: this form has none; nothing that was appended counts.
 * code: the operation that the table of lifts gives. */
typedef bool lift_function(struct lifter *l, enum ir_code code);

/* Appends an operation; returns it for the rest of its members. */
struct ir_op *lift_op(struct lifter *l, enum ir_code code, unsigned size, unsigned dst,
                      unsigned src);
/* Of the ModRM operand. */
void lift_address(struct lifter *l, unsigned size, enum mmu_access access);
/* Of the word at ESP + offset. */
void lift_stack(struct lifter *l, unsigned size, int32_t offset, enum mmu_access access);
/* ESP = base + offset, without flags. */
void lift_move_stack(struct lifter *l, enum gpr base, int32_t offset);

/* --- operands by their letters in the row --- */

/* The n-th operand's letters, up to a comma or the end; NULL if there is none. */
const char *lift_letters(const struct lifter *l, unsigned n);
/* In bytes; 0 for an immediate, which has the size of its instruction. */
unsigned lift_size(const struct lifter *l, const char *letters);
/* A register, IR_IMMEDIATE, or IR_MEMORY, for which an address is appended. */
unsigned lift_operand(struct lifter *l, const char *letters, unsigned size, enum mmu_access access);
/* The immediate, while T0 is not free: IR_IMMEDIATE, or IR_LIVE if it is being patched. */
unsigned lift_immediate_beside(struct lifter *l);
/* The immediate, while T0 is free: IR_IMMEDIATE, or T0 with what it is then if it is being patched.
 */
unsigned lift_immediate(struct lifter *l, unsigned size);
/* The same, memory being fetched into T0. */
unsigned lift_source(struct lifter *l, const char *letters, unsigned size);
/* For an operand that is read and written: itself, or T0 with what memory has. Afterwards
 * lift_store puts T0 back. */
unsigned lift_target(struct lifter *l, const char *letters, unsigned size);
void lift_store(struct lifter *l, unsigned target, unsigned size);

/* Whether the instruction's immediate has been patched, and probably will be again. */
static inline bool lift_is_patched(const struct lifter *l)
{
    return l->ir->block->patched_immediates >> l->index & 1;
}
static inline bool lift_is_memory(const struct lifter *l)
{
    return l->insn->flags & INSN_MEMORY;
}
static inline bool lift_is_32(const struct lifter *l)
{
    return l->insn->flags & INSN_OPERAND32;
}
static inline uint32_t lift_next(const struct lifter *l)
{
    return (uint32_t)l->insn->offset + l->insn->length;
}

lift_function lift_arithmetic, lift_compare, lift_move, lift_unary, lift_shift, lift_double_shift,
    lift_extend, lift_lea, lift_multiply, lift_multiply_wide, lift_bit, lift_set, lift_cmov,
    lift_exchange, lift_bswap, lift_convert, lift_nop, lift_push, lift_pop, lift_leave, lift_jcc,
    lift_jump, lift_jump_to, lift_call, lift_call_to, lift_ret, lift_loop, lift_jecxz, lift_lods,
    lift_stos, lift_movs, lift_scas, lift_divide, lift_scan, lift_exchange_add,
    lift_compare_exchange8, lift_carry, lift_direction, lift_time_stamp, lift_cli, lift_sti,
    lift_pushf, lift_popf, lift_selector;

/* For rows of x87, MMX and SSE, and what belongs to them; NULL: none. */
lift_function *lift_find_unit(const struct insn_row *row);

#endif
