/* --trace WHAT:FILE. Kinds so far: insn (one line per instruction, before it executes). */
#ifndef MACHINE_TRACE_H
#define MACHINE_TRACE_H

#include "machine/machine.h"

struct trace;

/* specification is WHAT:FILE; FILE "-" is standard error. NULL: err says why. */
struct trace *trace_open(const char *specification, struct error *err);
/* False if the file could not be written to the end. */
bool trace_close(struct trace *trace, struct error *err);

/* Hooks the processor up. */
void trace_attach(struct trace *trace, struct machine *machine);

#endif
