/* The host's processor (x86-64 Linux) as the source of known answers: one instruction in 32-bit
 * user mode with every register that user mode has. */
#ifndef TESTS_HARNESS_CAPTURE_HOST_H
#define TESTS_HARNESS_CAPTURE_HOST_H

#include "machine/answers.h"

/* False: this host cannot run 32-bit code, or has no pages at the answers' addresses; err says why.
 */
bool capture_open(struct error *err);
/* Runs answer->code from answer->before and fills answer->after. */
void capture_run(struct answer_case *answer);

#endif
