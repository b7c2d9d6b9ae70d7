/* Running a case on both sides, and making a failing one small. */
#ifndef TESTS_HARNESS_ORACLE_RUN_H
#define TESTS_HARNESS_ORACLE_RUN_H

#include "tests/harness/oracle/compare.h"

/* Both sides and what watches over them. */
struct oracle {
    struct walk walk;      /* on the reference engine: which instructions run, what is defined */
    struct guest *subject; /* on the engine under test */
    struct world_outcome host, guest;
};

/* Runs a case that oracle->walk has walked through, on both sides. Returns the parts that differ.
 */
unsigned oracle_compare(struct oracle *oracle, const struct oracle_case *in, bool *masked);
/* Walks and compares; 0 also if the case is no test. */
unsigned oracle_check(struct oracle *oracle, const struct oracle_case *in);
/* Looks for the first instruction behind which the two sides differ, makes it a case of its own if
 * it fails alone, and takes away what has no part in the failure. in must fail. */
void oracle_minimise(struct oracle *oracle, struct oracle_case *in);
/* Everything about a failing case: bytes, disassembly, both sides before and after. Runs it. */
void oracle_print(struct oracle *oracle, const struct oracle_case *in, FILE *stream);

#endif
