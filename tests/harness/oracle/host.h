/* The host processor as oracle: runs a program in a compatibility-mode segment of this process.
 * x86-64 Linux only; elsewhere host_open says so.
 *
 * The way in and out costs no system call: a far jump to 32-bit code in the gate page, which loads
 * the program's registers and jumps; a far jump back, with which every program ends. Only what
 * faults costs a signal, whose handler notes the fault and goes on at the way out. */
#ifndef TESTS_HARNESS_ORACLE_HOST_H
#define TESTS_HARNESS_ORACLE_HOST_H

#include "base/error.h"
#include "tests/harness/oracle/world.h"

/* False: this host cannot be the oracle; err says why. One at a time in a process. */
bool host_open(struct error *err);
void host_close(void);
/* Where the program's writable data are, WORLD_WRITABLE bytes: fill it before each run. */
uint8_t *host_data(void);
/* Runs program from state; registers and fault to outcome, but not the data. */
void host_run(const struct world_state *state, const struct world_program *program,
              struct world_outcome *outcome);
/* Who made the processor: 12 characters of CPUID leaf 0; "" where there is none. */
const char *host_vendor(void);
/* A name for reports: vendor, family, model, stepping. */
const char *host_name(void);

#endif
