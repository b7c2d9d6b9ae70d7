/* Where characters go to and come from on the host: files, the terminal, pseudo-terminals, TCP.
 *
 *     stdio          standard output and input; on a terminal in raw mode (host/terminal.h)
 *     file:PATH      written anew; no input
 *     pty            a new pseudo-terminal, whose name is printed on standard error
 *     tcp:HOST:PORT  waits for a connection at HOST:PORT (HOST empty: this machine only)
 *     tcp:HOST:PORT,connect   connects to a server there
 *     none           nowhere
 *
 * Output never blocks the guest for a reader that is not there: it is dropped then. */
#ifndef HOST_CHARACTERS_H
#define HOST_CHARACTERS_H

#include "base/error.h"
#include "bus/backend.h"
#include "record/gate.h"

struct characters;

/* option ("--serial") is for messages. NULL: err says why. *backend gets NULL for "none". */
struct characters *characters_open(const char *specification, const char *option,
                                   struct error *err);
/* What the chip writes to; NULL when there is nothing connected. */
struct char_backend *characters_backend(struct characters *characters);
/* Whether a person may be typing: stdio on a terminal, pty, tcp. */
bool characters_interactive(const struct characters *characters);
/* Starts passing input to a serial port through the gate, in a thread. quit (may be NULL) is called
 * in that thread when the person at the terminal typed the escape sequence. */
void characters_start(struct characters *characters, struct gate *gate, unsigned port,
                      void (*quit)(void *opaque), void *opaque);
/* Ends input (before the gate is freed), and closes. characters may be NULL. */
void characters_close(struct characters *characters);

#endif
