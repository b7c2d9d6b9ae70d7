/* The command: options, the list of files, decompression, which loader. */
#include "machine/vectors.h"

#include "base/memory.h"
#include "cpu/model.h"
#include "machine/vectors_run.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

static const char usage[] =
    "usage: anachron vectors [--engine interp] [--cpu MODEL] [--json] [--show N] FILE...\n"
    "Runs processor test vectors (MOO or TestFloat files, or directories of them; .gz too)\n"
    "and prints, per opcode form, how many cases passed and failed.\n"
    "  --engine E   the engine that executes: interp\n"
    "  --cpu MODEL  processor model (default: 386 for MOO files, the newest for TestFloat)\n"
    "  --json       the report as JSON\n"
    "  --show N     describe the first N failures of each file on standard error\n"
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

static bool has_suffix(const char *text, const char *suffix)
{
    size_t length = strlen(text), tail = strlen(suffix);
    return length >= tail && strcmp(text + length - tail, suffix) == 0;
}

static bool is_vector_name(const char *name)
{
    if (has_suffix(name, ".moo") || has_suffix(name, ".moo.gz") || has_suffix(name, ".MOO") ||
        has_suffix(name, ".MOO.gz"))
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
    static const char *const suffixes[] = {".gz", ".txt", ".moo", ".MOO"};
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

/* Machines are made when the first file of their format comes. */
struct session {
    struct vector_options options;
    struct vector_machine *moo_machine, *float_machine;
    struct vector_report report;
};

static bool run_file(struct session *session, const char *path, struct error *err)
{
    struct vector_file file = {.path = path};
    bool ok = read_file(&file, err);
    bool is_moo = file.size >= 4 && memcmp(file.bytes, "MOO ", 4) == 0;
    struct vector_machine **machine = is_moo ? &session->moo_machine : &session->float_machine;
    if (ok && !*machine) {
        const char *cpu = session->options.cpu;
        *machine = vector_machine_new(cpu ? cpu : is_moo ? "386" : richest_model(), err);
        ok = *machine != NULL;
    }
    if (ok)
        ok = is_moo ? vectors_run_moo(&file, *machine, &session->report, err)
                    : vectors_run_float(&file, *machine, &session->report, err);
    mem_free(file.bytes);
    return ok;
}

static int run_all(struct session *session, const struct path_list *list, bool json)
{
    for (size_t i = 0; i < list->count; i++) {
        struct error err;
        if (!run_file(session, list->paths[i], &err)) {
            fprintf(stderr, "anachron: %s\n", err.text);
            session->report.files_unread++;
        }
    }
    vector_report_print(&session->report, "interp", json);
    bool failed = session->report.files_unread > 0;
    unsigned long tested = 0;
    for (size_t i = 0; i < session->report.count; i++) {
        failed |= session->report.rows[i].failed > 0;
        tested += session->report.rows[i].tested;
    }
    if (!tested && !failed) {
        fprintf(stderr, "anachron: no test vectors in the files given\n");
        failed = true;
    }
    return failed ? EXIT_STATUS_HOST_ERROR : EXIT_STATUS_OK;
}

static int usage_error(const char *format, const char *what)
{
    fputs("anachron: vectors: ", stderr);
    fprintf(stderr, format, what);
    fputs("; see `anachron vectors --help`\n", stderr);
    return EXIT_STATUS_USAGE;
}

/* Reads options; returns the exit status to end with, or -1 to go on. */
static int parse(int argc, char **argv, struct session *session, struct path_list *list, bool *json)
{
    bool only_files = false, searched = false;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        struct error err;
        if (only_files || word[0] != '-') {
            searched = true;
            if (!collect(list, word, &err)) {
                fprintf(stderr, "anachron: %s\n", err.text);
                return EXIT_STATUS_HOST_ERROR;
            }
        } else if (strcmp(word, "--") == 0) {
            only_files = true;
        } else if (strcmp(word, "--json") == 0) {
            *json = true;
        } else if (strcmp(word, "--help") == 0) {
            fputs(usage, stdout);
            return EXIT_STATUS_OK;
        } else if (i + 1 == argc) {
            return usage_error("unknown option, or no value for '%s'", word);
        } else if (strcmp(word, "--engine") == 0) {
            if (strcmp(argv[++i], "interp") != 0)
                return usage_error("no engine '%s' in this build (there is: interp)", argv[i]);
        } else if (strcmp(word, "--cpu") == 0) {
            session->options.cpu = argv[++i];
        } else if (strcmp(word, "--show") == 0) {
            session->report.show = (unsigned)strtoul(argv[++i], NULL, 10);
        } else {
            return usage_error("unknown option '%s'", word);
        }
    }
    if (list->count)
        return -1;
    if (!searched)
        return usage_error("%s", "no files given");
    fprintf(stderr, "anachron: no test vectors below the directories given\n");
    return EXIT_STATUS_HOST_ERROR;
}

int vectors_main(int argc, char **argv)
{
    struct session session = {0};
    struct path_list list = {0};
    bool json = false;
    int status = parse(argc, argv, &session, &list, &json);
    if (status < 0)
        status = run_all(&session, &list, json);
    vector_machine_free(session.moo_machine);
    vector_machine_free(session.float_machine);
    vector_report_free(&session.report);
    for (size_t i = 0; i < list.count; i++)
        mem_free(list.paths[i]);
    mem_free(list.paths);
    return status;
}
