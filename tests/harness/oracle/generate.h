/* Random programs: instructions of every form that user mode has, one after the other, each aimed
 * with the registers as the instructions before it left them. */
#ifndef TESTS_HARNESS_ORACLE_GENERATE_H
#define TESTS_HARNESS_ORACLE_GENERATE_H

#include "tests/harness/oracle/program.h"

struct generator;

/* walk is the caller's; its guest is used to know what the program has done so far. only: a
 * mnemonic that every program shall contain, or NULL. */
struct generator *generator_new(struct walk *walk, const char *only);
void generator_free(struct generator *generator);
/* The case of a seed, and in the walk what it does. False: this seed makes no case. */
bool generator_make(struct generator *generator, uint64_t seed, struct oracle_case *out);

#endif
