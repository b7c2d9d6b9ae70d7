/* Signals that ask the program to end (SIGINT, SIGTERM, SIGHUP), taken by a thread of their own, so
 * that the machine can stop at a boundary and everything is put back in order. */
#ifndef HOST_SIGNALS_H
#define HOST_SIGNALS_H

#include <stdbool.h>

struct signals;

/* To be called before any other thread exists: they inherit the blocked signals. asked is called
 * with the signal's number, in the signal thread; a second signal ends the program at once. */
struct signals *signals_start(void (*asked)(void *opaque, int number), void *opaque);
void signals_stop(struct signals *signals);

#endif
