/* Anachron: which command, and nothing else. */
#include "base/bits.h"
#include "base/error.h"
#include "cli/commands.h"

#include <stdio.h>
#include <string.h>

struct command {
    const char *name;
    int (*run)(int argc, char **argv); /* NULL: of a later version */
    const char *help;
};

static const struct command commands[] = {
    {"run",     command_run,          "boot a PC"                                      },
    {"isa",     command_isa,          "list the instructions"                          },
    {"cpus",    command_cpus,         "list the processor models"                      },
    {"disasm",  command_disasm,       "disassemble a file"                             },
    {"vectors", command_vectors,      "run processor test suites"                      },
    {"replay",  command_replay,       "replay a recorded run"                          },
    {"diverge", command_diverge,      "find where two engines part"                    },
    {"new",     command_new,          "make a machine that is kept by name"            },
    {"start",   command_start,        "run it, on a working copy of its disk"          },
    {"stop",    command_stop_machine, "end it: --save or --discard"                    },
    {"save",    command_save,         "save its disk and state; it goes on"            },
    {"fork",    command_fork_machine, "make two of a running one"                      },
    {"clone",   command_clone,        "copy it"                                        },
    {"ls",      command_ls,           "list machines"                                  },
    {"rm",      command_rm,           "remove one"                                     },
    {"log",     command_log,          "what is in a record; what was done to a machine"},
    {"ctl",     command_ctl,          "control a running machine"                      },
};

static void print_help(FILE *stream)
{
    fputs("usage: anachron COMMAND [OPTION]...\n\nAnachron is a whole 32-bit x86 PC.\n\n", stream);
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
        if (commands[i].run)
            fprintf(stream, "  %-10s %s\n", commands[i].name, commands[i].help);
    }
    fputs("\n`anachron COMMAND --help` says more; so does the man page anachron(1).\n", stream);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return EXIT_STATUS_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return EXIT_STATUS_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("anachron " ANACHRON_VERSION);
        return EXIT_STATUS_OK;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
        if (strcmp(commands[i].name, argv[1]) != 0)
            continue;
        if (commands[i].run)
            return commands[i].run(argc - 1, argv + 1);
        fprintf(stderr, "anachron: error: `anachron %s` is not available in this version\n",
                argv[1]);
        return EXIT_STATUS_USAGE;
    }
    fprintf(stderr, "anachron: error: unknown command \"%s\"; see anachron --help\n", argv[1]);
    return EXIT_STATUS_USAGE;
}
