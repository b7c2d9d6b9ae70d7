/* `anachron diverge`: the same machine on two engines, in lockstep; where they part. */
#include "base/bits.h"
#include "base/memory.h"
#include "cli/command_against.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/run_machine.h"
#include "machine/diverge.h"
#include "machine/isa.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEFAULT_EVERY = 2000000, MAX_ARGUMENTS = 256 };

struct diverge_options {
    const struct isa_engine *engine[2];
    uint64_t every, limit;
    const char *log; /* NULL: the options of `anachron run` say what to run */
    const char *against;
    bool probes;
    struct against_probe probe;
    bool help;
};

/* The two runs, and where the log's check marks say that they begin to go wrong. */
struct pair {
    struct run *run[2];
    struct diverge diverge;
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
    return (options_count(text, count) && *count) ||
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

static bool take_against(void *target, const char *text, struct error *err)
{
    ((struct diverge_options *)target)->against = text;
    return true;
}

static bool take_probe(void *target, const char *text, struct error *err)
{
    struct diverge_options *options = target;
    options->probes = true;
    return against_parse(text, &options->probe, err);
}

static bool take_dump(void *target, const char *text, struct error *err)
{
    ((struct diverge_options *)target)->probe.dump = text;
    return true;
}

static bool take_help(void *target, const char *text, struct error *err)
{
    ((struct diverge_options *)target)->help = true;
    return true;
}

static const struct option_row rows[] = {
    {"--engines",                                   "A,B", "the two engines (interp,jit)", take_engines},
    {"--every",               "N", "instructions between two comparisons (2000000)", take_every},
    {"--limit",                                             "ICOUNT", "compare no further (to the end of the run)", take_limit},
    {"--against",                            "PROGRAM", "compare this build with another one, on a LOG", take_against},
    {"--probe",                                   "BASE:FROM:EVERY:COUNT", "print hashes of the state, for --against", take_probe},
    {"--dump",                                     "FILE", "and write the last state", take_dump},
    {"--help", NULL, "this text", take_help},
    {0                                            },
};

static void print_help(void)
{
    puts(
        "usage: anachron diverge [LOG] [OPTION]... [OPTION of `anachron run`]...\n\n"
        "Runs a machine, or what a log has recorded, on two engines and finds the first "
        "instruction\n"
        "after which they differ.\n");
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

static bool unshare(void *opaque, struct error *err)
{
    struct pair *pair = opaque;
    return run_unshare(pair->run[0], err) && run_unshare(pair->run[1], err);
}

/* Runs the log on one engine, and compares check marks: *good is where the last right one stands,
 * UINT64_MAX if all are right. False: it cannot be run. */
static bool check_marks(const struct diverge_options *options, unsigned side, int argc, char **argv,
                        uint64_t *good, struct error *lost, int *status, struct error *err)
{
    struct run *run =
        run_open_log(options->log, true, argc, argv, options->engine[side]->engine, status, err);
    if (!run)
        return false;
    struct machine_play_result result;
    machine_run_to(run_machine_of(run), options->limit);
    machine_play_result(run_machine_of(run), &result);
    *good = result.is_lost ? result.good.icount : UINT64_MAX;
    if (result.is_lost)
        *lost = result.error;
    run_close(run);
    return true;
}

static bool open_pair(struct pair *pair, const struct diverge_options *options, int argc,
                      char **argv, int *status, struct error *err)
{
    for (unsigned i = 0; i < 2; i++) {
        pair->diverge.name[i] = options->engine[i]->name;
        pair->run[i] =
            run_open_log(options->log, false, argc, argv, options->engine[i]->engine, status, err);
        if (!pair->run[i])
            return false;
        pair->diverge.side[i] = run_machine_of(pair->run[i]);
    }
    return true;
}

static enum diverge_result run_pair(const struct diverge_options *options, int argc, char **argv,
                                    FILE *stream, uint64_t from, int *status, struct error *err)
{
    struct pair pair = {
        .diverge = {.every = options->every,
                    .limit = options->limit,
                    .stream = stream,
                    .unshare = unshare,
                    .opaque = &pair}
    };
    bool ok = open_pair(&pair, options, argc, argv, status, err);
    for (unsigned i = 0; i < 2 && ok && from; i++)
        machine_run_to(pair.diverge.side[i], from);
    enum diverge_result result = ok ? diverge_run(&pair.diverge, err) : DIVERGE_FAILED;
    for (unsigned i = 0; i < 2; i++)
        run_close(pair.run[i]);
    return result;
}

/* A log tells by its check marks which engine leaves the recorded way, and about where; then that
 * place is looked for with both. The second engine is the one under suspicion. */
static enum diverge_result run_log(const struct diverge_options *options, int argc, char **argv,
                                   FILE *stream, int *status, struct error *err)
{
    uint64_t good[2] = {UINT64_MAX, UINT64_MAX}, from;
    struct error lost;
    unsigned side = 2;
    while (side-- > 0 && good[0] == UINT64_MAX && good[1] == UINT64_MAX) {
        if (!check_marks(options, side, argc, argv, &good[side], &lost, status, err))
            return DIVERGE_FAILED;
    }
    from = good[0] < good[1] ? good[0] : good[1];
    if (from == UINT64_MAX) {
        fprintf(stream, "%s and %s do what was recorded: all check marks are right\n",
                options->engine[0]->name, options->engine[1]->name);
        return DIVERGE_SAME;
    }
    fprintf(stream, "%s: %s; the mark before that, after %llu instructions, was right\n",
            options->engine[good[0] < good[1] ? 0 : 1]->name, lost.text, (unsigned long long)from);
    fflush(stream);
    enum diverge_result result = run_pair(options, argc, argv, stream, from, status, err);
    if (result == DIVERGE_SAME) {
        fputs(
            "Both engines of this build do the same, but not what was recorded: it was another "
            "build, or a changed machine. Compare builds with --against.\n",
            stream);
        return DIVERGE_DIFFERENT;
    }
    return result;
}

static int run_builds(const struct diverge_options *options, int argc, char **argv)
{
    struct error err = {""};
    int status = EXIT_STATUS_HOST_ERROR;
    bool differ = false, ok;
    if (options->probes)
        ok = against_answer(options->log, &options->probe, options->engine[1]->engine, argc, argv,
                            &status, &err);
    else
        ok = against_search(options->log, options->against, options->limit, argc, argv, stdout,
                            &differ, &err);
    if (!ok)
        fprintf(stderr, "anachron: error: %s\n", err.text);
    return !ok ? status : differ ? EXIT_STATUS_HOST_ERROR : EXIT_STATUS_OK;
}

static int run_both(const struct diverge_options *options, int argc, char **argv)
{
    struct error err = {""};
    int status = EXIT_STATUS_HOST_ERROR;
    FILE *stream = take_output();
    enum diverge_result result = DIVERGE_FAILED;
    if (!stream)
        error_set_errno(&err, "standard output cannot be kept");
    else if (options->log)
        result = run_log(options, argc, argv, stream, &status, &err);
    else
        result = run_pair(options, argc, argv, stream, 0, &status, &err);
    if (result == DIVERGE_FAILED)
        fprintf(stderr, "anachron: error: %s\n", err.text);
    if (stream)
        fclose(stream);
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
    if (argc > 1 && argv[1][0] != '-') {
        options.log = argv[1];
        argv[1] = argv[0];
        argv++;
        argc--;
    }
    bool ok = sort_arguments(argc, argv, own, &own_count, rest, &rest_count, &err) &&
              options_parse(own_count, own, rows, NULL, &options, &err);
    if (ok && !options.help && !options.engine[1])
        ok = error_set(&err, "this host has no translator; --engines interp,interp is possible");
    if (ok && !options.log && !options.help && (options.against || options.probes))
        ok = error_set(&err, "--against compares two builds on a log: anachron diverge LOG");
    if (!ok) {
        fprintf(stderr, "anachron: error: %s\n", err.text);
        return EXIT_STATUS_USAGE;
    }
    if (options.help) {
        print_help();
        return EXIT_STATUS_OK;
    }
    if (options.against || options.probes)
        return run_builds(&options, rest_count, rest);
    return run_both(&options, rest_count, rest);
}
