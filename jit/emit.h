/* Micro-operations to x86-64 code.
 *
 * Where things are while translated code runs:
 *
 *   eax ecx edx ebx ebp esi edi     the guest's registers of the same names
 *   r12d                            the guest's ESP
 *   r13d                            EIP at the beginning of the block
 *   r11d                            the budget: instructions that may still retire
 *   r14                             struct cpu + CPU_BIAS
 *   r15                             the TLB, mmu->active
 *   r8                              leads to the memory operand: linear, then the host's
 *   r10d                            T0
 *   r9                              scratch
 *
 * The guest's arithmetic flags are in one or more of three places (jit/flags.h).
 *
 * A block is laid out as: entry (checks the budget), body, edges to the next blocks; and,
 * elsewhere, the cold part: one stub for each memory access that may have to take the slow path,
 * and what edges do when they are not linked. */
#ifndef JIT_EMIT_H
#define JIT_EMIT_H

#include "jit/flags.h"
#include "jit/ir.h"
#include "jit/stats.h"
#include "jit/translation.h"
#include "jit/x64.h"

#define REG_ADDRESS R8
#define REG_SCRATCH R9
#define REG_T0      R10
#define REG_BUDGET  R11
#define REG_EIP     R13
#define REG_CPU     R14
#define REG_TLB     R15

/* So that twice as much of struct cpu can be named by a displacement of one byte. */
enum { CPU_BIAS = 128 };

struct thunks; /* jit/thunks.h */

/* What cpu->fpu does not know yet: the last x87 instruction, and the last memory operand of one. */
struct fpu_note {
    bool has_insn;
    uint8_t insn;
    const struct ir_op *data; /* its ADDRESS, whose registers are unchanged; NULL: known */
};

/* A memory access that failed the fast way: executes the whole instruction. */
struct slow_stub {
    uint8_t *jumps[8]; /* to the stub */
    unsigned jump_count;
    unsigned insn;
    const struct ir_op *op; /* its ADDRESS; NULL: something else */
    bool is_register;       /* its linear address is a register; see emit_memory.c */
    uint8_t *back;          /* where the access goes on */
    struct fpu_note note;
    struct flag_state flags; /* where they are when the stub begins */
};

/* The check that a unit is loaded (jit/units.h) failed: loads it, or leaves to the interpreter. */
struct unit_stub {
    uint8_t *jump, *back;
    unsigned insn, unit;
    unsigned loaded; /* others, that must stay so */
    struct fpu_note note;
    struct flag_state flags;
};

/* A branch out of the middle of a superblock: what is left of that goes back to the budget. */
struct exit_stub {
    uint8_t *jump;
    unsigned insn;
    uint32_t distance;
    struct flag_state flags;
};

struct emitter {
    struct x64 as;   /* where code goes; the cold part, while that is emitted */
    struct x64 cold; /* where the cold part goes */
    const struct thunks *thunks;
    const struct block_cache *cache; /* of the block */
    const struct ir *ir;
    uint32_t mode; /* enum code_mode */
    struct translation *translation;
    struct flag_state flags;
    struct x64_mem operand; /* what IR_MEMORY names */
    /* The register, enum gpr, whose run of accesses (jit/groups.c) is in REG_ADDRESS; REG_ZERO:
     * none. Now, and behind each guest instruction. */
    uint8_t held, held_after[BLOCK_MAX_INSNS];
    uint32_t run_first[8];                          /* by register, of its run's leader */
    struct flag_state flags_after[BLOCK_MAX_INSNS]; /* behind each guest instruction */
    uint16_t live_after[BLOCK_MAX_INSNS];
    uint8_t *begin[BLOCK_MAX_INSNS + 1]; /* of each guest instruction; the last: of what follows */
    struct slow_stub stubs[IR_MAX_OPS];
    unsigned stub_count;
    unsigned units; /* enum jit_unit: known to be loaded */
    uint8_t units_after[BLOCK_MAX_INSNS];
    struct fpu_note note;
    struct unit_stub unit_stubs[BLOCK_MAX_INSNS * 2];
    unsigned unit_stub_count;
    struct exit_stub exits[MAX_EDGES];
    unsigned exit_count;
    struct flag_state edge_flags[MAX_EDGES]; /* at each edge of the translation */
    struct edge spare_edge;                  /* for one that there is no room for */
    uint32_t code_bytes[CODE_KIND_COUNT];    /* of what is emitted, but for what is since mark */
    const uint8_t *mark;
    enum jit_code_kind kind; /* of what is emitted now */
};

#define CPU_FIELD(member) x64_at(REG_CPU, (int32_t)offsetof(struct cpu, member) - CPU_BIAS)

/* The host's register for a guest register or T0. */
enum host_reg emit_reg(unsigned size, unsigned value);

/* Emits the whole block at emitter->as and fills in translation's addresses. False: no room. */
bool emit_block(struct emitter *e);

/* What comes is code of another kind; for statistics. */
static inline void emit_as(struct emitter *e, enum jit_code_kind kind)
{
    e->code_bytes[e->kind] += (uint32_t)(e->as.at - e->mark);
    e->mark = e->as.at;
    e->kind = kind;
}

/* --- the parts --- */
void emit_operation(struct emitter *e, const struct ir_op *op);
void emit_address(struct emitter *e, const struct ir_op *op);
/* At the block's beginning: no run is in REG_ADDRESS. */
void emit_begin_addresses(struct emitter *e);
/* What comes may change REG_ADDRESS. */
void emit_lose_address(struct emitter *e, unsigned insn);
/* dst = the offset that op, an ADDRESS or LEA, names; flags stay. */
void emit_offset(struct emitter *e, enum host_reg dst, const struct ir_op *op);
/* dst = op's guest instruction's immediate as it is then; flags stay, uses the scratch register. */
void emit_live_immediate(struct emitter *e, enum host_reg dst, const struct ir_op *op);
/* A stub for insn, with the flags where they are now, and jumps to it. */
struct slow_stub *emit_new_stub(struct emitter *e, unsigned insn);
void emit_stub_jump(struct slow_stub *stub, uint8_t *jump);
void emit_slow_stubs(struct emitter *e);
void emit_exec(struct emitter *e, const struct ir_op *op);
void emit_jcc(struct emitter *e, const struct ir_op *op);
void emit_jecxz(struct emitter *e, const struct ir_op *op);
void emit_jump(struct emitter *e, const struct ir_op *op);
void emit_jump_to(struct emitter *e, const struct ir_op *op);
void emit_side_exit(struct emitter *e, const struct ir_op *op);
/* The exits have their edges in the cold part: before emit_edge_stubs. */
void emit_exit_stubs(struct emitter *e);
void emit_edge_stubs(struct emitter *e);

/* --- jit/emit_special.c --- */

void emit_divide(struct emitter *e, const struct ir_op *op);
void emit_scan(struct emitter *e, const struct ir_op *op);
void emit_direction(struct emitter *e, const struct ir_op *op);
void emit_forward(struct emitter *e, const struct ir_op *op);

/* --- jit/emit_system.c --- */

void emit_tsc(struct emitter *e, const struct ir_op *op);
void emit_cli(struct emitter *e, const struct ir_op *op);
void emit_sti(struct emitter *e, const struct ir_op *op);
void emit_flags_image(struct emitter *e, const struct ir_op *op);
void emit_flags_load(struct emitter *e, const struct ir_op *op);
void emit_selector(struct emitter *e, const struct ir_op *op);

/* --- x87, MMX and SSE: jit/emit_units.c --- */

void emit_units(struct emitter *e, const struct ir_op *op);
void emit_unit_stubs(struct emitter *e);
void emit_host(struct emitter *e, const struct ir_op *op);
/* Before op: makes known in cpu->fpu what it could show or make impossible to find out. */
void emit_notes_before(struct emitter *e, const struct ir_op *op);
void emit_note(struct emitter *e, const struct fpu_note *note);
/* Leaves by a thunk of that kind, with insn's beginning as the boundary. The host's flags stay. */
void emit_leave_before(struct emitter *e, unsigned insn, const uint8_t *exit);
/* In a stub that goes on behind insn: loads what the code there takes for granted. Keeps T0. */
void emit_reload_units(struct emitter *e, unsigned insn);

/* Which exec function a thunk shall call: see jit/exec.h. */
uint32_t emit_exec_id(const struct emitter *e, unsigned insn, bool touches_flags);

#endif
