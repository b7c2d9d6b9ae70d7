/* Lines and words as calls. */
#include "base/memory.h"
#include "control/command_private.h"

#include <ctype.h>
#include <string.h>

/* --- lines --- */

int command_hex_digit(char c)
{
    if (isdigit((unsigned char)c))
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Resolves one escape behind a backslash; *at is moved behind it. */
static bool unescape(const char *line, size_t end, size_t *at, char *out, struct error *err)
{
    static const char names[] = "nrtbe0\\\"", values[] = "\n\r\t\b\033\0\\\"";
    if (*at >= end)
        return error_set(err, "the line ends with a backslash");
    char c = line[(*at)++];
    if (c == 'x') {
        int high = *at < end ? command_hex_digit(line[*at]) : -1;
        int low = *at + 1 < end ? command_hex_digit(line[*at + 1]) : -1;
        if (high < 0 || low < 0)
            return error_set(err, "\\x wants two hexadecimal digits");
        *at += 2;
        *out = (char)(high << 4 | low);
        return true;
    }
    const char *name = strchr(names, c);
    if (c && name) {
        *out = values[name - names];
        return true;
    }
    /* A DOS prompt is to be written as it looks: "A:\>". */
    *out = '\\';
    (*at)--;
    return true;
}

static bool read_string(const char *line, size_t end, size_t *at, struct command_word *word,
                        struct error *err)
{
    word->is_bare = false;
    while (*at < end && line[*at] != '"') {
        char c = line[(*at)++];
        if (c == '\\' && !unescape(line, end, at, &c, err))
            return false;
        word->text[word->size++] = c;
    }
    if (*at >= end)
        return error_set(err, "a string has no closing quote");
    (*at)++;
    return true;
}

static bool split(const char *line, size_t end, struct command_word *words, unsigned *count,
                  struct error *err)
{
    size_t at = 0;
    for (;;) {
        while (at < end && isspace((unsigned char)line[at]))
            at++;
        if (at == end || line[at] == '#')
            return true;
        if (*count == COMMAND_WORDS)
            return error_set(err, "too many words");
        struct command_word *word = &words[(*count)++];
        *word = (struct command_word){.text = mem_new(end - at + 1), .is_bare = true};
        if (line[at] == '"') {
            at++;
            if (!read_string(line, end, &at, word, err))
                return false;
            continue;
        }
        while (at < end && !isspace((unsigned char)line[at]) && line[at] != '"')
            word->text[word->size++] = line[at++];
    }
}

bool command_parse_line(const struct command_table *table, const char *line, size_t size,
                        bool script, struct command_call *call, struct error *err)
{
    struct command_word words[COMMAND_WORDS];
    unsigned count = 0;
    *call = (struct command_call){0};
    bool ok = split(line, size, words, &count, err);
    for (unsigned i = 0; i < count && !script; i++)
        words[i].is_bare = false;
    if (ok && count)
        ok = command_parse_words(table, words, count, NULL, call, err);
    for (unsigned i = 0; i < count; i++)
        mem_free(words[i].text);
    if (ok && script && call->command && call->command->flags & COMMAND_LIVE_ONLY) {
        error_set(err, "%s is not for scripts", call->command->name);
        command_call_free(call);
        return false;
    }
    return ok;
}

/* --- which command --- */

/* How many words the row's name has, if they are the first of words; 0: another name. */
static unsigned match_name(const char *name, const struct command_word *words, unsigned count)
{
    unsigned used = 0;
    while (*name) {
        size_t length = strcspn(name, " ");
        if (used == count || words[used].size != length ||
            memcmp(words[used].text, name, length) != 0)
            return 0;
        used++;
        name += length + (name[length] == ' ');
    }
    return used;
}

/* Rows whose name begins with the word, as "usage: wait screen ..., or wait halt ...". */
static bool fail_with_usages(const struct command_table *table, const char *word, struct error *err)
{
    char usages[sizeof err->text - 16] = "";
    for (const struct command *row = table->rows; row->name; row++) {
        size_t length = strlen(word), used = strlen(usages);
        if (strncmp(row->name, word, length) != 0 || row->name[length] != ' ')
            continue;
        if (*usages && used + 5 < sizeof usages)
            used = strlen(strcat(usages, ", or "));
        command_usage(row, usages + used, sizeof usages - used);
    }
    if (*usages)
        return error_set(err, "usage: %s", usages);
    return error_set(err, "unknown command \"%s\"", word);
}

/* --- arguments --- */

struct reader {
    const struct command *command;
    struct command_call *call;
    struct command_word *words;
    unsigned next, count;
    const char *directory;
};

/* A parameter that takes one word; false with *used false: the word is none of its business. */
static bool read_value(struct reader *reader, unsigned index, struct error *err)
{
    const struct command_parameter *parameter = &reader->command->parameter[index];
    const struct command_word *word = &reader->words[reader->next++];
    if (parameter->flags & PARAMETER_QUOTED && word->is_bare)
        return error_set(err, "%s stands in quotes", word->text);
    return command_value_from_text(reader->call, index, word->text, word->size, reader->directory,
                                   err);
}

static bool read_flag(struct reader *reader, unsigned index)
{
    const struct command_parameter *parameter = &reader->command->parameter[index];
    struct command_value *value = &reader->call->value[index];
    int choice = command_find_choice(parameter, reader->words[reader->next].text);
    if (choice < 0)
        return false;
    value->given = true;
    value->number |= UINT64_C(1) << choice;
    reader->next++;
    return true;
}

/* A flag, or a keyword and its value. *is_one: it was. */
static bool read_option(struct reader *reader, bool *is_one, struct error *err)
{
    const struct command_word *word = &reader->words[reader->next];
    *is_one = true;
    for (unsigned i = 0; i < COMMAND_PARAMETERS && reader->command->parameter[i].kind; i++) {
        const struct command_parameter *parameter = &reader->command->parameter[i];
        if (parameter->kind == PARAMETER_FLAGS && read_flag(reader, i))
            return true;
        if (parameter->flags & PARAMETER_KEYWORD && strcmp(parameter->name, word->text) == 0 &&
            reader->next + 1 < reader->count && !reader->call->value[i].given) {
            reader->next++;
            return read_value(reader, i, err);
        }
    }
    *is_one = false;
    return true;
}

/* The next parameter that is filled by its place; COMMAND_PARAMETERS: there is none. */
static unsigned next_place(const struct reader *reader)
{
    for (unsigned i = 0; i < COMMAND_PARAMETERS && reader->command->parameter[i].kind; i++) {
        const struct command_parameter *parameter = &reader->command->parameter[i];
        if (parameter->kind != PARAMETER_FLAGS && !(parameter->flags & PARAMETER_KEYWORD) &&
            !reader->call->value[i].given)
            return i;
    }
    return COMMAND_PARAMETERS;
}

static bool read_words(struct reader *reader, struct error *err)
{
    while (reader->next < reader->count) {
        unsigned place = next_place(reader);
        bool is_required = place < COMMAND_PARAMETERS &&
                           !(reader->command->parameter[place].flags & PARAMETER_OPTIONAL);
        bool is_option = false;
        if (!is_required && !read_option(reader, &is_option, err))
            return false;
        if (is_option)
            continue;
        if (place == COMMAND_PARAMETERS)
            return command_fail_with_usage(reader->command, err);
        if (!read_value(reader, place, err))
            return false;
    }
    return true;
}

bool command_parse_words(const struct command_table *table, struct command_word *words,
                         unsigned count, const char *directory, struct command_call *call,
                         struct error *err)
{
    struct reader reader = {.call = call, .words = words, .count = count, .directory = directory};
    *call = (struct command_call){0};
    if (!count)
        return error_set(err, "a command is missing");
    for (const struct command *row = table->rows; row->name; row++) {
        unsigned used = match_name(row->name, words, count);
        if (used > reader.next) {
            reader.command = row;
            reader.next = used;
        }
    }
    if (!reader.command)
        return fail_with_usages(table, words[0].text, err);
    call->command = reader.command;
    /* A row that only says that the command is of a later version takes no arguments. */
    if ((!reader.command->run || read_words(&reader, err)) && command_complete(call, err))
        return true;
    command_call_free(call);
    return false;
}
