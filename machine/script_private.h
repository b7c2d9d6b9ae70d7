/* Inside the script engine: commands as parsed. */
#ifndef MACHINE_SCRIPT_PRIVATE_H
#define MACHINE_SCRIPT_PRIVATE_H

#include "cpu/cpu.h"
#include "machine/script.h"

enum script_command {
    SCRIPT_WAIT_SCREEN,
    SCRIPT_WAIT_SERIAL,
    SCRIPT_WAIT_DEBUGCON,
    SCRIPT_WAIT_HALT,
    SCRIPT_TYPE,
    SCRIPT_KEY,
    SCRIPT_SERIAL,
    SCRIPT_MOUSE,
    SCRIPT_SLEEP,
    SCRIPT_SCREENSHOT,
    SCRIPT_FRAME,
    SCRIPT_PRINT_SCREEN,
    SCRIPT_PRINT_TEXT,
    SCRIPT_STATE,
    SCRIPT_DUMP,
    SCRIPT_REGS,
    SCRIPT_MEMORY,
    SCRIPT_POKE,
    SCRIPT_INSERT,
    SCRIPT_EJECT,
    SCRIPT_POWER_BUTTON,
    SCRIPT_RESET,
    SCRIPT_NMI,
    SCRIPT_QUIT,
    SCRIPT_COMMAND_COUNT
};

/* A key event of a `type` or `key` command. */
struct script_key {
    uint16_t code; /* enum key */
    bool down;
};

struct script_line {
    enum script_command command;
    unsigned line;      /* number in the file, from 1 */
    char *text;         /* a string, file name or register name; owned */
    size_t text_size;   /* strings may hold any byte */
    uint64_t number[2]; /* address and size, status, serial port ... */
    struct poke_value value;
    uint64_t duration; /* ns: sleep, or how long a wait may take */
    int mouse[3];      /* dx, dy, wheel */
    unsigned buttons;
    struct script_key *keys; /* owned */
    unsigned key_count;
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

/* script_keys.c: text with {names} as key events; appends to line->keys. False: err names the
 * character or key. */
bool script_keys_for_text(const char *text, size_t size, struct script_line *line,
                          struct error *err);
/* One key, or several held together ("ctrl-alt-del"); down only, up only, or both. */
bool script_keys_for_chord(const char *name, size_t size, bool press, bool release,
                           struct script_line *line, struct error *err);

#endif
