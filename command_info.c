/* `anachron isa`, `cpus` and `disasm`: what the processor is, for people. */
#include "base/memory.h"
#include "commands.h"
#include "cpu/insn.h"
#include "cpu/model.h"
#include "host/file.h"
#include "machine/disassemble.h"
#include "options.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_LIMIT = 1 << 30, TEXT_SIZE = 64 };

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

static const char *const feature_names[FEAT_COUNT] = {
    [FEAT_I386] = "386",    [FEAT_I486] = "486",        [FEAT_CPUID] = "cpuid",
    [FEAT_FPU] = "fpu",     [FEAT_TSC] = "tsc",         [FEAT_MSR] = "msr",
    [FEAT_CX8] = "cx8",     [FEAT_VME] = "vme",         [FEAT_DE] = "de",
    [FEAT_PSE] = "pse",     [FEAT_PAE] = "pae",         [FEAT_PGE] = "pge",
    [FEAT_PSE36] = "pse36", [FEAT_MCE] = "mce",         [FEAT_MTRR] = "mtrr",
    [FEAT_PAT] = "pat",     [FEAT_APIC] = "apic",       [FEAT_SEP] = "sep",
    [FEAT_PMC] = "pmc",     [FEAT_CMOV] = "cmov",       [FEAT_P6] = "p6",
    [FEAT_MMX] = "mmx",     [FEAT_FXSR] = "fxsr",       [FEAT_SSE] = "sse",
    [FEAT_SSE2] = "sse2",   [FEAT_CLFLUSH] = "clflush", [FEAT_SSE3] = "sse3",
    [FEAT_SSSE3] = "ssse3", [FEAT_NX] = "nx",
};

static void opcode_text(const struct insn_row *row, char text[TEXT_SIZE])
{
    static const char *const prefixes[] = {"", "", "66 ", "F2 ", "F3 "};
    static const char *const maps[] = {"", "0F ", "0F 38 ", "0F 3A "};
    char modrm[8] = "";
    unsigned digit = row->modrm & 0xFF;
    switch (row->modrm & 0xFF00) {
    case M_ANY:
    case M_MEM:
    case M_REG:
        strcpy(modrm, " /r");
        break;
    case M_DIGIT(0):
    case M_DIGIT_MEM(0):
    case M_DIGIT_REG(0):
        snprintf(modrm, sizeof modrm, " /%u", digit & 7);
        break;
    case M_BYTE(0):
        snprintf(modrm, sizeof modrm, " %02X", digit);
        break;
    }
    snprintf(text, TEXT_SIZE, "%s%s%02X%s", prefixes[row->prefix], maps[row->map], row->opcode,
             modrm);
}

static void flags_text(uint32_t flags, char text[TEXT_SIZE])
{
    static const struct {
        uint32_t flag;
        char letter;
    } letters[] = {
        {FLAG_OF, 'O'},
        {FLAG_DF, 'D'},
        {FLAG_IF, 'I'},
        {FLAG_TF, 'T'},
        {FLAG_SF, 'S'},
        {FLAG_ZF, 'Z'},
        {FLAG_AF, 'A'},
        {FLAG_PF, 'P'},
        {FLAG_CF, 'C'}
    };
    unsigned used = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(letters); i++) {
        if (flags & letters[i].flag)
            text[used++] = letters[i].letter;
    }
    if (!used)
        text[used++] = '-';
    text[used] = 0;
}

static void class_text(unsigned class, char text[TEXT_SIZE])
{
    snprintf(text, TEXT_SIZE, "%s%s%s%s", class == INNOCUOUS ? "innocuous " : "",
             class & PRIVILEGED ? "privileged " : "", class & CONTROL ? "control " : "",
             class & BEHAVIOUR ? "behaviour " : "");
    text[strlen(text) - 1] = 0;
}

int command_isa(int argc, char **argv)
{
    int status = only_help(argc, argv,
                           "usage: anachron isa\n\nLists every instruction form: opcode, mnemonic, "
                           "operands in the letters of SDM volume 2\nappendix A.2, flags read, "
                           "written and left undefined, feature, class.\n");
    if (status >= 0)
        return status;
    printf("%-16s %-12s %-14s %-10s %-10s %-10s %-8s %s\n", "opcode", "mnemonic", "operands",
           "read", "written", "undefined", "feature", "class");
    for (unsigned i = 0; i < insn_row_count(); i++) {
        const struct insn_row *row = insn_row(i);
        char opcode[TEXT_SIZE], read[TEXT_SIZE], written[TEXT_SIZE], undefined[TEXT_SIZE];
        char class[TEXT_SIZE];
        opcode_text(row, opcode);
        flags_text(row->flags_read, read);
        flags_text(row->flags_written, written);
        flags_text(row->flags_undefined, undefined);
        class_text(row->class, class);
        printf("%-16s %-12s %-14s %-10s %-10s %-10s %-8s %s\n", opcode, row->mnemonic,
               row->operands, read, written, undefined, feature_names[row->feature], class);
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
                printf(" %s", feature_names[feature]);
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
