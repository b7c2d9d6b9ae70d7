/* Commands: what can be asked of a machine, whoever asks. The script language, the keys of the
 * window and the control socket all name rows of one table (machine/commands.c); here is what a row
 * says, and how words of a line or members of a JSON object become the arguments of a call.
 *
 * In a script or on a command line a call is words, in the order of the row's parameters:
 *
 *     mouse 10 -4 left wheel 1
 *
 * On the control socket it is an object with the parameters by name:
 *
 *     {"command": "mouse", "arguments": {"dx": 10, "dy": -4, "buttons": ["left"], "wheel": 1}} */
#ifndef CONTROL_COMMAND_H
#define CONTROL_COMMAND_H

#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    COMMAND_PARAMETERS = 5,
    COMMAND_WORDS = 16,
    /* What comes over a socket ends somewhere. */
    COMMAND_TEXT_MAX = 1 << 20,
};

enum parameter_kind {
    PARAMETER_NONE,     /* ends the list */
    PARAMETER_NUMBER,   /* least to most; JSON: an integer, or a string such as "0x7C00" */
    PARAMETER_WIDE,     /* up to 128 bits: decimal, 0x, or exactly 20 or 32 hexadecimal digits */
    PARAMETER_INTEGER,  /* with a sign, -most to most */
    PARAMETER_DURATION, /* 30s, 500ms; JSON: such a string, or a number of seconds */
    PARAMETER_TEXT,     /* bytes, at least `least`; JSON: a string (UTF-8) */
    PARAMETER_FILE,     /* a file of the host, relative to who asks */
    PARAMETER_KEYS,     /* text with {names}, as key strokes on a US keyboard */
    PARAMETER_CHORD,    /* one key by name, or several held together: "ctrl-alt-del" */
    PARAMETER_CHOICE,   /* one of choices; the value is its index */
    PARAMETER_FLAGS,    /* any of choices: words, or a JSON array; bit 0 is the first */
};

enum parameter_flag {
    PARAMETER_OPTIONAL = 1 << 0,
    PARAMETER_KEYWORD = 1 << 1, /* in words: its name and then its value, anywhere at the end */
    PARAMETER_QUOTED = 1 << 2,  /* scripts must write it in quotes */
};

struct command_parameter {
    const char *name;
    enum parameter_kind kind;
    unsigned flags; /* enum parameter_flag */
    uint64_t least, most;
    const char *const *choices; /* ends with NULL */
};

/* A key that goes down or up. */
struct key_stroke {
    uint16_t code; /* enum key, bus/keys.h */
    bool down;
};

struct command_value {
    bool given;
    uint64_t number; /* number, duration (ns), choice, flags */
    uint64_t high;   /* wide: bits 64 to 127 */
    unsigned digits; /* wide: hexadecimal digits that it was written with, or 0 */
    int64_t integer;
    char *text; /* owned; terminated, but may hold any byte */
    size_t size;
    struct key_stroke *keys; /* owned */
    unsigned key_count;
};

struct command;

/* A command with its arguments, in the order of the row's parameters. */
struct command_call {
    const struct command *command;
    struct command_value value[COMMAND_PARAMETERS];
};

enum command_flag {
    /* Changes what the guest sees: goes through the gate as an event, so that it is recorded. */
    COMMAND_CHANGES_GUEST = 1 << 0,
    /* Is there to let virtual time pass. */
    COMMAND_WAITS = 1 << 1,
    /* Not in scripts, which have no use for it. */
    COMMAND_LIVE_ONLY = 1 << 2,
    /* About a connection to the control socket, whose server carries it out itself; variant 0 is
     * subscribe, 1 unsubscribe. */
    COMMAND_SESSION = 1 << 3,
};

/* How a result is shown to people (command_result_text). */
enum command_output {
    OUTPUT_NOTHING,
    OUTPUT_FIELDS, /* a line a member */
    OUTPUT_LINE,   /* "icount 12 state 0f3c": all in one line */
    OUTPUT_JSON,   /* the object itself, in one line */
    OUTPUT_TEXT,   /* the member "text", as it is */
    OUTPUT_DUMP,   /* "address" and "bytes", as a hexadecimal dump */
    OUTPUT_TOLD,   /* command_told_text */
    OUTPUT_CODE,   /* "instructions", each with "address", "bytes" and "text" */
    OUTPUT_HELP,   /* "commands", as command_describe gives them */
};

/* What a step of a command came to. */
enum command_outcome {
    COMMAND_DONE,
    COMMAND_AGAIN, /* to be called again at job->due_ns */
    COMMAND_FAILED
};

struct machine;
struct job; /* machine/job.h */

struct command {
    const char *name; /* one word or two: "state", "wait screen" */
    const char *help;
    unsigned flags; /* enum command_flag */
    enum command_output output;
    /* Carries the command out, on the machine's thread at an instruction boundary. NULL: of a later
     * version. */
    enum command_outcome (*run)(struct machine *machine, struct job *job);
    /* What the kinds of the parameters cannot say. May be NULL. */
    bool (*check)(const struct command_call *call, struct error *err);
    struct command_parameter parameter[COMMAND_PARAMETERS + 1];
    unsigned variant; /* for rows that share run */
};

/* Ends with a NULL name. */
struct command_table {
    const struct command *rows;
};

/* --- calls --- */

struct command_word {
    char *text; /* terminated */
    size_t size;
    bool is_bare; /* of a script, and not in quotes */
};

/* Words to a call. False: err has the usage, or what is wrong with an argument; the call is then
 * empty. directory (may be NULL) is what file names are relative to. */
bool command_parse_words(const struct command_table *table, struct command_word *words,
                         unsigned count, const char *directory, struct command_call *call,
                         struct error *err);
/* A line as a person types it: words and "strings" with escapes, # comments. An empty line gives a
 * call without command. script: PARAMETER_QUOTED and COMMAND_LIVE_ONLY are minded. */
bool command_parse_line(const struct command_table *table, const char *line, size_t size,
                        bool script, struct command_call *call, struct error *err);
/* Name and arguments (an object, or NULL) to a call. */
bool command_parse_json(const struct command_table *table, const char *name,
                        const json_t *arguments, const char *directory, struct command_call *call,
                        struct error *err);
/* A request of the control socket: "command" and "arguments", or "words"; "directory". */
bool command_parse_request(const struct command_table *table, const json_t *request,
                           struct command_call *call, struct error *err);
void command_call_free(struct command_call *call);

/* 30s, 500ms, 20us, 100ns, 2m, 1h, 1.5s: nanoseconds. */
bool command_parse_duration(const char *text, uint64_t *ns);

/* The value of a parameter by name; asserts that the row has it. */
const struct command_value *command_argument(const struct command_call *call, const char *name);

/* --- help --- */

const struct command *command_find(const struct command_table *table, const char *name);
/* "mouse DX DY [left|right|middle]... [wheel N]" */
void command_usage(const struct command *command, char *text, size_t size);
/* The whole table, or one row, as data. */
json_t *command_describe(const struct command *command);

/* What a result looks like to a person: lines, each with its newline, in UTF-8. size (may be NULL)
 * gets the length, because text may hold any byte. The caller frees. */
char *command_result_text(const struct command *command, const json_t *result, size_t *size);
/* A result that says itself what it is: the member "text" as a line, then the strings of the array
 * "lines", then what is in other arrays of objects in the same way, indented. The caller frees. */
char *command_told_text(const json_t *result);

#endif
