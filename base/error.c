#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Names out of files may hold anything, and a terminal would obey it. */
static void make_one_line(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7F)
            *text = '?';
}

bool error_set(struct error *err, const char *format, ...)
{
    if (!err)
        return false;
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    make_one_line(err->text);
    return false;
}

bool error_set_errno(struct error *err, const char *format, ...)
{
    if (!err)
        return false;
    const char *reason = strerror(errno);
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    make_one_line(err->text);
    size_t used = strlen(err->text);
    snprintf(err->text + used, sizeof err->text - used, ": %s", reason);
    return false;
}
