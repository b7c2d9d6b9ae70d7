/* Executes one x87, MMX or SSE instruction on the host's processor (x86-64 only) and in the
 * emulator, from the same state. The oracle of the x87_native and simd_native tests. */
#ifndef TESTS_INSN_NATIVE_H
#define TESTS_INSN_NATIVE_H

#include "cpu/fpu_state.h"
#include "machine/vectors_run.h"

#include <stdbool.h>
#include <stdint.h>

enum { NATIVE_MEMORY = 64 };

/* What an instruction can read and change. Registers of the x87 stack are physical ones. */
struct native_state {
    uint16_t control, status, tags; /* tags: the full tag word */
    struct float80 reg[8];
    union xmm_register xmm[8];
    uint32_t mxcsr;
    uint32_t flags; /* arithmetic EFLAGS */
    uint32_t eax;
    uint8_t memory[NATIVE_MEMORY]; /* at [edx], aligned to 64 bytes */
    bool raised;                   /* a SIMD floating-point exception, #XM */
};

/* Instruction bytes; memory operands must be [edx] without displacement (ModRM 00 reg 010). EDI has
 * the same address, for MASKMOV. */
struct native_insn {
    uint8_t bytes[15];
    uint8_t length;
};

struct native;

/* NULL: this host has no such processor. */
struct native *native_new(void);
/* Whether the guest's processor model (the richest there is) has enum cpu_feature. */
bool native_has(const struct native *native, unsigned feature);
void native_free(struct native *native);
void native_run_host(struct native *native, const struct native_insn *insn,
                     struct native_state *state);
/* False: the instruction did not come to its end, nor raise #XM. */
bool native_run_guest(struct native *native, const struct native_insn *insn,
                      struct native_state *state);

/* xorshift64*, so that a run can be repeated. */
uint64_t native_random(struct native *native);
void native_seed(struct native *native, uint64_t seed);
/* An 80-bit pattern: every class, special values, often near the previous one's exponent. */
struct float80 native_random_float80(struct native *native);

#endif
