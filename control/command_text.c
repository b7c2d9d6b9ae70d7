/* Commands and their results, for people and as data. */
#include "base/bits.h"
#include "base/memory.h"
#include "control/command_private.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* --- a growing text --- */

struct text {
    char *bytes;
    size_t size, room;
};

static void add_bytes(struct text *text, const char *bytes, size_t size)
{
    if (text->size + size + 1 > text->room) {
        text->room = (text->size + size + 1) * 2;
        text->bytes = mem_resize(text->bytes, text->room);
    }
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
    text->bytes[text->size] = 0;
}

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    add_bytes(text, line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
}

/* --- usage --- */

static void add_choices(struct text *text, const struct command_parameter *parameter)
{
    for (unsigned i = 0; parameter->choices[i]; i++)
        add(text, "%s%s", i ? "|" : "", parameter->choices[i]);
}

static void add_parameter(struct text *text, const struct command_parameter *parameter)
{
    bool is_optional = parameter->flags & PARAMETER_OPTIONAL;
    bool is_keyword = parameter->flags & PARAMETER_KEYWORD;
    char name[32];
    size_t i = 0;
    for (; parameter->name[i] && i + 1 < sizeof name; i++)
        name[i] = (char)toupper((unsigned char)parameter->name[i]);
    name[i] = 0;
    bool is_flags = parameter->kind == PARAMETER_FLAGS;
    add(text, " %s", is_optional || is_flags ? "[" : "");
    if (is_keyword)
        add(text, "%s ", parameter->name);
    if (is_flags || parameter->kind == PARAMETER_CHOICE)
        add_choices(text, parameter);
    else if (parameter->kind == PARAMETER_TEXT || parameter->kind == PARAMETER_KEYS)
        add(text, "\"%s\"", name);
    else
        add(text, "%s", name);
    add(text, "%s%s", is_optional || is_flags ? "]" : "", is_flags ? "..." : "");
}

void command_usage(const struct command *command, char *line, size_t size)
{
    struct text text = {0};
    add(&text, "%s", command->name);
    for (unsigned i = 0; i < COMMAND_PARAMETERS && command->parameter[i].kind; i++)
        add_parameter(&text, &command->parameter[i]);
    snprintf(line, size, "%s", text.bytes);
    mem_free(text.bytes);
}

bool command_fail_with_usage(const struct command *command, struct error *err)
{
    char usage[256];
    command_usage(command, usage, sizeof usage);
    return error_set(err, "usage: %s", usage);
}

/* --- description --- */

static json_t *describe_parameter(const struct command_parameter *parameter)
{
    static const char *const kinds[] = {
        [PARAMETER_NUMBER] = "number", [PARAMETER_INTEGER] = "integer",
        [PARAMETER_WIDE] = "wide",     [PARAMETER_DURATION] = "duration",
        [PARAMETER_TEXT] = "text",     [PARAMETER_FILE] = "file",
        [PARAMETER_KEYS] = "keys",     [PARAMETER_CHORD] = "chord",
        [PARAMETER_CHOICE] = "choice", [PARAMETER_FLAGS] = "flags",
    };
    bool is_optional = parameter->flags & PARAMETER_OPTIONAL || parameter->kind == PARAMETER_FLAGS;
    json_t *result = json_pack("{s:s, s:s, s:b}", "name", parameter->name, "type",
                               kinds[parameter->kind], "optional", is_optional);
    if (parameter->choices) {
        json_t *choices = json_array();
        for (unsigned i = 0; parameter->choices[i]; i++)
            json_array_append_new(choices, json_string(parameter->choices[i]));
        json_object_set_new(result, "choices", choices);
    }
    return result;
}

json_t *command_describe(const struct command *command)
{
    char usage[256];
    command_usage(command, usage, sizeof usage);
    json_t *parameters = json_array();
    for (unsigned i = 0; i < COMMAND_PARAMETERS && command->parameter[i].kind; i++)
        json_array_append_new(parameters, describe_parameter(&command->parameter[i]));
    return json_pack("{s:s, s:s, s:s, s:b, s:b, s:o}", "name", command->name, "usage", usage,
                     "help", command->help, "changes_guest",
                     (command->flags & COMMAND_CHANGES_GUEST) != 0, "waits",
                     (command->flags & COMMAND_WAITS) != 0, "arguments", parameters);
}

/* --- results --- */

/* Values in one line; nested ones as JSON. */
static void add_value(struct text *text, const json_t *value)
{
    if (json_is_string(value)) {
        add_bytes(text, json_string_value(value), json_string_length(value));
        return;
    }
    if (json_is_true(value) || json_is_false(value)) {
        add(text, "%s", json_is_true(value) ? "yes" : "no");
        return;
    }
    if (json_is_real(value)) {
        add(text, "%.3f", json_real_value(value));
        return;
    }
    char *dump = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    add_bytes(text, dump, strlen(dump));
    free(dump);
}

/* The members of an array's objects, a line an object. */
static void add_rows(struct text *text, const json_t *rows)
{
    size_t index;
    json_t *row, *value;
    const char *key;
    json_array_foreach(rows, index, row)
    {
        add(text, " ");
        if (!json_is_object(row))
            add(text, " "), add_value(text, row);
        json_object_foreach(row, key, value)
        {
            add(text, " ");
            add_value(text, value);
        }
        add(text, "\n");
    }
}

static bool is_table(const json_t *value)
{
    return json_is_array(value) && json_is_object(json_array_get(value, 0));
}

static void add_fields(struct text *text, const json_t *result)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)result, key, value)
    {
        if (is_table(value)) {
            add(text, "%s:\n", key);
            add_rows(text, value);
            continue;
        }
        add(text, "%-16s ", key);
        add_value(text, value);
        add(text, "\n");
    }
}

static void add_line(struct text *text, const json_t *result)
{
    const char *key, *space = "";
    json_t *value;
    json_object_foreach((json_t *)result, key, value)
    {
        add(text, "%s%s ", space, key);
        add_value(text, value);
        space = " ";
    }
    add(text, "\n");
}

/* Sixteen bytes a line, with what they are in ASCII. */
static void add_dump(struct text *text, const json_t *result)
{
    enum { ROW = 16 };
    unsigned long long address =
        (unsigned long long)json_integer_value(json_object_get(result, "address"));
    const char *hex = json_string_value(json_object_get(result, "bytes"));
    size_t count = hex ? strlen(hex) / 2 : 0;
    for (size_t at = 0; at < count; at += ROW) {
        char ascii[ROW + 1] = "";
        add(text, "%08llx ", address + at);
        for (size_t i = 0; i < ROW; i++) {
            if (at + i >= count) {
                add(text, i == ROW / 2 ? "    " : "   ");
                continue;
            }
            const char *digits = &hex[(at + i) * 2];
            unsigned byte =
                (unsigned)(command_hex_digit(digits[0]) << 4 | command_hex_digit(digits[1]));
            add(text, "%s%.2s", i == ROW / 2 ? "  " : " ", digits);
            ascii[i] = byte >= ' ' && byte < 0x7F ? (char)byte : '.';
        }
        add(text, "  %s\n", ascii);
    }
}

static void add_code(struct text *text, const json_t *result)
{
    size_t index;
    json_t *insn;
    json_array_foreach(json_object_get(result, "instructions"), index, insn)
    {
        add(text, "%08llx  %-22s %s\n",
            (unsigned long long)json_integer_value(json_object_get(insn, "address")),
            json_string_value(json_object_get(insn, "bytes")),
            json_string_value(json_object_get(insn, "text")));
    }
}

static void add_help(struct text *text, const json_t *result)
{
    size_t index;
    json_t *row;
    json_array_foreach(json_object_get(result, "commands"), index, row)
    {
        add(text, "%s\n        %s\n", json_string_value(json_object_get(row, "usage")),
            json_string_value(json_object_get(row, "help")));
    }
}

static void add_told(struct text *text, const json_t *object, int depth)
{
    const char *line = json_string_value(json_object_get(object, "text")), *key;
    json_t *value, *element;
    size_t index;
    if (line)
        add(text, "%*s%s\n", depth * 2, "", line);
    json_array_foreach(json_object_get(object, "lines"), index, element)
        add(text, "%*s%s\n", (depth + 1) * 2, "", json_string_value(element));
    json_object_foreach((json_t *)object, key, value)
    {
        if (!is_table(value))
            continue;
        json_array_foreach(value, index, element) add_told(text, element, depth + 1);
    }
}

char *command_told_text(const json_t *result)
{
    struct text text = {0};
    add_bytes(&text, "", 0);
    add_told(&text, result, 0);
    return text.bytes;
}

char *command_result_text(const struct command *command, const json_t *result, size_t *size)
{
    struct text text = {0};
    const json_t *whole = json_object_get(result, "text");
    add_bytes(&text, "", 0);
    switch (command->output) {
    case OUTPUT_NOTHING:
        break;
    case OUTPUT_FIELDS:
        add_fields(&text, result);
        break;
    case OUTPUT_LINE:
        add_line(&text, result);
        break;
    case OUTPUT_TEXT:
        if (whole)
            add_value(&text, whole);
        break;
    case OUTPUT_DUMP:
        add_dump(&text, result);
        break;
    case OUTPUT_CODE:
        add_code(&text, result);
        break;
    case OUTPUT_TOLD:
        add_told(&text, result, 0);
        break;
    case OUTPUT_HELP:
        add_help(&text, result);
        break;
    case OUTPUT_JSON: {
        char *dump = json_dumps(result, JSON_COMPACT);
        add_bytes(&text, dump, strlen(dump));
        add_bytes(&text, "\n", 1);
        free(dump);
        break;
    }
    }
    if (size)
        *size = text.size;
    return text.bytes;
}
