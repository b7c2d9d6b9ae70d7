/* A debugger from outside: the machine's side of gdb's remote protocol, docs/debugging.md.
 *
 * Packets come through control/debugger.h and are answered on the machine's thread, at instruction
 * boundaries, whether the machine runs or is paused. While the client waits for the machine to
 * stop, breakpoints, watchpoints and steps are looked for; then the machine is paused, as by
 * `pause`.
 *
 * The run loop calls the functions below. None of it changes what the guest computes. */
#ifndef MACHINE_GDB_H
#define MACHINE_GDB_H

#include "machine/machine.h"

struct gdb;

/* Owns its points; attached to cpu. */
struct gdb *gdb_new(struct machine *machine);
void gdb_free(struct gdb *gdb);
/* In a copy of the process, which nobody debugs: no point is met any more. It is not to be freed.
 */
void gdb_abandon(struct gdb *gdb);
struct debugger *gdb_debugger(struct gdb *gdb);

/* Before a turn: answers what the client has sent, and tells it that the machine was paused. */
void gdb_serve(struct gdb *gdb);
/* The machine may have come to another boundary. True: it is paused there. */
bool gdb_look(struct gdb *gdb);
/* At most one instruction may be executed in this turn. */
bool gdb_is_stepping(const struct gdb *gdb);
/* An interrupt or a trap was taken between two instructions. */
void gdb_took_event(struct gdb *gdb);
/* A fault is about to be delivered. */
void gdb_saw_fault(struct gdb *gdb);
/* The processor has shut down. True: a client looks at it, and the machine is paused. */
bool gdb_saw_crash(struct gdb *gdb);
/* The machine has ended with this exit status. */
void gdb_end(struct gdb *gdb, int status);

#endif
