#include "cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_COLUMN = 34 };

static const struct option_row *find(const struct option_row *rows, const char *word,
                                     const char **value)
{
    size_t length = strcspn(word, "=");
    *value = word[length] ? word + length + 1 : NULL;
    for (; rows->name; rows++) {
        if (strlen(rows->name) == length && strncmp(rows->name, word, length) == 0)
            return rows;
    }
    return NULL;
}

static bool take(const struct option_row *row, const char *value, void *target, struct error *err)
{
    if (!row->handler)
        return error_set(err, "%s is not available in this version", row->name);
    return row->handler(target, value, err);
}

bool options_parse(int argc, char **argv, const struct option_row *rows, option_handler *positional,
                   void *target, struct error *err)
{
    for (int i = 1; i < argc; i++) {
        const char *value;
        if (argv[i][0] != '-' || !argv[i][1]) {
            if (!positional)
                return error_set(err, "\"%s\" is not expected here; see --help", argv[i]);
            if (!positional(target, argv[i], err))
                return false;
            continue;
        }
        const struct option_row *row = find(rows, argv[i], &value);
        if (!row)
            return error_set(err, "unknown option %s; see --help", argv[i]);
        if (!row->argument && value)
            return error_set(err, "%s takes no argument", row->name);
        if (row->argument && !value) {
            if (++i == argc)
                return error_set(err, "%s wants an argument: %s", row->name, row->argument);
            value = argv[i];
        }
        if (!take(row, value, target, err))
            return false;
    }
    return true;
}

bool options_count(const char *text, uint64_t *count)
{
    char *end;
    errno = 0;
    *count = strtoull(text, &end, 0);
    return isdigit((unsigned char)text[0]) && !*end && !errno;
}

void options_help(const struct option_row *rows, FILE *stream)
{
    for (; rows->name; rows++) {
        int used = fprintf(stream, "  %s%s%s", rows->name, rows->argument ? " " : "",
                           rows->argument ? rows->argument : "");
        if (used > NAME_COLUMN)
            used = fprintf(stream, "\n") - 1;
        fprintf(stream, "%*s %s%s\n", NAME_COLUMN - used, "", rows->help,
                rows->handler ? "" : " (a later version)");
    }
}
