/* Random instructions of a row of the table, with registers and memory that make them do something:
 * memory operands, the stack and strings stay inside the data window, jumps inside the code page.
 */
#ifndef TESTS_HARNESS_INSN_GENERATOR_H
#define TESTS_HARNESS_INSN_GENERATOR_H

#include "cpu/decode.h"
#include "tests/harness/native.h"

struct insn_case {
    uint8_t code[16];
    struct insn insn; /* as decoded */
    bool code16;      /* 16-bit code, data and stack segments, as in struct native_state */
    uint32_t code_base, data_base; /* of the segments */
    uint32_t eip;                  /* where code belongs: in the middle of the code page */
    uint32_t target;               /* offset around which data is aimed */
    uint32_t gpr[8];
    uint32_t eflags;
    uint8_t data[NATIVE_DATA_SIZE];
};

/* A small deterministic generator (xorshift64*). */
uint64_t random_next(uint64_t *state);
/* An integer that is often near zero, a power of two, or the sign boundary of some size. */
uint32_t random_value(uint64_t *state);

/* Where memory operands, stack and strings lie. */
enum insn_place {
    PLACE_INSIDE, /* in the middle of the data window */
    PLACE_EDGE,   /* at its beginning or end, across, and beyond */
};

/* False if this attempt came to nothing; try again. */
bool insn_generate(const struct decoder *decoder, unsigned row, bool code16, enum insn_place place,
                   uint64_t *random, struct insn_case *out);

#endif
