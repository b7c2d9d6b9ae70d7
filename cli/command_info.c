/* `anachron isa`, `cpus` and `disasm`: what the processor is, for people. */
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cpu/model.h"
#include "host/file.h"
#include "machine/disassemble.h"
#include "machine/isa.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_LIMIT = 1 << 30 };

static int complain(const struct error *err, int status)
{
    fprintf(stderr, "anachron: error: %s\n", err->text);
    return status;
}

static bool take_help(void *target, const char *argument, struct error *err)
{
    *(bool *)target = true;
    return true;
}

/* Commands that take nothing but --help. Returns -1 to go on, or the exit status. */
static int only_help(int argc, char **argv, const char *usage)
{
    static const struct option_row rows[] = {
        {"--help",     NULL, "this text", take_help},
        {0}
    };
    bool help = false;
    struct error err;
    if (!options_parse(argc, argv, rows, NULL, &help, &err))
        return complain(&err, EXIT_STATUS_USAGE);
    if (help)
        fputs(usage, stdout);
    return help ? EXIT_STATUS_OK : -1;
}

/* --- isa --- */

struct isa_options {
    bool json, help;
};

static bool take_isa_json(void *target, const char *text, struct error *err)
{
    ((struct isa_options *)target)->json = true;
    return true;
}

static bool take_isa_help(void *target, const char *text, struct error *err)
{
    ((struct isa_options *)target)->help = true;
    return true;
}

int command_isa(int argc, char **argv)
{
    static const struct option_row isa_rows[] = {
        {"--json",                     NULL, "the table as a JSON array", take_isa_json},
        {"--help", NULL, "this text", take_isa_help},
        {0                           }
    };
    struct isa_options options = {0};
    struct error err;
    if (!options_parse(argc, argv, isa_rows, NULL, &options, &err))
        return complain(&err, EXIT_STATUS_USAGE);
    if (options.help) {
        fputs(
            "usage: anachron isa [--json]\n\nLists every instruction form: opcode, mnemonic, "
            "operands in the letters of SDM volume 2\nappendix A.2, feature, class (innocuous; or "
            "privileged, control- and behaviour-sensitive),\nwhat each engine does with it, flags "
            "left undefined, read and written.\n\n",
            stdout);
        options_help(isa_rows, stdout);
    } else {
        isa_print(stdout, options.json);
    }
    return EXIT_STATUS_OK;
}

/* --- cpus --- */

int command_cpus(int argc, char **argv)
{
    int status = only_help(argc, argv,
                           "usage: anachron cpus\n\nLists the processor models that "
                           "`anachron run --cpu` takes.\n");
    if (status >= 0)
        return status;
    const struct cpu_model *model;
    for (unsigned i = 0; (model = cpu_model_at(i)); i++) {
        bool is_default = strcmp(model->name, CPU_MODEL_DEFAULT) == 0;
        printf("%-10s %s%s\n          ", model->name, model->description,
               is_default ? " (the default)" : "");
        for (unsigned feature = 0; feature < FEAT_COUNT; feature++) {
            if (model_has(model, feature))
                printf(" %s", isa_feature_text(feature));
        }
        printf("\n");
    }
    return EXIT_STATUS_OK;
}

/* --- disasm --- */

struct disasm_options {
    const char *path;
    bool is_16_bit, help;
    uint64_t base, offset, size;
};

static bool take_path(void *target, const char *text, struct error *err)
{
    struct disasm_options *options = target;
    if (options->path)
        return error_set(err, "one file at a time");
    options->path = text;
    return true;
}

static bool parse_number(const char *text, uint64_t *value, struct error *err)
{
    char *end;
    *value = strtoull(text, &end, 0);
    return (isdigit((unsigned char)text[0]) && !*end) ||
           error_set(err, "\"%s\" is not a number", text);
}

static bool take_base(void *target, const char *text, struct error *err)
{
    return parse_number(text, &((struct disasm_options *)target)->base, err);
}

static bool take_offset(void *target, const char *text, struct error *err)
{
    return parse_number(text, &((struct disasm_options *)target)->offset, err);
}

static bool take_size(void *target, const char *text, struct error *err)
{
    return parse_number(text, &((struct disasm_options *)target)->size, err);
}

static bool take_bits(void *target, const char *text, struct error *err)
{
    struct disasm_options *options = target;
    options->is_16_bit = strcmp(text, "16") == 0;
    return options->is_16_bit || strcmp(text, "32") == 0 ||
           error_set(err, "--bits %s: give 16 or 32", text);
}

static bool take_disasm_help(void *target, const char *text, struct error *err)
{
    ((struct disasm_options *)target)->help = true;
    return true;
}

static const struct option_row disasm_rows[] = {
    {"--bits",          "16|32", "code size (32)", take_bits},
    {"--base", "ADDRESS", "eip of the file's first byte (0)", take_base},
    {"--offset",                 "N", "begin at byte N of the file", take_offset},
    {"--size",        "N", "disassemble N bytes", take_size},
    {"--help",        NULL, "this text", take_disasm_help},
    {0       },
};

static void print_instructions(const struct disasm_options *options, const uint8_t *bytes,
                               size_t size, struct disassembler *disassembler)
{
    size_t end = options->size < size - options->offset ? options->offset + options->size : size;
    for (size_t at = options->offset; at < end;) {
        char text[DISASSEMBLY_SIZE];
        uint32_t address = (uint32_t)(options->base + at);
        unsigned length =
            disassemble(disassembler, bytes + at, size - at, address, !options->is_16_bit, text);
        printf("%08x ", address);
        for (unsigned i = 0; i < length; i++)
            printf("%02x", bytes[at + i]);
        printf("%*s %s\n", length < 10 ? (int)(20 - 2 * length) : 0, "", text);
        at += length;
    }
}

int command_disasm(int argc, char **argv)
{
    struct disasm_options options = {.size = UINT64_MAX};
    struct error err;
    uint8_t *bytes;
    size_t size;
    if (!options_parse(argc, argv, disasm_rows, take_path, &options, &err))
        return complain(&err, EXIT_STATUS_USAGE);
    if (options.help) {
        fputs("usage: anachron disasm [OPTION]... FILE\n\nDisassembles a file of machine code.\n\n",
              stdout);
        options_help(disasm_rows, stdout);
        return EXIT_STATUS_OK;
    }
    if (!options.path) {
        error_set(&err, "disasm: which file? See --help");
        return complain(&err, EXIT_STATUS_USAGE);
    }
    if (!file_read(options.path, "a file of machine code", FILE_LIMIT, &bytes, &size, &err))
        return complain(&err, EXIT_STATUS_HOST_ERROR);
    struct disassembler *disassembler = disassembler_new();
    if (disassembler && options.offset < size)
        print_instructions(&options, bytes, size, disassembler);
    disassembler_free(disassembler);
    mem_free(bytes);
    return EXIT_STATUS_OK;
}
