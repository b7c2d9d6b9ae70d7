/* Inside the command parser: values of one parameter. */
#ifndef CONTROL_COMMAND_PRIVATE_H
#define CONTROL_COMMAND_PRIVATE_H

#include "control/command.h"

/* Fills in value index of call, for every kind but PARAMETER_FLAGS. */
bool command_value_from_text(struct command_call *call, unsigned index, const char *text,
                             size_t size, const char *directory, struct error *err);
bool command_value_from_json(struct command_call *call, unsigned index, const json_t *json,
                             const char *directory, struct error *err);
/* 0 to 15, or -1. */
int command_hex_digit(char c);
/* Index, or -1. */
int command_find_choice(const struct command_parameter *parameter, const char *name);
/* Everything required is there, and the row's own check passes. */
bool command_complete(const struct command_call *call, struct error *err);
bool command_fail_with_usage(const struct command *command, struct error *err);

#endif
