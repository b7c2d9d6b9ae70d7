/* See command_against.h. */
#include "cli/command_against.h"

#include "base/memory.h"
#include "cli/run_machine.h"
#include "record/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_WORDS = 64, LINE_SIZE = 256, PATH_SIZE = 4096, PAGE = 4096, SHOWN = 64 };

/* --- answering --- */

bool against_parse(const char *text, struct against_probe *probe, struct error *err)
{
    int end = 0;
    if (sscanf(text, "%" SCNu64 ":%" SCNu64 ":%" SCNu64 ":%u%n", &probe->base, &probe->from,
               &probe->every, &probe->count, &end) == 4 &&
        !text[end] && probe->count <= AGAINST_POINTS && probe->from >= probe->base)
        return true;
    return error_set(err, "--probe %s: give BASE:FROM:EVERY:COUNT", text);
}

/* RAM without its empty pages, as a sparse file. */
static bool dump_ram(struct machine *machine, const char *path)
{
    static const uint8_t zeros[PAGE];
    size_t size;
    const uint8_t *ram = machine_ram(machine, &size);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && ftruncate(fd, (off_t)size) == 0;
    for (size_t at = 0; ok && at < size; at += PAGE)
        ok = memcmp(ram + at, zeros, PAGE) == 0 || pwrite(fd, ram + at, PAGE, (off_t)at) == PAGE;
    return fd >= 0 && close(fd) == 0 && ok;
}

static bool dump(struct machine *machine, const char *path, struct error *err)
{
    char ram[PATH_SIZE];
    snprintf(ram, sizeof ram, "%s.ram", path);
    FILE *stream = fopen(path, "w");
    if (stream)
        machine_dump_state(machine, stream);
    if (stream && fclose(stream) == 0 && dump_ram(machine, ram))
        return true;
    return error_set_errno(err, "cannot write %s", path);
}

/* Runs to count and prints where that is. False: the machine has ended. */
static bool run_and_print(struct machine *machine, uint64_t count)
{
    bool goes_on = machine_run_to(machine, count);
    printf("%llu %016llx\n", (unsigned long long)machine_icount(machine),
           (unsigned long long)machine_state_hash(machine));
    return goes_on;
}

/* In a process of its own. */
static bool try_count(struct run *run, uint64_t count, struct error *err)
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        bool ok = run_unshare(run, err) && machine_unshare(run_machine_of(run), err);
        if (ok)
            run_and_print(run_machine_of(run), count);
        fflush(stdout);
        _exit(ok ? EXIT_STATUS_OK : EXIT_STATUS_HOST_ERROR);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
           error_set(err, "a forked process has died; is there memory for two machines?");
}

bool against_answer(const char *log, const struct against_probe *probe, enum engine engine,
                    int argc, char **argv, int *status, struct error *err)
{
    struct run *run = run_open_log(log, false, argc, argv, engine, status, err);
    if (!run)
        return false;
    struct machine *machine = run_machine_of(run);
    bool goes_on = true, ok = true, is_fine = probe->every < AGAINST_FINE && probe->count > 1;
    if (probe->base)
        machine_run_to(machine, probe->base);
    for (unsigned i = 0; i < probe->count && goes_on && ok; i++) {
        uint64_t count = probe->from + i * probe->every;
        if (is_fine)
            ok = try_count(run, count, err);
        else
            goes_on = run_and_print(machine, count);
    }
    if (ok && probe->dump)
        ok = dump(machine, probe->dump, err);
    run_close(run);
    return ok;
}

/* --- asking --- */

struct answer {
    unsigned count;
    uint64_t icount[AGAINST_POINTS], hash[AGAINST_POINTS];
};

struct search {
    const char *log, *build[2];
    int argc;
    char **argv;
};

static pid_t start(const struct search *search, const char *build,
                   const struct against_probe *probe, int output)
{
    char counts[96];
    const char *words[MAX_WORDS] = {build, "diverge", search->log, "--probe", counts};
    int count = 5;
    snprintf(counts, sizeof counts, "%" PRIu64 ":%" PRIu64 ":%" PRIu64 ":%u", probe->base,
             probe->from, probe->every, probe->count);
    if (probe->dump) {
        words[count++] = "--dump";
        words[count++] = probe->dump;
    }
    for (int i = 1; i < search->argc && count < MAX_WORDS - 1; i++)
        words[count++] = search->argv[i];
    pid_t pid = fork();
    if (pid == 0) {
        dup2(output, STDOUT_FILENO);
        execvp(build, (char **)words);
        fprintf(stderr, "anachron: error: cannot run %s: %s\n", build, strerror(errno));
        _exit(127);
    }
    return pid;
}

static bool ask(const struct search *search, unsigned side, const struct against_probe *probe,
                struct answer *answer, struct error *err)
{
    int ends[2], status = -1;
    char line[LINE_SIZE];
    const char *build = search->build[side];
    if (pipe(ends))
        return error_set_errno(err, "cannot make a pipe");
    pid_t pid = start(search, build, probe, ends[1]);
    close(ends[1]);
    FILE *stream = fdopen(ends[0], "r");
    *answer = (struct answer){0};
    while (stream && fgets(line, sizeof line, stream)) {
        unsigned i = answer->count;
        if (i < AGAINST_POINTS &&
            sscanf(line, "%" SCNu64 " %" SCNx64, &answer->icount[i], &answer->hash[i]) == 2)
            answer->count++;
    }
    if (stream)
        fclose(stream);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
           error_set(err, "%s cannot run the log, or is of a version that cannot be asked", build);
}

/* The first point at which the answers differ; count: they do not. */
static unsigned first_difference(const struct answer *a, const struct answer *b)
{
    unsigned count = a->count < b->count ? a->count : b->count;
    for (unsigned i = 0; i < count; i++)
        if (a->icount[i] != b->icount[i] || a->hash[i] != b->hash[i])
            return i;
    return count;
}

/* Narrows from (the same) and from + points * every (different). */
static bool narrow(const struct search *search, uint64_t limit, struct against_probe *probe,
                   bool *differ, struct error *err)
{
    *probe = (struct against_probe){.every = limit / (AGAINST_POINTS - 1) + 1};
    probe->count = AGAINST_POINTS;
    for (;;) {
        struct answer a, b;
        if (!ask(search, 0, probe, &a, err) || !ask(search, 1, probe, &b, err))
            return false;
        unsigned at = first_difference(&a, &b);
        *differ = at < a.count || a.count != b.count;
        if (!*differ)
            return true;
        if (at == 0)
            return probe->from == 0 || error_set(err,
                                                 "the builds differ after %" PRIu64
                                                 " instructions, and did not "
                                                 "when they were asked before",
                                                 probe->from);
        probe->from += (at - 1) * probe->every;
        if (probe->every == 1)
            return true;
        if (probe->every >= AGAINST_FINE)
            probe->base = probe->from;
        probe->every = probe->every <= AGAINST_POINTS - 1
                           ? 1
                           : (probe->every + AGAINST_POINTS - 2) / (AGAINST_POINTS - 1);
    }
}

/* --- telling --- */

static unsigned compare_texts(const char *first, const char *second, FILE *stream)
{
    FILE *a = fopen(first, "r"), *b = fopen(second, "r");
    char *line[2] = {NULL};
    size_t room[2] = {0};
    unsigned shown = 0;
    while (a && b && getline(&line[0], &room[0], a) > 0 && getline(&line[1], &room[1], b) > 0) {
        if (strcmp(line[0], line[1]) == 0 || shown++ >= SHOWN)
            continue;
        line[0][strcspn(line[0], "\n")] = 0;
        const char *value = strstr(line[1], " = ");
        fprintf(stream, "  %s, other%s", line[0], value ? value : line[1]);
    }
    free(line[0]);
    free(line[1]);
    if (a)
        fclose(a);
    if (b)
        fclose(b);
    return shown;
}

static void compare_ram(const char *first, const char *second, FILE *stream)
{
    FILE *a = fopen(first, "r"), *b = fopen(second, "r");
    uint8_t page[2][PAGE];
    unsigned shown = 0;
    uint64_t address = 0;
    while (a && b && fread(page[0], PAGE, 1, a) == 1 && fread(page[1], PAGE, 1, b) == 1) {
        for (unsigned i = 0; i < PAGE && shown < SHOWN; i++) {
            if (page[0][i] == page[1][i])
                continue;
            fprintf(stream, "  ram at %#llx: %02x, other %02x\n", (unsigned long long)address + i,
                    page[0][i], page[1][i]);
            shown++;
        }
        address += PAGE;
    }
    if (a)
        fclose(a);
    if (b)
        fclose(b);
}

/* Both states after count instructions, and how they differ. */
static bool tell(const struct search *search, uint64_t base, uint64_t count, FILE *stream,
                 struct error *err)
{
    char folder[] = "/tmp/anachron-diverge-XXXXXX", path[2][64], ram[2][72];
    struct answer answer;
    if (!mkdtemp(folder))
        return error_set_errno(err, "cannot make a folder in /tmp");
    bool ok = true;
    for (unsigned i = 0; i < 2; i++) {
        snprintf(path[i], sizeof path[i], "%s/%u", folder, i);
        snprintf(ram[i], sizeof ram[i], "%s.ram", path[i]);
        struct against_probe probe = {
            .base = base, .from = count, .every = 1, .count = 1, .dump = path[i]};
        ok = ok && ask(search, i, &probe, &answer, err);
    }
    if (ok) {
        fputs("fields and memory that differ:\n", stream);
        compare_texts(path[0], path[1], stream);
        compare_ram(ram[0], ram[1], stream);
    }
    for (unsigned i = 0; i < 2; i++) {
        unlink(path[i]);
        unlink(ram[i]);
    }
    rmdir(folder);
    return ok;
}

static bool find_end(const char *path, uint64_t *end, struct error *err)
{
    struct log_file log;
    if (!log_file_read(path, &log, err))
        return false;
    *end = journal_end(log.journal).stamp.icount;
    log_file_free(&log);
    return true;
}

bool against_search(const char *log, const char *other, uint64_t limit, int argc, char **argv,
                    FILE *stream, bool *differ, struct error *err)
{
    struct search search = {
        .log = log, .build = {"/proc/self/exe", other},
             .argc = argc, .argv = argv
    };
    struct against_probe probe;
    uint64_t end;
    if (!find_end(log, &end, err) ||
        !narrow(&search, end < limit ? end : limit, &probe, differ, err))
        return false;
    if (!*differ) {
        fprintf(stream, "this build and %s do the same: %" PRIu64 " instructions\n", other,
                end < limit ? end : limit);
        return true;
    }
    fprintf(stream,
            "this build and %s differ after %" PRIu64
            " instructions. They were the same after "
            "%" PRIu64 ".\n",
            other, probe.from + 1, probe.from);
    return tell(&search, probe.base, probe.from + 1, stream, err);
}
