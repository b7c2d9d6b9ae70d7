/* `anachron replay`: runs what a log has recorded. */
#include "base/bits.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/run_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ARGUMENTS = 256 };

struct replay_options {
    const char *log;
    uint64_t to;
    bool goes_live, help;
};

static bool take_log(void *target, const char *text, struct error *err)
{
    struct replay_options *options = target;
    if (options->log)
        return error_set(err, "give one log, not both %s and %s", options->log, text);
    options->log = text;
    return true;
}

static bool take_to(void *target, const char *text, struct error *err)
{
    struct replay_options *options = target;
    return options_count(text, &options->to) ||
           error_set(err, "--to %s: give an instruction count", text);
}

static bool take_go_live(void *target, const char *text, struct error *err)
{
    ((struct replay_options *)target)->goes_live = true;
    return true;
}

static bool take_help(void *target, const char *text, struct error *err)
{
    ((struct replay_options *)target)->help = true;
    return true;
}

/* Options of `anachron run` that are about the host; the guest's machine is in the log. */
static bool pass(void *target, const char *text, struct error *err)
{
    return true;
}

/* clang-format off */
static const struct option_row rows[] = {
    {"--to", "ICOUNT", "replay up to this instruction count", take_to},
    {"--go-live", NULL, "then go on as a running machine, which takes input", take_go_live},
    {"--record", "FILE", "record it again from there on: a branch", pass},
    {"--engine", "jit|interp", "how instructions are executed", pass},
    {"--translator", "S", "settings of the translator, for its tests", pass},
    {"--clock", "virtual|paced", "as fast as possible, or no faster than real time", pass},
    {"--serial", "WHERE", "COM1, then COM2: stdio, file:F, pty, tcp:HOST:PORT, none", pass},
    {"--debugcon", "WHERE", "ports E9h and 402h: stdio, file:F", pass},
    {"--post", "WHERE", "POST codes: stdio, file:F", pass},
    {"--printer", "WHERE", "LPT1's output: stdio, file:F", pass},
    {"--display", "sdl|vnc|term|none", "where the screen is shown (none)", pass},
    {"--vnc-password", "FILE", "viewers must know what the file's first line says", pass},
    {"--scale", "N", "host pixels a pixel in the window, 1 to 8", pass},
    {"--control", "SOCKET", "take commands at a Unix socket; pauses at the end", pass},
    {"--gdb", "WHERE[,nowait]", "wait for gdb, which can go back, too; pauses at the end", pass},
    {"--script", "FILE", "drive the machine by a script once it is live", pass},
    {"--screenshot", "FILE.png", "write the screen at the end", pass},
    {"--stats", NULL, "print statistics at the end", pass},
    {"--trace", "WHAT:FILE", "write instructions or translated blocks", pass},
    {"--verbose", NULL, "log more", pass},
    {"--help", NULL, "this text", take_help},
    {0},
};
/* clang-format on */

static void print_help(void)
{
    puts(
        "usage: anachron replay LOG [OPTION]...\n\n"
        "Runs what `anachron run --record LOG` has recorded, and compares it with the log's check "
        "marks.\n");
    options_help(rows, stdout);
}

/* The words that are options of `anachron run`, with their arguments. */
static int pick_run_options(int argc, char **argv, char **picked)
{
    int count = 0;
    picked[count++] = argv[0];
    for (int i = 1; i < argc; i++) {
        size_t length = strcspn(argv[i], "=");
        const struct option_row *row = rows;
        while (row->name && (strlen(row->name) != length || strncmp(row->name, argv[i], length)))
            row++;
        if (!row->name)
            continue;
        bool takes_next = row->argument && !argv[i][length] && i + 1 < argc;
        if (row->handler == pass)
            picked[count++] = argv[i];
        if (takes_next && row->handler == pass)
            picked[count++] = argv[i + 1];
        i += takes_next;
    }
    return count;
}

static bool parse(struct run *run, int argc, char **argv, struct replay_options *options,
                  struct error *err)
{
    char *picked[MAX_ARGUMENTS];
    if (argc >= MAX_ARGUMENTS)
        return error_set(err, "at most %d words are possible", MAX_ARGUMENTS);
    if (!options_parse(argc, argv, rows, take_log, options, err))
        return false;
    if (options->help)
        return true;
    if (!options->log)
        return error_set(err, "give a log: anachron replay LOG");
    int count = pick_run_options(argc, argv, picked);
    if (!run_options_parse(count, picked, &run->options, err))
        return false;
    if (!options->goes_live && (run->options.record || run->options.script))
        return error_set(err, "%s goes with --go-live: a replay takes no input",
                         run->options.record ? "--record" : "--script");
    return true;
}

int command_replay(int argc, char **argv)
{
    struct replay_options options = {.to = UINT64_MAX};
    struct run *run = mem_new(sizeof *run);
    struct error err = {""};
    bool ok = parse(run, argc, argv, &options, &err);
    int status = ok ? EXIT_STATUS_HOST_ERROR : EXIT_STATUS_USAGE;
    if (ok && options.help) {
        mem_free(run);
        print_help();
        return EXIT_STATUS_OK;
    }
    ok = ok && run_log_read(run, options.log, &err);
    if (!ok) {
        fprintf(stderr, "anachron: error: %s\n", err.text);
        saved_close(run->saved);
        run_log_free(run);
        mem_free(run);
        return status;
    }
    run->log.play.to = options.to;
    bool is_watched = run->options.control || run->options.gdb;
    run->log.play.at_end = options.goes_live ? PLAY_GOES_LIVE
                           : is_watched      ? PLAY_PAUSES
                                             : PLAY_STOPS;
    if (run->options.display == DISPLAY_DEFAULT && !options.goes_live)
        run->options.display = DISPLAY_NONE;
    if (run->options.paced < 0 && !options.goes_live)
        run->options.paced = 0;
    return run_to_the_end(run);
}
