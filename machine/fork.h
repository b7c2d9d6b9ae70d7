/* A running machine becomes two: the process is forked, so that memory is copied as it is written.
 *
 * The copy is a process of its own, without window, terminal, script, debugger and clients of the
 * first: it has a control socket, and is steered there. What its guest puts out on serial ports
 * goes where the outside says (machine_connect_serial). Its disks are those of the moment: what was
 * written to overlays is shared, below new ones (few sectors are copied), and images stay as they
 * are. */
#ifndef MACHINE_FORK_H
#define MACHINE_FORK_H

#include "machine/machine.h"

#include <sys/types.h>

/* Whether there is nothing in the way. False: err says what: a disk is written directly, or the
 * machine is in its past, or traced. */
bool machine_may_fork(const struct machine *machine, struct error *err);
/* On the machine's thread, between two instructions. socket: path of the copy's control
 * socket; NULL: the outside knows (machine_outside.settle_copy).
 * Returns when the copy runs (or, if paused, could), with its process number in *pid; in the copy
 * it does not return. False: there is no copy, and err says why: a disk is written directly, the
 * socket cannot be made, the host has no room. */
bool machine_fork(struct machine *machine, const char *socket, bool paused, pid_t *pid,
                  struct error *err);

/* In the copy, before it runs: what the guest says on a serial port goes to chars, which stays the
 * caller's and must outlive the run. */
void machine_connect_serial(struct machine *machine, unsigned port, struct char_backend *chars);

#endif
