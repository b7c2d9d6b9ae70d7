/* What the guest says on a serial port or the debug console, the last megabyte of it kept for
 * commands to search, while it goes on to where it was going. */
#ifndef MACHINE_CAPTURE_H
#define MACHINE_CAPTURE_H

#include "bus/backend.h"

struct capture {
    struct char_backend chars; /* what the chip is given */
    struct char_backend *next; /* may be NULL; not owned */
    uint8_t *bytes;            /* owned */
    size_t size, room;
    size_t searched; /* what an earlier wait has matched is behind this */
};

void capture_start(struct capture *capture, struct char_backend *next);
void capture_end(struct capture *capture);
/* Looks for text behind the last match; if it is there, moves behind it. */
bool capture_find(struct capture *capture, const char *text, size_t size);

#endif
