/* --display term: the text screen in the terminal, in colour, and the terminal's keys to the guest
 * keyboard. The terminal must already be in raw mode (host/terminal.h). */
#ifndef UI_TERM_H
#define UI_TERM_H

#include "control/screen.h"
#include "record/gate.h"

struct term;

/* What brings the terminal back from what term_open does. */
#define TERM_FAREWELL "\033[0m\033[?25h\033[?1049l"

struct term *term_open(void);
/* Leaves the alternate screen; the last screen is printed, so that it stays to be read. */
void term_close(struct term *term);

/* Draws what the machine shows, until it has ended. */
void term_show(struct term *term, struct screen *screen);

/* Starts reading keys in a thread. quit is called there when the person asks for it (Ctrl-A x). */
void term_start_keys(struct term *term, struct gate *gate, void (*quit)(void *opaque),
                     void *opaque);

#endif
