/* The log: what the emulator has to say about a run. One per machine; devices and processor hold a
 * pointer to it. Lines go to standard error as "anachron: LEVEL: text". */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

struct log;

/* Creates a log that writes to stream (not owned) whatever is at least as urgent as threshold. */
struct log *log_new(FILE *stream, enum log_level threshold);
void log_free(struct log *log);

void log_line(struct log *log, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* For something that the guest reaches and Anachron does not implement: says so once per
 * (unit, key), as a warning. unit names the chip or "cpu"; key is the port, register, address or
 * opcode. */
void log_unimplemented(struct log *log, const char *unit, uint64_t key, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* How many different unimplemented things the guest has reached. */
unsigned log_unimplemented_count(const struct log *log);

#endif
