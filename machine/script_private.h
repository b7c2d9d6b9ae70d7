/* Inside the script engine: a script as parsed. */
#ifndef MACHINE_SCRIPT_PRIVATE_H
#define MACHINE_SCRIPT_PRIVATE_H

#include "control/command.h"
#include "machine/script.h"

struct script_line {
    unsigned number; /* in the file, from 1 */
    struct command_call call;
};

struct script_program {
    char *name;
    struct script_line *lines;
    unsigned count;
    bool passes_time; /* there is a wait or a sleep */
};

bool script_parse_program(const char *text, size_t size, const char *name,
                          struct script_program *program, struct error *err);
void script_free_program(struct script_program *program);

#endif
