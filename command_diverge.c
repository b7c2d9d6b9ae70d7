/* `anachron diverge`: the same machine on two engines, in lockstep; where they part. */
#include "base/bits.h"
#include "base/memory.h"
#include "commands.h"
#include "machine/diverge.h"
#include "machine/isa.h"
#include "options.h"
#include "run_machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEFAULT_EVERY = 2000000, MAX_ARGUMENTS = 256 };

struct diverge_options {
    const struct isa_engine *engine[2];
    uint64_t every, limit;
    bool help;
};

static bool take_engines(void *target, const char *text, struct error *err)
{
    struct diverge_options *options = target;
    const char *comma = strchr(text, ',');
    for (unsigned i = 0; comma && i < 2; i++) {
        char name[16];
        const char *from = i ? comma + 1 : text;
        snprintf(name, sizeof name, "%.*s", i ? (int)strlen(from) : (int)(comma - text), from);
        options->engine[i] = isa_engine_find(name);
        if (!options->engine[i])
            return error_set(err, "--engines %s: no engine '%s' in this build", text, name);
    }
    return comma || error_set(err, "--engines %s: give two, such as interp,jit", text);
}

static bool take_count(uint64_t *count, const char *option, const char *text, struct error *err)
{
    char *end;
    errno = 0;
    *count = strtoull(text, &end, 0);
    return (text[0] >= '0' && text[0] <= '9' && !*end && !errno && *count) ||
           error_set(err, "%s %s: give a number of instructions", option, text);
}

static bool take_every(void *target, const char *text, struct error *err)
{
    return take_count(&((struct diverge_options *)target)->every, "--every", text, err);
}

static bool take_limit(void *target, const char *text, struct error *err)
{
    return take_count(&((struct diverge_options *)target)->limit, "--limit", text, err);
}

static bool take_help(void *target, const char *text, struct error *err)
{
    ((struct diverge_options *)target)->help = true;
    return true;
}

static const struct option_row rows[] = {
    {"--engines",                     "A,B", "the two engines (interp,jit)", take_engines},
    {"--every", "N", "instructions between two comparisons (2000000)", take_every},
    {"--limit",                               "ICOUNT", "compare no further (to the end of the run)", take_limit},
    {"--help",                            NULL, "this text", take_help},
    {0                    },
};

static void print_help(void)
{
    puts(
        "usage: anachron diverge [OPTION]... [OPTION of `anachron run`]...\n\n"
        "Runs a machine on two engines and finds the first instruction after which they differ.\n");
    options_help(rows, stdout);
}

static bool is_own(const char *word)
{
    size_t length = strcspn(word, "=");
    for (const struct option_row *row = rows; row->name; row++)
        if (strlen(row->name) == length && !strncmp(row->name, word, length))
            return true;
    return false;
}

/* Ours to own, with their arguments, the rest to rest. */
static bool sort_arguments(int argc, char **argv, char **own, int *own_count, char **rest,
                           int *rest_count, struct error *err)
{
    *own_count = *rest_count = 1;
    own[0] = rest[0] = argv[0];
    if (argc >= MAX_ARGUMENTS)
        return error_set(err, "at most %d words are possible", MAX_ARGUMENTS);
    for (int i = 1; i < argc; i++) {
        bool mine = is_own(argv[i]);
        bool takes = mine && !strchr(argv[i], '=') && strcmp(argv[i], "--help") != 0;
        if (!mine) {
            rest[(*rest_count)++] = argv[i];
            continue;
        }
        own[(*own_count)++] = argv[i];
        if (takes && i + 1 < argc)
            own[(*own_count)++] = argv[++i];
    }
    return true;
}

/* The report keeps standard output; what scripts print would come twice. */
static FILE *take_output(void)
{
    fflush(stdout);
    int output = dup(STDOUT_FILENO);
    FILE *stream = output < 0 ? NULL : fdopen(output, "w");
    if (!stream || !freopen("/dev/null", "w", stdout))
        return NULL;
    return stream;
}

static int run_both(const struct diverge_options *options, int argc, char **argv)
{
    struct run *run[2] = {NULL};
    struct error err = {""};
    int status = EXIT_STATUS_HOST_ERROR;
    struct diverge diverge = {.every = options->every, .limit = options->limit};
    diverge.stream = take_output();
    bool ok = diverge.stream || error_set_errno(&err, "standard output cannot be kept");
    for (unsigned i = 0; ok && i < 2; i++) {
        diverge.name[i] = options->engine[i]->name;
        run[i] = run_open(argc, argv, options->engine[i]->engine, &status, &err);
        ok = run[i] != NULL;
        if (ok)
            diverge.side[i] = run_machine_of(run[i]);
    }
    enum diverge_result result = ok ? diverge_run(&diverge, &err) : DIVERGE_FAILED;
    if (result == DIVERGE_FAILED)
        fprintf(stderr, "anachron: error: %s\n", err.text);
    for (unsigned i = 0; i < 2; i++)
        run_close(run[i]);
    if (diverge.stream)
        fclose(diverge.stream);
    if (result == DIVERGE_FAILED)
        return status;
    return result == DIVERGE_SAME ? EXIT_STATUS_OK : EXIT_STATUS_HOST_ERROR;
}

int command_diverge(int argc, char **argv)
{
    struct diverge_options options = {
        .engine = {isa_engine_find("interp"), isa_engine_find("jit")},
        .every = DEFAULT_EVERY,
        .limit = UINT64_MAX,
    };
    struct error err = {""};
    char *own[MAX_ARGUMENTS], *rest[MAX_ARGUMENTS];
    int own_count, rest_count;
    bool ok = sort_arguments(argc, argv, own, &own_count, rest, &rest_count, &err) &&
              options_parse(own_count, own, rows, NULL, &options, &err);
    if (ok && !options.help && !options.engine[1])
        ok = error_set(&err, "this host has no translator; --engines interp,interp is possible");
    if (!ok) {
        fprintf(stderr, "anachron: error: %s\n", err.text);
        return EXIT_STATUS_USAGE;
    }
    if (options.help) {
        print_help();
        return EXIT_STATUS_OK;
    }
    return run_both(&options, rest_count, rest);
}
