/* Which engine runs the machine's processor. */
#ifndef MACHINE_ENGINE_H
#define MACHINE_ENGINE_H

#include "jit/jit.h"
#include "machine/internal.h"

/* Starts the engine that the configuration asks for. machine_config.translator are settings, with
 * commas between them, that find mistakes in the translator and are of no other use:
 *
 *   warm=N      blocks are translated when they are entered for the N-th time
 *   cache=N     KiB of code, after which everything is forgotten
 *   plain       no superblocks
 *   unlinked    blocks do not lead to each other
 *   single      blocks have one instruction
 *   flush       the TLB is emptied before every block; implies unlinked
 *   break=NAME  instructions of this mnemonic are translated wrongly (to test `anachron diverge`)
 *
 * False: err says what is wrong with them, or why there is no translator on this host. */
bool engine_start(struct machine *machine, struct error *err);

#endif
