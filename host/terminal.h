/* The terminal that the program was started from, in raw mode, and given back as it was on every
 * way out: a normal end, a signal, a crash, even SIGKILL. A small child process keeps the saved
 * settings and restores them when this process is gone.
 *
 * Raw mode passes every key to the guest, Ctrl-C too. The escape key is Ctrl-A: Ctrl-A x ends the
 * machine, Ctrl-A Ctrl-A types a Ctrl-A, Ctrl-A h lists the rest. */
#ifndef HOST_TERMINAL_H
#define HOST_TERMINAL_H

#include "base/error.h"
#include "bus/backend.h"

#include <stdint.h>

struct terminal;

/* farewell is written to the terminal when this process ends without terminal_close; it must
 * outlive the call only. NULL: err says why. */
struct terminal *terminal_open(const char *farewell, struct error *err);
void terminal_close(struct terminal *terminal);

/* Whether standard input is a terminal. */
bool terminal_is_there(void);

/* What a byte from the keyboard is, with the escape key taken into account. */
enum terminal_action { TERMINAL_BYTE, TERMINAL_NOTHING, TERMINAL_QUIT, TERMINAL_HELP };
struct terminal_escape {
    bool pending;
};
enum terminal_action terminal_filter(struct terminal_escape *escape, uint8_t byte);

#endif
