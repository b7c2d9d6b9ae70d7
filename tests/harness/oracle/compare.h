/* Whether a program ended alike on both sides. */
#ifndef TESTS_HARNESS_ORACLE_COMPARE_H
#define TESTS_HARNESS_ORACLE_COMPARE_H

#include "tests/harness/oracle/program.h"

enum part {
    PART_FAULT = 1 << 0,
    PART_EIP = 1 << 1,
    PART_GPR = 1 << 2,
    PART_FLAGS = 1 << 3,
    PART_SEGMENTS = 1 << 4,
    PART_X87 = 1 << 5,
    PART_POINTERS = 1 << 6,
    PART_SSE = 1 << 7,
    PART_MEMORY = 1 << 8,
};

/* The parts that differ, by what tolerance leaves to compare. *masked: something differs that it
 * leaves out. */
unsigned compare_outcomes(const struct world_outcome *host, const struct world_outcome *guest,
                          const struct tolerance *tolerance, bool *masked);
/* Names of the parts, for people. */
void compare_print_parts(unsigned parts, FILE *stream);

#endif
