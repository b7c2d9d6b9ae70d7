/* A machine that has nothing but a loop of a few instructions in its firmware: cheap enough to be
 * made anew for every input. */
#ifndef TESTS_FUZZ_LITTLE_MACHINE_H
#define TESTS_FUZZ_LITTLE_MACHINE_H

#include "machine/machine.h"

/* Its model, memory, firmware and end of the run are filled in here, the rest is the caller's. */
struct machine *little_machine_new(struct machine_config config);

#endif
