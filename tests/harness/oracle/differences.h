/* What is not compared, and why: flags and results that the manual leaves undefined, and where this
 * host's maker, or its system, does something else than the manual of the processors that Anachron
 * models. One row a difference; the oracle counts how often each was needed. */
#ifndef TESTS_HARNESS_ORACLE_DIFFERENCES_H
#define TESTS_HARNESS_ORACLE_DIFFERENCES_H

#include "cpu/insn.h"
#include "tests/harness/oracle/world.h"

#include <stdio.h>

enum difference {
    DIFF_UNDEFINED_FLAGS,
    DIFF_UNDEFINED_RESULT,
    DIFF_HALF_DONE,
    DIFF_REP_ORDER,
    DIFF_FCOMI_INVALID,
    DIFF_FCOMI_C1,
    DIFF_FLD_DENORMAL,
    DIFF_CVTPI2PS,
    DIFF_TRANSCENDENTAL,
    DIFF_RECIPROCAL,
    DIFF_FPU_SELECTORS,
    DIFF_FPU_POINTERS,
    DIFF_PUSH_SELECTOR,
    DIFF_PREFETCHW,
    DIFF_MASKMOV_FAULT,
    DIFF_ALIGNMENT_ORDER,
    DIFF_INT1,
    DIFF_LAR_LIMIT,
    DIFF_MISALIGNED_MODE,
    DIFF_NULL_SELECTOR,
    DIFF_UD_LENGTH,
    DIFF_LOCK_ORDER,
    DIFF_TRANSFER_ORDER,
    DIFF_REP_LOOP,
    DIFF_PART_ORDER,
    DIFF_IDENTITY,
    DIFF_UMIP,
    DIFF_NOT_RUN,
    DIFF_COUNT
};

struct difference_row {
    const char *name;
    const char *host;   /* vendor string of the processors concerned; "any"; "Linux" */
    const char *what;   /* what is not compared, when */
    const char *reason; /* why Anachron does what it does */
    const char *manual; /* section of the SDM, where not said otherwise */
};
extern const struct difference_row difference_rows[DIFF_COUNT];
void differences_print(FILE *stream);

/* What is left out of the comparison of one program's end. */
struct tolerance {
    uint32_t flags;        /* EFLAGS bits that are undefined */
    uint32_t system_flags; /* other EFLAGS bits */
    uint32_t gpr[8];       /* bits of registers */
    uint16_t fpu_status;   /* bits of the status word */
    bool fpu_all;          /* the whole x87 state */
    bool fpu_stack;        /* TOP and which registers are empty */
    bool fpu_pointers;     /* FIP, FDP, FOP */
    bool near80;           /* x87 registers may differ by one unit in the last place */
    uint8_t near32;        /* number of the XMM register that holds approximations, plus one ... */
    uint8_t near32_count;
    bool is_root; /* ... of reciprocals of square roots */
    float near32_operand[4];
    bool fault_address;   /* of a page fault, and its error code */
    bool alignment_first; /* #AC may take the place of #PF or #GP */
    bool any_fault;       /* #SS, #GP, #PF or #AC for any other of them */
    bool eip;
    bool half_done; /* registers and memory after a fault */
    struct {
        uint32_t linear, size;
    } memory[3];
    uint64_t used; /* bit per enum difference */
};

/* Before an instruction executes. */
enum verdict {
    VERDICT_GO,
    VERDICT_LAST, /* its results cannot feed another instruction */
    VERDICT_STOP, /* it must not run: its inputs are undefined, or this host cannot run it */
};
/* undefined: EFLAGS bits that are undefined now. code: linear address of insn. */
enum verdict differences_before(const struct cpu *cpu, const struct insn *insn, uint32_t undefined,
                                struct tolerance *tolerance);
/* When it has executed without a fault. */
enum verdict differences_after(const struct cpu *cpu, const struct insn *insn, uint32_t *undefined,
                               struct tolerance *tolerance);
/* When it faulted; false: the host's fault says nothing. */
bool differences_fault(const struct cpu *cpu, const struct insn *insn, int vector,
                       struct tolerance *tolerance);
/* EFLAGS bits that are undefined when the instruction has executed, or faulted, from undefined
 * ones before it. gpr: the registers with which it began. */
uint32_t differences_flags(const uint32_t gpr[8], const struct insn *insn, bool faulted,
                           uint32_t undefined);

/* Whether a form is never run, or never compared, on any host. NULL: it is; else why not. */
const char *differences_not_run(const struct insn_row *row);

#endif
