/* Command line options, from a table. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Takes an option's argument (NULL for one that has none) into target. False: err says what is
 * wrong with it. */
typedef bool option_handler(void *target, const char *argument, struct error *err);

struct option_row {
    const char *name;     /* "--memory" */
    const char *argument; /* "SIZE" for the help; NULL: takes none */
    const char *help;
    option_handler *handler; /* NULL: known, but of a later version */
};

/* Parses argv[1..argc-1]; "--name value" and "--name=value" both work. What is no option goes to
 * positional (NULL: there must be none). rows ends with a NULL name. */
bool options_parse(int argc, char **argv, const struct option_row *rows, option_handler *positional,
                   void *target, struct error *err);
/* A count: decimal, 0x or 0. False: text is none. */
bool options_count(const char *text, uint64_t *count);
/* The rows as a table for --help. */
void options_help(const struct option_row *rows, FILE *stream);

#endif
