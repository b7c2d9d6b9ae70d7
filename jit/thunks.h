/* Code that is emitted once: the way into translated code and out of it, calls from it to C, and
 * the lookup of the next block. See jit/emit.h for the registers. */
#ifndef JIT_THUNKS_H
#define JIT_THUNKS_H

#include "cpu/block_cache.h"
#include "jit/flags.h"

enum { THUNKS_MAX_ACCESS = 16 }; /* bytes */

struct thunks {
    /* As written, like all addresses that code refers to. */
    uint8_t *enter;      /* see thunks_enter */
    uint8_t *exec;       /* call with R8 = exec id: exec_insn */
    uint8_t *exec_end;   /* the same with exec_last */
    uint8_t *exec_whole; /* both, when the exec function must find the x87 put away */
    uint8_t *exec_end_whole;
    /* The same as what is named, by enum flags_place, for stubs: they begin with flags_emit_save.
     */
    uint8_t *stub_exec[FLAGS_PLACES], *stub_exec_end[FLAGS_PLACES];
    uint8_t *stub_exec_whole[FLAGS_PLACES], *stub_exec_end_whole[FLAGS_PLACES];
    uint8_t *stub_jump[FLAGS_PLACES], *stub_jump_alone[FLAGS_PLACES];
    uint8_t *stub_exit_edge[FLAGS_PLACES];
    uint8_t *load_sse;       /* call: loads UNIT_SSE if it may be; keeps T0, uses scratch */
    uint8_t *load_fpu;       /* the same for UNIT_FPU; UNIT_SSE is stored */
    uint8_t *exit_interpret; /* jump: EXIT_INTERPRET */
    uint8_t *jump;           /* jump: to the block at EIP, if it is translated */
    uint8_t *over_budget[BLOCK_MAX_INSNS + 1]; /* jump: gives the instructions that were taken from
                                                  the budget back, and EXIT_BOUNDARY */
    /* call, by the size of the operand: R8 = linear address; E: it can be written, into a page with
     * code, too, where there is none; R8 is the host's address, or how far that is from the linear
     * one */
    uint8_t *probe_write[THUNKS_MAX_ACCESS + 1];
    uint8_t *probe_write_addend[THUNKS_MAX_ACCESS + 1];
    uint8_t *save_flags[FLAGS_PLACES];    /* call: flags_emit_save, or nothing */
    uint8_t *restore_flags[FLAGS_PLACES]; /* call: from home to there */
    uint8_t *jump_alone;    /* jump: to the block at EIP, translated without runs; or EXIT_RUN */
    uint8_t *lookup;        /* jump: the same, not looking into the jump cache */
    uint8_t *exit_boundary; /* jump: EXIT_BOUNDARY */
    uint8_t *exit_run;      /* jump: EXIT_RUN */
    uint8_t *exit_edge;     /* jump with the edge's id pushed: EXIT_EDGE */
};

/* Code that jumps to the block at EIP: looks into the jump cache, then goes to thunks->lookup. */
void thunks_emit_jump(const struct thunks *thunks, struct x64 *as);

/* Code that makes the scratch register the index of the TLB entry, in bytes, for the address that
 * is in linear. */
void thunks_emit_tlb_index(struct x64 *as, enum host_reg linear);
/* A member of that entry, by its offset. */
struct x64_mem thunks_tlb_field(size_t member);

void thunks_emit(struct thunks *thunks, struct x64 *as);

/* What thunks->enter runs as: jumps to code with the guest's registers loaded; returns enum
 * jit_exit. */
typedef uint32_t thunks_enter(struct cpu *cpu, const uint8_t *code);

#endif
