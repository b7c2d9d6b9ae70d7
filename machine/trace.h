/* --trace WHAT:FILE and --perf-map.
 *
 *   insn     one line per instruction, before it executes
 *   blocks   one line per block that is translated
 *   ir       the same with its instructions and micro-operations
 *   asm      the same with its host code */
#ifndef MACHINE_TRACE_H
#define MACHINE_TRACE_H

#include "machine/machine.h"

struct trace;

/* specification is WHAT:FILE; FILE "-" is standard error. NULL: err says why. */
struct trace *trace_open(const char *specification, struct error *err);
/* A line per translated block, where perf(1) looks for symbols: /tmp/perf-PID.map. */
struct trace *trace_open_perf_map(struct error *err);
/* False if the file could not be written to the end. NULL does nothing. */
bool trace_close(struct trace *trace, struct error *err);

/* Hooks the processor or the translator up, which must be there for all but insn. */
bool trace_attach(struct trace *trace, struct machine *machine, struct error *err);

#endif
