/* Arguments of every kind, from text and from JSON. */
#include "base/bits.h"
#include "base/memory.h"
#include "base/time128.h"
#include "control/command_private.h"
#include "control/keys_text.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- numbers --- */

/* What a wide value is when it is written as a plain number. */
static const struct command_parameter any = {"value", PARAMETER_NUMBER, 0, 0, UINT64_MAX, NULL};

static bool set_number(const struct command_parameter *parameter, struct command_value *value,
                       uint64_t number, struct error *err)
{
    if (number < parameter->least || number > parameter->most)
        return error_set(err, "%s is %llu to %llu", parameter->name,
                         (unsigned long long)parameter->least, (unsigned long long)parameter->most);
    value->number = number;
    return true;
}

static bool parse_number(const struct command_parameter *parameter, struct command_value *value,
                         const char *text, struct error *err)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 0);
    if (!isdigit((unsigned char)text[0]) || *end || errno)
        return error_set(err, "\"%s\" is not a number", text);
    return set_number(parameter, value, number, err);
}

/* Hexadecimal digits of a register wider than 64 bits: 20 (x87) or 32 (XMM), as regs shows them; 0x
 * before them makes no difference, and XMM values may be shorter with it. */
static bool parse_wide_hex(struct command_value *value, const char *text)
{
    bool marked = text[0] == '0' && tolower((unsigned char)text[1]) == 'x';
    text += marked ? 2 : 0;
    size_t digits = strlen(text);
    if (digits != strspn(text, "0123456789abcdefABCDEF") || digits == 0 || digits > 32)
        return false;
    if (!marked && digits != 20 && digits != 32)
        return false;
    value->digits = (unsigned)digits;
    for (; *text; text++) {
        value->high = value->high << 4 | value->number >> 60;
        value->number = value->number << 4 | (uint64_t)command_hex_digit(*text);
    }
    return true;
}

static bool parse_wide(struct command_value *value, const char *text, struct error *err)
{
    return parse_wide_hex(value, text) || parse_number(&any, value, text, err);
}

static bool set_integer(const struct command_parameter *parameter, struct command_value *value,
                        int64_t number, struct error *err)
{
    int64_t most = (int64_t)parameter->most;
    value->integer = number;
    return (number >= -most && number <= most) ||
           error_set(err, "%lld is not a number between -%lld and %lld", (long long)number,
                     (long long)most, (long long)most);
}

static bool parse_integer(const struct command_parameter *parameter, struct command_value *value,
                          const char *text, struct error *err)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (!*text || *end || errno)
        return error_set(err, "\"%s\" is not a number between -%lld and %lld", text,
                         (long long)parameter->most, (long long)parameter->most);
    return set_integer(parameter, value, number, err);
}

bool command_parse_duration(const char *text, uint64_t *ns)
{
    static const struct {
        const char *name;
        uint64_t ns;
    } units[] = {
        {"ns", 1                   },
        {"us", NS_PER_MICROSECOND  },
        {"ms", NS_PER_MILLISECOND  },
        {"s",  NS_PER_SECOND       },
        {"m",  60 * NS_PER_SECOND  },
        {"h",  3600 * NS_PER_SECOND}
    };
    char *end;
    double number = strtod(text, &end);
    for (size_t i = 0; i < ARRAY_LENGTH(units) && isdigit((unsigned char)text[0]); i++) {
        if (strcmp(end, units[i].name) == 0 && number >= 0 && number < 1e6) {
            *ns = (uint64_t)(number * (double)units[i].ns + 0.5);
            return true;
        }
    }
    return false;
}

/* --- text --- */

static bool set_text(const struct command_parameter *parameter, struct command_value *value,
                     const char *text, size_t size, struct error *err)
{
    if (size < parameter->least)
        return error_set(err, "%s is empty", parameter->name);
    if (size > COMMAND_TEXT_MAX)
        return error_set(err, "%s is too long", parameter->name);
    value->text = mem_new(size + 1);
    memcpy(value->text, text, size);
    value->size = size;
    return true;
}

static bool set_file(const struct command_parameter *parameter, struct command_value *value,
                     const char *text, size_t size, const char *directory, struct error *err)
{
    if (!size)
        return error_set(err, "a file name is missing");
    if (memchr(text, 0, size))
        return error_set(err, "a file name has no zero byte");
    if (!directory || text[0] == '/')
        return set_text(parameter, value, text, size, err);
    size_t length = strlen(directory);
    char *path = mem_new(length + 1 + size + 1);
    memcpy(path, directory, length);
    path[length] = '/';
    memcpy(path + length + 1, text, size);
    bool ok = set_text(parameter, value, path, length + 1 + size, err);
    mem_free(path);
    return ok;
}

static bool set_keys(const struct command_parameter *parameter, struct command_value *value,
                     const char *text, size_t size, struct error *err)
{
    struct key_strokes keys = {0};
    if (size > COMMAND_TEXT_MAX)
        return error_set(err, "%s is too long", parameter->name);
    bool ok = parameter->kind == PARAMETER_KEYS
                  ? keys_for_text(text, size, &keys, err)
                  : keys_for_chord(text, size, true, false, &keys, err);
    value->keys = keys.stroke;
    value->key_count = keys.count;
    return ok;
}

int command_find_choice(const struct command_parameter *parameter, const char *name)
{
    for (int i = 0; parameter->choices[i]; i++) {
        if (strcmp(parameter->choices[i], name) == 0)
            return i;
    }
    return -1;
}

static bool set_choice(const struct command_parameter *parameter, struct command_value *value,
                       const char *text, struct error *err)
{
    int choice = command_find_choice(parameter, text);
    value->number = (uint64_t)choice;
    if (choice >= 0)
        return true;
    char names[128] = "";
    for (unsigned i = 0; parameter->choices[i]; i++) {
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", parameter->choices[i]);
    }
    return error_set(err, "no %s is called \"%.100s\": there are %s", parameter->name, text, names);
}

bool command_value_from_text(struct command_call *call, unsigned index, const char *text,
                             size_t size, const char *directory, struct error *err)
{
    const struct command_parameter *parameter = &call->command->parameter[index];
    struct command_value *value = &call->value[index];
    value->given = true;
    switch (parameter->kind) {
    case PARAMETER_NUMBER:
        return parse_number(parameter, value, text, err);
    case PARAMETER_WIDE:
        return parse_wide(value, text, err);
    case PARAMETER_INTEGER:
        return parse_integer(parameter, value, text, err);
    case PARAMETER_DURATION:
        return command_parse_duration(text, &value->number) ||
               error_set(err, "\"%s\" is not a duration, such as 30s, 500ms or 2m", text);
    case PARAMETER_TEXT:
        return set_text(parameter, value, text, size, err);
    case PARAMETER_FILE:
        return set_file(parameter, value, text, size, directory, err);
    case PARAMETER_KEYS:
    case PARAMETER_CHORD:
        return set_keys(parameter, value, text, size, err);
    case PARAMETER_CHOICE:
        return set_choice(parameter, value, text, err);
    case PARAMETER_NONE:
    case PARAMETER_FLAGS:
        break;
    }
    return command_fail_with_usage(call->command, err);
}

/* --- JSON --- */

static bool set_flags(const struct command_parameter *parameter, struct command_value *value,
                      const json_t *json, struct error *err)
{
    size_t index;
    json_t *name;
    if (!json_is_array(json))
        return error_set(err, "%s is an array of names", parameter->name);
    value->given = true;
    json_array_foreach(json, index, name)
    {
        struct command_value one;
        if (!json_is_string(name))
            return error_set(err, "%s is an array of names", parameter->name);
        if (!set_choice(parameter, &one, json_string_value(name), err))
            return false;
        value->number |= UINT64_C(1) << one.number;
    }
    return true;
}

static bool set_from_number(const struct command_parameter *parameter, struct command_value *value,
                            const json_t *json, struct error *err)
{
    double number = json_number_value(json);
    if (parameter->kind == PARAMETER_WIDE)
        parameter = &any;
    switch (parameter->kind) {
    case PARAMETER_NUMBER:
        if (json_is_integer(json) && json_integer_value(json) >= 0)
            return set_number(parameter, value, (uint64_t)json_integer_value(json), err);
        return error_set(err, "%s is not a whole number", parameter->name);
    case PARAMETER_INTEGER:
        if (json_is_integer(json))
            return set_integer(parameter, value, json_integer_value(json), err);
        return error_set(err, "%s is not a whole number", parameter->name);
    case PARAMETER_DURATION:
        if (!(number >= 0 && number < 1e8))
            return error_set(err, "%s is a number of seconds", parameter->name);
        value->number = (uint64_t)(number * (double)NS_PER_SECOND + 0.5);
        return true;
    default:
        return error_set(err, "%s is a string", parameter->name);
    }
}

bool command_value_from_json(struct command_call *call, unsigned index, const json_t *json,
                             const char *directory, struct error *err)
{
    const struct command_parameter *parameter = &call->command->parameter[index];
    struct command_value *value = &call->value[index];
    if (parameter->kind == PARAMETER_FLAGS)
        return set_flags(parameter, value, json, err);
    if (json_is_string(json))
        return command_value_from_text(call, index, json_string_value(json),
                                       json_string_length(json), directory, err);
    if (!json_is_number(json))
        return error_set(err, "%s is a string or a number", parameter->name);
    value->given = true;
    return set_from_number(parameter, value, json, err);
}

bool command_parse_json(const struct command_table *table, const char *name,
                        const json_t *arguments, const char *directory, struct command_call *call,
                        struct error *err)
{
    const char *key;
    json_t *json;
    *call = (struct command_call){.command = command_find(table, name)};
    if (!call->command)
        return error_set(err, "unknown command \"%.100s\"", name);
    if (arguments && !json_is_object(arguments)) {
        call->command = NULL;
        return error_set(err, "arguments is an object");
    }
    /* jansson's iteration wants a pointer that is not const, and changes nothing. */
    json_object_foreach((json_t *)arguments, key, json)
    {
        unsigned i = 0;
        while (i < COMMAND_PARAMETERS && call->command->parameter[i].kind &&
               strcmp(call->command->parameter[i].name, key) != 0)
            i++;
        bool is_known = i < COMMAND_PARAMETERS && call->command->parameter[i].kind;
        if (!is_known)
            error_set(err, "%s takes no \"%.100s\"", call->command->name, key);
        if (!is_known || !command_value_from_json(call, i, json, directory, err)) {
            command_call_free(call);
            return false;
        }
    }
    if (command_complete(call, err))
        return true;
    command_call_free(call);
    return false;
}

/* --- calls --- */

bool command_complete(const struct command_call *call, struct error *err)
{
    const struct command *command = call->command;
    if (!command->run)
        return error_set(err, "%s is not available in this version", command->name);
    for (unsigned i = 0; i < COMMAND_PARAMETERS && command->parameter[i].kind; i++) {
        bool is_optional = command->parameter[i].flags & PARAMETER_OPTIONAL;
        if (!call->value[i].given && !is_optional)
            return command_fail_with_usage(command, err);
    }
    return !command->check || command->check(call, err);
}

void command_call_free(struct command_call *call)
{
    for (unsigned i = 0; i < COMMAND_PARAMETERS; i++) {
        mem_free(call->value[i].text);
        mem_free(call->value[i].keys);
    }
    *call = (struct command_call){0};
}

const struct command_value *command_argument(const struct command_call *call, const char *name)
{
    unsigned i = 0;
    while (strcmp(call->command->parameter[i].name, name) != 0) {
        i++;
        assert(i < COMMAND_PARAMETERS && call->command->parameter[i].kind);
    }
    return &call->value[i];
}

const struct command *command_find(const struct command_table *table, const char *name)
{
    for (const struct command *row = table->rows; row->name; row++) {
        if (strcmp(row->name, name) == 0)
            return row;
    }
    return NULL;
}
