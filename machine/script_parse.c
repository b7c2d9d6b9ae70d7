/* The script language: one command a line, words and "strings", # comments. */
#include "base/bits.h"
#include "base/memory.h"
#include "base/time128.h"
#include "machine/script_private.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WORDS = 8, MAX_MOUSE = 32767 };

#define DEFAULT_WAIT_NS (60 * NS_PER_SECOND)

struct word {
    char *text; /* with escapes resolved, and a terminator */
    size_t size;
    bool is_string;
};

struct words {
    unsigned count;
    struct word word[MAX_WORDS];
};

/* --- words --- */

static int hex_digit(char c)
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
        int high = *at < end ? hex_digit(line[*at]) : -1;
        int low = *at + 1 < end ? hex_digit(line[*at + 1]) : -1;
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

static bool read_string(const char *line, size_t end, size_t *at, struct word *word,
                        struct error *err)
{
    word->is_string = true;
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

static bool split(const char *line, size_t end, struct words *words, struct error *err)
{
    size_t at = 0;
    for (;;) {
        while (at < end && isspace((unsigned char)line[at]))
            at++;
        if (at == end || line[at] == '#')
            return true;
        if (words->count == MAX_WORDS)
            return error_set(err, "too many words");
        struct word *word = &words->word[words->count++];
        word->text = mem_new(end - at + 1);
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

static void free_words(struct words *words)
{
    for (unsigned i = 0; i < words->count; i++)
        mem_free(words->word[i].text);
}

/* --- values --- */

static bool parse_number(const struct word *word, uint64_t *value, struct error *err)
{
    char *end;
    errno = 0;
    *value = strtoull(word->text, &end, 0);
    if (!isdigit((unsigned char)word->text[0]) || *end || errno)
        return error_set(err, "\"%s\" is not a number", word->text);
    return true;
}

static bool parse_integer(const struct word *word, int *value, struct error *err)
{
    char *end;
    long number = strtol(word->text, &end, 10);
    if (!word->size || *end || number < -MAX_MOUSE || number > MAX_MOUSE)
        return error_set(err, "\"%s\" is not a number between -%d and %d", word->text, MAX_MOUSE,
                         MAX_MOUSE);
    *value = (int)number;
    return true;
}

/* 30s, 500ms, 20us, 100ns, 2m, 1.5s. */
static bool parse_duration(const struct word *word, uint64_t *ns, struct error *err)
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
    double value = strtod(word->text, &end);
    for (size_t i = 0; i < ARRAY_LENGTH(units) && isdigit((unsigned char)word->text[0]); i++) {
        if (strcmp(end, units[i].name) == 0 && value >= 0 && value < 1e6) {
            *ns = (uint64_t)(value * (double)units[i].ns + 0.5);
            return true;
        }
    }
    return error_set(err, "\"%s\" is not a duration, such as 30s, 500ms or 2m", word->text);
}

static void take_text(struct script_line *line, struct word *word)
{
    line->text = word->text;
    line->text_size = word->size;
    word->text = NULL;
}

/* --- commands --- */

typedef bool parse_function(struct words *words, struct script_line *line, struct error *err);

static bool parse_wait(struct words *words, struct script_line *line, struct error *err)
{
    static const struct {
        const char *name;
        enum script_command command;
        unsigned port;
        bool wants_string;
    } kinds[] = {
        {"screen",   SCRIPT_WAIT_SCREEN,   0, true },
        {"serial",   SCRIPT_WAIT_SERIAL,   0, true },
        {"serial2",  SCRIPT_WAIT_SERIAL,   1, true },
        {"debugcon", SCRIPT_WAIT_DEBUGCON, 0, true },
        {"halt",     SCRIPT_WAIT_HALT,     0, false}
    };
    for (size_t i = 0; words->count > 1 && i < ARRAY_LENGTH(kinds); i++) {
        if (strcmp(words->word[1].text, kinds[i].name) != 0)
            continue;
        unsigned next = kinds[i].wants_string ? 3 : 2;
        if (words->count < next || words->count > next + 1 ||
            (kinds[i].wants_string && !words->word[2].size))
            break;
        line->command = kinds[i].command;
        line->number[0] = kinds[i].port;
        line->duration = DEFAULT_WAIT_NS;
        if (kinds[i].wants_string)
            take_text(line, &words->word[2]);
        return words->count == next || parse_duration(&words->word[next], &line->duration, err);
    }
    return error_set(err,
                     "usage: wait screen|serial|serial2|debugcon \"TEXT\" [DURATION], or wait "
                     "halt [DURATION]");
}

static bool parse_type(struct words *words, struct script_line *line, struct error *err)
{
    return script_keys_for_text(words->word[1].text, words->word[1].size, line, err);
}

static bool parse_key(struct words *words, struct script_line *line, struct error *err)
{
    const struct word *direction = &words->word[1], *name = &words->word[2];
    bool down = strcmp(direction->text, "down") == 0;
    if (!down && strcmp(direction->text, "up") != 0)
        return error_set(err, "usage: key down|up NAME");
    return script_keys_for_chord(name->text, name->size, down, !down, line, err);
}

static bool parse_serial(struct words *words, struct script_line *line, struct error *err)
{
    line->number[0] = strcmp(words->word[0].text, "serial2") == 0;
    take_text(line, &words->word[1]);
    return true;
}

static bool parse_mouse(struct words *words, struct script_line *line, struct error *err)
{
    static const char *const names[] = {"left", "right", "middle"};
    if (!parse_integer(&words->word[1], &line->mouse[0], err) ||
        !parse_integer(&words->word[2], &line->mouse[1], err))
        return false;
    for (unsigned i = 3; i < words->count; i++) {
        unsigned button = 0;
        while (button < ARRAY_LENGTH(names) && strcmp(words->word[i].text, names[button]) != 0)
            button++;
        if (button < ARRAY_LENGTH(names)) {
            line->buttons |= 1u << button;
        } else if (strcmp(words->word[i].text, "wheel") == 0 && i + 1 < words->count) {
            if (!parse_integer(&words->word[++i], &line->mouse[2], err))
                return false;
        } else {
            return error_set(err, "usage: mouse DX DY [left] [right] [middle] [wheel N]");
        }
    }
    return true;
}

static bool parse_sleep(struct words *words, struct script_line *line, struct error *err)
{
    return parse_duration(&words->word[1], &line->duration, err);
}

static bool parse_print(struct words *words, struct script_line *line, struct error *err)
{
    if (words->word[1].is_string) {
        line->command = SCRIPT_PRINT_TEXT;
        take_text(line, &words->word[1]);
        return true;
    }
    return strcmp(words->word[1].text, "screen") == 0 ||
           error_set(err, "usage: print screen, or print \"TEXT\"");
}

static bool parse_file(struct words *words, struct script_line *line, struct error *err)
{
    take_text(line, &words->word[1]);
    return line->text_size != 0 || error_set(err, "a file name is missing");
}

static bool parse_memory(struct words *words, struct script_line *line, struct error *err)
{
    if (!parse_number(&words->word[1], &line->number[0], err) ||
        !parse_number(&words->word[2], &line->number[1], err))
        return false;
    if (line->number[0] + line->number[1] > UINT64_C(0x100000000) ||
        line->number[1] > UINT64_C(0x100000000))
        return error_set(err, "physical addresses end at 0xFFFFFFFF");
    take_text(line, &words->word[3]);
    return true;
}

/* Hexadecimal digits of a register wider than 64 bits: 20 (x87) or 32 (XMM), as regs shows them; 0x
 * before them makes no difference, and XMM values may be shorter with it. */
static bool parse_wide(const struct word *word, struct poke_value *value)
{
    const char *text = word->text;
    bool marked = text[0] == '0' && tolower((unsigned char)text[1]) == 'x';
    text += marked ? 2 : 0;
    size_t digits = strlen(text);
    if (digits != strspn(text, "0123456789abcdefABCDEF") || digits == 0 || digits > 32)
        return false;
    if (!marked && digits != 20 && digits != 32)
        return false;
    value->digits = (unsigned)digits;
    for (; *text; text++) {
        value->high = value->high << 4 | value->low >> 60;
        value->low = value->low << 4 | (uint64_t)hex_digit(*text);
    }
    return true;
}

static bool parse_poke(struct words *words, struct script_line *line, struct error *err)
{
    if (!parse_wide(&words->word[2], &line->value) &&
        !parse_number(&words->word[2], &line->value.low, err))
        return false;
    take_text(line, &words->word[1]);
    return true;
}

static bool parse_media(struct words *words, struct script_line *line, struct error *err)
{
    static const struct {
        const char *name;
        enum gate_drive drive;
    } drives[] = {
        {"floppy",  GATE_FLOPPY_A},
        {"floppy2", GATE_FLOPPY_B},
        {"cdrom",   GATE_CDROM   }
    };
    for (size_t i = 0; i < ARRAY_LENGTH(drives); i++) {
        if (strcmp(words->word[1].text, drives[i].name) != 0)
            continue;
        line->number[0] = drives[i].drive;
        if (line->command == SCRIPT_INSERT)
            take_text(line, &words->word[2]);
        return true;
    }
    return error_set(err, "no drive is called \"%s\": there are floppy, floppy2 and cdrom",
                     words->word[1].text);
}

static bool parse_quit(struct words *words, struct script_line *line, struct error *err)
{
    if (words->count == 1)
        return true;
    if (!parse_number(&words->word[1], &line->number[0], err))
        return false;
    return line->number[0] <= 255 || error_set(err, "an exit status is 0 to 255");
}

static bool parse_later(struct words *words, struct script_line *line, struct error *err)
{
    return error_set(err, "%s is not available in this version", words->word[0].text);
}

static bool parse_nothing(struct words *words, struct script_line *line, struct error *err)
{
    return true;
}

static const struct command_row {
    const char *name;
    enum script_command command;
    unsigned least, most; /* words, with the command itself */
    const char *usage;
    parse_function *parse;
} command_rows[] = {
    {"wait",         SCRIPT_WAIT_SCREEN,  2, 4, "",                                   parse_wait   },
    {"type",         SCRIPT_TYPE,         2, 2, "\"TEXT{key}\"",                      parse_type   },
    {"key",          SCRIPT_KEY,          3, 3, "down|up NAME",                       parse_key    },
    {"serial",       SCRIPT_SERIAL,       2, 2, "\"TEXT\"",                           parse_serial },
    {"serial2",      SCRIPT_SERIAL,       2, 2, "\"TEXT\"",                           parse_serial },
    {"mouse",        SCRIPT_MOUSE,        3, 8, "DX DY [BUTTON]... [wheel N]",        parse_mouse  },
    {"sleep",        SCRIPT_SLEEP,        2, 2, "DURATION",                           parse_sleep  },
    {"screenshot",   SCRIPT_SCREENSHOT,   2, 2, "FILE.png",                           parse_file   },
    {"frame",        SCRIPT_FRAME,        1, 1, "",                                   parse_nothing},
    {"print",        SCRIPT_PRINT_SCREEN, 2, 2, "screen",                             parse_print  },
    {"state",        SCRIPT_STATE,        1, 1, "",                                   parse_nothing},
    {"dump",         SCRIPT_DUMP,         2, 2, "FILE",                               parse_file   },
    {"regs",         SCRIPT_REGS,         1, 1, "",                                   parse_nothing},
    {"memory",       SCRIPT_MEMORY,       4, 4, "ADDRESS SIZE FILE",                  parse_memory },
    {"poke",         SCRIPT_POKE,         3, 3, "REGISTER VALUE",                     parse_poke   },
    {"insert",       SCRIPT_INSERT,       3, 3, "floppy|floppy2|cdrom FILE[,OPTION]", parse_media  },
    {"eject",        SCRIPT_EJECT,        2, 2, "floppy|floppy2|cdrom",               parse_media  },
    {"power-button", SCRIPT_POWER_BUTTON, 1, 1, "",                                   parse_nothing},
    {"reset",        SCRIPT_RESET,        1, 1, "",                                   parse_nothing},
    {"nmi",          SCRIPT_NMI,          1, 1, "",                                   parse_nothing},
    {"quit",         SCRIPT_QUIT,         1, 2, "[STATUS]",                           parse_quit   },
    {"save",         SCRIPT_QUIT,         1, 8, "",                                   parse_later  },
    {"load",         SCRIPT_QUIT,         1, 8, "",                                   parse_later  },
};

static bool parse_words(struct words *words, struct script_line *line, struct error *err)
{
    const char *name = words->word[0].text;
    for (size_t i = 0; i < ARRAY_LENGTH(command_rows); i++) {
        const struct command_row *row = &command_rows[i];
        if (strcmp(row->name, name) != 0)
            continue;
        if (words->count < row->least || words->count > row->most)
            return error_set(err, "usage: %s%s%s", name, *row->usage ? " " : "", row->usage);
        line->command = row->command;
        return row->parse(words, line, err);
    }
    return error_set(err, "unknown command \"%s\"", name);
}

static void free_line(struct script_line *line)
{
    mem_free(line->text);
    mem_free(line->keys);
}

static bool parse_line(const char *text, size_t size, struct script_program *program,
                       unsigned number, struct error *err)
{
    struct words words = {0};
    struct script_line line = {.line = number};
    struct error reason;
    bool ok = split(text, size, &words, &reason);
    if (ok && words.count)
        ok = parse_words(&words, &line, &reason);
    if (ok && words.count) {
        program->lines = mem_resize(program->lines, (program->count + 1) * sizeof *program->lines);
        program->lines[program->count++] = line;
        program->passes_time |= line.command <= SCRIPT_WAIT_HALT || line.command == SCRIPT_SLEEP;
    } else {
        free_line(&line);
    }
    free_words(&words);
    return ok || error_set(err, "%s:%u: %s", program->name, number, reason.text);
}

bool script_parse_program(const char *text, size_t size, const char *name,
                          struct script_program *program, struct error *err)
{
    *program = (struct script_program){.name = mem_string_copy(name)};
    size_t at = 0;
    for (unsigned number = 1; at < size; number++) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t length = end ? (size_t)(end - (text + at)) : size - at;
        if (!parse_line(text + at, length, program, number, err)) {
            script_free_program(program);
            return false;
        }
        at += length + 1;
    }
    return true;
}

void script_free_program(struct script_program *program)
{
    for (unsigned i = 0; i < program->count; i++)
        free_line(&program->lines[i]);
    mem_free(program->lines);
    mem_free(program->name);
}
