#include "base/log.h"

#include "base/memory.h"

#include <stdarg.h>
#include <string.h>

enum { MAX_REPORTED = 1024 };

struct reported {
    const char *unit;
    uint64_t key;
};

struct log {
    FILE *stream;
    enum log_level threshold;
    unsigned reported_count;
    struct reported reported[MAX_REPORTED];
};

struct log *log_new(FILE *stream, enum log_level threshold)
{
    struct log *log = mem_new(sizeof *log);
    log->stream = stream;
    log->threshold = threshold;
    return log;
}

void log_free(struct log *log)
{
    mem_free(log);
}

static void log_write(struct log *log, enum log_level level, const char *format, va_list args)
{
    static const char *const level_names[] = {"error", "warning", "info", "debug"};
    if (level > log->threshold)
        return;
    fprintf(log->stream, "anachron: %s: ", level_names[level]);
    vfprintf(log->stream, format, args);
    fputc('\n', log->stream);
}

void log_line(struct log *log, enum log_level level, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    log_write(log, level, format, args);
    va_end(args);
}

static bool first_report(struct log *log, const char *unit, uint64_t key)
{
    for (unsigned i = 0; i < log->reported_count; i++) {
        if (log->reported[i].key == key && strcmp(log->reported[i].unit, unit) == 0)
            return false;
    }
    if (log->reported_count == MAX_REPORTED)
        return false;
    log->reported[log->reported_count++] = (struct reported){unit, key};
    return true;
}

void log_unimplemented(struct log *log, const char *unit, uint64_t key, const char *format, ...)
{
    if (!first_report(log, unit, key))
        return;
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log_line(log, LOG_WARNING, "%s: not implemented: %s", unit, text);
}

unsigned log_unimplemented_count(const struct log *log)
{
    return log->reported_count;
}
