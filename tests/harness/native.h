/* The host processor as oracle: runs 32-bit user-mode instructions natively, in a
 * compatibility-mode code segment of this process. x86-64 Linux only; elsewhere native_open returns
 * false.
 *
 * Registers are loaded by returning from a signal with an edited context, and read back from the
 * signal that the breakpoint behind the instruction (or its fault) raises. */
#ifndef TESTS_HARNESS_NATIVE_H
#define TESTS_HARNESS_NATIVE_H

#include <stdbool.h>
#include <stdint.h>

/* Memory at the same linear addresses as in the test's guest; the first page is for code, and INT3
 * wherever nothing else was written. */
enum {
    NATIVE_CODE = 0x100000,
    NATIVE_DATA = 0x200000,
    NATIVE_DATA_SIZE = 0x1000,
};

struct native_state {
    uint32_t gpr[8]; /* SDM order */
    /* In 16-bit segments: code from NATIVE_CODE, data and stack from NATIVE_DATA, each with the
     * limit of what is mapped. Otherwise flat 32-bit ones. */
    bool code16;
    uint32_t eip, eflags;
    int signal;       /* out: SIGTRAP: the breakpoint was reached, and eip is its address */
    uint32_t address; /* out: of the page fault, for SIGSEGV that is one; else 0 */
};

bool native_open(void);
/* The kernel lets us have segments of our own, for code16. */
bool native_has_code16(void);
void native_close(void);
/* Runs from state->eip to the next INT3 or fault. */
void native_run(struct native_state *state);

#endif
