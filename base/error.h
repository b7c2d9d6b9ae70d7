/* Host failures. A function that can fail for a reason outside the program takes a struct error,
 * fills it, and returns false (or NULL). Guest faults are not errors: see cpu/fault.h. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>

/* Exit status of the program (docs: the man page, EXIT STATUS). */
enum exit_status {
    EXIT_STATUS_OK = 0,
    EXIT_STATUS_HOST_ERROR = 1,
    EXIT_STATUS_USAGE = 2,
    EXIT_STATUS_TIMEOUT = 3,
    EXIT_STATUS_GUEST_CRASH = 4,
    EXIT_STATUS_DEBUG_EXIT_BASE = 16, /* isa-debug-exit value v != 0 gives 16 + v */
};

/* One line for a person: what failed, where, and what to do about it. No trailing newline. */
struct error {
    char text[512];
};

/* Control characters in the text become question marks. Fills err (which may be NULL when the
 * caller does not care) and returns false, so that a failing function can end with `return
 * error_set(...)`. */
bool error_set(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Like error_set, and appends ": " and the host's text for errno. */
bool error_set_errno(struct error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
