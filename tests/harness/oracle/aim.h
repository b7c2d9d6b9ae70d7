/* One instruction for a given state of the processor: bytes of a form, and before them instructions
 * that set registers and the stack so that its operands lie where they shall. */
#ifndef TESTS_HARNESS_ORACLE_AIM_H
#define TESTS_HARNESS_ORACLE_AIM_H

#include "tests/harness/oracle/program.h"

enum { AIMED_MAX = 96 };

struct aimed {
    uint8_t bytes[AIMED_MAX];
    unsigned size;
};

/* first: the case whose initial registers may be set instead of with instructions, because none has
 * executed; else NULL. out: the case whose data may get operands that suit the row. False: this
 * attempt came to nothing. */
bool aim_insn(struct walk *walk, unsigned row, struct oracle_case *first, struct oracle_case *out,
              uint64_t *random, struct aimed *aimed);

#endif
