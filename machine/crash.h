/* Why a guest crashed or reset the machine: reports as the member "text" and arrays of the same
 * (command_told_text), kept in machine->crash until the next. */
#ifndef MACHINE_CRASH_H
#define MACHINE_CRASH_H

#include "machine/internal.h"

/* The processor has just shut down. */
void crash_note_triple_fault(struct machine *machine);
/* The guest is about to be reset; by the instruction at eip; cause says how: "the keyboard
 * controller". */
void crash_note_reset(struct machine *machine, const char *cause, uint32_t eip);
/* The whole report, and its first line. There is one. */
void crash_print(const struct machine *machine, FILE *stream);
void crash_print_line(const struct machine *machine, FILE *stream);
/* A fault in one line. */
void crash_print_fault(const struct fault_record *record, FILE *stream);

/* The last events that the processor took, at most count, the newest last. The caller owns it. */
json_t *crash_deliveries(const struct machine *machine, unsigned count, bool only_exceptions);

#endif
