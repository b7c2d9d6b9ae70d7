#include "store/config.h"

#include "base/memory.h"
#include "host/file.h"
#include "store/files.h"

#include <ctype.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CONFIG_LIMIT = 1 << 20,
    LINE_LIMIT = 8192,
    /* inih's own, for names of sections and keys. */
    NAME_LIMIT = 49,
#ifdef HAVE_INI_SETTINGS
    INI_LINE = LINE_LIMIT,
#else
    INI_LINE = INI_MAX_LINE,
#endif
};

struct reading {
    const char *rest, *end, *path;
    unsigned line;
    struct config *config;
    struct error *err;
    bool failed; /* err is set */
};

static bool fail(struct reading *reading, const char *what)
{
    if (!reading->failed)
        error_set(reading->err, "%s:%u: %s", reading->path, reading->line, what);
    reading->failed = true;
    return false;
}

/* fgets for inih. Leading spaces would make a line the continuation of the one before, which nobody
 * means here. */
static char *next_line(char *line, int size, void *opaque)
{
    struct reading *reading = opaque;
    if (reading->rest == reading->end || reading->failed)
        return NULL;
    const char *newline = memchr(reading->rest, '\n', (size_t)(reading->end - reading->rest));
    const char *end = newline ? newline : reading->end;
    reading->line++;
    while (reading->rest < end && isspace((unsigned char)*reading->rest))
        reading->rest++;
    size_t length = (size_t)(end - reading->rest);
    if (memchr(reading->rest, 0, length))
        return fail(reading, "there is a zero byte; this is no text") ? line : NULL;
    if (length + 3 > (size_t)size)
        return fail(reading, "the line is too long") ? line : NULL;
    memcpy(line, reading->rest, length);
    memcpy(line + length, "\n", 2);
    reading->rest = newline ? newline + 1 : end;
    return line;
}

static int take_line(void *opaque, const char *section, const char *key, const char *value)
{
    struct reading *reading = opaque;
    if (reading->failed)
        return 0;
    if (strlen(section) >= NAME_LIMIT || strlen(key) >= NAME_LIMIT)
        return fail(reading, "the name is too long");
    config_add(reading->config, section, key, value);
    reading->config->lines[reading->config->count - 1].number = reading->line;
    return 1;
}

bool config_parse(const char *text, size_t size, const char *path, struct config *config,
                  struct error *err)
{
    struct reading reading = {text, text + size, path, 0, config, err, false};
    *config = (struct config){0};
#ifdef HAVE_INI_SETTINGS
    ini_use_stack = false;
    ini_max_line = INI_LINE;
    ini_initial_alloc = INI_LINE;
#endif
    int bad = ini_parse_stream(next_line, &reading, take_line, &reading);
    if (bad > 0 && !reading.failed) {
        reading.line = (unsigned)bad;
        fail(&reading, "this is neither [section] nor key = value");
    } else if (bad < 0 && !reading.failed) {
        fail(&reading, "cannot read on");
    }
    if (reading.failed)
        config_free(config);
    return !reading.failed;
}

bool config_read(const char *path, struct config *config, struct error *err)
{
    uint8_t *text;
    size_t size;
    *config = (struct config){0};
    if (!file_read(path, "the configuration of a machine", CONFIG_LIMIT, &text, &size, err))
        return false;
    bool ok = config_parse((const char *)text, size, path, config, err);
    mem_free(text);
    return ok;
}

void config_free(struct config *config)
{
    for (unsigned i = 0; i < config->count; i++) {
        mem_free(config->lines[i].section);
        mem_free(config->lines[i].key);
        mem_free(config->lines[i].value);
    }
    mem_free(config->lines);
    *config = (struct config){0};
}

void config_add(struct config *config, const char *section, const char *key, const char *value)
{
    config->lines = mem_resize(config->lines, (config->count + 1) * sizeof *config->lines);
    config->lines[config->count++] = (struct config_line){
        mem_string_copy(section), mem_string_copy(key), mem_string_copy(value), 0};
}

bool config_can_hold(const char *key, const char *value, struct error *err)
{
    size_t length = strlen(value);
    const char *problem = NULL;
    if (!length)
        problem = "is empty";
    else if (isspace((unsigned char)value[0]) || isspace((unsigned char)value[length - 1]))
        problem = "begins or ends with a space";
    else if (strpbrk(value, "\r\n"))
        problem = "has more than one line";
    else if (value[0] == ';' || strstr(value, " ;") || strstr(value, "\t;"))
        problem = "has a semicolon after a space, which begins a comment";
    else if (strlen(key) + length + sizeof " = \r\n" > INI_LINE)
        problem = "is too long";
    return !problem ||
           error_set(err, "--%s: the text %s; a configuration file cannot hold that", key, problem);
}

bool config_write(const struct config *config, const char *path, const char *comment,
                  struct error *err)
{
    char *text = NULL;
    size_t size = 0;
    const char *section = "";
    FILE *stream = open_memstream(&text, &size);
    if (!stream)
        return error_set_errno(err, "%s: cannot write it", path);
    fprintf(stream, "; %s\n", comment);
    for (unsigned i = 0; i < config->count; i++) {
        const struct config_line *line = &config->lines[i];
        if (strcmp(line->section, section) != 0)
            fprintf(stream, "\n[%s]\n", line->section);
        section = line->section;
        fprintf(stream, "%s = %s\n", line->key, line->value);
    }
    fclose(stream);
    bool ok = files_write(path, text, size, err);
    free(text);
    return ok;
}
