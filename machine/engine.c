/* See machine/engine.h. */
#include "machine/engine.h"

#include "cpu/code.h"
#include "machine/isa.h"

#include <stdlib.h>
#include <string.h>

static bool take_number(const char *text, unsigned long *value)
{
    char *end;
    *value = strtoul(text, &end, 10);
    return end != text && (*end == 0 || *end == ',') && *value > 0;
}

static bool is_setting(const char *text, const char *name)
{
    size_t length = strlen(name);
    return !strncmp(text, name, length) && (text[length] == 0 || text[length] == ',');
}

static bool take_setting(struct machine *machine, struct jit_options *options, const char *text)
{
    unsigned long value;
    if (is_setting(text, "unlinked"))
        options->unlinked = true;
    else if (is_setting(text, "plain"))
        options->plain = true;
    else if (is_setting(text, "flush"))
        options->flush = options->unlinked = true;
    else if (!strncmp(text, "break=", 6) && text[6])
        options->spoil = text + 6;
    else if (is_setting(text, "single"))
        machine->cpu->code->limit = 1;
    else if (!strncmp(text, "warm=", 5) && take_number(text + 5, &value) && value <= UINT16_MAX)
        options->warm = (unsigned)value;
    else if (!strncmp(text, "cache=", 6) && take_number(text + 6, &value) && value <= 1 << 20)
        options->cache_size = value << 10;
    else
        return false;
    return true;
}

static bool take_settings(struct machine *machine, struct jit_options *options, struct error *err)
{
    for (const char *text = machine->config.translator; text && *text;) {
        if (!take_setting(machine, options, text))
            return error_set(err,
                             "--translator %s: give warm=N, cache=KIB, plain, unlinked, single or "
                             "flush, with commas between them",
                             text);
        const char *comma = strchr(text, ',');
        text = comma ? comma + 1 : NULL;
    }
    return true;
}

bool engine_start(struct machine *machine, struct error *err)
{
    struct jit_options options = {0};
    enum engine engine = machine->config.engine;
    if (engine == ENGINE_INTERP || (engine == ENGINE_DEFAULT && !isa_engine_find("jit")))
        return true;
    if (!take_settings(machine, &options, err))
        return false;
    if (machine->config.measure)
        options.host_time = machine_host_time;
    machine->jit = jit_new(machine->cpu, &options, err);
    if (machine->jit || engine == ENGINE_JIT)
        return machine->jit;
    log_line(machine->log, LOG_WARNING, "%s; going on with the interpreter", err->text);
    return true;
}
