/* The command: options, the list of files, decompression, which loader. */
#include "machine/vectors.h"

#include "base/memory.h"
#include "cpu/model.h"
#include "machine/isa.h"
#include "machine/vectors_run.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

static const char usage[] =
    "usage: anachron vectors [--engine E] [--cpu MODEL] [--json] [--show N] [--no-suites] "
    "[FILE]...\n\n"
    "Runs the built-in processor test suites and the test vectors in files (MOO, TestFloat, known\n"
    "answers, bare-metal images; or directories of them; .gz too), and prints, per instruction\n"
    "form, how many cases passed and failed, and which forms have no test at all.\n\n"
    "  --engine E   the engine that executes: interp (the default) or jit\n"
    "  --cpu MODEL  processor model (default: 386 for MOO files, the newest for the rest)\n"
    "  --json       the report as JSON\n"
    "  --show N     describe the first N failures of each suite on standard error\n"
    "  --suite NAME only this built-in suite (repeatable)\n"
    "  --no-suites  only the files\n"
    "  --skip FORM  make a form, named as in the report (\"0F A2 cpuid\"), do nothing, to see\n"
    "               that the tests notice; \"all\": every form, in known answers\n\n"
    "masked: passed, and differed from the hardware in undefined flags only.\n";

/* --- list of files --- */

struct path_list {
    char **paths;
    size_t count;
};

static void path_list_add(struct path_list *list, const char *path)
{
    list->paths = mem_resize(list->paths, (list->count + 1) * sizeof *list->paths);
    list->paths[list->count++] = mem_string_copy(path);
}

static void path_list_free(struct path_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        mem_free(list->paths[i]);
    mem_free(list->paths);
}

static bool has_suffix(const char *text, const char *suffix)
{
    size_t length = strlen(text), tail = strlen(suffix);
    return length >= tail && strcmp(text + length - tail, suffix) == 0;
}

static bool is_vector_name(const char *name)
{
    if (has_suffix(name, ".moo") || has_suffix(name, ".moo.gz") || has_suffix(name, ".MOO") ||
        has_suffix(name, ".MOO.gz") || has_suffix(name, ".answers") ||
        has_suffix(name, ".answers.gz"))
        return true;
    /* TestFloat files: FUNCTION.ROUNDING.pPRECISION.txt */
    return (has_suffix(name, ".txt") || has_suffix(name, ".txt.gz")) && strstr(name, ".p");
}

static bool collect(struct path_list *list, const char *path, struct error *err)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return error_set_errno(err, "%s", path);
    if (!S_ISDIR(status.st_mode)) {
        path_list_add(list, path);
        return true;
    }
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0)
        return error_set_errno(err, "%s", path);
    bool ok = true;
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        char below[4096];
        int length = snprintf(below, sizeof below, "%s/%s", path, name);
        bool fits = length > 0 && (size_t)length < sizeof below;
        if (ok && name[0] != '.' && fits && stat(below, &status) == 0 &&
            (S_ISDIR(status.st_mode) || is_vector_name(name)))
            ok = collect(list, below, err);
        free(entries[i]);
    }
    free(entries);
    return ok;
}

/* --- one file --- */

void vector_stem(const char *path, char *stem, size_t size)
{
    const char *slash = strrchr(path, '/');
    snprintf(stem, size, "%s", slash ? slash + 1 : path);
    static const char *const suffixes[] = {".gz", ".txt", ".moo", ".MOO", ".answers", ".elf"};
    for (size_t i = 0; i < ARRAY_LENGTH(suffixes); i++)
        if (has_suffix(stem, suffixes[i]))
            stem[strlen(stem) - strlen(suffixes[i])] = 0;
}

static bool read_file(struct vector_file *file, struct error *err)
{
    gzFile stream = gzopen(file->path, "rb");
    if (!stream)
        return error_set_errno(err, "%s", file->path);
    gzbuffer(stream, 1 << 16);
    size_t room = 1 << 20;
    file->bytes = mem_resize(NULL, room);
    int got;
    while ((got = gzread(stream, file->bytes + file->size, (unsigned)(room - file->size - 1))) >
           0) {
        file->size += (size_t)got;
        if (room - file->size < 1 << 16) {
            room *= 2;
            file->bytes = mem_resize(file->bytes, room);
        }
    }
    int code = Z_OK;
    const char *why = gzerror(stream, &code);
    bool ok = got == 0 && (code == Z_OK || code == Z_STREAM_END);
    if (!ok)
        error_set(err, "%s: %s", file->path, code == Z_ERRNO ? "cannot be read" : why);
    gzclose(stream);
    file->bytes[file->size] = 0;
    return ok;
}

/* The row of cpu/model.h with the most features. */
static const char *richest_model(void)
{
    const struct cpu_model *best = cpu_model_at(0), *row;
    for (unsigned i = 0; (row = cpu_model_at(i)) != NULL; i++)
        if (__builtin_popcountll(row->features) > __builtin_popcountll(best->features))
            best = row;
    return best->name;
}

enum format { FORMAT_MOO, FORMAT_FLOAT, FORMAT_ANSWERS, FORMAT_IMAGE, FORMAT_COUNT };

static enum format format_of(const struct vector_file *file)
{
    if (file->size >= 4 && memcmp(file->bytes, "MOO ", 4) == 0)
        return FORMAT_MOO;
    if (file->size >= 4 && memcmp(file->bytes, "\177ELF", 4) == 0)
        return FORMAT_IMAGE;
    if (has_suffix(file->path, ".answers") || has_suffix(file->path, ".answers.gz"))
        return FORMAT_ANSWERS;
    return FORMAT_FLOAT;
}

struct session {
    const struct isa_engine *engine;
    const char *cpu; /* NULL: by format */
    bool json, help, without_suites;
    int skipped_row;
    struct path_list list, suites; /* files; names of suites, none: all */
    bool searched;                 /* files were named, whether there were any or not */
    struct vector_machine *machines[FORMAT_COUNT]; /* made when the first file of a format comes */
    struct vector_report report;
};

static bool run_bytes(struct session *session, const struct vector_file *file, struct error *err)
{
    enum format format = format_of(file);
    const char *cpu = session->cpu ? session->cpu : format == FORMAT_MOO ? "386" : richest_model();
    if (format == FORMAT_IMAGE)
        return vectors_run_image(file, cpu_model_find(cpu), session->engine->engine,
                                 session->skipped_row, &session->report, err);
    struct vector_machine **machine = &session->machines[format];
    if (!*machine)
        *machine = vector_machine_new(cpu, session->engine->engine, err);
    if (!*machine)
        return false;
    (*machine)->skipped_row = session->skipped_row;
    switch (format) {
    case FORMAT_MOO:
        return vectors_run_moo(file, *machine, &session->report, err);
    case FORMAT_ANSWERS:
        return vectors_run_answers(file, *machine, &session->report, err);
    default:
        return vectors_run_float(file, *machine, &session->report, err);
    }
}

static void note(struct session *session, bool ok, const struct error *err)
{
    if (ok)
        return;
    fprintf(stderr, "anachron: %s\n", err->text);
    session->report.files_unread++;
}

static void run_files(struct session *session)
{
    for (size_t i = 0; i < session->list.count; i++) {
        struct error err;
        struct vector_file file = {.path = session->list.paths[i]};
        note(session, read_file(&file, &err) && run_bytes(session, &file, &err), &err);
        mem_free(file.bytes);
    }
}

static bool is_wanted(const struct session *session, const char *suite)
{
    char stem[64];
    vector_stem(suite, stem, sizeof stem);
    for (size_t i = 0; i < session->suites.count; i++)
        if (strcmp(session->suites.paths[i], stem) == 0)
            return true;
    return session->suites.count == 0;
}

/* Copies, because the formats want a zero behind the last byte. */
static void run_suites(struct session *session, const struct vector_suite *suites)
{
    for (; suites->name; suites++) {
        struct error err;
        if (!is_wanted(session, suites->name))
            continue;
        struct vector_file file = {suites->name, mem_new(suites->size + 1), suites->size};
        memcpy(file.bytes, suites->bytes, suites->size);
        note(session, run_bytes(session, &file, &err), &err);
        mem_free(file.bytes);
    }
}

static int run_all(struct session *session, const struct vector_suite *suites)
{
    if (!session->without_suites)
        run_suites(session, suites);
    run_files(session);
    vector_report_print(&session->report, session->engine->name, session->json, stdout);
    struct vector_counts total = vector_report_total(&session->report);
    bool failed = session->report.files_unread > 0 || total.failed > 0;
    if (!total.tested && !failed) {
        fprintf(stderr, "anachron: no test vectors in the files given\n");
        failed = true;
    }
    return failed ? EXIT_STATUS_HOST_ERROR : EXIT_STATUS_OK;
}

/* --- options --- */

static int usage_error(const char *format, const char *what)
{
    fputs("anachron: vectors: ", stderr);
    fprintf(stderr, format, what);
    fputs("; see `anachron vectors --help`\n", stderr);
    return EXIT_STATUS_USAGE;
}

/* The row that the report names "OPCODE MNEMONIC" and perhaps operands; SKIP_NONE. */
static int find_form(const char *name)
{
    for (unsigned i = 0; i < insn_row_count(); i++) {
        const struct insn_row *row = insn_row(i);
        char opcode[ISA_TEXT_SIZE], text[3 * ISA_TEXT_SIZE];
        isa_opcode_text(row, opcode);
        snprintf(text, sizeof text, "%s %s %s", opcode, row->mnemonic, row->operands);
        size_t length = strlen(name);
        if (strncmp(text, name, length) == 0 && (text[length] == ' ' || !text[length]))
            return (int)i;
    }
    return SKIP_NONE;
}

/* Takes an option that has a value. Returns -1 to go on. */
static int take_value(struct session *session, const char *word, const char *value)
{
    if (!value)
        return usage_error("unknown option, or no value for '%s'", word);
    if (strcmp(word, "--engine") == 0) {
        session->engine = isa_engine_find(value);
        return session->engine ? -1 : usage_error("no engine '%s' in this build", value);
    }
    if (strcmp(word, "--cpu") == 0) {
        session->cpu = value;
        session->report.model = cpu_model_find(value);
        return session->report.model ? -1 : usage_error("no CPU model '%s'", value);
    }
    if (strcmp(word, "--show") == 0) {
        session->report.show = (unsigned)strtoul(value, NULL, 10);
        return -1;
    }
    if (strcmp(word, "--suite") == 0) {
        path_list_add(&session->suites, value);
        return -1;
    }
    if (strcmp(word, "--skip") == 0) {
        session->skipped_row = strcmp(value, "all") == 0 ? SKIP_ALL : find_form(value);
        return session->skipped_row != SKIP_NONE ? -1 : usage_error("no form '%s'", value);
    }
    return usage_error("unknown option '%s'", word);
}

/* Takes an option without value. */
static bool take_flag(struct session *session, const char *word)
{
    bool *flag = strcmp(word, "--json") == 0        ? &session->json
                 : strcmp(word, "--help") == 0      ? &session->help
                 : strcmp(word, "--no-suites") == 0 ? &session->without_suites
                                                    : NULL;
    if (flag)
        *flag = true;
    return flag != NULL;
}

/* Returns the exit status to end with, or -1 to go on. */
static int parse(int argc, char **argv, struct session *session)
{
    bool only_files = false;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        struct error err;
        int status = -1;
        if (only_files || word[0] != '-') {
            session->searched = true;
            if (!collect(&session->list, word, &err)) {
                fprintf(stderr, "anachron: %s\n", err.text);
                status = EXIT_STATUS_HOST_ERROR;
            }
        } else if (strcmp(word, "--") == 0) {
            only_files = true;
        } else if (!take_flag(session, word)) {
            status = take_value(session, word, argv[i + 1]);
            i++;
        }
        if (status >= 0)
            return status;
    }
    if (session->help) {
        fputs(usage, stdout);
        return EXIT_STATUS_OK;
    }
    if (session->list.count || (!session->searched && !session->without_suites))
        return -1;
    if (!session->searched)
        return usage_error("%s", "--no-suites, and no files given");
    fprintf(stderr, "anachron: no test vectors below the directories given\n");
    return EXIT_STATUS_HOST_ERROR;
}

/* Returns -1 if every suite that is wanted exists. */
static int check_suites(const struct session *session, const struct vector_suite *suites)
{
    for (size_t i = 0; i < session->suites.count; i++) {
        char names[512] = "";
        bool known = false;
        for (const struct vector_suite *suite = suites; suite->name; suite++) {
            char stem[64];
            size_t used = strlen(names);
            vector_stem(suite->name, stem, sizeof stem);
            snprintf(names + used, sizeof names - used, " %s", stem);
            known |= strcmp(stem, session->suites.paths[i]) == 0;
        }
        if (!known)
            return usage_error("no such built-in suite; there are:%s", names);
    }
    return -1;
}

int vectors_main(int argc, char **argv, const struct vector_suite *suites)
{
    struct session session = {.engine = isa_engine_at(0), .skipped_row = SKIP_NONE};
    vector_report_init(&session.report);
    int status = parse(argc, argv, &session);
    if (status < 0)
        status = check_suites(&session, suites);
    if (status < 0)
        status = run_all(&session, suites);
    for (unsigned i = 0; i < FORMAT_COUNT; i++)
        vector_machine_free(session.machines[i]);
    vector_report_free(&session.report);
    path_list_free(&session.list);
    path_list_free(&session.suites);
    return status;
}
