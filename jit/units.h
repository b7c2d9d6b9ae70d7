/* The host's x87, MMX and SSE registers as the guest's.
 *
 * frame.units says which of the guest's register files are in the host's registers right now:
 *
 *   UNIT_SSE   XMM0..XMM7 and MXCSR. Loaded by the first SSE instruction that finds them elsewhere,
 *              stored before any C function runs, since that may use these registers.
 *   UNIT_FPU   the x87 and MMX registers with tags, status and control word. Code from C leaves
 *              them alone (no long double, no MMX), so they stay loaded across calls of exec
 *              functions that have nothing to do with them, and are stored when translated code is
 *              left, and before an exec function that may look at them or at the reasons for which
 *              they may be loaded. The instruction and operand pointers are never there: they stay
 *              in cpu->fpu.
 *
 * They are loaded only while their instructions cannot fault: no reason for #NM or #UD in CR0 and
 * CR4, and every exception masked. Rounding, precision, the sticky flags, tags, stack faults and
 * condition codes are then the host's business; simd_native and x87_native in tests/insn prove that
 * it does as the interpreter. Where this does not hold, the block is interpreted. */
#ifndef JIT_UNITS_H
#define JIT_UNITS_H

#include "cpu/insn.h"

enum jit_unit {
    UNIT_SSE = 1 << 0,
    UNIT_FPU = 1 << 1,
    UNIT_FPU_USED = 1 << 2, /* it was loaded; the host's control word may still be the guest's */
};

/* Whether the host can hold the guest's registers at all. */
bool units_available(void);

/* Loads UNIT_FPU, if it may be loaded: frame.units says whether it was. Uses the host's XMM
 * registers. */
void units_load_fpu(struct cpu *cpu);
/* Stores UNIT_FPU, which must be loaded. */
void units_store_fpu(struct cpu *cpu);
/* Executes a function of one or two registers, such as FSIN, without storing all of UNIT_FPU.
 * False: it is another instruction, or it must be executed with UNIT_FPU stored; nothing has
 * happened. */
bool units_call_function(struct cpu *cpu, const struct insn *insn);
/* When translated code has been left: everything is stored, and the host's x87 becomes what C
 * expects. */
void units_leave(struct cpu *cpu);

/* The units that may not be loaded while the row's exec function runs. row NULL: not an
 * instruction. */
unsigned units_of_exec(const struct insn_row *row);
/* The unit whose registers the host's instruction of the same encoding works on; 0: the row must be
 * executed by its exec function. */
unsigned units_of_host_row(const struct insn_row *row);

#endif
