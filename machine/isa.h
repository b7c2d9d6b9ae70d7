/* The instruction table for people and programs: its columns as text, the class of each form in the
 * sense of Popek and Goldberg, and how each engine treats it. `anachron isa` and `anachron vectors`
 * name forms by these texts. */
#ifndef MACHINE_ISA_H
#define MACHINE_ISA_H

#include "cpu/insn.h"
#include "jit/lift.h"
#include "machine/machine.h"

#include <stdio.h>

enum { ISA_TEXT_SIZE = 96 };

/* "66 0F 3A 0F /r": mandatory prefix, map, opcode byte, and what ModRM must be. */
void isa_opcode_text(const struct insn_row *row, char text[ISA_TEXT_SIZE]);
/* One letter a flag of the low word, then the system flags by name: "ODITSZAPC,NT"; "-" for none.
 */
void isa_flags_text(uint32_t flags, char text[ISA_TEXT_SIZE]);
/* "innocuous", or some of "privileged,control,behaviour". */
void isa_class_text(unsigned class, char text[ISA_TEXT_SIZE]);
const char *isa_feature_text(unsigned feature);

/* Whether programs at CPL 3 can use the form whatever the system allows them: it is neither
 * privileged nor subject to IOPL in protected mode. */
bool isa_is_user(const struct insn_row *row);

/* An engine of the processor: its name for --engine, and whether this build can run it. */
struct isa_engine {
    const char *name;
    enum engine engine;
    bool is_available;
};
/* NULL behind the last one. */
const struct isa_engine *isa_engine_at(unsigned index);
/* The engine of that name, if this build can run it; else NULL. */
const struct isa_engine *isa_engine_find(const char *name);
/* What an engine does with a row: "exec" (calls the row's function), "lift" (translated in place),
 * "helper" (translated into a call of the row's function), "helper (sensitive)" (the same, and must
 * stay so: the form shows or changes what user mode may not see), "checked, else helper
 * (sensitive)" (its code tests for what makes the form sensitive, and then calls the function: POPF
 * that would change IOPL, say). lifts: of the translator. */
const char *isa_treatment(const struct isa_engine *engine, const struct lifts *lifts, unsigned row);

/* The whole table, for people or as a JSON array. */
void isa_print(FILE *stream, bool json);

#endif
