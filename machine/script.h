/* Scripts: how a machine without a person is driven. The language is in the man page, SCRIPTS.
 *
 * A script runs on the machine's thread, in virtual time: what it waits for is looked at at fixed
 * moments of the virtual clock, and what it does goes through the gate, so that two runs of one
 * script are the same run. */
#ifndef MACHINE_SCRIPT_H
#define MACHINE_SCRIPT_H

#include "machine/machine.h"

struct script;

/* Parses text (size bytes; name for messages). NULL: err says line and reason. */
struct script *script_parse(const char *text, size_t size, const char *name, struct error *err);
void script_free(struct script *script);

/* --- for the machine --- */

/* Virtual time of the next command or look; CLOCK_NEVER when the script is done. script may be
 * NULL. */
uint64_t script_due_time(const struct script *script);
/* What the current command waits for has happened: it is looked at now. */
void script_wake(struct script *script, const struct machine *machine);
/* Carries out what is due. May request a stop. */
void script_step(struct script *script, struct machine *machine);
/* The machine has stopped for another reason: carries out the rest, in which no time passes any
 * more (a sleep ends at once, a wait looks once). Returns the script's exit status. */
int script_finish(struct script *script, struct machine *machine);

#endif
